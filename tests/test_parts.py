"""What comes after clustering is the same for an input as a whole and for its parts, put together."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, combinations
from operator import add, or_
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.clusters import Clustering
from dedup.conflicts import Citation, conflicts_of, disputed, find_conflicts, highest
from dedup.model import Cluster, Conflict, EncoderInfo, Entry, Link, Report, SourceKey, WholeReport
from dedup.pipeline import (
    Counts,
    Decided,
    clusters_of,
    counts_of,
    decided_among,
    later_stages,
    works_in_clusters,
)
from dedup.report.assignment import ALONE, Place, assignment, places_of, row_of
from dedup.report.document import spoken_of
from dedup.report.json_file import to_json

from . import stages

T = TypeVar("T")
THRESHOLD = 0.5
KEYS = (SourceKey("//a.org/1", True), SourceKey("//a.org/2", True), SourceKey("//a.org", False))


@dataclass(frozen=True)
class Found:
    """What clustering found in some articles: the positions of each work's, clusters and judged pairs of works."""

    articles: tuple[Entry, ...]
    works: tuple[tuple[int, ...], ...]
    clustering: Clustering
    judged: tuple[Link, ...]


@st.composite
def found(draw: st.DrawFn) -> Found:
    """Up to 16 articles of up to 10 works, some of them in clusters."""
    texts = draw(st.lists(st.integers(0, 9), max_size=16))
    works = tuple(tuple(i for i, one in enumerate(texts) if one == text) for text in dict.fromkeys(texts))
    group_of = draw(st.lists(st.integers(0, 4), min_size=len(works), max_size=len(works)))
    pairs = list(combinations(range(len(works)), 2))
    probabilities = draw(
        st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.9, None]), min_size=len(pairs), max_size=len(pairs))
    )
    judged = {pair: stages.link(*pair, p) for pair, p in zip(pairs, probabilities, strict=True) if p is not None}
    clusters = []
    for group in range(3):  # the works of the other groups are alone
        members = tuple(work for work, its in enumerate(group_of) if its == group)
        if len(members) > 1:
            links = [stages.link(*pair, 0.75) for pair in combinations(members, 2)]
            judged |= {(link.left, link.right): link for link in links}
            clusters.append(Cluster(members, tuple(links), 0.75, links[0], (), (0.75,) * len(members)))
    clustering = Clustering(tuple(sorted(clusters, key=lambda one: one.members)), draw(st.integers(0, 3)))
    articles = tuple(_entry(draw, position, text) for position, text in enumerate(texts))
    return Found(articles, works, clustering, tuple(judged[pair] for pair in sorted(judged)))


def _entry(draw: st.DrawFn, position: int, text: int) -> Entry:
    key = draw(st.sampled_from([None, *KEYS]))
    url = None if key is None else draw(st.sampled_from(["https:", "http:"])) + key.key
    language = draw(st.sampled_from(["ar", "hi"]))
    return Entry(f"{position:02}", None, position + 1, language, url, key, text, bytes([text]))


def split(random: Random, items: Iterable[T], count: int = 3) -> list[list[T]]:
    """The items in parts, some perhaps empty."""
    parts: list[list[T]] = [[] for _ in range(count)]
    for item in items:
        random.choice(parts).append(item)
    return parts


def whole_report(given_: Found) -> WholeReport:
    """As a run in one process makes it."""
    counts = counts_of(given_.articles, given_.works)
    works = dict(enumerate(given_.works))
    clusters = clusters_of(given_.clustering.clusters, works, given_.articles, counts.texts, THRESHOLD)
    return WholeReport(
        articles=given_.articles,
        languages=counts.articles,
        clusters=clusters,
        conflicts=find_conflicts(given_.articles, given_.works, clusters, given_.judged),
        funnel=later_stages(decided_among(given_.judged, THRESHOLD), 7, counts.copies),
        skipped=(),
        encoder=EncoderInfo("e", "d", "c"),
        settings={},
        dropped_segments={},
    )


def conflicts_by_definition(given_: Found, clusters: Sequence[Cluster]) -> list[Conflict]:
    """Each key by itself, each pair of its articles looked at."""
    cluster_of = {member: number for number, one in enumerate(clusters) for member in one.members}
    judged = {(link.left, link.right): link.probability for link in given_.judged}
    work_of = {article: work for work, members in enumerate(given_.works) for article in members}
    conflicts = []
    for key in sorted(KEYS, key=lambda one: one.key):
        members = tuple(i for i, article in enumerate(given_.articles) if article.source_key == key)
        groups = {cluster_of.get(member, f"alone {member}") for member in members}
        if len(groups) < 2:
            continue
        pairs = [sorted(pair) for pair in combinations([(work_of[m], cluster_of.get(m, ~m)) for m in members], 2)]
        apart = [(one[0], other[0]) for one, other in pairs if one[1] != other[1]]
        best = max((judged[pair] for pair in apart if pair in judged), default=None)
        reason = f"{len(groups)} different articles cite it"
        if not key.names_article:
            reason += ": a page that lists or introduces articles"
        elif best is not None:
            reason += f"; the probability that two of them are one is {best:.2f} at most"
        url = min(str(given_.articles[member].source_url) for member in members)
        conflicts.append(Conflict(url, members, reason))
    return conflicts


