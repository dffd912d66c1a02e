"""Parquet files rewritten: the same values, types, metadata, order, row groups and codecs."""

import io
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.apply import Choice, parse_policies, write_corpus
from dedup.apply.tables import Note, table_of
from dedup.apply.tables.parquet import ParquetTable
from dedup.errors import InputError
from dedup.read import read_records

from .corpora import planned, removed_ids, report_on

pa: Any = pytest.importorskip("pyarrow")
pq: Any = pytest.importorskip("pyarrow.parquet")

Table = Any
"""A table, or a file, of pyarrow, which has no types."""

METADATA = {b"huggingface": b'{"info": {"features": {}}}', b"bytes": b"\xff\x00"}
ROWS = 7


def column(*values: object, kind: object = None) -> Table:
    """These values over and over."""
    return pa.array([values[row % len(values)] for row in range(ROWS)], kind)


def every_type() -> Table:
    """A table with a column of every sort that pyarrow writes and reads."""
    now = datetime(2024, 5, 17, 8, 30, 1, 234567, UTC)
    columns = {
        "id": column(*"abcdefg"),
        "text": column("one", "two", None, "ثلاثة"),
        "large": column("x", None, kind=pa.large_string()),
        "bytes": column(b"\xff\xd8", b"", None),
        "fixed": column(b"ab", None, kind=pa.binary(2)),
        "dictionary": column("x", "y", "x", None).dictionary_encode(),
        "truth": column(True, None, False),
        "small": column(1, -2, None, kind=pa.int8()),
        "unsigned": column(2**64 - 1, None, kind=pa.uint64()),
        "half": column(1.5, None, kind=pa.float16()),
        "float": column(0.1, float("inf"), None),
        "decimal": column(Decimal("1.20"), None, Decimal("-999.99"), kind=pa.decimal128(9, 2)),
        "zoned": column(now, None, kind=pa.timestamp("us", "Asia/Ho_Chi_Minh")),
        "local": column(now.replace(tzinfo=None), None, kind=pa.timestamp("ms")),
        "nanoseconds": column(7_000, None, kind=pa.timestamp("ns", "UTC")),
        "day": column(date(1, 1, 1), None, date(9999, 12, 31)),
        "time": column(now.time(), None),
        "duration": column(timedelta(1), None),
        "list": column([1, None], [], None),
        "sequence": column([1.0, 2.0], [3.0, 4.0], kind=pa.list_(pa.float32(), 2)),
        "struct": column({"a": 1, "b": [{"c": "x"}]}, None, {"a": None, "b": None}),
        "map": column([("k", 1)], [], None, kind=pa.map_(pa.string(), pa.int32())),
        "null": pa.nulls(ROWS),
        "uuid": column(b"0123456789abcdef", None, kind=pa.uuid()),
        "json": column("{}", None, kind=pa.json_()),
    }
    table = pa.table(columns)
    field = pa.field("unsigned", pa.uint64(), metadata={"comment": "of a column"})
    at = table.schema.get_field_index("unsigned")
    table = table.set_column(at, field, table["unsigned"])
    required = pa.field("required", pa.int64(), nullable=False)
    return table.append_column(required, pa.array(range(ROWS))).replace_schema_metadata(METADATA)


def written(table: Table, **options: object) -> io.BytesIO:
    file = io.BytesIO()
    rows = options.pop("row_group_size", ROWS)
    known = signature(pq.ParquetWriter).parameters  # an older pyarrow has fewer
    options = {name: value for name, value in options.items() if name in known}
    with pq.ParquetWriter(file, table.schema, **options) as writer:
        writer.write_table(table, rows)
        if not options.get("store_schema", True):
            writer.add_key_value_metadata(METADATA)
    return file


def metadata(file: Table) -> dict[bytes, bytes]:
    """What a file says of itself, but for Arrow's own schema, which numbers fields where it is written again."""
    return {key: value for key, value in (file.metadata.metadata or {}).items() if key != b"ARROW:schema"}


def copied(file: io.BytesIO, dropped: Sequence[int] = ()) -> Table:
    out = io.BytesIO()
    ParquetTable().copy(file, out, frozenset(dropped))
    return pq.ParquetFile(out)


def annotated(file: io.BytesIO, notes: Mapping[int, Note]) -> Table:
    out = io.BytesIO()
    ParquetTable().annotate(file, out, notes.get)
    return pq.ParquetFile(out)


