"""From the bytes of a file, perhaps compressed, to its lines. Never holds more than one line.

A file that breaks off raises :class:`OSError`, after everything before the fault has been given.
"""

import zlib
from collections.abc import Iterable, Iterator
from gzip import BadGzipFile
from typing import BinaryIO

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is passed over: no article has it, and a file without line ends must not fill the memory."""

_CHUNK = 2**16
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


def _within_limit(line: bytearray) -> bytes | None:
    return bytes(line) if len(line) <= MAX_LINE_BYTES else None


def inflated(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a gzip file, which may consist of several members.

    Unlike :mod:`gzip`, this gives what can be inflated before a fault.
    """
    member = zlib.decompressobj(_GZIP)
    for chunk in chunks_of(stream):
        rest = chunk
        while rest:
            if not member.eof:
                yield from _inflate(member, rest)
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
