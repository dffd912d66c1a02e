"""The nearest articles of each by document vector, in its own writing and in others.

Up to ``EXACT_LIMIT`` articles are compared each with each: a product of matrices. Beyond, that product would grow with
the square of their number, and an index says which are compared, in three steps:

* *space*: each writing's mean in the run is taken out and the vectors are half whitened, that is, multiplied by the
  covariance to the power of minus a quarter (whitening: Su et al. 2021, arXiv:2103.15316; that part of it serves better
  than the whole: Diera et al. 2024, arXiv:2411.17538). What all articles of a run share says nothing. Of documentation
  held out from calibration an exact search then finds 94.5 % of the pairs of translations rather than 85.6 %; of texts
  with more translations than ten neighbours can hold a little fewer, but one at least of more texts.
* *tables*: in each of ``TABLES`` tables the space is cut into cells, each around the mean of some articles drawn anew
  for each table (k-means: Lloyd 1982). An article lies in the cell of the nearest mean and is compared with those in
  its ``PROBES`` nearest cells (multi-probe: Lv et al. 2007). Neighbours that a border parts in one table are in one
  cell of another (locality-sensitive hashing: Indyk and Motwani 1998; by nearest means: Pauleve, Jegou and Amsaleg
  2010).
* *ranks*: of all articles that an article was compared with, the nearest by the product in that space.

The work for an article grows with the square root of their number. What the index finds of what an exact search finds,
and of what is right, ``scripts/compare_neighbours.py`` measures. Tables, probes and sizes of cells were chosen on made
corpora of 10,000 and 100,000 records, whose sentences are those of all of NTREX, articles held out from calibration
among them. All products are of whole numbers, so that neither
the size of blocks nor the number of threads nor the processor can change a neighbour by a rounding error.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.workers import in_parts

EXACT_LIMIT = 20_000
"""Articles among which the search is exact."""

TABLES = 12
"""Tables of the index."""

PROBES = 2
"""Cells of each table in which an article looks."""

CELL_WORK = 2.0
"""Means that an article is compared with in each table, for each other article in one cell: the cells are the larger
the fewer they are, and this makes both grow with the square root of the number of articles."""

LARGE_CELL = 4
"""Mean sizes of a cell above which it is cut: nothing parts equal vectors, and all in one cell would be compared."""

SHRINKAGE = 20
"""Articles at which a writing's mean counts half: the mean of few is their topic rather than their language."""

RIDGE = 0.3
"""Added to each variance, as a share of the mean variance: directions without variance are noise."""

WHITENING = 0.25
"""Exponent: 0 leaves the vectors as they are, 0.5 whitens them."""

_SAMPLE = 2**17
"""Articles from which the covariance is computed."""

_TRAINING = 24
"""Articles a cell from which its mean is computed."""

_ROUNDS = 2
"""Rounds of k-means."""

_CELLS = 2**23
"""Similarities that are held at once."""

_ROWS = 2**13
"""Articles that are projected, or whose finds are merged, at once."""

_COLUMNS = 2**15
"""Articles whose vectors are taken at once, to be compared with those that ask."""

_SCALE = 4000
"""Steps per unit of a vector's components, so that every partial sum of a scalar product is a whole number below 2**24
and exact in 32-bit floats: unit vectors of up to 4,096 dimensions stay below (4000 + 0.5 * 64) ** 2 = 16.3 million."""

_FARTHEST = 2**24
"""At least every scalar product: distances are this less the product, so never negative."""

_SELF = -(2.0**27)
"""Below every scalar product."""

_DISTANCES = 2**28
"""Above every distance, that to itself included."""

_NONE = np.iinfo(np.int64).max
"""No article; behind all others."""

_PORTIONS = 4
"""Portions of work for each process."""

