"""The characters of a text as an array, and what is known of each of them, looked up for all at once.

A call of a Python function for each character took most of the time of a record.
"""

import sys
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Unsigned = TypeVar("_Unsigned", np.uint32, np.uint64)

Codes = NDArray[np.uint32]
"""The code points of a text, shape (characters,)."""


def codes_of(text: str) -> Codes:
    """The code points of a text, lone surrogates among them; read-only."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def text_of(codes: Codes) -> str:
    """The text of these code points."""
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


class CharacterTable:
    """A function of single characters as a table over all code points, filled as characters are first met.

    ``value_of`` gives 0 to 65534 for a character, always the same. The table takes 2 MB.
    """

    _UNKNOWN = np.iinfo(np.uint16).max

    def __init__(self, value_of: Callable[[str], int]) -> None:
        self._value_of = value_of
        self._values = np.full(sys.maxunicode + 1, self._UNKNOWN, np.uint16)

    def __call__(self, codes: Codes) -> NDArray[np.uint16]:
        """The value of each character, in order."""
        values = self._values[codes]
        if values.max(initial=0) == self._UNKNOWN:
            for code in set(codes[values == self._UNKNOWN].tolist()):
                self._values[code] = self._value_of(chr(code))
            values = self._values[codes]
        return values


class Translation(dict[int, str]):
    """A table for :meth:`str.translate`, filled as characters are first met by a function of single characters."""

    def __init__(self, translated: Callable[[str], str]) -> None:
        super().__init__()
        self._translated = translated

    def __missing__(self, code: int) -> str:
        """What becomes of a character that was not met before."""
        self[code] = found = self._translated(chr(code))
        return found


def sums_of_parts(values: NDArray[np.float64], sizes: Sequence[int]) -> NDArray[np.float64]:
    """The sum of each of the consecutive parts of ``values`` that have these sizes, shape (len(sizes),)."""
    sums = np.zeros(len(values) + 1)
    np.cumsum(values, out=sums[1:])
    bounds = sums[list(accumulate(sizes, initial=0))]
    return bounds[1:] - bounds[:-1]


BASE = np.uint64(0x9E3779B97F4A7C15)
"""Of the polynomial: odd, without a pattern."""


def rolling_hashes(codes: Codes, size: int) -> NDArray[np.uint64]:
    """A polynomial of the code points in each window of ``size``, modulo 2 ** 64 (Karp and Rabin 1987), in order."""
    characters = codes.astype(np.uint64)
    count = max(0, len(characters) - size + 1)
    hashed = np.zeros(count, np.uint64)
    for place in range(size):
        hashed *= BASE
        hashed += characters[place : place + count]
    return hashed


def sorted_unique(numbers: NDArray[_Unsigned]) -> NDArray[_Unsigned]:
    """The different numbers, ascending: as :func:`numpy.unique`, which is slower on a few thousand."""
    ordered = np.sort(numbers)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
