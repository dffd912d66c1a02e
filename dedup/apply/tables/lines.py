"""Lines with their ends, however long they are."""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from operator import itemgetter
from typing import Final

from dedup.read.lines import MAX_LINE_BYTES

_LONGEST: Final = MAX_LINE_BYTES + 1
"""Of a line with its end."""


def pieces_of(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    r"""The bytes in order, each piece with the number of its line, counted from 1; a line's ``\n`` is its last byte."""
    number = 1
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            yield number, end + b"\n"
            number += 1
        if rest:
            yield number, rest


def lines_of(chunks: Iterable[bytes]) -> Iterator[tuple[int, bytes | Iterable[bytes]]]:
    """Whole lines with their ends; one that is longer than a reader takes comes in pieces, to be used at once."""
    for number, pieces in groupby(pieces_of(chunks), key=itemgetter(0)):
        line = bytearray()
        rest = (piece for _, piece in pieces)
        for piece in rest:
            line += piece
            if len(line) > _LONGEST:
                yield number, chain([bytes(line)], rest)
                break
        else:
            yield number, bytes(line)
