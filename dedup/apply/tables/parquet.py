"""Parquet files rewritten: the values that stay, stay what they are, with their types and all that the file says of
itself, its order, its row groups and its codecs.

Values are read and written by pyarrow, in portions: the bytes of a file are no others than its writer makes. What
cannot be seen from outside, or not be written again, becomes what pyarrow makes of it: levels of compression, sizes of
pages, Bloom filters, who wrote the file, and logical types that Arrow does not know. Timestamps of 96 bits are read to
the microsecond, as nanoseconds of 64 bits end in 2262.

A row group that loses rows becomes smaller; one that loses all of them is not written. One that takes more than
:data:`GROUP_BYTES` in memory is written as several.
"""

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from itertools import combinations, groupby
from typing import Any, BinaryIO, Final

from dedup.apply.tables.table import Note, Notes, check_free, told
from dedup.extras import require
from dedup.read.fields import look_up
from dedup.read.parquet import EXTRA, in_one_line, opened, plain, portions

GROUP_BYTES: Final = 2**28
"""Of a row group that is held to be written at once."""

_NO_NOTE: Final = (None,) * len(Note._fields)
_ARROW_SCHEMA: Final = b"ARROW:schema"
_WAYS: Final[Mapping[str, bool]] = {
    "use_compliant_nested_type": False,
    "use_deprecated_int96_timestamps": True,
    "store_decimal_as_integer": True,
    "write_time_adjusted_to_utc": True,
}
"""How else than by default a writer may have put Arrow's types."""

# pyarrow has no types: these say what is meant.
_File = Any
_Batch = Any
_Schema = Any


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """A line is the number of a row in the whole file, from 1."""

    def check(self, stream: BinaryIO) -> int:
        """Never holds more than a portion. There are no blank lines."""
        with _faults():
            file = _opened(stream)
            for group in range(file.num_row_groups):
                for _ in portions(file, group):
                    pass
        return 0

    def copy(self, stream: BinaryIO, out: BinaryIO, dropped: Collection[int]) -> None:
        """Never holds more rows than :data:`GROUP_BYTES` and a portion."""
        with _faults():
            file = _opened(stream)
            _rewrite(file, out, file.schema_arrow, lambda batch, first: _without(batch, first, dropped))

    def annotate(self, stream: BinaryIO, out: BinaryIO, note: Notes) -> None:
        """The columns come after those that there are. What the run did not compare, has nulls in them."""
        arrow = _arrow()
        with _faults():
            file = _opened(stream)
            schema = file.schema_arrow
            check_free(schema.names, "the schema")
            kinds = (arrow.string(), arrow.string(), arrow.int64())
            for name, kind in zip(Note._fields, kinds, strict=True):
                schema = schema.append(arrow.field(name, kind))

            def annotated(batch: _Batch, first: int) -> Iterator[_Batch]:
                notes = zip(*(note(line) or _NO_NOTE for line in range(first, first + batch.num_rows)), strict=True)
                columns = [arrow.array(said, kind) for said, kind in zip(notes, kinds, strict=True)]
                yield arrow.RecordBatch.from_arrays([*batch.columns, *columns], schema=schema)

            _rewrite(file, out, schema, annotated)

    def values(self, stream: BinaryIO, field: str, lines: Collection[int]) -> dict[int, object]:
        """Only the columns that it may be in are read. Times are told to the microsecond."""
        found: dict[int, object] = {}
        with _faults():
            file = _opened(stream)
            columns = [name for name in file.schema_arrow.names if name in (field, field.partition(".")[0])]
            first = 1
            for group in range(file.num_row_groups if columns else 0):
                for batch in portions(file, group, columns):
                    for line in range(first, first + batch.num_rows):
                        if line in lines:
                            found[line] = _value(batch.slice(line - first, 1), field)
                    first += batch.num_rows
        return told(found)


def _arrow() -> Any:  # noqa: ANN401
    return require("pyarrow", EXTRA, "a .parquet file")


def _parquet() -> Any:  # noqa: ANN401
    return require("pyarrow.parquet", EXTRA, "a .parquet file")


@contextmanager
def _faults() -> Iterator[None]:
    """What pyarrow raises for a file that it cannot read or write, as an :class:`OSError` of one line."""
    try:
        yield
    except (OSError, _arrow().ArrowException) as error:
        raise OSError(in_one_line(error)) from error


