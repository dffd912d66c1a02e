import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup import candidates
from dedup.calibration import Calibration
from dedup.candidates import (
    GROUP_LIMIT,
    Candidates,
    Groups,
    groups_of_bands,
    pairs_in_groups,
    propose_among,
    sharing_facts,
)
from dedup.embed import in_steps
from dedup.evidence import Subject
from dedup.fingerprints import minhash_signatures
from dedup.model import CandidatePair, Embedding, Finder
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
        replace(blank, language=language, embedding=Embedding(*in_steps(row[None, :]), row))
        for row, language in zip(rows, languages, strict=True)
    ]


def as_pairs(keys: NDArray[np.int64], total: int) -> set[tuple[int, int]]:
    """Pairs that are numbers, as pairs."""
    assert (np.diff(keys) > 0).all()
    return {divmod(key, total) for key in keys.tolist()}


def groups(*members: Sequence[int]) -> Groups:
    return Groups(np.array([i for some in members for i in some], np.int64), np.array([len(m) for m in members]))


def facts_of(numbers: Sequence[Sequence[str]], calibration: Calibration) -> tuple[set[tuple[int, int]], int]:
    """The pairs that figures propose, and how many pairs were not weighed."""
    found = sharing_facts(numbers, calibration)
    return as_pairs(found.pairs, len(numbers)), found.not_weighed


def test_the_union_names_every_finder_of_a_pair() -> None:
    found = propose_among(KEYS, subjects(TEXTS, ["en", "en", "de", "en"]), calibration(), Settings(neighbours=1))
    by_pair = {(p.left, p.right): p.found_by for p in found.pairs}
    assert by_pair[0, 1] == (Finder.BANDS, Finder.FACTS, Finder.VECTORS)
    assert by_pair[0, 2][:2] == (Finder.SOURCE_URL, Finder.FACTS)
    assert Finder.SOURCE_URL not in by_pair.get((2, 3), ())
    assert list(found.pairs) == sorted(found.pairs)


def test_the_funnel_counts_what_each_finder_brought() -> None:
    found = propose_among(KEYS, subjects(TEXTS, ["en", "en", "de", "en"]), calibration(), Settings(neighbours=1))
    counts = {stage.stage: stage.pairs for stage in found.funnel}
    assert counts["source-url"] == 1
    assert counts["bands"] == 1
    assert counts["facts"] == 3
    assert counts["candidates"] == len(found.pairs)
    assert candidates.LARGE_GROUPS not in counts
    assert candidates.COMMON_FIGURES not in counts


def test_the_funnel_counts_what_one_finder_alone_brought() -> None:
    found = propose_among(KEYS, subjects(TEXTS, ["en", "en", "de", "en"]), calibration(), Settings(neighbours=1))
    counts = {stage.stage: stage.pairs for stage in found.funnel}
    for finder in (Finder.SOURCE_URL, Finder.BANDS, Finder.FACTS, Finder.VECTORS):
        assert counts[f"{finder} alone"] == sum(pair.found_by == (finder,) for pair in found.pairs)
    assert counts["vectors alone"] > 0
    assert counts["bands alone"] == 0


def test_the_funnel_counts_what_common_figures_would_have_brought() -> None:
    size = candidates.FACT_GROUP_LIMIT + 1
    texts = [f"{word} 77123" for word in map(str, range(10_000, 10_000 + size))]
    found = propose_among([frozenset()] * size, subjects(texts), calibration(), Settings(neighbours=1))
    assert {s.stage: s.pairs for s in found.funnel}["left out of common figures"] == size * (size - 1) // 2


def test_the_funnel_counts_the_pairs_that_an_index_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(3).normal(size=(400, 16))
    given_subjects = placed(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), ["en", "de"] * 200)
    exact = propose_among([frozenset()] * 400, given_subjects, calibration(), Settings(neighbours=1))
    assert candidates.NOT_COMPARED not in {s.stage for s in exact.funnel}
    monkeypatch.setattr("dedup.neighbours.search.EXACT_LIMIT", 399)
    monkeypatch.setattr("dedup.neighbours.tables.TABLES", 1)
    found = propose_among([frozenset()] * 400, given_subjects, calibration(), Settings(neighbours=1))
    assert {s.stage: s.pairs for s in found.funnel}[candidates.NOT_COMPARED] > 400 * 399 / 4


def test_candidates_are_a_sequence_of_pairs() -> None:
    pairs = [CandidatePair(0, 2, (Finder.SOURCE_URL, Finder.VECTORS)), CandidatePair(1, 2, (Finder.FACTS,))]
    columns = Candidates.of(pairs)
    assert (list(columns), len(columns), columns[1], columns[-2]) == (pairs, 2, pairs[1], pairs[0])
    assert columns[1:] == Candidates.of(pairs[1:]) != columns
    assert list(Candidates.of([])) == []


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare_is_no_candidate(count: int) -> None:
    found = propose_among([frozenset()] * count, subjects(TEXTS[:count]) if count else [], calibration(), Settings())
    assert not len(found.pairs)


@settings(max_examples=20)
@given(st.permutations(range(4)))
def test_the_order_of_the_articles_does_not_matter(order: list[int]) -> None:
    languages = ["en", "en", "de", "en"]
    chosen = Settings(neighbours=3)
    here = propose_among(KEYS, subjects(TEXTS, languages), calibration(), chosen)
    shuffled = propose_among(
        [KEYS[i] for i in order],
        subjects([TEXTS[i] for i in order], [languages[i] for i in order]),
        calibration(),
        chosen,
    )
    assert shuffled.funnel == here.funnel
    back = {(*sorted((order[p.left], order[p.right])), p.found_by) for p in shuffled.pairs}
    assert back == {(p.left, p.right, p.found_by) for p in here.pairs}


