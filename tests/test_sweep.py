from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.clusters import cluster
from dedup.encoders import HashingEncoder
from dedup.model import CandidatePair, Link, Record
from dedup.pipeline import Stages, run_stages
from dedup.settings import Settings
from dedup.sweep import Outlook, sweep

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
    assert at(run, THRESHOLD) == Outlook(THRESHOLD, clusters=1, records=2, gone=0, new=0, concerned=0)


def test_higher_threshold_dissolves_and_a_lower_one_joins(empty: Stages) -> None:
    run = judged(empty, {(0, 1): 0.8, (2, 3): 0.3})
    assert at(run, 0.9) == Outlook(0.9, clusters=0, records=0, gone=1, new=0, concerned=2)
    assert at(run, 0.3) == Outlook(0.3, clusters=2, records=4, gone=0, new=1, concerned=2)


def test_cluster_that_loses_a_member_counts_as_gone_and_as_new(empty: Stages) -> None:
    run = judged(empty, {(0, 1): 0.97, (0, 2): 0.6, (1, 2): 0.6})
    assert at(run, THRESHOLD).records == 3
    assert at(run, 0.9) == Outlook(0.9, clusters=1, records=2, gone=1, new=1, concerned=3)


def test_copies_stay_together_at_any_threshold(empty: Stages) -> None:
    copies = replace(judged(empty, {}), works=((0, 1), (2,), (3,), (4,), ()))
    assert {(one.clusters, one.records, one.concerned) for one in sweep(copies, THRESHOLD)} == {(1, 2, 0)}


@given(probabilities=st.dictionaries(st.sampled_from(PAIRS), st.floats(0.01, 0.999)), tried=st.sampled_from([0.2, 0.7]))
def test_estimate_is_what_grouping_the_same_pairs_with_that_threshold_finds(
    empty: Stages, probabilities: dict[tuple[int, int], float], tried: float
) -> None:
    there = judged(empty, probabilities, tried).clustering.clusters
    found = at(judged(empty, probabilities), tried)
    assert (found.clusters, found.records) == (len(there), sum(len(c.members) for c in there))


def test_threshold_a_hair_above_that_of_a_real_run_changes_nothing() -> None:
    pieces = [f"Part {i} tells of {i * 37 + 11} boats, {i * 53 + 7} nets and harbour {i * 91}." for i in range(7)]
    texts = [" ".join(some) for some in combinations(pieces, 3)]
    records = [Record(f"{i:02}", text, language=CODES[i % 5]) for i, text in enumerate(texts)]
    run = run_stages(records, Settings(workers=1), HashingEncoder(dimensions=DIMENSIONS), stages.calibration())
    assert run.clustering.clusters
    assert run.clustering.further
    above, own = sorted(sweep(run, THRESHOLD, (THRESHOLD + 1e-9,)), key=lambda one: -one.threshold)
    assert replace(above, threshold=THRESHOLD) == own
