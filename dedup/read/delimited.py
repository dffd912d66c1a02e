"""Tables of a header row and rows of fields, separated by commas or tabs: .csv and .tsv, plain or compressed.

Fields may stand in double quotes, with separators, line ends and doubled quotes in them (RFC 4180; for tabs the same).
The names in the first row that is not blank are those of the fields; where it stands again, as between tables that were
put together, it is no record. An empty id is none.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from typing import BinaryIO

from dedup.errors import let_shortage_pass
from dedup.model import Record, Skipped
from dedup.read import lines
from dedup.read.fields import Fields, Origin
from dedup.read.rows import Rows

Chunks = Callable[[BinaryIO], Iterator[bytes]]
_Reader = Callable[[BinaryIO, Origin, Fields], Iterator[Record | Skipped]]

_UNCLOSED = "a quote is not closed: all from here to the end of the file is one field"
_UNDECODED = re.compile(r"[\udc80-\udcff]")  # what "surrogateescape" makes of bytes that are not UTF-8


def reader(separator: str, chunks_of: Chunks = lines.chunks_of) -> _Reader:
    """The reader for tables with that separator whose bytes ``chunks_of`` gives."""

    def read(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
        return _records(Cells(chunks_of(stream), separator), Rows(origin, fields), fields)

    return read


class LongRowError(Exception):
    """A row of more bytes than a line may have."""


class Cells:
    """The cells of a file's rows, of a blank one none; raises :class:`LongRowError` and :class:`csv.Error`, after which
    the next row can be asked for.

    ``line`` is the number of a row's first line. ``is_unclosed`` tells that a quote in it never ends; of a row that is
    too long it does so when its bytes were used.
    """

    def __init__(self, chunks: Iterable[bytes], separator: str) -> None:
        self.line = 1
        self.is_unclosed = False
        self._long: Iterator[bytes] | None = None
        self._feed = _Feed(chunks)
        self._separator = separator
        self._rows = csv.reader(self._feed, delimiter=separator)

    @property
    def bytes_(self) -> Iterable[bytes]:
        """All of the row, to be used once, before the next one is asked for."""
        return (bytes(self._feed.taken),) if self._long is None else self._long

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        for _ in self._long or ():  # what of a long row is not used yet
            pass
        self.line, self._long = self._feed.begin_row(), None
        limit = csv.field_size_limit(lines.MAX_LINE_BYTES)  # rows are limited here; elsewhere the limit may be wanted
        try:
            cells = next(self._rows)
        except LongRowError:
            self._long = self._long_row()
            raise
        finally:
            csv.field_size_limit(limit)
        self.is_unclosed = self._feed.has_ended  # only within quotes the reader looks for a further line
        return cells

    def _long_row(self) -> Iterator[bytes]:
        quotes = _Quotes(self._separator)
        for line in self._feed.lines_of_long_row():
            for piece in (line,) if isinstance(line, bytes) else line:
                quotes.take(piece)
                yield piece
            if not quotes.are_open:
                return
        self.is_unclosed = True


class _Feed:
    """The lines of a file as :func:`csv.reader` takes them. Unlike a generator, this goes on after it has raised.

    ``taken`` are the bytes of the row so far.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.taken = bytearray()
        self.has_ended = False
        self._too_long: lines.Line = b""
        self._lines = iter(lines.WholeLines(chunks))
        self._number = 0

    def begin_row(self) -> int:
        """From now on, lines belong to the next row; the number of its first one is returned."""
        self.taken.clear()
        return self._number + 1

    def lines_of_long_row(self) -> Iterator[lines.Line]:
        """The lines of a row, from its first one, that has become too long; and those that follow."""
        if self.taken:
            yield bytes(self.taken)
            self.taken.clear()
        yield self._too_long
        while (line := self._next_line()) is not None:
            yield line

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._next_line()
        if line is None:
            raise StopIteration
        if not isinstance(line, bytes) or len(self.taken) + len(line.removesuffix(b"\n")) > lines.MAX_LINE_BYTES:
            self._too_long = line
            raise LongRowError
        content = line if self.taken else line.removeprefix(codecs.BOM_UTF8)
        self.taken += line
        return content.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape") + "\n"

    def _next_line(self) -> lines.Line | None:
        line = next(self._lines, None)
        self.has_ended = line is None
        self._number += line is not None
        return line


