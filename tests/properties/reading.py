"""What every reader promises: it never raises and always ends, and a fault costs no good record around it."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import zstandard

from dedup.model import Record, Skipped
from dedup.read import lines
from dedup.read.characters import is_blank, readable
from dedup.read.fields import Fields, Origin
from dedup.read.formats import reader_of
from tests.properties import seeds
from tests.properties.seeds import Target

Items = list[Record | Skipped]

ROW = b'{"id": "good", "text": "A good text.", "url": "https://example.org/a", "lang": "en"}'
"""A line that can be used."""

NAME = "t"
"""What the file is called, but for its ending."""


def read(content: bytes, ending: str, piece: int | None = None) -> Items:
    """What a file of these bytes holds, read in pieces of that many bytes; each item is what an item may be."""
    stream = io.BytesIO(content) if piece is None else _Dribble(content, piece)
    items = list(reader_of(NAME + ending)(stream, Origin(NAME, NAME), Fields()))
    for item in items:
        _check_record(item) if isinstance(item, Record) else _check_skipped(item)
    places = [item.line for item in items if item.line is not None]
    assert places == sorted(set(places)), "lines are told in their order, and each once"
    return items


class _Dribble(io.BytesIO):
    """A stream that gives few bytes at a time, as a socket may."""

    def __init__(self, content: bytes, piece: int) -> None:
        super().__init__(content)
        self._piece = piece

    def read(self, size: int | None = -1, /) -> bytes:
        """At most a piece."""
        return super().read(self._piece if size is None or size < 0 else min(size, self._piece))


def _check_record(item: Record) -> None:
    assert item.text == readable(item.text)
    assert not is_blank(item.text)
    assert not is_blank(item.id)
    assert item.path == NAME
    assert item.line is None or item.line >= 1
    for told in (item.id, item.text, item.url or "-", item.language or "-"):
        told.encode()
        assert told.strip()


def _check_skipped(item: Record | Skipped) -> None:
    assert isinstance(item, Skipped)
    item.reason.encode()
    assert item.path == NAME
    assert item.line is None or item.line >= 1
    assert item.reason.strip()
    assert "\n" not in item.reason


def _moved(items: Iterable[Record | Skipped], by: int) -> list[tuple[object, ...]]:
    """The items as if they stood so many lines further down. Reasons may hint once a file, so they are left out."""
    return [
        (item.line and item.line + by, *((item.text, item.url, item.language) if isinstance(item, Record) else ()))
        for item in items
    ]


def _texts(items: Iterable[Record | Skipped]) -> list[tuple[int | None, str]]:
    return [(item.line, item.text) for item in items if isinstance(item, Record)]


# --- text files


def text_file(data: bytes) -> None:
    """One file, one item; text in UTF-8 is taken as it is."""
    for ending in (".txt", ".md"):
        (item,) = read(data, ending)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) and isinstance(item, Record):
        shown = readable(text)
        assert item.text == shown or not text.isprintable(), "what can be text in UTF-8 is nothing else"


# --- JSON Lines


def jsonl(data: bytes) -> None:
    """Packing and pieces change nothing, lines around it come through, and what is read is what :mod:`json` reads."""
    items = read(data, ".jsonl")
    assert read(gzip.compress(data, 1, mtime=0), ".jsonl.gz") == items
    assert read(zstandard.compress(data), ".jsonl.zst") == items
    assert read(data, ".jsonl", piece=1 + len(data) % 5) == items
    first, *between, last = read(b"\n".join((ROW, data, ROW)), ".jsonl")
    assert isinstance(first, Record)
    assert isinstance(last, Record)
    assert (first.line, last.line) == (1, data.count(b"\n") + 3)
    assert _moved(between, 0) == _moved(items, 1)
    told = {item.line: item for item in items}
    for number, line in enumerate(data.split(b"\n"), start=1):
        expected = _row_by_json(line)
        if expected is not None:
            found = told[number]
            assert isinstance(found, Record), found
            assert (found.id, found.text) == (expected[0] or f"{NAME}:{number}", expected[1])


def _row_by_json(line: bytes) -> tuple[str | None, str] | None:
    """The id and the text of a line that surely is a record, as the standard library reads it."""
    try:
        value = json.loads(line.removeprefix(b"\xef\xbb\xbf").decode(), strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("text"), str) or is_blank(value["text"]):
        return None
    id_ = value.get("id")
    if isinstance(id_, bool) or not isinstance(id_, int | str | None) or (isinstance(id_, str) and is_blank(id_)):
        return None
    name = None if id_ is None else str(id_).encode("utf-8", "backslashreplace").decode()
    return name, readable(value["text"])


# --- tables with separators


def delimited(data: bytes) -> None:
    """The same of .csv and .tsv; what is read is what :mod:`csv` reads; rows before a fault come through."""
    for ending, separator in ((".csv", ","), (".tsv", "\t")):
        items = read(data, ending)
        assert read(gzip.compress(data, 1, mtime=0), f"{ending}.gz") == items
        assert read(zstandard.compress(data), f"{ending}.zst") == items
        assert read(data, ending, piece=1 + len(data) % 5) == items
        head = separator.join(("id", "text")) + "\n"
        good = separator.join(("good", "A good text.")) + "\n"
        first, *others = read((head + good).encode() + data, ending)
        assert first == Record("good", "A good text.", path=NAME, line=2)
        _check_against_csv(data, separator, others)
        if b'"' not in data:
            *_, last = read(head.encode() + data.rstrip(b"\r") + b"\n" + good.encode(), ending)
            assert isinstance(last, Record), "without a quote, a row ends with its line"
            assert last.text == "A good text."


def _check_against_csv(data: bytes, separator: str, items: Items) -> None:
    """The rows that the standard library reads from the third line on, but for one that is not closed."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if "\r" in text.replace("\r\n", "\n") or text.startswith("\ufeff"):
        return
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    expected: list[tuple[int, str]] = []
    line = 3
    try:
        for row in rows:
            is_named = not row[0].strip() or not is_blank(row[0]) if row else False
            is_header = [cell.strip() for cell in row] == ["id", "text"]
            if len(row) == 2 and not is_header and is_named and not is_blank(row[1]):
                expected.append((line, readable(row[1])))
            line = rows.line_num + 3
    except csv.Error:
        return
    unclosed = [item.line for item in items if isinstance(item, Skipped) and "not closed" in item.reason]
    assert _texts(items) == [one for one in expected if one[0] not in unclosed]


