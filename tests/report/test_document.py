import json
import math
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.model import Cluster, Conflict, Evidence, Relation, Report, Skipped
from dedup.report.document import WEIGHT_TOLERANCE, Document, WeakestPair, writable
from dedup.report.json_file import to_json

from .conftest import article, checked_document, link, report_of


def test_seeds_become_one_cluster_with_the_ids_of_its_members(seeds: Report) -> None:
    document = checked_document(seeds)
    (cluster,) = document.clusters
    assert [member.id for member in cluster.members] == ["000.txt", "004.txt"]
    assert cluster.languages == ("ar", "hi")
    assert cluster.source_url == "https://example.vn/cai-cach.html"
    (found,) = cluster.links
    assert (found.left, found.right, found.relation) == ("000.txt", "004.txt", Relation.TRANSLATION)
    assert [one.name for one in found.evidence] == [
        "prior",
        "source-url",
        "alignment",
        "shared-figures",
        "length",
        "missing-figures",
    ]


def test_detail_of_evidence_is_written_where_there_is_one(seeds: Report) -> None:
    (cluster,) = json.loads(to_json(seeds))["clusters"]
    evidence = {one["name"]: one for one in cluster["links"][0]["evidence"]}
    assert evidence["shared-figures"]["detail"] == "402 317 113 96"
    assert "detail" not in evidence["alignment"]


def test_input_counts_records_languages_and_what_was_left_out(seeds: Report) -> None:
    read = checked_document(seeds).input
    assert (read.records, read.skipped) == (5, 2)
    assert list(read.languages.items()) == [("ar", 2), ("fa", 1), ("hi", 1), ("ro", 1)]
    assert read.dropped_segments == 12
    assert [(one.id, one.segments) for one in read.shortened] == [("003.txt", 12)]
    assert read.boilerplate_passages == 0
    assert checked_document(replace(seeds, boilerplate=7)).input.boilerplate_passages == 7


def test_longest_text_is_kept_and_of_equals_the_smallest_id() -> None:
    articles = [article("a", "xx"), article("b", "xxx"), article("c", "xxx")]
    (cluster,) = checked_document(report_of(articles, [Cluster((0, 1, 2), (), 0.9)])).clusters
    assert cluster.keep == "b"
    assert [member.characters for member in cluster.members] == [2, 3, 3]


@pytest.mark.parametrize(
    ("urls", "expected"),
    [((None, None, None), None), (("u2", "u1", "u2"), "u2"), (("u2", "u1", None), "u1")],
)
def test_source_url_of_a_cluster_is_the_most_cited_and_of_equals_the_smallest(
    urls: tuple[str | None, ...], expected: str | None
) -> None:
    articles = [article(str(number), url=url) for number, url in enumerate(urls)]
    (cluster,) = checked_document(report_of(articles, [Cluster((0, 1, 2), (), 0.9)])).clusters
    assert cluster.source_url == expected


def test_weakest_pair_is_told_by_ids_though_it_is_no_link() -> None:
    weakest = replace(link(1, 2, 0.123_456), relation=Relation.PARTIAL)
    articles = [article("c"), article("b"), article("a")]
    (cluster,) = checked_document(
        report_of(articles, [Cluster((0, 1, 2), (link(0, 1), link(0, 2)), 0.5, weakest)])
    ).clusters
    assert cluster.weakest == WeakestPair(left="a", right="b", probability=0.12346, relation=Relation.PARTIAL)
    assert ("a", "b") not in {(one.left, one.right) for one in cluster.links}


def test_flags_are_written_as_they_are() -> None:
    flags = ("giant: 1,204 different texts of 5,000", "loose: so and so")
    pair = Cluster((0, 1), (link(0, 1),), 0.4, flags=flags)
    (cluster,) = checked_document(report_of([article("a"), article("b")], [pair])).clusters
    assert cluster.flags == flags


def test_copies_of_one_text_have_no_weakest_pair() -> None:
    report = to_json(report_of([article("a"), article("b")], [Cluster((0, 1), (link(0, 1),), 1.0)]))
    assert json.loads(report)["clusters"][0]["weakest"] is None


