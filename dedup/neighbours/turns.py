"""Writings take turns: the nearest article of each, the nearest first; then the second nearest of each; and so on."""

import numpy as np
from numpy.typing import NDArray

from dedup.neighbours.steps import Whole


def least(keys: Whole, count: int) -> Whole:
    """The ``count`` least of each row, in any order."""
    return np.partition(keys, count - 1, axis=1)[:, :count] if count < keys.shape[1] else keys


def rounds_of(sizes: NDArray[np.integer], count: int) -> int:
    """After how many turns every article has ``count`` neighbours in other writings, if there are so many.

    ``sizes`` are the articles of each writing.
    """
    for rounds in range(1, count):
        kept = np.minimum(sizes, rounds)
        if kept.sum() - kept.max() >= count:
            return rounds
    return count
