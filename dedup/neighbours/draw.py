"""Which articles are drawn for a sample: those with the smallest hashes of position and seed.

Whether one is drawn can be told of it alone, wherever it is. The hash is that of splitmix64 (Steele et al. 2014), the
same in every version of numpy; it maps different positions to different numbers, so that no two are equal.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.neighbours.steps import Whole

_POSITIONS = 2**20
"""Positions that are hashed at once."""

_MARGIN = 6.0
"""Standard deviations by which more are kept than are drawn, so that they are hashed again once in a billion draws."""

_HASHES = 2**64


@dataclass(frozen=True, slots=True)
class Draw:
    """Some of the positions below ``total``: those whose hash is ``last`` at most."""

    total: int
    seed: int
    last: int

    def hashes(self, positions: Whole) -> NDArray[np.uint64]:
        """A number of each position, shape (positions,): the order in which they are drawn."""
        mixed = positions.astype(np.uint64) + np.uint64(self.seed) * np.uint64(self.total) + np.uint64(1)
        mixed *= np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashes: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
        return hashes

    def holds(self, positions: Whole) -> NDArray[np.bool_]:
        """Which of the positions are drawn, shape (positions,)."""
        return self.hashes(positions) <= np.uint64(self.last)

    def in_order(self) -> Whole:
        """All that are drawn, in the order in which they are, shape (drawn,)."""
        kept = []
        for start in range(0, self.total, _POSITIONS):
            positions = np.arange(start, min(start + _POSITIONS, self.total))
            kept.append(positions[self.holds(positions)])
        drawn = np.concatenate(kept)
        return drawn[np.argsort(self.hashes(drawn))]


def draw(total: int, size: int, seed: int) -> Draw:
    """``size`` (1 to ``total``) of the positions below ``total``. Hashes them all, and holds few more than ``size``."""
    share = (size + _MARGIN * math.sqrt(size)) / total
    while True:
        within = Draw(total, seed, min(_HASHES - 1, int(share * _HASHES)))
        kept = []
        for start in range(0, total, _POSITIONS):
            hashes = within.hashes(np.arange(start, min(start + _POSITIONS, total)))
            kept.append(hashes[hashes <= np.uint64(within.last)])
        hashes = np.concatenate(kept)
        if len(hashes) >= size:
            return Draw(total, seed, int(np.partition(hashes, size - 1)[size - 1]))
        share *= 2
