from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.clusters import cluster
from dedup.encoders import HashingEncoder
from dedup.model import CandidatePair, Change, Link, Outlook, Record
from dedup.pipeline import Stages, run_stages
from dedup.settings import Settings
from dedup.sweep import changes, sweep

from . import stages
from .stages import DIMENSIONS, link

THRESHOLD = 0.5


@pytest.fixture(scope="module")
def empty() -> Stages:
    """A run of five records that have nothing in common, in five languages."""
    words = ("one two three", "vier fünf sechs", "sept huit neuf", "diez once doce", "tretton fjorton femton")
    records = [Record(f"r{i}", text, language=code) for i, (text, code) in enumerate(zip(words, CODES, strict=True))]
    encoder = HashingEncoder(dimensions=DIMENSIONS)
    return run_stages(records, Settings(workers=1), encoder, stages.calibration())


CODES = ("en", "de", "fr", "es", "sv")
PAIRS = [(i, j) for i in range(5) for j in range(i + 1, 5)]


def judged(run: Stages, probabilities: dict[tuple[int, int], float], threshold: float = THRESHOLD) -> Stages:
    """The run, had it judged these pairs so, and all others as impossible."""
    links = tuple(link(*pair, p) for pair, p in sorted(probabilities.items()))
    writings = [subject.writing for subject in run.subjects]
    return replace(run, links=links, clustering=cluster(links, writings, nothing, threshold, lambda _pair: False))


def nothing(pair: CandidatePair) -> Link:
    return link(pair.left, pair.right, 0.0)


def at(run: Stages, threshold: float) -> Outlook:
    (found,) = (one for one in sweep(run, THRESHOLD) if one.threshold == threshold)
    return found


def test_run_as_it_was_stands_among_the_thresholds(empty: Stages) -> None:
    run = judged(empty, {(0, 1): 0.8, (2, 3): 0.3})
    assert at(run, THRESHOLD) == Outlook(THRESHOLD, clusters=1, articles=2)


def test_higher_threshold_dissolves_and_a_lower_one_joins(empty: Stages) -> None:
    run = judged(empty, {(0, 1): 0.8, (2, 3): 0.3})
    assert at(run, 0.9) == Outlook(0.9, 0, 0, (Change(before=((0, 1),), after=()),))
    assert at(run, 0.3) == Outlook(0.3, 2, 4, (Change(before=(), after=((2, 3),)),))


def test_cluster_that_loses_a_member_counts_as_gone_and_as_new(empty: Stages) -> None:
    run = judged(empty, {(0, 1): 0.97, (0, 2): 0.6, (1, 2): 0.6})
    assert at(run, THRESHOLD).articles == 3
    found = at(run, 0.9)
    assert found.changes == (Change(before=((0, 1, 2),), after=((0, 1),)),)
    assert (found.clusters, found.articles, found.gone, found.new, found.concerned) == (1, 2, 1, 1, 3)


def test_copies_stay_together_at_any_threshold(empty: Stages) -> None:
    copies = replace(judged(empty, {}), works=((0, 1), (2,), (3,), (4,), ()))
    assert {(one.clusters, one.articles, one.changes) for one in sweep(copies, THRESHOLD)} == {(1, 2, ())}


def test_copies_follow_their_text(empty: Stages) -> None:
    copies = replace(judged(empty, {(0, 1): 0.8}), works=((0, 4), (2,), (3,), (1,), ()))
    assert at(copies, THRESHOLD).articles == 3
    assert at(copies, 0.9).changes == (Change(before=((0, 2, 4),), after=((0, 4),)),)


partitions = st.lists(st.integers(0, 4), min_size=12, max_size=12).map(
    lambda labels: frozenset(
        tuple(i for i, label in enumerate(labels) if label == one) for one in set(labels) if labels.count(one) > 1
    )
)


@given(now=partitions, then=partitions)
def test_changes_lead_from_one_grouping_to_the_other_in_parts_that_share_no_article(
    now: frozenset[tuple[int, ...]], then: frozenset[tuple[int, ...]]
) -> None:
    found = changes(now, then)
    gone = [group for change in found for group in change.before]
    new = [group for change in found for group in change.after]
    assert now.difference(gone).union(new) == then
    assert (len(gone), len(new)) == (len(now - then), len(then - now))
    parts = [{i for group in (*change.before, *change.after) for i in group} for change in found]
    assert sum(map(len, parts)) == len(set().union(*parts))
    assert [min(part) for part in parts] == sorted(min(part) for part in parts)


@given(now=partitions, then=partitions)
def test_no_change_could_be_told_in_two_parts(
    now: frozenset[tuple[int, ...]], then: frozenset[tuple[int, ...]]
) -> None:
    for change in changes(now, then):
        first, *others = [set(group) for group in (*change.before, *change.after)]
        while met := [group for group in others if group & first]:
            first = first.union(*met)
            others = [group for group in others if group not in met]
        assert not others


@given(probabilities=st.dictionaries(st.sampled_from(PAIRS), st.floats(0.01, 0.999)), tried=st.sampled_from([0.2, 0.7]))
def test_estimate_is_what_grouping_the_same_pairs_with_that_threshold_finds(
    empty: Stages, probabilities: dict[tuple[int, int], float], tried: float
) -> None:
    there = judged(empty, probabilities, tried).clustering.clusters
    found = at(judged(empty, probabilities), tried)
    assert (found.clusters, found.articles) == (len(there), sum(len(c.members) for c in there))


def test_threshold_a_hair_above_that_of_a_real_run_changes_nothing() -> None:
    pieces = [f"Part {i} tells of {i * 37 + 11} boats, {i * 53 + 7} nets and harbour {i * 91}." for i in range(7)]
    texts = [" ".join(some) for some in combinations(pieces, 3)]
    records = [Record(f"{i:02}", text, language=CODES[i % 5]) for i, text in enumerate(texts)]
    run = run_stages(records, Settings(workers=1), HashingEncoder(dimensions=DIMENSIONS), stages.calibration())
    assert run.clustering.clusters
    assert run.clustering.further
    above, own = sorted(sweep(run, THRESHOLD, (THRESHOLD + 1e-9,)), key=lambda one: -one.threshold)
    assert replace(above, threshold=THRESHOLD) == own
