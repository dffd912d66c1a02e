import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup import candidates
from dedup.candidates import GROUP_LIMIT, band_keys, nearest, pairs_in_groups, propose, sharing_facts
from dedup.evidence import Subject
from dedup.fingerprints import minhash_signatures
from dedup.model import Embedding, Finder
from dedup.settings import Settings

from .stages import calibration, subjects

TEXTS = [
    "The commune received 402 files in July and solved 317 of them, says the district office.",
    "The commune received 402 files in July and solved 317 of them, said the district office.",
    "Das Dorf bekam im Juli 402 Akten und erledigte 317 davon, teilt das Amt mit.",
    "Bees live in hives and make honey from the nectar of flowers all summer long.",
]
KEYS = [
    frozenset({"//example.org/a"}),
    frozenset[str](),
    frozenset({"//example.org/a"}),
    frozenset({"//example.org/b"}),
]


def placed(vectors: Sequence[Sequence[float]] | NDArray[np.floating], languages: Sequence[str]) -> list[Subject]:
    """Subjects with these document vectors; all else about them is of no account."""
    blank = subjects(["text"])[0]
    rows = np.asarray(vectors, np.float32)
    return [
        replace(blank, language=language, embedding=Embedding(row[None, :], row))
        for row, language in zip(rows, languages, strict=True)
    ]


def test_the_union_names_every_finder_of_a_pair() -> None:
    found = propose(KEYS, subjects(TEXTS, ["en", "en", "de", "en"]), calibration(), Settings(neighbours=1))
    by_pair = {(p.left, p.right): p.found_by for p in found.pairs}
    assert by_pair[0, 1] == (Finder.BANDS, Finder.FACTS, Finder.VECTORS)
    assert by_pair[0, 2][:2] == (Finder.SOURCE_URL, Finder.FACTS)
    assert Finder.SOURCE_URL not in by_pair.get((2, 3), ())
    assert list(found.pairs) == sorted(found.pairs)


def test_the_funnel_counts_what_each_finder_brought() -> None:
    found = propose(KEYS, subjects(TEXTS, ["en", "en", "de", "en"]), calibration(), Settings(neighbours=1))
    counts = {stage.stage: stage.pairs for stage in found.funnel}
    assert counts["source-url"] == 1
    assert counts["bands"] == 1
    assert counts["facts"] == 3
    assert counts["candidates"] == len(found.pairs)
    assert "left out of large groups" not in counts


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare_is_no_candidate(count: int) -> None:
    found = propose([frozenset()] * count, subjects(TEXTS[:count]) if count else [], calibration(), Settings())
    assert found.pairs == ()


@settings(max_examples=20)
@given(st.permutations(range(4)))
def test_the_order_of_the_articles_does_not_matter(order: list[int]) -> None:
    languages = ["en", "en", "de", "en"]
    chosen = Settings(neighbours=3)
    here = propose(KEYS, subjects(TEXTS, languages), calibration(), chosen)
    shuffled = propose(
        [KEYS[i] for i in order],
        subjects([TEXTS[i] for i in order], [languages[i] for i in order]),
        calibration(),
        chosen,
    )
    assert shuffled.funnel == here.funnel
    back = {(*sorted((order[p.left], order[p.right])), p.found_by) for p in shuffled.pairs}
    assert back == {(p.left, p.right, p.found_by) for p in here.pairs}


