"""What all tables have in common, whatever their format."""

from collections.abc import Callable, Collection, Mapping
from typing import BinaryIO, NamedTuple, Protocol

from dedup.errors import InputError
from dedup.read.fields import MISSING


class Note(NamedTuple):
    """What annotating says of a record: the names of the fields are those in the table, and stand after all others."""

    dedup_cluster: str | None
    dedup_role: str
    dedup_size: int


Notes = Callable[[int], Note | None]
"""The note for the row of a line; None for what the run did not compare."""


class Table(Protocol):
    """A file of many records. A row goes by the line that the reader gives it, the number of its first one, from 1.

    The methods raise :class:`OSError` where the file cannot be read to its end.
    """

    def check(self, stream: BinaryIO) -> int:
        """Read the file to its end, as writing it will; how many lines in it are blank."""

    def copy(self, stream: BinaryIO, out: BinaryIO, dropped: Collection[int]) -> None:
        """Write the table without the rows of these lines."""

    def annotate(self, stream: BinaryIO, out: BinaryIO, note: Notes) -> None:
        """Write the table, its rows with their notes.

        Raises :class:`InputError` where there is a field of such a name already.
        """

    def values(self, stream: BinaryIO, field: str, lines: Collection[int]) -> dict[int, object]:
        """What the rows of these lines say in a field, whose name may lead into objects
        (:func:`dedup.read.fields.look_up`). A row without it has no value.
        """


def check_free(names: Collection[object], where: str) -> None:
    """Raises :class:`InputError` where one of the names, which stand ``where``, is that of a field of :class:`Note`."""
    if clash := next((name for name in Note._fields if name in names), None):
        raise InputError(f"{where} has a field {clash!r} already")


def told(found: Mapping[int, object]) -> dict[int, object]:
    """Those of the values that are there."""
    return {line: value for line, value in found.items() if value is not MISSING}
