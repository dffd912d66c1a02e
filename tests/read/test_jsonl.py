import gzip
import io
import json
import tracemalloc
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, BinaryIO

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.read import Fields, lines, read_records
from dedup.read.fields import Origin
from dedup.read.jsonl import read_jsonl_gz, read_jsonl_zst

GOOD = b'{"id": "good", "text": "A text."}'


def read(content: bytes | BinaryIO, fields: Fields = Fields()) -> list[Record | Skipped]:  # noqa: B008
    stream = BytesIO(content) if isinstance(content, bytes) else content
    return list(read_records(["-"], fields, stdin=stream))


def read_one(content: bytes, fields: Fields = Fields()) -> Record:  # noqa: B008
    [item] = read(content, fields)
    assert isinstance(item, Record)
    return item


def unzip(content: bytes) -> list[Record | Skipped]:
    return list(read_jsonl_gz(BytesIO(content), Origin("t.jsonl.gz", "t.jsonl.gz"), Fields()))


def texts_of(items: Iterable[Record | Skipped]) -> list[str]:
    return [item.text for item in items if isinstance(item, Record)]


def skipped_of(items: Iterable[Record | Skipped]) -> list[Skipped]:
    return [item for item in items if isinstance(item, Skipped)]


def test_a_line_is_a_record() -> None:
    line = b'{"id": "a", "text": "A text.", "url": " https://x.org/1 ", "lang": "en", "more": [1, null]}\n'
    assert read_one(line) == Record("a", "A text.", "https://x.org/1", "en", "-", 1)


def test_fields_may_have_other_names_and_one_field_two_uses() -> None:
    line = b'{"link": "https://x.org/1", "body": "A text."}'
    record = read_one(line, Fields(id="link", text="body", url="link"))
    assert (record.id, record.text, record.url) == ("https://x.org/1", "A text.", "https://x.org/1")


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ('"x"', "x"),
        ("7", "7"),
        ("-0", "0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("null", "-:1"),
        (r'"\ud800"', r"\ud800"),
    ],
)
def test_ids_are_strings_integers_or_the_place(id_: str, expected: str) -> None:
    assert read_one(f'{{"id": {id_}, "text": "A text."}}'.encode()).id == expected


@pytest.mark.parametrize(
    ("id_", "reason"),
    [
        ('""', 'field "id" is empty'),
        ('" \\u200b"', 'field "id" is empty'),
        ("true", 'field "id" is a boolean, not a string or an integer'),
        ("1.0", 'field "id" is a number, not a string or an integer'),
        ("NaN", 'field "id" is a number, not a string or an integer'),
        ("[1]", 'field "id" is an array, not a string or an integer'),
        ("{}", 'field "id" is an object, not a string or an integer'),
    ],
)
def test_other_ids_cost_the_record(id_: str, reason: str) -> None:
    assert read(f'\n{{"id": {id_}, "text": "A text."}}'.encode()) == [Skipped("-", 2, reason)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"null", "null, not an object with fields"),
        (b"true", "a boolean, not an object with fields"),
        (b"[1, 2]", "an array, not an object with fields"),
        (b"12", "a number, not an object with fields"),
        (b"NaN", "a number, not an object with fields"),
        (b'"text"', "a string, not an object with fields"),
        (b"{}", 'no field "text"'),
        (b'{"title": 1}', 'no field "text"'),
        (b'{"text": null}', 'field "text" is null, not a string'),
        (b'{"text": 5}', 'field "text" is a number, not a string'),
        (b'{"text": ["A"]}', 'field "text" is an array, not a string'),
        (b'{"text": {"en": "A"}}', 'field "text" is an object, not a string'),
        (b'{"text": ""}', "empty text"),
        (b'{"text": " \\n\\u200b\\u0000"}', "empty text"),
        (b'{"text": "A text.", ', "malformed JSON: Expecting property name enclosed in double quotes at column 20"),
        (b'{"text": "A text."', "malformed JSON: Expecting ',' delimiter at column 19"),
        (b"{'text': 'A'}", "malformed JSON: Expecting property name enclosed in double quotes at column 2"),
        (b'{"text": "A"} {"text": "B"}', "malformed JSON: Extra data at column 15"),
        (b"plain text", "malformed JSON: Expecting value at column 1"),
        (b'{"text": "A', "malformed JSON: Unterminated string starting at column 10"),
        (b"\0", "malformed JSON: a NUL character at column 1 (UTF-16?)"),
        ('{"text": "A"}'.encode("utf-16-le"), "malformed JSON: a NUL character at column 2 (UTF-16?)"),
        (b'{"text": "caf\xe9"}', "not UTF-8 (byte 14 of the line)"),
        (b'{"text": "\xed\xa0\x80"}', "not UTF-8 (byte 11 of the line)"),
        (b"[NaN, " + b"[" * 100_000, "malformed JSON: nested too deeply"),
        (b"[" * 100_000, "malformed JSON: nested too deeply"),
        (b'{"text": "A", "tree": ' + b'{"a":' * 100_000, "malformed JSON: nested too deeply"),
    ],
)
def test_a_fault_costs_its_line_only(line: bytes, reason: str) -> None:
    items = read(GOOD + b"\n" + line + b"\n" + GOOD + b"\n")
    assert skipped_of(items) == [Skipped("-", 2, reason)]
    assert [item.line for item in items] == [1, 2, 3]