# --- groups


def test_all_pairs_of_a_small_group() -> None:
    pairs, left_out = pairs_in_groups([groups((1, 4, 7), (4, 9)), groups((1, 4))], 10)
    assert as_pairs(pairs, 10) == {(1, 4), (1, 7), (4, 7), (4, 9)}
    assert left_out == 0


def test_a_large_group_is_a_star_and_a_chain_and_the_rest_is_counted() -> None:
    size = GROUP_LIMIT + 1
    pairs, left_out = pairs_in_groups([groups(range(size), (3, 70)), groups(range(size))], 100)
    assert as_pairs(pairs, 100) == {(3, 70)} | {(0, i) for i in range(1, size)} | {(i, i + 1) for i in range(size - 1)}
    assert len(pairs) - 1 + left_out == size * (size - 1) // 2


def test_a_group_that_many_keys_share_is_counted_once() -> None:
    size = GROUP_LIMIT + 1
    keys = [frozenset({"//example.org/a", "//example.org/b"})] * size
    found = propose_among(keys, placed(np.eye(size), ["en"] * size), calibration(), Settings(neighbours=1))
    expected = size * (size - 1) // 2 - (2 * size - 3)
    # The bands are equal too: the subjects here have one text.
    assert {s.stage: s.pairs for s in found.funnel}["left out of large groups"] == 2 * expected


# --- bands


def grouped_by_definition(signatures: NDArray[np.uint32], bands: int) -> set[tuple[int, ...]]:
    """By the values of each band."""
    holders: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for position, signature in enumerate(signatures):
        for number, band in enumerate(np.split(signature, bands)):
            holders[number, band.tobytes()].append(position)
    return {tuple(members) for members in holders.values() if len(members) > 1}


def pairs_by_definition(members_of: set[tuple[int, ...]], limit: int) -> tuple[set[tuple[int, int]], int]:
    """All pairs of a small group, a star and a chain of a large one."""
    pairs: set[tuple[int, int]] = set()
    left_out = 0
    for members in members_of:
        every = set(combinations(members, 2))
        kept = (
            {(members[0], other) for other in members[1:]} | set(pairwise(members)) if len(members) > limit else every
        )
        left_out += len(every) - len(kept)
        pairs |= kept
    return pairs, left_out


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=8, max_size=8), max_size=25),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(2, 6),
    st.sampled_from([0x9E3779B97F4A7C15, 0]),
)
def test_groups_of_bands_are_those_of_the_definition_whatever_the_hash(
    rows: list[list[int]], bands: int, limit: int, factor: int
) -> None:
    signatures = np.array(rows, np.uint32).reshape(len(rows), 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "GROUP_LIMIT", limit)
        patch.setattr(candidates, "_HASH_FACTOR", np.uint64(factor))
        pairs, left_out = pairs_in_groups(groups_of_bands(signatures, bands), len(rows))
    assert (as_pairs(pairs, len(rows)), left_out) == pairs_by_definition(
        grouped_by_definition(signatures, bands), limit
    )


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
    assert facts_of(numbers, calibration({"5": 900}))[0] == {(0, 1)}


def test_common_figures_weigh_little() -> None:
    numbers = [("1", "2", "3"), ("1", "2", "3")]
    assert facts_of(numbers, calibration({"1": 500, "2": 400, "3": 300}))[0] == set()
    assert facts_of(numbers, calibration({"1": 5, "2": 20, "3": 30}))[0] == {(0, 1)}


def test_figures_in_too_many_articles_propose_nothing_and_their_pairs_are_counted() -> None:
    numbers = [("402", "317")] * (candidates.FACT_GROUP_LIMIT + 1)
    assert facts_of(numbers, calibration()) == (set(), 2 * (65 * 64 // 2))
    rare = sharing_facts(numbers[1:], calibration())
    assert (len(rare.pairs), rare.not_weighed) == (64 * 63 // 2, 0)


@pytest.mark.parametrize("numbers", [[], [()], [(), ()], [("402",)], [("402",), ()]])
def test_without_shared_figures_there_are_no_pairs(numbers: list[tuple[str, ...]]) -> None:
    assert facts_of(numbers, calibration()) == (set(), 0)


def test_a_figure_of_many_digits_costs_no_more_than_its_length() -> None:
    numbers = [("1" * 100_000, "402"), ("402",), *(((f"{n}", f"{n + 1}")) for n in range(1_000, 3_000))]
    assert facts_of(numbers, calibration())[0] == set()


def facts_by_definition(
    numbers: Sequence[Sequence[str]], rarity: Callable[[str], float], limit: int
) -> tuple[set[tuple[int, int]], int]:
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
    return pairs, sum(count * (count - 1) // 2 for count in ignored)


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
        assert facts_of(numbers, by_hand) == facts_by_definition(numbers, by_hand.rarity, limit)


@given(st.data())
def test_the_order_of_figures_changes_no_fact(data: st.DataObject) -> None:
    """Sums of floats would differ in the last digit, and one of them be on the other side of the threshold."""
    weights = {f"{n}": n + 2 for n in range(40)}
    figures = [f"{n}" for n in data.draw(st.lists(st.integers(0, 39), min_size=2, max_size=12, unique=True))]
    shuffled = data.draw(st.permutations(figures))
    here = facts_of([figures, figures], calibration(weights))
    assert facts_of([shuffled, figures], calibration(weights)) == here
