"""The search in one process: the steps of the package over all articles, one after the other."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.neighbours import tables
from dedup.neighbours.exact import exact_pairs
from dedup.neighbours.finds import merged, none_found, pairs_of
from dedup.neighbours.meetings import Found, Members, comparisons, found_in, parts_of
from dedup.neighbours.space import half_whitened
from dedup.neighbours.steps import Steps, Vectors, Whole
from dedup.neighbours.tables import cell_count, nearest_cells, trained, training
from dedup.workers import in_parts

EXACT_LIMIT = 20_000
"""Articles among which the search is exact."""

_PORTIONS = 4
"""Portions of work for each process."""

_Meeting = tuple[Whole, Whole]
"""The positions of those who ask and of those who lie in (a part of) a cell."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs (``left < right``, ascending, each once; shape (pairs,)), and how many pairs the index kept apart.

    ``not_compared`` are the pairs of articles that were not compared, at least; 0 where the search was exact.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    not_compared: int


def nearest(
    documents: Vectors,
    writings: Sequence[str],
    count: int,
    *,
    exact_limit: int | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Neighbours:
    """The ``count`` nearest articles of each by document vector in its own language and script, and as many in others,
    where languages take turns: the nearest article of each language, the nearest language first; then the second
    nearest of each; and so on. Of equally near ones those that come first.

    ``documents`` are unit vectors, or whole steps of them (``int16``, see
    :func:`dedup.neighbours.whole_steps`), shape (articles,
    dimensions); ``writings`` name the language and script of each; ``workers`` processes take part in a long search,
    and ``progress`` is told how many of its tables are done.

    Without turns, many texts of one language on one topic crowd out the only translation, which is in another. Of the
    pairs of translations, each taken as the only two of their article, 7.6 % were missed without turns and 6.8 % with
    (of documentation 8.5 and 4.0 %, of texts on one topic 20.3 and 15.4 %). Turns of several articles at a time, mutual
    neighbours first and CSLS missed 7.2 to 7.8 %; CSLS with turns 6.8 %, too, for twice the work
    (``scripts/compare_candidates.py``).
    """
    total = len(writings)
    if total < 2:
        return Neighbours(np.empty(0, np.int32), np.empty(0, np.int32), 0)
    codes = np.unique(np.asarray(writings), return_inverse=True)[1].astype(np.int64)
    if total <= (EXACT_LIMIT if exact_limit is None else exact_limit):
        keys, compared = exact_pairs(documents, codes, np.arange(total), count), total * (total - 1) // 2
    else:
        keys, compared = _indexed(documents, codes, count, workers, progress)
    return Neighbours(
        (keys // total).astype(np.int32),
        (keys % total).astype(np.int32),
        max(0, total * (total - 1) // 2 - compared),
    )


def _indexed(
    documents: Vectors, codes: Whole, count: int, workers: int, progress: Callable[[int, int], None]
) -> tuple[Whole, int]:
    """The pairs, as ascending numbers, and how many comparisons were made."""
    total = len(codes)
    steps = half_whitened(documents, codes)
    best, compared = none_found(total, count), 0
    for table in range(tables.TABLES):
        progress(table, tables.TABLES)
        cells = nearest_cells(steps, trained(steps[training(total, table).in_order()], total))
        sizes = [np.bincount(of_probe, minlength=cell_count(total)) for of_probe in cells.T]
        compared += comparisons(sizes, sizes[0], total)
        for of_probe in cells.T:
            meetings = list(_meetings(of_probe, cells[:, 0]))
            best = merged(best, _found(meetings, steps, codes, count, workers))
    return np.unique(pairs_of(best, np.arange(total), total)), compared


def _meetings(asking: NDArray[np.int32], lying: NDArray[np.int32]) -> Iterator[_Meeting]:
    """For each cell, or part of one, who asks there and who lies there, ascending."""
    total, number = len(lying), cell_count(len(lying))
    askers, liers = (np.argsort(cells, kind="stable") for cells in (asking, lying))
    sizes = [np.bincount(cells, minlength=number) for cells in (asking, lying)]
    parts = parts_of(sizes[0], sizes[1], total).tolist()
    ends = [np.cumsum(size)[:-1] for size in sizes]
    for part, rows, columns in zip(parts, np.split(askers, ends[0]), np.split(liers, ends[1]), strict=True):
        if part:
            yield from zip(np.array_split(rows, part), np.array_split(columns, part), strict=True)


def _found(meetings: Sequence[_Meeting], steps: Steps, codes: Whole, count: int, workers: int) -> Found:
    """What each article finds in the meetings of one probe: it asks in one at most."""
    total = len(codes)

    def search(start: int, end: int) -> list[tuple[Whole, Found]]:
        members = ([Members(some, codes[some], steps[some]) for some in meeting] for meeting in meetings[start:end])
        return [(askers.positions, found_in(askers, liers, total, count)) for askers, liers in members]

    found = none_found(total, count)
    size = max(1, math.ceil(len(meetings) / (_PORTIONS * workers)))
    for part in in_parts(search, len(meetings), size, workers):
        for rows, near in part:
            found.own[rows], found.others[rows], found.codes[rows] = near.own, near.others, near.codes
    return found
