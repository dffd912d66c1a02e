"""The SQLite database of an index: its tables, connections that trust nothing in it, and what its errors mean.

Changes are written ahead, into a log beside the database (https://sqlite.org/wal.html), so that readers and the writer
do not wait for each other. An index may come from elsewhere: a database with triggers, views or tables of its own is
refused.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path

from dedup.errors import UnusableIndexError
from dedup.index.folder import PATIENCE, broken, current_database, is_index, locked

SCHEMA = """
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


def connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
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
        database.executescript(SCHEMA)
        return _schema_of(database)


def _schema_of(database: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    return frozenset(database.execute("SELECT type, name FROM sqlite_master"))


def check_schema(folder: Path, database: sqlite3.Connection) -> None:
    """Raises :class:`UnusableIndexError` where there is more in the database, or less: a trigger or a view would have
    others decide what reading and writing do.
    """
    if strange := sorted(_schema_of(database) ^ _own_schema()):
        kind, name = strange[0]
        raise broken(folder, f"{kind} {name!r} is too much or missing")


def snapshot(path: Path, opened: ExitStack) -> sqlite3.Connection:
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
    opened.enter_context(locked(path.parent, shared=True))
    return _begun(path, mode_without_writing(path), opened)


def _begun(path: Path, mode: str, opened: ExitStack) -> sqlite3.Connection:
    database = opened.enter_context(closing(connect(path, mode)))
    database.execute("BEGIN")
    check_schema(path.parent, database)
    database.execute("SELECT count(*) FROM parts").fetchone()  # from now on nothing changes for this connection
    return database


def mode_without_writing(path: Path) -> str:
    """For a process that has the lock, alone or with others of its kind."""
    return "ro&readonly_shm=1" if _has_log(path) else "ro&immutable=1"


def _has_log(path: Path) -> bool:
    """Whether there are changes of a database that are not yet in it."""
    with suppress(FileNotFoundError):
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    return False


@contextmanager
def errors_explained(folder: Path) -> Iterator[None]:
    """What SQLite says as an error of dedup."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if _name_of(error).startswith("SQLITE_BUSY"):
            raise UnusableIndexError(f"{folder}: in use by another process for {PATIENCE:.0f} s: try again") from error
        if not _is_of_the_system(error):
            raise broken(folder, error) from error
        if is_index(folder) and not current_database(folder).exists():
            raise broken(folder, f"{current_database(folder).name} is not there") from error
        raise UnusableIndexError(f"{folder}: cannot be read or written: {error}") from error
    except UnicodeDecodeError as error:  # of what SQLite would say, which quotes what is spoilt
        raise broken(folder, error) from error
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        # A spoilt page may hold values, but not those that were written; then what depends on them fails somewhere.
        raise broken(folder, damage_of(folder) or f"or a fault of dedup: {type(error).__name__}: {error}") from error


def damage_of(folder: Path) -> str | None:
    """What SQLite finds wrong with the database when it looks at every page; None where that is nothing, which does not
    mean that all values are those that were written.
    """
    try:
        with closing(connect(current_database(folder), "ro")) as database:
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
