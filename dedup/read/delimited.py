"""Tables of a header row and rows of fields, separated by commas or tabs: .csv and .tsv, plain or compressed.

Fields may stand in double quotes, with separators, line ends and doubled quotes in them (RFC 4180; for tabs the same).
The names in the first row that is not blank are those of the fields. An empty id is none.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from dedup.errors import let_shortage_pass
from dedup.model import Record, Skipped
from dedup.read import lines
from dedup.read.fields import Fields, Origin
from dedup.read.rows import Rows

Chunks = Callable[[BinaryIO], Iterator[bytes]]
_Reader = Callable[[BinaryIO, Origin, Fields], Iterator[Record | Skipped]]

_UNDECODED = re.compile(r"[\udc80-\udcff]")  # what "surrogateescape" makes of bytes that are not UTF-8


def reader(separator: str, chunks_of: Chunks = lines.chunks_of) -> _Reader:
    """The reader for tables with that separator whose bytes ``chunks_of`` gives."""

    def read(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
        return _records(Cells(lines.lines_of(chunks_of(stream)), separator), Rows(origin, fields), fields)

    return read


class EndlessError(Exception):
    """A row of more bytes than a line may have: where the next one begins cannot be told."""


class Cells:
    """The cells of a file's rows, of a blank one none; raises :class:`EndlessError` and :class:`csv.Error`.

    ``lines`` are as :func:`dedup.read.lines.lines_of` gives them; no more of them are taken than a row needs. ``line``
    is the number of a row's first line, ``is_unclosed`` tells that a quote in it never ends.
    """

    def __init__(self, lines: Iterable[bytes | None], separator: str) -> None:
        self.line = 1
        self.is_unclosed = False
        self._has_ended = False
        self._size = 0
        self._rows = csv.reader(self._lines(lines), delimiter=separator)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        self.line, self._size = self._rows.line_num + 1, 0
        limit = csv.field_size_limit(lines.MAX_LINE_BYTES)  # rows are limited here; elsewhere the limit may be wanted
        try:
            cells = next(self._rows)
        finally:
            csv.field_size_limit(limit)
        self.is_unclosed = self._has_ended  # only within quotes the reader looks for a further line
        return cells

    def _lines(self, given: Iterable[bytes | None]) -> Iterator[str]:
        for number, line in enumerate(given):
            self._size += lines.MAX_LINE_BYTES + 1 if line is None else len(line) + 1
            if line is None or self._size > lines.MAX_LINE_BYTES:
                raise EndlessError
            content = line if number else line.removeprefix(codecs.BOM_UTF8)
            yield content.removesuffix(b"\r").decode("utf-8", "surrogateescape") + "\n"
        self._has_ended = True


def _records(cells: Cells, rows: Rows, fields: Fields) -> Iterator[Record | Skipped]:
    try:
        header = _header(cells)
        fault = _fault_of(header, fields)
        if fault is not None:
            yield rows.skipped(cells.line, fault)
        elif header and (fields.text not in header or fields.gold not in {None, *header}):
            yield rows.record(dict.fromkeys(header, "-"), cells.line)  # says what is missing, and what there is
        elif header:
            yield from _body(cells, header, rows, fields)
    except EndlessError:
        reason = f"row longer than {lines.MAX_LINE_BYTES:,} bytes, perhaps by a quote that is not closed"
        yield rows.skipped(cells.line, f"{reason}; the rest cannot be told apart")
    except OSError as error:
        let_shortage_pass(error)
        yield rows.skipped(cells.line, f"the rest cannot be read: {error.strerror or error}")
    except csv.Error as error:
        yield rows.skipped(cells.line, f"malformed header: {error}")


def _header(cells: Cells) -> list[str]:
    """The first row that is not blank; nothing where there is none."""
    return names_of(next(filter(None, cells), []))


def names_of(header: Iterable[str]) -> list[str]:
    """The names that the cells of a header give to the columns."""
    return [name.strip() for name in header]


def _fault_of(header: list[str], fields: Fields) -> str | None:
    """Why the rows cannot be read by their header."""
    if _UNDECODED.search("".join(header)):
        return "the header is not UTF-8"
    repeated = sorted(name for name in set(header) if name in fields.names() and header.count(name) > 1)
    return f"the header names {repeated[0]!r} more than once" if repeated else None


def _body(cells: Cells, header: list[str], rows: Rows, fields: Fields) -> Iterator[Record | Skipped]:
    while True:
        try:
            row = next(cells)
        except StopIteration:
            return
        except csv.Error as error:
            yield rows.skipped(cells.line, f"malformed row: {error}")
            continue
        if row:
            yield _record(row, cells, header, rows, fields)


def _record(row: list[str], cells: Cells, header: list[str], rows: Rows, fields: Fields) -> Record | Skipped:
    if cells.is_unclosed:
        return rows.skipped(cells.line, "a quote is not closed: all from here to the end of the file is one field")
    if len(row) != len(header):
        return rows.skipped(cells.line, f"{len(row)} fields, not {len(header)} as in the header")
    if any(map(_UNDECODED.search, row)):
        return rows.skipped(cells.line, "not UTF-8")
    values: dict[str, str | None] = dict(zip(header, row, strict=True))
    if fields.id != fields.text and not (values.get(fields.id) or "").strip():
        values[fields.id] = None
    return rows.record(values, cells.line)
