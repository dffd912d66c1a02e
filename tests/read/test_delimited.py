import csv
import gzip
import tracemalloc
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.model import Record, Skipped
from dedup.read import Fields, lines
from dedup.read.delimited import Cells, LongRowError
from dedup.read.fields import Origin
from dedup.read.formats import is_table, reader_of


def read(content: bytes, name: str = "t.csv", fields: Fields = Fields()) -> list[Record | Skipped]:  # noqa: B008
    return list(reader_of(name)(BytesIO(content), Origin(name, name), fields))


def test_a_row_is_a_record_and_its_line_is_that_of_its_start() -> None:
    content = b'\xef\xbb\xbfid,text,url,lang\r\na,"One, ""two""\r\nthree",https://x.org/1,en\r\n\r\n,Four,,\r\n'
    assert read(content) == [
        Record("a", 'One, "two"\nthree', "https://x.org/1", "en", "t.csv", 2),
        Record("t.csv:5", "Four", None, None, "t.csv", 5),
    ]


def test_tabs_separate_where_the_name_says_so() -> None:
    assert read(b"text\tid\nA, b\t7\n", "t.tsv") == [Record("7", "A, b", None, None, "t.tsv", 2)]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.zst", "T.TSV", "t.tsv.gz", "t.tsv.zst"])
def test_the_formats_are_tables(name: str) -> None:
    assert is_table(name)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1", "1 fields, not 2 as in the header"),
        (b"1,2,3", "3 fields, not 2 as in the header"),
        (b"1,caf\xe9", "not UTF-8"),
        (b'1,"caf\xe9\n"', "not UTF-8"),
        (b"1,", "empty text"),
        (b"1, \0", "empty text"),
        (b"1,a\rb", "malformed row: a carriage return in a cell without quotes"),
        (b"id,text", "the header once more"),
        (b'\xef\xbb\xbf"id", text\r', "the header once more"),
    ],
)
def test_a_fault_costs_its_row_only(row: bytes, reason: str) -> None:
    first, fault, last = read(b"id,text\na,A\n" + row + b"\nb,B")
    assert isinstance(fault, Skipped)
    assert fault.line == 3
    assert fault.reason.startswith(reason)
    assert (getattr(first, "id", None), getattr(last, "id", None)) == ("a", "b")


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"A text.,more\nB,c\n", 1, 'no field "text" (has: A text., more; use --text-field)'),
        (b"\n\nid,title\n", 3, 'no field "text" (has: id, title; use --text-field)'),
        (b"text,id,text\na,b,c\n", 1, "the header names 'text' more than once"),
        (b"text,\xff\na,b\n", 1, "the header is not UTF-8"),
        ("text,id\na,b\n".encode("utf-16"), 1, "the header is not UTF-8"),
        ("text,id\na,b\n".encode("utf-16-le"), 1, "the header holds NUL characters (UTF-16?)"),
        (b"text,id\ra,b\r", 1, "malformed header: a carriage return in a cell without quotes"),
    ],
)
def test_a_header_that_does_not_name_the_text_costs_the_file_in_one_line(
    content: bytes, line: int, reason: str
) -> None:
    assert read(content) == [Skipped("t.csv", line, reason)]


@pytest.mark.parametrize("content", [b"", b"\n\r\n", b"id,text\n"])
def test_a_table_without_rows_gives_nothing(content: bytes) -> None:
    assert read(content) == []


def test_an_unclosed_quote_costs_the_rest_and_says_so() -> None:
    first, fault = read(b'id,text\na,A\nb,"B\nc,C\nd,D\n')
    assert isinstance(first, Record)
    assert fault == Skipped("t.csv", 3, "a quote is not closed: all from here to the end of the file is one field")


@pytest.mark.parametrize("line", [b"c,C\n", b"\n", b"c" * 2000])
def test_an_unclosed_quote_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    content = b'id,text\na,A\nb,"B\n' + line * 2000
    tracemalloc.start()
    first, fault = read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(first, Record)
    unclosed = "a quote is not closed: all from here to the end of the file is one field"
    assert fault == Skipped("t.csv", 3, f"row longer than 1,000 bytes: {unclosed}")
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "row",
    [
        b"b," + b"x" * 2000,
        b'b,"' + b"x\n" * 1000 + b'"',
        b'b,"' + b'""\n,' * 1000 + b'"\r',
        b'b"' + b'"' * 2001 + b",",
        b'\xef\xbb\xbf"b\n",' + b"x" * 2000,
        b"b" + b"," * 200_000,
        b'b,"' + b"x" * 200_000 + b'\n"',
    ],
)
def test_a_row_that_is_too_long_costs_itself(monkeypatch: pytest.MonkeyPatch, row: bytes) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    first, fault, last = read(b"id,text\na,A\n" + row + b"\nc,C\n")
    assert fault == Skipped("t.csv", 3, "row longer than 1,000 bytes")
    assert [(item.id, item.text) for item in (first, last) if isinstance(item, Record)] == [("a", "A"), ("c", "C")]
    assert last.line == 4 + row.count(b"\n")


