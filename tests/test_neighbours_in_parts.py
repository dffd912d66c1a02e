"""The steps of the search, each called with parts of the articles: cut in any way, the outcome is that of the whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup.neighbours import draw, meetings, nearest, space, tables
from dedup.neighbours.draw import draw as drawing
from dedup.neighbours.exact import exact_pairs
from dedup.neighbours.finds import gathered, merged, none_found, pairs_of
from dedup.neighbours.meetings import Found, Members, comparisons, found_in, part_of, parts_of
from dedup.neighbours.steps import NONE
from tests.near import drawn, indexed

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Works:
    """Vectors in whole steps, and codes and names of languages."""

    steps: NDArray[np.int16]
    codes: Whole
    languages: Sequence[str]


def made(total: int, seed: int, *, equal: int = 0, near: float = 0.3) -> Works:
    """Works around a few topics in three languages; the vectors of some are equal."""
    rng = np.random.default_rng(seed)
    topics = rng.normal(size=(max(1, total // 6), 12))
    vectors = topics[rng.integers(0, len(topics), total)] + near * rng.normal(size=(total, 12))
    vectors[rng.permutation(total)[:equal]] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    languages = rng.choice(["de", "en", "fr"], total, p=[0.2, 0.7, 0.1]).tolist()
    codes = np.unique(languages, return_inverse=True)[1].astype(np.int64)
    return Works(np.rint(vectors * 4000).astype(np.int16), codes, languages)


def cut(positions: Whole, rng: np.random.Generator) -> list[Whole]:
    """The same positions in parts, in any order; some parts may be empty."""
    number = int(rng.integers(1, 6))
    part = rng.integers(0, number, len(positions))
    return [rng.permutation(positions[part == p]) for p in range(number)]


def in_space(works: Works, rng: np.random.Generator) -> NDArray[np.int16]:
    parts = cut(np.arange(len(works.codes)), rng)
    writings = int(works.codes.max()) + 1
    sums = space.added(space.sums_of(works.steps[part], works.codes[part], writings) for part in parts)
    means = space.means_of(sums)
    sample = space.sample(len(works.codes))
    covariance = np.zeros((works.steps.shape[1],) * 2)
    size = 0
    for part in cut(np.arange(len(works.codes)), rng):
        inside = part[sample.holds(part)]
        size += len(inside)
        covariance += space.covariance_of(works.steps[inside], works.codes[inside], means)
    matrix = space.matrix_of(covariance, size)
    steps = np.empty_like(works.steps)
    for part in cut(np.arange(len(works.codes)), rng):
        steps[part] = space.whitened(works.steps[part], works.codes[part], means, matrix)
    return steps


def cells_of(steps: NDArray[np.int16], table: int, rng: np.random.Generator) -> NDArray[np.int32]:
    training = tables.training(len(steps), table)
    inside = np.concatenate([part[training.holds(part)] for part in cut(np.arange(len(steps)), rng)])
    means = tables.trained(steps[inside[np.argsort(training.hashes(inside))]], len(steps))
    cells = np.empty((len(steps), min(tables.PROBES, len(means))), np.int32)
    for part in cut(np.arange(len(steps)), rng):
        cells[part] = tables.nearest_cells(steps[part], means)
    return cells


def groups(cells: NDArray[np.int32], number: int, probe: int) -> Iterator[tuple[Whole, Whole]]:
    """Who asks and who lies in each part of each cell, by what is known of each article and of the sizes of cells."""
    total = len(cells)
    parts_by = []
    sizes = [np.bincount(cells[:, side], minlength=number) for side in (probe, 0)]
    parts = parts_of(sizes[0], sizes[1], total)
    for side, size in zip((probe, 0), sizes, strict=True):
        rank = np.array([np.count_nonzero(cells[:i, side] == cells[i, side]) for i in range(total)])
        there = parts[cells[:, side]] > 0
        cell = cells[there, side]
        part = np.full(total, -1)
        part[there] = part_of(rank[there], size[cell], parts[cell])
        parts_by.append(part)
    for cell in range(number):
        for place in range(parts[cell]):
            askers, liers = (
                np.flatnonzero((cells[:, side] == cell) & (of == place))
                for side, of in zip((probe, 0), parts_by, strict=True)
            )
            yield askers, liers


def gathered_of(rows: Whole, finds: Sequence[tuple[Whole, Found]]) -> Found:
    """What was found of the articles at these positions, merged at once."""
    found = Found(*(np.concatenate([getattr(one, name) for _, one in finds]) for name in ("own", "others", "codes")))
    askers = np.concatenate([some for some, _ in finds])
    mine = np.isin(askers, rows)
    place = np.argsort(rows)[np.searchsorted(np.sort(rows), askers[mine])]
    return gathered(place, Found(found.own[mine], found.others[mine], found.codes[mine]), len(rows))


def assert_equal(one: Found, other: Found) -> None:
    there = one.others != NONE
    assert np.array_equal(one.own, other.own)
    assert np.array_equal(one.others, other.others)
    assert np.array_equal(one.codes[there], other.codes[there])


def by_parts(works: Works, count: int, rng: np.random.Generator) -> tuple[set[tuple[int, int]], int]:
    """The pairs that the index finds, and the comparisons that it makes, with every step called in parts."""
    total = len(works.codes)
    steps = in_space(works, rng)
    finds: list[tuple[Whole, Found]] = []
    compared = 0
    for table in range(tables.TABLES):
        cells = cells_of(steps, table, rng)
        number = tables.cell_count(total)
        sizes = [np.bincount(of_probe, minlength=number) for of_probe in cells.T]
        compared += comparisons(sizes, sizes[0], total)
        for probe in range(cells.shape[1]):
            for askers, liers in groups(cells, number, probe):
                for some in cut(askers, rng):
                    for others in filter(len, cut(liers, rng)):
                        sides = [Members(side, works.codes[side], steps[side]) for side in (some, others)]
                        finds.append((some, found_in(sides[0], sides[1], total, count)))
    pairs = []
    for rows in cut(np.arange(total), rng):
        best = none_found(len(rows), count)
        mixed = [finds[place] for place in rng.permutation(len(finds))]
        for askers, found in mixed:
            mine = np.isin(askers, rows)
            at = np.array([np.flatnonzero(rows == asker)[0] for asker in askers[mine]], np.int64)
            more = none_found(len(rows), count)
            more.own[at], more.others[at], more.codes[at] = found.own[mine], found.others[mine], found.codes[mine]
            best = merged(best, more)
        assert_equal(best, gathered_of(rows, mixed))
        pairs.append(pairs_of(best, rows, total))
    keys = np.concatenate(pairs).tolist()
    return {(key // total, key % total) for key in keys}, compared


def whole(works: Works, count: int, exact_limit: int = 0) -> tuple[set[tuple[int, int]], int]:
    """What the search in one process finds, and how many pairs it did not compare."""
    found = nearest(works.steps, works.languages, count, exact_limit=exact_limit)
    return set(zip(found.left.tolist(), found.right.tolist(), strict=True)), found.not_compared


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are of some articles only, and cells are cut."""
    monkeypatch.setattr(space, "SAMPLE", 30)
    monkeypatch.setattr(tables, "TABLES", 2)
    monkeypatch.setattr(tables, "TRAINING", 3)
    monkeypatch.setattr(meetings, "LARGE_CELL", 1)


