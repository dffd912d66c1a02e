"""How the figures of two texts compare: shared, missing, clashing, or told in other words.

Translation keeps figures: 8 of 100 translations of NTREX state one in another's place, and 2 once what is read here is
excused, against 99 of 100 texts whose figures were exchanged (``scripts/measure_figures.py``). What translation does
change, so that it is not held against a pair:

* *rescaled*: "1.2 million", "1,200,000" and "120万" have the same digits but for zeros at the end; the sums that
  Chinese, Japanese, Korean and the languages of India write ("1億2000万", "1 करोड़ 20 लाख") are added up by
  :func:`dedup.text.numbers`;
* *converted*: "60 miles" and "97 km", within two passages that were paired; likewise 5:30 and 17:30, 1953 and "53",
  and years of the calendars of Thailand and Iran;
* *in words*: "eleven". A figure that one text lacks speaks against a pair only as far as it is rare, and small
  ones are not.

Where two paired passages each state figures that the other text lacks, the figures *clash*: "10:15" against "08:42".
Translations hardly do that; a template filled in twice does nothing else.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, product

from dedup.calibration import Calibration
from dedup.model import Fingerprint

CONVERSIONS = (1.609344, 0.3048)
"""Kilometres a mile, metres a foot (international yard and pound agreement of 1959). Inches, pounds, acres, gallons and
ounces are left out: their rates hold for two figures of a translation about as often as for two that were drawn, or
rest on two or three pairs of figures (``scripts/measure_figures.py``). So does the foot (2.0 against 2.2 % in NTREX,
1.7 % both in TICO-19), which is kept as a choice: heights and depths are converted."""

POWERS_OF_TEN = (0.1, 1, 10)
"""By which a conversion may be off: a decimal separator is not among the digits of a figure."""

CALENDARS = (543, 621, 622)
"""Years between calendars: the Buddhist era, which Thai texts count in, is 543 years ahead of the Gregorian one; the
Solar Hijri year of Persian texts is 621 behind, 622 from January until it begins in March. Conventions, not findings:
no two figures of NTREX or TICO-19 are so related, in translations or by chance (``scripts/measure_figures.py``)."""

YEARS = range(1300, 2601)
"""Figures that may be years of any of the three: Solar Hijri from 1921 on, Buddhist until 2057."""

LONGEST_CONVERTED = 7
"""Digits of a figure that may be a measurement."""

FEW_PAIRS = 64
"""Figures of two passages, in pairs, up to which each pair is looked at; beyond, what a figure can be told as is looked
up, as two tables of two hundred figures are forty thousand pairs. A choice."""

LONG = 18
"""Digits of a figure beyond which it is no measurement, and each pair of two such is looked at."""

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
    """Of each two paired passages the smaller of the rarities of what either states in the other's place, in nats,
    summed: the rarer side counts no more than the other."""


def compare_figures(
    left: Fingerprint, right: Fingerprint, paired: Sequence[Sequence[int]], calibration: Calibration
) -> Figures:
    """What the figures of two texts say; ``paired`` are the passages that belong together, (left, right) each."""
    return compare_stated(Stated(left, calibration), Stated(right, calibration), paired, calibration)


class Stated:
    """The figures that a text states: in its passages, each in any scale, and how rare they are together.

    Those of its passages count beside those of the text: where lines were joined to a passage, or one was cut, they may
    differ.
    """

    __slots__ = ("_rescaled", "exact", "in_passages", "numbers", "rarity")

    def __init__(self, text: Fingerprint, calibration: Calibration) -> None:
        self.numbers = text.numbers
        self.in_passages = text.figures
        self.exact = frozenset(text.numbers).union(*text.figures)
        self.rarity = sum(map(calibration.rarity, text.numbers))
        self._rescaled: frozenset[str] | None = None

    def states(self, figure: str) -> bool:
        """Whether the text states the figure, in any scale."""
        if figure in self.exact:
            return True
        if self._rescaled is None:
            self._rescaled = frozenset(map(digits_that_count, self.exact))
        return digits_that_count(figure) in self._rescaled


def compare_stated(left: Stated, right: Stated, paired: Sequence[Sequence[int]], calibration: Calibration) -> Figures:
    """As :func:`compare_figures`, of texts whose figures were looked up before."""
    alone = (
        frozenset(f for f in left.exact if not right.states(f)),
        frozenset(f for f in right.exact if not left.states(f)),
    )
    told: frozenset[str] = frozenset()
    clashes: tuple[tuple[str, str], ...] = ()
    rarity = 0.0
    if alone[0] or alone[1]:
        told = frozenset(_retold(left, right, paired, alone))
        clashes, rarity = _clashes(left, right, paired, alone, told, calibration)
    poorer, _ = poorer_first(left, right)
    missed = alone[0] if poorer is left else alone[1]
    return Figures(
        shared=shared_figures(left, right),
        missing=tuple(f for f in poorer.numbers if f in missed and f not in told),
        clashes=clashes,
        clash_rarity=rarity,
    )


def poorer_first(left: Stated, right: Stated) -> tuple[Stated, Stated]:
    """The text whose figures weigh less, and the other."""
    return (right, left) if (right.rarity, right.numbers) < (left.rarity, left.numbers) else (left, right)


def shared_figures(left: Stated, right: Stated) -> tuple[str, ...]:
    """The figures of the text with fewer that the other states, in their order."""
    poorer, other = poorer_first(left, right)
    return tuple(f for f in poorer.numbers if f in other.exact)


def digits_that_count(figure: str) -> str:
    """The figure without the zeros at its end: what rescaling keeps."""
    return figure.rstrip("0")


def _retold(
    left: Stated, right: Stated, paired: Sequence[Sequence[int]], alone: tuple[frozenset[str], frozenset[str]]
) -> Iterator[str]:
    """The figures of either text that a paired passage of the other states in another way; of two figures at least one
    is ``alone``, in its text only.
    """
    for i, j in paired:
        here, there = left.in_passages[i], right.in_passages[j]
        if len(here) * len(there) <= FEW_PAIRS:
            pairs: Iterable[tuple[str, str]] = product(here, there)
        else:
            pairs = chain(_near_pairs(here, there), ((one, other) for other, one in _near_pairs(there, here)))
        for one, other in pairs:
            if (one in alone[0] or other in alone[1]) and one != other and retold(one, other):
                yield one
                yield other


def _near_pairs(here: Sequence[str], there: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of figures, those among them of which :func:`retold` holds by what the first can be told as."""
    by_value: dict[int, list[str]] = defaultdict(list)
    long: list[str] = []
    for figure in dict.fromkeys(there):
        if len(figure) > LONG:
            long.append(figure)
        else:
            by_value[int(figure)].append(figure)
    for one in dict.fromkeys(here):
        for value in sorted(_retellings(one) & by_value.keys()):
            for other in by_value[value]:
                yield one, other
        if len(one) > LONG:
            for other in long:
                yield one, other


