import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dedup import clusters
from dedup.clusters import LARGE, MOST_CORROBORATION, SAMPLE, Clustering, cluster, cluster_component, components
from dedup.clusters import asked as asked_of
from dedup.model import CandidatePair, Evidence, Finder, Link
from dedup.screen import LEAST

from .stages import link

Pair = tuple[int, int]
Matrix = dict[Pair, float]


def run(
    matrix: Matrix, linked: Sequence[Pair], languages: Sequence[str], threshold: float = 0.5
) -> tuple[Clustering, list[Pair]]:
    """Cluster with the pairs ``linked`` as links and the others judged when asked for; and which those were."""
    asked: list[Pair] = []

    def judge(pair: CandidatePair) -> Link:
        assert pair.found_by == (Finder.CLUSTER,)
        asked.append((pair.left, pair.right))
        return link(pair.left, pair.right, matrix[pair.left, pair.right], pair.found_by)

    return cluster([link(*pair, matrix[pair]) for pair in linked], languages, judge, threshold), asked


def groups_of(clustering: Clustering) -> list[tuple[int, ...]]:
    return [c.members for c in clustering.clusters]


def average_linkage(
    matrix: Matrix, languages: Sequence[str], threshold: float, joinable: Callable[[Sequence[Pair]], bool]
) -> list[tuple[int, ...]]:
    """The textbook algorithm: every pair judged, all means taken anew at each step, in exact arithmetic."""
    groups = [[i] for i in range(len(languages))]
    while True:
        best: tuple[float, int, int] | None = None
        for a, b in combinations(range(len(groups)), 2):
            pairs = [(min(p), max(p)) for p in product(groups[a], groups[b])]
            veto = any(languages[i] == languages[j] and matrix[i, j] < threshold for i, j in pairs)
            mean = float(sum(Fraction(matrix[p]) for p in pairs) / len(pairs))
            sizes = sorted((len(groups[a]), len(groups[b])))
            wanted = asked_of(threshold, sizes[1] / sizes[0])
            linked = any(matrix[pair] >= threshold for pair in pairs)
            if mean >= wanted and linked and not veto and joinable(pairs) and (best is None or -mean < best[0]):
                best = (-mean, a, b)
        if best is None:
            return [tuple(group) for group in groups if len(group) > 1]
        _, a, b = best
        groups[a] = sorted(groups[a] + groups.pop(b))
        groups.sort()


