"""Web archives (ISO 28500): the texts that they hold, as the WET files of Common Crawl do; plain, gzip or Zstandard.

A record is one of type ``conversion`` or ``resource`` whose content is plain text. Its ``line`` is its number among
all records of the archive, counted from 1; its id is ``WARC-Record-ID``, its URL ``WARC-Target-URI``, its language the
first of ``WARC-Identified-Content-Language``. Pages of HTML, as they were fetched, are counted, and what to do
about them is said once a file. Requests and notes of the crawler are no texts, and nothing is said of them.

Where an archive is broken, reading goes on at the next place where a record, or a compressed part, may begin. FastWARC
(the extra ``warc``) takes an archive that ends within a record, or within the gzip data before it, for one that ends
there; so the length of each record is checked, and the end is looked at once more. What seems to end early may be a
length that is wrong, so reading goes on behind its beginning there, too.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final

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

_BEGINNING: Final = re.compile(rb"WARC/1\.|\x1f\x8b\x08|\x28\xb5\x2f\xfd")
"""Of a record, of a gzip member (RFC 1952), of a Zstandard frame (RFC 8878)."""

_LONGEST_BEGINNING: Final = 7
_CHUNK: Final = 2**16
_PACKED: Final = {b"\x1f\x8b\x08": lines.inflated, b"\x28\xb5\x2f": lines.unzstandard}
_LENGTH: Final = re.compile(rb"^content-length:[ \t]*(\d{1,18})", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEAD: Final = 2**20
_PAGES: Final = ("text/html", "application/xhtml+xml")
_MOST_ENDS: Final = 16
"""How often reading goes on behind what ends only with the file: each time the rest of the file is read once more."""


def read_warc(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
    """The texts of an archive, whose stream must be seekable for reading to go on behind a fault."""
    warc = require("fastwarc.warc", EXTRA, "a web archive")
    archive = _Archive(stream, Rows(origin, Fields(gold=fields.gold)), warc.WarcRecordType)
    start: int | None = 0
    ends = 0
    while start is not None:
        before = archive.number
        try:
            yield from archive.items(warc.ArchiveIterator(stream, parse_http=False, fsspec_args=False), start)
            fault = archive.fault_at_end(start)
            ends += 1
        except OSError as error:
            fault = f"broken from here to the next record that can be read: {error.strerror or error}"
        is_whole = fault is None and not archive.is_cut
        if fault is not None and (
            archive.number > before or start == 0
        ):  # else this is but the rest of one told before
            yield archive.broken(fault)
        start = None if is_whole or ends > _MOST_ENDS else _next_beginning(stream, archive.last + 1)
    if archive.pages:
        what = (
            "1 page as it was fetched is" if archive.pages == 1 else f"{archive.pages:,} pages as they were fetched are"
        )
        yield Skipped(origin.path, None, f"{what} not read: extract the text first, as in WET files")


class _Archive:
    """What has been seen of an archive: how many records, how many pages, where the last one begins, if it was cut."""

    def __init__(self, stream: BinaryIO, rows: Rows, kind: "type[WarcRecordType]") -> None:
        self.number = self.pages = self.last = 0
        self.is_cut = False
        self._stream = stream
        self._rows = rows
        self._kind = kind

    def items(self, records: "Iterable[WarcRecord]", start: int) -> Iterator[Record | Skipped]:
        """The texts among the records from ``start`` on, and those that were cut."""
        self.last, self.is_cut = start, False
        for record in records:
            self.number, self.last = self.number + 1, record.stream_pos  # in the file, wherever it was begun
            self.is_cut = record.headers.get("Content-Length") is None
            item = self._cut_in_head() if self.is_cut else self._item(record)
            if item is not None:
                yield item

    def _cut_in_head(self) -> Skipped:
        return self._rows.skipped(self.number, "breaks off within the head of the record")

    def _item(self, record: "WarcRecord") -> Record | Skipped | None:
        """The record, if it is a text, or what is wrong with it; None of others, of which pages are counted."""
        size, kind = record.content_length, self._content_type(record)
        is_held = kind.startswith("text/plain") and size <= MAX_TEXT_BYTES
        content = record.reader.read(size) if is_held else b""
        found = len(content) if is_held else record.reader.consume(size)
        self.is_cut = found < size
        if self.is_cut:
            return self._rows.skipped(self.number, f"breaks off after {found:,} of {size:,} bytes")
        self.pages += kind.startswith(_PAGES)
        if not kind.startswith("text/plain"):
            return None
        return self._text(record, content) if is_held else self._too_large()

    def _content_type(self, record: "WarcRecord") -> str:
        """What a text or a page is in, of other records nothing. A conversion that does not say is taken for a text."""
        if record.record_type == self._kind.response:
            return _PAGES[0]
        if record.record_type not in (self._kind.conversion, self._kind.resource):
            return ""
        unsaid = "text/plain" if record.record_type == self._kind.conversion else ""
        return (record.headers.get("Content-Type") or unsaid).lower()

    def _too_large(self) -> Skipped:
        return self._rows.skipped(self.number, f"larger than {MAX_TEXT_BYTES:,} bytes")

    def _text(self, record: "WarcRecord", content: bytes) -> Record | Skipped:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            return self._rows.skipped(self.number, "not UTF-8")
        languages = record.headers.get("WARC-Identified-Content-Language") or ""
        row = {
            "id": (record.record_id or "").strip("<>") or None,
            "text": text,
            "url": record.headers.get("WARC-Target-URI"),
            "lang": languages.partition(",")[0],
        }
        return self._rows.record(row, self.number)

    def broken(self, fault: str) -> Skipped:
        """A record that cannot be read."""
        self.number += 1
        return self._rows.skipped(self.number, fault)

    def fault_at_end(self, start: int) -> str | None:
        """What is wrong with the end of what begins at ``start``, unless that was told of the last record."""
        return None if self.is_cut else _fault_at_end(self._stream, start, self.last if self.number else None)


def _next_beginning(stream: BinaryIO, after: int) -> int | None:
    """Where the next record or compressed part may begin, and the stream put there; None where there is none."""
    if not stream.seekable():
        return None
    stream.seek(after)
    window = b""
    while chunk := stream.read(_CHUNK):
        window += chunk
        if found := _BEGINNING.search(window):
            return stream.seek(after + found.start())
        after += max(len(window) - _LONGEST_BEGINNING, 0)
        window = window[-_LONGEST_BEGINNING:]
    return None


def _fault_at_end(stream: BinaryIO, start: int, last: int | None) -> str | None:
    """What is wrong behind the last record, which begins at ``last`` or in the compressed part that does.

    If there several records are in one compressed part, FastWARC does not tell where it begins, and all from ``start``
    is unpacked once more.
    """
    if not stream.seekable():
        return None
    try:
        if last is None:
            rest = _unpacked_from(stream, start)
        elif _packing_at(stream, start) is not None and _packing_at(stream, last) is None:
            rest = (b"" for _ in _unpacked_from(stream, start))
        else:
            rest = _behind_record(_unpacked_from(stream, last))
        is_broken = any(chunk.strip() for chunk in rest)
    except OSError as error:
        return f"breaks off: {error}"
    return "breaks off before the head of a record is complete" if is_broken else None


_Unpack = Callable[[BinaryIO], Iterator[bytes]]


def _packing_at(stream: BinaryIO, start: int) -> _Unpack | None:
    """How to unpack what begins there; None where nothing compressed does."""
    stream.seek(start)
    return _PACKED.get(stream.read(3))


def _unpacked_from(stream: BinaryIO, start: int) -> Iterator[bytes]:
    unpack = _packing_at(stream, start) or lines.chunks_of
    stream.seek(start)
    return unpack(stream)


def _behind_record(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What follows the record that the chunks begin with, in pieces."""
    beginning = b""
    for chunk in chunks:
        beginning += chunk
        if b"\r\n\r\n" in beginning or len(beginning) > _LONGEST_HEAD:
            break
    head, _, content = beginning.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    within = int(length[1]) if length else 0
    for piece in chain((content,), chunks):
        yield piece[within:]
        within = max(within - len(piece), 0)
