"""Which known record a new one is, and which it only shares a name with.

A file is known again by its path, a row of a table by its id in the same table, a record that was read from nowhere by
its id. Ids that were made from a place (:func:`has_own_id`) say little elsewhere: many folders hold an ``a.txt``, and
every table has a first line.
"""

import os
from pathlib import Path, PurePath

from dedup.model import Entry
from dedup.report.document import writable


def has_own_id(entry: Entry) -> bool:
    """Whether a record says itself what its id is. Where it does not, that tells its place: a file's path within the
    folder that was given, or a row's file and line.
    """
    if entry.path is None:
        return True
    if entry.line is None:
        return entry.path != entry.id and not entry.path.endswith(f"/{entry.id}")
    name, _, line = entry.id.rpartition(":")
    return line != str(entry.line) or PurePath(name).name != PurePath(entry.path).name


def is_version(new: Entry, known: Entry) -> bool:
    """Whether a new row is taken for a new version of a known one because it has its id. In another language it is the
    same row of a parallel text.
    """
    are_rows = new.line is not None and known.line is not None
    return are_rows and writable(new.id) == writable(known.id) and new.language == known.language and has_own_id(new)


def place_of(entry: Entry) -> str:
    """Where a record stands that was read from a file: what names it and no other."""
    return f"{entry.path}" if entry.line is None else f"{entry.path}:{entry.line}"


def spellings(path: str) -> set[str]:
    """How an index may call the file: as it was given, from here or absolutely, through links or not."""
    here = Path(path)
    absolute = {os.path.abspath(here), os.path.realpath(here)}  # noqa: PTH100 - Path.absolute keeps ".."
    spelled = {path, here.as_posix(), *absolute, *(os.path.relpath(one) for one in absolute)}
    return {writable(one) for one in spelled}
