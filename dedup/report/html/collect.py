"""The page's data, collected from a run and the report on it, up to limits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from dedup import model
from dedup.evidence import align, figures_of
from dedup.model import Link, Report
from dedup.pipeline import Stages
from dedup.report import document
from dedup.report.document import document_of, link_of, writable
from dedup.report.html.data import Cluster, Conflict, Cut, Detail, Outlook, PageData, Pair, Record, Text
from dedup.sweep import sweep

RELATIONS: Final = tuple(model.Relation)
FINDERS: Final = tuple(model.Finder)
CONFIRMED: Final = tuple(model.Confirmed)

Key = tuple[int, int]
"""Two articles by their positions in the report, ascending."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the page holds at most. What is left out is counted, and the page says so."""

    characters: int = 6_000
    """Of a record's text; where all texts then come to more than ``all_characters``, half of it, and so on."""
    all_characters: int = 16_000_000
    links: int = 100_000
    """Pairs in clusters, the weakest of each cluster first."""
    outside: int = 5_000
    """Pairs that are no links of a cluster: those nearest to the threshold,"""
    floor: float = 0.1
    """and the probability from which such a pair counts."""
    detailed: int = 10_000
    """Pairs, of both sorts, with evidence and aligned passages."""


def page_data(stages: Stages, report: Report, threshold: float, limits: Limits | None = None) -> PageData:
    """What the page of a run shows. ``report`` is that of ``stages``, both made with this ``threshold``."""
    limits = limits or Limits()
    said = document_of(report)
    choice = _choose(stages, report, said, threshold, limits)
    rows = _Rows(stages, report, said, choice.detailed)
    clusters = tuple(map(rows.cluster, choice.clusters, said.clusters, choice.links))
    outside = tuple(map(rows.pair, choice.outside))
    characters, texts = rows.texts(limits)
    conflicts = tuple(Conflict(c.source_url, tuple(map(rows.record_of, c.members)), c.reason) for c in said.conflicts)
    return PageData(
        tool=said.tool,
        encoder=said.encoder,
        first_encoder=said.first_encoder,
        settings=said.settings,
        threshold=threshold,
        input=said.input,
        funnel=said.funnel,
        relations=tuple(map(str, RELATIONS)),
        finders=tuple(map(str, FINDERS)),
        confirmed=tuple(map(str, CONFIRMED)),
        evidence=rows.evidence_names(),
        records=rows.records(),
        texts=texts,
        pairs=rows.pairs(),
        clusters=clusters,
        outside=outside,
        conflicts=conflicts,
        skipped=said.skipped,
        outlooks=tuple(map(_outlook, report.outlooks or sweep(stages, threshold))),
        cut=Cut(
            characters=characters,
            texts=len(texts),
            texts_cut=sum(1 for text in texts if text.cut_characters),
            links=sum(len(cluster.links) for cluster in said.clusters),
            links_shown=sum(map(len, choice.links)),
            outside=choice.all_outside,
            outside_shown=len(outside),
            floor=limits.floor,
            pairs=len(rows.pairs()),
            pairs_detailed=sum(1 for pair in rows.pairs() if pair.detail is not None),
        ),
    )


