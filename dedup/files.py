"""Files of results: written whole or not at all, and refused before the work where that is known beforehand."""

import errno
import logging
import os
import secrets
import stat
from pathlib import Path

from dedup.errors import InputError
from dedup.events import tell
from dedup.read.remote import File, RemoteFile, check_remote

_LOG = logging.getLogger(__name__)


def check_writable(file: File) -> None:
    """Complain rather now than after hours. Raises :class:`InputError` where it is known that no file can be written
    there. Nothing is written to find out.
    """
    if isinstance(file, RemoteFile):
        check_remote(file)
        return
    try:
        fault = _fault_of(file)
    except OSError as error:  # a name longer than names can be
        fault = error.strerror or str(error)
    if fault is not None:
        raise InputError(f"{file}: cannot be written: {fault}")


def _fault_of(path: Path) -> str | None:
    """Why nothing can be written to a path; None where nothing speaks against it."""
    if path.is_dir():
        return os.strerror(errno.EISDIR)
    if path.exists() and not path.is_file():  # a pipe or a device, which stays what it is
        return None if os.access(path, os.W_OK) else os.strerror(errno.EACCES)
    leads_to = Path(os.path.realpath(path)) if path.is_symlink() else path  # as /dev/stdout does to a file
    return fault_of_folder(leads_to.parent)


def fault_of_new_folder(folder: Path) -> str | None:
    """Why no folder can be there, made with all that it is in where need be; None where nothing speaks against it."""
    there = folder
    while not os.path.lexists(there):
        there = there.parent
    return fault_of_folder(there)


def fault_of_folder(folder: Path) -> str | None:
    """Why no file can be made in a folder; None where nothing speaks against it."""
    if not folder.is_dir():
        return f"{str(folder)!r} is no folder" if os.path.lexists(folder) else f"there is no folder {str(folder)!r}"
    return None if os.access(folder, os.W_OK | os.X_OK) else f"no leave to write in folder {str(folder)!r}"


def write_atomically(path: File, data: bytes) -> None:
    """Write ``data`` to ``path`` so that a reader finds the old file or the new one, never a part (of a remote
    file: see :meth:`RemoteFile.write_bytes`).

    A file that is replaced keeps who may read it. A link stays one, and what it leads to is replaced; but no link that
    another user has put into a folder of everybody's, such as ``/tmp``.

    Raises :class:`InputError` where that cannot be written; then nothing is left behind.
    """
    try:
        if isinstance(path, RemoteFile):
            path.write_bytes(data)
        elif path.exists() and not path.is_file():
            path.write_bytes(data)  # a pipe or a device, such as /dev/stdout, must not be renamed over
        else:
            _replace(_behind_links(path), data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    tell(_LOG, "written", f"written: {path}, {len(data):,} bytes", path=str(path), bytes=len(data))


def _behind_links(path: Path) -> Path:
    """Where a link leads, or the path itself. Raises :class:`OSError` for a link that Linux would not follow, either
    (``fs.protected_symlinks``): resolved here, it is not seen by the system.
    """
    for _ in range(_MOST_LINKS):
        if not path.is_symlink():
            return Path(os.path.realpath(path))
        folder = path.parent.stat()
        if folder.st_mode & _EVERYBODYS == _EVERYBODYS and path.lstat().st_uid != os.geteuid():
            raise PermissionError(errno.EACCES, "a link that another user has put there")
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


_EVERYBODYS = stat.S_ISVTX | stat.S_IWOTH
"""The mode of a folder in which everybody may make files, and remove their own."""
_MOST_LINKS = 40
"""As Linux has it."""


def _replace(path: Path, data: bytes) -> None:
    # Not named after ``path``, whose name may already be as long as a name can be.
    beside = path.with_name(f".dedup-{secrets.token_hex(8)}.tmp")
    try:
        with beside.open("xb") as file:
            if path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)  # there only where something failed
