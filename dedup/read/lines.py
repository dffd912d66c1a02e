"""From the bytes of a file, perhaps compressed, to its lines. Never holds more than one line.

A file that breaks off raises :class:`OSError`, after everything before the fault has been given; so does one that
unpacks to too much (:data:`MOST_UNPACKED`).
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from gzip import BadGzipFile
from typing import BinaryIO

import zstandard

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is passed over: no article has it, and a file without line ends must not fill the memory."""

MAX_WINDOW = 2**31
"""Bytes that a Zstandard frame may refer back to, all of them held: those of ``zstd --long=31``, the most there is."""

MOST_UNPACKED = 250
"""Bytes that each byte of a compressed file may stand for, on average from its beginning: more of it is not unpacked.
Texts of people are packed 3 to 5 times; a million equal records without numbers of their own 290 times by gzip, and
10,000 times by Zstandard (``scripts/measure_hostile.py --ratios``), which is why more must have come out, too:"""

LEAST_UNPACKED = 256 * 2**20
"""Bytes up to which a file may unpack to, however small it is: what is worked on in about a minute."""

LEAST_LINE = 64
"""Bytes that a line or row of a packed file counts at least, for each is told of where it cannot be used."""

_CHUNK = 2**16
_ZSTANDARD_PIECE = 2**10
"""Compressed bytes at a time. A block of four bytes can stand for 128 KiB (RFC 8878, 3.1.1.2), and these for 32 MiB."""
_GZIP = zlib.MAX_WBITS | 16


def chunks_of(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file as they are."""
    while chunk := stream.read(_CHUNK):
        yield chunk


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes | None]:
    r"""The lines without their ``\n``; ``None`` for one of more than ``MAX_LINE_BYTES``."""
    line = bytearray()
    for chunk in chunks:
        *ends, beginning = chunk.split(b"\n")
        for end in ends:
            line += end
            yield _within_limit(line)
            line.clear()
        line += beginning
        del line[MAX_LINE_BYTES + 1 :]  # one byte too many tells enough
    if line:
        yield _within_limit(line)


Line = bytes | Iterator[bytes]
"""A line with its end; one of more than ``MAX_LINE_BYTES`` in pieces, which are lost when the next line is asked for.
"""


class WholeLines:
    """The lines of chunks, however long they are. Never holds more of one than a reader takes, and a chunk."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._unread = b""

    def __iter__(self) -> Iterator[Line]:
        begun = bytearray()
        while chunk := self._next_chunk():
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                begun += end
                yield bytes(begun + b"\n") if len(begun) <= MAX_LINE_BYTES else iter((bytes(begun), b"\n"))
                begun.clear()
            begun += rest
            if len(begun) > MAX_LINE_BYTES:
                pieces = self._pieces(bytes(begun))
                begun.clear()
                yield pieces
                for _ in pieces:
                    pass
        if begun:
            yield bytes(begun)

    def _next_chunk(self) -> bytes:
        """What was read and not used, or else the next bytes; nothing at the end."""
        chunk, self._unread = self._unread, b""
        return chunk or next(filter(None, self._chunks), b"")

    def _pieces(self, begun: bytes) -> Iterator[bytes]:
        """The line that begins so, to its end."""
        yield begun
        while chunk := self._next_chunk():
            line, end, self._unread = chunk.partition(b"\n")
            yield line + end
            if end:
                return


def _within_limit(line: bytearray) -> bytes | None:
    return bytes(line) if len(line) <= MAX_LINE_BYTES else None


class UnpackedError(OSError):
    """A file that unpacks to more than anything that people pack."""


@dataclass(slots=True)
class Growth:
    """How many bytes have come out of how many."""

    packed: int = 0
    unpacked: int = 0
    least_line: int = LEAST_LINE

    def check(self, unpacked: int, rows: int = 0) -> None:
        """So many more have come out, of so many lines. Raises :class:`UnpackedError` where that is too much."""
        self.unpacked += max(unpacked, self.least_line * rows)
        if self.unpacked > LEAST_UNPACKED and self.unpacked > MOST_UNPACKED * self.packed:
            raise UnpackedError(
                f"it unpacks to more than {MOST_UNPACKED:,} times its size and {LEAST_UNPACKED:,} bytes"
            )


def inflated(stream: BinaryIO, least_line: int = LEAST_LINE) -> Iterator[bytes]:
    """The bytes of a gzip file, which may consist of several members; ``least_line`` is what each line of it counts.

    Unlike :mod:`gzip`, this gives what can be inflated before a fault.
    """
    member = zlib.decompressobj(_GZIP)
    growth = Growth(least_line=least_line)
    for chunk in chunks_of(stream):
        growth.packed += len(chunk)
        rest = chunk
        while rest:
            if not member.eof:
                for piece in _inflate(member, rest):
                    yield piece
                    growth.check(len(piece), piece.count(b"\n"))
                rest = member.unused_data
            elif rest := rest.lstrip(b"\0"):  # members may be padded with zeros
                member = zlib.decompressobj(_GZIP)
    if not member.eof:
        raise BadGzipFile("the gzip data is truncated")


def _inflate(member: "zlib._Decompress", deflated: bytes) -> Iterator[bytes]:
    """What the member makes of these bytes, in pieces: a few bytes can stand for gigabytes."""
    more = True
    while more and not member.eof:
        before = member.copy()
        try:
            piece = member.decompress(deflated, _CHUNK)
        except zlib.error as error:
            yield from _inflate_to_fault(before, deflated)
            raise BadGzipFile(f"corrupt gzip data ({str(error).rpartition(': ')[2]})") from error
        yield piece
        deflated = member.unconsumed_tail
        more = bool(deflated) or len(piece) == _CHUNK


def _inflate_to_fault(member: "zlib._Decompress", deflated: bytes) -> Iterator[bytes]:
    """Byte by byte, because zlib drops all output of the call that meets a fault."""
    for position in range(len(deflated)):
        try:
            yield member.decompress(deflated[position : position + 1])
        except zlib.error:
            return


def unzstandard(stream: BinaryIO, least_line: int = LEAST_LINE) -> Iterator[bytes]:
    """The bytes of a Zstandard file, which may consist of several frames; ``least_line`` as above.

    Before a fault this gives all but what the last kibibyte before it stands for.
    """
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
    frame = decompressor.decompressobj()
    is_open = True
    growth = Growth(least_line=least_line)
    try:
        for chunk in chunks_of(stream):
            growth.packed += len(chunk)
            for start in range(0, len(chunk), _ZSTANDARD_PIECE):
                rest = chunk[start : start + _ZSTANDARD_PIECE]
                while rest:
                    if frame.eof:
                        frame = decompressor.decompressobj()
                    if piece := frame.decompress(rest):
                        yield piece
                        growth.check(len(piece), piece.count(b"\n"))
                    rest = frame.unused_data if frame.eof else b""
                    is_open = not frame.eof
    except zstandard.ZstdError as error:
        raise BadZstandardError(f"corrupt Zstandard data ({str(error).rpartition(': ')[2]})") from error
    if is_open:
        raise BadZstandardError("the Zstandard data is truncated")


class BadZstandardError(OSError):
    """A file that is no Zstandard data, or not to its end."""