def components_of(edges: Sequence[Pair], count: int) -> list[int]:
    """The smallest position in the component of each, by scipy."""
    graph = coo_array((np.ones(len(edges)), tuple(np.array(edges, int).reshape(-1, 2).T)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    return [labels.tolist().index(label) for label in labels.tolist()]


PROBABILITY = st.sampled_from([0.02, 0.1, 0.3, 0.4, 0.5, 0.6, 0.9, 0.97, 1.0]) | st.floats(0.02, 1.0)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Matrix, list[str], float]:
    count = draw(st.integers(2, 9))
    languages = draw(st.lists(st.sampled_from("abc"), min_size=count, max_size=count))
    matrix = {pair: draw(PROBABILITY) for pair in combinations(range(count), 2)}
    return matrix, languages, draw(st.sampled_from([0.3, 0.5, 0.7]))


@settings(max_examples=300)
@given(problems(), st.data())
def test_lazy_judging_gives_average_linkage_if_every_pair_at_the_threshold_is_a_link(
    problem: tuple[Matrix, list[str], float], data: st.DataObject
) -> None:
    matrix, languages, threshold = problem
    links = [pair for pair, p in matrix.items() if p >= threshold or data.draw(st.booleans())]
    found, _ = run(matrix, links, languages, threshold)
    assert groups_of(found) == average_linkage(matrix, languages, threshold, lambda _pairs: True)
    for c in found.clusters:
        means = [
            float(sum(Fraction(matrix[min(i, j), max(i, j)]) for j in c.members if j != i) / (len(c.members) - 1))
            for i in c.members
        ]
        assert c.confidence == pytest.approx(min(means))


@settings(max_examples=300)
@given(problems(), st.data())
def test_with_any_links_it_gives_average_linkage_among_linked_groups_of_one_component(
    problem: tuple[Matrix, list[str], float], data: st.DataObject
) -> None:
    matrix, languages, threshold = problem
    links = [pair for pair in matrix if data.draw(st.booleans())]
    component = components_of([pair for pair in links if matrix[pair] >= threshold], len(languages))

    def joinable(pairs: Sequence[Pair]) -> bool:
        return not set(links).isdisjoint(pairs) and all(component[i] == component[j] for i, j in pairs)

    found, _ = run(matrix, links, languages, threshold)
    assert groups_of(found) == average_linkage(matrix, languages, threshold, joinable)


@given(problems(), st.data())
def test_the_order_of_the_links_changes_nothing(problem: tuple[Matrix, list[str], float], data: st.DataObject) -> None:
    matrix, languages, threshold = problem
    links = [pair for pair in matrix if data.draw(st.booleans())]
    shuffled = data.draw(st.permutations(links))
    assert run(matrix, links, languages, threshold) == run(matrix, shuffled, languages, threshold)


@given(problems(), st.permutations(range(9)))
def test_the_order_of_the_records_changes_nothing_where_no_two_means_are_equal(
    problem: tuple[Matrix, list[str], float], order: list[int]
) -> None:
    matrix, languages, threshold = problem
    count = len(languages)
    # Powers of 1/2 added make any two sums of different pairs different.
    matrix = {pair: p * 0.9 + 2.0 ** -(n + 8) for n, (pair, p) in enumerate(matrix.items())}
    new = {old: place for place, old in enumerate(i for i in order if i < count)}
    moved = {(min(new[i], new[j]), max(new[i], new[j])): p for (i, j), p in matrix.items()}
    moved_languages = [code for _, code in sorted((new[i], code) for i, code in enumerate(languages))]
    here, _ = run(matrix, list(matrix), languages, threshold)
    there, _ = run(moved, list(moved), moved_languages, threshold)
    assert sorted(tuple(sorted(new[i] for i in c)) for c in groups_of(here)) == groups_of(there)


@given(problems())
def test_the_mean_of_a_cluster_reaches_what_is_asked_and_no_pair_is_judged_twice(
    problem: tuple[Matrix, list[str], float],
) -> None:
    matrix, languages, threshold = problem
    links = [pair for pair, p in matrix.items() if p >= threshold]
    found, asked = run(matrix, links, languages, threshold)
    assert len(asked) == len(set(asked)) == found.judged
    assert not set(asked) & set(links)
    for c in found.clusters:
        pairs = list(combinations(c.members, 2))
        assert sum(matrix[p] for p in pairs) / len(pairs) >= asked_of(threshold, 2 * MOST_CORROBORATION**2) - 1e-9
        assert {member for one in c.links for member in (one.left, one.right)} == set(c.members)
        assert all(matrix[i, j] >= threshold for i, j in pairs if languages[i] == languages[j])
        assert c.weakest is not None
        assert (c.weakest.left, c.weakest.right) == min(pairs, key=lambda pair: (matrix[pair], pair))
        assert c.weakest.probability == min(matrix[pair] for pair in pairs)
        assert [(one.left, one.right) for one in c.links] == [pair for pair in pairs if matrix[pair] >= threshold]


def uniform(count: int, probability: float) -> Matrix:
    return dict.fromkeys(combinations(range(count), 2), probability)


def test_a_chain_of_links_does_not_chain() -> None:
    matrix = uniform(6, 0.01) | {(i, i + 1): 0.9 for i in range(5)}
    found, _ = run(matrix, [(i, i + 1) for i in range(5)], list("abcdef"))
    assert max(map(len, groups_of(found))) == 2


def two_articles(size: int) -> tuple[Matrix, list[Pair]]:
    """Two articles in ``size`` languages each, well linked within, and one wrong link between them."""
    matrix = {(i, j): 0.97 if (i < size) == (j < size) else 0.02 for i, j in combinations(range(2 * size), 2)} | {
        (0, size): 0.95
    }
    return matrix, [pair for pair, p in matrix.items() if p > 0.5]


def test_one_wrong_link_does_not_join_two_good_clusters() -> None:
    matrix, links = two_articles(5)
    found, _ = run(matrix, links, list("abcdefghij"))
    assert groups_of(found) == [tuple(range(5)), tuple(range(5, 10))]


@st.composite
def two_groups(draw: st.DrawFn) -> tuple[Matrix, int, float]:
    """Two groups of two or more, certain within (0.9 or more), and one wrong link among low pairs (0.1 or less)
    between them; where the second begins, and how probable the wrong link is.
    """
    first, second = draw(st.integers(2, 5)), draw(st.integers(2, 5))
    matrix = {
        (i, j): draw(st.floats(0.9, 1.0) if (i < first) == (j < first) else st.floats(0.02, 0.1))
        for i, j in combinations(range(first + second), 2)
    }
    wrong = draw(st.sampled_from([0.5, 0.89, 1.0]) | st.floats(0.5, 1.0))
    matrix[draw(st.integers(0, first - 1)), draw(st.integers(first, first + second - 1))] = wrong
    return matrix, first, wrong


@settings(max_examples=300)
@given(two_groups(), st.booleans(), st.data())
def test_no_single_wrong_link_joins_two_groups(
    groups: tuple[Matrix, int, float], one_language: bool, data: st.DataObject
) -> None:
    matrix, first, wrong = groups
    count = max(j for _, j in matrix) + 1
    languages = ["en"] * count if one_language else [f"{i}" for i in range(count)]
    links = [pair for pair, p in matrix.items() if p >= 0.5 or data.draw(st.booleans())]
    found = groups_of(run(matrix, links, languages)[0])
    for members in found:
        of_first = sum(member < first for member in members)
        assert min(of_first, len(members) - of_first) <= 1  # one text may be drawn over, never a group
    if wrong < min(p for (i, j), p in matrix.items() if (i < first) == (j < first)):
        assert found == [tuple(range(first)), tuple(range(first, count))]


def test_a_wrong_link_that_is_surer_than_the_right_ones_draws_over_one_text() -> None:
    matrix = {(0, 1): 0.97, (2, 3): 0.97, (0, 2): 0.99, (0, 3): 0.1, (1, 2): 0.1, (1, 3): 0.1}
    found, _ = run(matrix, [pair for pair, p in matrix.items() if p > 0.5], list("abcd"))
    assert groups_of(found) == [(0, 1, 2)]
    assert found.clusters[0].weakest == link(1, 2, 0.1, (Finder.CLUSTER,))


def lone_text_and_group(size: int, probability: float, link: float) -> tuple[Matrix, list[str]]:
    """A group of ``size`` texts, and one more that they find as probable, the first of them ``link``."""
    matrix = uniform(size, 0.95) | {(i, size): probability for i in range(size)} | {(0, size): link}
    return matrix, [f"{i}" for i in range(size + 1)]


def test_many_members_vouch_for_a_text_that_each_finds_a_little_improbable() -> None:
    matrix, languages = lone_text_and_group(8, 0.4, link=0.6)
    assert groups_of(run(matrix, list(matrix), languages)[0]) == [tuple(range(9))]
    matrix, languages = lone_text_and_group(3, 0.4, link=0.5)
    assert groups_of(run(matrix, list(matrix), languages)[0]) == [(0, 1, 2)]


def test_a_text_without_a_link_joins_nothing_however_many_members_vouch_for_it() -> None:
    matrix, languages = lone_text_and_group(20, 0.49, link=0.49)
    assert groups_of(run(matrix, list(matrix), languages)[0]) == [tuple(range(20))]


def test_two_groups_of_one_size_do_not_vouch_for_each_other() -> None:
    matrix = {(i, j): 0.95 if (i < 6) == (j < 6) else 0.45 for i, j in combinations(range(12), 2)} | {(0, 6): 0.9}
    found, _ = run(matrix, list(matrix), [f"{i}" for i in range(12)])
    assert groups_of(found) == [tuple(range(6)), tuple(range(6, 12))]


@given(st.floats(0.01, 0.99), st.floats(1, 1000), st.floats(1, 1000))
def test_more_judgements_are_asked_for_less_but_never_for_much_less(threshold: float, few: float, more: float) -> None:
    few, more = sorted((few, more))
    assert asked_of(threshold, 1) == asked_of(threshold, 2) == pytest.approx(threshold)
    assert asked_of(threshold, few) >= asked_of(threshold, more)
    odds = asked_of(threshold, more) / (1 - asked_of(threshold, more))
    assert odds >= threshold / (1 - threshold) / MOST_CORROBORATION - 1e-9


def test_one_low_judgement_does_not_split_an_article() -> None:
    matrix = uniform(4, 0.95) | {(0, 3): 0.02}
    found, _ = run(matrix, list(matrix), list("abcd"))
    assert groups_of(found) == [(0, 1, 2, 3)]


@pytest.mark.parametrize("size", [20, 60, 150])
def test_one_wrong_link_costs_few_judgements_however_large_the_clusters(size: int) -> None:
    matrix, links = two_articles(size)
    found, asked = run(matrix, links, [f"{i}" for i in range(2 * size)])
    assert groups_of(found) == [tuple(range(size)), tuple(range(size, 2 * size))]
    assert len(asked) <= 2 * SAMPLE


def test_a_large_group_is_not_given_up_for_one_odd_member() -> None:
    """The sample goes round all members, so that one of them is not taken for the whole."""
    size = 30
    matrix = uniform(2 * size, 0.9) | {(0, j): 0.05 for j in range(size, 2 * size)}
    within = [pair for pair in matrix if (pair[0] < size) == (pair[1] < size)]
    found, _ = run(matrix, [*within, (1, size)], [f"{i}" for i in range(2 * size)])
    assert groups_of(found) == [tuple(range(2 * size))]


def test_two_records_of_one_language_that_disagree_stay_apart() -> None:
    matrix = {(0, 1): 0.99, (0, 2): 0.98, (1, 2): 0.3}
    assert groups_of(run(matrix, [(0, 1), (0, 2)], ["en", "fr", "fr"])[0]) == [(0, 1)]
    assert groups_of(run(matrix, [(0, 1), (0, 2)], ["en", "fr", "de"])[0]) == [(0, 1, 2)]


def test_equal_probabilities_join_the_first_records_first() -> None:
    matrix = {(0, 1): 0.6, (0, 2): 0.6, (1, 2): 0.1}
    assert groups_of(run(matrix, [(0, 1), (0, 2)], list("abc"))[0]) == [(0, 1)]


def test_means_at_the_threshold_reach_it() -> None:
    """0.3 + 0.3 + 0.3 is less than 0.9 in floats."""
    found, _ = run(uniform(4, 0.3), list(uniform(4, 0.3)), list("abcd"), 0.3)
    assert groups_of(found) == [(0, 1, 2, 3)]


def test_no_links_no_clusters() -> None:
    assert run({}, [], []) == (Clustering((), 0), [])
    assert run({(0, 1): 0.9}, [], ["a", "b"]) == (Clustering((), 0), [])
    assert run({(0, 1): 0.49}, [(0, 1)], ["a", "b"]) == (Clustering((), 0), [])


def test_confidence_is_that_of_the_member_that_agrees_least() -> None:
    found, _ = run({(0, 1): 0.9, (0, 2): 0.8, (1, 2): 0.6}, [(0, 1), (0, 2), (1, 2)], list("abc"))
    assert found.clusters[0].confidence == pytest.approx(0.7)


def test_links_below_the_threshold_are_not_told() -> None:
    found, _ = run({(0, 1): 0.9, (0, 2): 0.8, (1, 2): 0.4}, [(0, 1), (0, 2)], list("abc"))
    assert groups_of(found) == [(0, 1, 2)]
    assert [(one.left, one.right) for one in found.clusters[0].links] == [(0, 1), (0, 2)]


def test_the_weakest_pair_is_told_though_it_is_no_link() -> None:
    found, _ = run({(0, 1): 0.9, (0, 2): 0.8, (1, 2): 0.4}, [(0, 1), (0, 2)], list("abc"))
    assert found.clusters[0].weakest == link(1, 2, 0.4, (Finder.CLUSTER,))


def test_links_keep_how_they_were_found() -> None:
    found, asked = run({(0, 1): 0.9, (0, 2): 0.8, (1, 2): 0.7}, [(0, 1), (0, 2)], list("abc"))
    assert asked == [(1, 2)]
    assert [one.found_by for one in found.clusters[0].links] == [(Finder.VECTORS,)] * 2 + [(Finder.CLUSTER,)]


@pytest.mark.parametrize("linked", ["all", "star and chain"])
def test_in_a_clique_every_pair_is_judged_once(linked: str) -> None:
    matrix = uniform(LARGE, 0.9)
    links = list(matrix) if linked == "all" else [(i, j) for i, j in matrix if i == 0 or j == i + 1]
    found, asked = run(matrix, links, ["en"] * LARGE)
    assert groups_of(found) == [tuple(range(LARGE))]
    assert len(asked) + len(links) == LARGE * (LARGE - 1) // 2


# --- components


@st.composite
def sparse_problems(draw: st.DrawFn) -> tuple[Matrix, list[Pair], list[str], float]:
    """Texts with few probable links, so that they are several components; and the links."""
    count = draw(st.integers(2, 14))
    languages = draw(st.lists(st.sampled_from("abcd"), min_size=count, max_size=count))
    threshold = draw(st.sampled_from([0.3, 0.5]))
    weak, strong = st.floats(0.0, 0.29), st.floats(threshold, 1.0)
    pairs = list(combinations(range(count), 2))
    probable = set(draw(st.lists(st.sampled_from(pairs), max_size=count)))
    matrix = {pair: draw(strong if pair in probable else weak | PROBABILITY) for pair in pairs}
    linked = probable | set(draw(st.lists(st.sampled_from(pairs), max_size=2 * count)))
    return matrix, sorted(linked), languages, threshold


@settings(max_examples=300)
@given(sparse_problems(), st.data())
def test_clustering_is_that_of_each_component_alone(
    problem: tuple[Matrix, list[Pair], list[str], float], data: st.DataObject
) -> None:
    matrix, linked, languages, threshold = problem

    def judge(pair: CandidatePair) -> Link:
        return link(pair.left, pair.right, matrix[pair.left, pair.right], pair.found_by)

    links = [link(*pair, matrix[pair]) for pair in data.draw(st.permutations(linked))]
    probable = np.array([(one.left, one.right) for one in links if one.probability >= threshold], int).reshape(-1, 2)
    component = components(probable[:, 0], probable[:, 1], len(languages)).tolist()
    alone = []
    for name in data.draw(st.permutations(sorted(set(component)))):
        members = [position for position in range(len(languages)) if component[position] == name]
        among = [one for one in links if component[one.left] == component[one.right] == name]
        writings = {position: languages[position] for position in members}
        alone.append(cluster_component(data.draw(st.permutations(members)), among, writings, judge, threshold))
    together = cluster([link(*pair, matrix[pair]) for pair in linked], languages, judge, threshold)
    assert together.clusters == tuple(sorted((c for one in alone for c in one.clusters), key=lambda c: c.members))
    assert together.judged == sum(one.judged for one in alone)
    asked = (further for one in alone for further in one.further)
    assert together.further == tuple(sorted(asked, key=lambda one: (one.left, one.right)))
    assert all(component[one.left] == component[one.right] for one in together.further)


@given(st.integers(1, 40), st.data())
def test_components_go_by_their_smallest_position(count: int, data: st.DataObject) -> None:
    position = st.integers(0, count - 1)
    edges = data.draw(st.lists(st.tuples(position, position), max_size=2 * count))
    ends = np.array(edges, int).reshape(-1, 2)
    assert components(ends[:, 0], ends[:, 1], count).tolist() == components_of(edges, count)


@pytest.mark.parametrize("order", ["ascending", "descending", "bit by bit"])
def test_a_long_chain_is_one_component(order: str) -> None:
    count = 2**12
    chain = np.arange(count)
    if order == "descending":
        chain = chain[::-1]
    if order == "bit by bit":
        chain = np.array([int(f"{i:012b}"[::-1], 2) for i in range(count)])
    assert not components(chain[:-1], chain[1:], count).any()


def test_a_weak_link_between_two_components_asks_for_nothing_and_joins_nothing() -> None:
    """Though all pairs but the one that is a link would vouch for it."""
    matrix = uniform(5, 0.9) | {(0, 4): 0.45}
    found, asked = run(matrix, [(0, 1), (0, 2), (0, 3), (0, 4)], list("abcde"))
    assert groups_of(found) == [(0, 1, 2, 3)]
    assert all(4 not in pair for pair in asked)


def test_a_link_to_a_text_outside_of_the_component_is_refused() -> None:
    with pytest.raises(ValueError, match="link 1-2 is not between two members"):
        cluster_component([0, 1], [link(0, 1, 0.9), link(1, 2, 0.9)], "abc", not_asked, 0.5)


def not_asked(pair: CandidatePair) -> Link:
    raise AssertionError(f"{pair} was asked for")


def repeated(matrix: Matrix, linked: Sequence[Pair], count: int, times: int) -> tuple[Matrix, list[Pair]]:
    """The same texts several times, as components of their own."""
    shifts = range(0, times * count, count)
    of_all = {(left + shift, right + shift): p for shift in shifts for (left, right), p in matrix.items()}
    return of_all, [(left + shift, right + shift) for shift in shifts for left, right in linked]


@settings(max_examples=5, deadline=None)
@given(sparse_problems())
def test_the_number_of_processes_changes_nothing(problem: tuple[Matrix, list[Pair], list[str], float]) -> None:
    matrix, linked, languages, threshold = problem
    matrix, linked = repeated(matrix, linked, len(languages), 20)

    def judge(pair: CandidatePair) -> Link:
        return link(pair.left, pair.right, matrix[pair.left, pair.right], pair.found_by)

    links = [link(*pair, matrix[pair]) for pair in linked]
    alone = cluster(links, languages * 20, judge, threshold)
    with patch.object(clusters, "WORTH", 1):
        assert [cluster(links, languages * 20, judge, threshold, workers=n) for n in (2, 3)] == [alone, alone]


@pytest.mark.skipif(sys.platform != "linux", reason="only there processes are forked")
def test_many_open_pairs_are_judged_by_other_processes_and_few_here() -> None:
    matrix = dict.fromkeys(combinations(range(4), 2), 0.9)
    linked = [(0, 1), (1, 2), (2, 3)]
    here = os.getpid()

    def by_whom(times: int) -> set[bool]:
        _, chains = repeated(matrix, linked, 4, times)

        def judge(pair: CandidatePair) -> Link:
            made = link(pair.left, pair.right, 0.9, pair.found_by)
            return replace(made, evidence=(Evidence("process", os.getpid(), 0.0),))

        links = [link(*pair, 0.9) for pair in chains]
        found = cluster(links, "abcd" * times, judge, 0.5, workers=2)
        assert groups_of(found) == [tuple(range(start, start + 4)) for start in range(0, 4 * times, 4)]
        assert found.judged == 3 * times
        return {one.evidence[0].value == here for one in found.further}

    with patch.object(clusters, "WORTH", 90):
        assert by_whom(29) == {True}
        assert by_whom(30) == {False}


# --- pairs that cannot be one article


@settings(max_examples=200)
@given(problems(), st.data())
def test_pairs_below_the_least_count_as_nothing_whether_they_were_ruled_out_or_judged(
    problem: tuple[Matrix, list[str], float], data: st.DataObject
) -> None:
    likely, languages, threshold = problem
    unlikely = st.sampled_from([0.0, 0.001, 0.0199])
    matrix = {pair: data.draw(unlikely) if data.draw(st.booleans()) else p for pair, p in likely.items()}

    def judge(pair: CandidatePair) -> Link:
        return link(pair.left, pair.right, matrix[pair.left, pair.right])

    def clustered() -> Clustering:
        links = [link(*pair, p) for pair, p in matrix.items() if p >= threshold or data.draw(st.booleans())]
        spared = {pair for pair, p in matrix.items() if p < LEAST and data.draw(st.booleans())}
        return cluster(links, languages, judge, threshold, lambda pair: pair not in spared)

    found = [clustered(), clustered()]
    assert found[0].clusters == found[1].clusters
    counted = {pair: p if p >= LEAST else 0.0 for pair, p in matrix.items()}
    assert groups_of(found[0]) == average_linkage(counted, languages, threshold, lambda _pairs: True)


def test_what_cannot_be_is_not_judged_unless_it_ends_up_in_a_cluster() -> None:
    asked: list[Pair] = []
    links = [link(0, 1, 0.99), link(2, 3, 0.99), link(1, 2, 0.6)]

    def judge(pair: CandidatePair) -> Link:
        asked.append((pair.left, pair.right))
        return link(pair.left, pair.right, 0.01)

    apart = cluster(links, "abcd", judge, 0.5, lambda _pair: False)
    assert groups_of(apart) == [(0, 1), (2, 3)]
    assert (asked, apart.judged) == ([], 0)
    together = cluster([link(0, 1, 1.0), link(0, 2, 1.0), link(0, 3, 1.0)], "abcd", judge, 0.2, lambda _pair: False)
    assert groups_of(together) == [(0, 1, 2, 3)]
    assert asked == [(1, 2), (1, 3), (2, 3)]  # their weakest pair is known
    assert together.clusters[0].weakest == link(1, 2, 0.01)