def test_a_header_that_is_too_long_costs_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    assert read(b"id,text," + b"x" * 1000 + b"\na,A,\n") == [
        Skipped("t.csv", 1, "malformed header: longer than 1,000 bytes")
    ]


def rows_of(content: bytes, limit: int, chunk: int) -> list[tuple[int, list[str] | None, bytes, bool]]:
    """Each row's first line, its cells (none where it is too long), its bytes, and whether a quote in it is open."""
    found: list[tuple[int, list[str] | None, bytes, bool]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_LINE_BYTES", limit)
        cells = Cells((content[at : at + chunk] for at in range(0, len(content), chunk)), ",")
        while True:
            row: list[str] | None
            try:
                row = next(cells)
            except StopIteration:
                return found
            except csv.Error:
                row = []
            except LongRowError:
                row = None
            bytes_ = b"".join(cells.bytes_)
            found.append((cells.line, row, bytes_, cells.is_unclosed))


@given(
    st.lists(st.sampled_from([b'"', b'""', b",", b"\n", b"\r\n", b"a", b"bcd", b"\xef\xbb\xbf"])).map(b"".join),
    st.integers(2, 12),  # a piece of a long line holds a byte order mark at the least
    st.integers(1, 9),
)
def test_a_limit_changes_no_row_that_is_shorter_nor_where_a_row_ends(content: bytes, limit: int, chunk: int) -> None:
    for with_limit, without in zip(rows_of(content, limit, chunk), rows_of(content, 2**20, 7), strict=True):
        longest = max(len(part) for part in (without[2].removesuffix(b"\n"), *without[2].split(b"\n")))
        cells = without[1] if longest <= limit else with_limit[1]
        assert with_limit == (without[0], cells, *without[2:])
        assert (with_limit[1] is None) == (longest > limit)


def test_a_field_may_be_larger_than_the_standard_library_takes_by_itself() -> None:
    limit = csv.field_size_limit()
    (record,) = read(b"text\n" + b"word " * 100_000)
    assert csv.field_size_limit() == limit
    assert isinstance(record, Record)
    assert len(record.text) == 500_000


def test_truncated_gzip_gives_all_rows_before_the_end() -> None:
    rows = "".join(f"{n},text {n * n * n}\n" for n in range(5000))
    whole = gzip.compress(f"id,text\n{rows}".encode())
    *records, fault = read(whole[: len(whole) // 2], "t.csv.gz")
    assert len(records) > 1000
    reason = "the rest cannot be read: the gzip data is truncated"
    assert fault == Skipped("t.csv.gz", len(records) + 2, reason)


_TEXT = st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(_TEXT, _TEXT)), st.sampled_from([",", "\t"]))
def test_what_the_standard_library_writes_is_read_back(rows: list[tuple[str, str]], separator: str) -> None:
    written = StringIO()
    csv.writer(written, delimiter=separator).writerows([("url", "text"), *rows])
    items = read(written.getvalue().encode(), "t.csv" if separator == "," else "t.tsv")
    assert [(item.url, item.text) for item in items if isinstance(item, Record)] == [(u.strip(), t) for u, t in rows]


@given(st.binary() | st.lists(st.sampled_from([b'"', b",", b"\n", b"\r", b"a", b"\xff", b"\0"])).map(b"".join))
def test_no_bytes_at_all_raise(content: bytes) -> None:
    for items in (read(content), read(b"id,text\n" + content), read(content, "t.tsv.gz")):
        assert all(isinstance(item, Record | Skipped) and "\n" not in getattr(item, "reason", "") for item in items)


def test_what_unpacks_to_too_much_is_read_so_far_and_the_rest_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_UNPACKED", 20)
    monkeypatch.setattr(lines, "LEAST_UNPACKED", 200_000)
    content = gzip.compress(b"text\nBefore.\n" + b"\n" * 4_000_000)
    kept, skipped = read(content, "t.csv.gz")
    assert isinstance(kept, Record)
    assert isinstance(skipped, Skipped)
    assert (kept.text, kept.line) == ("Before.", 2)
    assert skipped.reason == "the rest cannot be read: it unpacks to more than 20 times its size and 200,000 bytes"