Whole = NDArray[np.int64]
Meetings = list[tuple[Whole, Whole]]
"""Rows and the columns that they are compared with."""
Steps = NDArray[np.float32] | NDArray[np.int16]
"""Vectors in whole steps of 1 / ``_SCALE``, shape (articles, dimensions)."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs (``left < right``, ascending, each once; shape (pairs,)), and how many pairs the index kept apart.

    ``not_compared`` are the pairs of articles that were not compared, at least; 0 where the search was exact.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    not_compared: int


def nearest(
    documents: NDArray[np.floating] | NDArray[np.int16],
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

    ``documents`` are unit vectors, or whole steps of them (``int16``, see :func:`whole_steps`), shape (articles,
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
        keys, compared = _exact(whole_steps(documents), codes, count), total * (total - 1) // 2
    else:
        keys, compared = _indexed(documents, codes, count, workers, progress)
    return Neighbours(
        (keys // total).astype(np.int32),
        (keys % total).astype(np.int32),
        max(0, total * (total - 1) // 2 - compared),
    )


def whole_steps(documents: NDArray[np.floating] | NDArray[np.int16]) -> NDArray[np.float32]:
    """Unit vectors in whole steps of 1 / ``_SCALE``, same shape; of type ``int16`` they are taken to be such steps.

    Cosines are off by about 0.0002.
    """
    if documents.dtype == np.int16:
        return documents.astype(np.float32)
    steps: NDArray[np.float32] = np.rint(documents * np.float32(_SCALE)).astype(np.float32)
    return steps


def _pair_keys(own: NDArray[np.integer], near: NDArray[np.integer], total: int) -> Whole:
    """Pairs as one number each: ``left * total + right``."""
    keys: Whole = np.minimum(own, near).astype(np.int64) * total + np.maximum(own, near)
    return keys


# --- each with each


def _exact(steps: NDArray[np.float32], codes: Whole, count: int) -> Whole:
    """The pairs, as ascending numbers."""
    total = len(codes)
    positions = np.argsort(codes, kind="stable")  # each language in one piece, in the order of its articles
    vectors, codes = steps[positions], codes[positions]
    height = max(1, _CELLS // total)
    found = []
    for start in range(0, total, height):
        rows = np.arange(start, min(start + height, total))
        similar = vectors[rows] @ vectors.T
        similar[np.arange(len(rows)), rows] = _SELF
        for place, columns in _neighbours(similar, codes[rows], codes, positions, count):
            found.append(np.unique(_pair_keys(positions[rows[place]], columns, total)))
    return np.unique(np.concatenate(found))


def _neighbours(
    similar: NDArray[np.float32], row_codes: Whole, codes: Whole, positions: Whole, count: int, *, itself: bool = True
) -> Iterator[tuple[Whole, Whole]]:
    """Which row and which position are neighbours: in the own language of each row, language by language, then in all
    others. ``codes`` are the columns' languages, ascending, ``row_codes`` the rows'; ``positions`` are the columns'.
    ``itself``: each row is among the columns of its language, farther than all others.
    """
    sizes = np.bincount(codes)
    rounds = _rounds(sizes, count)
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
    distances = _FARTHEST - np.take_along_axis(similar, columns, axis=1).astype(np.int64)
    keys = (rank * _DISTANCES + distances) * len(positions) + positions[columns]
    keys[codes[columns] == row_codes[:, None]] = _NONE
    best = _least(keys, count)
    place, column = np.nonzero(best != _NONE)
    yield place, best[place, column] % len(positions)


def _least(keys: Whole, count: int) -> Whole:
    """The ``count`` least of each row, in any order."""
    return np.partition(keys, count - 1, axis=1)[:, :count] if count < keys.shape[1] else keys


def _rounds(sizes: NDArray[np.integer], count: int) -> int:
    """After how many turns every article has ``count`` neighbours in other languages, if there are so many."""
    for rounds in range(1, count):
        kept = np.minimum(sizes, rounds)
        if kept.sum() - kept.max() >= count:
            return rounds
    return count


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
    least = np.partition(grouped, grouped.shape[1] - count, axis=1)[:, -count, None]
    rows, columns = np.nonzero(similar >= least)
    distances = _FARTHEST - similar[rows, columns].astype(np.int64)
    keys = np.sort((rows * _DISTANCES + distances) * width + columns)
    starts = np.cumsum(np.bincount(rows, minlength=height)) - np.bincount(rows, minlength=height)
    best: NDArray[np.intp] = keys[starts[:, None] + np.arange(count)] % width
    return best


# --- some among others


def nearest_among(
    asking: NDArray[np.floating] | NDArray[np.int16],
    asking_codes: Whole,
    codes: Whole,
    take: Callable[[Whole], NDArray[np.int16]],
    count: int,
) -> tuple[Whole, Whole]:
    """Which of the articles ``asking`` and which of other articles are neighbours, as :func:`nearest` says it, seen
    from those that ask: two arrays of positions, shape (pairs,), ascending by the first and then by the second.

    ``asking`` has shape (asking, dimensions); ``asking_codes`` and ``codes`` number the language and script of those
    and of the others, from 0; ``take`` gives the vectors of some of the others in whole steps. The search is exact.
    """
    if not len(asking_codes) or not len(codes):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows, columns = np.argsort(asking_codes, kind="stable"), np.argsort(codes, kind="stable")
    steps = whole_steps(asking)[rows]
    height = max(1, _CELLS // len(columns))
    found = []
    for start in range(0, len(rows), height):
        some = rows[start : start + height]
        similar = np.empty((len(some), len(columns)), np.float32)
        for begin in range(0, len(columns), _COLUMNS):
            block = slice(begin, begin + _COLUMNS)
            similar[:, block] = steps[start : start + height] @ take(columns[block]).astype(np.float32).T
        for place, near in _neighbours(similar, asking_codes[some], codes[columns], columns, count, itself=False):
            found.append(some[place] * len(columns) + near)
    keys = np.unique(np.concatenate(found))
    return keys // len(columns), keys % len(columns)


# --- by an index


def _indexed(
    documents: NDArray[np.floating] | NDArray[np.int16],
    codes: Whole,
    count: int,
    workers: int,
    progress: Callable[[int, int], None],
) -> tuple[Whole, int]:
    """The pairs, as ascending numbers, and how many comparisons were made."""
    total = len(codes)
    steps = half_whitened(documents, codes)
    own, other = _Finds(codes, count, same=True), _Finds(codes, count, same=False)
    compared = 0
    for table in range(TABLES):
        progress(table, TABLES)
        cells = _cells(steps, table)
        for probe in range(cells.shape[1]):
            in_own, in_other = (np.full((total, count), _NONE, np.int64) for _ in range(2))
            meetings = list(_meetings(cells[:, probe], cells[:, 0]))

            def search(start: int, end: int, meetings: Meetings = meetings) -> list[tuple[Whole, Whole, Whole]]:
                return [(rows, *_found_in(steps, codes, rows, columns, count)) for rows, columns in meetings[start:end]]

            size = max(1, math.ceil(len(meetings) / (_PORTIONS * workers)))
            for part in in_parts(search, len(meetings), size, workers):
                for rows, own_of, other_of in part:  # no two meetings of a probe share a row
                    in_own[rows], in_other[rows] = own_of, other_of
            comparisons = sum(len(rows) * len(columns) for rows, columns in meetings)
            compared += comparisons if probe else comparisons // 2  # the first probe sees each pair twice
            own.merge(in_own)
            other.merge(in_other)
    return np.unique(np.concatenate([own.pairs(), other.pairs()])), compared


def half_whitened(documents: NDArray[np.floating] | NDArray[np.int16], codes: Whole) -> NDArray[np.int16]:
    """The vectors without their language's mean, half whitened, at length 1, in whole steps; same shape.

    The matrix is symmetric, so that neither the sign nor the order of eigenvectors matters, and in whole steps: the
    rounding errors of its computation, which depend on the processor, vanish.
    """
    total, dimensions = documents.shape
    means = _means(documents, codes)
    sample = np.sort(_drawn(total, min(total, _SAMPLE), 0))
    covariance = np.zeros((dimensions, dimensions))
    for start in range(0, len(sample), _ROWS):
        rows = sample[start : start + _ROWS]
        centred = whole_steps(documents[rows]).astype(np.float64) - means[codes[rows]]
        covariance += centred.T @ centred
    values, axes = np.linalg.eigh(covariance / len(sample))
    powers = np.maximum(values + RIDGE * values.mean(), 1e-9) ** -WHITENING
    matrix = np.rint((axes * (powers / powers.max())) @ axes.T * 2.0**20)
    steps = np.empty((total, dimensions), np.int16)
    for start in range(0, total, _ROWS):
        rows = np.arange(start, min(start + _ROWS, total))
        centred = whole_steps(documents[rows]).astype(np.float64) - means[codes[rows]]
        steps[rows] = _at_length(np.rint(centred @ matrix / 2.0**14), _SCALE)
    return steps


def _means(documents: NDArray[np.floating] | NDArray[np.int16], codes: Whole) -> NDArray[np.float64]:
    """The mean vector of each language in whole steps, drawn towards zero where it has few articles."""
    sums = np.zeros((int(codes.max()) + 1, documents.shape[1]))
    for start in range(0, len(codes), _ROWS):
        part = codes[start : start + _ROWS]
        order = np.argsort(part, kind="stable")
        begins = np.flatnonzero(np.diff(part[order], prepend=-1))
        rows = whole_steps(documents[start : start + _ROWS]).astype(np.float64)
        sums[part[order][begins]] += np.add.reduceat(rows[order], begins, axis=0)
    means: NDArray[np.float64] = np.rint(sums / (np.bincount(codes)[:, None] + SHRINKAGE))
    return means


def _at_length(vectors: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    """The rows, whole numbers, at this length and in whole numbers again; a row of zeros stays."""
    squares = np.einsum("ij,ij->i", vectors, vectors)  # exact, so in any order: below 2**53
    scaled: NDArray[np.float64] = np.rint(vectors * (length / np.sqrt(np.maximum(squares, 1.0)))[:, None])
    return scaled


def _drawn(total: int, size: int, seed: int) -> Whole:
    """``size`` of the positions below ``total``, drawn by a hash of position and seed (splitmix64, Steele et al. 2014):
    the same in every version of numpy.
    """
    mixed = np.arange(total, dtype=np.uint64) + np.uint64(seed) * np.uint64(total) + np.uint64(1)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(mixed ^ (mixed >> np.uint64(31)), kind="stable")[:size]


def _cell_count(total: int) -> int:
    """How many cells a table has."""
    return min(max(PROBES, round(math.sqrt(CELL_WORK * total))), total)


def _cells(steps: Steps, table: int) -> NDArray[np.int32]:
    """The nearest cells of each article in this table, nearest first, shape (articles, ``PROBES``)."""
    total = len(steps)
    number = _cell_count(total)
    drawn = _drawn(total, min(total, number * _TRAINING), table + 1)
    training = steps[drawn].astype(np.float32)
    means = training[:number]
    for _ in range(_ROUNDS):
        nearest_mean = _nearest_means(training, means, 1)[:, 0]
        order = np.argsort(nearest_mean, kind="stable")
        begins = np.flatnonzero(np.diff(nearest_mean[order], prepend=-1))
        sums = np.add.reduceat(training[order], begins, axis=0, dtype=np.float64)
        means = means.copy()
        means[nearest_mean[order][begins]] = _at_length(sums, _SCALE)
    return _nearest_means(steps, means, min(PROBES, number))


def _nearest_means(steps: Steps, means: NDArray[np.float32], count: int) -> NDArray[np.int32]:
    """The ``count`` nearest means of each vector, nearest first, of equal ones the first."""
    nearest_means = np.empty((len(steps), count), np.int32)
    height = max(1, _CELLS // len(means))
    for start in range(0, len(steps), height):
        similar = steps[start : start + height].astype(np.float32, copy=False) @ means.T
        for rank in range(count):
            best = similar.argmax(axis=1)
            nearest_means[start : start + height, rank] = best
            similar[np.arange(len(best)), best] = _SELF
    return nearest_means


def _meetings(asking: NDArray[np.int32], lying: NDArray[np.int32]) -> Iterator[tuple[Whole, Whole]]:
    """For each cell, the positions of the articles that look there and of those that lie there, ascending.

    A cell that is too large is cut into equal parts by position: those in the first part look in the first part only.
    """
    number = _cell_count(len(lying))
    largest = LARGE_CELL * -(-len(lying) // number)
    askers, liers = (np.argsort(cells, kind="stable") for cells in (asking, lying))
    ends = [np.cumsum(np.bincount(cells, minlength=number))[:-1] for cells in (asking, lying)]
    for rows, columns in zip(np.split(askers, ends[0]), np.split(liers, ends[1]), strict=True):
        if len(rows) and len(columns):
            parts = min(len(rows), -(-max(len(columns), len(rows) // PROBES) // largest))
            yield from zip(np.array_split(rows, parts), np.array_split(columns, parts), strict=True)


def _found_in(steps: Steps, codes: Whole, rows: Whole, columns: Whole, count: int) -> tuple[Whole, Whole]:
    """The nearest of the ``columns`` to each of the ``rows``, in its own language and in others, shape (rows, count)
    each: numbers that order by distance, then by position (``distance * articles + position``), or ``_NONE``.
    """
    columns = columns[np.argsort(codes[columns], kind="stable")]
    column_codes, begins = np.unique(codes[columns], return_index=True)
    sizes = np.diff(begins, append=len(columns))
    similar = steps[rows].astype(np.float32, copy=False) @ steps[columns].astype(np.float32, copy=False).T
    distances = _FARTHEST - similar.astype(np.int64)
    distances[rows[:, None] == columns] = _DISTANCES - 1
    # By language, then by distance, then by position: one order of languages for all rows.
    language = np.repeat(np.arange(len(sizes)), sizes) * _DISTANCES
    keys = np.sort((distances + language) * len(columns) + np.arange(len(columns)), axis=1)
    near = (keys // len(columns) - language) * len(codes) + columns[keys % len(columns)]
    near[near >= (_DISTANCES - 1) * len(codes)] = _NONE  # itself
    return (
        _own_among(near, np.searchsorted(column_codes, codes[rows]), column_codes, codes[rows], begins, count),
        _others_among(near, codes[rows], column_codes, begins, sizes, len(codes), count),
    )


def _own_among(near: Whole, place: Whole, column_codes: Whole, row_codes: Whole, begins: Whole, count: int) -> Whole:
    """The first ``count`` of each row in its own language, whose place among the languages is ``place``."""
    ends = np.append(begins[1:], near.shape[1])
    place = np.minimum(place, len(begins) - 1)
    chosen = begins[place][:, None] + np.arange(count)
    inside = (chosen < ends[place][:, None]) & (column_codes[place] == row_codes)[:, None]
    own: Whole = np.where(inside, np.take_along_axis(near, np.minimum(chosen, near.shape[1] - 1), axis=1), _NONE)
    return own


def _others_among(
    near: Whole, row_codes: Whole, column_codes: Whole, begins: Whole, sizes: Whole, articles: int, count: int
) -> Whole:
    """The first ``count`` of each row in other languages, which take turns."""
    rank = np.arange(near.shape[1]) - np.repeat(begins, sizes)
    chosen = np.flatnonzero(rank < _rounds(sizes, count))
    turn = _DISTANCES * articles
    keys = near[:, chosen]
    none = (keys == _NONE) | (np.repeat(column_codes, sizes)[chosen] == row_codes[:, None])
    best = _least(np.where(none, _NONE, rank[chosen] * turn + np.where(none, 0, keys)), count)
    others = np.full((len(near), count), _NONE, np.int64)
    others[:, : best.shape[1]] = np.where(best == _NONE, _NONE, best % turn)
    return others


class _Finds:
    """The nearest found so far of each article, in its own language (``same``) or in others, which take turns.

    Nothing is lost by keeping only ``count``: what is not among the first of a part is not among the first of the
    whole, because more articles can only put a language's second nearest in the place of its third.
    """

    def __init__(self, codes: Whole, count: int, *, same: bool) -> None:
        self._codes, self._same = codes, same
        self._best = np.full((len(codes), count), _NONE, np.int64)

    def merge(self, found: Whole) -> None:
        """Take in what was found, as numbers that order by distance, then by position."""
        for start in range(0, len(found), _ROWS):
            rows = slice(start, start + _ROWS)
            both = np.sort(np.concatenate([self._best[rows], found[rows]], axis=1), axis=1)
            both[:, 1:][both[:, 1:] == both[:, :-1]] = _NONE
            both = np.sort(both, axis=1) if self._same else self._in_turns(both)
            self._best[rows] = both[:, : found.shape[1]]

    def _in_turns(self, found: Whole) -> Whole:
        """The same by their rank in their language, then by distance; ``found`` are by distance but for gaps."""
        width = found.shape[1]
        code = np.where(found == _NONE, len(self._codes), self._codes[found % len(self._codes)])
        by_language = np.sort(code * width + np.arange(width), axis=1)
        code, place = by_language // width, by_language % width
        first = np.where(np.diff(code, axis=1, prepend=-1) != 0, np.arange(width), 0)
        rank = np.arange(width) - np.maximum.accumulate(first, axis=1)
        rank[code == len(self._codes)] = width
        turns = np.sort(rank * width + place, axis=1) % width
        ordered: Whole = np.take_along_axis(found, turns, axis=1)
        return ordered

    def pairs(self) -> Whole:
        """All pairs, as numbers."""
        row, column = np.nonzero(self._best != _NONE)
        return _pair_keys(row, self._best[row, column] % len(self._codes), len(self._codes))
