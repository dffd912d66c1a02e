"""How often two figures are related in the ways that :mod:`dedup.figures` knows, in translations and by chance.

    python scripts/measure_figures.py --data CORPORA --cache FOLDER

Of the calibration articles of NTREX and TICO-19 (as for ``calibrate.py``), translations and twins: translations whose
figures were replaced by others of as many digits (:mod:`dedup.calibration.pairs`). Two figures are in each other's
place where two paired passages state them and the other text states neither, in no scale. For every relation:

* *share* of such pairs of figures that it holds for. A relation that tells something holds for more of them in
  translations than in twins, where it holds by chance;
* *alone*: the share for which it holds and none of the others that are excused (marked *): what it adds. The rest were
  weighed and left out;
* *different*: how many different pairs of figures it holds for. One pair recurs in many languages, so a share may
  rest on a single one.

Then the share of pairs of texts with any two figures in each other's place (before), and with a clash (after): what is
left when figures that are told otherwise are excused.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain, product

from calibrate import pools_for

from dedup.calibration import Calibration
from dedup.calibration.pairs import Case, translated
from dedup.evidence import align, figures_of
from dedup.figures import (
    CALENDARS,
    CONVERSIONS,
    abbreviated,
    at_rate,
    in_each_others_place,
    retold,
    same_hour,
    same_temperature,
    same_year,
)

CORPORA = ("ntrex", "tico")
DRAWS = 4
"""Of 3,000 translations each, with their twins; some are drawn more than once."""

Related = Callable[[str, str], bool]

RATES = {
    "mile, km": 1.609344,
    "foot, m": 0.3048,
    "inch, cm": 2.54,
    "pound, kg": 0.45359237,
    "acre, ha": 0.40468564,
    "US gallon, l": 3.785412,
    "ounce, g": 28.3495,
}
"""Metric units in one of the others: all exact but the acre (an international acre is 0.40468564224 ha), the gallon
(3.785411784 l) and the avoirdupois ounce (28.349523125 g); NIST Special Publication 811, appendix B."""


def either_way(related: Related, one: str, other: str) -> bool:
    """Of a relation that asks for the figures in an order."""
    return related(one, other) or related(other, one)


def of_rate(rate: float) -> Related:
    """Whether two figures can be one measurement in units of this rate."""
    return partial(either_way, partial(at_rate, rate=rate))


def apart(years: int, one: str, other: str) -> bool:
    """Whether two figures are one year in the two calendars that are so far apart."""
    return same_year(one, other) and abs(int(one) - int(other)) == years


EXCUSED: dict[str, Related] = {
    "abbreviated": abbreviated,
    "afternoon": same_hour,
    "Fahrenheit, Celsius": partial(either_way, same_temperature),
    **{f"{years} years apart": partial(apart, years) for years in CALENDARS},
    **{units: of_rate(rate) for units, rate in RATES.items() if rate in CONVERSIONS},
}
LEFT_OUT: dict[str, Related] = {units: of_rate(rate) for units, rate in RATES.items() if rate not in CONVERSIONS}
ANY = "any of these"


@dataclass
class Counts:
    """Of the pairs of one case: pairs of texts, pairs of figures, and how many of these each relation holds for."""

    texts: int = 0
    before: int = 0
    after: int = 0
    figures: int = 0

    def __post_init__(self) -> None:
        self.held = Counter[str]()
        self.alone = Counter[str]()
        self.different: dict[str, set[frozenset[str]]] = defaultdict(set)

    def figure_pair(self, one: str, other: str) -> None:
        """Count one pair of figures."""
        self.figures += 1
        excused = {name for name, related in EXCUSED.items() if related(one, other)}
        holding = excused | {name for name, related in LEFT_OUT.items() if related(one, other)}
        if retold(one, other):
            holding.add(ANY)
        self.held.update(holding)
        self.alone.update(name for name in holding if not excused - {name})
        for name in holding:
            self.different[name].add(frozenset((one, other)))


def main() -> None:
    """Read, pair, count, print."""
    calibration, pools = pools_for(__doc__.split("\n")[0], CORPORA)
    for pool in pools:
        cases = chain.from_iterable(translated(pool, random.Random(draw)) for draw in range(DRAWS))
        report(pool.corpus, counted(cases, calibration))


def counted(cases: Iterable[Case], calibration: Calibration) -> dict[str, Counts]:
    """Translations and twins, by the name of their case; cuts are left out."""
    counts = {"translation": Counts(), "twin": Counts()}
    for case, _, left, right in cases:
        if case not in counts:
            continue
        count, aligned = counts[case], align(left, right)
        places = list(in_each_others_place(left.fingerprint, right.fingerprint, aligned.pairs.tolist(), calibration))
        count.texts += 1
        count.before += any(alone and others for alone, others in places)
        count.after += bool(figures_of(left, right, aligned, calibration).clashes)
        for alone, others in places:
            for pair in product(alone, others):
                count.figure_pair(*pair)
    return counts


def report(corpus: str, counts: dict[str, Counts]) -> None:
    """Print the shares, translations and twins beside each other."""
    both = counts.values()
    print(f"\n{corpus}: " + ", ".join(f"{c.texts:,} {name}s with {c.figures:,} pairs" for name, c in counts.items()))
    print(f"{'':24}{'share':>16}{'alone':>17}{'different':>16}")
    for name in (*EXCUSED, ANY, *LEFT_OUT):
        cells = [f"{c.held[name] / c.figures:8.2%}" for c in both]
        cells += [f"{c.alone[name] / c.figures:8.2%}" if name != ANY else " " * 8 for c in both]
        cells += [f"{len(c.different[name]):7}" for c in both]
        print(f"{name + ' *' * (name in EXCUSED):24}", *cells)
    for when, some in (("before", [c.before for c in both]), ("after", [c.after for c in both])):
        shares = (f"{part / c.texts:8.2%}" for part, c in zip(some, both, strict=True))
        print(f"{'clashing, ' + when:24}", *shares)


if __name__ == "__main__":
    main()
