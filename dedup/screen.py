"""Which candidate pairs can be one article at all: a bound on the evidence, from the cheap pieces to the dear ones.

Nine of ten candidate pairs are a text and a neighbour that is plainly another article. The score of a pair is a sum of
curves (:mod:`dedup.confirm`), and the most that a piece of evidence can add is known before it has been looked at.
So a pair is dropped as soon as what has been seen, and the most that the rest can add, stay under ``LEAST``: no pair
that would have reached it is lost (branch and bound). What is seen, in this order:

* length, wording, names and shared figures of the two texts, which are numbers and sets;
* alignment, containment and the order of passages: all neighbours of a text in one matrix product;
* missing and clashing figures, for which passages must have been paired.

What remains is judged.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.calibration import SAME_LANGUAGE, Calibration, Curve
from dedup.evidence import FEW_CLASHES, FEW_FIGURES, FEW_NAMES, Subject, length_difference, order, sort_of
from dedup.figures import Stated, compare_stated, shared_figures
from dedup.model import CandidatePair, Finder
from dedup.names import LATIN, stem

LEAST = 0.02
"""Probability that a pair must be able to reach. Of the candidate pairs that are ruled out, 1 to 4 in 1,000 carry one
article, of texts cut into parts 9 (``scripts/compare_confirm.py --held-out``); no mean over a group turns on them."""

_SLACK = 1e-6
"""Log-odds by which sums may differ from those of the judgement, which adds up in another order."""


def possible(
    pairs: Iterable[CandidatePair],
    subjects: Mapping[int, Subject] | Sequence[Subject],
    calibration: Calibration,
) -> Iterator[CandidatePair]:
    """The pairs that can reach ``LEAST``, in their order, and those that share a source URL, whatever they are.

    ``pairs`` ascend; ``subjects`` are by position.
    """
    screen = Screen(subjects, calibration)
    for left, some in groupby(pairs, key=lambda pair: pair.left):
        neighbours = list(some)
        likely = screen.likely(left, [pair.right for pair in neighbours])
        for pair in neighbours:
            if pair.right in likely or Finder.SOURCE_URL in pair.found_by:
                yield pair


@dataclass(frozen=True, slots=True)
class _Side:
    """What is compared of a text before its passages are."""

    subject: Subject
    stems: tuple[str, ...]
    figures: Stated


@dataclass(frozen=True, slots=True)
class _Line:
    """A curve times the slope of its level, read faster than by numpy for one value."""

    at: tuple[float, ...]
    weight: tuple[float, ...]
    most: float

    @classmethod
    def of(cls, curve: Curve, slope: float) -> "_Line":
        weight = tuple(slope * w for w in curve.weight)
        return cls(curve.at, weight, max(weight))

    def __call__(self, value: float) -> float:
        """Below ``most`` by how much."""
        at, weight = self.at, self.weight
        after = bisect_right(at, value)
        if after == 0:
            return weight[0] - self.most
        if after == len(at):
            return weight[-1] - self.most
        share = (value - at[after - 1]) / (at[after] - at[after - 1])
        return weight[after - 1] + share * (weight[after] - weight[after - 1]) - self.most


class Screen:
    """Bounds for pairs of subjects, which are by position."""

    def __init__(self, subjects: Mapping[int, Subject] | Sequence[Subject], calibration: Calibration) -> None:
        self._subjects = subjects
        self._calibration = calibration
        self._side = cache(self._side_of)
        self._least = float(np.log(LEAST / (1 - LEAST))) - _SLACK
        self._lines: dict[str, dict[str, _Line]] = {}
        self._most: dict[str, float] = {}
        for sort, weights in calibration.weights.items():
            level = calibration.level(sort)
            lines = {name: _Line.of(curve, level.slope) for name, curve in weights.curves.items()}
            self._lines[sort] = lines
            self._most[sort] = level.slope * weights.prior + level.offset + sum(line.most for line in lines.values())

    def likely(self, left: int, neighbours: Sequence[int]) -> set[int]:
        """The neighbours of a text that can be one article with it."""
        here = self._side(left)
        bounds = {other: self._by_facts(here, self._side(other)) for other in neighbours}
        open_ = [other for other, bound in bounds.items() if bound >= self._least]
        if not open_:
            return set()
        kept = set()
        for other, paired in zip(open_, paired_with(here.subject, [self._subjects[o] for o in open_]), strict=True):
            there = self._side(other)
            lines = self._lines[sort_of(here.subject, there.subject)]
            bound = (
                bounds[other] + _read(lines, "alignment", paired.smaller) + _read(lines, "containment", paired.larger)
            )
            if bound >= self._least:
                bound += _read(lines, "order", paired.order())
            if bound >= self._least:
                bound += self._by_figures(here, there, paired, lines)
            if bound >= self._least:
                kept.add(other)
        return kept

    def possible(self, pair: tuple[int, int]) -> bool:
        """Whether two texts can be one article."""
        return pair[1] in self.likely(pair[0], [pair[1]])

    def _by_facts(self, here: _Side, there: _Side) -> float:
        """The most that the log-odds can be, of length, names and figures."""
        sort = sort_of(here.subject, there.subject)
        lines = self._lines[sort]
        bound = self._most[sort]
        bound += _read(lines, "length", length_difference(here.subject, there.subject, self._calibration))
        if "shingles" in lines and sort == SAME_LANGUAGE:
            one, other = here.subject.fingerprint.signature, there.subject.fingerprint.signature
            bound += _read(lines, "shingles", np.count_nonzero(one == other) / len(one))
        kept, lacking = _names(here, there)
        bound += _read(lines, "shared-names", math.log1p(kept))
        bound += _read(lines, "missing-names", lacking / (lacking + kept + FEW_NAMES))
        if bound >= self._least:
            shared = sum(map(self._calibration.rarity, shared_figures(here.figures, there.figures)))
            bound += _read(lines, "shared-figures", math.log1p(shared))
        return bound

    def _by_figures(self, here: _Side, there: _Side, paired: "Paired", lines: Mapping[str, _Line]) -> float:
        """What missing and clashing figures take away."""
        found = compare_stated(here.figures, there.figures, paired.passages.tolist(), self._calibration)
        shared, missing = (sum(map(self._calibration.rarity, some)) for some in (found.shared, found.missing))
        clashing = found.clash_rarity
        return _read(lines, "missing-figures", missing / (missing + shared + FEW_FIGURES)) + _read(
            lines, "clashing-figures", clashing / (clashing + shared + FEW_CLASHES)
        )

    def _side_of(self, position: int) -> _Side:
        subject = self._subjects[position]
        f = subject.fingerprint
        return _Side(subject, tuple(map(stem, f.names.stated)), Stated(f, self._calibration))


def _read(lines: Mapping[str, _Line], name: str, value: float) -> float:
    """What is lost by knowing this value; nothing where the evidence is not weighed."""
    line = lines.get(name)
    return line(value) if line else 0.0


def _names(here: _Side, there: _Side) -> tuple[int, int]:
    """How many names are shared and missing, as :func:`dedup.names.compare_names` tells."""
    one, other = here.subject.fingerprint.script, there.subject.fingerprint.script
    if one == other:
        asked, told = sorted((here, there), key=lambda side: (len(side.stems), side.stems))
        stems = asked.stems
    elif LATIN in (one, other):
        asked, told = (there, here) if one == LATIN else (here, there)
        stems = tuple(name for name in asked.stems if name.isascii())
    else:
        return 0, 0
    kept = len(told.subject.fingerprint.names.capitals.intersection(stems))
    return kept, len(stems) - kept


@dataclass(frozen=True, slots=True)
class Paired:
    """How the passages of two texts pair: ``alignment`` and ``containment`` (:mod:`dedup.evidence`), and which do, by
    their places in both, ascending, shape (pairs, 2).
    """

    smaller: float
    larger: float
    passages: NDArray[np.intp]

    def order(self) -> float:
        """As the evidence of that name."""
        return order(self.passages) * self.larger


def paired_with(here: Subject, others: Sequence[Subject]) -> Iterator[Paired]:
    """How the passages of a text pair with those of each of the others, in one product; as
    :func:`dedup.evidence.align` pairs them.
    """
    ends = np.cumsum([0, *(len(other.embedding.norms) for other in others)])
    steps = np.concatenate([other.embedding.steps for other in others]).astype(np.float32)
    similar = here.embedding.steps.astype(np.float32) @ steps.T
    similar *= here.embedding.norms[:, None]
    similar *= np.concatenate([other.embedding.norms for other in others])
    nearest = similar.argmax(axis=0)  # to each passage of the others
    nearest_there = np.stack([similar[:, start:end].argmax(axis=1) + start for start, end in pairwise(ends)], axis=1)
    found, places = np.nonzero((nearest[nearest_there] == np.arange(len(similar))[:, None]).T)
    theirs_at = nearest_there[places, found]
    weight = similar[places, theirs_at]
    widths = here.fingerprint.widths.astype(np.float64)
    theirs = np.concatenate([other.fingerprint.widths for other in others]).astype(np.float64)
    own = np.bincount(found, widths[places] * weight, len(others)) / widths.sum()
    their = np.bincount(found, theirs[theirs_at] * weight, len(others)) / np.add.reduceat(theirs, ends[:-1])
    passages = np.stack([places, theirs_at - ends[found]], axis=1)
    parts = np.split(passages, np.searchsorted(found, np.arange(1, len(others))))
    for smaller, larger, some in zip(
        np.minimum(own, their).tolist(), np.maximum(own, their).tolist(), parts, strict=True
    ):
        yield Paired(smaller, larger, some)
