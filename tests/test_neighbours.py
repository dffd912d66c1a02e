from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup import neighbours
from dedup.neighbours import blocks, exact, meetings, tables, whole_steps
from dedup.neighbours.steps import SCALE


def nearest(
    vectors: Sequence[Sequence[float]] | NDArray[np.floating], languages: Sequence[str], count: int
) -> set[tuple[int, int]]:
    """The pairs of the exact search."""
    found = neighbours.nearest(np.asarray(vectors, np.float32), languages, count)
    assert found.not_compared == 0
    return set(zip(found.left.tolist(), found.right.tolist(), strict=True))


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return rows


@settings(max_examples=20)
@given(st.permutations(range(30)), st.integers(1, 6))
def test_the_order_of_vectors_does_not_matter_where_none_are_equally_near(order: list[int], count: int) -> None:
    vectors = np.random.default_rng(9).normal(size=(30, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    languages = np.array([f"{i % 4}" for i in range(30)])
    shuffled = nearest(vectors[order], languages[order].tolist(), count)
    assert {tuple(sorted((order[a], order[b]))) for a, b in shuffled} == nearest(vectors, languages.tolist(), count)


# --- each with each


def expected_nearest(vectors: NDArray[np.int64], languages: Sequence[str], count: int) -> set[tuple[int, int]]:
    """Each article against each, in words: languages take turns, and the own language has turns of its own."""
    pairs: set[tuple[int, int]] = set()
    for row, vector in enumerate(vectors):
        turn: dict[int, int] = {}
        by_similarity = sorted(range(len(vectors)), key=lambda i: (-int(vectors[i] @ vector), i))
        seen: Counter[str] = Counter()
        for other in (i for i in by_similarity if i != row):
            turn[other] = seen[languages[other]]
            seen[languages[other]] += 1
        for same in (True, False):
            allowed = [i for i in by_similarity if i in turn and (languages[i] == languages[row]) == same]
            ranked = sorted(allowed, key=turn.__getitem__)  # stable: nearest first within a turn
            pairs.update((min(row, i), max(row, i)) for i in ranked[:count])
    return pairs


SMALL_VECTORS = st.lists(
    st.tuples(st.tuples(*[st.sampled_from([-1.0, 0.0, 0.6, 1.0])] * 3), st.sampled_from("abc")), min_size=2, max_size=20
)


@given(SMALL_VECTORS, st.integers(1, 5), st.sampled_from([1, 7, 30, 10**6]))
def test_nearest_are_those_of_a_full_search_whatever_the_block(
    rows: list[tuple[tuple[float, ...], str]], count: int, cells: int
) -> None:
    vectors, languages = [row[0] for row in rows], [row[1] for row in rows]
    steps = np.rint(np.asarray(vectors) * 4000).astype(np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "SIMILARITIES", cells)
        assert nearest(vectors, languages, count) == expected_nearest(steps, languages, count)


def test_of_equally_near_articles_the_first_are_taken() -> None:
    vectors = np.ones((300, 16), np.float32) / 4
    assert nearest(vectors, ["en"] * 300, 3) == {(a, b) for a in range(3) for b in range(a + 1, 300)}


@pytest.mark.parametrize("cells", [1, 64 * 500, 10**7])
def test_blocks_and_memory_layout_change_no_neighbour(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(500, 384)).astype(np.float32)
    vectors[100:400] = vectors[:1]  # many ties
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    languages = [f"{i % 3}" for i in range(500)]
    expected = expected_nearest(np.rint(vectors * 4000).astype(np.int64), languages, 4)
    monkeypatch.setattr(blocks, "SIMILARITIES", cells)
    assert nearest(vectors, languages, 4) == expected
    assert nearest(np.asfortranarray(vectors), languages, 4) == expected


def test_scalar_products_stay_exact_for_the_longest_vectors() -> None:
    component = 1 / 64
    steps = np.rint(np.full(4096, component) * SCALE)
    assert steps @ steps < 2**24
    one = np.zeros(4096)
    one[0] = 1.0
    worst = np.rint(np.full(4096, component) * SCALE + 0.499)
    assert worst @ worst < 2**24


def test_each_article_has_neighbours_in_its_own_language_and_in_others() -> None:
    vectors = np.eye(1, 8).repeat(8, axis=0)
    pairs = nearest(vectors, list("aaaabbbb"), 1)
    assert {(0, 1), (0, 4)} <= pairs
    assert all(len([p for p in pairs if i in p]) >= 2 for i in range(8))


def test_one_language_with_many_near_texts_does_not_crowd_out_the_others() -> None:
    """A Thai text, its Lao translation, and 30 Spanish texts that are nearer to it than that."""
    directions = np.eye(40)
    near = [0.9 * directions[0] + 0.4 * directions[i] for i in range(2, 32)]
    vectors = np.array([directions[0], 0.8 * directions[0] + 0.6 * directions[1], *near])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = nearest(vectors, ["th", "lo", *["es"] * 30], 2)
    assert (0, 1) in pairs
    assert len([p for p in pairs if 0 in p]) >= 2


@pytest.mark.parametrize("sizes", [(3, 40), (40, 1), (1,) * 12, (5, 6, 7, 30)])
def test_where_few_languages_are_left_they_have_several_turns(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    languages = [f"{code}" for code, size in enumerate(sizes) for _ in range(size)]
    vectors = rng.normal(size=(len(languages), 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    steps = np.rint(vectors.astype(np.float32) * 4000).astype(np.int64)
    assert nearest(vectors, languages, 10) == expected_nearest(steps, languages, 10)


def test_pairs_are_named_in_ascending_order() -> None:
    pairs = nearest(np.eye(6), ["en"] * 6, 5)
    assert pairs == set(combinations(range(6), 2))


# --- some among others


@given(SMALL_VECTORS, SMALL_VECTORS, st.integers(1, 5), st.sampled_from([1, 7, 10**6]), st.sampled_from([1, 3, 100]))
def test_nearest_among_others_are_those_of_a_full_search_from_the_side_that_asks(
    rows: list[tuple[tuple[float, ...], str]],
    others: list[tuple[tuple[float, ...], str]],
    count: int,
    cells: int,
    columns: int,
) -> None:
    languages = sorted({language for _, language in (*rows, *others)})
    asking, known = (
        whole_steps(np.array([v for v, _ in some], np.float32)).astype(np.int16) for some in (rows, others)
    )
    codes = [np.array([languages.index(language) for _, language in some], np.int64) for some in (rows, others)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "SIMILARITIES", cells)
        patch.setattr(exact, "COLUMNS", columns)
        found = neighbours.nearest_among(asking, codes[0], codes[1], lambda some: known[some], count)
    pairs = list(zip(*(side.tolist() for side in found), strict=True))
    expected = set()
    for row, vector in enumerate(asking.astype(np.int64)):
        seen: Counter[str] = Counter()
        ranks: dict[int, int] = {}
        by_similarity = sorted(range(len(others)), key=lambda i: (-int(known[i].astype(np.int64) @ vector), i))
        for other in by_similarity:
            ranks[other] = seen[others[other][1]]
            seen[others[other][1]] += 1
        for same in (True, False):
            allowed = [i for i in by_similarity if (others[i][1] == rows[row][1]) == same]
            expected |= {(row, i) for i in sorted(allowed, key=ranks.__getitem__)[:count]}
    assert pairs == sorted(expected)


def test_nothing_is_near_where_there_is_nothing() -> None:
    none, one = np.empty(0, np.int64), np.zeros(1, np.int64)
    vectors = np.ones((1, 3), np.int16)
    assert [len(side) for side in neighbours.nearest_among(vectors[:0], none, one, lambda some: vectors[some], 3)] == [
        0,
        0,
    ]
    assert [len(side) for side in neighbours.nearest_among(vectors, one, none, lambda some: vectors[some], 3)] == [0, 0]


# --- by an index


def indexed(vectors: NDArray[np.floating], languages: Sequence[str], count: int) -> set[tuple[int, int]]:
    """The pairs that the index finds."""
    found = neighbours.nearest(vectors, languages, count, exact_limit=0)
    return set(zip(found.left.tolist(), found.right.tolist(), strict=True))


def codes_of(languages: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(languages, return_inverse=True)[1].astype(np.int64)


@settings(max_examples=40, deadline=None)
@given(SMALL_VECTORS, st.integers(1, 5), st.integers(1, 3))
def test_an_index_that_compares_all_finds_what_the_exact_search_does(
    rows: list[tuple[tuple[float, ...], str]], count: int, number: int
) -> None:
    vectors, languages = np.array([row[0] for row in rows], np.float32), [row[1] for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "TABLES", number)
        patch.setattr(tables, "PROBES", len(rows))  # then there are as many cells, and an article looks in all
        patch.setattr(blocks, "ROWS", 3)
        patch.setattr(meetings, "LARGE_CELL", len(rows))  # and none is cut, though all vectors may be equal
        white = neighbours.half_whitened(vectors, codes_of(languages))
        expected = expected_nearest(white.astype(np.int64), languages, count)
        assert indexed(vectors, languages, count) == expected


def pairs_of_near_vectors(pairs: int, cosine: float) -> tuple[NDArray[np.float32], list[str]]:
    """Vectors ``i`` and ``i + pairs`` are near; all else is at random. Languages are 0 to 6."""
    rng = np.random.default_rng(4)
    one, other = (unit(rng.normal(size=(pairs, 48))) for _ in range(2))
    both = np.concatenate([one, cosine * one + np.sqrt(1 - cosine**2) * other])
    return unit(both), [f"{i % 7}" for i in range(2 * pairs)]


def test_an_index_finds_near_vectors_and_counts_the_pairs_it_did_not_compare() -> None:
    vectors, languages = pairs_of_near_vectors(1_500, 0.85)
    found = neighbours.nearest(vectors, languages, 3, exact_limit=0)
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    assert sum((i, i + 1_500) in pairs for i in range(1_500)) >= 1_485
    assert 0.3 < found.not_compared / (3_000 * 2_999 / 2) < 1
    assert (found.left < found.right).all()
    keys = found.left.astype(np.int64) * 3_000 + found.right
    assert (np.diff(keys) > 0).all()


def test_blocks_change_nothing_that_an_index_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, languages = pairs_of_near_vectors(300, 0.8)
    vectors[100:160] = vectors[0]  # many ties
    here = indexed(vectors, languages, 3)
    monkeypatch.setattr(blocks, "SIMILARITIES", 1_000)
    monkeypatch.setattr(blocks, "ROWS", 37)
    assert indexed(np.asfortranarray(vectors), languages, 3) == here


def test_an_index_takes_whole_steps_for_what_they_are() -> None:
    vectors, languages = pairs_of_near_vectors(200, 0.8)
    assert indexed(whole_steps(vectors).astype(np.int16), languages, 3) == indexed(vectors, languages, 3)


def test_equal_vectors_are_not_all_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "TABLES", 2)
    vectors = np.ones((2_000, 8), np.float32) / np.sqrt(8, dtype=np.float32)
    found = neighbours.nearest(vectors, [f"{i % 2}" for i in range(2_000)], 2, exact_limit=0)
    assert found.not_compared > 0.5 * 2_000 * 1_999 / 2
    near = np.bincount(np.concatenate([found.left, found.right]), minlength=2_000)
    assert near.min() >= 4


def test_every_article_has_neighbours_of_both_sorts_though_cells_are_small() -> None:
    vectors, languages = pairs_of_near_vectors(500, 0.6)
    pairs = indexed(vectors, languages, 2)
    for same in (True, False):
        chosen = [pair for pair in pairs if (languages[pair[0]] == languages[pair[1]]) == same]
        assert len({position for pair in chosen for position in pair}) == 1_000


def test_half_whitening_takes_out_what_a_language_has_in_common_and_evens_the_directions() -> None:
    rng = np.random.default_rng(8)
    plain = rng.normal(size=(4_000, 16)) * np.linspace(0.2, 2, 16)
    plain[::2] += 3.0
    white = neighbours.half_whitened(unit(plain), np.arange(4_000, dtype=np.int64) % 2) / SCALE
    assert np.abs(np.linalg.norm(white, axis=1) - 1).max() < 0.001
    assert np.abs(white[::2].mean(axis=0) - white[1::2].mean(axis=0)).max() < 0.05
    spread, before = white.std(axis=0), unit(plain[1::2]).std(axis=0)
    assert spread.max() / spread.min() < 0.6 * before.max() / before.min()


def test_a_vector_of_zeros_stays_one_and_harms_no_other() -> None:
    vectors, languages = pairs_of_near_vectors(50, 0.9)
    vectors[7] = 0
    languages[7] = "alone"
    assert not neighbours.half_whitened(np.zeros((3, 8), np.float32), codes_of(["a", "b", "b"])).any()
    assert len(indexed(vectors, languages, 2)) > 100
