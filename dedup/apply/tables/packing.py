"""How the bytes of a table are packed into its file, and unpacked. Equal bytes in, equal bytes out."""

import gzip
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import BufferedWriter, RawIOBase
from typing import BinaryIO, Final, cast

import zstandard

from dedup.read.lines import chunks_of, inflated, unzstandard


@dataclass(frozen=True, slots=True)
class Packing:
    """``unpacked`` gives the bytes of a file, and raises :class:`OSError` where it is broken. ``packed`` opens a file
    for writing such bytes.
    """

    unpacked: Callable[[BinaryIO], Iterable[bytes]]
    packed: Callable[[BinaryIO], AbstractContextManager[BinaryIO]]


def _as_they_are(out: BinaryIO) -> AbstractContextManager[BinaryIO]:
    return nullcontext(out)


def _deflated(out: BinaryIO) -> AbstractContextManager[BinaryIO]:
    """Gzip without a name or a time."""
    return cast(AbstractContextManager[BinaryIO], gzip.GzipFile("", "wb", fileobj=out, mtime=0))


def _zstandard(out: BinaryIO) -> AbstractContextManager[BinaryIO]:
    """One frame of the library's own level, with a checksum, as the program ``zstd`` writes it."""
    writer = zstandard.ZstdCompressor(write_checksum=True).stream_writer(out, closefd=False)
    return BufferedWriter(cast(RawIOBase, writer))  # which has writelines(), too


PACKINGS: Final = {
    "": Packing(chunks_of, _as_they_are),
    ".gz": Packing(inflated, _deflated),
    ".zst": Packing(unzstandard, _zstandard),
}
"""Ending of a file's name -> how it is packed."""
