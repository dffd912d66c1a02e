"""The tables of the index: each cuts the space into cells around means (see :mod:`dedup.neighbours`).

training       the number of articles                               -> those of which the means are made
trained        their vectors, in the order in which they are drawn  -> the means
nearest_cells  a part, and the means                                -> the cells where its articles lie and look
"""

import math

import numpy as np
from numpy.typing import NDArray

from dedup.neighbours.blocks import blocks_of
from dedup.neighbours.draw import Draw, draw
from dedup.neighbours.steps import SCALE, SELF, Steps, at_length

TABLES = 12
"""Tables of the index."""

PROBES = 2
"""Cells of each table in which an article looks."""

CELL_WORK = 2.0
"""Means that an article is compared with in each table, for each other article in one cell: the cells are the larger
the fewer they are, and this makes both grow with the square root of the number of articles."""

TRAINING = 24
"""Articles a cell from which its mean is computed."""

ROUNDS = 2
"""Rounds of k-means."""


def cell_count(total: int) -> int:
    """How many cells a table of so many articles has."""
    return min(max(PROBES, round(math.sqrt(CELL_WORK * total))), total)


def training(total: int, table: int) -> Draw:
    """The articles from which the means of a table (0 to ``TABLES - 1``) are computed."""
    return draw(total, min(total, cell_count(total) * TRAINING), table + 1)


def trained(steps: Steps, total: int) -> NDArray[np.float32]:
    """The means of a table's cells in whole steps, shape (cells, dimensions), from the vectors that are drawn of all
    ``total``, in the order in which they are: the first are the means at first (k-means, Lloyd 1982). A cell that
    loses all of its vectors keeps its mean.
    """
    vectors = steps.astype(np.float32, copy=False)
    means = vectors[: cell_count(total)]
    for _ in range(ROUNDS):
        nearest_mean = _nearest_means(vectors, means, 1)[:, 0]
        order = np.argsort(nearest_mean, kind="stable")
        begins = np.flatnonzero(np.diff(nearest_mean[order], prepend=-1))
        sums = np.add.reduceat(vectors[order], begins, axis=0, dtype=np.float64)
        means = means.copy()
        means[nearest_mean[order][begins]] = at_length(sums, SCALE)
    return means


def nearest_cells(steps: Steps, means: NDArray[np.float32]) -> NDArray[np.int32]:
    """The cells in which each article looks, nearest first, shape (articles, ``PROBES``): it lies in the first."""
    return _nearest_means(steps, means, min(PROBES, len(means)))


def _nearest_means(steps: Steps, means: NDArray[np.float32], count: int) -> NDArray[np.int32]:
    """The ``count`` nearest means of each vector, nearest first, of equal ones the first."""
    nearest_means = np.empty((len(steps), count), np.int32)
    for block in blocks_of(len(steps), len(means)):
        similar = steps[block].astype(np.float32, copy=False) @ means.T
        for rank in range(count):
            best = similar.argmax(axis=1)
            nearest_means[block, rank] = best
            similar[np.arange(len(best)), best] = SELF
    return nearest_means