class _At(Enum):
    """Where in a row :func:`csv.reader` is."""

    START = auto()
    BETWEEN = auto()
    WITHIN_CELL = auto()
    WITHIN_QUOTES = auto()


class _Quotes:
    """Whether quotes are open after some bytes of a row, told without holding them, as :func:`csv.reader` takes them: a
    quote opens at the beginning of a cell only, and two within quotes are one.
    """

    def __init__(self, separator: str) -> None:
        self._at = _At.START
        self._next_cell = re.compile(re.escape(separator.encode()) + rb'(?:"|\Z)')

    @property
    def are_open(self) -> bool:
        """Whether the row goes on behind a line end."""
        return self._at is _At.WITHIN_QUOTES

    def take(self, piece: bytes) -> None:
        """The next bytes of the row."""
        place = 0
        if self._at is _At.START:
            place = len(codecs.BOM_UTF8) * piece.startswith(codecs.BOM_UTF8)
            self._at = _At.BETWEEN
        while place < len(piece):
            if self._at is _At.BETWEEN:
                is_quote = piece.startswith(b'"', place)
                self._at = _At.WITHIN_QUOTES if is_quote else _At.WITHIN_CELL
                place += is_quote
            elif self._at is _At.WITHIN_QUOTES:
                place = piece.find(b'"', place) + 1 or len(piece) + 1
                self._at = _At.BETWEEN if place <= len(piece) else self._at
            else:
                found = self._next_cell.search(piece, place)
                place = len(piece) if found is None else found.end()
                self._at = self._at if found is None else _behind(found[0])


def _behind(separator: bytes) -> _At:
    return _At.WITHIN_QUOTES if separator.endswith(b'"') else _At.BETWEEN


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
    except OSError as error:
        let_shortage_pass(error)
        yield rows.skipped(cells.line, f"the rest cannot be read: {error.strerror or error}")
    except (csv.Error, LongRowError) as error:
        yield rows.skipped(cells.line, f"malformed header: {_complaint(error)}")


def _complaint(error: csv.Error | LongRowError) -> str:
    """What is wrong with a row. Of a row as long as rows may be, that is all that the csv.reader finds."""
    if isinstance(error, LongRowError):
        return f"longer than {lines.MAX_LINE_BYTES:,} bytes"
    return "a carriage return in a cell without quotes" if "new-line" in str(error) else str(error)


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
    if any("\0" in name for name in header):
        return "the header holds NUL characters (UTF-16?)"
    repeated = sorted(name for name in set(header) if name in fields.names() and header.count(name) > 1)
    return f"the header names {repeated[0]!r} more than once" if repeated else None


def _body(cells: Cells, header: list[str], rows: Rows, fields: Fields) -> Iterator[Record | Skipped]:
    while True:
        try:
            row = next(cells)
        except StopIteration:
            return
        except csv.Error as error:
            yield rows.skipped(cells.line, f"malformed row: {_complaint(error)}")
        except LongRowError:
            yield _long_row(cells, rows)
        else:
            if row:
                yield _record(row, cells, header, rows, fields)


def _long_row(cells: Cells, rows: Rows) -> Skipped:
    for _ in cells.bytes_:  # where the row ends is known when it has been read
        pass
    unclosed = f": {_UNCLOSED}" if cells.is_unclosed else ""
    return rows.skipped(cells.line, f"row longer than {lines.MAX_LINE_BYTES:,} bytes{unclosed}")


def _record(row: list[str], cells: Cells, header: list[str], rows: Rows, fields: Fields) -> Record | Skipped:
    if cells.is_unclosed:
        return rows.skipped(cells.line, _UNCLOSED)
    if len(row) != len(header):
        return rows.skipped(cells.line, f"{len(row)} fields, not {len(header)} as in the header")
    if names_of(row) == header:
        return rows.skipped(cells.line, "the header once more")
    if any(map(_UNDECODED.search, row)):
        return rows.skipped(cells.line, "not UTF-8")
    values: dict[str, str | None] = dict(zip(header, row, strict=True))
    if fields.id != fields.text and not (values.get(fields.id) or "").strip():
        values[fields.id] = None
    return rows.record(values, cells.line)
