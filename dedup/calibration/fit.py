"""Weights of evidence from pairs with their answers: additive logistic curves, monotone and smooth."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dedup.calibration import Curve, Weights
from dedup.calibration.pairs import Sample


@dataclass(frozen=True, slots=True)
class Term:
    """How a number may enter the score."""

    sign: int
    """The direction it must speak in: a fit that says otherwise has learned the corpus, not the task."""
    points: tuple[float, ...] = ()
    """Where its curve may bend; at quantiles of the samples where none are given."""
    zero: float | None = None
    """The value that says nothing; half-way between the means of the same and of other articles where none is given."""


TERMS = {
    "alignment": Term(1, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)),
    "containment": Term(1, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)),
    "order": Term(1, (-1.0, 0.0, 0.15, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5), zero=0.0),
    "shared-figures": Term(1, zero=0.0),
    "missing-figures": Term(-1, (0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85), zero=0.0),
    "clashing-figures": Term(-1, (0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85), zero=0.0),
    "shared-names": Term(1, (0.0, 0.7, 1.4, 2.0, 2.7, 3.4), zero=0.0),
    "missing-names": Term(-1, (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9), zero=0.0),
    "length": Term(-1, zero=0.0),
    "shingles": Term(1, (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0), zero=0.0),
}
"""Tried in exploratory runs that were not kept, and left out since they added nothing on corpora left out of the fit,
or took away: mean best similarity, cosine of document vectors, the number of passages, similarity to a background bank
(CSLS); the share of a text that has a partner, how many passages have none, the order of the near passages alone, and
passages joined to a neighbour where that brings them nearer. The points of the curves are choices."""

CASE_WEIGHTS = {
    "translation": 1.0,
    "cut": 0.5,
    "edited": 0.5,
    "variant": 0.25,
    "neighbour": 0.9,
    "cut neighbour": 0.3,
    "twin": 0.1,
    "name twin": 0.1,
}
"""What a case weighs in the fit, all its pairs together: other articles about as much as the same one, across languages
and within one. Choices. Twins weigh little: they are made, and their figures clash more surely than those of real
templates."""

FEWEST = 200
"""A case of fewer pairs in a corpus weighs less in proportion: a handful must not count like a thousand."""

KNOTS = 5
"""Points of a curve that has no others, at the quantiles 1 to 99 per cent of its number."""

PENALTY = 3e-4
"""On the squared rises between points: keeps curves from following a corpus. Chosen in exploratory runs that left out
each corpus in turn and were not kept; three times as much or as little changed little."""


def fit(samples: Sequence[Sample], towards: Weights | None = None, penalty: float = PENALTY) -> Weights:
    """Additive logistic curves, each rising or falling throughout, with all corpora and cases weighing the same.

    A curve is a sum of ramps between its points, and the rise of each ramp is a weight of its own, bounded by the
    sign of the number. ``penalty`` weighs the squared rises, or, where there are weights to shrink ``towards`` (those
    of another model, say), the squared differences from theirs, and from their prior: curves then bend where theirs do.
    """
    names = [name for name in TERMS if name in samples[0].measured]
    values = [np.array([s.measured[name] for s in samples]) for name in names]
    points = [bends(name, value, towards) for name, value in zip(names, values, strict=True)]
    ramps = np.concatenate([ramp(v, at) for v, at in zip(values, points, strict=True)], axis=1)
    signs = [TERMS[name].sign for name, at in zip(names, points, strict=True) for _ in at[1:]]
    answers = np.where([s.same for s in samples], 1.0, -1.0)
    importance = importance_of(samples)
    start, shrunk = beginning(towards, names, points)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = answers * (ramps @ weights[1:] + weights[0])
        gradient = -importance * answers / (1 + np.exp(odds))
        away = penalty * shrunk * (weights - start)
        total = importance @ np.logaddexp(0, -odds) + away @ (weights - start) / 2
        return total, np.concatenate([[gradient.sum()], gradient @ ramps]) + away

    bounds = [(None, None), *((0, None) if sign > 0 else (None, 0) for sign in signs)]
    options = {"maxiter": 5_000, "maxfun": 20_000}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return centred(names, points, values, found.x, answers, importance)


def importance_of(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """What each pair weighs, shape (samples,); 1 in all."""
    sizes = Counter((s.corpus, s.case) for s in samples)
    importance = np.array([CASE_WEIGHTS[s.case] / max(FEWEST, sizes[s.corpus, s.case]) for s in samples])
    share: NDArray[np.float64] = importance / importance.sum()
    return share


def beginning(
    towards: Weights | None, names: Sequence[str], points: Sequence[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The intercept and the rises that the penalty shrinks to, zero where there are none, and which it shrinks: of
    other weights also the intercept.
    """
    if towards is None:
        rises = np.zeros(sum(len(at) - 1 for at in points))
        return np.concatenate([[0.0], rises]), np.concatenate([[0.0], np.ones_like(rises)])
    heights = [np.array([towards.curves[name](value) for value in at]) for name, at in zip(names, points, strict=True)]
    lowest = towards.prior + sum(float(height[0]) for height in heights)
    start = np.concatenate([[lowest], *(np.diff(height) for height in heights)])
    return start, np.ones_like(start)


def bends(name: str, values: NDArray[np.float64], towards: Weights | None = None) -> NDArray[np.float64]:
    """The points of a curve: those of the weights to shrink towards, where there are any."""
    if towards is not None:
        return np.asarray(towards.curves[name].at)
    at = TERMS[name].points or np.quantile(values, np.linspace(0.01, 0.99, KNOTS)).round(3)
    return np.unique(at)


def ramp(values: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1 between each point and the next, shape (values, points - 1)."""
    return np.clip((values[:, None] - at[:-1]) / (at[1:] - at[:-1]), 0, 1)


def centred(
    names: Sequence[str],
    points: Sequence[NDArray[np.float64]],
    values: Sequence[NDArray[np.float64]],
    found: NDArray[np.float64],
    answers: NDArray[np.float64],
    importance: NDArray[np.float64],
) -> Weights:
    """The curves, each shifted to be zero where its number says nothing; the prior takes the difference.

    So a weight above zero speaks for, one below against, and the sum stays what it was.
    """
    prior, rest, curves = float(found[0]), found[1:], {}
    same, other = (importance * (answers > 0), importance * (answers < 0))
    for name, at, value in zip(names, points, values, strict=True):
        rises, rest = rest[: len(at) - 1], rest[len(at) - 1 :]
        heights = np.concatenate([[0.0], np.cumsum(rises)])
        drawn = np.interp(value, at, heights)
        zero = TERMS[name].zero
        if zero is None:
            shift = float(same @ drawn / same.sum() + other @ drawn / other.sum()) / 2
        else:
            shift = float(np.interp(zero, at, heights))
        prior += shift
        curves[name] = Curve(tuple(at.tolist()), tuple((heights - shift).round(3).tolist()))
    return Weights(round(prior, 3), curves)


def probability(sample: Sample, weights: Weights) -> float:
    """As :mod:`dedup.confirm` has it, with the weights of the sample's sort, before any level."""
    return float(1 / (1 + np.exp(-log_odds(sample.measured, weights))))


def log_odds(measured: Mapping[str, float], weights: Weights) -> float:
    """The sum of the evidence, before any level."""
    return weights.prior + sum(curve(measured[name]) for name, curve in weights.curves.items())
