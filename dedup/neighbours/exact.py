"""Each with each: the nearest articles by an exact search."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dedup.neighbours.blocks import blocks_of
from dedup.neighbours.steps import DISTANCES, FARTHEST, NONE, SELF, Vectors, Whole, pair_keys, whole_steps
from dedup.neighbours.turns import least, rounds_of

COLUMNS = 2**15
"""Articles whose vectors are taken at once, to be compared with those that ask."""


def exact_pairs(documents: Vectors, codes: Whole, asking: Whole, count: int) -> Whole:
    """The pairs of some articles with their nearest, as :func:`dedup.neighbours.nearest` says it, as ascending numbers.

    ``documents`` and ``codes`` are the vectors, shape (articles, dimensions), and the writings of all, numbered from 0;
    ``asking`` are the positions of some, each once.
    """
    total = len(codes)
    positions = np.argsort(codes, kind="stable")  # each language in one piece, in the order of its articles
    vectors, codes = whole_steps(documents)[positions], codes[positions]
    places = np.flatnonzero(np.isin(positions, asking))
    found = [np.empty(0, np.int64)]
    for block in blocks_of(len(places), total):
        rows = places[block]
        similar = vectors[rows] @ vectors.T
        similar[np.arange(len(rows)), rows] = SELF
        for place, columns in _neighbours(similar, codes[rows], codes, positions, count):
            found.append(np.unique(pair_keys(positions[rows[place]], columns, total)))
    return np.unique(np.concatenate(found))


def _neighbours(
    similar: NDArray[np.float32], row_codes: Whole, codes: Whole, positions: Whole, count: int, *, itself: bool = True
) -> Iterator[tuple[Whole, Whole]]:
    """Which row and which position are neighbours: in the own language of each row, language by language, then in all
    others. ``codes`` are the columns' languages, ascending, ``row_codes`` the rows'; ``positions`` are the columns'.
    ``itself``: each row is among the columns of its language, farther than all others.
    """
    sizes = np.bincount(codes)
    rounds = rounds_of(sizes, count)
    seen = []
    for code, (end, size) in enumerate(zip(np.cumsum(sizes).tolist(), sizes.tolist(), strict=True)):
        part = similar[:, end - size : end]
        inside = np.flatnonzero(row_codes == code)
        most = min(count, size - itself)
        if len(inside) and most:
            columns = _best(part[inside[0] : inside[-1] + 1], most) + (end - size)
            yield np.repeat(inside, most), positions[columns].ravel()
        if size:
            seen.append(_best(part, min(rounds, size)) + (end - size))
    columns = np.concatenate(seen, axis=1)
    kept = np.minimum(sizes, rounds)
    rank = np.arange(kept.sum()) - np.repeat(np.cumsum(kept) - kept, kept)
    distances = FARTHEST - np.take_along_axis(similar, columns, axis=1).astype(np.int64)
    keys = (rank * DISTANCES + distances) * len(positions) + positions[columns]
    keys[codes[columns] == row_codes[:, None]] = NONE
    best = least(keys, count)
    place, column = np.nonzero(best != NONE)
    yield place, best[place, column] % len(positions)


def _best(similar: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """The columns of the ``count`` largest values of each row, the largest first, of equal ones the first.

    The ``count``-th largest of the maxima of groups of columns is no larger than the ``count``-th largest value, and
    little is above it: one quick pass instead of a selection among all.
    """
    if count == 1:
        return np.expand_dims(similar.argmax(axis=1), 1)
    height, width = similar.shape
    groups = max(1, width // (8 * count))
    grouped = similar[:, : width // groups * groups].reshape(height, groups, -1).max(axis=1)
    border = np.partition(grouped, grouped.shape[1] - count, axis=1)[:, -count, None]
    rows, columns = np.nonzero(similar >= border)
    distances = FARTHEST - similar[rows, columns].astype(np.int64)
    keys = np.sort((rows * DISTANCES + distances) * width + columns)
    starts = np.cumsum(np.bincount(rows, minlength=height)) - np.bincount(rows, minlength=height)
    best: NDArray[np.intp] = keys[starts[:, None] + np.arange(count)] % width
    return best


def nearest_among(
    asking: Vectors,
    asking_codes: Whole,
    codes: Whole,
    take: Callable[[Whole], NDArray[np.int16]],
    count: int,
) -> tuple[Whole, Whole]:
    """Which of the articles ``asking`` and which of other articles are neighbours, as
    :func:`dedup.neighbours.nearest` says it, seen from those that ask: two arrays of positions, shape (pairs,),
    ascending by the first and then by the second.

    ``asking`` has shape (asking, dimensions); ``asking_codes`` and ``codes`` number the language and script of those
    and of the others, from 0; ``take`` gives the vectors of some of the others in whole steps. The search is exact.
    """
    if not len(asking_codes) or not len(codes):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows, columns = np.argsort(asking_codes, kind="stable"), np.argsort(codes, kind="stable")
    steps = whole_steps(asking)[rows]
    found = []
    for block in blocks_of(len(rows), len(columns)):
        some = rows[block]
        similar = np.empty((len(some), len(columns)), np.float32)
        for begin in range(0, len(columns), COLUMNS):
            taken = slice(begin, begin + COLUMNS)
            similar[:, taken] = steps[block] @ take(columns[taken]).astype(np.float32).T
        for place, near in _neighbours(similar, asking_codes[some], codes[columns], columns, count, itself=False):
            found.append(some[place] * len(columns) + near)
    keys = np.unique(np.concatenate(found))
    return keys // len(columns), keys % len(columns)
