"""Folders that show whether the process that made them still lives, so that what killed ones leave can be removed.

A folder is held by a lock of the system (flock), which ends with the process, however that ends.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PATIENCE: Final = 30.0
"""Seconds for which a process waits for another one that puts something in its place, which takes less than one."""


@contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Keep others out that would put something here, for a moment; False where that cannot be, and nothing is lost then
    but the work of one of two.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield _acquired(handle, PATIENCE)
    finally:
        os.close(handle)


def _acquired(handle: int, patience: float) -> bool:
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)
        except OSError:  # a file system without locks
            return False
        else:
            return True


def held_folder(prefix: str, parent: Path) -> tuple[Path, int]:
    """A new folder, and a handle that shows others that its process still lives, until it is closed. What killed ones
    have left of this prefix is removed. Raises :class:`OSError` where there can be none.
    """
    with alone_in(parent) as alone:
        if alone:
            _remove_leftovers(parent, prefix)
        return _held(prefix, parent)


def _held(prefix: str, parent: Path) -> tuple[Path, int]:
    fresh = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    handle = os.open(fresh, os.O_RDONLY)
    _acquired(handle, 0)
    return fresh, handle


def _remove_leftovers(parent: Path, prefix: str) -> None:
    """Remove folders of this user that nobody holds any more; those of file systems without locks stay."""
    with suppress(OSError):
        left = [path for path in parent.iterdir() if path.name.startswith(prefix)]
        for path in left:
            with suppress(OSError):
                handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    if os.fstat(handle).st_uid == os.getuid() and _acquired(handle, 0):
                        shutil.rmtree(path, ignore_errors=True)
                finally:
                    os.close(handle)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder for as long as the block lasts, in that of temporary files. Raises :class:`OSError`."""
    folder, handle = held_folder(prefix, Path(tempfile.gettempdir()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)
