"""Parquet files, written by pyarrow, whole and damaged."""

import io
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.read import Fields, lines, parquet, read_records
from dedup.read.fields import Origin
from dedup.read.formats import is_table, reader_of

from ..properties.targets import FOUND

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")


def written(table: object, **options: int | str | bool) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def of(columns: Mapping[str, object], **options: int | str | bool) -> bytes:
    return written(pa.table(columns), **options)


def read(content: bytes, fields: Fields = Fields()) -> list[Record | Skipped]:  # noqa: B008
    return list(reader_of("t.parquet")(io.BytesIO(content), Origin("t.parquet", "t.parquet"), fields))


def texts(items: list[Record | Skipped]) -> list[str]:
    return [item.text for item in items if isinstance(item, Record)]


def test_a_row_is_a_record_and_its_line_is_its_number_in_the_file() -> None:
    content = of(
        {
            "text": ["One.", "Two.", "Three."],
            "id": ["a", None, "c"],
            "lang": ["en", None, "de"],
            "url": ["https://x.org/1", None, None],
            "more": [1, 2, 3],
        },
        row_group_size=2,
    )
    assert read(content) == [
        Record("a", "One.", "https://x.org/1", "en", "t.parquet", 1),
        Record("t.parquet:2", "Two.", None, None, "t.parquet", 2),
        Record("c", "Three.", None, "de", "t.parquet", 3),
    ]
    assert is_table("t.Parquet")


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.dictionary(pa.int32(), pa.string()),
    ],
)
def test_text_may_be_of_any_type_that_holds_text(kind: object) -> None:
    values = ["Один.", "二", "Один."]
    array = pa.array(values).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(values).cast(kind)
    items = read(of({"text": array, "id": pa.array([3, 2**63, 1], pa.uint64())}))
    assert texts(items) == values
    assert [item.id for item in items if isinstance(item, Record)] == ["3", str(2**63), "1"]


def test_unusable_rows_cost_themselves() -> None:
    items = read(of({"text": ["One.", None, " ", "Two."]}))
    assert texts(items) == ["One.", "Two."]
    assert items[1:3] == [
        Skipped("t.parquet", 2, 'field "text" is null, not a string'),
        Skipped("t.parquet", 3, "empty text"),
    ]


@pytest.mark.parametrize("kind", ["string", "binary"])
def test_a_text_that_is_not_utf_8_costs_itself(kind: str) -> None:
    raw = pa.array([b"One.", b"caf\xe9", b"Two."], pa.binary())
    array = raw if kind == "binary" else pa.StringArray.from_buffers(3, *raw.buffers()[1:])
    items = read(of({"text": array}))
    assert texts(items) == ["One.", "Two."]
    assert items[1] == Skipped("t.parquet", 2, "not UTF-8")


def test_a_file_without_the_text_is_skipped_once_with_a_hint() -> None:
    table: Mapping[str, object] = {"body": ["a", "b"], "size": [1, 2], "tag": pa.array(["x", "x"]).dictionary_encode()}
    reason = 'no field "text" (has: body, tag; use --text-field)'
    assert read(of(table)) == [Skipped("t.parquet", None, reason)]


def test_times_that_python_has_no_value_for_cost_nothing() -> None:
    kind = pa.struct([("at", pa.timestamp("ns", "UTC")), ("far", pa.timestamp("s")), ("url", pa.string())])
    metadata = pa.array([{"at": 1, "far": 10**15, "url": "https://x.org/1"}, None], kind)
    first, second = read(of({"text": ["One.", "Two."], "metadata": metadata}))
    assert first == Record("t.parquet:1", "One.", "https://x.org/1", None, "t.parquet", 1)
    assert texts([second]) == ["Two."]
    fault, other = read(of({"text": ["One.", "Two."], "id": pa.array([1, None], pa.timestamp("ns"))}))
    assert isinstance(fault, Skipped)
    assert texts([other]) == ["Two."]


def test_columns_that_are_not_used_are_not_read() -> None:
    noise = [bytes([i % 251]) * 100_000 for i in range(20)]
    content = bytearray(
        of({"blob": noise, "text": [f"T{i}." for i in range(20)]}, compression="none", use_dictionary=False)
    )
    at = content.index(b"\x05" * 1000)
    content[at - 30 : at + 30] = b"\xff" * 60  # so that reading it would fail, or give other bytes
    assert len(texts(read(bytes(content)))) == 20