def test_an_integer_beyond_all_measure_costs_its_line_only_where_it_matters() -> None:
    digits = b"9" * 5000
    other = read_one(b'{"id": "a", "n": ' + digits + b', "text": "A"}')
    assert (other.id, other.text) == ("a", "A")
    reasons = [item.reason for item in skipped_of(read(b'{"id": %s, "text": "A"}\n{"text": -%s}' % (digits, digits)))]
    assert reasons == [
        'field "id" is a number, not a string or an integer',
        'field "text" is a number, not a string',
    ]


def test_the_first_line_without_text_tells_which_fields_could_be_meant() -> None:
    line = b'{"title": "T", "body": "B", "n": 1, "": "x", "a\\nb": "x"}\n'
    assert [item.reason for item in skipped_of(read(line * 2))] == [
        'no field "text" (has: body, title; use --text-field)',
        'no field "text"',
    ]


def test_what_msgspec_refuses_is_read_by_json() -> None:
    assert read_one(b'{"text": "A text.", "score": NaN, "big": 1e999}').text == "A text."


def test_lone_surrogates_are_replaced_and_pairs_kept() -> None:
    assert read_one(rb'{"text": "one \ud800 \ud83d\ude00"}').text == "one \ufffd \U0001f600"


def test_control_characters_do_not_glue_words() -> None:
    assert read_one(b'{"text": "one\\u0000two\x01three\\r\\nfour\tfive\\u0085"}').text == "one two three\nfour\tfive "


@pytest.mark.parametrize("value", [b"null", b"5", b'""', b'" "', b"[]"])
def test_a_url_or_language_that_is_none_is_ignored(value: bytes) -> None:
    record = read_one(b'{"text": "A", "url": ' + value + b', "lang": ' + value + b"}")
    assert (record.url, record.language) == (None, None)


def test_blank_lines_byte_order_marks_and_windows_line_ends_are_no_fault() -> None:
    items = read(b"\xef\xbb\xbf" + GOOD + b"\r\n\r\n  \n\n" + GOOD)
    assert [(type(item), item.line) for item in items] == [(Record, 1), (Record, 5)]


def test_empty_input_gives_nothing() -> None:
    assert read(b"") == []


def test_a_line_over_the_limit_is_skipped_and_the_count_stays_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", len(GOOD))
    items = read(GOOD + b"\n" + GOOD + b" \n" + GOOD + b"\n" + b"x" * 200_000 + b"\n" + GOOD + b"\n" + b"x" * 99)
    reason = f"line longer than {len(GOOD)} bytes"
    assert skipped_of(items) == [Skipped("-", line, reason) for line in (2, 4, 6)]
    assert [item.line for item in items if isinstance(item, Record)] == [1, 3, 5]


