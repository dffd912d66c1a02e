"""Values of the stages as columns of tables, and back.

Texts go as bytes (UTF-8, lone surrogates passed through): Arrow's strings refuse what Python's may hold. Bytes sort as
the strings do.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

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


def rows_from_bytes(table: "pa.Table", name: str, kind: type[np.generic], width: int) -> NDArray[np.generic]:
    """The rows again, shape (rows, width)."""
    data = b"".join(table[name].to_pylist())
    return np.frombuffer(data, kind).reshape(-1, width)


def buckets_of(keys: Sequence[bytes], count: int) -> NDArray[np.int64]:
    """Each key's bucket, below ``count``: by a hash (XXH3)."""
    import xxhash

    return np.array([xxhash.xxh3_64_intdigest(key) % count for key in keys], np.int64)
