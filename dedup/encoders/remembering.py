"""An encoder that keeps its vectors on disk, so that no text is encoded twice: not in a later run, nor after a break.

One SQLite file a model lies in the cache folder. A vector is known by a hash of its text; it is kept, and used from the
first time on, in 16-bit floats, so that a run that finds it and one that computes it give the same report.

Beside each vector stands a digest of it and its key. An entry that is not what was written is as if it were not there,
and is made again; so is a file that SQLite cannot read, which is removed: no vector can get lost, only its time.
"""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup.encoders.kept import cache_folder
from dedup.events import tell
from dedup.model import Vectors

if TYPE_CHECKING:
    from dedup.encoders import Encoder

MOST = 1_000_000
"""Vectors that are kept of a model, those written last: 0.8 GB of 384 dimensions."""

CHUNK = 2_048
"""Texts that are encoded between two writes: what an interrupted run keeps."""

VERSION = 2
"""Raise when the file's content changes: it is part of the file's name."""

_SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL, digest BLOB NOT NULL)"
_AT_ONCE = 500  # SQLite takes at least 999 parameters a query
_BUSY = 10.0  # seconds that another process may take to write

_LOG = logging.getLogger(__name__)


class RememberingEncoder:
    """Another encoder's vectors, computed at most once. A cache that cannot be used is passed over, with a note.

    ``found`` and ``made`` count the vectors that the cache had and those that it had not, of each call anew.
    """

    def __init__(self, encoder: "Encoder") -> None:
        self._encoder = encoder
        self._reads = self._writes = True
        self._renewed = False
        self._told = False
        self.found = 0
        self.made = 0

    @property
    def name(self) -> str:
        """Of the encoder behind."""
        return self._encoder.name

    @property
    def digest(self) -> str:
        """Of the encoder behind."""
        return self._encoder.digest

    @property
    def file(self) -> Path:
        """Where the vectors lie."""
        return cache_folder() / f"vectors-{self.digest[:12]}-v{VERSION}.sqlite"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text; see :class:`dedup.encoders.Encoder`."""
        keys = [_key(text) for text in texts]
        known = self._recall(list(dict.fromkeys(keys)))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        items = list(missing.items())
        if keys:
            found = len(known)
            told = f"vectors of {self.name}: {found:,} found in the cache, {len(items):,} to be made"
            tell(_LOG, "vectors", told, model=self.name, file=str(self.file), found=found, missing=len(items))
            self.found, self.made = self.found + found, self.made + len(items)
        for start in range(0, len(items), CHUNK):
            chunk = items[start : start + CHUNK]
            vectors = self._encoder.encode([text for _, text in chunk]).astype(np.float16)
            fresh = {key: vector.tobytes() for (key, _), vector in zip(chunk, vectors, strict=True)}
            known |= fresh
            self._remember(fresh)
        if not keys:
            return self._encoder.encode([])
        rows = np.frombuffer(b"".join(known[key] for key in keys), np.float16).reshape(len(keys), -1)
        vectors32 = rows.astype(np.float32)
        norms = np.linalg.norm(vectors32, axis=1, keepdims=True)
        unit: Vectors = vectors32 / np.maximum(norms, np.float32(1e-12))
        return unit

    def _recall(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        try:
            return self._recalled(keys) if self._reads else {}
        except _FAULTS as error:
            self._reads = self._put_right(error)
            return {}

    def _recalled(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        known: dict[bytes, bytes] = {}
        spoilt = 0
        with closing(self._opened()) as file:
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                places = ",".join("?" * len(part))
                for key, vector, digest in file.execute(
                    f"SELECT key, vector, digest FROM vectors WHERE key IN ({places})",  # noqa: S608
                    part,
                ):
                    if _is_as_written(key, vector, digest):
                        known[key] = vector
                    else:
                        spoilt += 1
        if spoilt:
            self._note(f"{spoilt:,} of the vectors in {self.file} are not what was written, and are made again")
        return known if len({len(vector) for vector in known.values()}) < 2 else {}

    def _remember(self, fresh: Mapping[bytes, bytes]) -> None:
        try:
            if self._reads and self._writes:
                self._write(fresh)
        except _FAULTS as error:
            self._writes = self._put_right(error)

    def _write(self, fresh: Mapping[bytes, bytes]) -> None:
        rows = ((key, vector, _digest(key, vector)) for key, vector in fresh.items())
        with closing(self._opened()) as file, file:
            file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
            file.execute("DELETE FROM vectors WHERE rowid <= (SELECT max(rowid) FROM vectors) - ?", (MOST,))

    def _opened(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        opened = sqlite3.connect(self.file, timeout=_BUSY)
        opened.execute(_SCHEMA)
        return opened

    def _put_right(self, error: Exception) -> bool:
        """Remove a file that is broken, the first time; whether the cache can be used again."""
        if _is_of_the_content(error) and not self._renewed:
            self._renewed = True
            self._note(f"the vectors in {self.file} are broken ({error}), and are made again")
            self._remove()
            return True
        _LOG.warning("vectors are not kept: %s: %s", self.file, error)
        return False

    def _remove(self) -> None:
        # The journal first: a new database would be rolled back by it. Who has the old one open goes on with that.
        for name in (f"{self.file.name}-journal", self.file.name):
            with suppress(OSError):  # then it is broken the next time, too, and passed over
                self.file.with_name(name).unlink(missing_ok=True)

    def _note(self, told: str) -> None:
        if not self._told:
            _LOG.warning("%s", told)
            self._told = True


_FAULTS = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What comes of a cache that cannot be used; the last, of what SQLite would say, which quotes what is spoilt."""


def _is_of_the_content(error: Exception) -> bool:
    """Whether the file can be read, and does not hold what it should."""
    if isinstance(error, UnicodeDecodeError):
        return True
    if not isinstance(error, sqlite3.Error):
        return False
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")  # none where Python cannot read what is stored
    return name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_ERROR"))


def _digest(key: bytes, vector: bytes) -> bytes:
    import xxhash

    return xxhash.xxh3_64_digest(key + vector)


def _is_as_written(key: Any, vector: Any, digest: Any) -> bool:  # noqa: ANN401 - a spoilt page may hold other types
    return isinstance(key, bytes) and isinstance(vector, bytes) and _digest(key, vector) == digest


def _key(text: str) -> bytes:
    import xxhash

    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))