@given(found())
def test_conflicts_are_what_the_definition_says(given_: Found) -> None:
    report = whole_report(given_)
    assert list(report.conflicts) == conflicts_by_definition(given_, report.clusters)


def conflicts_of_parts(random: Random, given_: Found) -> tuple[Conflict, ...]:
    """Pages in buckets. A work's group is that of its cluster, if it is in one, or its own."""
    cluster_of = {work: number for number, one in enumerate(given_.clustering.clusters) for work in one.members}
    groups = [cluster_of.get(work, ~work) for work in range(len(given_.works))]
    named = [
        {key.key for key in (given_.articles[i].source_key for i in members) if key and key.names_article}
        for members in given_.works
    ]
    citations = [
        Citation(i, groups[work], key, given_.articles[i].source_url)
        for work, members in enumerate(given_.works)
        for i in members
        if (key := given_.articles[i].source_key) is not None
    ]
    random.shuffle(citations)
    apart = [
        (key, link.probability)
        for link in given_.judged
        if groups[link.left] != groups[link.right]
        for key in named[link.left] & named[link.right]
    ]
    parts = [highest(part) for part in split(random, apart)]
    best = highest(chain.from_iterable(part.items() for part in parts))
    together: dict[str, Conflict] = {}
    for keys in split(random, KEYS):
        bucket = [one for one in citations if one.key in keys]
        open_keys = disputed((one.key.key, one.group) for one in bucket)
        together |= conflicts_of((one for one in bucket if one.key.key in open_keys), best)
    return tuple(together[key] for key in sorted(together))


@given(found(), st.randoms(use_true_random=False))
def test_the_report_of_parts_is_that_of_the_whole(given_: Found, random: Random) -> None:
    whole = whole_report(given_)
    clusters = given_.clustering.clusters
    works: dict[int, tuple[int, ...]] = reduce(
        or_,
        (works_in_clusters(part, clusters) for part in split(random, enumerate(given_.works))),
    )
    counts = reduce(add, (_counts(given_, part) for part in split(random, given_.works)), Counts())
    decided = reduce(add, (decided_among(part, THRESHOLD) for part in split(random, given_.judged)), Decided())
    in_clusters = {i: given_.articles[i] for i in chain.from_iterable(works.values())}
    of_articles = clusters_of(clusters, works, in_clusters, counts.texts, THRESHOLD)
    conflicts = conflicts_of_parts(random, given_)
    spoken = {i: given_.articles[i] for i in spoken_of(of_articles, conflicts)}
    report = Report(
        articles=spoken,
        languages=counts.articles,
        clusters=of_articles,
        conflicts=conflicts,
        funnel=later_stages(decided, 7, counts.copies),
        skipped=(),
        encoder=whole.encoder,
        settings={},
        dropped_segments={},
    )
    assert (report.records, report.languages) == (len(given_.articles), whole.languages)
    assert (report.clusters, report.conflicts, report.funnel) == (whole.clusters, whole.conflicts, whole.funnel)
    assert to_json(report) == to_json(whole)


def _counts(given_: Found, works: Sequence[tuple[int, ...]]) -> Counts:
    """Of some works and their articles."""
    return Counts(
        Counter(given_.articles[i].language for members in works for i in members),
        Counter(given_.articles[members[0]].language for members in works),
    )


@given(found(), st.randoms(use_true_random=False))
def test_the_assignment_of_parts_is_that_of_the_whole(given_: Found, random: Random) -> None:
    whole = whole_report(given_)
    parts = split(random, whole.clusters)
    places: dict[int, Place] = {}
    for part in parts:
        entries = {i: given_.articles[i] for i in spoken_of(part)}
        places |= dict(places_of(part, entries))
    rows = [row_of(article, places.get(i, ALONE)) for i, article in enumerate(given_.articles)]
    assert tuple(rows) == assignment(whole)
    assert sum(row.cluster is None for row in rows) == len(rows) - sum(len(one.members) for one in whole.clusters)


def test_an_article_that_a_report_speaks_of_must_be_there() -> None:
    cluster = Cluster((0, 1), (stages.link(0, 1, 0.9),), 0.9)
    report = Report({0: stages.entry("a")}, {"en": 2}, (cluster,), (), (), (), EncoderInfo("e", "d", "c"), {}, {})
    with pytest.raises(KeyError):
        to_json(report)
