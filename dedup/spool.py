"""Texts that wait on disk, so that a run of a million records does not hold them in memory."""

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

MEMORY = 64 * 2**20
"""Bytes that are kept in memory; what is longer goes to a file without a name, which ends with the process."""


class Spool:
    """Pieces of text put aside, in the order in which they come. Not to be used by two threads at once."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=MEMORY)  # noqa: SIM115 - as long as its pieces are
        weakref.finalize(self, self._file.close)
        self._end = 0

    def put(self, pieces: Sequence[str]) -> "Pieces":
        """The same pieces, from now on in the spool. None of them may hold a line end."""
        data = "\n".join(pieces).encode("utf-8", "surrogatepass")
        self._file.seek(self._end)
        self._file.write(data)
        put = Pieces(self, self._end, len(data), len(pieces))
        self._end += len(data)
        return put

    def get(self, start: int, size: int) -> str:
        """What was put at ``start``, ``size`` bytes of it."""
        self._file.seek(start)
        return self._file.read(size).decode("utf-8", "surrogatepass")


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
