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

_BEGINNING: Final = re.compile(rb"WARC/1\.|\x1f\x8b\x08|\x28\xb5\x2f\xfd")
"""Of a record, of a gzip member (RFC 1952), of a Zstandard frame (RFC 8878)."""

_LONGEST_BEGINNING: Final = 7
_CHUNK: Final = 2**16
_PACKED: Final = {b"\x1f\x8b\x08": lines.inflated, b"\x28\xb5\x2f": lines.unzstandard}
_LENGTH: Final = re.compile(rb"^content-length:[ \t]*(\d{1,18})", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEAD: Final = 2**20
_PAGES: Final = ("text/html", "application/xhtml+xml")


def read_warc(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
    """The texts of an archive, whose stream must be seekable for reading to go on behind a fault."""
    warc = require("fastwarc.warc", EXTRA, "a web archive")
    archive = _Archive(stream, Rows(origin, Fields(gold=fields.gold)), warc.WarcRecordType)
    start: int | None = 0
    while start is not None:
        before = archive.number
        try:
            found = warc.ArchiveIterator(stream, parse_http=False, fsspec_args=False)
            yield from archive.items(found, start)
            yield from archive.end(start)
            break
        except OSError as error:
            let_shortage_pass(error)
            if archive.number > before or start == 0:  # else this is but the rest of what was told before
                yield archive.broken(error)
            start = _next_beginning(stream, archive.last + 1)
    if archive.pages:
        what = (
            "1 page as it was fetched is" if archive.pages == 1 else f"{archive.pages:,} pages as they were fetched are"
        )
        yield Skipped(origin.path, None, f"{what} not read: extract the text first, as in WET files")


class _Archive:
    """What has been seen of an archive: how many records, how many pages, where the last one begins, if it was cut."""

    def __init__(self, stream: BinaryIO, rows: Rows, kind: "type[WarcRecordType]") -> None:
        self.number = self.pages = self.last = 0
        self._is_cut = False
        self._stream = stream
        self._rows = rows
        self._kind = kind

    def items(self, records: "Iterable[WarcRecord]", start: int) -> Iterator[Record | Skipped]:
        """The texts among the records, which are counted from ``start`` in the file."""
        self.last = start
        for record in records:
            self.number, self.last = self.number + 1, start + record.stream_pos
            self._is_cut = record.headers.get("Content-Length") is None
            if self._is_cut:
                yield self._rows.skipped(self.number, "breaks off within the head of the record")
            elif record.record_type == self._kind.response:
                self.pages += 1
            elif record.record_type in (self._kind.conversion, self._kind.resource):
                yield from self._items(record)

    def _items(self, record: "WarcRecord") -> Iterator[Record | Skipped]:
        """The record, if it is a text. A conversion that does not say what it is, is taken for one."""
        unsaid = "text/plain" if record.record_type == self._kind.conversion else ""
        content_type = (record.headers.get("Content-Type") or unsaid).lower()
        if content_type.startswith("text/plain"):
            yield self._item(record)
        elif content_type.startswith(_PAGES):
            self.pages += 1

    def _item(self, record: "WarcRecord") -> Record | Skipped:
        size = record.content_length
        if size > MAX_TEXT_BYTES:
            return self._rows.skipped(self.number, f"larger than {MAX_TEXT_BYTES:,} bytes")
        content = record.reader.read(size)
        self._is_cut = len(content) < size
        if self._is_cut:
            return self._rows.skipped(self.number, f"breaks off after {len(content):,} of {size:,} bytes")
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

    def broken(self, error: OSError) -> Skipped:
        """A record that cannot be read."""
        self.number += 1
        why = error.strerror or error
        return self._rows.skipped(self.number, f"broken from here to the next record that can be read: {why}")

    def end(self, start: int) -> Iterator[Skipped]:
        """What is wrong with the end of what begins at ``start``, unless that was told of the last record."""
        last = self.last if self.number else None
        if not self._is_cut and (fault := _fault_at_end(self._stream, start, last)):
            yield self._rows.skipped(self.number + 1, fault)


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
        let_shortage_pass(error)
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
