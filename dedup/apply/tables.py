"""Tables rewritten: what stays of them, stays byte for byte.

A new format is one more line in ``TABLES``: where it differs only in how its bytes are packed, a :class:`JsonLines`
with another pair of functions; else a class of its own with the three methods of :class:`Table`.

Lines are those that a reader counts. Blank and unusable ones are lines like others. A line that goes, goes with its
end; the others keep theirs, and so a last line without an end stays without one.
"""

import codecs
import gzip
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import BinaryIO, Final, Protocol, cast

from dedup.errors import InputError
from dedup.read.jsonl import parse
from dedup.read.lines import MAX_LINE_BYTES, chunks_of, inflated

Note = Mapping[str, str | int | None]
"""Fields to add to a row."""

_LONGEST: Final = MAX_LINE_BYTES + 1
"""Of a line with its end."""


class Table(Protocol):
    """A file of many records, one a line. Its methods raise :class:`OSError` where it cannot be read to its end."""

    def copy(self, stream: BinaryIO, out: BinaryIO, dropped: Collection[int]) -> None:
        """Write the table without the lines of these numbers."""

    def annotate(self, stream: BinaryIO, out: BinaryIO, note: Callable[[int], Note | None]) -> None:
        """Write the table, its rows with the fields that ``note`` gives for their lines, if any.

        Raises :class:`InputError` where a row has such a field already.
        """

    def values(self, stream: BinaryIO, field: str, lines: Collection[int]) -> dict[int, object]:
        """What the rows of these lines say in a field. A row without it has no value."""


@dataclass(frozen=True, slots=True)
class JsonLines:
    """JSON Lines: ``unpacked`` gives the bytes of a file, ``packed`` opens it for writing them."""

    unpacked: Callable[[BinaryIO], Iterable[bytes]]
    packed: Callable[[BinaryIO], AbstractContextManager[BinaryIO]]

    def copy(self, stream: BinaryIO, out: BinaryIO, dropped: Collection[int]) -> None:
        """Never holds more than a chunk, however long a line is."""
        with self.packed(out) as packed:
            for number, piece in _pieces(self.unpacked(stream)):
                if number not in dropped:
                    packed.write(piece)

    def annotate(self, stream: BinaryIO, out: BinaryIO, note: Callable[[int], Note | None]) -> None:
        """The fields come after those that a row has."""
        with self.packed(out) as packed:
            for number, line in _lines(self.unpacked(stream)):
                if not isinstance(line, bytes):
                    packed.writelines(line)
                elif _is_blank(line) or (added := note(number)) is None:
                    packed.write(line)
                else:
                    packed.write(_annotated(line, number, added))

    def values(self, stream: BinaryIO, field: str, lines: Collection[int]) -> dict[int, object]:
        """As the reader parses them: of several fields of one name, the last."""
        found: dict[int, object] = {}
        for number, line in _lines(self.unpacked(stream)):
            if isinstance(line, bytes) and number in lines and field in (row := _row(line)):
                found[number] = row[field]
        return found


def _pieces(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    r"""The bytes in order, each piece with the number of its line, counted from 1; a line's ``\n`` is its last byte."""
    number = 1
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield number, end + b"\n"
            number += 1
        if rest:
            yield number, rest


def _lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | Iterable[bytes]]]:
    """Whole lines with their ends; one that is longer than a reader takes comes in pieces, to be used at once."""
    for number, pieces in groupby(_pieces(chunks), key=itemgetter(0)):
        line = bytearray()
        rest = (piece for _, piece in pieces)
        for piece in rest:
            line += piece
            if len(line) > _LONGEST:
                yield number, chain([bytes(line)], rest)
                break
        else:
            yield number, bytes(line)


def _is_blank(line: bytes) -> bool:
    return not line.removeprefix(codecs.BOM_UTF8).strip()


def _row(line: bytes) -> Mapping[str, object]:
    """The row of a line that a reader made a record of."""
    return cast(Mapping[str, object], parse(line.removeprefix(codecs.BOM_UTF8).strip()))


def _annotated(line: bytes, number: int, note: Note) -> bytes:
    """The line with further fields before the brace that closes its object, and no other byte changed."""
    row = _row(line)
    if clash := next((name for name in note if name in row), None):
        raise InputError(f"line {number} has a field {clash!r} already")
    fields = json.dumps(note, ensure_ascii=False)[1:-1].encode()
    content = line.rstrip()
    values = content[:-1].rstrip()
    return values + b", " + fields + line[len(values) :]


def _as_they_are(out: BinaryIO) -> AbstractContextManager[BinaryIO]:
    return nullcontext(out)


def _deflated(out: BinaryIO) -> AbstractContextManager[BinaryIO]:
    """Gzip without a name or a time: equal bytes in, equal bytes out."""
    return cast(AbstractContextManager[BinaryIO], gzip.GzipFile("", "wb", fileobj=out, mtime=0))


TABLES: Final[Mapping[str, Table]] = {
    ".jsonl": JsonLines(chunks_of, _as_they_are),
    ".jsonl.gz": JsonLines(inflated, _deflated),
}
"""Ending of a table's name -> what rewrites it."""


def table_of(file_name: str) -> Table:
    """What rewrites a table of that name. Raises :class:`InputError` where nothing does."""
    for ending, table in TABLES.items():
        if file_name.lower().endswith(ending):
            return table
    raise InputError(f"cannot write {file_name!r} without its copies: a table must be one of {', '.join(TABLES)}")