@settings(max_examples=20)
@given(st.permutations(range(30)), st.integers(1, 6))
def test_the_order_of_vectors_does_not_matter_where_none_are_equally_near(order: list[int], count: int) -> None:
    vectors = np.random.default_rng(9).normal(size=(30, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    languages = np.array([f"{i % 4}" for i in range(30)])
    shuffled = nearest(placed(vectors[order], languages[order].tolist()), count)
    assert {tuple(sorted((order[a], order[b]))) for a, b in shuffled} == nearest(
        placed(vectors, languages.tolist()), count
    )


# --- groups


def test_all_pairs_of_a_small_group() -> None:
    pairs, left_out = pairs_in_groups([(1, 4, 7), (4, 9)])
    assert pairs == {(1, 4), (1, 7), (4, 7), (4, 9)}
    assert left_out == 0


def test_a_large_group_is_a_star_and_a_chain_and_the_rest_is_counted() -> None:
    size = GROUP_LIMIT + 1
    pairs, left_out = pairs_in_groups([tuple(range(size))])
    assert pairs == {(0, i) for i in range(1, size)} | {(i, i + 1) for i in range(size - 1)}
    assert len(pairs) + left_out == size * (size - 1) // 2


def test_a_group_that_many_keys_share_is_counted_once() -> None:
    size = GROUP_LIMIT + 1
    keys = [frozenset({"//example.org/a", "//example.org/b"})] * size
    found = propose(keys, placed(np.eye(size), ["en"] * size), calibration(), Settings(neighbours=1))
    expected = size * (size - 1) // 2 - (2 * size - 3)
    # The bands are equal too: the subjects here have one text.
    assert {s.stage: s.pairs for s in found.funnel}["left out of large groups"] == 2 * expected


# --- bands


def test_bands_cut_the_signature_in_order() -> None:
    (subject,) = subjects(["some text that is long enough"])
    keys = band_keys(subject.fingerprint, 32)
    assert [number for number, _ in keys] == list(range(32))
    assert b"".join(values for _, values in keys) == subject.fingerprint.signature.tobytes()


@pytest.mark.parametrize(("similarity", "least", "most"), [(0.8, 0.99, 1.0), (0.42, 0.4, 0.8), (0.05, 0.0, 0.05)])
def test_the_chance_of_a_shared_band_rises_with_similarity(similarity: float, least: float, most: float) -> None:
    rng = random.Random(3)  # noqa: S311
    chosen = Settings()
    shared = round(200 * 2 * similarity / (1 + similarity))  # of 200 shingles each
    hits = 0
    for trial in range(100):
        names = [f"{trial} {rng.random()}".encode() for _ in range(400)]
        two = minhash_signatures([set(names[:200]), {*names[:shared], *names[200 : 400 - shared]}], chosen)
        bands = [np.split(signature, chosen.bands) for signature in two]
        hits += any(np.array_equal(a, b) for a, b in zip(*bands, strict=True))
    assert least <= hits / 100 <= most


# --- facts


def test_rare_figures_that_two_articles_share_propose_them() -> None:
    numbers = [("402", "317", "5"), ("317", "402"), ("402",), ("5",)]
    assert sharing_facts(numbers, calibration({"5": 900})) == {(0, 1)}


def test_common_figures_weigh_little() -> None:
    numbers = [("1", "2", "3"), ("1", "2", "3")]
    assert sharing_facts(numbers, calibration({"1": 500, "2": 400, "3": 300})) == set()
    assert sharing_facts(numbers, calibration({"1": 5, "2": 20, "3": 30})) == {(0, 1)}


def test_figures_in_too_many_articles_propose_nothing() -> None:
    numbers = [("402", "317")] * (candidates.FACT_GROUP_LIMIT + 1)
    assert sharing_facts(numbers, calibration()) == set()
    assert len(sharing_facts(numbers[1:], calibration())) == 64 * 63 // 2


# --- vectors


def expected_nearest(vectors: NDArray[np.int64], languages: Sequence[str], count: int) -> set[tuple[int, int]]:
    pairs: set[tuple[int, int]] = set()
    for row, vector in enumerate(vectors):
        for same in (True, False):
            others = [i for i, code in enumerate(languages) if i != row and (code == languages[row]) == same]
            ranked = sorted(others, key=lambda i: (-int(vectors[i] @ vector), i))
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
        patch.setattr(candidates, "_CELLS", cells)
        assert nearest(placed(vectors, languages), count) == expected_nearest(steps, languages, count)


def test_of_equally_near_articles_the_first_are_taken() -> None:
    vectors = np.ones((300, 16), np.float32) / 4
    assert nearest(placed(vectors, ["en"] * 300), 3) == {(a, b) for a in range(3) for b in range(a + 1, 300)}


@pytest.mark.parametrize("cells", [1, 64 * 500, 10**7])
def test_blocks_and_memory_layout_change_no_neighbour(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(500, 384)).astype(np.float32)
    vectors[100:400] = vectors[:1]  # many ties
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    languages = [f"{i % 3}" for i in range(500)]
    expected = expected_nearest(np.rint(vectors * 4000).astype(np.int64), languages, 4)
    monkeypatch.setattr(candidates, "_CELLS", cells)
    assert nearest(placed(vectors, languages), 4) == expected
    assert nearest(placed(np.asfortranarray(vectors), languages), 4) == expected


def test_scalar_products_stay_exact_for_the_longest_vectors() -> None:
    component = 1 / 64
    steps = np.rint(np.full(4096, component) * candidates._SCALE)
    assert steps @ steps < 2**24
    one = np.zeros(4096)
    one[0] = 1.0
    worst = np.rint(np.full(4096, component) * candidates._SCALE + 0.499)
    assert worst @ worst < 2**24


def test_each_article_has_neighbours_in_its_own_language_and_in_others() -> None:
    vectors = np.eye(1, 8).repeat(8, axis=0)
    pairs = nearest(placed(vectors, list("aaaabbbb")), 1)
    assert {(0, 1), (0, 4)} <= pairs
    assert all(len([p for p in pairs if i in p]) >= 2 for i in range(8))


def test_pairs_are_named_in_ascending_order() -> None:
    pairs = nearest(placed(np.eye(6), ["en"] * 6), 5)
    assert pairs == set(combinations(range(6), 2))
