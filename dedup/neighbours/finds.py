"""What was found of some articles, merged: in any order, in any number of steps, any of it more than once.

Nothing is lost by keeping only ``count``: what is not among the first of a part is not among the first of the whole,
because more articles can only put a language's second nearest in the place of its third.
"""

import numpy as np

from dedup.neighbours.blocks import pieces_of
from dedup.neighbours.meetings import Found
from dedup.neighbours.steps import NONE, Whole, pair_keys

_NO_CODE = 2**31
"""Behind all writings."""


def none_found(articles: int, count: int) -> Found:
    """Of so many articles, nothing yet."""
    own, others = (np.full((articles, count), NONE, np.int64) for _ in range(2))
    return Found(own, others, np.zeros((articles, count), np.int64))


def merged(one: Found, other: Found) -> Found:
    """The nearest of both, of the same articles in the same order; as many as ``one`` holds."""
    count = one.own.shape[1]
    both = none_found(len(one.own), count)
    for piece in pieces_of(len(one.own)):
        both.own[piece] = _first(np.concatenate([one.own[piece], other.own[piece]], axis=1))[:, :count]
        others = np.concatenate([one.others[piece], other.others[piece]], axis=1)
        codes = np.concatenate([one.codes[piece], other.codes[piece]], axis=1)
        order = np.argsort(others, axis=1)
        others, codes = np.take_along_axis(others, order, axis=1), np.take_along_axis(codes, order, axis=1)
        _take_out_repeated(others)
        turns = _in_turns(others, codes)[:, :count]
        both.others[piece] = np.take_along_axis(others, turns, axis=1)
        both.codes[piece] = np.take_along_axis(codes, turns, axis=1)
    return both


def gathered(rows: Whole, found: Found, articles: int) -> Found:
    """The nearest of each of so many articles, from what was found of them in any number of places: the finds at ``i``
    are those of article ``rows[i]``.
    """
    order = np.argsort(rows, kind="stable")
    sizes = np.bincount(rows, minlength=articles)
    begins = np.cumsum(sizes) - sizes
    best = none_found(articles, found.own.shape[1])
    for turn in range(int(sizes.max(initial=0))):
        some = np.flatnonzero(sizes > turn)
        there = merged(_at(best, some), _at(found, order[begins[some] + turn]))
        best.own[some], best.others[some], best.codes[some] = there.own, there.others, there.codes
    return best


def _at(found: Found, rows: Whole) -> Found:
    return Found(found.own[rows], found.others[rows], found.codes[rows])


def _first(found: Whole) -> Whole:
    """Each once, the nearest first."""
    found = np.sort(found, axis=1)
    _take_out_repeated(found)
    return np.sort(found, axis=1)


def _take_out_repeated(found: Whole) -> None:
    """Of equal ones in a sorted row, all but the first."""
    found[:, 1:][found[:, 1:] == found[:, :-1]] = NONE


def _in_turns(found: Whole, codes: Whole) -> Whole:
    """The columns of each row by rank in their writing, then by distance; ``found`` are by distance but for gaps."""
    width = found.shape[1]
    code = np.where(found == NONE, _NO_CODE, codes)
    by_writing = np.sort(code * width + np.arange(width), axis=1)
    code, place = by_writing // width, by_writing % width
    first = np.where(np.diff(code, axis=1, prepend=-1) != 0, np.arange(width), 0)
    rank = np.arange(width) - np.maximum.accumulate(first, axis=1)
    rank[code == _NO_CODE] = width
    turns: Whole = np.sort(rank * width + place, axis=1) % width
    return turns


def pairs_of(found: Found, positions: Whole, total: int) -> Whole:
    """What the articles at these positions found, as pairs (``left * total + right``); some may be there twice."""
    keys = []
    for near in (found.own, found.others):
        row, column = np.nonzero(near != NONE)
        keys.append(pair_keys(positions[row], near[row, column] % total, total))
    return np.concatenate(keys)
