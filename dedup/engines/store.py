"""Where a distributed run keeps what its stages make: a folder, or a bucket, that every worker can reach.

Nothing in it is ever half-written: a file of this machine is written beside its place and renamed, one elsewhere is
there when its last byte has arrived. pyarrow speaks to the file systems: paths, ``s3://``, ``gs://``, ``hdfs://``.
"""

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.fs
import pyarrow.ipc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.errors import InputError, one_line

PARQUET_COMPRESSION: Final = "zstd"
"""Half the bytes of snappy for texts; vectors hardly shrink by either."""

SHUFFLE_COMPRESSION: Final = "lz4"
"""What travels is read once: the fastest that pyarrow has."""


class Store:
    """Files by name under one root."""

    def __init__(self, root: str) -> None:
        """``root`` is a path of this machine or a URL. Raises :class:`InputError` where it cannot be one."""
        self.root = root
        try:
            if "://" in root:
                self._files, self._base = pyarrow.fs.FileSystem.from_uri(root)
            else:
                self._files, self._base = pyarrow.fs.LocalFileSystem(), str(Path(root).resolve())
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"{root}: cannot be used: {' '.join(str(error).split())}") from error
        self._is_local = isinstance(self._files, pyarrow.fs.LocalFileSystem)
        self._made: set[str] = set()

    def put(self, name: str, data: "bytes | pa.Buffer") -> int:
        """Write a file, whole or not at all; how many bytes it has. Raises :class:`InputError` where that fails."""
        path = self._path(name)
        try:
            self._make_folder(path.rpartition("/")[0])
            if not self._is_local:
                self._write(path, data)
            else:
                beside = f"{path}.{secrets.token_hex(6)}.tmp"
                try:
                    self._write(beside, data)
                    self._files.move(beside, path)
                except BaseException:
                    Path(beside).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {_in_words(error)}") from error
        return len(data)

    def get(self, name: str) -> bytes:
        """The bytes of a file. Raises :class:`InputError` where it cannot be read."""
        try:
            with self._files.open_input_stream(self._path(name)) as stream:
                data: bytes = stream.read()
                return data
        except OSError as error:
            raise _unreadable(self._path(name), error) from error

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        found: bool = self._files.get_file_info(self._path(name)).type == pyarrow.fs.FileType.File
        return found

    def names(self, folder: str) -> list[str]:
        """The files right in a folder, by their names there, sorted; none where there is no such folder."""
        selector = pyarrow.fs.FileSelector(self._path(folder), allow_not_found=True)
        found = self._files.get_file_info(selector)
        return sorted(one.base_name for one in found if one.type == pyarrow.fs.FileType.File)

    def remove_file(self, name: str) -> None:
        """Remove a file."""
        self._files.delete_file(self._path(name))

    def remove(self, folder: str) -> None:
        """Remove a folder with all that is in it."""
        path = self._path(folder)
        if self._files.get_file_info(path).type == pyarrow.fs.FileType.Directory:
            self._files.delete_dir(path)
        self._made.clear()

    # --- tables

    def put_table(self, name: str, table: "pa.Table", *, for_user: bool = False) -> int:
        """Write a table as Parquet; its bytes. ``for_user``: with the statistics by which other programs find rows."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression=PARQUET_COMPRESSION, write_statistics=for_user)
        return self.put(name, sink.getvalue())

    def table(self, name: str, columns: Sequence[str] | None = None) -> "pa.Table":
        """A Parquet table, or these columns of it."""
        try:
            with self._files.open_input_file(self._path(name)) as file:
                return pq.read_table(file, columns=None if columns is None else list(columns))
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(self._path(name), error) from error

    def put_buckets(self, name: str, table: "pa.Table", buckets: NDArray[np.integer], count: int) -> int:
        """Write the rows of a table by their buckets, each below ``count``, in their order; its bytes.

        It is an Arrow file with one batch a bucket, whose index takes 24 bytes each.
        """
        ascend = bool((np.diff(buckets) >= 0).all())
        rows = (table if ascend else table.take(np.argsort(buckets, kind="stable"))).combine_chunks()
        ends = np.cumsum(np.bincount(buckets, minlength=count)).tolist()
        sink = pa.BufferOutputStream()
        options = pyarrow.ipc.IpcWriteOptions(compression=SHUFFLE_COMPRESSION)
        with pyarrow.ipc.new_file(sink, table.schema, options=options) as writer:
            for start, end in zip([0, *ends[:-1]], ends, strict=True):
                writer.write_batch(_one_batch(rows.slice(start, end - start)))
        return self.put(name, sink.getvalue())

    def bucket(self, names: Sequence[str], bucket: int) -> "pa.Table":
        """The rows of one bucket in all these files, in their order."""
        return pa.Table.from_batches(list(self._batches(names, bucket)))

    def bucket_in_portions(self, names: Sequence[str], bucket: int, rows: int) -> "Iterator[pa.Table]":
        """The same, file by file, so many rows at a time or a few more."""
        held: list[pa.RecordBatch] = []
        for batch in self._batches(names, bucket):
            held.append(batch)
            if sum(map(len, held)) >= rows:
                yield pa.Table.from_batches(held)
                held = []
        if held:
            yield pa.Table.from_batches(held)

    def _batches(self, names: Sequence[str], bucket: int) -> Iterator["pa.RecordBatch"]:
        for name in names:
            path = self._path(name)
            try:
                with pa.memory_map(path) if self._is_local else self._files.open_input_file(path) as file:
                    yield pyarrow.ipc.open_file(file).get_batch(bucket)
            except (OSError, pa.ArrowException) as error:
                raise _unreadable(path, error) from error

    # ---

    def _path(self, name: str) -> str:
        return f"{self._base}/{name}"

    def _make_folder(self, path: str) -> None:
        if path not in self._made:
            self._files.create_dir(path, recursive=True)
            self._made.add(path)

    def _write(self, path: str, data: "bytes | pa.Buffer") -> None:
        with self._files.open_output_stream(path) as stream:
            stream.write(data)


def _one_batch(rows: "pa.Table") -> "pa.RecordBatch":
    batches = rows.to_batches()
    if len(batches) == 1:
        return batches[0]
    return pa.RecordBatch.from_arrays([_one_array(column) for column in rows.columns], schema=rows.schema)


def _one_array(column: "pa.ChunkedArray") -> "pa.Array":
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _unreadable(path: str, error: Exception) -> InputError:
    told = _in_words(error) if isinstance(error, OSError) else one_line(error)
    return InputError(f"{path}: cannot be read: {told}; with {path.rpartition('/')[0]} removed, a run makes it again")


def _in_words(error: OSError) -> str:
    return " ".join(str(error.strerror or error).split())
