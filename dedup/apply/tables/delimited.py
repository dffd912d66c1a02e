"""Tables of comma or tab separated values rewritten: what stays, stays byte for byte.

Rows are told apart by the reader itself (:class:`dedup.read.delimited.Cells`), so that both mean the same by a line.
The header stays, and so do blank lines, quotes where none are needed, bytes that are no UTF-8, rows longer than a
reader takes, and what follows a quote that is never closed. A row that goes, goes with its end.

Annotating gives the header three cells more, and each row, too: empty ones to what the run did not compare. So a row
that had too many or too few cells has as many too many or too few as before, and none of its cells comes to stand below
a wrong name. Where the header stands once more, it gets what the first one got. Nothing is added to blank lines, to
rows longer than a reader takes, to what follows a quote that is never closed, and to a table whose header the run could
not use.
"""

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import BinaryIO, Final

from dedup.apply.tables.packing import Packing
from dedup.apply.tables.table import Note, Notes, check_free, told
from dedup.read.delimited import Cells, LongRowError, names_of
from dedup.read.fields import look_up

_NO_NOTE: Final = (None,) * len(Note._fields)


@dataclass(frozen=True, slots=True)
class Delimited:
    """A header and rows with that separator between their cells, the file packed so."""

    separator: str
    packing: Packing

    def check(self, stream: BinaryIO) -> int:
        """Never holds more than a row."""
        return sum(row.is_blank for row in self._rows(stream))

    def copy(self, stream: BinaryIO, out: BinaryIO, dropped: Collection[int]) -> None:
        """Never holds more than a row."""
        with self.packing.packed(out) as packed:
            for row in self._rows(stream):
                if row.line not in dropped:
                    packed.writelines(row.pieces)

    def annotate(self, stream: BinaryIO, out: BinaryIO, note: Notes) -> None:
        """The cells come after those that a row has."""
        usable = False
        with self.packing.packed(out) as packed:
            for row in self._rows(stream):
                if row.is_header:
                    usable = note(row.line) is not None
                    check_free(names_of(row.cells) if usable else (), f"line {row.line}")
                if usable and row.is_extensible:
                    is_header = row.is_header or row.is_header_again
                    added = Note._fields if is_header else note(row.line) or _NO_NOTE
                    packed.write(self._extended(row, added))
                else:
                    packed.writelines(row.pieces)

    def values(self, stream: BinaryIO, field: str, lines: Collection[int]) -> dict[int, object]:
        """As the reader names the cells: of several columns of one name, the last."""
        found: dict[int, object] = {}
        names: Sequence[str] = ()
        for row in self._rows(stream):
            if row.is_header:
                names = names_of(row.cells)
            elif row.line in lines:
                found[row.line] = look_up(dict(zip(names, row.cells, strict=False)), field)
        return told(found)

    def _rows(self, stream: BinaryIO) -> Iterator["_Row"]:
        return _rows(self.packing.unpacked(stream), self.separator)

    def _extended(self, row: "_Row", added: Iterable[str | int | None]) -> bytes:
        """The row with further cells before its end, and no other byte changed."""
        file = StringIO()
        csv.writer(file, delimiter=self.separator, lineterminator="").writerow(added)
        bytes_ = b"".join(row.pieces)
        content = bytes_.rstrip(b"\r\n")
        return content + f"{self.separator}{file.getvalue()}".encode() + bytes_[len(content) :]


@dataclass(frozen=True, slots=True)
class _Row:
    """The bytes of a row: ``pieces``, to be used at once.

    ``line`` is the number of its first line, ``cells`` are empty where it is blank or malformed. ``is_extensible``:
    cells can be put to its end.
    """

    line: int
    pieces: Iterable[bytes]
    cells: Sequence[str]
    is_header: bool
    is_header_again: bool
    is_extensible: bool
    is_blank: bool


def _rows(chunks: Iterable[bytes], separator: str) -> Iterator[_Row]:
    cells = Cells(chunks, separator)
    header: Sequence[str] | None = None
    while True:
        row: list[str] = []
        is_whole, is_blank = True, False
        try:
            row = next(cells)
            is_blank = not row
        except StopIteration:
            return
        except csv.Error:
            pass
        except LongRowError:
            is_whole = False
        names = names_of(row)
        yield _Row(
            line=cells.line,
            pieces=cells.bytes_,
            cells=row,
            is_header=header is None and not is_blank,
            is_header_again=bool(names) and names == header,
            is_extensible=is_whole and not is_blank and not cells.is_unclosed,
            is_blank=is_blank,
        )
        header = names if header is None and not is_blank else header
