"""The report as a JSON file: written whole or not at all, and read back."""

import logging
import os
import secrets
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

    Raises :class:`InputError` where that cannot be written; then nothing is left behind.
    """
    try:
        if isinstance(path, RemoteFile):
            path.write_bytes(data)
        elif path.exists() and not path.is_file():
            path.write_bytes(data)  # a pipe or a device, such as /dev/stdout, must not be renamed over
        else:
            _replace(Path(os.path.realpath(path)), data)  # so a link stays a link, and its target is replaced
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    tell(_LOG, "written", f"written: {path}, {len(data):,} bytes", path=str(path), bytes=len(data))


def _replace(path: Path, data: bytes) -> None:
    # Not named after ``path``, whose name may already be as long as a name can be.
    beside = path.with_name(f".dedup-{secrets.token_hex(8)}.tmp")
    try:
        with beside.open("xb") as file:
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