def _opened(stream: BinaryIO) -> _File:
    return opened(stream, coerce_int96_timestamp_unit="us")


def _value(row: _Batch, field: str) -> object:
    """The value of a row's field; none of one that holds texts that are no UTF-8."""
    try:
        return look_up({name: plain(row.column(name)[0], _arrow()) for name in row.schema.names}, field)
    except UnicodeDecodeError:
        return None


def _without(batch: _Batch, first: int, dropped: Collection[int]) -> Iterator[_Batch]:
    """The rows that stay, in runs: slices, as there are types that pyarrow cannot filter."""
    at = 0
    for goes, run in groupby(line in dropped for line in range(first, first + batch.num_rows)):
        rows = sum(1 for _ in run)
        if not goes:
            yield batch.slice(at, rows)
        at += rows


def _rewrite(file: _File, out: BinaryIO, schema: _Schema, rewritten: Callable[[_Batch, int], Iterator[_Batch]]) -> None:
    """Write what ``rewritten`` makes of each portion, which it gets with the number of its first row."""
    first = 1
    options = _options(file)
    with _parquet().ParquetWriter(out, schema, **options) as writer:
        for group in range(file.num_row_groups):
            first = _rewrite_group(writer, schema, portions(file, group), first, rewritten)
        if file.metadata.metadata and not options["store_schema"]:  # with which they are written, too
            writer.add_key_value_metadata(file.metadata.metadata)


def _rewrite_group(
    writer: Any,  # noqa: ANN401
    schema: _Schema,
    batches: Iterable[_Batch],
    first: int,
    rewritten: Callable[[_Batch, int], Iterator[_Batch]],
) -> int:
    """Write the rows of a group; the number of the first row after it."""
    held: list[_Batch] = []
    size = 0
    for batch in batches:
        held += rewritten(batch, first)
        first += batch.num_rows
        size += batch.get_total_buffer_size()
        if size >= GROUP_BYTES:
            _write_group(writer, schema, held)
            held, size = [], 0
    _write_group(writer, schema, held)
    return first


def _write_group(writer: Any, schema: _Schema, batches: list[_Batch]) -> None:  # noqa: ANN401
    table = _arrow().Table.from_batches(batches, schema)
    if table.num_rows:
        writer.write_table(table, row_group_size=table.num_rows)


def _options(file: _File) -> dict[str, Any]:
    """What makes a writer put the columns as they were put, as far as the file tells."""
    groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
    columns = [group.column(at) for group in groups[:1] for at in range(group.num_columns)]
    codecs = {column.path_in_schema: _codec(column.compression) for column in columns}
    orders = {group.sorting_columns for group in groups}
    return {
        **_make(file),
        "compression": {**dict.fromkeys(Note._fields, next(iter(codecs.values()), "NONE")), **codecs},
        "use_dictionary": [*Note._fields, *(column.path_in_schema for column in columns if column.has_dictionary_page)],
        "write_page_index": any(column.has_offset_index for column in columns),
        "sorting_columns": orders.pop() or None if len(orders) == 1 else None,
    }


def _codec(name: str) -> str:
    return "NONE" if name == "UNCOMPRESSED" else name


def _make(file: _File) -> dict[str, Any]:
    """The version and the ways under which a file of no rows has the same Parquet schema, or else pyarrow's own."""
    store_schema = {"store_schema": _ARROW_SCHEMA in (file.metadata.metadata or {})}
    for version in (file.metadata.format_version, "2.6"):
        for ways in _combinations():
            options = {**store_schema, **ways, "version": version}
            if file.schema.equals(_schema_under(file.schema_arrow, options)):
                return options
    return store_schema


def _combinations() -> Iterator[Mapping[str, bool]]:
    """The ways that this pyarrow knows, none of them first."""
    known = [name for name in _WAYS if name in signature(_parquet().ParquetWriter).parameters]
    for number in range(len(known) + 1):
        for names in combinations(known, number):
            yield {name: _WAYS[name] for name in names}


def _schema_under(schema: _Schema, options: Mapping[str, Any]) -> _Schema:
    empty = io.BytesIO()
    _parquet().ParquetWriter(empty, schema, **options).close()
    return _parquet().ParquetFile(empty).schema
