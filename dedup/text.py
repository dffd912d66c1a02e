"""Plain-text work that needs no model: normalising, digits, segments.

A *segment* is what the model embeds and what alignment compares: a sentence, a few short ones together, or a
part of a long one. Sentences are the unit that translation keeps best; their size evens out what remains. Between
sentences that were joined stands a line end, by which names (:mod:`dedup.names`) see where each begins: a heading has
no full stop.
"""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.code_points import CharacterTable, codes_of, sums_of_parts, text_of
from dedup.normal_form import normal_form

MIN_SEGMENT = 60
"""Shorter sentences (in Latin-letter equivalents) join what follows: a lone "Yes." matches everything."""
MAX_SEGMENT = 400
"""Longer ones are cut: about 100 tokens, well within the 512 of the model."""

UNMARKED_SEGMENT = 130
"""The same for scripts that mark no sentence ends, whose texts come as one sentence a line: a choice, about the size
of one sentence."""

_UNMARKED = re.compile(r"[\u0e00-\u0eff\u1780-\u17ff]")
"""Thai, Lao, Khmer."""

MAX_CHARACTERS = 4 * MAX_SEGMENT
"""Likewise for text of hardly any width, such as combining marks heaped on one letter."""

DENSE_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH")
DENSE_WIDTH = 3.0
"""Latin letters that say as much as one character of these scripts: NTREX holds 3.2 English letters per Chinese
character, 2.3 per Japanese, 2.4 per Korean (3 over the exponential of the length norms of scripts/calibrate.py)."""

_BREAKS = re.compile(r"[,;:،؛、，；：।။፣፤\u2014\u2013)\]»”\s]")


def normalise(text: str) -> str:
    """The text as it is compared: NFKC, case folded, without what prints nothing, every run of white space one space.

    Two texts with equal results are the same text (relation ``exact``).
    """
    codes = codes_of(text)
    kinds = _KINDS(codes)
    if kinds.any():
        text = text_of(np.where(kinds == _PARTS_WORDS, ord(" "), codes)[kinds != _GOES])
    folded = normal_form("NFKC", normal_form("NFKC", text).casefold())
    return " ".join(folded.split())


def is_empty(text: str) -> bool:
    """Whether nothing of the text is left when it is normalised."""
    codes = codes_of(text)
    return not text.strip() or not text_of(codes[_KINDS(codes) == _STAYS]).strip()