OPTIONS: list[dict[str, object]] = [
    {},
    {"row_group_size": 2, "compression": "zstd"},
    {"row_group_size": 3, "compression": {"text": "gzip", "list.list.element": "brotli"}, "use_dictionary": ["text"]},
    {"store_schema": False, "compression": "none"},
    {"use_compliant_nested_type": False, "compression": "lz4", "version": "2.4"},
    {"store_decimal_as_integer": True, "write_time_adjusted_to_utc": True, "use_compliant_nested_type": False},
    {"write_page_index": True, "sorting_columns": [{"column_index": 0, "descending": True}]},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dropped", [(), (1,), (2, 3, 7)])
def test_what_stays_keeps_its_values_types_and_metadata(options: dict[str, Any], dropped: tuple[int, ...]) -> None:
    if "sorting_columns" in options:
        options = {**options, "sorting_columns": [pq.SortingColumn(**one) for one in options["sorting_columns"]]}
    file = written(every_type(), **options)
    before, after = pq.ParquetFile(file), copied(file, dropped)
    mask = pa.array([row + 1 not in dropped for row in range(ROWS)])
    assert undone(after.read()).equals(undone(before.read().filter(mask)), check_metadata=True)
    assert after.schema.equals(before.schema)
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert metadata(after) == metadata(before) == METADATA
    assert (b"ARROW:schema" in after.metadata.metadata) == (b"ARROW:schema" in before.metadata.metadata)
    assert after.metadata.format_version == before.metadata.format_version
    assert [told(group) for group in groups(after)] == [told(group) for group in groups(before)][: len(groups(after))]


def undone(table: Table) -> Table:
    """The table without its dictionary, whose order is that in which its values are met."""
    at = table.schema.get_field_index("dictionary")
    return table.set_column(at, "dictionary", table["dictionary"].cast(pa.string()))


def groups(file: Table) -> list[Table]:
    return [file.metadata.row_group(at) for at in range(file.num_row_groups)]


def told(group: Table) -> object:
    columns = [group.column(at) for at in range(group.num_columns)]
    said = [(one.path_in_schema, one.compression, one.has_dictionary_page, one.has_offset_index) for one in columns]
    return group.sorting_columns, said


def test_texts_of_a_type_that_pyarrow_cannot_filter_are_kept() -> None:
    file = written(pa.table({"text": pa.array(["a", "b", None, "c"], pa.string_view())}))
    table = copied(file, [2]).read()
    assert (table["text"].type, table["text"].to_pylist()) == (pa.string_view(), ["a", None, "c"])


def test_timestamps_of_96_bits_stay_so_and_may_be_far_away() -> None:
    far = [datetime(9999, 12, 31, 23, 59, 59, 999999), None, datetime(1, 1, 1)]
    table = pa.table({"at": pa.array(far, pa.timestamp("us")), "of": [[1], [2], None]})
    file = written(table, use_deprecated_int96_timestamps=True, store_schema=False, use_compliant_nested_type=False)
    after = copied(file, [2])
    assert after.schema.equals(pq.ParquetFile(file).schema)
    again = pq.ParquetFile(io.BytesIO(contents(file, [2])), coerce_int96_timestamp_unit="us")
    assert again.read()["at"].to_pylist() == [far[0], far[2]]


def contents(file: io.BytesIO, dropped: Sequence[int]) -> bytes:
    out = io.BytesIO()
    ParquetTable().copy(file, out, dropped)
    return out.getvalue()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 600), st.integers(1, 300), st.data())
def test_row_groups_lose_what_goes_and_empty_ones_are_gone(rows: int, size: int, data: st.DataObject) -> None:
    start, length = data.draw(st.integers(1, 600)), data.draw(st.integers(0, 600))
    dropped = {*data.draw(st.sets(st.integers(1, 600))), *range(start, start + length)}
    file = written(pa.table({"n": pa.array(range(1, rows + 1), pa.int64())}), row_group_size=size)
    after = copied(file, sorted(dropped))
    starts = range(1, rows + 1, size)
    stay = [[n for n in range(at, min(at + size, rows + 1)) if n not in dropped] for at in starts]
    assert [after.read_row_group(at)["n"].to_pylist() for at in range(after.num_row_groups)] == list(filter(None, stay))
    assert after.schema.equals(pq.ParquetFile(file).schema)