@lru_cache(maxsize=2**14)
def _retellings(figure: str) -> frozenset[int]:
    """Values among which are those of every shorter figure that may stand for this one, of every measurement that it
    can be converted to, and of its year and its hour by other counts; of figures of ``LONG`` digits at most.
    """
    values: set[int] = set()
    if len(figure) >= LEAST_ABBREVIATED:
        for shorter in _ends(figure):
            values.add(int(shorter))
            values.update(_morning(shorter))
    for hour in afternoon(figure):
        values.update(map(int, (hour, *_ends(hour))))
    if len(figure) <= LONGEST_CONVERTED:
        value = int(figure)
        values.update(value + years for years in chain(CALENDARS, (-years for years in CALENDARS)))
        values.update((round((value - 32) / 1.8), round(value * 1.8 + 32)))
        for rate, shift, zeros in product(CONVERSIONS, POWERS_OF_TEN, range(LONGEST_CONVERTED)):
            for factor in (rate, 1 / rate):
                values.add(round(value * factor * shift / 10**zeros) * 10**zeros)
    return frozenset(values)


def _ends(figure: str) -> Iterator[str]:
    """The beginnings and ends of a figure that are shorter than it and of ``LONG`` digits at most."""
    for size in range(1, min(len(figure), LONG + 1)):
        yield figure[:size]
        yield figure[-size:]


def _morning(figure: str) -> Iterator[int]:
    """The values of the hours of which ``figure`` is the afternoon."""
    hours, minutes = (figure, "") if len(figure) <= 2 else (figure[:-2], figure[-2:])
    if len(figure) <= 4 and 13 <= int(hours) <= 23:
        yield int(f"{int(hours) - 12}{minutes}")


