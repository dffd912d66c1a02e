"""Web archives (ISO 28500): the texts that they hold, as the WET files of Common Crawl do; plain, gzip or Zstandard.

A record is one of type ``conversion`` or ``resource`` whose content is plain text. Its ``line`` is its number among
all records of the archive, counted from 1; its id is ``WARC-Record-ID``, its URL ``WARC-Target-URI``, its language the
first of ``WARC-Identified-Content-Language``. Pages of HTML, as they were fetched, are counted, and what to do
about them is said once a file. Requests and notes of the crawler are no texts, and nothing is said of them.

Where an archive is broken, reading goes on at the next place where a record, or a compressed part, may begin. FastWARC
(the extra ``warc``) takes an archive that ends within the head of a record, or within the gzip data before it, for one
that ends there; so the end is looked at once more.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final

from dedup.errors import let_shortage_pass
from dedup.extras import require
from dedup.model import Record, Skipped
from dedup.read import lines
from dedup.read.fields import Fields, Origin
from dedup.read.rows import Rows
from dedup.read.texts import MAX_TEXT_BYTES

if TYPE_CHECKING:
    from fastwarc.warc import WarcRecord, WarcRecordType

EXTRA: Final = "warc"
PACKAGE: Final = "fastwarc"

_PART: Final = rb"\x1f\x8b\x08|\x28\xb5\x2f\xfd"
_BEGINNING: Final = re.compile(rb"WARC/1\.\d\r?\n|" + _PART)
"""Of a record, of a gzip member (RFC 1952), of a Zstandard frame (RFC 8878)."""

_BEGINNING_OF_PART: Final = re.compile(_PART)
"""The same where records are compressed: what packs little leaves the beginning of a record as it is."""

_LONGEST_BEGINNING: Final = 10
_CHUNK: Final = 2**16
_PACKED: Final = {
    b"\x1f\x8b\x08": partial(lines.inflated, least_line=0),  # no line is a record here
    b"\x28\xb5\x2f": partial(lines.unzstandard, least_line=0),
}
_LENGTH: Final = re.compile(rb"^content-length:[ \t]*(\d{1,18})", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEAD: Final = 2**20
_END: Final = b"\r\n\r\n"
"""Of a record's head, and of its content."""

_PAGES: Final = ("text/html", "application/xhtml+xml")
_MOST_ENDS: Final = 16
"""How often reading goes on behind what ends only with the file: each time the rest of the file is read once more."""


