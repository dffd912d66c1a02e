"""Values of the stages as columns of tables, and back.

Texts go as bytes (UTF-8, lone surrogates passed through): Arrow's strings refuse what Python's may hold. Bytes sort as
the strings do.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_Kind = TypeVar("_Kind", bound=np.generic)

BYTES = pa.large_binary()
"""The type of a column of texts, or of anything of its own making."""


def to_bytes(text: str) -> bytes:
    """A text as bytes."""
    return text.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    """The text again."""
    return data.decode("utf-8", "surrogatepass")


def texts(values: Iterable[str | None]) -> "pa.Array":
    """A column of texts."""
    return pa.array([None if value is None else to_bytes(value) for value in values], BYTES)


def texts_of(table: "pa.Table", name: str) -> list[str]:
    """The texts of a column that has no gaps."""
    return [to_text(value) for value in table[name].to_pylist()]


def optional_texts_of(table: "pa.Table", name: str) -> list[str | None]:
    """The texts of a column that may have gaps."""
    return [None if value is None else to_text(value) for value in table[name].to_pylist()]


def numbers_of(table: "pa.Table", name: str) -> NDArray[np.int64]:
    """A column of whole numbers, shape (rows,)."""
    column: NDArray[np.int64] = table[name].to_numpy().astype(np.int64)
    return column


def rows_of_bytes(rows: NDArray[np.generic]) -> "pa.Array":
    """Each row of an array, shape (rows, values), as bytes of one size."""
    rows = np.ascontiguousarray(rows)
    size = rows.dtype.itemsize * rows.shape[1]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(size), len(rows), [None, pa.py_buffer(rows)])


def width_of(table: "pa.Table", name: str, kind: type[np.generic]) -> int:
    """How many values a row of such a column has."""
    return int(table.schema.field(name).type.byte_width) // np.dtype(kind).itemsize


def rows_from_bytes(table: "pa.Table", name: str, kind: type[_Kind], width: int) -> NDArray[_Kind]:
    """The rows again, shape (rows, width)."""
    size = np.dtype(kind).itemsize * width
    pieces = [
        np.frombuffer(chunk.buffers()[1], kind, len(chunk) * width, chunk.offset * size).reshape(-1, width)
        for chunk in table[name].chunks
        if len(chunk)
    ]
    return np.concatenate(pieces) if pieces else np.empty((0, width), kind)


def all_rows_from_bytes(table: "pa.Table", name: str, kind: type[_Kind]) -> NDArray[_Kind]:
    """The rows again, as wide as the type of the column says."""
    return rows_from_bytes(table, name, kind, width_of(table, name, kind))


def buckets_of(keys: Sequence[bytes], count: int) -> NDArray[np.int64]:
    """Each key's bucket, below ``count``: by a hash (XXH3)."""
    import xxhash

    return np.array([xxhash.xxh3_64_intdigest(key) % count for key in keys], np.int64)