class Endless(io.RawIOBase):
    """Bytes without a line end, made as they are read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        given = min(size, self.left)
        self.left -= given
        return b"x" * given


def test_a_line_over_the_limit_is_never_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100_000)
    tracemalloc.start()
    items = list(lines.lines_of(lines.chunks_of(Endless(20_000_000))))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert items == [None]
    assert peak < 1_000_000


class Failing(BytesIO):
    """A file on a disk that fails after the given bytes."""

    def read(self, size: int | None = -1) -> bytes:
        if data := super().read(size):
            return data
        raise OSError(5, "Input/output error")


def test_a_read_error_costs_the_rest_of_the_file() -> None:
    good = GOOD + b"\n"
    items = read(Failing(good * 3000 + b'{"text": "cut'))
    assert len(texts_of(items)) == 3000
    assert skipped_of(items) == [Skipped("-", 3001, "the rest cannot be read: Input/output error")]


def numbered(count: int) -> bytes:
    """Lines that compress, but not to nothing."""
    return b"".join(json.dumps({"text": f"line {n} {n * n * n}"}).encode() + b"\n" for n in range(count))


def test_gzip_is_read_in_all_its_members_and_their_padding() -> None:
    content = gzip.compress(numbered(2000)) + b"\0" * 70_000 + gzip.compress(numbered(3)) + gzip.compress(b"")
    items = unzip(content)
    assert len(texts_of(items)) == 2003
    assert not skipped_of(items)


def test_a_little_gzip_that_stands_for_much_is_not_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100_000)
    content = gzip.compress(b" " * 20_000_000 + b"\n" + GOOD)
    tracemalloc.start()
    items = unzip(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(type(item), item.line) for item in items] == [(Skipped, 1), (Record, 2)]
    assert peak < 2_000_000


PACKERS = [
    (gzip.compress, read_jsonl_gz),
    (zstandard.ZstdCompressor().compress, read_jsonl_zst),
]


@pytest.mark.parametrize(("pack", "reader"), PACKERS)
@pytest.mark.parametrize("filling", [b"\n", b" ", b'{"text": "a"}\n'])
def test_what_unpacks_to_too_much_is_read_so_far_and_the_rest_named(
    pack: Callable[[bytes], bytes], reader: Callable[..., Any], filling: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_UNPACKED", 20)
    monkeypatch.setattr(lines, "LEAST_UNPACKED", 200_000)
    content = pack(GOOD + b"\n" + filling * (1_000_000 // len(filling)))
    items = list(reader(BytesIO(content * 20), Origin("-", "-"), Fields()))
    read_lines = [item.line or 0 for item in items if isinstance(item, Record)]
    *_, last = items
    assert isinstance(last, Skipped)
    assert last.reason == "the rest cannot be read: it unpacks to more than 20 times its size and 200,000 bytes"
    assert read_lines[0] == 1
    assert len(read_lines) < 10 * (1_000_000 // len(filling))


@pytest.mark.parametrize(("pack", "reader"), PACKERS)
def test_equal_lines_are_no_bomb_while_they_are_few_or_packed_little(
    pack: Callable[[bytes], bytes], reader: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_UNPACKED", 20)
    monkeypatch.setattr(lines, "LEAST_UNPACKED", 200_000)
    few = GOOD + b" " * lines.LEAST_LINE + b"\n"
    few *= 200_000 // len(few)
    little = numbered(20_000)
    for content in (few, little):
        items = list(reader(BytesIO(pack(content)), Origin("-", "-"), Fields()))
        assert len(texts_of(items)) == content.count(b"\n")
        assert not skipped_of(items)


def test_truncated_gzip_gives_all_lines_before_the_end() -> None:
    whole = gzip.compress(numbered(5000))
    items = unzip(whole[: len(whole) // 2])
    read_lines = len(texts_of(items))
    assert read_lines > 1000
    assert skipped_of(items) == [
        Skipped("t.jsonl.gz", read_lines + 1, "the rest cannot be read: the gzip data is truncated")
    ]


def test_corrupt_gzip_gives_all_lines_before_the_fault() -> None:
    content = gzip.compress(numbered(3000))[:-8] + b"\xff" * 4 + b"\0" * 4  # a wrong checksum
    items = unzip(content)
    assert len(texts_of(items)) == 3000
    reason = "the rest cannot be read: corrupt gzip data (incorrect data check)"
    assert skipped_of(items) == [Skipped("t.jsonl.gz", 3001, reason)]


def test_corrupt_gzip_within_the_data_loses_no_line_that_zlib_could_make() -> None:
    """A stored block is what it says; after it comes a block of a type that does not exist."""
    content = numbered(300)
    stored = b"\0" + len(content).to_bytes(2, "little") + (len(content) ^ 0xFFFF).to_bytes(2, "little") + content
    items = unzip(gzip.compress(b"")[:10] + stored + b"\x07" + b"rest")
    assert len(texts_of(items)) == 300
    reason = "the rest cannot be read: corrupt gzip data (invalid block type)"
    assert skipped_of(items) == [Skipped("t.jsonl.gz", 301, reason)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (GOOD, "corrupt gzip data (incorrect header check)"),
        (b"", "the gzip data is truncated"),
        (b"\x1f\x8b", "the gzip data is truncated"),
    ],
)
def test_what_is_not_gzip_is_skipped(content: bytes, reason: str) -> None:
    assert unzip(content) == [Skipped("t.jsonl.gz", 1, f"the rest cannot be read: {reason}")]


def test_standard_input_is_read_once() -> None:
    with pytest.raises(InputError, match="once"):
        read_records(["-", "-"], stdin=BytesIO(GOOD))


def test_standard_input_is_that_of_the_process_unless_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(BytesIO(GOOD)))
    assert texts_of(read_records(["-"])) == ["A text."]
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="closed"):
        read_records(["-"])


def test_standard_input_is_not_closed() -> None:
    stream = BytesIO(GOOD)
    read(stream)
    assert not stream.closed


BAD = st.one_of(
    st.binary(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "text", "url", "x"]), inner),
        max_leaves=5,
    ).map(lambda value: json.dumps(value).encode()),
)


@given(st.lists(st.just(GOOD) | BAD.map(lambda line: line.replace(b"\n", b" "))))
def test_good_lines_are_read_whatever_stands_between_them(content: list[bytes]) -> None:
    items = read(b"\n".join(content))
    good = [number for number, line in enumerate(content, start=1) if line == GOOD]
    assert set(good) <= {item.line for item in items if isinstance(item, Record)}
    assert all("\n" not in item.reason and item.line for item in skipped_of(items))
    for text in texts_of(items):
        text.encode("utf-8")


@given(st.binary())
def test_no_bytes_at_all_raise_plain_or_as_gzip(content: bytes) -> None:
    for items in (read(content), unzip(content), unzip(gzip.compress(content)), unzip(gzip.compress(GOOD) + content)):
        assert all(isinstance(item, Record | Skipped) for item in items)


@given(st.data())
def test_gzip_with_any_byte_changed_or_cut_off_never_raises(data: st.DataObject) -> None:
    content = bytearray(gzip.compress(numbered(50), mtime=0))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    items = unzip(bytes(content[: data.draw(st.integers(at, len(content)))]))
    assert len([item for item in items if "the rest cannot be read" in getattr(item, "reason", "")]) <= 1


# Gold


@pytest.mark.parametrize(("value", "gold"), [("a b", "a b"), (17, "17")])
def test_gold_is_read_where_its_field_is_named(value: object, gold: str) -> None:
    line = json.dumps({"text": "x", "cluster": value}).encode()
    assert read_one(line, Fields(gold="cluster")).gold == gold
    assert read_one(line).gold is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "x", "gold": "a"}, 'no field "cluster" (has: gold, text; use --gold-field)'),
        ({"text": "x", "cluster": None}, 'field "cluster" is null, not a string or an integer'),
        ({"text": "x", "cluster": ["a"]}, 'field "cluster" is an array, not a string or an integer'),
        ({"text": "x", "cluster": " "}, 'field "cluster" is empty'),
    ],
)
def test_a_record_without_the_gold_that_is_asked_for_is_skipped(row: dict[str, object], reason: str) -> None:
    (skipped,) = read(json.dumps(row).encode(), Fields(gold="cluster"))
    assert isinstance(skipped, Skipped)
    assert skipped.reason == reason


# Zstandard


def texts(count: int) -> list[str]:
    return [json.loads(line)["text"] for line in numbered(count).splitlines()]


def unpack(content: bytes) -> list[Record | Skipped]:
    return list(read_jsonl_zst(BytesIO(content), Origin("t.jsonl.zst", "t.jsonl.zst"), Fields()))


def packed(content: bytes, **parameters: int) -> bytes:
    chosen = zstandard.ZstdCompressionParameters(write_checksum=True, **parameters)
    return zstandard.ZstdCompressor(compression_params=chosen).compress(content)


def test_zstandard_is_read_in_all_its_frames_also_those_to_be_passed_over() -> None:
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"  # RFC 8878, 3.1.2
    items = unpack(skippable + packed(numbered(2000)) + packed(b"") + skippable + packed(numbered(3)))
    assert texts_of(items) == [*texts(2000), *texts(3)]
    assert skipped_of(items) == []


def test_zstandard_with_the_widest_window_is_read() -> None:
    content = packed(numbered(2000), window_log=31, enable_ldm=True)
    stream = io.BytesIO()
    with zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=31, enable_ldm=True)
    ).stream_writer(stream, closefd=False) as writer:  # of a stream the size is not known, and so the window stays
        writer.write(numbered(2000))
    assert texts_of(unpack(content)) == texts_of(unpack(stream.getvalue())) == texts(2000)


def test_a_little_zstandard_that_stands_for_much_is_not_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    content = packed(b" " * 200_000_000 + b"\n" + GOOD)
    tracemalloc.start()
    items = unpack(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert texts_of(items) == ["A text."]
    assert skipped_of(items)[0].reason == "line longer than 1,000 bytes"
    assert peak < 150_000_000


def test_truncated_zstandard_gives_the_lines_before_the_end() -> None:
    whole = packed(numbered(50_000))
    items = unpack(whole[: len(whole) // 2])
    lines_read = len(texts_of(items))
    assert texts_of(items) == texts(lines_read)
    assert 10_000 < lines_read < 40_000
    reason = "the rest cannot be read: the Zstandard data is truncated"
    assert skipped_of(items) == [Skipped("t.jsonl.zst", lines_read + 1, reason)]


def test_corrupt_zstandard_gives_the_lines_of_the_frames_before_the_fault() -> None:
    broken = packed(numbered(3000))[:-4] + b"\xff" * 4  # a wrong checksum
    items = unpack(packed(numbered(100)) + broken)
    assert texts_of(items)[:100] == texts(100)
    [fault] = skipped_of(items)
    assert fault.reason.startswith("the rest cannot be read: corrupt Zstandard data (")
    assert "checksum" in fault.reason


@pytest.mark.parametrize("content", [b"", GOOD, b"\x28\xb5\x2f\xfd", packed(GOOD)[:-1]])
def test_what_is_not_zstandard_is_skipped(content: bytes) -> None:
    *_, fault = unpack(content)
    assert isinstance(fault, Skipped)
    assert "Zstandard data" in fault.reason


@given(data=st.data())
def test_zstandard_with_any_byte_changed_or_cut_off_never_raises(data: st.DataObject) -> None:
    content = bytearray(packed(numbered(50)))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    items = unpack(bytes(content[: data.draw(st.integers(at, len(content)))]))
    # Lines may be wrong before the checksum at the end of the frame tells; then that is said.
    assert texts_of(items) == texts(50) or "Zstandard data" in skipped_of(items)[-1].reason