def test_row_group_larger_than_is_held_is_written_as_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedup.apply.tables.parquet.GROUP_BYTES", 8 * 400)
    file = written(pa.table({"n": pa.array(range(1000), pa.int64())}), row_group_size=1000)
    after = copied(file, [1])
    assert [group.num_rows for group in groups(after)] == [511, 488]
    assert after.read()["n"].to_pylist() == list(range(1, 1000))


@pytest.mark.parametrize("options", [{}, {"store_schema": False, "row_group_size": 2}, {"compression": "gzip"}])
def test_annotated_table_has_three_columns_more_and_nothing_else(options: dict[str, Any]) -> None:
    table = every_type()
    file = written(table, **options)
    notes = {1: Note("c1", "keep", 2), 2: Note(None, "single", 1), 5: Note("c1", "copy", 2)}
    before, after = pq.ParquetFile(file), annotated(file, notes)
    said = after.read()
    assert said.column_names == [*table.column_names, "dedup_cluster", "dedup_role", "dedup_size"]
    assert said.select(table.column_names).equals(before.read(), check_metadata=True)
    assert metadata(after) == METADATA
    added = [tuple(row.values()) for row in said.select(Note._fields).to_pylist()]
    assert added == [notes.get(line, (None, None, None)) for line in range(1, ROWS + 1)]
    assert [str(said.schema.field(name).type) for name in Note._fields] == ["string", "string", "int64"]
    assert [group.num_rows for group in groups(after)] == [group.num_rows for group in groups(before)]
    codec = groups(before)[0].column(0).compression
    columns = groups(after)[0].num_columns
    assert {groups(after)[0].column(at).compression for at in range(columns - 3, columns)} == {codec}


# As a corpus


def corpus(folder: Path, columns: Mapping[str, object], **options: object) -> Path:
    path = folder / "t.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_copies_go_and_unusable_rows_stay(tmp_path: Path) -> None:
    columns = {"id": list("abcd"), "text": ["same", None, "same", "other"], "more": [{"x": 1}, None, {"x": 3}, {}]}
    path = corpus(tmp_path, columns, row_group_size=2)
    plan = planned(report_on([path], [["a", "c"]]), path)
    write_corpus(plan, tmp_path / "out.parquet", removed=tmp_path / "removed.jsonl")
    assert pq.read_table(tmp_path / "out.parquet").equals(
        pq.read_table(path).filter(pa.array([True, True, False, True]))
    )
    assert [(removal.id, removal.line) for removal in plan.removals] == [("c", 3)]
    write_corpus(plan, tmp_path / "marked.parquet", annotate=True)
    marked = pq.read_table(tmp_path / "marked.parquet")
    assert marked["dedup_role"].to_pylist() == ["keep", None, "copy", "single"]
    assert marked["dedup_size"].to_pylist() == [2, None, 2, 1]
    texts = [getattr(item, "text", None) for item in read_records([tmp_path / "marked.parquet"])]
    assert texts == ["same", None, "same", "other"]


def test_table_without_texts_is_written_all_the_same(tmp_path: Path) -> None:
    path, other = corpus(tmp_path, {"body": ["a", "b"]}), tmp_path / "other.jsonl"
    other.write_text('{"id": "x", "text": "one"}\n')
    write_corpus(planned(report_on([path, other], []), path, other), tmp_path / "out", annotate=True)
    marked = pq.read_table(tmp_path / "out" / "t.parquet")
    assert marked.to_pylist() == [{"body": text, **dict.fromkeys(Note._fields)} for text in "ab"]


def test_column_that_is_there_already_is_refused(tmp_path: Path) -> None:
    path = corpus(tmp_path, {"text": ["a"], "dedup_size": [1]})
    plan = planned(report_on([path], []), path)
    with pytest.raises(InputError, match=r"t\.parquet: the schema has a field 'dedup_size' already$"):
        write_corpus(plan, tmp_path / "out.parquet", annotate=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]


def test_broken_column_that_no_run_reads_is_refused_in_one_line(tmp_path: Path) -> None:
    blobs = [bytes([n % 251]) * 1000 for n in range(400)]
    path = corpus(
        tmp_path, {"text": ["a"] * 400, "blob": blobs}, compression="zstd", row_group_size=100, use_dictionary=False
    )
    report = report_on([path], [])
    data = bytearray(path.read_bytes())
    at = pq.ParquetFile(path).metadata.row_group(2).column(1).data_page_offset
    data[at : at + 60] = b"\xff" * 60
    path.write_bytes(data)
    assert report_on([path], []) == report
    with pytest.raises(InputError, match=r"t\.parquet: cannot be copied whole: .+$") as error:
        planned(report, path)
    assert "\n" not in str(error.value)