def test_a_broken_row_group_costs_its_rows() -> None:
    values = [f"Text {i * i * i}." for i in range(1_000)]
    content = bytearray(of({"text": values}, row_group_size=250, compression="zstd", use_dictionary=False))
    offset = pq.ParquetFile(io.BytesIO(bytes(content))).metadata.row_group(2).column(0).data_page_offset
    content[offset : offset + 40] = b"\xff" * 40
    items = read(bytes(content))
    assert texts(items) == values[:500] + values[750:]
    [fault] = [item for item in items if isinstance(item, Skipped)]
    assert (fault.path, fault.line) == ("t.parquet", 501)
    assert fault.reason.startswith("rows 501 to 750 cannot be read: ")
    assert "\n" not in fault.reason


def test_a_page_that_says_to_be_larger_than_the_file_takes_no_more_memory_than_that() -> None:
    path = FOUND / "parquet" / "pages-that-say-to-be-large"
    code = (
        "import pyarrow; from dedup.read import Fields, parquet; from dedup.read.fields import Origin; "
        f"list(parquet.read_parquet(open({str(path)!r}, 'rb'), Origin('t', 't'), Fields())); "
        "print(pyarrow.default_memory_pool().max_memory())"  # of the whole life of a process
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], capture_output=True, timeout=600
    )
    assert 0 < int(done.stdout) < 2**20


def test_lines_of_a_file_that_says_anything_of_its_rows_go_up() -> None:
    values = [f"Text {i}." for i in range(9)]
    content = with_rows_said(of({"text": values}, compression="none", store_schema=False, row_group_size=3), -3)
    items = read(content)
    assert texts(items) == values[3:]
    assert [item.line for item in items] == list(range(1, 8))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all" * 9, of({"text": ["One."]})[:-3]])
def test_what_is_no_parquet_file_is_skipped(content: bytes) -> None:
    [fault] = read(content)
    assert isinstance(fault, Skipped)
    assert (fault.path, fault.line) == ("t.parquet", None)
    assert fault.reason.startswith("cannot be read: ")


def test_a_file_without_rows_gives_nothing() -> None:
    assert read(of({"text": pa.array([], pa.string())})) == []


def test_no_more_than_a_portion_of_a_row_group_is_held() -> None:
    rows = 40 * parquet.PORTION
    values = [f"{i:06}" * 2_000 for i in range(rows)]
    content = of({"text": values}, row_group_size=rows, use_dictionary=False, data_page_size=2**16)
    del values
    pool = pa.default_memory_pool()
    before, peak, found = pool.bytes_allocated(), 0, 0
    for item in reader_of("t.parquet")(io.BytesIO(content), Origin("t", "t"), Fields()):
        found += isinstance(item, Record)
        peak = max(peak, pool.bytes_allocated() - before)
    assert found == rows
    assert peak < 30 * 2**20  # the texts are 117 MiB


def test_large_rows_come_in_smaller_portions() -> None:
    values = [f"{i:06}" * 200_000 for i in range(100)]
    content = of({"text": values}, use_dictionary=False, write_batch_size=1)
    del values
    pool = pa.default_memory_pool()
    before, peak, found = pool.bytes_allocated(), 0, 0
    for item in reader_of("t.parquet")(io.BytesIO(content), Origin("t", "t"), Fields()):
        found += isinstance(item, Record)
        peak = max(peak, pool.bytes_allocated() - before)
    assert found == 100
    assert peak < 4 * parquet.PORTION_BYTES  # the texts are 114 MiB


# What stands for more than anything that people pack


