"""The space of the index: without each writing's mean, and half whitened (see :mod:`dedup.neighbours`).

sums_of        a part                               -> Sums; ``added`` are those of all
means_of       the sums of all                      -> the mean of each writing
covariance_of  a part of the sample, and the means  -> a matrix; their sum is that of the whole sample
matrix_of      the covariance of the sample         -> the matrix that half whitens
whitened       a part, the means and the matrix     -> its vectors in that space
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.neighbours.blocks import pieces_of
from dedup.neighbours.draw import Draw, draw
from dedup.neighbours.steps import SCALE, Vectors, Whole, at_length, whole_steps

SHRINKAGE = 20
"""Articles at which a writing's mean counts half: the mean of few is their topic rather than their language."""

RIDGE = 0.3
"""Added to each variance, as a share of the mean variance: directions without variance are noise."""

WHITENING = 0.25
"""Exponent: 0 leaves the vectors as they are, 0.5 whitens them."""

SAMPLE = 2**17
"""Articles from which the covariance is computed."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of the vectors of each writing: their sum in whole steps, shape (writings, dimensions), exact as long as it is
    below 2**53, and their number, shape (writings,).
    """

    vectors: NDArray[np.float64]
    counts: Whole


def sums_of(documents: Vectors, codes: Whole, writings: int) -> Sums:
    """Of a part: its vectors, shape (articles, dimensions), and their writings, shape (articles,), each a number below
    ``writings``.
    """
    sums = np.zeros((writings, documents.shape[1]))
    for piece in pieces_of(len(codes)):
        part = codes[piece]
        order = np.argsort(part, kind="stable")
        begins = np.flatnonzero(np.diff(part[order], prepend=-1))
        rows = whole_steps(documents[piece]).astype(np.float64)
        sums[part[order][begins]] += np.add.reduceat(rows[order], begins, axis=0)
    return Sums(sums, np.bincount(codes, minlength=writings))


def added(parts: Iterable[Sums]) -> Sums:
    """The sums of all parts, of which there is one at least; one after the other."""
    rest = iter(parts)
    first = next(rest)
    vectors, counts = first.vectors.copy(), first.counts.copy()
    for part in rest:
        vectors += part.vectors
        counts += part.counts
    return Sums(vectors, counts)


def means_of(sums: Sums) -> NDArray[np.float64]:
    """The mean vector of each writing in whole steps, drawn towards zero where it has few articles."""
    means: NDArray[np.float64] = np.rint(sums.vectors / (sums.counts[:, None] + SHRINKAGE))
    return means


def sample(total: int) -> Draw:
    """The articles from which the covariance is computed."""
    return draw(total, min(total, SAMPLE), 0)


def covariance_of(documents: Vectors, codes: Whole, means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of the outer products of a part of the sample, shape (dimensions, dimensions).

    Exact, so in any order: a component without its mean is a whole number of 8,000 at most, its square is below 2**26,
    and a sample of 2**17 stays below 2**43.
    """
    covariance = np.zeros((documents.shape[1],) * 2)
    for piece in pieces_of(len(codes)):
        centred = _centred(documents[piece], codes[piece], means)
        covariance += centred.T @ centred
    return covariance


def matrix_of(covariance: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """The matrix that half whitens, shape (dimensions, dimensions), from the sum of the outer products of a sample of
    this size.

    It is symmetric, so that neither the sign nor the order of eigenvectors matters, and in whole steps: the rounding
    errors of its computation, which depend on the processor, vanish.
    """
    values, axes = np.linalg.eigh(covariance / size)
    powers = np.maximum(values + RIDGE * values.mean(), 1e-9) ** -WHITENING
    matrix: NDArray[np.float64] = np.rint((axes * (powers / powers.max())) @ axes.T * 2.0**20)
    return matrix


def whitened(
    documents: Vectors, codes: Whole, means: NDArray[np.float64], matrix: NDArray[np.float64]
) -> NDArray[np.int16]:
    """The vectors of a part without their writing's mean, half whitened, at length 1, in whole steps; same shape."""
    steps = np.empty(documents.shape, np.int16)
    for piece in pieces_of(len(codes)):
        centred = _centred(documents[piece], codes[piece], means)
        steps[piece] = at_length(np.rint(centred @ matrix / 2.0**14), SCALE)
    return steps


def half_whitened(documents: Vectors, codes: Whole) -> NDArray[np.int16]:
    """The vectors of all articles in the space of the index, in whole steps; same shape. ``codes`` number the writing
    of each from 0, shape (articles,).
    """
    means = means_of(sums_of(documents, codes, int(codes.max()) + 1))
    drawn = np.sort(sample(len(codes)).in_order())
    matrix = matrix_of(covariance_of(documents[drawn], codes[drawn], means), len(drawn))
    return whitened(documents, codes, means, matrix)


def _centred(documents: Vectors, codes: Whole, means: NDArray[np.float64]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = whole_steps(documents).astype(np.float64) - means[codes]
    return centred
