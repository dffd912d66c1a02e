"""What a person reads about other thresholds."""

from dataclasses import replace

import pytest
from msgspec import UNSET

from dedup.model import Change, Cluster, Outlook, Report

from .conftest import article, checked_document, link, report_of
from .test_terminal import summary


@pytest.fixture
def two_clusters() -> Report:
    articles = [article(name, f"Text {name}.") for name in "abcdefgh"]
    return report_of(articles, [Cluster((0, 1, 2), (link(0, 1),), 0.9), Cluster((3, 4), (link(3, 4),), 0.9)])


def said(report: Report, *changes: Change, threshold: float = 0.6) -> str:
    outlooks = (Outlook(0.5, 2, 5), Outlook(threshold, 1, 2, changes))
    return summary(replace(report, outlooks=tuple(sorted(outlooks, key=lambda one: one.threshold))))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([], ["fgh"], "a new cluster: f, g, h"),
        (["de"], [], "cluster 2 falls apart: d, e"),
        (["abc"], ["ab"], "cluster 1 loses c"),
        (["abc"], ["abcg"], "cluster 1 gains g"),
        (["abc"], ["abg"], "cluster 1 gains g and loses c"),
        (["abc", "de"], ["abcde"], "clusters 1 and 2 become one"),
        (["abc", "de"], ["abdh"], "clusters 1 and 2 become one, with h, without c, e"),
        (["abc"], ["af", "bg"], "cluster 1 splits into a, f | b, g, without c"),
        (["abc", "de"], ["ad", "be"], "clusters 1 and 2 become a, d | b, e, without c"),
    ],
)
def test_change_is_told_in_words(two_clusters: Report, before: list[str], after: list[str], words: str) -> None:
    def groups(names: list[str]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple("abcdefgh".index(letter) for letter in name) for name in names)

    assert f"at 0.6: {words}\n" in said(two_clusters, Change(groups(before), groups(after)))


def test_change_is_told_at_the_nearest_threshold_that_makes_it(two_clusters: Report) -> None:
    apart = Change(((3, 4),), ())
    report = replace(
        two_clusters, outlooks=(Outlook(0.5, 2, 5), Outlook(0.6, 1, 3, (apart,)), Outlook(0.7, 1, 3, (apart,)))
    )
    assert summary(report).count("cluster 2 falls apart") == 1
    assert "at 0.6: cluster 2 falls apart" in summary(report)


def test_changes_beyond_the_first_ones_are_counted() -> None:
    articles = [article(f"{i:03}", f"Text {i}.") for i in range(60)]
    clusters = [Cluster((i, i + 1), (link(i, i + 1),), 0.9) for i in range(0, 60, 2)]
    changes = tuple(Change((one.members,), ()) for one in clusters)
    report = replace(report_of(articles, clusters), outlooks=(Outlook(0.5, 30, 60), Outlook(0.9, 0, 0, changes)))
    assert summary(report).count("falls apart") == 20
    assert "… and 10 more changes" in summary(report)


def test_table_fits_80_columns(two_clusters: Report) -> None:
    apart = Change(((3, 4),), ())
    report = replace(two_clusters, outlooks=(Outlook(0.5, 2, 5), Outlook(0.99, 1_234_567, 12_345_678, (apart,))))
    header, own, other = summary(report).split("has judged\n")[1].splitlines()[:3]
    assert header.split("  ")[-1].strip() == "concerned"
    assert own.split() == ["0.5", "2", "5", "3", "this", "run"]
    assert other.split() == ["0.99", "1,234,567", "12,345,678", "11,111,111", "-1", "+0", "2"]
    assert "…" not in header


def test_run_that_was_not_asked_says_nothing_of_other_thresholds(two_clusters: Report) -> None:
    assert "threshold" not in summary(two_clusters)
    assert checked_document(two_clusters).sweep is UNSET


def test_document_names_clusters_that_go_and_records_of_those_that_come(two_clusters: Report) -> None:
    outlooks = (Outlook(0.5, 2, 5), Outlook(0.9, 1, 2, (Change(((0, 1, 2),), ((0, 2),)),)))
    document = checked_document(replace(two_clusters, outlooks=outlooks))
    own, other = document.sweep or ()
    assert own.changes == ()
    (change,) = other.changes
    assert (change.before, change.after) == ((document.clusters[0].id,), (("a", "c"),))
    assert (other.threshold, other.clusters, other.records, other.gone, other.new, other.concerned) == (
        0.9,
        1,
        2,
        1,
        1,
        3,
    )