def test_file_that_breaks_after_the_plan_leaves_nothing(tmp_path: Path) -> None:
    path = corpus(tmp_path, {"text": ["a"] * 400})
    plan = planned(report_on([path], []), path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"t\.parquet: cannot be copied whole: .+$"):
        write_corpus(plan, tmp_path / "out.parquet")
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]


def test_equal_tables_come_out_equal(tmp_path: Path) -> None:
    path = corpus(tmp_path, {"text": ["a", "b"] * 500, "list": [[1], []] * 500}, compression="zstd")
    plan = planned(report_on([path], []), path)
    for name in ("1.parquet", "2.parquet"):
        write_corpus(plan, tmp_path / name)
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


NOON = datetime(2024, 5, 17, 12)


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ([2, 10, None], 1),
        ([2.5, float("nan"), 10.0], 2),
        (["9", "10", "x"], 1),
        ([Decimal("1.10"), Decimal("1.20"), Decimal("-7.00")], 1),
        ([date(2024, 1, 1), None, date(2024, 1, 2)], 2),
        ([NOON, NOON - timedelta(microseconds=1), None], 0),
        (pa.array([1_000_000, 1_001_000, None], pa.timestamp("ns", "Asia/Tokyo")), 1),
        (pa.array([10**15, 5, None], pa.timestamp("s")), 1),
        (pa.array(["9", "10", "9"]).dictionary_encode(), 1),
    ],
)
def test_greatest_value_of_a_column_stays(tmp_path: Path, values: object, best: int) -> None:
    path = corpus(tmp_path, {"id": list("abc"), "text": ["same"] * 3, "score": values}, row_group_size=2)
    plan = planned(report_on([path], [["a", "b", "c"]]), path, choice=Choice(parse_policies(["max:score"])))
    assert removed_ids(plan) == [id_ for at, id_ in enumerate("abc") if at != best]


@pytest.mark.parametrize(
    ("column", "field", "best"),
    [
        ([{"score": {"x": n}} for n in (9, 10, 8)], "metadata.score.x", 1),
        ([None, {"score": {"x": 1}}, {"score": None}], "metadata.score.x", 1),
        ([[("score", 1)], [("score", 3), ("other", 9)], []], "metadata.score", 1),
        ([{"at": n} for n in (1_000, 2_001, None)], "metadata.at", 1),
    ],
)
def test_value_within_a_column_of_fields(tmp_path: Path, column: list[object], field: str, best: int) -> None:
    kind = None
    if field == "metadata.at":
        kind = pa.struct([("at", pa.timestamp("ns"))])
    elif field == "metadata.score":
        kind = pa.map_(pa.string(), pa.int64())
    path = corpus(tmp_path, {"id": list("abc"), "text": ["same"] * 3, "metadata": pa.array(column, kind)})
    plan = planned(report_on([path], [["a", "b", "c"]]), path, choice=Choice(parse_policies([f"max:{field}"])))
    assert removed_ids(plan) == [id_ for at, id_ in enumerate("abc") if at != best]


def test_column_with_a_dot_in_its_name_goes_first(tmp_path: Path) -> None:
    within = [{"score": 2}, {"score": 1}]
    path = corpus(tmp_path, {"id": list("ab"), "text": ["same"] * 2, "m.score": [1, 2], "m": within})
    plan = planned(report_on([path], [["a", "b"]]), path, choice=Choice(parse_policies(["max:m.score"])))
    assert removed_ids(plan) == ["a"]


def test_field_that_nobody_has_is_refused(tmp_path: Path) -> None:
    path = corpus(tmp_path, {"id": list("ab"), "text": ["same"] * 2})
    with pytest.raises(InputError, match="in a field 'score'"):
        planned(report_on([path], [["a", "b"]]), path, choice=Choice(parse_policies(["max:score"])))


def test_pyarrow_is_not_imported_for_other_tables() -> None:
    program = (
        "import sys; from dedup.apply.tables import table_of; table_of('t.csv'); assert 'pyarrow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert isinstance(table_of("T.Parquet"), ParquetTable)
