"""An index on disk: a folder with a SQLite database, and beside it the vectors in NumPy files that are mapped.

    INDEX/
      dedup-index.json        of what format the index is, which database counts, and its digest
      records-….sqlite        everything but the vectors, and which files of vectors there are
      vectors-….npy           document vectors in whole steps, shape (texts, dimensions), int16
      owners-….npy            whose they are: row, writing, and a rank among equals, shape (texts,)
      lock                    held by the process that writes

What the first file does not lead to is not there. A change is one transaction of the database. Files of vectors are
never changed, only added before the transaction and deleted after it, so that a process that dies in between leaves
files that nobody looks at and the next writer removes. A new index is a database of another name, which counts from the
moment that one rename puts its name into the first file.

Readers see the state before or after, never a part, and keep it as long as they like; one process writes at a time.
Neither waits for the other: changes are written ahead, into a log beside the database (https://sqlite.org/wal.html).
For this, readers write a little, too (who reads how much of the log). One that may not write shares the lock with
others of its kind, and a writer waits for them. The log needs memory that processes share: an index that is changed
lies on a disk of the machine, not on one of the network.

An index may come from elsewhere. Nothing in it is code: no pickle, and a database with triggers, views or tables of its
own is refused. Nothing in it leads out of its folder: links are refused, and names of files that are not of its making.

Whatever is read was written: all of the database is held against its digest when it is opened, vectors and owners
against theirs when they are first asked for (once a process, while nobody touches the files). A writer does so before
it changes anything, lest it vouch for what it has not written. The digest in the first file is that of one state of the
database, by a token that changes with it. While that is another one, there is nothing to hold it against: between a
change and its digest, after a writer was killed there, and after one that met a reader of an older state, for whose
sake SQLite keeps what is new in the log. The next change makes a new digest.
"""

import fcntl
import json
import logging
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dedup.errors import InputError, UnusableIndexError
from dedup.read.remote import is_remote, local_path
from dedup.report.json_file import write_atomically
from dedup.workers import processors, result_of, unbroken

POINTER = "dedup-index.json"
LOCK = "lock"

FORMAT = 2
"""Raise when an older index cannot be used any more: when what is stored changes, or what a sketch makes of a text."""

PATIENCE = 60.0
"""Seconds for which a writer waits for another one, and for readers that may not write."""

MOST_PARTS = 8
"""Files of vectors above which they are put together in one."""

MOST_DEAD = 0.5
"""Share of vectors without an owner, likewise."""

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- What is known of every record but its text. digest: of the text as it is compared; equal ones are one text.
CREATE TABLE records (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT, line INTEGER, language TEXT NOT NULL, source_url TEXT,
  source_key TEXT, names_article INTEGER, characters INTEGER NOT NULL, content BLOB NOT NULL, digest TEXT NOT NULL,
  beyond INTEGER NOT NULL
);
CREATE INDEX records_by_digest ON records (digest, id);
CREATE INDEX records_by_path ON records (path);
CREATE INDEX records_by_key ON records (source_key, id) WHERE names_article;

-- Its sketch: the text in segments, and what was measured of it (dedup.index.sketches).
CREATE TABLE sketches (row INTEGER PRIMARY KEY, fingerprint BLOB NOT NULL, steps BLOB NOT NULL, norms BLOB NOT NULL);

-- Of every different text the record that stands for it, which is the first by id; its passages; and by what it is
-- found when boilerplate counts little.
CREATE TABLE works (
  row INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, passages BLOB NOT NULL, widths BLOB NOT NULL,
  beyond BLOB NOT NULL, bands BLOB NOT NULL, figures TEXT NOT NULL, part INTEGER NOT NULL, place INTEGER NOT NULL
);
CREATE TABLE bands (band INTEGER, row INTEGER, PRIMARY KEY (band, row)) WITHOUT ROWID;
CREATE TABLE figures (figure TEXT, row INTEGER, PRIMARY KEY (figure, row)) WITHOUT ROWID;

