"""The report as JSON, and a report read back."""

from itertools import chain
from pathlib import Path

import msgspec

from dedup.errors import ReportError
from dedup.model import Report
from dedup.read.remote import File
from dedup.report import layout
from dedup.report.document import SCHEMA_VERSION, Document, document_of

_FIRST = 2**12
"""Bytes that are looked at before more is read, which may be without end."""


def to_json(report: Report) -> bytes:
    """The report as JSON; equal reports, equal bytes."""
    return layout.laid_out(document_of(report))


class _Version(msgspec.Struct):
    schema_version: int


def load_report(path: File) -> Document:
    """The report in ``path``. Raises :class:`ReportError` where there is none that this version can read."""
    try:
        with path.open("rb") if isinstance(path, Path) else path.open() as file:
            data = file.read(_FIRST)
            if not data.lstrip().startswith(b"{"):
                raise ReportError(f"{path}: not a dedup report: it does not begin with {{")
            data += file.read()
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        # The version first: a newer report may lack or rename anything else.
        found = msgspec.json.decode(data, type=_Version).schema_version
        if found > SCHEMA_VERSION:
            raise ReportError(
                f"{path}: written by a newer dedup (schema_version {found}, this one reads {SCHEMA_VERSION})"
            )
        document = msgspec.json.decode(data, type=Document)
        _check_members(document)
    except (ValueError, RecursionError) as error:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        raise ReportError(f"{path}: not a dedup report: {error}") from error
    return document


def _check_members(document: Document) -> None:
    """Raises :class:`ValueError` where a record is in two clusters, or a cluster says something of a record that is no
    member of it: whoever acts on a report relies on neither.
    """
    seen: set[str] = set()
    for cluster in document.clusters:
        members = [member.id for member in cluster.members]
        for member in members:
            if member in seen:
                raise ValueError(f"record {member!r} is in two clusters, or in one twice")
            seen.add(member)
        pairs = [(link.left, link.right) for link in cluster.links]
        if cluster.weakest is not None:
            pairs.append((cluster.weakest.left, cluster.weakest.right))
        named = {cluster.keep, *chain.from_iterable(pairs)}
        if strangers := named.difference(members):
            raise ValueError(f"cluster {cluster.id} speaks of {min(strangers)!r}, which is no member")
