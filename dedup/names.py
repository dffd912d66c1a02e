"""The names that two texts state, as far as spelling shows them: words with a capital letter, Latin words elsewhere.

Between languages of one script translation keeps most names up to their endings ("Trump", "Trumpa", "Trumpin"); a
template filled in twice keeps few. A *name* is a word with a capital first letter inside a sentence; in Latin script
one whose small form does not stand in the text. German writes all nouns so, and English the days of the week: such
words are missing in true translations, too. So the text with fewer names is the one that is asked for them, and what a
missing share says is fitted: in NTREX half of the translations between languages of one script miss 0.19 or less, half
of the nearest other articles 0.88 or more (``scripts/measure_names.py``).

Of two scripts one of which is Latin, the Latin names of the other text are asked for ("Facebook" in an Arabic text).
Names that are spelled anew for another script are not compared, and a script without capital letters states none of
its own: texts in one such language are told apart by figures and wording only.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from sys import intern

import numpy as np
from numpy.typing import NDArray

from dedup.code_points import CharacterTable, Translation, codes_of

LATIN = "LATIN"

STEM = 4
"""Letters of a name that are compared: endings, and much of what languages spell differently, come behind them."""

SHORTEST = 3
"""Letters of a name: shorter words are none."""

WORD = re.compile(rf"[^\W\d_]{{{SHORTEST},}}")

_STARTS_SENTENCE = re.compile(r"(?:^|[.!?:;…。！？।|*•\n–—-])[\s\"'“”„«»‘’(\[¿¡]*$")
_BEFORE = 6
"""Characters before a word among which its sentence may begin."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a text; those of one stem (:func:`stem`) are one name."""

    stated: tuple[str, ...] = ()
    """Each as it is first written, in that order."""
    capitals: frozenset[str] = frozenset()
    """The stems of all words with a capital letter: what names of another text may be found among. A sentence may
    begin with one."""


@dataclass(frozen=True, slots=True)
class SharedNames:
    """Of the names of the text that is asked: those that the other text has, and those that it lacks."""

    shared: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def shared_strings(names: Names) -> Names:
    """The same names, in strings that all texts have in common. Those that another process found have strings of their
    own, and in a large run the same names are in many texts.
    """
    return Names(tuple(map(intern, names.stated)), frozenset(map(intern, names.capitals)))


def names_of(segments: Iterable[str], script: str) -> Names:
    """The names of a text in a script (:func:`dedup.language.script_of`); a sentence begins with each segment, and with
    each line of one.
    """
    pieces = tuple(segments)
    begins = list(accumulate((len(piece) + 1 for piece in pieces), initial=0))
    text = "\n".join(pieces)
    starts, ends, first = _words(text)
    capital = first == _CAPITAL
    stated: dict[str, str] = {}
    capitals: set[str] = set()
    for start, end in zip(starts[capital].tolist(), ends[capital].tolist(), strict=True):
        word = text[start:end]
        name = _stem(word)
        capitals.add(name)
        if name not in stated and not _starts_sentence(text, start, pieces, begins):
            stated[name] = word
    if script == LATIN and stated:
        small = first == _SMALL
        read = np.minimum(ends[small], starts[small] + _STEM_READ)
        words = {text[start:end] for start, end in zip(starts[small].tolist(), read.tolist(), strict=True)}
        for name in stated.keys() & set(map(_stem, words)):
            del stated[name]
    return Names(tuple(stated.values()), frozenset(capitals))


_LETTER, _CAPITAL, _SMALL = 1, 2, 3


def _letter_kind(character: str) -> int:
    """What a character is in a word; 0 where it is in none, as in :data:`WORD`."""
    if not character.isalnum() or character.isdecimal():
        return 0
    if character.isupper():
        return _CAPITAL
    return _SMALL if character.islower() else _LETTER


_LETTER_KINDS = CharacterTable(_letter_kind)


def _words(text: str) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint16]]:
    """The words (:data:`WORD`) in order: where each begins and ends, and what its first letter is."""
    kinds = _LETTER_KINDS(codes_of(text))
    inside = np.zeros(len(kinds) + 2, np.bool_)
    np.greater(kinds, 0, out=inside[1:-1])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts >= SHORTEST
    return starts[long], ends[long], kinds[starts[long]]


def _starts_sentence(text: str, start: int, pieces: tuple[str, ...], begins: list[int]) -> bool:
    """Whether a sentence may begin with the word at ``start``; ``begins`` are where the pieces of the text begin."""
    if start > 1 and text[start - 1] == " " and text[start - 2].isalnum():
        return False  # as the pattern has it, and the most frequent
    piece = bisect_right(begins, start) - 1
    at = start - begins[piece]
    return _STARTS_SENTENCE.search(pieces[piece], max(0, at - _BEFORE), at) is not None


_STEM_READ = 2 * STEM
"""Letters of a word of which its stem is made: some have no plain form."""


def _stem(word: str) -> str:
    """The first letters of a word without case and accents: "Český" and "CESKA" have one."""
    return word[:_STEM_READ].translate(_PLAIN)[:STEM]


stem = lru_cache(maxsize=2**16)(_stem)
"""The same, kept for when names are compared. To keep the words of all texts takes longer than to read them again."""


def _plain(character: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)).casefold()


_PLAIN = Translation(_plain)


def compare_names(left: Names, right: Names, left_script: str, right_script: str) -> SharedNames:
    """What the names of two texts say; nothing where the scripts differ and neither is Latin."""
    if left_script == right_script:
        asked, other = sorted((left, right), key=lambda names: (len(names.stated), *map(stem, names.stated)))
        stated = asked.stated
    elif LATIN in (left_script, right_script):
        asked, other = (right, left) if left_script == LATIN else (left, right)
        stated = tuple(name for name in asked.stated if stem(name).isascii())
    else:
        return SharedNames()
    return SharedNames(
        shared=tuple(name for name in stated if stem(name) in other.capitals),
        missing=tuple(name for name in stated if stem(name) not in other.capitals),
    )
