"""Web archives, whole and broken."""

import gzip
import io
import itertools
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import zstandard

from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.read import Fields, lines, read_records, warc
from dedup.read.fields import Origin
from dedup.read.formats import is_table, reader_of

fastwarc: Any = pytest.importorskip("fastwarc.warc")

_numbers = itertools.count()


def record(kind: str, content: bytes | str, content_type: str = "text/plain", **more: str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    headers = {
        "WARC-Type": kind,
        "WARC-Date": "2025-11-01T00:00:00Z",
        "WARC-Record-ID": f"<urn:uuid:{next(_numbers):032x}>",
        "Content-Type": content_type,
        "Content-Length": str(len(content)),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    return head.encode() + b"\r\n" + content + b"\r\n\r\n"


def text(content: bytes | str, **more: str) -> bytes:
    return record("conversion", content, WARC_Target_URI="https://x.org/1", **more)


def read(content: bytes, name: str = "t.wet.gz") -> list[Record | Skipped]:
    return list(reader_of(name)(io.BytesIO(content), Origin(name, name), Fields()))


def texts(items: list[Record | Skipped]) -> list[str]:
    return [item.text for item in items if isinstance(item, Record)]


def faults(items: list[Record | Skipped]) -> list[tuple[int | None, str]]:
    return [(item.line, item.reason) for item in items if isinstance(item, Skipped)]


def plain(records: list[bytes]) -> bytes:
    return b"".join(records)


def members(records: list[bytes]) -> bytes:
    return b"".join(map(gzip.compress, records))


def frames(records: list[bytes]) -> bytes:
    return b"".join(map(zstandard.compress, records))


PACKINGS = (plain, members, frames)
Packing = Callable[[list[bytes]], bytes]


@pytest.mark.parametrize("packing", PACKINGS)
def test_texts_are_records_with_what_the_archive_says_of_them(packing: Packing) -> None:
    info = record("warcinfo", "software: x\r\n", "application/warc-fields")
    first = text("Một bài viết.\nHai.", WARC_Record_ID="<urn:uuid:a>", WARC_Identified_Content_Language="vie,eng")
    second = record("resource", "Một.", "Text/Plain; charset=utf-8", WARC_Record_ID="")
    assert read(packing([info, first, second])) == [
        Record("urn:uuid:a", "Một bài viết.\nHai.", "https://x.org/1", "vie", "t.wet.gz", 2),
        Record("t.wet.gz:3", "Một.", None, None, "t.wet.gz", 3),
    ]


@pytest.mark.parametrize("name", ["t.warc", "t.warc.gz", "CC-MAIN.warc.wet.gz", "t.WET", "t.wet.zst"])
def test_the_endings_of_archives_are_tables(name: str) -> None:
    assert is_table(name)


def test_an_archive_that_fastwarc_itself_writes_is_read() -> None:
    made = fastwarc.WarcRecord()
    made.init_headers(record_type=fastwarc.WarcRecordType.conversion)
    made.headers["WARC-Target-URI"] = "https://x.org/1"
    made.headers["Content-Type"] = "text/plain"
    made.set_bytes_content("Một.".encode())
    file = io.BytesIO()
    made.write(file)
    (item,) = read(file.getvalue())
    assert isinstance(item, Record)
    assert (item.text, item.url) == ("Một.", "https://x.org/1")


def test_pages_as_fetched_are_counted_once_and_the_rest_is_no_fault() -> None:
    page = record("response", "HTTP/1.1 200 OK\r\n\r\n<html>", "application/http; msgtype=response")
    others = [record(kind, "x", "application/http") for kind in ("request", "metadata", "revisit")]
    items = read(plain([page, *others, text("One."), page]))
    assert texts(items) == ["One."]
    reason = "2 pages as they were fetched are not read: extract the text first, as in WET files"
    assert faults(items) == [(None, reason)]


def test_a_conversion_that_does_not_say_what_it_is_is_a_text_and_one_of_html_a_page() -> None:
    unsaid = [record("conversion", "One.", ""), record("resource", "\x89PNG", ""), record("resource", "x", "image/png")]
    pages = [record(kind, "<p>Two.", "Text/HTML; charset=utf-8") for kind in ("conversion", "resource")]
    items = read(plain([*unsaid, *pages]))
    assert texts(items) == ["One."]
    [(line, reason)] = faults(items)
    assert line is None
    assert reason.startswith("2 pages as they were fetched are not read")


def test_texts_that_cannot_be_used_cost_themselves() -> None:
    items = read(plain([text("One."), text(b"caf\xe9"), text(" "), text("Two.")]))
    assert texts(items) == ["One.", "Two."]
    assert faults(items) == [(2, "not UTF-8"), (3, "empty text")]


def test_a_text_larger_than_any_article_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedup.read.warc.MAX_TEXT_BYTES", 10)
    items = read(plain([text("One."), text("A long, long text."), text("Two.")]))
    assert texts(items) == ["One.", "Two."]
    assert faults(items) == [(2, "larger than 10 bytes")]


ALL = [text(f"Text {i} {i * i * i}.") for i in range(5)]
TEXTS = [f"Text {i} {i * i * i}." for i in range(5)]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("broken", range(5))
def test_a_broken_record_costs_itself(packing: Packing, broken: int) -> None:
    content = bytearray(packing(ALL))
    start = len(packing(ALL[:broken]))
    end = len(packing(ALL[: broken + 1]))
    content[start : end - 12] = b"\xff" * (end - 12 - start)
    items = read(bytes(content))
    assert texts(items) == TEXTS[:broken] + TEXTS[broken + 1 :]
    [(line, reason)] = faults(items)
    assert line == broken + 1
    assert reason.startswith("broken from here to the next record that can be read: ")


@pytest.mark.parametrize("packing", PACKINGS)
def test_several_broken_records_cost_themselves(packing: Packing) -> None:
    parts = [bytearray(packing([text(f"Text {n}.")])) for n in range(30)]
    for broken in (2, 5, 6, 20):
        parts[broken][:-12] = b"\xff" * (len(parts[broken]) - 12)
    items = read(b"".join(parts))
    assert texts(items) == [f"Text {n}." for n in range(30) if n not in {2, 5, 6, 20}]
    # Two that are broken one behind the other are told once: where one ends and the next begins cannot be seen.
    assert [line for line, _ in faults(items)] == [3, 6, 20]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("broken", [(1, 4, 5), (0, 2, 4), (0, 1, 2), (1, 3, 6)])
def test_each_of_several_broken_records_costs_itself(packing: Packing, broken: tuple[int, ...]) -> None:
    together = sum(after - before == 1 for before, after in itertools.pairwise(broken))
    parts = [packing([text(f"Text {i}.")]) if i not in broken else b"\xff" * 90 for i in range(7)]
    items = read(b"".join(parts))
    assert texts(items) == [f"Text {i}." for i in range(7) if i not in broken]
    assert len(faults(items)) == 3 - together


@pytest.mark.parametrize("packing", PACKINGS)
def test_an_archive_that_breaks_off_gives_what_is_before(packing: Packing) -> None:
    content = packing(ALL)
    items = read(content[: len(packing(ALL[:4])) + (len(content) - len(packing(ALL[:4]))) * 9 // 10])
    assert texts(items) == TEXTS[:4]
    [(line, _reason)] = faults(items)
    assert line == 5


def whole(records: list[bytes]) -> bytes:
    return gzip.compress(plain(records))


@pytest.mark.parametrize("packing", [*PACKINGS, whole])
def test_wherever_an_archive_breaks_off_that_is_said(packing: Packing) -> None:
    content = packing(ALL)
    for end in range(4, len(content)):
        items = read(content[:end])
        assert texts(items) == TEXTS[: len(texts(items))]
        ends_with_a_record = any(end in range(len(packing(ALL[:n])) - 4, len(packing(ALL[:n])) + 1) for n in range(5))
        assert len(texts(items)) == 5 or ends_with_a_record or faults(items), end


def test_also_of_many_records_in_one_compressed_part() -> None:
    content = whole([text(f"Text {i}. " * (i % 7 + 1)) for i in range(40)])
    for end in range(len(content) - 300, len(content)):
        items = read(content[:end])
        assert len(texts(items)) == 40 or faults(items), end
    assert faults(read(content)) == []


@pytest.mark.parametrize("packing", [plain, whole])
def test_what_is_behind_the_last_record_is_not_held(packing: Packing) -> None:
    content = packing([ALL[0], b"\r\n" * 20_000_000])
    tracemalloc.start()
    items = read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (texts(items), faults(items)) == (TEXTS[:1], [])
    assert peak < 2_000_000


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("length", ["", "x", "-5", "4", "60", "9" * 30])
@pytest.mark.parametrize("kind", ["conversion", "metadata"])
def test_a_wrong_length_costs_its_record_only(packing: Packing, length: str, kind: str) -> None:
    wrong = record(kind, "Text 1 1.").replace(b"Content-Length: 9\r\n", f"Content-Length: {length}\r\n".encode())
    items = read(packing([ALL[0], wrong, *ALL[2:]]))
    assert texts(items) == [TEXTS[0], *TEXTS[2:]]
    assert faults(items) == [(2, "its Content-Length is not the length of its content")]
    assert [item.line for item in items] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("place", [0, 1, 4])
@pytest.mark.parametrize(
    ("kind", "length", "reason"),
    [
        ("conversion", 5_000, r"breaks off after [\d,]+ of 5,000 bytes"),
        ("conversion", 10**17, r"larger than 67,108,864 bytes"),
        ("metadata", 10**17, r"breaks off after [\d,]+ of [\d,]+ bytes|not unpacked to its end: it unpacks .*"),
    ],
)
def test_a_length_that_leads_beyond_the_end_swallows_nothing(
    packing: Packing, place: int, kind: str, length: int, reason: str
) -> None:
    wrong = record(kind, "Text.", Content_Length=str(length))
    items = read(packing([*ALL[:place], wrong, *ALL[place + 1 :]]))
    assert texts(items) == [*TEXTS[:place], *TEXTS[place + 1 :]]
    [(line, told)] = faults(items)
    assert line == place + 1
    assert re.fullmatch(reason, told)


@pytest.mark.parametrize("header", ["Content-Length: 9", "WARC-Type: conversion"])
def test_a_record_without_a_header_that_it_must_have_costs_itself(header: str) -> None:
    items = read(plain([ALL[0], text("Text 1 1.").replace(f"{header}\r\n".encode(), b""), *ALL[2:]]))
    assert texts(items) == [TEXTS[0], *TEXTS[2:]]
    [(line, _)] = faults(items)
    assert line == 2


def stored(records: list[bytes]) -> bytes:
    """Packed, but not smaller: the records are there to be read."""
    return b"".join(gzip.compress(one, compresslevel=0) for one in records)


def test_what_is_within_a_compressed_part_is_not_taken_for_a_record_of_its_own() -> None:
    parts = stored([record("conversion", f"{i}") for i in range(3)])
    assert b"WARC/1.0\r\n" in parts
    items = read(parts + b"\xff" * 50 + stored(ALL[3:]))
    assert texts(items) == ["0", "1", "2", *TEXTS[3:]]
    assert [line for line, _ in faults(items)] == [4]


def test_a_record_that_is_right_before_a_broken_one_is_kept_also_in_a_compressed_part_with_others() -> None:
    items = read(whole([*ALL[:2], b"\xff" * 40, *ALL[3:]]))
    assert texts(items) == TEXTS[:2]  # where the part is broken, the rest of it is lost
    [(line, reason)] = faults(items)
    assert (line, reason[:11]) == (3, "broken from")


@pytest.mark.parametrize("kind", ["request", "response", "metadata", "conversion"])
@pytest.mark.parametrize("packing", PACKINGS)
def test_a_length_that_reaches_behind_the_end_costs_its_record_only(packing: Packing, kind: str) -> None:
    long = record(kind, "x", Content_Length="99999")
    items = read(packing([ALL[0], long, *ALL[1:]]))
    assert texts(items) == TEXTS
    [(line, reason)] = faults(items)
    assert line == 2
    assert reason.endswith(" of 99,999 bytes")


@pytest.mark.parametrize("kind", ["request", "conversion"])
def test_within_one_compressed_part_such_a_length_is_told(kind: str) -> None:
    items = read(whole([ALL[0], record(kind, "x", Content_Length="99999"), *ALL[1:]]))
    assert texts(items) == TEXTS[:1]
    [(line, reason)] = faults(items)
    assert line == 2
    assert reason.endswith(" of 99,999 bytes")


def test_a_compressed_part_whose_head_reaches_behind_the_end_costs_itself() -> None:
    parts = [bytearray(gzip.compress(one)) for one in ALL]
    parts[2][3] |= 4  # RFC 1952, FEXTRA: the next two bytes say how many follow
    items = read(plain([bytes(part) for part in parts]))
    assert texts(items) == [*TEXTS[:2], *TEXTS[3:]]
    assert faults(items) == [(3, "breaks off: the gzip data is truncated")]


def test_many_lengths_that_reach_behind_the_end_cost_linear_work(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    look = warc._next_beginning

    def counted(stream: BinaryIO, after: int) -> int | None:
        looks.append(after)
        return look(stream, after)

    monkeypatch.setattr(warc, "_next_beginning", counted)
    long = [record("request", "x", Content_Length="99999") for _ in range(200)]
    items = read(plain([ALL[0], *long]))
    assert texts(items) == TEXTS[:1]
    assert 10 < len(looks) < 20
    assert len(faults(items)) == len(looks) + 1


@pytest.mark.parametrize("content", [b"hello" * 100, b"\x1f\x8b\x08" * 50, b"WARC/1.0" * 9, b"\x28\xb5\x2f\xfd"])
def test_what_is_no_archive_is_skipped(content: bytes) -> None:
    items = read(content)
    assert texts(items) == []
    (line, reason), *_ = faults(items)
    assert line == 1
    assert reason.startswith(("broken from here", "breaks off"))


def test_an_empty_archive_gives_nothing() -> None:
    assert read(b"") == []


def test_an_archive_without_fastwarc_is_one_line_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.wet").write_bytes(ALL[0])
    monkeypatch.setattr("dedup.extras.find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r"^a \.wet file needs fastwarc: pip install 'dedup\[warc\]'$"):
        read_records([tmp_path / "t.wet"])


def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_UNPACKED", 20)
    monkeypatch.setattr(lines, "LEAST_UNPACKED", 200_000)
    told = "not unpacked to its end: it unpacks to more than 20 times its size and 200,000 bytes"
    items = read(members([text("Before."), record("metadata", b"a" * 4_000_000), text("After.")]))
    assert (texts(items), faults(items)) == (["Before.", "After."], [(2, told)])
    items = read(members([text("Before."), record("metadata", b"a" * 190_000), text("After.")]))
    assert (texts(items), faults(items)) == (["Before.", "After."], [])
    items = read(plain([text("Before."), record("metadata", b"a" * 4_000_000), text("After.")]), "t.wet")
    assert (texts(items), faults(items)) == (["Before.", "After."], [])
