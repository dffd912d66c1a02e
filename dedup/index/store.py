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

import json
import logging
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dedup.errors import InputError, UnusableIndexError
from dedup.index.database import (
    SCHEMA,
    check_schema,
    connect,
    damage_of,
    errors_explained,
    mode_without_writing,
    snapshot,
)
from dedup.index.digests import digest_of, digest_of_told, opened_files
from dedup.index.folder import (
    FORMAT,
    OURS,
    PART,
    Pointer,
    broken,
    current_database,
    is_index,
    locked,
    make_folder,
    read_pointer,
    refuse_links,
    sync,
    write_errors_explained,
    write_pointer,
)
from dedup.index.vectors import OWNER, Owners, Part, Vectors

MOST_PARTS = 8
"""Files of vectors above which they are put together in one."""

MOST_DEAD = 0.5
"""Share of vectors without an owner, likewise."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """By what an index was made: what has to be the same when it is used."""

    tool: str
    settings: Mapping[str, Any]
    encoder: Mapping[str, str]


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
        refuse_links(folder)
        with errors_explained(folder), ExitStack() as opened:
            yield cls._now(folder, opened)

    @classmethod
    def _now(cls, folder: Path, opened: ExitStack) -> "Store":
        """The index in the midst of reading, so that what it sees stays, its vectors mapped. A database may be replaced
        and deleted, or just its vectors, in the moment in which it is opened: then there are others.
        """
        failed: list[tuple[Path, list[str]]] = []
        while True:
            path = current_database(folder)
            names: list[str] = []
            with ExitStack() as tried:
                tried.enter_context(opened_files)
                try:
                    store = cls(folder, snapshot(path, tried))
                    names += store.names_of_parts()
                    store.vectors = store.map_vectors()
                    pointer = read_pointer(folder)
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
        current_database(folder)  # there is no sense in waiting for what is no index
        refuse_links(folder)
        with (
            locked(folder),
            errors_explained(folder),
            opened_files,
            closing(connect(current_database(folder))) as database,
        ):
            database.execute("BEGIN IMMEDIATE")
            try:
                check_schema(folder, database)
                store = cls(folder, database)
                pointer = read_pointer(folder)
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
        make_folder(folder)
        with locked(folder), errors_explained(folder):
            try:
                path = folder / f"records-{secrets.token_hex(8)}.sqlite"
                with closing(connect(path, "rwc")) as database:
                    store = cls(folder, database)
                    # The file is nobody's yet: it needs no journal, only to be on disk before it counts.
                    database.execute("PRAGMA journal_mode = OFF")
                    database.execute("PRAGMA synchronous = OFF")
                    database.executescript(SCHEMA)
                    database.execute("BEGIN")
                    store.stamp(stamp)
                    yield store
                    database.execute("COMMIT")
                    database.execute("PRAGMA journal_mode = WAL")
                    change = store._change()
                sync(path)
                sync(folder)
                with opened_files:
                    write_pointer(folder, Pointer(FORMAT, path.name, change, opened_files.digest(path)))
                sync(folder)
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
            return msgspec.convert(found, type=Stamp)
        except (ValueError, KeyError, TypeError, RecursionError) as error:  # those of msgspec are ValueErrors
            raise broken(self.folder, error) from error

    def _told(self) -> dict[str, str]:
        """What the index says of itself, which has a digest of its own: that of the whole depends on it."""
        told = dict(self.database.execute("SELECT name, value FROM meta"))
        if told.pop(_DIGEST, None) != digest_of_told(told):
            raise broken(self.folder, "not what was written: by what it was made")
        return told

    def _change(self) -> str:
        """A token of this state of the database."""
        return self._told()[_CHANGE]

    def _mark_change(self) -> None:
        told = dict(self.database.execute("SELECT name, value FROM meta WHERE name != ?", (_DIGEST,)))
        told[_CHANGE] = secrets.token_hex(8)
        told[_DIGEST] = digest_of_told(told)
        self.database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", told.items())

    # --- its digest

    def _verify(self, pointer: "Pointer") -> bool:
        """Whether the database is what was written; False where that cannot be said. Raises
        :class:`UnusableIndexError` where it is not.
        """
        if self._change() != pointer.change:
            return False
        # Of the state that this connection sees, nothing is in the log. So while it reads, no one changes the file.
        if not opened_files.is_as_written(self.folder / pointer.database, pointer.digest):
            raise broken(self.folder, damage_of(self.folder) or f"not what was written: {pointer.database}")
        return True

    def _keep_digest(self, pointer: "Pointer") -> None:
        """Say of the state that was just made what it is held against. What hinders that undoes nothing."""
        try:
            busy, logged, moved = self.database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if not busy and logged == moved:
                digest = opened_files.digest(self.folder / pointer.database)
                write_pointer(self.folder, Pointer(FORMAT, pointer.database, self._change(), digest))
        except (sqlite3.Error, OSError, InputError) as error:
            told = "until the next change, it cannot be told whether the index is what was written"
            logging.getLogger(__name__).warning("%s: %s: %s", self.folder, told, error)

    # --- vectors

    def add_vectors(self, vectors: NDArray[np.int16], owners: Owners) -> int:
        """Write a part; its number. Vectors have shape (texts, dimensions), owners (texts,)."""
        name = secrets.token_hex(8)
        for kind, array in (("vectors", vectors), ("owners", owners)):
            path = self.folder / f"{kind}-{name}.npy"
            with write_errors_explained(self.folder), path.open("xb") as file:
                np.save(file, array, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        sync(self.folder)
        part = self.database.execute(
            "INSERT INTO parts (name, count, vectors, owners) VALUES (?, ?, ?, ?)",
            (name, len(vectors), digest_of(vectors), digest_of(owners)),
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
        if not PART.fullmatch(name):
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
        if owners.dtype != OWNER or digest_of(owners) != owners_digest:
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

_AT_ONCE = 500  # SQLite takes at least 999 parameters a query


def _remove_leftovers(folder: Path) -> None:
    """Remove databases that do not count, and vectors that the one that does has not named. Only for the process that
    holds the lock; where the database cannot say, nothing is removed, and what cannot be removed is left to the next.
    """
    current, named = None, set[str]()
    if is_index(folder):
        try:
            current = current_database(folder)
            with closing(connect(current, mode_without_writing(current))) as database:
                named.update(Store(folder, database).names_of_parts())
        except (UnusableIndexError, sqlite3.DatabaseError, UnicodeDecodeError):
            return
    for file in folder.iterdir():
        found = OURS.fullmatch(file.name)
        if found is None or (current and found["database"] == current.name) or found["part"] in named:
            continue
        with suppress(OSError):
            file.unlink()
