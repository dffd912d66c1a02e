"""The records that a person names: by an id, or by a file that holds nothing else.

An id is looked up first among the records of given inputs, then in a report, whose clusters say in which file and
line each of their members stood; what is no id must be a file.

What looks like a URL is opened only where it must be a file, since there is neither input nor report; else it is the id
of a record, as which URLs often serve. A file elsewhere that a report speaks of is not opened: nobody gave its path.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.page import split_page
from dedup.prepare import prepare
from dedup.read import Fields, read_records
from dedup.read.remote import is_remote, local_path
from dedup.read.unique import in_order, unique_records
from dedup.report.document import Document, Member, writable
from dedup.skipped import first_skipped


def find_records(
    names: Sequence[str], fields: Fields, inputs: Sequence[str] = (), report: Document | None = None
) -> list[Record]:
    """The records that ``names`` stand for, in that order; ids are as a report writes them.

    Raises :class:`InputError` where there is no such record, or its file is no longer what the report saw.
    """
    wanted = set(names)
    among_inputs, skipped = _among(read_records(inputs, fields), wanted) if inputs else ({}, [])
    members = {m.id: m for cluster in report.clusters for m in cluster.members} if report else {}
    found = []
    for name in names:
        if name in among_inputs:
            found.append(among_inputs[name])
        elif name in members:
            found.append(_as_reported(members[name], fields))
        elif _exists(name) or (is_remote(name) and not inputs and report is None):
            found.append(_only_record(name, fields))
        else:
            raise InputError(_not_found(name, bool(inputs), report is not None) + _unread(skipped))
    return found


def _among(items: Iterable[Record | Skipped], ids: set[str]) -> tuple[dict[str, Record], list[Skipped]]:
    """Those of the wanted records that are there, of several with one id the one that a run keeps; and what could not
    be used.
    """
    wanted: list[Record] = []
    skipped: list[Skipped] = []
    for item in items:
        if isinstance(item, Skipped):
            skipped.append(item)
        elif writable(item.id) in ids:
            blank = prepare([item])[1]  # which a run passes over, so that it hides no other record of its id
            skipped += blank
            wanted += [] if blank else [item]
    kept, _ = unique_records(wanted)
    return {writable(record.id): record for record in kept}, in_order(skipped)


def _as_reported(member: Member, fields: Fields) -> Record:
    """The record behind a member of a report, read again, if it still is what it was."""
    whose = f"record {member.id!r} of the report"
    if member.path is None or member.path == "-":
        raise InputError(f"{whose} was not read from a file: give the input with --in")
    if is_remote(member.path):
        raise InputError(f"{whose} is elsewhere ({member.path}): give the input with --in")
    try:
        items = read_records([member.path], fields)
    except InputError as error:
        raise InputError(f"{whose}: {error} (seen from the folder that dedup ran in?)") from None
    item = next((item for item in items if item.line == member.line), None)
    if isinstance(item, Skipped):
        raise InputError(f"{whose}: {_place(item)}: {item.reason}")
    if item is None or len(split_page(item.text).text) != member.characters:
        raise InputError(f"{whose}: {member.path} has changed since the report was written")
    if item.line is not None and writable(item.id) != member.id and not item.id.endswith(f":{item.line}"):
        now = f"{_place(item)} is record {item.id!r}"
        raise InputError(f"{whose}: {now}: {member.path} has changed since the report was written, or lacks --id-field")
    # A file is named within the folder that a run was given, which a report does not tell.
    return Record(member.id, item.text, item.url, item.language, item.path, item.line)


def _only_record(path: str, fields: Fields) -> Record:
    records, skipped = [], []
    for item in read_records([path], fields):
        if isinstance(item, Skipped):
            skipped.append(item)
            continue
        records.append(item)
        if len(records) > 1:
            raise InputError(f"{path} holds more than one record: give the id of one, and --in {path}")
    if not records:
        reason = f": {_place(skipped[0])}: {skipped[0].reason}" if skipped else ""
        raise InputError(f"{path} holds no record{reason}")
    return records[0]


def _exists(path: str) -> bool:
    try:
        return Path(local_path(path)).exists()
    except (OSError, ValueError):  # too long for a file name, as an id may be
        return False


def _not_found(name: str, among_inputs: bool, in_report: bool) -> str:
    if not among_inputs and not in_report:
        return f"no file {name!r}; where it is the id of a record, say of what with --report or --in"
    hint = "; a report names only the records in its clusters, --in PATH finds all" if not among_inputs else ""
    return f"no record and no file {name!r}{hint}"


def _unread(skipped: Sequence[Skipped]) -> str:
    """What of the input may have been meant."""
    return f"; of the input, {first_skipped(skipped)}" if skipped else ""


def _place(item: Record | Skipped) -> str:
    return f"{item.path}" if item.line is None else f"{item.path}:{item.line}"