# --- packed files


def packed(data: bytes) -> None:
    """What is unpacked is what was packed, or the fault is told; and before a cut it is a beginning of it."""
    place, flip, payload = data[:2], data[2:3], data[3:]
    _check_unpacking(gzip.compress(payload, mtime=0), payload, place, flip, lines.inflated)
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    _check_unpacking(compressor.compress(payload), payload, place, flip, lines.unzstandard)
    for unpack, standard in ((lines.inflated, gzip.decompress), (lines.unzstandard, _by_zstandard)):
        found, failed = _unpacked(unpack, data)
        try:
            expected = standard(data)
        except (OSError, EOFError, zlib.error, zstandard.ZstdError):
            assert failed
        else:
            # RFC 1952 asks for an error where a reserved flag is set; the standard library does not mind.
            assert data == b"" or (found, failed) == (expected, False) or (failed and _RESERVED_FLAG.search(data))


_RESERVED_FLAG = re.compile(rb"\x1f\x8b\x08[\x20-\xff]", re.DOTALL)


def _by_zstandard(data: bytes) -> bytes:
    """All frames, each whole, in the pieces in which the reader is given them: libzstd 1.5 takes some corrupt blocks
    without a checksum for whole when it has a few bytes of them at a time, and refuses them in one piece.
    """
    unpacked = io.BytesIO()
    pieces = (data[start : start + _piece_of(data)] for start in range(0, len(data), _piece_of(data)))
    frame = None
    for piece in pieces:
        rest = piece
        while rest:
            frame = frame or zstandard.ZstdDecompressor(max_window_size=lines.MAX_WINDOW).decompressobj()
            unpacked.write(frame.decompress(rest))
            frame, rest = (None, frame.unused_data) if frame.eof else (frame, b"")
    if frame is not None:
        raise EOFError
    return unpacked.getvalue()


