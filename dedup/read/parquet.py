"""Parquet files: one record a row, read in portions, and of their columns only those that are used.

The ``line`` of a record is the number of its row, counted from 1 over the whole file. A row group that cannot be read
costs its rows, and the others are read. This needs pyarrow, which the extra ``parquet`` brings.
"""

import os
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

from dedup.errors import let_shortage_pass
from dedup.extras import require
from dedup.model import Record, Skipped
from dedup.read.fields import Fields, Origin, look_up
from dedup.read.lines import Growth
from dedup.read.rows import Rows

EXTRA: Final = "parquet"
PACKAGE: Final = "pyarrow"

PORTION: Final = 256
"""Rows that are held at once, or fewer:"""

PORTION_BYTES: Final = 2**24
"""Bytes that these may have, by the mean of their row group; one row is always held."""

BUFFER: Final = 2**20
"""Bytes of a column that are read at once: a row group may be larger than the memory. A page is always held whole."""

WHOLE: Final = 2**24
"""Bytes of a file of whose row groups whole columns are read at once. Else pyarrow reserves, for each page, as many
bytes as its head says, up to 2 GiB and also where the file ends before: a damaged table of 3 KB took 2.8 GB."""

_MOST_OF_A_COMPLAINT: Final = 160

# pyarrow has no types: these say what is meant.
_File = Any
_Batch = Any
_Scalar = Any
_Kind = Any
_Kinds = Mapping[str, Any]
_RowGroup = Any


