"""The report as a JSON file: written whole or not at all, and read back."""

import errno
import logging
import os
import secrets
import stat
from pathlib import Path

import msgspec

from dedup.errors import InputError, ReportError
from dedup.events import tell
from dedup.model import Report
from dedup.read.remote import File, RemoteFile
from dedup.report import layout
from dedup.report.document import SCHEMA_VERSION, Document, document_of

_LOG = logging.getLogger(__name__)


def to_json(report: Report) -> bytes:
    """The report as JSON; equal reports, equal bytes."""
    return layout.laid_out(document_of(report))


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


class _Version(msgspec.Struct):
    schema_version: int


def load_report(path: File) -> Document:
    """The report in ``path``. Raises :class:`ReportError` where there is none that this version can read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        # The version first: a newer report may lack or rename anything else.
        found = msgspec.json.decode(data, type=_Version).schema_version
        if found > SCHEMA_VERSION:
            raise ReportError(
                f"{path}: written by a newer dedup (schema_version {found}, this one reads {SCHEMA_VERSION})"
            )
        return msgspec.json.decode(data, type=Document)
    except (ValueError, RecursionError) as error:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        raise ReportError(f"{path}: not a dedup report: {error}") from error