@pytest.fixture
def packed_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bombs here are small."""
    monkeypatch.setattr(lines, "MOST_UNPACKED", 20)
    monkeypatch.setattr(lines, "LEAST_UNPACKED", 2_000_000)


REST = r"^rows \S+ to 4,000 cannot be read: it unpacks to more than 20 times its size and 2,000,000 bytes$"
ONE = "One text of bees and mayors. " * 4_000


@pytest.mark.usefixtures("packed_little")
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()])
@pytest.mark.parametrize("stored_as_dictionary", [False, True])
@pytest.mark.parametrize("field", ["text", "doc.text"])
def test_one_long_value_in_many_rows_is_read_so_far_and_the_rest_named(
    kind: object, field: str, stored_as_dictionary: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "PORTION_BYTES", 2**19)
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 4_000, pa.int32()), pa.array([ONE], kind))
    column = values if stored_as_dictionary else values.cast(kind)
    columns = {"text": column} if field == "text" else {"doc": pa.StructArray.from_arrays([column], ["text"])}
    content = of(columns, dictionary_pagesize_limit=2**24)
    assert len(content) < 20_000
    *items, fault = read(content, Fields(text=field))
    assert {one.text for one in items if isinstance(one, Record)} == {ONE}
    assert 10 <= len(items) <= 2_000_000 // len(ONE)
    assert isinstance(fault, Skipped)
    assert re.fullmatch(REST, fault.reason)
    assert fault.line == len(items) + 1


def test_of_one_long_value_in_many_rows_a_portion_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "PORTION_BYTES", 2**20)
    for column in ({"text": [ONE] * 4_000}, {"text": pa.array([ONE] * 4_000).dictionary_encode()}):
        content = of(column, dictionary_pagesize_limit=2**24)
        rows = reader_of("t.parquet")(io.BytesIO(content), Origin("t", "t"), Fields())
        tracemalloc.start()
        before, most, found = pa.total_allocated_bytes(), 0, 0
        for row in islice(rows, 500):
            found += isinstance(row, Record)
            most = max(most, pa.total_allocated_bytes() - before)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found == 500
        assert most + peak < 12 * 2**20  # 256 rows hold 30 MB


@pytest.mark.usefixtures("packed_little")
@pytest.mark.parametrize(
    "values", [pa.nulls(200_000, pa.string()), pa.array([""] * 200_000), pa.array(["a"] * 200_000)]
)
def test_very_many_rows_of_nothing_are_read_so_far_and_the_rest_named(values: object) -> None:
    *items, fault = read(of({"text": values}))
    assert len(items) * lines.LEAST_LINE <= 2_000_000
    assert isinstance(fault, Skipped)
    assert fault.reason.startswith(
        f"rows {len(items) + 1:,} to 200,000 cannot be read: it unpacks to more than 20 times"
    )


@pytest.mark.usefixtures("packed_little")
def test_a_row_group_that_says_it_unpacks_to_too_much_is_named_and_the_others_are_read() -> None:
    texts_of_all = ["Bees.", " " * 4_000_000, "The mayor of the town."]
    content = of({"text": texts_of_all}, row_group_size=1, use_dictionary=False, compression="zstd")
    first, fault, last = read(content)
    assert isinstance(fault, Skipped)
    assert texts([first, last]) == ["Bees.", "The mayor of the town."]
    assert fault.reason.startswith("rows 2 to 2 cannot be read: it unpacks to more than 20 times its size")


@pytest.mark.usefixtures("packed_little")
def test_many_rows_of_people_are_no_bomb() -> None:
    rows = [f"The clerk of town {n} counted {n * n % 977} bees. " * (1 + n % 5) for n in range(50_000)]
    assert texts(read(of({"text": rows}, compression="snappy"))) == rows
    few = ["One text of bees and mayors, in a line that is long enough."] * 30_000
    assert texts(read(of({"text": few}))) == few


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (pa.array([UUID(int=1).bytes, UUID(int=2).bytes], pa.binary(16)), [f"{1:032x}", f"{2:032x}"]),
        (pa.array([b"\xff\0", b"ab"]), ["ff00", "ab"]),
        (pa.array([Decimal(5), Decimal(10) ** 30], pa.decimal256(40, 0)), ["5", str(10**30)]),
        (pa.array([7.0, None]), ["7", "t.parquet:2"]),
    ],
)
def test_an_id_may_be_what_other_writers_make_of_numbers_and_bytes(ids: object, names: list[str]) -> None:
    content = of({"text": ["One.", "Two."], "id": ids})
    assert [item.id for item in read(content) if isinstance(item, Record)] == names


@pytest.mark.skipif(not hasattr(pa, "uuid"), reason="this pyarrow knows no UUID")
def test_an_id_may_be_a_uuid() -> None:
    (item,) = read(of({"text": ["One."], "id": pa.array([UUID(int=1).bytes], pa.uuid())}))
    assert isinstance(item, Record)
    assert item.id == str(UUID(int=1))


@pytest.mark.parametrize("value", [0.5, float("nan"), float("inf"), Decimal("0.5"), date(2025, 11, 1)])
def test_an_id_that_names_nothing_costs_the_row(value: object) -> None:
    (fault,) = read(of({"text": ["One."], "id": pa.array([value], from_pandas=False)}))
    assert isinstance(fault, Skipped)
    kind = {float: "number", Decimal: "Decimal", date: "date"}[type(value)]
    assert fault.reason == f'field "id" is a {kind}, not a string or an integer'


def test_bytes_within_a_column_are_text_too() -> None:
    items = read(
        written(pa.Table.from_pylist([{"d": {"body": b"One."}}, {"d": {"body": b"\xff"}}])), Fields(text="d.body")
    )
    assert texts(items) == ["One."]
    assert items[1] == Skipped("t.parquet", 2, "not UTF-8")


def test_of_a_column_with_parts_only_those_are_read_that_are_used() -> None:
    row = {"text": "One.", "metadata": {"url": "https://x.org/1", "junk": "#" * 99}, "meta": {"junk": "#" * 99}}
    content = bytearray(written(pa.Table.from_pylist([row] * 3), use_dictionary=False, compression="none"))
    about = pq.ParquetFile(io.BytesIO(bytes(content))).metadata.row_group(0)
    for column in (about.column(at) for at in range(about.num_columns)):
        if column.path_in_schema.endswith("junk"):
            content[column.data_page_offset : column.data_page_offset + 40] = b"\xff" * 40
    assert [item.url for item in read(bytes(content)) if isinstance(item, Record)] == ["https://x.org/1"] * 3


def test_a_page_that_is_not_what_its_checksum_says_costs_the_rows_from_there() -> None:
    values = [f"Text {i}." for i in range(20)]
    content = of(
        {"text": values}, row_group_size=10, write_page_checksum=True, compression="none", use_dictionary=False
    )
    items = read(content.replace(b"Text 15", b"Test 15"))
    assert texts(items) == values[:10]
    assert [item.line for item in items if isinstance(item, Skipped)] == [11]


def with_rows_said(content: bytes, number: int) -> bytes:
    """The file with another number of rows in its row group: the one byte of its footer that makes it so is found."""
    zigzag = 2 * number if number >= 0 else -2 * number - 1  # so Thrift writes integers
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for at in range(footer, len(content) - 8):
        changed = content[:at] + bytes([zigzag]) + content[at + 1 :]
        with suppress(OSError, pa.ArrowException, ValueError):
            if pq.ParquetFile(io.BytesIO(changed)).metadata.row_group(0).num_rows == number:
                return changed
    raise AssertionError(number)


def test_a_row_group_that_ends_early_does_not_end_without_a_word() -> None:
    values = [f"Text {i}." for i in range(20)]
    content = with_rows_said(of({"text": values}, compression="none", store_schema=False), 22)
    items = read(content)
    assert texts(items) == values
    assert items[20:] == [Skipped("t.parquet", 21, "rows 21 to 22 cannot be read: the row group ends before")]


@pytest.mark.parametrize("name", ["text", "more"])
def test_a_column_whose_name_is_not_utf_8_costs_the_file(name: str) -> None:
    content = of({"text": ["One."], "more": ["x"]}, store_schema=False)
    (fault,) = read(content.replace(name.encode(), b"\xff\xfe\xfd\xfc"))
    assert fault == Skipped("t.parquet", None, "cannot be read: the name of a column is not UTF-8")


def test_two_columns_of_a_name_that_is_used_cost_the_file() -> None:
    one, two = pa.array(["One."]), pa.array(["Two."])
    (fault,) = read(written(pa.Table.from_arrays([one, two], ["text", "text"])))
    assert fault == Skipped("t.parquet", None, "the file has more than one column 'text'")
    assert texts(read(written(pa.Table.from_arrays([one, two, two], ["text", "more", "more"])))) == ["One."]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (Fields(text="d.bdy"), 'no field "d.bdy" (has: d.body, id; use --text-field)'),
        (Fields(text="d.body", gold="g"), 'no field "g" (has: d.body, id; use --gold-field)'),
    ],
)
def test_a_column_that_is_not_there_is_told_once(fields: Fields, reason: str) -> None:
    table = pa.Table.from_pylist([{"id": str(i), "d": {"body": "One.", "size": 4}} for i in range(3)])
    assert read(written(table), fields) == [Skipped("t.parquet", None, reason)]


def test_a_key_that_a_map_has_twice_warns_nobody() -> None:
    metadata = pa.array([[("url", "https://x.org/1"), ("url", "https://x.org/2")]], pa.map_(pa.string(), pa.string()))
    (item,) = read(of({"text": ["One."], "metadata": metadata}))
    assert isinstance(item, Record)
    assert item.url == "https://x.org/2"


def test_parquet_without_pyarrow_is_one_line_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.parquet").write_bytes(of({"text": ["One."]}))
    monkeypatch.setattr("dedup.extras.find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r"^a \.parquet file needs pyarrow: pip install 'dedup\[parquet\]'$"):
        read_records([tmp_path / "t.parquet"])


def test_other_formats_do_not_import_pyarrow(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"text": "One."}\n')
    code = (
        "import sys; from dedup.read import read_records; "
        f"assert len(list(read_records([{str(tmp_path / 't.jsonl')!r}]))) == 1; assert 'pyarrow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
