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
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

LATIN = "LATIN"

STEM = 4
"""Letters of a name that are compared: endings, and much of what languages spell differently, come behind them."""

WORD = re.compile(r"[^\W\d_]{3,}")
"""Shorter words are no names."""

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


def names_of(segments: Iterable[str], script: str) -> Names:
    """The names of a text in a script (:func:`dedup.language.script_of`); a sentence begins with each segment."""
    stated: dict[str, str] = {}
    capitals: set[str] = set()
    small: set[str] = set()
    for segment in segments:
        for match in WORD.finditer(segment):
            word = match[0]
            if not word[0].isupper():
                if word[0].islower() and script == LATIN:
                    small.add(stem(word))
                continue
            capitals.add(stem(word))
            if not _STARTS_SENTENCE.search(segment, max(0, match.start() - _BEFORE), match.start()):
                stated.setdefault(stem(word), word)
    return Names(tuple(word for name, word in stated.items() if name not in small), frozenset(capitals))


@lru_cache(maxsize=2**16)
def stem(word: str) -> str:
    """The first letters of a word without case and accents: "Český" and "CESKA" have one."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word[: 2 * STEM]) if not unicodedata.combining(c))
    return plain.casefold()[:STEM]


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