_SELECTORS = frozenset(map(chr, [0x034F, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
"""Marks that print nothing: the grapheme joiner and variation selectors."""

_STAYS, _PARTS_WORDS, _GOES = 0, 1, 2


def _kind(character: str) -> int:
    """Control characters part words, as readers make them spaces. Format characters (zero-width and direction marks,
    soft hyphens) stand within words and between any two signs, and go.
    """
    if character in _SELECTORS:
        return _GOES
    if character.isspace():
        return _STAYS  # some are control characters, which is the same
    return {"Cc": _PARTS_WORDS, "Cf": _GOES}.get(unicodedata.category(character), _STAYS)


_KINDS = CharacterTable(_kind)


def _width_class(character: str) -> int:
    """0, 1 or 2 for the three widths of :func:`text_widths`."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf", "Cc"}:
        return 0
    if ord(character) < 0x1100:
        return 1
    return 2 if unicodedata.name(character, "").startswith(DENSE_SCRIPTS) else 1


_WIDTH_CLASSES = CharacterTable(_width_class)
_WIDTHS = np.array([0.0, 1.0, DENSE_WIDTH])


def text_widths(texts: Sequence[str]) -> NDArray[np.float64]:
    """The sizes of several texts in Latin-letter equivalents, shape (len(texts),)."""
    widths = _WIDTHS[_WIDTH_CLASSES(codes_of("".join(texts)))]
    return sums_of_parts(widths, list(map(len, texts)))


def segments(text: str, language: str) -> tuple[str, ...]:
    """The segments of the text in order; at least one where the text is not blank.

    Sentence ends come from sentencex (Wikimedia; an unknown language gets its general rules); lines end sentences too.
    """
    return measured_segments(text, language)[0]


def measured_segments(text: str, language: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The segments of a text (:func:`segments`) and the width of each (:func:`text_widths`)."""
    sentences = _sentences(text, language)
    widths = text_widths(sentences).tolist()
    pieces = [part for sentence, width in zip(sentences, widths, strict=True) for part in _cut(sentence, width)]
    if pieces != sentences:
        widths = text_widths(pieces).tolist()
    return _joined(pieces, widths)


STAND_INS = {**dict.fromkeys(("da", "jut", "kl"), "de"), **dict.fromkeys(("ca", "oc"), "es")}
"""Languages that are cut by the rules of another. Those of sentencex 1.0.32 for Danish and Catalan, which others share,
take 9 s a megabyte, a hundred times as long as any others (``scripts/measure_hostile.py --languages``). In 300
paragraphs of NTREX each the German ones cut Danish in the same places but for 23 of 1,382, the Spanish ones Catalan but
for 8 of 1,371 (``--rules``)."""

WINDOW = 8_192
"""Characters of a line that are cut into sentences at once. To look for the end of a quotation that has none takes
sentencex the rest of the line, so that a line of n opening quotes takes n squared. Paragraphs are shorter: of 3,720
articles of 2,048 characters or more that were made one line each, ten are longer, and those are cut as they were."""


def _sentences(text: str, language: str) -> list[str]:
    lines = (" ".join(line.split()) for line in text.splitlines())
    rules = STAND_INS.get(language, language)
    return [s for line in lines if line for s in map(str.strip, _sentences_of_line(line, rules)) if s]


def _sentences_of_line(line: str, rules: str) -> list[str]:
    """The sentences of a line, together the line: ``WINDOW`` characters at a time, but for the last sentence among
    these, which is looked at again with what follows.
    """
    import sentencex

    found: list[str] = []
    begun: list[str] = []  # of a sentence that is longer than a window
    start = 0
    while len(line) - start > WINDOW:
        *whole, last = sentencex.segment(rules, line[start : start + WINDOW])
        start += sum(map(len, whole)) or WINDOW
        if whole:
            found += ["".join([*begun, whole[0]]), *whole[1:]]
            begun = []
        else:
            begun.append(last)
    first, *rest = sentencex.segment(rules, line[start:])
    return [*found, "".join([*begun, first]), *rest]


def _cut(sentence: str, width: float) -> list[str]:
    """A sentence in parts of at most its limit, of even size, cut after a comma or space where there is one near."""
    limit = UNMARKED_SEGMENT if width > UNMARKED_SEGMENT and _is_unmarked(sentence) else MAX_SEGMENT
    count = max(math.ceil(width / limit), math.ceil(len(sentence) / MAX_CHARACTERS))
    if count <= 1:
        return [sentence]
    step = len(sentence) / count
    cuts = [0, *(_near_break(sentence, round(step * i), round(step / 4)) for i in range(1, count)), len(sentence)]
    parts = (sentence[a:b].strip() for a, b in pairwise(cuts))
    return [part for part in parts if part]


def _is_unmarked(sentence: str) -> bool:
    return not sentence.isascii() and 2 * len(_UNMARKED.findall(sentence)) > len(sentence)


def _near_break(sentence: str, at: int, reach: int) -> int:
    """The end of the last clause (else ``at``) within ``reach`` characters before ``at``."""
    breaks = list(_BREAKS.finditer(sentence, max(0, at - reach), at))
    return breaks[-1].end() if breaks else at


def _joined(pieces: list[str], widths: list[float]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Short pieces joined to those that follow, a short last one to the one before; and how wide they then are."""
    joined: list[list[str]] = []
    sizes: list[float] = []
    held: list[str] = []
    size, characters = -1.0, -1  # no space comes before the first
    for piece, width in zip(pieces, widths, strict=True):
        held.append(piece)
        size += 1 + width
        characters += 1 + len(piece)
        if size >= MIN_SEGMENT or characters >= MAX_CHARACTERS:
            joined.append(held)
            sizes.append(size)
            held, size, characters = [], -1.0, -1
    if held and joined:
        joined[-1] += held
        sizes[-1] += 1 + size
    elif held:
        joined.append(held)
        sizes.append(size)
    return tuple(map("\n".join, joined)), tuple(sizes)


def in_one_line(segment: str) -> str:
    """A segment as it is embedded, shown and recognised: without the ends of the sentences that it was joined of."""
    return segment.replace("\n", " ")


_NUMBER = re.compile(
    r"\d(?:"  # a fixed beginning lets the engine skip what is no digit
    r"(?<!\d\d)\d{0,2}(?:[ \u00a0\u202f\u2009]\d{3}){1,5}(?!\d)(?:[.,]\d+)?"  # 17 786 419: spaces group only thousands
    r"|\d*+(?:[.,'’٫٬]\d++)*+)"  # possessive: else the engine keeps a way back for each of a million groups
)
_SEPARATORS = re.compile(r"\D")

UNITS = {
    **dict.fromkeys(("हजार", "हज़ार", "হাজার", "હજાર", "ਹਜ਼ਾਰ", "ہزار"), 10**3),
    **dict.fromkeys(("万", "萬", "만"), 10**4),
    **dict.fromkeys(("लाख", "লাখ", "লক্ষ", "લાખ", "ਲੱਖ", "இலட்சம்", "லட்சம்", "లక్షల", "ಲಕ್ಷ", "ലക്ഷം", "لاکھ", "lakh"), 10**5),
    **dict.fromkeys(("करोड़", "करोड", "কোটি", "કરોડ", "ਕਰੋੜ", "கோடி", "కోట్ల", "ಕೋಟಿ", "കോടി", "کروڑ", "crore"), 10**7),
    **dict.fromkeys(("億", "亿", "억"), 10**8),
}
"""What the words behind a figure count in languages that write sums of them: "1億2000万", "1 करोड़ 20 लाख"."""

_UNIT = re.compile(rf"\s?({'|'.join(UNITS)})")
_LONGEST_ADDEND = 7
_THOUSANDS = 4


def numbers(text: str) -> tuple[str, ...]:
    """The figures of the text as ASCII digit strings, each once, in order of first appearance.

    Digits of every script count; separators inside a figure are dropped ("1.234,5", "१,२३४.५" and "12345" are one:
    which sign groups thousands and which marks decimals depends on the language, the digits do not), leading zeros too.
    Sums of units are one figure: "1億2000万" is 120000000, but "2000万" alone is 2000, since "20 million" is 20.
    """
    return tuple(dict.fromkeys(figure for figure, _, _ in figures_at(text)))


def figures_at(text: str) -> Iterator[tuple[str, int, int]]:
    """The figures of the text as :func:`numbers` has them, each as often as it stands there, sums added up; and where
    each begins and ends.
    """
    addends: list[tuple[str, int]] = []
    start = end = 0
    for match in _NUMBER.finditer(text):
        digits = _digits(match[0])
        counted = _UNIT.match(text, match.end())
        unit = UNITS[counted[1]] if counted else 1
        if addends and not _goes_on(addends[-1][1], text[end : match.start()], digits, unit):
            yield _sum(addends), start, end
            addends = []
        if addends or (counted and len(digits) <= _LONGEST_ADDEND and "." not in match[0]):
            if not addends:
                start = match.start()
            addends.append((digits, unit))
            end = counted.end() if counted else match.end()
        else:
            yield digits, *match.span()
    if addends:
        yield _sum(addends), start, end


def _goes_on(last_unit: int, gap: str, digits: str, unit: int) -> bool:
    """Whether a figure is added to the one before it: "1億2000万", "37만 5,000"; but not "37만 5", nor "5万人 2000"."""
    follows = not gap or (gap.isspace() and (unit > 1 or len(digits) == _THOUSANDS))
    return follows and len(digits) <= _LONGEST_ADDEND and int(digits) * unit < last_unit


def _digits(figure: str) -> str:
    if figure.isascii() and figure.isdigit():
        return figure.lstrip("0") or "0"
    ascii_digits = (str(unicodedata.decimal(d)) for d in _SEPARATORS.sub("", figure))
    return "".join(ascii_digits).lstrip("0") or "0"


def _sum(addends: list[tuple[str, int]]) -> str:
    return addends[0][0] if len(addends) == 1 else str(sum(int(digits) * unit for digits, unit in addends))