def test_document_does_not_depend_on_the_order_in_which_things_were_found() -> None:
    articles = [article(name, f"text {name}") for name in "abcdef"]
    links = (link(0, 1), link(0, 2), link(1, 2))
    clusters = (Cluster((0, 1, 2), links, 0.9), Cluster((3, 5), (link(3, 5),), 0.8))
    conflicts = (Conflict("u1", (0, 4), "home page"), Conflict("u1", (0, 5), "tag page"))
    skipped = (Skipped("p", None, "x"), Skipped("p", 2, "x"))
    expected = checked_document(report_of(articles, clusters, conflicts, skipped))
    for order in permutations(links):
        turned = (clusters[1], Cluster((2, 0, 1), order, 0.9))
        assert checked_document(report_of(articles, turned, conflicts[::-1], skipped[::-1])) == expected


def test_cluster_id_is_of_the_contents_alone() -> None:
    pair = Cluster((0, 1), (), 0.9)
    moved = Cluster((1, 2), (), 0.4)
    one, two = article("b", "one"), article("c", "two")

    def first_id(report: Report) -> str:
        return checked_document(report).clusters[0].id

    assert first_id(report_of([one, two], [pair])) == first_id(report_of([article("a"), one, two], [moved]))
    assert first_id(report_of([one, two], [pair])) != first_id(report_of([one, article("c", "two!")], [pair]))
    assert first_id(report_of([article("b", "1c"), two], [pair])) != first_id(
        report_of([article("b1", "c"), two], [pair])
    )


def test_file_names_outside_unicode_are_spelled_out() -> None:
    name = "a\udcff"
    report = report_of(
        [article(name, path=name), article("b")],
        [Cluster((0, 1), (link(0, 1),), 0.9)],
        [Conflict("https://example.org/", (0, 1), "home page")],
        [Skipped(name, None, f"cannot read {name}")],
    )
    document = checked_document(replace(report, settings={"model": name}, dropped_segments={name: 1}))
    assert document.clusters[0].members[0].id == document.clusters[0].links[0].left == "a\\udcff"
    assert writable("ok é") == "ok é"


def test_rounded_zero_has_no_sign() -> None:
    (cluster,) = checked_document(
        report_of(
            [article("a"), article("b")], [Cluster((0, 1), (link(0, 1, 0.9, [Evidence("x", -0.0, -1e-9)]),), 0.9)]
        )
    ).clusters
    (evidence,) = cluster.links[0].evidence
    assert str(evidence.value) == str(evidence.weight) == "0.0"


def document_with_weights(weights: list[float]) -> Document:
    log_odds = math.fsum(weights)
    probability = 1.0 / (1.0 + math.exp(-log_odds))
    evidence = [Evidence(f"e{number}", 0.0, weight) for number, weight in enumerate(weights)]
    cluster = Cluster((0, 1), (link(0, 1, probability, evidence),), probability)
    return checked_document(report_of([article("a"), article("b")], [cluster]))


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.floats(-20, 20), min_size=1, max_size=15).filter(lambda weights: abs(math.fsum(weights)) < 20.7))
def test_written_weights_add_up_to_the_log_odds_of_the_written_probability(weights: list[float]) -> None:
    (written,) = document_with_weights(weights).clusters[0].links
    log_odds = math.log(written.probability / (1.0 - written.probability))
    assert math.fsum(one.weight for one in written.evidence) == pytest.approx(log_odds, abs=WEIGHT_TOLERANCE)


@settings(deadline=None)  # the machine may be busy
@given(st.floats(0.0, 1.0))
def test_probability_is_written_as_0_or_1_only_if_it_is(probability: float) -> None:
    (written,) = checked_document(
        report_of([article("a"), article("b")], [Cluster((0, 1), (link(0, 1, probability),), probability)])
    ).clusters
    assert (written.confidence in (0.0, 1.0)) == (probability in (0.0, 1.0))
    assert written.links[0].probability == written.confidence
    assert written.confidence == pytest.approx(probability, abs=5e-5)
