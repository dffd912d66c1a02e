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

CONVERSIONS = (1.609344, 0.3048)
"""Kilometres a mile, metres a foot (international yard and pound agreement of 1959). Inches, pounds, acres and gallons
are left out: their rates match two figures by chance as often as they explain a translation
(``scripts/measure_figures.py``)."""

LONGEST_CONVERTED = 7
"""Digits of a figure that may be a measurement."""

LEAST_ABBREVIATED = 3
"""Digits of a figure of which a beginning or an end may stand for it: "53" for 1953, "17" for 17:30."""


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
    told = frozenset(_retold(left, right, paired))
    clashes, rarity = _clashes(left, right, paired, known, told, calibration)
    poorer, other = sorted(
        ((left, known[1]), (right, known[0])), key=lambda s: (sum(map(calibration.rarity, s[0].numbers)), s[0].numbers)
    )[0]
    return Figures(
        shared=tuple(f for f in poorer.numbers if f in other.exact),
        missing=tuple(f for f in poorer.numbers if not other.states(f) and f not in told),
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


def _retold(left: Fingerprint, right: Fingerprint, paired: Sequence[Sequence[int]]) -> Iterator[str]:
    """The figures of either text that a paired passage of the other states in another way."""
    for i, j in paired:
        for one in left.figures[i]:
            for other in right.figures[j]:
                if one != other and retold(one, other):
                    yield one
                    yield other


@cache
def retold(one: str, other: str) -> bool:
    """Whether two different figures can say the same: in another unit, by another clock, or one of them shortened.

    Each relation holds far more often between the figures of translations than by chance: the shares are printed by
    ``scripts/measure_figures.py``.
    """
    if abbreviated(one, other) or converted(one, other) or converted(other, one):
        return True
    return any(
        hour == there or abbreviated(hour, there)
        for here, there in ((one, other), (other, one))
        for hour in afternoon(here)
    )


def abbreviated(one: str, other: str) -> bool:
    """Whether the shorter is the beginning or the end of the longer: 53 and 1953, 17 and 1730; also 859 and 859292,
    where one text parts thousands in a way that is not read, or lost a digit.
    """
    shorter, longer = sorted((one, other), key=len)
    if len(longer) < LEAST_ABBREVIATED or len(shorter) == len(longer):
        return False
    return longer.startswith(shorter) or longer.endswith(shorter)


def afternoon(figure: str) -> Iterator[str]:
    """The figure as an hour of the afternoon on the 24-hour clock, if it can be a time: 17 of 5, 1730 of 530."""
    hours, minutes = (figure, "") if len(figure) <= 2 else (figure[:-2], figure[-2:])
    if len(figure) <= 4 and 1 <= int(hours) <= 11 and int(minutes or 0) < 60:
        yield f"{int(hours) + 12}{minutes}"


def converted(figure: str, other: str) -> bool:
    """Whether ``other`` can be the same measurement in another unit, rounded as it is written.

    A decimal separator is not among the digits, so the unit may be off by a power of ten.
    """
    if max(len(figure), len(other)) > LONGEST_CONVERTED:
        return False
    value, wanted = int(figure), int(other)
    if wanted in (round((value - 32) / 1.8), round(value * 1.8 + 32)):
        return True
    precision = 10 ** (len(other) - len(digits_that_count(other)))
    return len(digits_that_count(other)) > 1 and any(
        round(value * rate * shift / precision) * precision == wanted
        for kilometres in CONVERSIONS
        for rate in (kilometres, 1 / kilometres)
        for shift in (0.1, 1, 10)
    )


def _clashes(
    left: Fingerprint,
    right: Fingerprint,
    paired: Sequence[Sequence[int]],
    known: tuple[_Known, _Known],
    told: frozenset[str],
    calibration: Calibration,
) -> tuple[tuple[tuple[str, str], ...], float]:
    """The clashes of two texts, each figure in one at most, and what they weigh."""
    found: list[tuple[str, str]] = []
    total = 0.0
    for i, j in paired:
        seen_left, seen_right = {one for one, _ in found}, {other for _, other in found}
        alone = [f for f in left.figures[i] if not known[1].states(f) and f not in told | seen_left]
        others = [f for f in right.figures[j] if not known[0].states(f) and f not in told | seen_right]
        found += zip(alone, others, strict=False)
        total += min(_rarity(alone, calibration), _rarity(others, calibration))
    return tuple(found), total


def _rarity(figures: Iterable[str], calibration: Calibration) -> float:
    return sum(map(calibration.rarity, figures))