def read_parquet(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
    """The records of a .parquet file, which must be seekable."""
    unreadable = (OSError, _arrow().ArrowException)
    rows = Rows(origin, fields)
    try:
        file = opened(stream)
        fault = _fault_of(file.schema_arrow, rows, fields)
        if fault is not None:
            yield replace(fault, line=None)
            return
        columns = _columns(_kinds_of(file.schema_arrow), fields)
        by_dictionary = opened(stream, read_dictionary=sorted(columns & _leaves_of(file)))
    except unreadable as error:
        let_shortage_pass(error)
        yield Skipped(origin.path, None, f"cannot be read: {in_one_line(error)}")
        return
    size = stream.seek(0, os.SEEK_END)
    growth = Growth(size)
    first = 1
    for group in range(file.num_row_groups):
        # A damaged file may say anything, also that there are fewer than none.
        behind = first + max(0, file.metadata.row_group(group).num_rows)
        done = first
        try:
            Growth(size).check(file.metadata.row_group(group).total_byte_size)
            longest = _longest_in_dictionaries(by_dictionary, group, columns)
            for portion in _small(portions(file, group, columns, longest)):
                growth.check(_bytes_in(portion), portion.num_rows)
                for row in _rows(portion):
                    yield _record(row, done, rows, fields)
                    done += 1
        except unreadable as error:
            let_shortage_pass(error)
            behind = max(behind, done + 1)
            rest = f"rows {done:,} to {behind - 1:,} cannot be read"
            yield rows.skipped(done, f"{rest}: {in_one_line(error)}")
        first = max(behind, done)


def _arrow() -> Any:  # noqa: ANN401
    return require("pyarrow", EXTRA, "a .parquet file")


def opened(stream: BinaryIO, **options: object) -> _File:
    """The file as a ``pyarrow.parquet.ParquetFile``, which compares pages with their checksums where it has these.

    Raises :class:`OSError` or ``pyarrow.ArrowException`` where it cannot be read.
    """
    parquet = require("pyarrow.parquet", EXTRA, "a .parquet file")
    buffer = BUFFER if stream.seek(0, os.SEEK_END) > WHOLE else 0
    try:
        file = parquet.ParquetFile(
            stream, buffer_size=buffer, pre_buffer=False, page_checksum_verification=True, **options
        )
        _kinds_of(file.schema_arrow)  # decodes the names
    except UnicodeDecodeError as error:
        raise OSError("the name of a column is not UTF-8") from error
    return file


def portions(file: _File, group: int, columns: Collection[str] | None = None, longest: int = 0) -> Iterator[_Batch]:
    """The rows of a group in batches, and of them all columns, or those of these names (``a.b`` for a part of one).
    ``longest`` is how many bytes a value has that may be in each row, and in the file only once.

    Raises :class:`OSError` or ``pyarrow.ArrowException`` where they cannot be read, also where there are fewer than the
    file says: pyarrow ends without a word where a damaged page is taken for the last one.
    """
    about = file.metadata.row_group(group)
    names = None if columns is None else sorted(columns)
    count = 0
    for batch in file.iter_batches(_rows_at_once(about, longest), row_groups=[group], columns=names, use_threads=False):
        count += batch.num_rows
        if batch.num_rows:
            yield batch
    if count < about.num_rows:
        raise OSError("the row group ends before")


def _rows_at_once(about: _RowGroup, longest: int) -> int:
    """By the size of all columns: to ask a damaged file for that of one can end the process (pyarrow 25)."""
    number: int = about.num_rows
    size: int = about.total_byte_size
    return max(1, min(PORTION, PORTION_BYTES * number // max(size, 1), PORTION_BYTES // max(longest, 1)))


def _longest_in_dictionaries(file: _File, group: int, columns: Collection[str]) -> int:
    """Bytes of the longest value in the dictionaries of a group's columns, of which each row may be one. ``file`` is
    opened to give dictionaries as they are: with the first row comes the whole.
    """
    if file.metadata.row_group(group).total_byte_size <= PORTION_BYTES // PORTION:
        return 0  # as long as that no value can be
    first = next(file.iter_batches(1, row_groups=[group], columns=sorted(columns), use_threads=False), None)
    return max(map(_longest, first.columns), default=0) if first is not None else 0


def _longest(array: Any) -> int:  # noqa: ANN401
    arrow = _arrow()
    if isinstance(array, arrow.StructArray):
        return max(map(_longest, array.flatten()), default=0)
    return _compute().max(_lengths(array.dictionary)).as_py() or 0 if isinstance(array, arrow.DictionaryArray) else 0


def _lengths(values: Any) -> Any:  # noqa: ANN401
    """Bytes of each value of a dictionary, as an array: it may hold very many, and is looked at for each portion."""
    arrow = _arrow()
    if values.type in (arrow.string(), arrow.large_string(), arrow.binary(), arrow.large_binary()):
        return _compute().binary_length(values).cast("int64")
    return arrow.repeat(values.nbytes // max(len(values), 1), len(values))


def _compute() -> Any:  # noqa: ANN401
    return require("pyarrow.compute", EXTRA, "a .parquet file")


def _kinds_of(fields: Any) -> _Kinds:  # noqa: ANN401
    """The types of the columns of a schema, or of the fields of a struct."""
    return {field.name: field.type for field in fields}


def _column_of(kinds: _Kinds, name: str) -> str | None:
    """The column, or the part of one, that is to be read for a field; None where there is none. A map is read whole.

    Names are looked up as in :func:`dedup.read.fields.look_up`.
    """
    if name in kinds:
        return name
    outer, dot, inner = name.partition(".")
    kind = kinds.get(outer) if dot else None
    if kind is None:
        return None
    types = _arrow().types
    if not types.is_struct(kind):
        return outer if types.is_map(kind) else None
    within = _column_of(_kinds_of(kind), inner)
    return None if within is None else f"{outer}.{within}"


def _columns(kinds: _Kinds, fields: Fields) -> set[str]:
    return {column for name in fields.names() if (column := _column_of(kinds, name)) is not None}


def _fault_of(schema: Any, rows: Rows, fields: Fields) -> Skipped | None:  # noqa: ANN401
    """Why no row of the file can be used, if that is so."""
    kinds = _kinds_of(schema)
    repeated = sorted(name for name in {*fields.names()} if schema.names.count(name) > 1)
    if repeated:
        return rows.skipped(1, f"the file has more than one column {repeated[0]!r}")
    missing = [name for name in (fields.text, fields.gold) if name is not None and _column_of(kinds, name) is None]
    if not missing:
        return None
    there = {name: "-" for name in (*_texts_in(kinds), fields.text) if name not in missing}
    fault = rows.record(there, 1)  # says what is missing, and what there is
    return fault if isinstance(fault, Skipped) else None


def _texts_in(kinds: _Kinds) -> Iterator[str]:
    """The names of the columns that may be a text, also of those within others."""
    types = _arrow().types
    for name, given in kinds.items():
        kind = given.value_type if types.is_dictionary(given) else given
        if types.is_struct(kind):
            yield from (f"{name}.{inner}" for inner in _texts_in(_kinds_of(kind)))
        elif any(is_it(kind) for is_it in (types.is_string, types.is_large_string, types.is_string_view)):
            yield name


def _leaves_of(file: _File) -> set[str]:
    """The columns that the file itself has, where structs and lists are taken apart."""
    return {file.schema.column(place).path for place in range(len(file.schema))}


def _small(batches: Iterable[_Batch]) -> Iterator[_Batch]:
    """The same rows in batches of ``PORTION_BYTES`` at most, or of one row."""
    for batch in batches:
        half = batch.num_rows // 2
        if half and _bytes_in(batch) > PORTION_BYTES:
            yield from _small([batch.slice(0, half), batch.slice(half)])
        else:
            yield batch


def _bytes_in(array: Any) -> int:  # noqa: ANN401
    """Bytes of what an array or batch stands for: of a value that is there once, and in many rows, in all of them."""
    arrow = _arrow()
    if isinstance(array, arrow.RecordBatch):
        return sum(map(_bytes_in, array.columns))
    if isinstance(array, arrow.StructArray):
        return sum(map(_bytes_in, array.flatten()))
    if not isinstance(array, arrow.DictionaryArray):
        return int(array.nbytes)
    return _compute().sum(_lengths(array.dictionary).take(array.indices)).as_py() or 0


def _rows(batch: _Batch) -> list[Mapping[str, object] | None]:
    """The rows of a portion; None for one whose text is not UTF-8, which nobody checks when it is written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a key that a map has twice
        try:
            return cast("list[Mapping[str, object] | None]", batch.to_pylist(maps_as_pydicts="lossy"))
        except (ValueError, OverflowError):
            return [_row(batch, place) for place in range(batch.num_rows)]


def _row(batch: _Batch, place: int) -> Mapping[str, object] | None:
    try:
        return {name: plain(batch.column(name)[place], _arrow()) for name in batch.schema.names}
    except UnicodeDecodeError:
        return None


def plain(scalar: _Scalar, arrow: Any) -> object:  # noqa: ANN401
    """The value that Python has for one of pyarrow: a time without its nanoseconds, and none at all for one after 9999.

    Raises :class:`UnicodeDecodeError`.
    """
    kind = scalar.type
    if isinstance(scalar, arrow.StructScalar) and scalar.is_valid:
        return {field.name: plain(scalar[at], arrow) for at, field in enumerate(kind)}
    try:
        if arrow.types.is_timestamp(kind) and kind.unit == "ns":
            scalar = scalar.cast(arrow.timestamp("us", kind.tz), safe=False)
        return cast(object, scalar.as_py(maps_as_pydicts="lossy"))
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError):
        return None


def _record(row: Mapping[str, object] | None, number: int, rows: Rows, fields: Fields) -> Record | Skipped:
    values = {name: _decoded(value) for name, value in (row or {}).items()}
    if row is None or isinstance(look_up(values, fields.text), bytes):
        return rows.skipped(number, "not UTF-8")
    for name in filter(None, (fields.id, fields.gold)):
        value = look_up(row, name)
        if name != fields.text and isinstance(value, _NAMES):
            values[name] = _name(value)  # a field of that very name goes first
    return rows.record(values, number)


def _decoded(value: object) -> object:
    """Columns of bytes are those of writers that do not tell text from bytes; what is no text stays what it is."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value
    return {name: _decoded(inner) for name, inner in value.items()} if isinstance(value, dict) else value


_NAMES: Final = (bytes, UUID, Decimal, float)


def _name(value: bytes | UUID | Decimal | float) -> object:
    """An id that is a number or bytes in one of the other ways in which tables hold these: a digest, a UUID, a decimal
    number without fraction, an integer among nulls (of which pandas makes a floating-point number).
    """
    if isinstance(value, bytes):
        text = _decoded(value)
        return text if isinstance(text, str) and text.isprintable() else value.hex()
    if isinstance(value, UUID):
        return str(value)
    is_whole = value.is_integer() if isinstance(value, float) else value == value.to_integral_value()
    return int(value) if is_whole else value


def in_one_line(error: Exception) -> str:
    """What an error of pyarrow says, without its line ends, and not at length."""
    words = " ".join(str(getattr(error, "strerror", None) or error).split())
    return words if len(words) <= _MOST_OF_A_COMPLAINT else words[:_MOST_OF_A_COMPLAINT].rstrip() + "…"