def _check_unpacking(whole: bytes, payload: bytes, place: bytes, flip: bytes, unpack: Any) -> None:  # noqa: ANN401
    assert _unpacked(unpack, whole) == (payload, False)
    assert _unpacked(unpack, whole + whole) == (payload + payload, False)
    at = int.from_bytes(place, "little") % len(whole)
    found, failed = _unpacked(unpack, whole[:at])
    assert failed
    assert payload.startswith(found)
    changed = bytearray(whole)
    changed[at] ^= flip[0] if flip else 0
    found, failed = _unpacked(unpack, bytes(changed))
    assert failed or found in (payload, b""), "the checksum tells of what was changed"


def _piece_of(content: bytes) -> int:
    """How many bytes a reader is given at a time."""
    return 1 + len(content) % 7


def _unpacked(unpack: Any, content: bytes) -> tuple[bytes, bool]:  # noqa: ANN401
    """What can be unpacked, and whether a fault was told."""
    found = bytearray()
    try:
        for piece in unpack(_Dribble(content, _piece_of(content))):
            found += piece
    except OSError:
        return bytes(found), True
    return bytes(found), False


# --- Parquet


@cache
def parquet_file() -> bytes:
    """A table of 12 rows in four row groups, with checksums."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = [
        {"id": f"r{number}", "text": f"Text {number**5}.", "url": None, "metadata": {"url": f"https://x.org/{number}"}}
        for number in range(12)
    ]
    file = io.BytesIO()
    parquet.write_table(
        pa.Table.from_pylist(rows), file, row_group_size=3, write_page_checksum=True, use_dictionary=False
    )
    return file.getvalue()


def parquet(data: bytes) -> None:
    """Bytes that are no table, and a table some bytes of which were changed: (two for the place, one) each."""
    read(data, ".parquet")
    whole = parquet_file()
    changed = bytearray(whole)
    for at in range(0, min(len(data) - 2, 12), 3):
        changed[int.from_bytes(data[at : at + 2], "little") % len(whole)] = data[at + 2]
    read(bytes(changed), ".parquet")


def parquet_page(data: bytes) -> None:
    """A changed byte in the pages of a row group costs its rows, and the others come through."""
    whole = parquet_file()
    groups = _groups(whole)
    if len(data) < 4:
        return
    start, end = groups[data[0] % len(groups)]
    changed = bytearray(whole)
    changed[start + int.from_bytes(data[1:3], "little") % (end - start)] ^= data[3]
    found = {item.id: item.text for item in read(bytes(changed), ".parquet") if isinstance(item, Record)}
    good = {f"r{row}": f"Text {row**5}." for row in range(12)}
    hit = {f"r{row}" for row in range(3 * (data[0] % len(groups)), 3 * (data[0] % len(groups)) + 3)}
    assert {name: text for name, text in found.items() if name not in hit} == {
        name: text for name, text in good.items() if name not in hit
    }


def _groups(whole: bytes) -> Sequence[tuple[int, int]]:
    """Where the pages of each row group begin and end."""
    from pyarrow import parquet

    about = parquet.ParquetFile(io.BytesIO(whole)).metadata
    places = []
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        columns = [group.column(at) for at in range(group.num_columns)]
        starts = [column.data_page_offset for column in columns]
        places.append((min(starts), max(c.data_page_offset + c.total_compressed_size for c in columns)))
    return places


# --- web archives


def warc_record(number: int, text: str) -> bytes:
    """A text of an archive."""
    content = text.encode()
    head = (
        f"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Date: 2025-11-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:{number}>"
        f"\r\nWARC-Target-URI: https://x.org/{number}\r\nContent-Type: text/plain\r\nContent-Length: {len(content)}"
    )
    return f"{head}\r\n\r\n".encode() + content + b"\r\n\r\n"


def warc(data: bytes) -> None:
    """Whatever follows a good record, it comes through, plain and packed; and one changed part costs itself."""
    read(data, ".warc")
    good = warc_record(0, "A good text.")
    for start in (good, gzip.compress(good, 1, mtime=0), zstandard.compress(good)):
        first, *_ = read(start + data, ".wet")
        assert isinstance(first, Record), first
        assert (first.text, first.line) == ("A good text.", 1)
    if len(data) > 2:
        _check_changed_member(data[0], data[1], data[2])


MEMBERS = 6


@cache
def _members() -> tuple[bytes, ...]:
    return tuple(gzip.compress(warc_record(n, f"Text {n}."), mtime=0) for n in range(MEMBERS))


def _check_changed_member(which: int, place: int, flip: int) -> None:
    members = [bytearray(member) for member in _members()]
    hit = which % MEMBERS
    members[hit][place % len(members[hit])] ^= flip
    found = {item.text for item in read(b"".join(members), ".wet.gz") if isinstance(item, Record)}
    assert {f"Text {n}." for n in range(MEMBERS) if n != hit} <= found, "the other members come through"


# --- what it is fuzzed from


def _files() -> Iterator[bytes]:
    yield from (
        b"A text.",
        "Một bài.".encode("utf-16"),
        "Статья, и ещё одна.".encode("cp1251"),
        "記事".encode("gb18030"),
    )
    yield from seeds.handmade()


def _lines() -> Iterator[bytes]:
    yield ROW + b"\n"
    yield b'\xef\xbb\xbf{"text": "A text.", "id": 7}\n\n{"text": null}\r\n[NaN, 1e999]\n'
    yield b'{"id": "\\ud800", "text": "\\u0000 a\tb", "metadata": {"url": "https://x.org/1"}}\n{"text": "cut off'
    yield from (json.dumps({"text": text.decode()}).encode() for text in seeds.handmade())


def _rows() -> Iterator[bytes]:
    yield b'a,"A ""quoted"", text\nof two lines"\r\nb,Another.\n'
    yield b"a\tA text.\n\nb\t\xff\n\tWithout an id.\n"
    yield b"id,text\nc,one,too many\n"


def _packed() -> Iterator[bytes]:
    yield b"\x09\x00\x10" + ROW
    yield b"\x40\x00\xff" + b"Text. " * 99
    for pack in (lambda data: gzip.compress(data, mtime=0), zstandard.compress):
        yield pack(ROW) + pack(b"") + pack(b"Text. " * 99)


def _parquet() -> Iterator[bytes]:
    yield parquet_file()
    yield b"\x04\x00\x00" * 4


def _parquet_pages() -> Iterator[bytes]:
    yield from (bytes((group, at, 0, 1 << group)) for group in range(4) for at in (0, 9, 99))


def _archives() -> Iterator[bytes]:
    yield warc_record(1, "One.") + warc_record(2, "Two.")
    yield gzip.compress(warc_record(1, "One."), mtime=0) + gzip.compress(b"x", mtime=0)
    yield zstandard.compress(warc_record(1, "One."))
    yield warc_record(1, "One.").replace(b"conversion", b"response").replace(b"Length: 4", b"Length: 99")


TARGETS: Final[Mapping[str, Target]] = {
    "texts": Target(text_file, _files),
    "jsonl": Target(jsonl, _lines),
    "delimited": Target(delimited, _rows),
    "packed": Target(packed, _packed),
    "parquet": Target(parquet, _parquet),
    "parquet-pages": Target(parquet_page, _parquet_pages),
    "warc": Target(warc, _archives),
}
