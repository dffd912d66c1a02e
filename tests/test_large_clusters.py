"""Components of more texts than all pairs of which are judged."""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import Record, Settings, clusters, find_clusters
from dedup.clusters import FEW, LARGE, STEPS, Clustering, cluster
from dedup.editions import WITNESSES, editions
from dedup.model import CandidatePair, Link
from dedup.pipeline import NOT_JUDGED

from .stages import link
from .test_clusters import Matrix, Pair, groups_of, run, uniform


@pytest.fixture
def small() -> Iterator[None]:
    """As if more than six texts were many."""
    with patch.object(clusters, "LARGE", 6), patch.object(clusters, "FEW", 4):
        yield


def star_and_chain(members: Sequence[int]) -> list[Pair]:
    """What finders bring of a large group."""
    pairs = {(members[0], other) for other in members[1:]} | set(pairwise(members))
    return sorted((min(pair), max(pair)) for pair in pairs)


@pytest.mark.parametrize(("probability", "each"), [(0.95, WITNESSES), (0.7, FEW // 2 + STEPS[1][0])])
def test_near_copies_cost_a_number_of_judgements_each_that_does_not_grow(probability: float, each: int) -> None:
    for size in (LARGE + 1, 3 * LARGE):
        links = star_and_chain(range(size))
        found, asked = run(uniform(size, probability), links, ["en"] * size)
        assert groups_of(found) == [tuple(range(size))]
        assert len(asked) <= each * size
        assert found.not_judged == size * (size - 1) // 2 - len(links) - len(asked)
        assert found.clusters[0].confidence == pytest.approx(probability)


@st.composite
def articles(draw: st.DrawFn) -> tuple[Matrix, list[Pair], list[str], list[tuple[int, ...]]]:
    """Several articles of many texts each in several languages, sure within, plainly not one between; some pairs are
    links, also wrong ones; the articles.
    """
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))
    of = draw(st.permutations([number for number, size in enumerate(sizes) for _ in range(size)]))
    languages = draw(st.lists(st.sampled_from("abc"), min_size=len(of), max_size=len(of)))
    within, between = st.floats(0.91, 1.0), st.floats(0.0, 0.1)
    matrix = {(i, j): draw(within if of[i] == of[j] else between) for i, j in combinations(range(len(of)), 2)}
    true = [tuple(place for place, one in enumerate(of) if one == number) for number in range(len(sizes))]
    links = {pair for some in true for pair in star_and_chain(some)}
    links |= set(draw(st.lists(st.sampled_from(sorted(matrix)), max_size=20))) if matrix else set()
    return matrix, sorted(links), languages, sorted(some for some in true if len(some) > 1)


@pytest.mark.usefixtures("small")
@given(articles(), st.data())
def test_articles_that_are_plainly_apart_are_found_whichever_pairs_are_links(
    problem: tuple[Matrix, list[Pair], list[str], list[tuple[int, ...]]], data: st.DataObject
) -> None:
    matrix, links, languages, true = problem
    found, asked = run(matrix, links, languages)
    assert groups_of(found) == true
    assert len(asked) == len(set(asked)) and not set(asked) & set(links)
    assert found == run(matrix, data.draw(st.permutations(links)), languages)[0]
    within = {pair for some in true for pair in combinations(some, 2)}
    judged = {*links, *asked} & within
    assert found.not_judged == len(within) - len(judged)
    for one in found.clusters:
        assert one.weakest is not None
        assert one.weakest.probability == min(matrix[pair] for pair in judged if pair[0] in one.members)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("languages", ["one", "several"])
def test_one_wrong_link_does_not_join_two_large_groups(languages: str) -> None:
    size = 40
    matrix = {(i, j): 0.97 if (i < size) == (j < size) else 0.02 for i, j in combinations(range(2 * size), 2)}
    matrix[0, size] = 0.95
    links = [*star_and_chain(range(size)), *star_and_chain(range(size, 2 * size)), (0, size)]
    found, _ = run(matrix, links, ["en"] * 2 * size if languages == "one" else [f"{i % 37}" for i in range(2 * size)])
    assert groups_of(found) == [tuple(range(size)), tuple(range(size, 2 * size))]


@pytest.mark.usefixtures("small")
def test_links_that_finders_choose_are_no_sample() -> None:
    """Every text of one group has a probable link into the other, and all other pairs speak against it."""
    size = 30
    matrix = {(i, j): 0.97 if (i < size) == (j < size) else 0.02 for i, j in combinations(range(2 * size), 2)}
    wrong = {(i, i + size): 0.95 for i in range(size)}
    links = [*star_and_chain(range(size)), *star_and_chain(range(size, 2 * size)), *wrong]
    found, _ = run(matrix | wrong, links, [f"{i}" for i in range(2 * size)])
    assert groups_of(found) == [tuple(range(size)), tuple(range(size, 2 * size))]


def test_forms_with_other_figures_are_not_one_because_each_resembles_the_empty_form() -> None:
    size = LARGE + 50
    matrix = uniform(size, 0.05) | {(0, other): 0.95 for other in range(1, size)}
    found, asked = run(matrix, [(0, other) for other in range(1, size)], ["en"] * size)
    assert [len(group) for group in groups_of(found)] == [2]
    assert len(asked) <= WITNESSES * size


def test_two_floods_are_joined_by_a_sample_of_their_pairs() -> None:
    size = LARGE
    matrix = uniform(2 * size, 0.95)
    links = [*star_and_chain(range(size)), *star_and_chain(range(size, 2 * size)), (3, size + 7)]
    found, asked = run(matrix, links, [f"{i >= size}" for i in range(2 * size)])
    assert groups_of(found) == [tuple(range(2 * size))]
    assert len(asked) <= 2 * size * WITNESSES + STEPS[0][0]


def test_a_mean_near_to_what_is_asked_takes_a_larger_sample() -> None:
    size = LARGE
    within = {(i, j) for i, j in combinations(range(2 * size), 2) if (i < size) == (j < size)}
    links = [*star_and_chain(range(size)), *star_and_chain(range(size, 2 * size)), (0, size)]
    for odd, joined in ((3, True), (2, False)):
        # Between the groups odd of five pairs are sure.
        matrix = {p: 0.95 if p in within or (p[0] + p[1]) % 5 < odd else 0.0 for p in combinations(range(2 * size), 2)}
        matrix[0, size] = 0.9
        found, asked = run(matrix, links, [f"{i >= size}" for i in range(2 * size)])
        assert (groups_of(found) == [tuple(range(2 * size))]) is joined
        assert len(asked) <= 2 * size * WITNESSES + STEPS[-1][0]


@pytest.mark.usefixtures("small")
def test_without_a_judge_what_is_known_decides() -> None:
    size = 20
    known = [link(*pair, 0.95) for pair in star_and_chain(range(size))]
    found = cluster(known, ["en"] * size, None, 0.5)
    assert groups_of(found) == [tuple(range(size))]
    assert found.judged == 0
    assert cluster(known, ["en"] * size, None, 0.96) == Clustering((), 0)


def test_components_that_are_clustered_elsewhere_give_the_same() -> None:
    size = LARGE + 10
    matrix = uniform(2 * size, 0.01) | {
        (i, j): 0.95 for i, j in combinations(range(2 * size), 2) if (i < size) == (j < size)
    }

    def judge(pair: CandidatePair) -> Link:
        return link(pair.left, pair.right, matrix[pair.left, pair.right], pair.found_by)

    links = [
        link(*pair, matrix[pair]) for some in (range(size), range(size, 2 * size)) for pair in star_and_chain(some)
    ]
    languages = ["en"] * 2 * size
    alone = cluster(links, languages, judge, 0.5)
    with patch.object(clusters, "WORTH", 1):
        assert cluster(links, languages, judge, 0.5, workers=2) == alone


# --- editions


def edited(matrix: Matrix, links: Sequence[Pair], languages: Sequence[str]) -> list[list[int]]:
    known = [link(*pair, matrix[pair]) for pair in links]
    return editions(range(len(languages)), known, languages, matrix.__getitem__, 0.5)


def test_editions_are_sure_of_the_first_and_of_witnesses() -> None:
    matrix = uniform(5, 0.95)
    assert edited(matrix, star_and_chain(range(5)), ["en"] * 5) == [[0, 1, 2, 3, 4]]
    assert edited(matrix | {(1, 4): 0.85}, star_and_chain(range(5)), ["en"] * 5) == [[0, 1, 2, 3]]
    assert edited(uniform(5, 0.85), star_and_chain(range(5)), ["en"] * 5) == []


def test_editions_are_in_one_language() -> None:
    matrix = uniform(4, 0.99)
    assert edited(matrix, list(matrix), ["en", "fr", "en", "fr"]) == [[0, 2], [1, 3]]


def test_a_text_is_an_edition_of_what_it_is_most_probably_one_with() -> None:
    matrix = {(0, 1): 0.2, (0, 2): 0.92, (1, 2): 0.97}
    assert edited(matrix, list(matrix), ["en"] * 3) == [[1, 2]]
    assert edited(matrix | {(0, 2): 0.97}, list(matrix), ["en"] * 3) == [[0, 2]]


def test_a_judged_pair_below_the_threshold_keeps_a_text_from_being_an_edition() -> None:
    count = 3 * WITNESSES
    matrix = uniform(count, 0.95) | {(1, count - 1): 0.4}
    assert edited(matrix, [*star_and_chain(range(count)), (1, count - 1)], ["en"] * count) == [list(range(count - 1))]


# --- in a run


def test_a_run_with_a_flood_of_near_copies_says_what_was_not_judged() -> None:
    story = (
        "The council met in the old town hall on Tuesday and agreed, after long debate, to mend the harbour wall. "
        "Fishermen had asked for it since the storm, and the mayor called the vote a victory of patience. "
        "Work begins in spring, when the boats lie on land, and is to take until the first autumn gales."
    )
    records = [
        Record(f"{i:03}", f"{story} Posted by reader {chr(97 + i % 26)}{chr(97 + i // 26)}.") for i in range(300)
    ]
    report = find_clusters(records, Settings(confirm="never"))
    assert [len(one.members) for one in report.clusters] == [300]
    counts = {stage.stage: stage.pairs for stage in report.funnel}
    assert counts["judged"] + counts[NOT_JUDGED] == 300 * 299 // 2
    assert counts["judged"] < 40 * 300