CASES = [(90, 1, 0), (90, 2, 60), (41, 3, 41), (2, 4, 0), (7, 5, 3)]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("total", "seed", "equal"), CASES)
@pytest.mark.parametrize("count", [1, 3])
def test_an_index_in_parts_finds_what_it_finds_as_a_whole(total: int, seed: int, equal: int, count: int) -> None:
    works = made(total, seed, equal=equal)
    pairs, not_compared = whole(works, count)
    for split in range(3):
        found, compared = by_parts(works, count, np.random.default_rng(split))
        assert found == pairs
        assert max(0, total * (total - 1) // 2 - compared) == not_compared


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("total", "seed", "equal"), [*CASES, (150, 6, 30)])
def test_an_index_finds_what_it_says_in_words(total: int, seed: int, equal: int) -> None:
    works = made(total, seed, equal=equal)
    pairs, compared = indexed(works.steps.astype(np.int64), works.languages, 2)
    assert whole(works, 2) == (pairs, max(0, total * (total - 1) // 2 - compared))


def test_an_index_of_the_shipped_sizes_finds_what_it_says_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "TABLES", 2)
    works = made(300, 7, equal=80)
    pairs, compared = indexed(works.steps.astype(np.int64), works.languages, 3)
    assert whole(works, 3) == (pairs, max(0, 300 * 299 // 2 - compared))


@pytest.mark.parametrize("seed", [37, 44])
def test_where_many_look_and_few_lie_every_part_has_someone_who_lies(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "TABLES", 2)
    rng = np.random.default_rng(seed)
    vectors = np.concatenate([np.tile(np.eye(1, 2), (180, 1)), rng.normal(size=(20, 2))])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    works = Works(np.rint(vectors * 4000).astype(np.int16), np.zeros(200, np.int64), ["en"] * 200)
    pairs, compared = indexed(works.steps.astype(np.int64), works.languages, 2)
    assert whole(works, 2) == (pairs, 200 * 199 // 2 - compared)


@pytest.mark.parametrize("count", [1, 4])
def test_an_exact_search_for_parts_finds_what_it_finds_for_all(count: int) -> None:
    works = made(70, 8, equal=20)
    for split in range(4):
        parts = cut(np.arange(70), np.random.default_rng(split))
        keys = np.unique(np.concatenate([exact_pairs(works.steps, works.codes, part, count) for part in parts]))
        assert {(key // 70, key % 70) for key in keys.tolist()} == whole(works, count, 70)[0]


# --- the draw


@settings(max_examples=60)
@given(st.integers(1, 400), st.data(), st.integers(0, 12), st.sampled_from([1, 7, 2**20]))
def test_a_draw_takes_those_with_the_smallest_hashes(total: int, data: st.DataObject, seed: int, at_once: int) -> None:
    size = data.draw(st.integers(1, total))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draw, "_POSITIONS", at_once)
        patch.setattr(draw, "_MARGIN", data.draw(st.sampled_from([-0.5, 0.0, 6.0])))
        found = drawing(total, size, seed)
        assert found.in_order().tolist() == drawn(total, size, seed)
    assert np.flatnonzero(found.holds(np.arange(total))).tolist() == sorted(drawn(total, size, seed))


# --- cutting a cell


@given(st.integers(1, 50), st.data())
def test_parts_of_a_cell_are_as_equal_as_can_be_and_the_first_are_the_larger(members: int, data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, members))
    found = part_of(np.arange(members), np.full(members, members), np.full(members, parts))
    expected = [part for part, some in enumerate(np.array_split(np.arange(members), parts)) for _ in some]
    assert found.tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 40)), min_size=1, max_size=8), st.integers(2, 300))
def test_comparisons_are_those_of_all_parts_of_all_cells(cells: list[tuple[int, int]], total: int) -> None:
    askers, liers = np.array(cells, np.int64).T
    expected = 0
    for a, b in cells:
        parts = int(parts_of(np.array([a]), np.array([b]), total)[0])
        assert 0 < parts <= min(a, b) or parts == min(a, b) == 0
        if parts:
            pieces = zip(np.array_split(np.arange(a), parts), np.array_split(np.arange(b), parts), strict=True)
            expected += sum(len(some) * len(others) for some, others in pieces)
    assert comparisons([liers, askers], liers, total) - comparisons([liers], liers, total) == expected
