"""Where the bulk of a large run lies: texts in a file, vectors in memory that processes share.

Where a run is to keep to a ceiling (:mod:`dedup.memory`), the vectors lie in a file, too, which is mapped: the system
writes it out and reads it again as it likes.
"""

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO, TypeVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from dedup import memory
from dedup.errors import InputError

BLOCK = 64 * 2**20
"""Bytes of a block of shared memory."""

_SEPARATOR = "\x1e"
"""Between two pieces: white space, of which segments have only spaces and line ends."""

_Number = TypeVar("_Number", bound=np.generic)


@contextmanager
def written_aside() -> Iterator[None]:
    """What the system says where nothing can be put aside, as an error that names the place."""
    try:
        yield
    except OSError as error:
        place, why = tempfile.tempdir or "the temporary folder", error.strerror or error
        raise InputError(f"{place}: cannot be written: {why}; TMPDIR can name another folder") from error


def temporary_file() -> BinaryIO:
    """A file without a name. Raises :class:`InputError` where there can be none."""
    with written_aside():
        return cast(BinaryIO, tempfile.TemporaryFile())


def _close(file: BinaryIO) -> None:
    with suppress(OSError):  # nobody misses what a full disk did not take
        file.close()


class Spool:
    """Pieces of text put aside, in the order in which they come, in a file without a name that ends with the process.

    Forked processes may read at once. Where the file cannot be written, :class:`InputError` is raised.
    """

    def __init__(self) -> None:
        self._file = temporary_file()
        weakref.finalize(self, _close, self._file)
        self._end = 0
        self._flushed = 0

    def put(self, pieces: Sequence[str]) -> "Pieces":
        """The same pieces, from now on in the spool. None of them may hold a record separator."""
        data = _SEPARATOR.join(pieces).encode("utf-8", "surrogatepass")
        with written_aside():
            self._file.write(data)
        put = Pieces(self, self._end, len(data), len(pieces))
        self._end += len(data)
        return put

    def get(self, start: int, size: int) -> str:
        """What was put at ``start``, ``size`` bytes of it."""
        if start + size > self._flushed:
            with written_aside():
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
        self._file: BinaryIO | None = None
        self._length = 0
        if memory.is_kept() and memory.temporary_in_memory() is None:
            self._file = temporary_file()
            weakref.finalize(self, _close, self._file)

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
        with written_aside():
            os.posix_fallocate(self._file.fileno(), self._length, size)
        mapped = mmap.mmap(self._file.fileno(), size, offset=self._length)
        self._length += size
        return mapped


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
        return iter(self.spool.get(self.start, self.size).split(_SEPARATOR) if self.pieces else ())

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return tuple(self)[index]
