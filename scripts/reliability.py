"""Do the probabilities mean what they say: of the pairs given 0.9, are nine in ten right?

Pairs fall into ten bins of equal width by their probability. The *expected calibration error* is the mean, over all
pairs, of the distance between a bin's mean probability and its share of right pairs (Naeini, Cooper and Hauskrecht
2015, "Obtaining well calibrated probabilities using Bayesian binning"; Guo et al. 2017, arXiv:1706.04599); the *Brier
score* is the mean squared distance of a probability from its answer, 1 or 0 (Brier 1950).

Two sets of pairs are looked at: the *candidates*, all pairs that finders proposed, as they were judged; and the
*links*, the pairs that a report shows inside its clusters.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from outcome import Outcome, Pair

from dedup.calibration import SORTS
from dedup.evidence import sort_of

BINS = 10

LENGTHS = ("1-2", "3-5", "6-15", "16+")
"""Segments of the shorter text of a pair."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with its probability and its answer."""

    probability: float
    right: bool
    kind: str
    length: str


@dataclass(frozen=True, slots=True)
class Bin:
    """The pairs with a probability from ``low`` up to ``high``, which only the last bin takes in."""

    low: float
    high: float
    pairs: int
    mean: float | None
    """Mean probability; None of no pairs."""
    right: float | None
    """Share of the pairs that are right; None of no pairs."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well the probabilities of some pairs fit their answers; errors 0 to 1, 0 being perfect."""

    pairs: int
    expected_calibration_error: float
    brier: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """All pairs, and by kind and by length those that have any."""

    all: Reliability
    by_kind: dict[str, Reliability]
    by_length: dict[str, Reliability]


def reliability(probabilities: Sequence[float], answers: Sequence[bool]) -> Reliability:
    """Of pairs with these probabilities (0 to 1) and answers; of no pairs, no error."""
    p, right = np.asarray(probabilities, np.float64), np.asarray(answers, np.float64)
    place = np.minimum((p * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        inside = place == number
        count = int(inside.sum())
        means = (float(p[inside].mean()), float(right[inside].mean())) if count else (None, None)
        bins.append(Bin(number / BINS, (number + 1) / BINS, count, *means))
    total = max(1, len(p))
    error = sum(b.pairs * abs(b.mean - b.right) for b in bins if b.mean is not None and b.right is not None) / total
    return Reliability(len(p), error, float(((p - right) ** 2).sum()) / total, tuple(bins))


def breakdown(judged: Iterable[Judged]) -> Breakdown:
    """Of some pairs, and of each kind and length apart."""
    pairs = list(judged)
    kinds: dict[str, list[Judged]] = defaultdict(list)
    lengths: dict[str, list[Judged]] = defaultdict(list)
    for one in pairs:
        kinds[one.kind].append(one)
        lengths[one.length].append(one)
    return Breakdown(
        all=_of(pairs),
        by_kind={name: _of(kinds[name]) for name in SORTS if name in kinds},
        by_length={name: _of(lengths[name]) for name in LENGTHS if name in lengths},
    )


def _of(pairs: Sequence[Judged]) -> Reliability:
    return reliability([one.probability for one in pairs], [one.right for one in pairs])


def candidates(outcome: Outcome) -> Iterator[Judged]:
    """All candidate pairs of a run as judged, copies of one text counting as one."""
    firsts = [members[0] for members in outcome.stages.works]
    for link in outcome.stages.links:
        yield _judged(outcome, (firsts[link.left], firsts[link.right]), link.probability)


def links(outcome: Outcome) -> Iterator[Judged]:
    """All links that the report of a run shows."""
    for cluster in outcome.report.clusters:
        for link in cluster.links:
            yield _judged(outcome, (link.left, link.right), link.probability)


def _judged(outcome: Outcome, pair: Pair, probability: float) -> Judged:
    left, right = (outcome.subject(record) for record in pair)
    segments = min(len(side.fingerprint.segments) for side in (left, right))
    return Judged(probability, outcome.right(pair), sort_of(left, right), length_of(segments))


def length_of(segments: int) -> str:
    """The name of a length."""
    return LENGTHS[sum(segments >= least for least in (3, 6, 16))]


def lines(name: str, found: Breakdown) -> Iterator[str]:
    """The tables, for people."""
    yield f"{name}: {summary(found.all)}"
    yield "    probability      pairs     mean    right"
    for b in found.all.bins:
        figures = "" if b.mean is None else f" {b.mean:8.4f} {b.right:8.4f}"
        yield f"    {b.low:.1f} to {b.high:.1f} {b.pairs:10,}{figures}"
    for group in (found.by_kind, found.by_length):
        for part, of_part in group.items():
            yield f"    {part:13} {summary(of_part)}"


def summary(found: Reliability) -> str:
    """One line: the errors, and what comes of the pairs given 0.9 or more."""
    top = found.bins[-1]
    surest = "none" if top.right is None else f"{top.pairs:,}, {top.right:.4f} right, mean {top.mean:.4f}"
    errors = f"ECE {found.expected_calibration_error:.4f}  Brier {found.brier:.4f}"
    return f"{found.pairs:9,} pairs  {errors}  given 0.9 to 1.0: {surest}"
