"""How the figures of two texts compare: shared, missing, clashing, or told in other words.

Translation keeps figures: of those in NTREX 95 of 100 stand in a translation as they are (see ``scripts/calibrate.py``
for what that weighs). What it does change is read here, so that it is not held against a pair:

* *rescaled*: "1.2 million", "1,200,000" and "120万" have the same digits but for zeros at the end. Chinese, Japanese
  and Korean count in ten thousands; the sums that they write ("1億2000万") are added up by :func:`dedup.text.numbers`;
* *converted*: "60 miles" and "97 km", within two passages that were paired;
* *in words*: "eleven". A figure that one text lacks speaks against a pair only as far as it is rare, and small
  ones are not.

Where two paired passages each state figures that the other text lacks, the figures *clash*: "10:15" against "08:42".
Translations hardly do that; a template filled in twice does nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from dedup.calibration import Calibration
from dedup.model import Fingerprint

CONVERSIONS = (1.609344, 0.3048, 2.54, 0.45359237, 0.40468564)
"""Kilometres a mile, metres a foot, centimetres an inch, kilograms a pound (all exact, international yard and pound
agreement of 1959), hectares an acre."""

LONGEST_CONVERTED = 7
"""Digits of a figure that may be a measurement."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a pair by what they say; each tuple in the order of the text it is from."""

    shared: tuple[str, ...]
    missing: tuple[str, ...]
    """Of the text with fewer figures (by rarity): stated there, not in the other text, nor told otherwise."""
    clashes: tuple[tuple[str, str], ...]
    """Pairs of figures, left and right, that two paired passages state in each other's place."""
    clash_rarity: float
    """Of each clash the rarer side counts no more than the other: the sum of the smaller rarities, in nats."""


def compare_figures(
    left: Fingerprint, right: Fingerprint, paired: Sequence[Sequence[int]], calibration: Calibration
) -> Figures:
    """What the figures of two texts say; ``paired`` are the passages that belong together, (left, right) each."""
    known = _Known(left), _Known(right)
    converted = frozenset(_converted(left, right, paired))
    clashes, rarity = _clashes(left, right, paired, known, converted, calibration)
    poorer, other = sorted(
        ((left, known[1]), (right, known[0])), key=lambda s: (sum(map(calibration.rarity, s[0].numbers)), s[0].numbers)
    )[0]
    return Figures(
        shared=tuple(f for f in poorer.numbers if f in other.exact),
        missing=tuple(f for f in poorer.numbers if not other.states(f) and f not in converted),
        clashes=clashes,
        clash_rarity=rarity,
    )


class _Known:
    """The figures that a text states, in any scale."""

    def __init__(self, text: Fingerprint) -> None:
        self.exact = frozenset(text.numbers)
        self._rescaled = frozenset(map(digits_that_count, text.numbers))

    def states(self, figure: str) -> bool:
        return figure in self.exact or digits_that_count(figure) in self._rescaled


def digits_that_count(figure: str) -> str:
    """The figure without the zeros at its end: what rescaling keeps."""
    return figure.rstrip("0")


def _converted(left: Fingerprint, right: Fingerprint, paired: Sequence[Sequence[int]]) -> Iterator[str]:
    """The figures of either text that a paired passage of the other states in another unit."""
    for i, j in paired:
        for one in left.figures[i]:
            for other in right.figures[j]:
                if one != other and (is_converted(one, other) or is_converted(other, one)):
                    yield one
                    yield other


@cache
def is_converted(figure: str, other: str) -> bool:
    """Whether ``other`` can be the same measurement in another unit, rounded to two or three digits."""
    if max(len(figure), len(other)) > LONGEST_CONVERTED:
        return False
    value, wanted = int(figure), digits_that_count(other)
    if len(wanted) > 1 and any(wanted == digits for c in CONVERSIONS for digits in _rounded(value * c, value / c)):
        return True
    return int(other) in (round((value - 32) / 1.8), round(value * 1.8 + 32))


def _rounded(*values: float) -> Iterator[str]:
    """The digits that count of each value, rounded to two and to three."""
    for value in values:
        for decimals in (1, 2):
            yield digits_that_count(f"{value:.{decimals}e}".split("e")[0].replace(".", ""))


def _clashes(
    left: Fingerprint,
    right: Fingerprint,
    paired: Sequence[Sequence[int]],
    known: tuple[_Known, _Known],
    converted: frozenset[str],
    calibration: Calibration,
) -> tuple[tuple[tuple[str, str], ...], float]:
    """The clashes of two texts, each figure in one at most, and what they weigh."""
    found: list[tuple[str, str]] = []
    total = 0.0
    for i, j in paired:
        seen_left, seen_right = {one for one, _ in found}, {other for _, other in found}
        alone = [f for f in left.figures[i] if not known[1].states(f) and f not in converted | seen_left]
        others = [f for f in right.figures[j] if not known[0].states(f) and f not in converted | seen_right]
        found += zip(alone, others, strict=False)
        total += min(_rarity(alone, calibration), _rarity(others, calibration))
    return tuple(found), total


def _rarity(figures: Iterable[str], calibration: Calibration) -> float:
    return sum(map(calibration.rarity, figures))
