"""Parquet files: one record a row, read in portions, and of their columns only those that are used.

The ``line`` of a record is the number of its row, counted from 1 over the whole file. A row group that cannot be read
costs its rows, and the others are read. This needs pyarrow, which the extra ``parquet`` brings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, Final, cast

from dedup.extras import require
from dedup.model import Record, Skipped
from dedup.read.fields import Fields, Origin
from dedup.read.rows import Rows

EXTRA: Final = "parquet"
PACKAGE: Final = "pyarrow"

PORTION: Final = 256
"""Rows that are held at once."""

BUFFER: Final = 2**20
"""Bytes of a column that are read at once: a row group may be larger than the memory."""

_MOST_OF_A_COMPLAINT: Final = 160


def read_parquet(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
    """The records of a .parquet file, which must be seekable."""
    arrow, parquet = require("pyarrow", EXTRA, "a .parquet file"), require("pyarrow.parquet", EXTRA, "a .parquet file")
    unreadable = (OSError, arrow.ArrowException)
    try:
        file = parquet.ParquetFile(stream, buffer_size=BUFFER, pre_buffer=False)
        schema = file.schema_arrow
    except unreadable as error:
        yield Skipped(origin.path, None, f"cannot be read: {in_one_line(error)}")
        return
    rows = Rows(origin, fields)
    if fields.text.partition(".")[0] not in schema.names and fields.text not in schema.names:
        texts = {name: "-" for name in schema.names if _may_be_text(schema.field(name).type, arrow)}
        yield replace(rows.record(texts, 1), line=None)  # says what is missing, and what there is
        return
    columns = [name for name in schema.names if name in fields.columns()]
    first = 1
    for group in range(file.num_row_groups):
        number = file.metadata.row_group(group).num_rows
        done = first
        try:
            for batch in file.iter_batches(PORTION, row_groups=[group], columns=columns, use_threads=False):
                for row in _rows(batch, arrow):
                    yield _record(row, done, rows)
                    done += 1
        except unreadable as error:
            rest = f"rows {done:,} to {first + number - 1:,} cannot be read"
            yield rows.skipped(done, f"{rest}: {in_one_line(error)}")
        first += number


def _may_be_text(kind: Any, arrow: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    types = arrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(is_it(kind) for is_it in (types.is_string, types.is_large_string, types.is_string_view))


def _rows(batch: Any, arrow: Any) -> Iterator[Mapping[str, object] | None]:  # noqa: ANN401
    """The rows of a portion; None for one whose text is not UTF-8, which nobody checks when it is written."""
    try:
        yield from batch.to_pylist(maps_as_pydicts="lossy")
    except (ValueError, OverflowError):
        for place in range(batch.num_rows):
            try:
                yield {name: plain(batch.column(name)[place], arrow) for name in batch.schema.names}
            except UnicodeDecodeError:
                yield None


def plain(scalar: Any, arrow: Any) -> object:  # noqa: ANN401
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


def _record(row: Mapping[str, object] | None, number: int, rows: Rows) -> Record | Skipped:
    try:
        decoded = None if row is None else {name: _decoded(value) for name, value in row.items()}
    except UnicodeDecodeError:
        decoded = None
    return rows.skipped(number, "not UTF-8") if decoded is None else rows.record(decoded, number)


def _decoded(value: object) -> object:
    """Columns of bytes are those of writers that do not tell text from bytes; all of them hold text here."""
    return value.decode("utf-8") if isinstance(value, bytes) else value


def in_one_line(error: Exception) -> str:
    """What an error of pyarrow says, without its line ends, and not at length."""
    words = " ".join(str(getattr(error, "strerror", None) or error).split())
    return words if len(words) <= _MOST_OF_A_COMPLAINT else words[:_MOST_OF_A_COMPLAINT].rstrip() + "…"