@lru_cache(maxsize=2**16)
def retold(one: str, other: str) -> bool:
    """Whether two different figures can say the same: in another unit, by another clock, or one of them shortened.

    Of the figures in each other's place, one of these holds for 42 % in translations of NTREX and 41 % of TICO-19, and
    for 5 % and 6 % in twins, by chance. Nearly all of it is shortening, in NTREX also hours and miles; temperatures
    rest on a single pair of figures, feet are no more frequent than by chance, and calendars are conventions
    (``scripts/measure_figures.py``).
    """
    if abbreviated(one, other) or same_year(one, other) or converted(one, other) or converted(other, one):
        return True
    return same_hour(one, other)


def same_hour(one: str, other: str) -> bool:
    """Whether one can be the other on the 24-hour clock, in the afternoon; either may leave the minutes out."""
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


def same_year(one: str, other: str) -> bool:
    """Whether both can be one year, counted in two calendars."""
    if len(one) != 4 or len(other) != 4:
        return False
    years = int(one), int(other)
    return all(year in YEARS for year in years) and abs(years[0] - years[1]) in CALENDARS


def converted(figure: str, other: str) -> bool:
    """Whether ``other`` can be the same measurement in another unit, rounded as it is written."""
    return same_temperature(figure, other) or any(at_rate(figure, other, rate) for rate in CONVERSIONS)


def same_temperature(figure: str, other: str) -> bool:
    """Whether ``other`` is a temperature in whole degrees Celsius and ``figure`` the same in Fahrenheit, or the
    reverse.
    """
    if max(len(figure), len(other)) > LONGEST_CONVERTED:
        return False
    value = int(figure)
    return int(other) in (round((value - 32) / 1.8), round(value * 1.8 + 32))


def at_rate(figure: str, other: str, rate: float) -> bool:
    """Whether ``other`` is ``figure`` times or over ``rate``, rounded to the zeros that ``other`` ends in.

    One that has a single digit before its zeros is too coarse to tell.
    """
    counted = digits_that_count(other)
    if len(counted) < 2 or max(len(figure), len(other)) > LONGEST_CONVERTED:
        return False
    value, wanted, precision = int(figure), int(other), 10 ** (len(other) - len(counted))
    for factor in (rate, 1 / rate):
        for shift in POWERS_OF_TEN:
            measured = value * factor * shift
            # The first half is a part of the second, and spares rounding what is far off.
            if abs(measured - wanted) <= precision and round(measured / precision) * precision == wanted:
                return True
    return False


def in_each_others_place(
    left: Fingerprint, right: Fingerprint, paired: Sequence[Sequence[int]], calibration: Calibration
) -> Iterator[tuple[list[str], list[str]]]:
    """Of each two paired passages the figures, left and right, that the other text states in no scale."""
    one, other = Stated(left, calibration), Stated(right, calibration)
    for i, j in paired:
        yield (
            [f for f in left.figures[i] if not other.states(f)],
            [f for f in right.figures[j] if not one.states(f)],
        )


def _clashes(
    left: Stated,
    right: Stated,
    paired: Sequence[Sequence[int]],
    alone: tuple[frozenset[str], frozenset[str]],
    told: frozenset[str],
    calibration: Calibration,
) -> tuple[tuple[tuple[str, str], ...], float]:
    """The clashes of two texts, each figure in one at most, and what they weigh.

    Where a figure stands in several passages, it clashes in the first: by their places in both texts, so that it does
    not matter which text is the left one.
    """
    places = []
    for i, j in paired:
        here = [f for f in left.in_passages[i] if f in alone[0]]
        there = [f for f in right.in_passages[j] if f in alone[1]]
        if here and there:  # one side alone clashes with nothing
            places.append((i + j, sorted((here, there)), here, there))
    found: dict[str, str] = {}
    seen: set[str] = set(told)
    rarities = []
    for _, _, alone_here, alone_there in sorted(places, key=lambda place: place[:2]):
        here, there = ([f for f in some if f not in seen] for some in (alone_here, alone_there))
        clashing = dict(zip(here, there, strict=False))
        found |= clashing
        seen |= clashing.keys() | set(clashing.values())
        rarities.append(min(_rarity(here, calibration), _rarity(there, calibration)))
    in_order = dict.fromkeys(chain.from_iterable(left.in_passages)) if found else ()
    return tuple((one, found[one]) for one in in_order if one in found), math.fsum(rarities)


def _rarity(figures: Iterable[str], calibration: Calibration) -> float:
    return sum(map(calibration.rarity, figures))
