import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup import candidates
from dedup.candidates import GROUP_LIMIT, FactPairs, band_keys, nearest, pairs_in_groups, propose, sharing_facts
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
    assert candidates.LARGE_GROUPS not in counts
    assert candidates.COMMON_FIGURES not in counts


def test_the_funnel_counts_what_one_finder_alone_brought() -> None:
    found = propose(KEYS, subjects(TEXTS, ["en", "en", "de", "en"]), calibration(), Settings(neighbours=1))
    counts = {stage.stage: stage.pairs for stage in found.funnel}
    for finder in (Finder.SOURCE_URL, Finder.BANDS, Finder.FACTS, Finder.VECTORS):
        assert counts[f"{finder} alone"] == sum(pair.found_by == (finder,) for pair in found.pairs)
    assert counts["vectors alone"] > 0
    assert counts["bands alone"] == 0


def test_the_funnel_counts_what_common_figures_would_have_brought() -> None:
    size = candidates.FACT_GROUP_LIMIT + 1
    texts = [f"{word} 77123" for word in map(str, range(10_000, 10_000 + size))]
    found = propose([frozenset()] * size, subjects(texts), calibration(), Settings(neighbours=1))
    assert {s.stage: s.pairs for s in found.funnel}["left out of common figures"] == size * (size - 1) // 2


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
    for _ in range(100):
        hashes = np.array([rng.getrandbits(32) for _ in range(400)], np.uint32)
        two = minhash_signatures([hashes[:200], np.r_[hashes[:shared], hashes[200 : 400 - shared]]], chosen)
        bands = [np.split(signature, chosen.bands) for signature in two]
        hits += any(np.array_equal(a, b) for a, b in zip(*bands, strict=True))
    assert least <= hits / 100 <= most


# --- facts


def test_rare_figures_that_two_articles_share_propose_them() -> None:
    numbers = [("402", "317", "5"), ("317", "402"), ("402",), ("5",)]
    assert sharing_facts(numbers, calibration({"5": 900})).pairs == {(0, 1)}


def test_common_figures_weigh_little() -> None:
    numbers = [("1", "2", "3"), ("1", "2", "3")]
    assert sharing_facts(numbers, calibration({"1": 500, "2": 400, "3": 300})).pairs == set()
    assert sharing_facts(numbers, calibration({"1": 5, "2": 20, "3": 30})).pairs == {(0, 1)}


def test_figures_in_too_many_articles_propose_nothing_and_their_pairs_are_counted() -> None:
    numbers = [("402", "317")] * (candidates.FACT_GROUP_LIMIT + 1)
    assert sharing_facts(numbers, calibration()) == FactPairs(set(), 2 * (65 * 64 // 2))
    rare = sharing_facts(numbers[1:], calibration())
    assert (len(rare.pairs), rare.not_weighed) == (64 * 63 // 2, 0)


@pytest.mark.parametrize("numbers", [[], [()], [(), ()], [("402",)], [("402",), ()]])
def test_without_shared_figures_there_are_no_pairs(numbers: list[tuple[str, ...]]) -> None:
    assert sharing_facts(numbers, calibration()) == FactPairs(set(), 0)


def test_a_figure_of_many_digits_costs_no_more_than_its_length() -> None:
    numbers = [("1" * 100_000, "402"), ("402",), *(((f"{n}", f"{n + 1}")) for n in range(1_000, 3_000))]
    assert sharing_facts(numbers, calibration()).pairs == set()


def facts_by_definition(numbers: Sequence[Sequence[str]], rarity: Callable[[str], float], limit: int) -> FactPairs:
    """Pair by pair, figure by figure."""
    shared: dict[tuple[int, int], float] = defaultdict(float)
    holders: dict[str, list[int]] = defaultdict(list)
    for position, figures in enumerate(numbers):
        for figure in figures:
            holders[figure].append(position)
    for figure in sorted(holders):
        if len(holders[figure]) <= limit:
            for pair in combinations(holders[figure], 2):
                shared[pair] += rarity(figure)
    ignored = [len(some) for some in holders.values() if len(some) > limit]
    assume(all(abs(weight - candidates.FACT_WEIGHT) > 1e-4 for weight in shared.values()))
    pairs = {pair for pair, weight in shared.items() if weight >= candidates.FACT_WEIGHT}
    return FactPairs(pairs, sum(count * (count - 1) // 2 for count in ignored))


@given(
    st.lists(st.lists(st.integers(0, 30).map(str), max_size=8, unique=True), max_size=25),
    st.lists(st.integers(1, 900), min_size=31, max_size=31),
    st.integers(1, 8),
    st.sampled_from([1, 3, 20, 2**21]),
)
def test_facts_are_those_of_the_definition_whatever_the_block(
    numbers: list[list[str]], documents: list[int], limit: int, pairs_at_once: int
) -> None:
    by_hand = calibration({f"{figure}": count for figure, count in enumerate(documents)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "FACT_GROUP_LIMIT", limit)
        patch.setattr(candidates, "_FACT_PAIRS", pairs_at_once)
        assert sharing_facts(numbers, by_hand) == facts_by_definition(numbers, by_hand.rarity, limit)


@given(st.data())
def test_the_order_of_figures_changes_no_fact(data: st.DataObject) -> None:
    """Sums of floats would differ in the last digit, and one of them be on the other side of the threshold."""
    weights = {f"{n}": n + 2 for n in range(40)}
    figures = [f"{n}" for n in data.draw(st.lists(st.integers(0, 39), min_size=2, max_size=12, unique=True))]
    shuffled = data.draw(st.permutations(figures))
    here = sharing_facts([figures, figures], calibration(weights))
    assert sharing_facts([shuffled, figures], calibration(weights)) == here


# --- vectors


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


def test_one_language_with_many_near_texts_does_not_crowd_out_the_others() -> None:
    """A Thai text, its Lao translation, and 30 Spanish texts that are nearer to it than that."""
    directions = np.eye(40)
    near = [0.9 * directions[0] + 0.4 * directions[i] for i in range(2, 32)]
    vectors = np.array([directions[0], 0.8 * directions[0] + 0.6 * directions[1], *near])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = nearest(placed(vectors, ["th", "lo", *["es"] * 30]), 2)
    assert (0, 1) in pairs
    assert len([p for p in pairs if 0 in p]) >= 2


@pytest.mark.parametrize("sizes", [(3, 40), (40, 1), (1,) * 12, (5, 6, 7, 30)])
def test_where_few_languages_are_left_they_have_several_turns(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    languages = [f"{code}" for code, size in enumerate(sizes) for _ in range(size)]
    vectors = rng.normal(size=(len(languages), 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    steps = np.rint(vectors.astype(np.float32) * 4000).astype(np.int64)
    assert nearest(placed(vectors, languages), 10) == expected_nearest(steps, languages, 10)


def test_pairs_are_named_in_ascending_order() -> None:
    pairs = nearest(placed(np.eye(6), ["en"] * 6), 5)
    assert pairs == set(combinations(range(6), 2))
