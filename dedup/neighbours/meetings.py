"""Who meets whom in a cell, and what they find (see :mod:`dedup.neighbours`).

Articles look in a cell as their first, second, ... nearest: its *askers* by each probe. Those that lie there are its
*liers*. A cell that is too large is cut, for each probe, into as many parts as :func:`parts_of` says: its askers and
its liers, each by position, as equal parts as can be (the first are the larger by one), and the askers of a part meet
the liers of that part only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.neighbours import tables
from dedup.neighbours.blocks import blocks_of
from dedup.neighbours.steps import DISTANCE_BITS, DISTANCES, FARTHEST, NONE, Steps, Whole
from dedup.neighbours.tables import cell_count
from dedup.neighbours.turns import least, rounds_of

LARGE_CELL = 4
"""Mean sizes of a cell above which it is cut: nothing parts equal vectors, and all in one cell would be compared."""


@dataclass(frozen=True, slots=True)
class Members:
    """Articles of a cell: their positions and the codes of their writings, shape (members,), and their vectors."""

    positions: Whole
    codes: Whole
    steps: Steps


@dataclass(frozen=True, slots=True)
class Found:
    """The nearest that each of some articles found, in its own writing and in others, in any order: numbers that order
    by distance, then by position (``distance * all articles + position``), or ``NONE``; shape (articles, count) each.
    ``codes`` are the writings of the others, whatever where there is none.
    """

    own: Whole
    others: Whole
    codes: Whole


def largest_cell(total: int) -> int:
    """The articles of a cell above which it is cut."""
    return LARGE_CELL * -(-total // cell_count(total))


def parts_of(askers: Whole, liers: Whole, total: int) -> Whole:
    """Into how many parts each cell is cut for a probe, given its numbers of askers and of liers; same shape. No part
    is without either; there is none where nobody asks or lies.
    """
    wanted = -(-np.maximum(liers, askers // tables.PROBES) // largest_cell(total))
    parts: Whole = np.minimum(wanted, np.minimum(askers, liers))
    return parts


def part_of(rank: Whole, members: Whole, parts: Whole) -> Whole:
    """In which part those are whose place among the ``members`` of their cell, by position, is ``rank``; same shape.
    There are no more ``parts`` than members.
    """
    size, larger = members // parts, members % parts
    border = larger * (size + 1)  # the place at which the larger parts end
    part: Whole = np.where(rank < border, rank // (size + 1), larger + (rank - border) // size)
    return part


def comparisons(askers: Sequence[Whole], liers: Whole, total: int) -> int:
    """How many pairs are compared in all cells of a table, given how many ask in each by each probe, the first first,
    and how many lie there. The first probe sees each pair twice.
    """
    made = [_comparisons(of_probe, liers, total) for of_probe in askers]
    return made[0] // 2 + sum(made[1:])


def _comparisons(askers: Whole, liers: Whole, total: int) -> int:
    parts = parts_of(askers, liers, total)
    parts, askers, liers = parts[parts > 0], askers[parts > 0], liers[parts > 0]
    (rows, more_rows), (columns, more_columns) = divmod(askers, parts), divmod(liers, parts)
    each = parts * rows * columns + more_rows * columns + more_columns * rows + np.minimum(more_rows, more_columns)
    return int(each.sum())


def found_in(askers: Members, liers: Members, total: int, count: int) -> Found:
    """The ``count`` nearest that each asker finds among the liers, one at least and in any order; itself excepted.

    To be called with some of the askers, or of the liers, is as good: what is found is merged
    (:mod:`dedup.neighbours.finds`).
    """
    among = _Liers(liers, total, count)
    found = Found(*(np.full((len(askers.positions), count), NONE, np.int64) for _ in range(3)))
    for block in blocks_of(len(askers.positions), len(liers.positions)):
        codes = askers.codes[block]
        near = among.sorted_for(askers.positions[block], askers.steps[block])
        found.own[block] = among.own(near, codes)
        found.others[block], found.codes[block] = among.others(near, codes)
    return found


class _Liers:
    """Those who are found: writing by writing, and each writing's by position.

    What is sorted are numbers of a distance and, in the lowest ``bits``, a place among them.
    """

    def __init__(self, members: Members, total: int, count: int) -> None:
        order = np.lexsort((members.positions, members.codes))
        self._positions, self._codes = members.positions[order], members.codes[order]
        self._steps = members.steps[order].astype(np.float32, copy=False)
        self._writings, self._begins = np.unique(self._codes, return_index=True)
        self._sizes = np.diff(self._begins, append=len(order))
        self._by_position = np.argsort(self._positions, kind="stable")
        self._place = np.empty(len(order), np.int64)
        self._place[self._by_position] = np.arange(len(order))
        self._bits = len(order).bit_length()
        self._total, self._count = total, count
        self._rank = np.arange(len(order)) - np.repeat(self._begins, self._sizes)

    def sorted_for(self, positions: Whole, steps: Steps) -> Whole:
        """For each asker (rows) all liers, writing by writing, the nearest first, as numbers."""
        similar = steps.astype(np.float32, copy=False) @ self._steps.T
        distances = FARTHEST - similar.astype(np.int64)
        distances[positions[:, None] == self._positions] = DISTANCES - 1
        # By language, then by distance, then by position: one order of languages for all rows.
        language = np.repeat(np.arange(len(self._sizes)), self._sizes) << (DISTANCE_BITS + self._bits)
        near = np.sort((distances << self._bits) + (language + np.arange(len(self._positions))), axis=1)
        near -= language
        return near

    def own(self, near: Whole, codes: Whole) -> Whole:
        """The first of each row in its own writing."""
        place = np.minimum(np.searchsorted(self._writings, codes), len(self._begins) - 1)
        chosen = self._begins[place][:, None] + np.arange(self._count)
        inside = (chosen < (self._begins + self._sizes)[place][:, None]) & (self._writings[place] == codes)[:, None]
        keys = np.take_along_axis(near, np.minimum(chosen, near.shape[1] - 1), axis=1)
        return self._named(keys, self._positions[keys & self._mask], inside)

    def others(self, near: Whole, codes: Whole) -> tuple[Whole, Whole]:
        """The first of each row in other writings, which take turns, and their writings."""
        chosen = np.flatnonzero(self._rank < rounds_of(self._sizes, self._count))
        keys = near[:, chosen]
        place = self._place[keys & self._mask]
        turn = self._rank[chosen] << (DISTANCE_BITS + self._bits)
        keys = (keys & ~self._mask) | place | turn
        keys[np.repeat(self._writings, self._sizes)[chosen] == codes[:, None]] = NONE
        best = least(keys, self._count)
        named = np.full((len(near), self._count), NONE, np.int64)
        codes_found = np.zeros_like(named)
        column = self._by_position[np.minimum(best & self._mask, len(self._positions) - 1)]
        distance = best & ((DISTANCES << self._bits) - 1)
        named[:, : best.shape[1]] = self._named(distance, self._positions[column], best != NONE)
        codes_found[:, : best.shape[1]] = self._codes[column]
        return named, codes_found

    @property
    def _mask(self) -> int:
        return (1 << self._bits) - 1

    def _named(self, keys: Whole, positions: Whole, there: NDArray[np.bool_]) -> Whole:
        """By distance, then by position among all, or ``NONE``: who is not ``there``, and the asker itself."""
        distances = keys >> self._bits
        named: Whole = np.where(there & (distances < DISTANCES - 1), distances * self._total + positions, NONE)
        return named