def _outlook(found: model.Outlook) -> Outlook:
    return Outlook(
        threshold=found.threshold,
        clusters=found.clusters,
        records=found.articles,
        gone=found.gone,
        new=found.new,
        concerned=found.concerned,
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is shown: clusters in the order of the document, the links of each, the other pairs, and of all pairs those
    shown in detail.
    """

    clusters: Sequence[model.Cluster]
    links: Sequence[Sequence[Link]]
    outside: Sequence[Link]
    all_outside: int
    detailed: frozenset[Key]


def _choose(stages: Stages, report: Report, said: document.Document, threshold: float, limits: Limits) -> _Choice:
    first_of = {writable(report.articles[c.members[0]].id): c for c in report.clusters}
    clusters = [first_of[next(m.id for m in one.members if m.id in first_of)] for one in said.clusters]
    ranked = sorted(
        (rank, link.probability, number, link.left, link.right, link)
        for number, cluster in enumerate(clusters)
        for rank, link in enumerate(sorted(cluster.links, key=_weakest_first))
    )
    links: list[list[Link]] = [[] for _ in clusters]
    for _, _, number, _, _, link in ranked[: limits.links]:
        links[number].append(link)
    others = _others(stages, report, limits.floor)
    outside = sorted(others, key=lambda link: (abs(link.probability - threshold), *_key(link)))[: limits.outside]
    return _Choice(clusters, links, outside, len(others), _detailed(clusters, links, outside, limits.detailed))


def _others(stages: Stages, report: Report, floor: float) -> list[Link]:
    """The pairs that were judged and are no links of a cluster, each as one of its texts' first articles."""
    linked = {_key(link) for cluster in report.clusters for link in cluster.links}
    judged = (
        replace(link, left=stages.works[link.left][0], right=stages.works[link.right][0])
        for link in chain(stages.links, stages.clustering.further)
        if link.probability >= floor
    )
    return [link for link in judged if _key(link) not in linked]


def _detailed(
    clusters: Sequence[model.Cluster], links: Sequence[Sequence[Link]], outside: Sequence[Link], most: int
) -> frozenset[Key]:
    """The weakest pairs of all clusters come first, the second weakest next, and so on; with as many pairs that are in
    none.
    """
    rank = {_key(link): place // max(len(clusters), 1) for place, link in enumerate(outside)}
    for some in links:
        rank |= {_key(link): place for place, link in enumerate(some)}
    rank |= {_key(cluster.weakest): 0 for cluster in clusters if cluster.weakest is not None}
    return frozenset(sorted(rank, key=lambda key: (rank[key], key))[:most])


def _key(link: Link) -> Key:
    return link.left, link.right


def _weakest_first(link: Link) -> tuple[float, int, int]:
    return link.probability, link.left, link.right


class _Rows:
    """Rows that name each other by their places, numbered in the order in which they are first needed."""

    def __init__(self, stages: Stages, report: Report, said: document.Document, detailed: frozenset[Key]) -> None:
        self._stages, self._articles, self._detailed = stages, report.articles, detailed
        self._ids = [writable(article.id) for article in report.articles]
        self._position = {written: position for position, written in enumerate(self._ids)}
        self._cluster = {member.id: place for place, one in enumerate(said.clusters) for member in one.members}
        self._work = {position: work for work, members in enumerate(stages.works) for position in members}
        self._records: dict[int, int] = {}
        self._texts: dict[int, int] = {}
        self._names: dict[str, int] = {}
        self._pairs: dict[Key, int] = {}
        self._made: list[Pair] = []

    def cluster(self, found: model.Cluster, said: document.Cluster, links: Iterable[Link]) -> Cluster:
        """The row of a cluster, whose members, links and weakest pair get rows, too."""
        return Cluster(
            id=said.id,
            source_url=said.source_url,
            confidence=said.confidence,
            members=tuple(self.record_of(member.id) for member in said.members),
            keep=self.record_of(said.keep),
            links=tuple(map(self.pair, links)),
            all_links=len(said.links),
            weakest=None if found.weakest is None else self.pair(found.weakest),
            flags=said.flags,
        )

    def record_of(self, record_id: str) -> int:
        """The place of the record with this id."""
        return self._record(self._position[record_id])

    def _record(self, position: int) -> int:
        return self._records.setdefault(position, len(self._records))

    def pair(self, link: Link) -> int:
        """The place of a pair."""
        key = _key(link)
        if key not in self._pairs:
            self._pairs[key] = len(self._made)
            self._made.append(self._row(link))
        return self._pairs[key]

    def _row(self, link: Link) -> Pair:
        written = link_of(link, self._ids)
        left, right = self._position[written.left], self._position[written.right]
        return Pair(
            left=self._record(left),
            right=self._record(right),
            relation=RELATIONS.index(written.relation),
            probability=written.probability,
            found_by=tuple(map(FINDERS.index, written.found_by)),
            confirmed_by=CONFIRMED.index(written.confirmed_by),
            detail=self._detail(written, left, right) if _key(link) in self._detailed else None,
        )

    def _detail(self, written: document.Link, left: int, right: int) -> Detail:
        evidence = tuple(
            (self._names.setdefault(one.name, len(self._names)), one.value, one.weight, one.detail)
            for one in written.evidence
        )
        one, other = self._work[left], self._work[right]
        if one == other:  # copies: every passage is its own partner
            return Detail(evidence, tuple((i, i, 100) for i in range(len(self._stages.texts[one]))), (), ())
        seen = self._stages.judge.seen(min(one, other), max(one, other))
        aligned = align(seen.left, seen.right)
        figures = figures_of(seen.left, seen.right, aligned, seen.calibration)
        found = zip(aligned.pairs.tolist(), aligned.similarity.tolist(), strict=True)
        passages = [(i, j, round(100 * s)) for (i, j), s in found if s >= seen.calibration.partner_similarity]
        if one > other:
            passages = sorted((j, i, similarity) for i, j, similarity in passages)
        return Detail(evidence, tuple(passages), figures.shared, figures.missing)

    def texts(self, limits: Limits) -> tuple[int, tuple[Text, ...]]:
        """The texts of all records so far, and how many characters of each may be shown."""
        for position in self._records:
            self._texts.setdefault(self._work[position], len(self._texts))
        sizes = [sum(map(len, self._stages.texts[work])) for work in self._texts]
        characters = limits.characters
        while characters > 1 and sum(min(size, characters) for size in sizes) > limits.all_characters:
            characters //= 2
        return characters, tuple(self._text(work, characters) for work in self._texts)

    def _text(self, work: int, characters: int) -> Text:
        segments = [writable(segment) for segment in self._stages.texts[work]]
        shown: list[str] = []
        left = characters
        for segment in segments:
            if left <= 0:
                break
            shown.append(segment[:left])
            left -= len(segment)
        beyond = self._stages.shortened.get(self._articles[self._stages.works[work][0]].id, 0)
        return Text(tuple(shown), sum(map(len, segments)) - sum(map(len, shown)), beyond)

    def records(self) -> tuple[Record, ...]:
        """The rows of all records."""
        return tuple(map(self._record_row, self._records))

    def _record_row(self, position: int) -> Record:
        said = document.member_of(self._articles[position], self._ids[position])
        return Record(
            id=said.id,
            path=None if said.path == said.id else said.path,
            line=said.line,
            language=said.language,
            source_url=said.source_url,
            characters=said.characters,
            text=self._texts.get(self._work[position]),
            cluster=self._cluster.get(said.id),
        )

    def pairs(self) -> tuple[Pair, ...]:
        """The rows of all pairs."""
        return tuple(self._made)

    def evidence_names(self) -> tuple[str, ...]:
        """The names that evidence goes by."""
        return tuple(self._names)
