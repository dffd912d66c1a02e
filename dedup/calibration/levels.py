"""Probabilities that hold: what the weights of evidence are worth among the pairs that runs propose.

The weights are fitted to pairs that were made and balanced (:mod:`dedup.calibration.pairs`), where as many are one
article as are not. In a run it depends on the corpus. Of 100 proposed pairs of one topic in 36 languages 61 are one
article; where most records have no partner, two are. Of the pairs given 0.4 to 0.6, nearly all are one article in the
first and one in seven in the second (``scripts/bench_accuracy.py --corpora tico sparse --reliability``). No constant is
right for both, and a score that depended on what else is in a run could not be explained pair by pair. So the level is
set in between, by choice: each corpus counts half as it is, half drawn sparse; :mod:`dedup.clusters` asks less of a
text that many others vouch for. A logistic regression over the pairs' log-odds (Platt 1999) gives slope and offset for
each sort of pair. The log-odds come from weights that were fitted without the corpus, so that the level also holds the
doubt that is due on text unlike any seen (stacking: Wolpert 1992).

Pairs of one language stay as they were fitted: the corpora hold few copies of a text, so that what they propose there
is nearly all of one kind, and says nothing about copies.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from dedup.calibration import AS_FITTED, SAME_LANGUAGE, SORTS, Calibration, Level, Weights
from dedup.calibration.fit import log_odds
from dedup.calibration.pairs import Pool, measured
from dedup.candidates import propose_among
from dedup.evidence import sort_of
from dedup.settings import Settings

SHARES = {"dense": 0.5, "sparse": 0.5}
"""What the draws of a corpus count."""

ALONE = 0.7
"""Share of the articles that a sparse draw has in one language only; the others it has in two."""

SPARSE_DRAWS = 3
"""Sparse draws of a corpus: its articles are few, so one draw holds few pairs."""

FEWEST = 200
"""Pairs of a sort from which it gets a level of its own."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair that a run proposes: its log-odds before any level, and the answer."""

    corpus: str
    draw: str
    sort: str
    odds: float
    same: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair that a run proposes, before it is judged: its evidence, and the answer."""

    corpus: str
    draw: str
    sort: str
    measured: Mapping[str, float]
    same: bool


def scored_candidates(pool: Pool, calibration: Calibration, rng: random.Random) -> Iterator[Scored]:
    """What the weights make of :func:`candidates_of`."""
    return scored(candidates_of(pool, calibration, rng), calibration.weights)


def scored(candidates: Iterable[Candidate], weights: Mapping[str, Weights]) -> Iterator[Scored]:
    """The candidates with their log-odds."""
    for one in candidates:
        yield Scored(one.corpus, one.draw, one.sort, log_odds(one.measured, weights[one.sort]), one.same)


def candidates_of(pool: Pool, calibration: Calibration, rng: random.Random) -> Iterator[Candidate]:
    """The candidate pairs of a corpus as it is, and of sparse draws from it."""
    draws = {"dense": [list(range(len(pool.subjects)))]}
    draws["sparse"] = [sparse(pool, rng) for _ in range(SPARSE_DRAWS)]
    for draw, chosen in draws.items():
        for positions in chosen:
            subjects, golds = [pool.subjects[i] for i in positions], [pool.golds[i] for i in positions]
            for pair in propose_among([()] * len(subjects), subjects, calibration, Settings()).pairs:
                left, right = subjects[pair.left], subjects[pair.right]
                same = golds[pair.left] == golds[pair.right]
                yield Candidate(pool.corpus, draw, sort_of(left, right), measured(left, right, calibration), same)


def sparse(pool: Pool, rng: random.Random) -> list[int]:
    """Positions of a draw in which most articles stand alone, in ascending order."""
    members: dict[str, dict[str, int]] = defaultdict(dict)
    for position, (gold, subject) in enumerate(zip(pool.golds, pool.subjects, strict=True)):
        members[gold].setdefault(subject.writing, position)
    chosen: list[int] = []
    for gold in sorted(members):
        count = 1 if rng.random() < ALONE else 2
        versions = sorted(members[gold].values())
        chosen += rng.sample(versions, min(count, len(versions)))
    return sorted(chosen)


def levels_of(scored: Iterable[Scored]) -> dict[str, Level]:
    """The level of each sort of pair that enough pairs were proposed of, of both answers."""
    return {
        sort: level_of(some)
        for sort, some in _by_sort(scored).items()
        if len(some) >= FEWEST and len({one.same for one in some}) == 2
    }


def shrunk_levels(scored: Iterable[Scored], towards: Mapping[str, Level], penalty: float) -> dict[str, Level]:
    """The same of few pairs: each level that pairs were proposed of is shrunk to the one that there was."""
    own = {sort: level_of(some, towards.get(sort, AS_FITTED), penalty) for sort, some in _by_sort(scored).items()}
    return {**towards, **own}


def _by_sort(scored: Iterable[Scored]) -> dict[str, list[Scored]]:
    """The pairs of each sort that can have a level, in the order of ``SORTS``."""
    pairs = list(scored)
    by_sort = {sort: [one for one in pairs if one.sort == sort] for sort in SORTS if sort != SAME_LANGUAGE}
    return {sort: some for sort, some in by_sort.items() if some}


def level_of(scored: Sequence[Scored], towards: Level = AS_FITTED, penalty: float = 0.0) -> Level:
    """Slope and offset that make the pairs likeliest, each corpus weighing the same and its draws as in ``SHARES``.

    ``penalty`` weighs the squared differences from another level: pairs that a threshold parts without fault, as few
    pairs often are, would have a slope without end.
    """
    sizes = Counter((one.corpus, one.draw) for one in scored)
    importance = np.array([SHARES[one.draw] / sizes[one.corpus, one.draw] for one in scored])
    importance /= importance.sum()
    odds = np.array([one.odds for one in scored])
    answers = np.where([one.same for one in scored], 1.0, -1.0)
    start = np.array([towards.slope, towards.offset])

    def loss(level: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = answers * (level[0] * odds + level[1])
        slope = -importance * answers * expit(-margin)
        away = penalty * (level - start)
        total = float(importance @ np.logaddexp(0, -margin) + away @ (level - start) / 2)
        return total, np.array([slope @ odds, slope.sum()]) + away

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.1, None), (None, None)])
    return Level(round(float(found.x[0]), 3), round(float(found.x[1]), 3))
