"""Where the bulk of a large run lies: texts in a file, vectors in memory that processes share.

Where a run is to keep to a ceiling (:mod:`dedup.memory`), the vectors lie in a file, too, which is mapped: the system
writes it out and reads it again as it likes.
"""

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from dedup import memory

BLOCK = 64 * 2**20
"""Bytes of a block of shared memory."""

_Number = TypeVar("_Number", bound=np.generic)


class Spool:
    """Pieces of text put aside, in the order in which they come, in a file without a name that ends with the process.

    Forked processes may read at once.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as its pieces are
        weakref.finalize(self, self._file.close)
        self._end = 0
        self._flushed = 0

    def put(self, pieces: Sequence[str]) -> "Pieces":
        """The same pieces, from now on in the spool. None of them may hold a line end."""
        data = "\n".join(pieces).encode("utf-8", "surrogatepass")
        self._file.write(data)
        put = Pieces(self, self._end, len(data), len(pieces))
        self._end += len(data)
        return put

    def get(self, start: int, size: int) -> str:
        """What was put at ``start``, ``size`` bytes of it."""
        if start + size > self._flushed:
            self._file.flush()
            self._flushed = self._end
        return os.pread(self._file.fileno(), size, start).decode("utf-8", "surrogatepass")


class Arena:
    """Arrays put side by side in blocks of memory that forked processes share.

    What a process has by itself is copied page by page as soon as a forked one looks at it, since Python counts who
    does, right beside it. What lies here is not.
    """

    def __init__(self) -> None:
        self._block = np.empty(0, np.uint8)
        self._end = 0
        self._file: IO[bytes] | None = None
        self._in_file: list[mmap.mmap] = []
        self._length = 0
        if memory.is_kept() and memory.temporary_in_memory() is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as its arrays are
            weakref.finalize(self, self._file.close)
            memory.releasing(self)

    def put(self, array: NDArray[_Number]) -> NDArray[_Number]:
        """The same array, from now on in the arena."""
        size = -(-array.nbytes // _ALIGNED) * _ALIGNED
        if self._end + size > len(self._block):
            self._block = np.frombuffer(self._mapped(max(BLOCK, size)), np.uint8)
            self._end = 0
        place = self._block[self._end : self._end + array.nbytes].view(array.dtype).reshape(array.shape)
        self._end += size
        place[...] = array
        return place

    def _mapped(self, size: int) -> mmap.mmap:
        if self._file is None:
            return mmap.mmap(-1, size)
        size = -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        # What does not fit on the disk is an error here; later it would be the end of the process (SIGBUS).
        os.posix_fallocate(self._file.fileno(), self._length, size)
        mapped = mmap.mmap(self._file.fileno(), size, offset=self._length)
        self._length += size
        self._in_file.append(mapped)
        return mapped

    def release(self) -> None:
        """Let go of the memory of what lies in a file; it is there again when it is looked at."""
        for mapped in list(self._in_file):
            mapped.madvise(mmap.MADV_DONTNEED)


_ALIGNED = 64
"""Bytes at multiples of which arrays begin."""


@dataclass(frozen=True, slots=True)
class Pieces(Sequence[str]):
    """Pieces of text in a spool, read whenever they are looked at."""

    spool: Spool
    start: int
    size: int
    pieces: int

    def __len__(self) -> int:
        return self.pieces

    def __iter__(self) -> Iterator[str]:
        return iter(self.spool.get(self.start, self.size).split("\n") if self.pieces else ())

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return tuple(self)[index]
