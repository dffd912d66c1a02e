"""What :mod:`dedup` computes for whole texts at once, here a character or a word at a time, as the definitions read."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import pairwise

import numpy as np
import sentencex
from numpy.typing import NDArray

from dedup.boilerplate import SHINGLE
from dedup.calibration import Calibration
from dedup.code_points import BASE
from dedup.evidence import Subject
from dedup.language import LETTERS
from dedup.names import LATIN, STEM, WORD, Names
from dedup.page import _BLANK, _FILLER, _LONGEST_FURNITURE, _UNSEEN, _phrase_at_start
from dedup.text import (
    DENSE_SCRIPTS,
    DENSE_WIDTH,
    MAX_CHARACTERS,
    MAX_SEGMENT,
    MIN_SEGMENT,
    UNITS,
    UNMARKED_SEGMENT,
    _goes_on,
    _sum,
)

_WITHOUT_UNSEEN = str.maketrans("", "", _UNSEEN)


def normalise(text: str) -> str:
    """The text as it is compared: NFKC, case folded, without what prints nothing, every run of white space one space.

    Two texts with equal results are the same text (relation ``exact``).
    """
    visible = "".join(map(_as_compared, text))
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(folded.split())


_SELECTORS = frozenset(map(chr, [0x034F, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))


@cache
def _as_compared(character: str) -> str:
    """Control characters part words, as readers make them spaces. Format characters (zero-width and direction marks,
    soft hyphens) stand within words and between any two signs, and go.
    """
    if character in _SELECTORS:
        return ""
    return {"Cc": " ", "Cf": ""}.get(unicodedata.category(character), character)


@cache
def width(character: str) -> float:
    """How much of a text one character is, a Latin letter being 1: marks 0, dense scripts 3."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf", "Cc"}:
        return 0.0
    if ord(character) < 0x1100:
        return 1.0
    return DENSE_WIDTH if unicodedata.name(character, "").startswith(DENSE_SCRIPTS) else 1.0


def text_width(text: str) -> float:
    """The size of a text in Latin-letter equivalents."""
    return sum(map(width, text))


def segments(text: str, language: str) -> tuple[str, ...]:
    """The segments of the text in order; at least one where the text is not blank.

    Sentence ends come from sentencex (Wikimedia; an unknown language gets its general rules); lines end sentences too.
    """
    pieces = [part for sentence in _sentences(text, language) for part in _cut(sentence)]
    return tuple(_joined(pieces))


def _sentences(text: str, language: str) -> list[str]:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [s for line in lines if line for s in map(str.strip, sentencex.segment(language, line)) if s]


def _cut(sentence: str) -> list[str]:
    """A sentence in parts of at most its limit, of even size, cut after a comma or space where there is one near."""
    limit = UNMARKED_SEGMENT if 2 * len(_UNMARKED.findall(sentence)) > len(sentence) else MAX_SEGMENT
    count = max(math.ceil(text_width(sentence) / limit), math.ceil(len(sentence) / MAX_CHARACTERS))
    if count <= 1:
        return [sentence]
    step = len(sentence) / count
    cuts = [0, *(_near_break(sentence, round(step * i), round(step / 4)) for i in range(1, count)), len(sentence)]
    parts = (sentence[a:b].strip() for a, b in pairwise(cuts))
    return [part for part in parts if part]


def _near_break(sentence: str, at: int, reach: int) -> int:
    """The end of the last clause (else ``at``) within ``reach`` characters before ``at``."""
    breaks = list(_BREAKS.finditer(sentence, max(0, at - reach), at))
    return breaks[-1].end() if breaks else at


def _joined(pieces: list[str]) -> list[str]:
    """Short pieces joined to those that follow, a short last one to the one before."""
    joined: list[list[str]] = []
    held: list[str] = []
    size, characters = -1.0, -1  # no space comes before the first
    for piece in pieces:
        held.append(piece)
        size += 1 + text_width(piece)
        characters += 1 + len(piece)
        if size >= MIN_SEGMENT or characters >= MAX_CHARACTERS:
            joined.append(held)
            held, size, characters = [], -1.0, -1
    if joined:
        joined[-1] += held
    elif held:
        joined.append(held)
    return ["\n".join(part) for part in joined]


_UNMARKED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff]")


_BREAKS = re.compile(r"[,;:،؛、，；：।။፣፤\u2014\u2013)\]»”\s]")


_NUMBER = re.compile(
    r"(?<!\d)\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3}){1,5}(?!\d)(?:[.,]\d+)?"  # 17 786 419: spaces group only thousands
    r"|\d+(?:[.,'’٫٬]\d+)*"
)
_SEPARATORS = re.compile(r"\D")


_UNIT = re.compile(rf"\s?({'|'.join(UNITS)})")
_LONGEST_ADDEND = 7


def numbers(text: str) -> tuple[str, ...]:
    """The figures of the text as ASCII digit strings, each once, in order of first appearance.

    Digits of every script count; separators inside a figure are dropped ("1.234,5", "१,२३४.५" and "12345" are one:
    which sign groups thousands and which marks decimals depends on the language, the digits do not), leading zeros too.
    Sums of units are one figure: "1億2000万" is 120000000, but "2000万" alone is 2000, since "20 million" is 20.
    """
    return tuple(dict.fromkeys(_stated(text)))