CREATE TABLE boilerplate (passage INTEGER PRIMARY KEY);
CREATE TABLE verdicts (sample BLOB PRIMARY KEY, verdict INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE writings (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE parts (
  part INTEGER PRIMARY KEY, name TEXT NOT NULL, count INTEGER NOT NULL, vectors BLOB NOT NULL, owners BLOB NOT NULL
); -- digests of the two arrays
CREATE TABLE dead (part INTEGER, place INTEGER, PRIMARY KEY (part, place)) WITHOUT ROWID;
"""

OWNER = np.dtype([("row", np.int64), ("writing", np.int32), ("rank", np.uint64)])
"""Of a vector: the row of its work, the code of its writing, and a number that depends on the text alone, by which
equally near texts are ordered."""

Owners = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what an index was made: what has to be the same when it is used."""

    tool: str
    settings: Mapping[str, Any]
    encoder: Mapping[str, str]


def is_index(path: str | Path) -> bool:
    """Whether a path leads to an index, of whatever version; a URL never does."""
    if is_remote(str(path)):
        return False
    return (Path(local_path(str(path))) / POINTER).is_file()


def refuse_unfinished(path: str | Path) -> None:
    """Raises :class:`UnusableIndexError` where a path leads to what a writer left that was stopped before there was an
    index, or to an index that has lost its beginning: as a folder of texts it would hold none.
    """
    folder = Path(path)
    if is_index(folder) or not folder.is_dir():
        return
    with suppress(OSError), os.scandir(folder) as entries:  # who reads its texts tells why it cannot be read
        if any(_OURS.fullmatch(entry.name) for entry in entries):
            raise UnusableIndexError(f"{folder}: an index without {POINTER}, unfinished or broken: {_rebuild()}")


class Part:
    """The vectors of a file, mapped, shape (texts, dimensions)."""

    def __init__(self, file: Path, mapped: NDArray[np.int16], digest: bytes) -> None:
        self._file = file
        self._mapped = mapped
        self._digest = digest

    @property
    def dimensions(self) -> int:
        """Of each vector."""
        dimensions: int = self._mapped.shape[1]
        return dimensions

    @cached_property
    def vectors(self) -> NDArray[np.int16]:
        """All of them. Raises :class:`UnusableIndexError` where they are not what was written."""
        if _digest(self._mapped) != self._digest:
            raise broken(self._file.parent, f"not what was written: {self._file.name}")
        return self._mapped


@dataclass(frozen=True, slots=True)
class Vectors:
    """All vectors with an owner, by the rank of their texts: ``owners`` has shape (texts,), ``places`` (2, texts): part
    and place in it.
    """

    parts: Sequence[Part]
    places: NDArray[np.int64]
    owners: Owners

    def take(self, positions: NDArray[np.integer]) -> NDArray[np.int16]:
        """Some of them, shape (positions, dimensions)."""
        part, place = self.places[:, positions]
        dimensions = self.parts[0].dimensions if self.parts else 0
        taken = np.empty((len(positions), dimensions), np.int16)
        for number, of_file in enumerate(self.parts):
            here = np.flatnonzero(part == number)
            taken[here] = of_file.vectors[place[here]]
        return taken


class Store:
    """An open index: its database within one transaction, and its vectors."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder = folder
        self.database = database
        self.vectors = Vectors((), np.empty((2, 0), np.int64), np.empty(0, OWNER))
        """Of an index that is read: those that have an owner."""

    # --- opening

    @classmethod
    @contextmanager
    def reading(cls, folder: Path) -> Iterator["Store"]:
        """The index as it is now, until the end of the block, whatever others write. Raises
        :class:`UnusableIndexError` where there is none that this version can read.
        """
        _refuse_links(folder)
        with _explained(folder), ExitStack() as opened:
            yield cls._now(folder, opened)

    @classmethod
    def _now(cls, folder: Path, opened: ExitStack) -> "Store":
        """The index in the midst of reading, so that what it sees stays, its vectors mapped. A database may be replaced
        and deleted, or just its vectors, in the moment in which it is opened: then there are others.
        """
        failed: list[tuple[Path, list[str]]] = []
        while True:
            path = _current(folder)
            names: list[str] = []
            with ExitStack() as tried:
                tried.enter_context(_opened_files)
                try:
                    store = cls(folder, _seen(path, tried))
                    names += store.names_of_parts()
                    store.vectors = store.map_vectors()
                    pointer = _pointed(folder)
                    if path == folder / pointer.database:
                        store._verify(pointer)
                except (sqlite3.DatabaseError, UnicodeDecodeError, UnusableIndexError):
                    if (path, names) in failed:
                        raise
                    failed.append((path, names))
                    continue
                if path == folder / pointer.database:
                    opened.push(tried.pop_all())
                    return store

    @classmethod
    @contextmanager
    def writing(cls, folder: Path) -> Iterator["Store"]:
        """The index, to be changed by this process alone: all that the block does, or nothing if it raises."""
        _current(folder)  # there is no sense in waiting for what is no index
        _refuse_links(folder)
        with (
            _lock(folder),
            _explained(folder),
            _opened_files,
            closing(_connected(_current(folder))) as database,
        ):
            database.execute("BEGIN IMMEDIATE")
            try:
                _check_schema(folder, database)
                store = cls(folder, database)
                pointer = _pointed(folder)
                verified = store._verify(pointer)
                before = database.total_changes
                yield store
                if database.total_changes != before or not verified:
                    store._mark_change()
                    database.execute("COMMIT")
                    store._keep_digest(pointer)
                else:
                    database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
            finally:
                _remove_leftovers(folder)

    @classmethod
    @contextmanager
    def creating(cls, folder: Path, stamp: Stamp) -> Iterator["Store"]:
        """A new index, which takes the place of one that is there, of whatever version, at the end of the block."""
        _make_folder(folder)
        with _lock(folder), _explained(folder):
            try:
                path = folder / f"records-{secrets.token_hex(8)}.sqlite"
                with closing(_connected(path, "rwc")) as database:
                    store = cls(folder, database)
                    # The file is nobody's yet: it needs no journal, only to be on disk before it counts.
                    database.execute("PRAGMA journal_mode = OFF")
                    database.execute("PRAGMA synchronous = OFF")
                    database.executescript(_SCHEMA)
                    database.execute("BEGIN")
                    store.stamp(stamp)
                    yield store
                    database.execute("COMMIT")
                    database.execute("PRAGMA journal_mode = WAL")
                    change = store._change()
                _sync(path)
                _sync(folder)
                with _opened_files:
                    _point(folder, _Pointer(FORMAT, path.name, change, _opened_files.digest(path)))
                _sync(folder)
            finally:
                _remove_leftovers(folder)

    # --- its stamp

    def stamp(self, stamp: Stamp) -> None:
        """Write by what the index is made."""
        for name in ("tool", "settings", "encoder"):
            value = json.dumps(getattr(stamp, name), sort_keys=True)
            self.database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
        self._mark_change()

    def stamped(self) -> Stamp:
        """By what it was made."""
        told = self._told()
        try:
            found = {name: json.loads(told[name]) for name in ("tool", "settings", "encoder")}
            return Stamp(found["tool"], found["settings"], found["encoder"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise broken(self.folder, error) from error

    def _told(self) -> dict[str, str]:
        """What the index says of itself, which has a digest of its own: that of the whole depends on it."""
        told = dict(self.database.execute("SELECT name, value FROM meta"))
        if told.pop(_DIGEST, None) != _digest_of_told(told):
            raise broken(self.folder, "not what was written: by what it was made")
        return told

    def _change(self) -> str:
        """A token of this state of the database."""
        return self._told()[_CHANGE]

    def _mark_change(self) -> None:
        told = dict(self.database.execute("SELECT name, value FROM meta WHERE name != ?", (_DIGEST,)))
        told[_CHANGE] = secrets.token_hex(8)
        told[_DIGEST] = _digest_of_told(told)
        self.database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", told.items())

    # --- its digest

    def _verify(self, pointer: "_Pointer") -> bool:
        """Whether the database is what was written; False where that cannot be said. Raises
        :class:`UnusableIndexError` where it is not.
        """
        if self._change() != pointer.change:
            return False
        # Of the state that this connection sees, nothing is in the log. So while it reads, no one changes the file.
        if not _opened_files.is_as_written(self.folder / pointer.database, pointer.digest):
            raise broken(self.folder, _damage(self.folder) or f"not what was written: {pointer.database}")
        return True

    def _keep_digest(self, pointer: "_Pointer") -> None:
        """Say of the state that was just made what it is held against. What hinders that undoes nothing."""
        try:
            busy, logged, moved = self.database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if not busy and logged == moved:
                digest = _opened_files.digest(self.folder / pointer.database)
                _point(self.folder, _Pointer(FORMAT, pointer.database, self._change(), digest))
        except (sqlite3.Error, OSError, InputError) as error:
            told = "until the next change, it cannot be told whether the index is what was written"
            logging.getLogger(__name__).warning("%s: %s: %s", self.folder, told, error)

    # --- vectors

    def add_vectors(self, vectors: NDArray[np.int16], owners: Owners) -> int:
        """Write a part; its number. Vectors have shape (texts, dimensions), owners (texts,)."""
        name = secrets.token_hex(8)
        for kind, array in (("vectors", vectors), ("owners", owners)):
            path = self.folder / f"{kind}-{name}.npy"
            with _written(self.folder), path.open("xb") as file:
                np.save(file, array, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        _sync(self.folder)
        part = self.database.execute(
            "INSERT INTO parts (name, count, vectors, owners) VALUES (?, ?, ?, ?)",
            (name, len(vectors), _digest(vectors), _digest(owners)),
        ).lastrowid
        assert part is not None  # noqa: S101 - sqlite3 gives it for every INSERT
        return part

    def names_of_parts(self) -> list[str]:
        """Of the files of vectors that there are."""
        return [name for (name,) in self.database.execute("SELECT name FROM parts ORDER BY part")]

    def map_vectors(self) -> Vectors:
        """Those that have an owner, as the database has it now."""
        dead: dict[int, list[int]] = {}
        for part, place in self.database.execute("SELECT part, place FROM dead"):
            dead.setdefault(part, []).append(place)
        parts: list[Part] = []
        owners, places = [], []
        query = "SELECT part, name, count, vectors, owners FROM parts ORDER BY part"
        for part, name, *told in self.database.execute(query):
            mapped, whose = self._loaded(name, *told)
            alive = np.ones(len(whose), np.bool_)
            alive[dead.get(part, [])] = False
            place = np.flatnonzero(alive)
            places.append(np.stack([np.full(len(place), len(parts)), place]))
            owners.append(whose[alive])
            parts.append(mapped)
        if not parts:
            return Vectors((), np.empty((2, 0), np.int64), np.empty(0, OWNER))
        together = np.concatenate(owners)
        order = np.argsort(together["rank"], kind="stable")
        return Vectors(tuple(parts), np.concatenate(places, axis=1)[:, order], together[order])

    def _loaded(self, name: str, count: int, digest: bytes, owners_digest: bytes) -> tuple[Part, Owners]:
        """The vectors and owners of a part, which has ``count`` of them, and the digests of both."""
        if not _PART.fullmatch(name):
            raise broken(self.folder, f"it names no vectors: {name!r}")
        try:
            vectors = np.load(self.folder / f"vectors-{name}.npy", mmap_mode="r", allow_pickle=False)
            owners = np.load(self.folder / f"owners-{name}.npy", allow_pickle=False)
        except MemoryError:
            raise
        except Exception as error:  # NumPy evaluates the head of a file, and of a spoilt one nearly anything comes
            raise broken(self.folder, " ".join(str(error).split()) or type(error).__name__) from error
        if (vectors.dtype, vectors.ndim, len(vectors), len(owners)) != (np.int16, 2, count, count):
            raise broken(self.folder, f"not the vectors of {count} texts: vectors-{name}.npy")
        if owners.dtype != OWNER or _digest(owners) != owners_digest:
            raise broken(self.folder, f"not what was written: owners-{name}.npy")
        return Part(self.folder / f"vectors-{name}.npy", vectors, digest), owners

    def merge_parts(self) -> None:
        """Put all vectors into one part, if they have become too many parts or many have no owner any more."""
        total, parts = self.database.execute("SELECT coalesce(sum(count), 0), count(*) FROM parts").fetchone()
        (dead,) = self.database.execute("SELECT count(*) FROM dead").fetchone()
        if parts <= MOST_PARTS and dead <= MOST_DEAD * total:
            return
        living = self.map_vectors()
        self.database.execute("DELETE FROM dead")
        self.database.execute("DELETE FROM parts")
        if len(living.owners):
            part = self.add_vectors(living.take(np.arange(len(living.owners))), living.owners)
            rows = living.owners["row"].tolist()
            self.database.executemany(
                "UPDATE works SET part = ?, place = ? WHERE row = ?",
                ((part, place, row) for place, row in enumerate(rows)),
            )

    # --- little helpers

    def select(self, query: str, values: Iterable[Any]) -> Iterator[Any]:
        """The rows of a query with ``IN (?)``, for any number of values."""
        rest = list(values)
        for start in range(0, len(rest), _AT_ONCE):
            some = rest[start : start + _AT_ONCE]
            yield from self.database.execute(query.replace("(?)", f"({','.join('?' * len(some))})"), some)


_CHANGE, _DIGEST = "change", "digest"
"""What the index says of itself besides its stamp."""


def _digest(array: NDArray[Any]) -> bytes:
    import xxhash

    return xxhash.xxh3_128_digest(np.ascontiguousarray(array).view(np.uint8).data)


def _digest_of_told(told: Mapping[str, str]) -> str:
    import xxhash

    return xxhash.xxh3_128_hexdigest(json.dumps(sorted(told.items())).encode())


_AT_ONCE = 500  # SQLite takes at least 999 parameters a query


class _OpenedFiles:
    """Databases that are read beside SQLite, to make their digests.

    A process that closes a file loses all its locks on it, SQLite's too (https://sqlite.org/howtocorrupt.html, 2.2).
    So they are closed when the last index of this process is.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._indexes = 0
        self._handles: dict[tuple[int, int], int] = {}
        self._held: tuple[tuple[int, ...], str] | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._indexes += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._indexes -= 1
            while self._handles and not self._indexes:
                os.close(self._handles.popitem()[1])

    def digest(self, path: Path) -> str:
        """Of a file as it is now. Raises :class:`OSError`."""
        return self._read(path)[1]

    def is_as_written(self, path: Path, digest: str) -> bool:
        """Whether a file has this digest; read at most once while nobody touches it. Raises :class:`OSError`."""
        if self._held == (_state_of(path), digest):
            return True
        state, found = self._read(path)
        if found == digest:
            self._held = state, found
        return found == digest

    def _read(self, path: Path) -> tuple[tuple[int, ...], str]:
        """What a file looks like from outside, and its digest."""
        state = device, number, size, *_ = _state_of(path)
        with self._lock:
            handle = self._handles.get((device, number))
            if handle is None:
                handle = self._handles[device, number] = os.open(path, os.O_RDONLY)
        return state, _digest_of_file(handle, size)


def _state_of(path: Path) -> tuple[int, ...]:
    there = path.stat()
    return there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns


def _digest_of_file(handle: int, size: int) -> str:
    """That of the digests of its blocks, which several threads make: one reads 3 GB a second."""
    import xxhash

    def of_block(start: int) -> bytes:
        return xxhash.xxh3_128_digest(os.pread(handle, _BLOCK, start))

    starts = range(0, size, _BLOCK)
    if len(starts) < 2:
        return xxhash.xxh3_128_hexdigest(b"".join(map(of_block, starts)))
    with ThreadPoolExecutor(min(_THREADS, processors())) as pool:
        with unbroken():
            digests = [pool.submit(of_block, start) for start in starts]
        return xxhash.xxh3_128_hexdigest(b"".join(map(result_of, digests)))


_BLOCK = 2**22
_THREADS = 4

_opened_files = _OpenedFiles()


class _Pointer(msgspec.Struct):
    """What the first file says: ``digest`` is that of the database in the state of the token ``change``."""

    format: int
    database: str = ""
    change: str = ""
    digest: str = ""


def _point(folder: Path, pointer: _Pointer) -> None:
    """Let this be what counts. Raises :class:`InputError` where it cannot be written."""
    write_atomically(folder / POINTER, msgspec.json.encode(pointer) + b"\n")


def _current(folder: Path) -> Path:
    """The database that counts. Raises :class:`UnusableIndexError` where there is none that this version can read."""
    return folder / _pointed(folder).database


def _pointed(folder: Path) -> _Pointer:
    """What the first file says. Raises :class:`UnusableIndexError` where that is nothing that this version can read."""
    try:
        pointer = msgspec.json.decode((folder / POINTER).read_bytes(), type=_Pointer)
    except (FileNotFoundError, NotADirectoryError):
        if folder.is_dir():
            what = "a folder without an index"
        else:
            what = "a file, no index" if folder.exists() else "no such index"
        raise UnusableIndexError(f"{folder}: {what}: {_rebuild('make one')}") from None
    except OSError as error:
        raise UnusableIndexError(f"{folder}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # those of msgspec are ValueErrors
        raise broken(folder, error) from error
    if pointer.format != FORMAT:
        raise UnusableIndexError(
            f"{folder}: an index of format {pointer.format}, and this version of dedup uses format {FORMAT}: "
            f"{_rebuild()}"
        )
    if not _DATABASE.fullmatch(pointer.database):
        raise broken(folder, f"it names no database: {pointer.database!r}")
    if not pointer.change or not pointer.digest:
        raise broken(folder, "it names no digest")
    return pointer


_PART = re.compile(r"[0-9a-f]{16}")
_DATABASE = re.compile(rf"records-{_PART.pattern}\.sqlite")
_OURS = re.compile(
    rf"(?P<database>{_DATABASE.pattern})(-wal|-shm|-journal)?"
    rf"|(vectors|owners)-(?P<part>{_PART.pattern})\.npy"
    rf"|(?P<unfinished>\.dedup-{_PART.pattern}\.tmp)"
)
"""What an index is made of, or leaves when its writer is killed. Whatever else lies in its folder is not touched."""


def _rebuild(what: str = "make it anew") -> str:
    return f"{what} with dedup index build INDEX PATH..."


def _connected(path: Path, mode: str = "rw") -> sqlite3.Connection:
    """A connection without transactions of its own accord; ``mode`` is as in a URI of SQLite."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    database = sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None)
    # "Security Considerations" of sqlite.org/security.html: whoever wrote the file may not be a friend.
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    return database


@cache
def _own_schema() -> frozenset[tuple[str, str]]:
    """Kind and name of all that the database of an index has."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(_SCHEMA)
        return _schema_of(database)


def _schema_of(database: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    return frozenset(database.execute("SELECT type, name FROM sqlite_master"))


def _check_schema(folder: Path, database: sqlite3.Connection) -> None:
    """Raises :class:`UnusableIndexError` where there is more in the database, or less: a trigger or a view would have
    others decide what reading and writing do.
    """
    if strange := sorted(_schema_of(database) ^ _own_schema()):
        kind, name = strange[0]
        raise broken(folder, f"{kind} {name!r} is too much or missing")


def _seen(path: Path, opened: ExitStack) -> sqlite3.Connection:
    """A connection in the midst of reading, and what keeps others from changing what it sees.

    It may write, where it can, though it only reads: it tells others what it reads, and after a writer was killed, the
    next one that opens the database puts it right. Where it cannot, or the disk is full, it leaves nothing behind.
    """
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        try:
            return _begun(path, "rw", opened)
        except sqlite3.OperationalError as error:
            if not _is_of_the_system(error):
                raise
    opened.enter_context(_lock(path.parent, shared=True))
    return _begun(path, _mode_without_writing(path), opened)


def _begun(path: Path, mode: str, opened: ExitStack) -> sqlite3.Connection:
    database = opened.enter_context(closing(_connected(path, mode)))
    database.execute("BEGIN")
    _check_schema(path.parent, database)
    database.execute("SELECT count(*) FROM parts").fetchone()  # from now on nothing changes for this connection
    return database


def _mode_without_writing(path: Path) -> str:
    """For a process that has the lock, alone or with others of its kind."""
    return "ro&readonly_shm=1" if _has_log(path) else "ro&immutable=1"


def _has_log(path: Path) -> bool:
    """Whether there are changes of a database that are not yet in it."""
    with suppress(FileNotFoundError):
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    return False


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """What SQLite says as an error of dedup."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if _name_of(error).startswith("SQLITE_BUSY"):
            raise UnusableIndexError(f"{folder}: in use by another process for {PATIENCE:.0f} s: try again") from error
        if not _is_of_the_system(error):
            raise broken(folder, error) from error
        if is_index(folder) and not _current(folder).exists():
            raise broken(folder, f"{_current(folder).name} is not there") from error
        raise UnusableIndexError(f"{folder}: cannot be read or written: {error}") from error
    except UnicodeDecodeError as error:  # of what SQLite would say, which quotes what is spoilt
        raise broken(folder, error) from error
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        # A spoilt page may hold values, but not those that were written; then what depends on them fails somewhere.
        raise broken(folder, _damage(folder) or f"or a fault of dedup: {type(error).__name__}: {error}") from error


def _damage(folder: Path) -> str | None:
    """What SQLite finds wrong with the database when it looks at every page; None where that is nothing, which does not
    mean that all values are those that were written.
    """
    try:
        with closing(_connected(_current(folder), "ro")) as database:
            (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    except UnusableIndexError:  # not there yet
        return None
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return str(error)
    return None if found == "ok" else " ".join(str(found).split())


def _is_of_the_system(error: sqlite3.Error) -> bool:
    """Whether files cannot be read or written, whatever is in them."""
    return _name_of(error).startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN"))


def _name_of(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "")  # none where Python cannot read what is stored


def broken(folder: Path, why: object) -> UnusableIndexError:
    """What to say of an index that does not hold what it should."""
    return UnusableIndexError(f"{folder}: broken ({why}): {_rebuild()}")


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    """What the system says where nothing can be written, as an error of dedup."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from error


def _make_folder(folder: Path) -> None:
    with _written(folder):
        folder.mkdir(exist_ok=True)
        _refuse_links(folder)
        strangers = [] if is_index(folder) else [one.name for one in folder.iterdir() if not _is_ours(one.name)]
    if strangers:
        raise InputError(f"{folder}: a folder with other files ({strangers[0]}, ...) will not become an index")


def _refuse_links(folder: Path) -> None:
    """Raises :class:`UnusableIndexError` where a file of the index is a link, a pipe or the like: what is written to it
    would be written elsewhere.
    """
    with suppress(OSError), os.scandir(folder) as entries:  # who reads the index tells why it cannot be read
        for entry in entries:
            is_regular = entry.is_file(follow_symlinks=False) or not os.path.lexists(entry)  # gone by now
            if _is_ours(entry.name) and not is_regular:
                raise UnusableIndexError(f"{folder}: {entry.name} is no regular file: {_rebuild('make one elsewhere')}")


def _is_ours(name: str) -> bool:
    return name in (LOCK, POINTER) or _OURS.fullmatch(name) is not None


@contextmanager
def _lock(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """The right to write, or with others to keep what is written. It ends with the process, however that ends."""
    try:
        handle = os.open(folder / LOCK, os.O_NOFOLLOW | (os.O_RDONLY if shared else os.O_RDWR | os.O_CREAT), 0o666)
    except OSError as error:
        if not shared:
            raise InputError(f"{folder}: cannot be written: {error.strerror}") from error
        raise UnusableIndexError(f"{folder}: cannot be read: {error.strerror}: {folder / LOCK}") from error
    _handles.add(handle)
    try:
        _acquire(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, folder)
        yield
    finally:
        _handles.discard(handle)
        os.close(handle)


def _acquire(handle: int, operation: int, folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(handle, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                what = "writing" if operation == fcntl.LOCK_SH else "writing, or reading without leave to write,"
                raise UnusableIndexError(
                    f"{folder}: another process has been {what} for {PATIENCE:.0f} s: try again"
                ) from None
            time.sleep(0.05)


_handles: set[int] = set()
"""Locks of this process. A forked one would hold them with it, and on when it is killed."""


def _let_go() -> None:
    while _handles:
        os.close(_handles.pop())


os.register_at_fork(after_in_child=_let_go)


def _remove_leftovers(folder: Path) -> None:
    """Remove databases that do not count, and vectors that the one that does has not named. Only for the process that
    holds the lock; where the database cannot say, nothing is removed, and what cannot be removed is left to the next.
    """
    current, named = None, set[str]()
    if is_index(folder):
        try:
            current = _current(folder)
            with closing(_connected(current, _mode_without_writing(current))) as database:
                named.update(Store(folder, database).names_of_parts())
        except (UnusableIndexError, sqlite3.DatabaseError, UnicodeDecodeError):
            return
    for file in folder.iterdir():
        found = _OURS.fullmatch(file.name)
        if found is None or (current and found["database"] == current.name) or found["part"] in named:
            continue
        with suppress(OSError):
            file.unlink()


def _sync(path: Path) -> None:
    """Make sure that it is on disk."""
    with _written(path):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
