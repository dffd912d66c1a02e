"""The folder of an index: which files are its own, which of them count, and who may write.

The first file says which database counts. It is put there by one rename (:func:`write_pointer`), so that a new index
counts from one moment on. One process writes at a time (:func:`locked`). Nothing in the folder leads out of it: links
are refused, and so are names of files that are not of its making.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from dedup.errors import InputError, UnusableIndexError
from dedup.files import fault_of_folder, write_atomically
from dedup.read.remote import is_remote, local_path

POINTER = "dedup-index.json"
LOCK = "lock"

FORMAT = 3
"""Raise when an older index cannot be used any more: when what is stored changes, or what a sketch makes of a text."""

PATIENCE = 60.0
"""Seconds for which a writer waits for another one, and for readers that may not write."""

PART = re.compile(r"[0-9a-f]{16}")
DATABASE = re.compile(rf"records-{PART.pattern}\.sqlite")
OURS = re.compile(
    rf"(?P<database>{DATABASE.pattern})(-wal|-shm|-journal)?"
    rf"|(vectors|owners)-(?P<part>{PART.pattern})\.npy"
    rf"|(?P<unfinished>\.dedup-{PART.pattern}\.tmp)"
)
"""What an index is made of, or leaves when its writer is killed. Whatever else lies in its folder is not touched."""


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
        if any(OURS.fullmatch(entry.name) for entry in entries):
            raise UnusableIndexError(f"{folder}: an index without {POINTER}, unfinished or broken: {how_to_rebuild()}")


class Pointer(msgspec.Struct):
    """What the first file says: ``digest`` is that of the database in the state of the token ``change``."""

    format: int
    database: str = ""
    change: str = ""
    digest: str = ""


def write_pointer(folder: Path, pointer: Pointer) -> None:
    """Let this be what counts. Raises :class:`InputError` where it cannot be written."""
    write_atomically(folder / POINTER, msgspec.json.encode(pointer) + b"\n")


def current_database(folder: Path) -> Path:
    """The database that counts. Raises :class:`UnusableIndexError` where there is none that this version can read."""
    return folder / read_pointer(folder).database


def read_pointer(folder: Path) -> Pointer:
    """What the first file says. Raises :class:`UnusableIndexError` where that is nothing that this version can read."""
    try:
        pointer = msgspec.json.decode((folder / POINTER).read_bytes(), type=Pointer)
    except (FileNotFoundError, NotADirectoryError):
        if folder.is_dir():
            what = "a folder without an index"
        else:
            what = "a file, no index" if folder.exists() else "no such index"
        raise UnusableIndexError(f"{folder}: {what}: {how_to_rebuild('make one')}") from None
    except OSError as error:
        raise UnusableIndexError(f"{folder}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # those of msgspec are ValueErrors
        raise broken(folder, error) from error
    if pointer.format != FORMAT:
        raise UnusableIndexError(
            f"{folder}: an index of format {pointer.format}, and this version of dedup uses format {FORMAT}: "
            f"{how_to_rebuild()}"
        )
    if not DATABASE.fullmatch(pointer.database):
        raise broken(folder, f"it names no database: {pointer.database!r}")
    if not pointer.change or not pointer.digest:
        raise broken(folder, "it names no digest")
    return pointer


def broken(folder: Path, why: object) -> UnusableIndexError:
    """What to say of an index that does not hold what it should."""
    return UnusableIndexError(f"{folder}: broken ({why}): {how_to_rebuild()}")


def how_to_rebuild(what: str = "make it anew") -> str:
    """What to do about an index that cannot be used."""
    return f"{what} with dedup index build INDEX PATH..."


@contextmanager
def write_errors_explained(folder: Path) -> Iterator[None]:
    """What the system says where nothing can be written, as an error of dedup."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from error


def make_folder(folder: Path) -> None:
    """The folder, for a new index. Raises :class:`InputError` where it cannot be made, or has other files."""
    with write_errors_explained(folder):
        folder.mkdir(exist_ok=True)
    check_place(folder)


def check_place(folder: Path) -> None:
    """Raises :class:`InputError` where it is known that no index can be made there, or replaced, or that it must not
    be: for the folder has other files.
    """
    with write_errors_explained(folder):
        is_there = os.path.lexists(folder)
        if fault := fault_of_folder(folder if is_there else folder.parent):
            raise InputError(f"{folder}: cannot be written: {fault}")
        if not is_there:
            return
        refuse_links(folder)
        strangers = [] if is_index(folder) else [one.name for one in folder.iterdir() if not _is_ours(one.name)]
    if strangers:
        raise InputError(f"{folder}: a folder with other files ({strangers[0]}, ...) will not become an index")


def refuse_links(folder: Path) -> None:
    """Raises :class:`UnusableIndexError` where a file of the index is a link, a pipe or the like: what is written to it
    would be written elsewhere.
    """
    with suppress(OSError), os.scandir(folder) as entries:  # who reads the index tells why it cannot be read
        for entry in entries:
            is_regular = entry.is_file(follow_symlinks=False) or not os.path.lexists(entry)  # gone by now
            if _is_ours(entry.name) and not is_regular:
                raise UnusableIndexError(
                    f"{folder}: {entry.name} is no regular file: {how_to_rebuild('make one elsewhere')}"
                )


def _is_ours(name: str) -> bool:
    return name in (LOCK, POINTER) or OURS.fullmatch(name) is not None


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
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


def sync(path: Path) -> None:
    """Make sure that it is on disk."""
    with write_errors_explained(path):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