def _stated(text: str) -> Iterator[str]:
    """The figures in order, sums added up."""
    addends: list[tuple[str, int]] = []
    end = 0
    for match in _NUMBER.finditer(text):
        digits = _digits(match[0])
        counted = _UNIT.match(text, match.end())
        unit = UNITS[counted[1]] if counted else 1
        if addends and not _goes_on(addends[-1][1], text[end : match.start()], digits, unit):
            yield _sum(addends)
            addends = []
        if addends or (counted and len(digits) <= _LONGEST_ADDEND and "." not in match[0]):
            addends.append((digits, unit))
            end = counted.end() if counted else match.end()
        else:
            yield digits
    if addends:
        yield _sum(addends)


def _digits(figure: str) -> str:
    ascii_digits = (str(unicodedata.decimal(d)) for d in _SEPARATORS.sub("", figure))
    return "".join(ascii_digits).lstrip("0") or "0"


_STARTS_SENTENCE = re.compile(r"(?:^|[.!?:;…。！？।|*•\n–—-])[\s\"'“”„«»‘’(\[¿¡]*$")
_BEFORE = 6


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


_ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "IDEOGRAPHIC": "CJK"}


def script_of(text: str) -> str:
    """The script of most of a text's first letters by its Unicode name ("LATIN", "ARABIC", "CJK"), "" without letters.

    Serbian and Kurdish are written in two: such texts share no shingle, and compare as two languages do.
    """
    letters = [c for c in text[: 4 * LETTERS] if c.isalpha()][:LETTERS]
    scripts = Counter(unicodedata.name(c, "?").split()[0] for c in letters)
    merged: Counter[str] = Counter()
    for script, count in scripts.items():
        merged[_ONE_SCRIPT.get(script, script)] += count
    return max(sorted(merged), key=merged.__getitem__, default="")


def visible(line: str) -> str:
    return line.translate(_WITHOUT_UNSEEN).strip(_BLANK)


def folded(text: str) -> str:
    """The words of ``text``, comparable: letters and their marks only, case folded, one space between words."""
    kept: list[str] = []
    for character in unicodedata.normalize("NFKC", text).casefold():
        category = unicodedata.category(character)
        if category == "Cf" or character == "\u0640":  # marks not seen, and the Arabic stretching mark
            continue
        kept.append(character if category[0] in "LM" else " ")
    return " ".join("".join(kept).split())


def is_furniture(line: str, least: int) -> bool:
    """Whether ``line`` holds nothing but phrases of buttons and counters, and ``least`` of them or numbers."""
    if len(line) > _LONGEST_FURNITURE:
        return False
    words = folded(line).split()
    phrases: list[str] = []
    while words:
        size = _phrase_at_start(words)
        if size == 0:
            return False
        phrases.append(" ".join(words[:size]))
        del words[:size]
    buttons = [phrase for phrase in phrases if phrase not in _FILLER]
    return bool(buttons) and len(buttons) + len(re.findall(r"\d+", line)) >= least


def hashed_shingles(text: str) -> NDArray[np.uint64]:
    """The different shingles of a text in lower case as numbers, ascending: a polynomial of their characters modulo
    2 ** 64 (Karp and Rabin 1987). None of a text that is shorter than one.
    """
    characters = np.frombuffer(text.casefold().encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    count = max(0, len(characters) - SHINGLE + 1)
    hashed = np.zeros(count, np.uint64)
    for place in range(SHINGLE):
        hashed = hashed * BASE + characters[place : place + count]
    return np.unique(hashed)


def readable(text: str) -> str:
    r"""The text with ``\n`` as its only line end, a space for a control character, U+FFFD for a lone surrogate."""
    characters = list(text)
    kept: list[str] = []
    for place, character in enumerate(characters):
        if character == "\n" and characters[place - 1 : place] == ["\r"]:
            continue
        if character in "\r\n\t":
            kept.append("\t" if character == "\t" else "\n")
        else:
            kept.append({"Cc": " ", "Cs": "\ufffd"}.get(unicodedata.category(character), character))
    return "".join(kept)


def measured(left: Subject, right: Subject, calibration: Calibration) -> dict[str, float]:
    """The numbers of a pair that rest on its passages (:mod:`dedup.evidence`), passage by passage."""
    one, other = ([_vector(subject, row) for row in range(len(subject.embedding.steps))] for subject in (left, right))
    similar = [[sum(a * b for a, b in zip(here, there, strict=True)) for there in other] for here in one]
    pairs = []
    for i, row in enumerate(similar):
        j = row.index(max(row))
        column = [line[j] for line in similar]
        if column.index(max(column)) == i:
            pairs.append((i, j))
    shares = [
        sum(float(subject.fingerprint.widths[pair[side]]) * similar[pair[0]][pair[1]] for pair in pairs)
        / sum(map(float, subject.fingerprint.widths))
        for side, subject in enumerate((left, right))
    ]
    later = sum(b > a for place, (_, a) in enumerate(pairs) for _, b in pairs[place + 1 :])
    every = len(pairs) * (len(pairs) - 1) / 2
    tau = 2 * later / every - 1 if len(pairs) >= 3 else 0.0
    sizes = [
        math.log(subject.fingerprint.width) - calibration.length_norm(subject.language) for subject in (left, right)
    ]
    return {
        "alignment": min(shares),
        "containment": max(shares),
        "order": tau * math.log(max(len(pairs), 1)) * max(shares),
        "length": min(2.0, abs(sizes[0] - sizes[1])),
    }


def _vector(subject: Subject, row: int) -> list[float]:
    norm = float(subject.embedding.norms[row])
    return [float(value) * norm for value in subject.embedding.steps[row]]
