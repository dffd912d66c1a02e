"""The normal forms of Unicode in time that is linear in the text, whatever the text.

:func:`unicodedata.normalize` puts the marks that are heaped on one letter in order by insertion, which takes the square
of their number: 400,000 of them took it 39 s. Heaps are therefore put in order here before it sees them. The outcome is
the same, for the order in which marks of different classes come is what normal forms leave no say (UAX #15).
"""

import unicodedata
from typing import Literal

import numpy as np

from dedup.code_points import CharacterTable, Translation, codes_of, text_of

HEAP = 64
"""Marks in a row from which they are put in order here. No language heaps more than a few (the stream-safe text of
UAX #15 has 30 at most), and to insert so many takes no time."""

Form = Literal["NFC", "NFKC"]


def normal_form(form: Form, text: str) -> str:
    """The same as :func:`unicodedata.normalize`."""
    return unicodedata.normalize(form, _with_heaps_in_order(form, text) if _has_heap(text) else text)


def _has_heap(text: str) -> bool:
    """Whether more than :data:`HEAP` characters in a row are nothing but marks."""
    if len(text) <= HEAP or text.isascii():
        return False
    others = np.flatnonzero(_ARE_MARKS(codes_of(text)) == 0)
    if not len(others):
        return True
    return max(int(others[0]), len(text) - 1 - int(others[-1]), int(np.diff(others).max(initial=0)) - 1) > HEAP


def _is_marks(character: str) -> int:
    """1 for a mark, and for what stands for several: they have no letter of their own to start with."""
    return int(all(map(unicodedata.combining, unicodedata.normalize("NFKD", character))))


_ARE_MARKS = CharacterTable(_is_marks)
_CLASSES = CharacterTable(unicodedata.combining)


def _with_heaps_in_order(form: Form, text: str) -> str:
    """The text decomposed, the marks of each letter by their classes, and those of one class as they were."""
    decomposed = text.translate(_DECOMPOSITIONS[form])
    codes = codes_of(decomposed)
    classes = _CLASSES(codes).astype(np.int64)
    letters = np.cumsum(classes == 0)  # a letter and its marks have one number
    return text_of(codes[np.argsort(letters * (_MOST_CLASS + 1) + classes, kind="stable")])


_MOST_CLASS = 254
_DECOMPOSITIONS: dict[Form, Translation] = {
    "NFC": Translation(lambda character: unicodedata.normalize("NFD", character)),
    "NFKC": Translation(lambda character: unicodedata.normalize("NFKD", character)),
}