def read_warc(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
    """The texts of an archive, whose stream must be seekable for reading to go on behind a fault."""
    warc = require("fastwarc.warc", EXTRA, "a web archive")
    archive = _Archive(stream, Rows(origin, Fields(gold=fields.gold)), warc.WarcRecordType)
    start: int | None = 0
    while start is not None:
        yield from archive.items(warc.ArchiveIterator(stream, parse_http=False, fsspec_args=False), start)
        start = _next_beginning(stream, archive.last) if archive.is_broken else None
        if start is not None and archive.ends > _MOST_ENDS:
            why = f"{archive.ends:,} records say that they are longer than all that is there"
            yield Skipped(origin.path, archive.number + 1, f"the rest is not looked at: {why}")
            break
    if archive.pages:
        what = (
            "1 page as it was fetched is" if archive.pages == 1 else f"{archive.pages:,} pages as they were fetched are"
        )
        yield Skipped(origin.path, None, f"{what} not read: extract the text first, as in WET files")


class _Archive:
    """What has been seen of an archive: how many records, how many pages, where the last one begins, whether what
    follows it must be looked for, and how many were longer than all that is there.
    """

    def __init__(self, stream: BinaryIO, rows: Rows, kind: "type[WarcRecordType]") -> None:
        self.number = self.pages = self.last = self.ends = 0
        self.is_broken = False
        self._growth = lines.Growth() if _is_packed(stream) else None
        self._stream = stream
        self._rows = rows
        self._kind = kind

    def items(self, records: "Iterable[WarcRecord]", start: int) -> Iterator[Record | Skipped]:
        """The texts among the records, which begin at ``start`` in the file, up to a fault.

        Each is given when the next record was found: before, nobody knows whether its length is right.
        """
        before, self.last, self.is_broken = self.number, start, False
        held: Record | Skipped | None = None
        try:
            for record in records:
                if held is not None:
                    yield held
                self.number, self.last, held = self.number + 1, record.stream_pos, None
                held = self._item_of(record)
                if self.is_broken:
                    break
        except lines.UnpackedError as error:
            self.is_broken = True
            yield self._skipped(f"not unpacked to its end: {error}")
        except OSError as error:
            let_shortage_pass(error)
            yield from self._broken(error, held, start, before)
        else:
            yield from [] if held is None else [held]
            yield from [] if self.is_broken else self._end(held, start, before)

    def _look_ahead(self, size: int) -> None:
        """What a record says that it holds is about to be unpacked, wanted or not. Raises
        :class:`dedup.read.lines.UnpackedError` where that is too much.
        """
        if self._growth is not None:
            self._growth.packed = max(self._growth.packed, self._stream.tell())
            try:
                self._growth.check(size)
            except lines.UnpackedError:
                self._growth.unpacked -= size  # for it is passed over
                raise

    def _item_of(self, record: "WarcRecord") -> Record | Skipped | None:
        """The record, if it is a text. A conversion that does not say what it is, is taken for one."""
        if record.headers.get("Content-Length") is None:
            return self._skipped("breaks off within the head of the record")
        if record.headers.get("WARC-Type") is None:
            return self._passed_over(record) or self._skipped("no WARC-Type, which would say what it is")
        unsaid = "text/plain" if record.record_type == self._kind.conversion else ""
        content_type = (record.headers.get("Content-Type") or unsaid).lower()
        may_be_text = record.record_type in (self._kind.conversion, self._kind.resource)
        if may_be_text and content_type.startswith("text/plain"):
            return self._item(record)
        cut = self._passed_over(record)
        is_page = record.record_type == self._kind.response or (may_be_text and content_type.startswith(_PAGES))
        self.pages += is_page and cut is None
        return cut

    def _item(self, record: "WarcRecord") -> Record | Skipped:
        size = record.content_length
        if size > MAX_TEXT_BYTES:
            self.is_broken = True  # it may well be its length that is wrong
            return self._skipped(f"larger than {MAX_TEXT_BYTES:,} bytes")
        self._look_ahead(size)
        content = record.reader.read(size)
        if len(content) < size:
            return self._cut(len(content), size)
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return self._skipped("not UTF-8")
        languages = record.headers.get("WARC-Identified-Content-Language") or ""
        row = {
            "id": (record.record_id or "").strip("<>") or None,
            "text": text,
            "url": record.headers.get("WARC-Target-URI"),
            "lang": languages.partition(",")[0],
        }
        return self._rows.record(row, self.number)

    def _passed_over(self, record: "WarcRecord") -> Skipped | None:
        """Go to the end of a record that is no text; what is wrong where the file ends before that."""
        size = max(record.content_length, 0)
        self._look_ahead(size)
        found = record.reader.consume(size)
        return self._cut(found, size) if found < size else None

    def _cut(self, found: int, size: int) -> Skipped:
        self.is_broken = True
        self.ends += 1
        return self._skipped(f"breaks off after {found:,} of {size:,} bytes")

    def _skipped(self, reason: str) -> Skipped:
        return self._rows.skipped(self.number, reason)

    def _broken(
        self, error: OSError, held: Record | Skipped | None, start: int, before: int
    ) -> Iterator[Record | Skipped]:
        """What to say where no record begins behind the last one; ``before`` is how many came before ``start``."""
        self.is_broken = True
        if self.number > before and not _is_as_long_as_it_says(self._stream, start, self.last):
            yield self._skipped("its Content-Length is not the length of its content")
            return
        if held is not None:
            yield held
        if self.number > before or start == 0:  # else this is but the rest of what was told before
            self.number += 1
            why = error.strerror or error
            yield self._skipped(f"broken from here to the next record that can be read: {why}")

    def _end(self, held: Record | Skipped | None, start: int, before: int) -> Iterator[Skipped]:
        """What is wrong with the end of what begins at ``start``; ``before`` is how many came before that, and ``held``
        what was said of the last record: of one that is skipped already no second fault is told.
        """
        try:
            fault = _fault_at_end(self._stream, start, self.last if self.number else None)
        except _CutError as error:
            self.is_broken = True
            self.ends += 1
            if not isinstance(held, Skipped):
                yield self._skipped(f"breaks off: {error}")
        else:
            if fault is None:
                return
            self.is_broken = True
            self.ends += 1
            if self.number > before or start == 0:  # else this is but the rest of what was told before
                self.number += 1
                yield self._skipped(fault)


class _CutError(OSError):
    """A record is longer than what is there."""


def _next_beginning(stream: BinaryIO, last: int) -> int | None:
    """Where a record or compressed part may begin behind the beginning of the last one, and the stream put there; None
    where there is none.
    """
    if not stream.seekable():
        return None
    beginning = _BEGINNING if _packing_at(stream, last) is None else _BEGINNING_OF_PART
    after = last + 1
    stream.seek(after)
    window = b""
    while chunk := stream.read(_CHUNK):
        window += chunk
        if found := beginning.search(window):
            return stream.seek(after + found.start())
        after += max(len(window) - _LONGEST_BEGINNING, 0)
        window = window[-_LONGEST_BEGINNING:]
    return None


def _fault_at_end(stream: BinaryIO, start: int, last: int | None) -> str | None:
    """What is wrong behind the last record, which begins at ``last`` or in the compressed part that does.

    If there several records are in one compressed part, FastWARC does not tell where it begins, and all from ``start``
    is unpacked once more. Raises :class:`_CutError` where the last record is longer than what is there.
    """
    if not stream.seekable():
        return None
    try:
        if last is None:
            rest = _unpacked_from(stream, start)
        elif _is_within_a_part(stream, start, last):
            rest = (b"" for _ in _unpacked_from(stream, start))
        else:
            rest = _behind_record(_unpacked_from(stream, last))
        is_broken = any(chunk.strip() for chunk in rest)
    except _CutError:
        raise
    except OSError as error:
        let_shortage_pass(error)
        return f"breaks off: {error}"
    return "breaks off before the head of a record is complete" if is_broken else None


def _is_as_long_as_it_says(stream: BinaryIO, start: int, last: int) -> bool:
    """Whether two line ends (ISO 28500) or nothing follow the record that begins at ``last``; also true where that
    cannot be told.
    """
    if not stream.seekable() or _is_within_a_part(stream, start, last):
        return True
    follows = b""
    try:
        for piece in _behind_record(_unpacked_from(stream, last)):
            follows += piece
            if len(follows) >= len(_END):
                break
    except _CutError:
        return False
    except OSError as error:
        let_shortage_pass(error)
        return True
    return _END.startswith(follows[: len(_END)])


def _is_within_a_part(stream: BinaryIO, start: int, last: int) -> bool:
    """Whether the record at ``last`` is not the first one in its compressed part."""
    return _packing_at(stream, start) is not None and _packing_at(stream, last) is None


_Unpack = Callable[[BinaryIO], Iterator[bytes]]


def _packing_at(stream: BinaryIO, start: int) -> _Unpack | None:
    """How to unpack what begins there; None where nothing compressed does."""
    stream.seek(start)
    return _PACKED.get(stream.read(3))


def _is_packed(stream: BinaryIO) -> bool:
    """Whether an archive, which stays where it is, begins with something compressed."""
    if not stream.seekable():
        return False
    packing = _packing_at(stream, 0)
    stream.seek(0)
    return packing is not None


def _unpacked_from(stream: BinaryIO, start: int) -> Iterator[bytes]:
    unpack = _packing_at(stream, start) or lines.chunks_of
    stream.seek(start)
    return unpack(stream)


def _behind_record(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What follows the record that the chunks begin with, in pieces. Raises :class:`_CutError` at the end where that
    comes within the record.
    """
    beginning = b""
    for chunk in chunks:
        beginning += chunk
        if _END in beginning or len(beginning) > _LONGEST_HEAD:
            break
    head, _, content = beginning.partition(_END)
    length = _LENGTH.search(head)
    within = int(length[1]) if length else 0
    for piece in chain((content,), chunks):
        yield piece[within:]
        within = max(within - len(piece), 0)
    if within:
        raise _CutError(f"{within:,} bytes of the record are missing")
