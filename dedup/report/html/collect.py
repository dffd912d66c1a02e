"""The page's data, collected from a run and the report on it, up to limits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from dedup import model
from dedup.evidence import align, figures_of, shared_names
from dedup.model import Link, Report
from dedup.pipeline import Stages
from dedup.report import document
from dedup.report.document import document_of, link_of, writable
from dedup.report.html.data import (
    Change,
    Cluster,
    Conflict,
    Cut,
    Detail,
    Group,
    Index,
    Outlook,
    PageData,
    Pair,
    Record,
    Text,
)
from dedup.report.wording import reasons_of
from dedup.sweep import sweep
from dedup.text import figures_at, in_one_line

RELATIONS: Final = tuple(model.Relation)
FINDERS: Final = tuple(model.Finder)
CONFIRMED: Final = tuple(model.Confirmed)

LISTED_BEGINNING: Final = 140
"""Characters of a text that stand in a list."""

Key = tuple[int, int]
"""Two articles by their positions in the report, ascending."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the page holds at most. What is left out is counted, and the page says so."""

    characters: int = 6_000
    """Of a record's text."""
    all_characters: int = 16_000_000
    """Of all texts. Where they come to more, those of the pairs in detail come first, and of the others"""
    beginning: int = 300
    """characters are shown, even if that is more."""
    links: int = 100_000
    """Pairs in clusters, the weakest of each cluster first."""
    outside: int = 5_000
    """Pairs that are no links of a cluster: those nearest to the threshold,"""
    floor: float = 0.1
    """and the probability from which such a pair counts."""
    detailed: int = 10_000
    """Pairs, of both sorts, with evidence and aligned passages."""
    changes: int = 1_000
    """Changes at each other threshold, and"""
    members: int = 50
    """records of each cluster that it would give."""


def page_data(stages: Stages, report: Report, threshold: float, limits: Limits | None = None) -> PageData:
    """What the page of a run shows. ``report`` is that of ``stages``, both made with this ``threshold``."""
    limits = limits or Limits()
    said = document_of(report)
    choice = _choose(stages, report, said, threshold, limits)
    rows = _Rows(stages, said, choice.detailed)
    clusters = tuple(map(rows.cluster, choice.clusters, said.clusters, choice.links))
    outside = tuple(map(rows.pair, choice.outside))
    conflicts = tuple(Conflict(c.source_url, tuple(map(rows.record_of, c.members)), c.reason) for c in said.conflicts)
    place_of = {tuple(sorted(found.members)): place for place, found in enumerate(choice.clusters)}
    outlooks = tuple(rows.outlook(one, place_of, limits) for one in report.outlooks or sweep(stages, threshold))
    texts, begun = rows.texts(choice.detailed, limits)
    pairs = rows.pairs()
    cut = Cut(
        characters=limits.characters,
        beginning=limits.beginning,
        texts=len(texts),
        texts_cut=sum(1 for text in texts if text.cut_characters),
        texts_begun=begun,
        links=sum(len(cluster.links) for cluster in said.clusters),
        links_shown=sum(map(len, choice.links)),
        outside=choice.all_outside,
        outside_shown=len(outside),
        floor=limits.floor,
        pairs=len(pairs),
        pairs_detailed=sum(1 for pair in pairs if pair.detail is not None),
    )
    index = Index(
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
        pairs=pairs,
        clusters=clusters,
        outside=outside,
        conflicts=conflicts,
        skipped=said.skipped,
        outlooks=outlooks,
        cut=cut,
    )
    return PageData(index=index, texts=texts, details=rows.details())


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is shown: clusters in the order of the document, the links of each, the other pairs, and of all pairs those
    shown in detail, the most telling first.
    """

    clusters: Sequence[model.Cluster]
    links: Sequence[Sequence[Link]]
    outside: Sequence[Link]
    all_outside: int
    detailed: Sequence[Key]


def _choose(stages: Stages, report: Report, said: document.Document, threshold: float, limits: Limits) -> _Choice:
    first_of = {writable(stages.articles[c.members[0]].id): c for c in report.clusters}
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
    return _Choice(
        clusters, links, outside, len(others), _detailed(clusters, links, outside, threshold)[: limits.detailed]
    )


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
    clusters: Sequence[model.Cluster], links: Sequence[Sequence[Link]], outside: Sequence[Link], threshold: float
) -> list[Key]:
    """The weakest pairs of all clusters come first, the second weakest next, and so on; with as many pairs that are in
    none. Among them those nearest to the threshold come first.
    """
    rank: dict[Key, tuple[int, float]] = {}
    for place, link in enumerate(outside):
        rank[_key(link)] = place // max(len(clusters), 1), abs(link.probability - threshold)
    for some in links:
        rank |= {_key(link): (place, abs(link.probability - threshold)) for place, link in enumerate(some)}
    weakest = (cluster.weakest for cluster in clusters if cluster.weakest is not None)
    rank |= {_key(link): (0, abs(link.probability - threshold)) for link in weakest}
    return sorted(rank, key=lambda key: (rank[key], key))


def _key(link: Link) -> Key:
    return link.left, link.right


def _weakest_first(link: Link) -> tuple[float, int, int]:
    return link.probability, link.left, link.right


class _Rows:
    """Rows that name each other by their places, numbered in the order in which they are first needed."""

    def __init__(self, stages: Stages, said: document.Document, detailed: Iterable[Key]) -> None:
        self._stages, self._articles, self._detailed = stages, stages.articles, frozenset(detailed)
        self._ids = [writable(article.id) for article in self._articles]
        self._position = {written: position for position, written in enumerate(self._ids)}
        self._cluster = {member.id: place for place, one in enumerate(said.clusters) for member in one.members}
        self._work = {position: work for work, members in enumerate(stages.works) for position in members}
        self._records: dict[int, int] = {}
        self._texts: dict[int, int] = {}
        self._names: dict[str, int] = {}
        self._pairs: dict[Key, int] = {}
        self._made: list[Pair] = []
        self._details: list[Detail] = []

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
            beginning=self._beginning(self._position[said.keep]),
        )

    def _beginning(self, position: int) -> str:
        text = ""
        for segment in self._stages.texts[self._work[position]]:
            text += " " + segment
            if len(text) > LISTED_BEGINNING + 1:
                return writable(text[1 : LISTED_BEGINNING + 1]) + "…"
        return writable(text[1:])

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
        detail = None
        if _key(link) in self._detailed:
            detail = len(self._details)
            self._details.append(self._detail(written, left, right))
        return Pair(
            left=self._record(left),
            right=self._record(right),
            relation=RELATIONS.index(written.relation),
            probability=written.probability,
            found_by=tuple(map(FINDERS.index, written.found_by)),
            confirmed_by=CONFIRMED.index(written.confirmed_by),
            detail=detail,
        )

    def _detail(self, written: document.Link, left: int, right: int) -> Detail:
        evidence = tuple(
            (self._names.setdefault(one.name, len(self._names)), one.value, one.weight, one.detail)
            for one in written.evidence
        )
        reasons = reasons_of(written.evidence, most=None)
        one, other = self._work[left], self._work[right]
        if one == other:  # copies: every passage is its own partner
            passages = tuple((i, i, 100) for i in range(len(self._stages.texts[one])))
            return Detail(evidence, *reasons, passages, (), (), (), (), ())
        seen = self._stages.judge.seen(min(one, other), max(one, other))
        aligned = align(seen.left, seen.right)
        figures, names = (
            figures_of(seen.left, seen.right, aligned, seen.calibration),
            shared_names(seen.left, seen.right),
        )
        found = zip(aligned.pairs.tolist(), aligned.similarity.tolist(), strict=True)
        paired = [(i, j, round(100 * s)) for (i, j), s in found if s >= seen.calibration.partner_similarity]
        clashes = figures.clashes
        if one > other:
            paired = sorted((j, i, similarity) for i, j, similarity in paired)
            clashes = tuple((b, a) for a, b in clashes)
        shared, missing = (tuple(map(writable, some)) for some in (names.shared, names.missing))
        return Detail(evidence, *reasons, tuple(paired), figures.shared, figures.missing, clashes, shared, missing)

    def outlook(self, found: model.Outlook, place_of: Mapping[tuple[int, ...], int], limits: Limits) -> Outlook:
        """The row of a threshold; ``place_of`` are the places of clusters by their members."""
        return Outlook(
            threshold=found.threshold,
            clusters=found.clusters,
            records=found.articles,
            gone=found.gone,
            new=found.new,
            concerned=found.concerned,
            changes=tuple(self._change(change, place_of, limits.members) for change in found.changes[: limits.changes]),
            all_changes=len(found.changes),
        )

    def _change(self, found: model.Change, place_of: Mapping[tuple[int, ...], int], most: int) -> Change:
        before, after = set(chain(*found.before)), set(chain(*found.after))

        def group(positions: Sequence[int]) -> Group:
            return Group(tuple(map(self._record, positions[:most])), len(positions))

        return Change(
            before=tuple(place_of[group] for group in found.before),
            after=tuple(map(group, found.after)),
            lost=group(sorted(before - after)),
            gained=group(sorted(after - before)),
        )

    def texts(self, detailed: Iterable[Key], limits: Limits) -> tuple[tuple[Text, ...], int]:
        """The texts of all records so far, and of how many only the beginning is shown.

        Those of one language stand together: deflate then finds more to refer back to, and saves a quarter.
        """
        works = dict.fromkeys(map(self._work.__getitem__, self._records))
        by_language = sorted(works, key=lambda work: self._articles[self._stages.works[work][0]].language)
        self._texts = {work: number for number, work in enumerate(by_language)}
        sizes = {work: sum(map(len, self._stages.texts[work])) for work in self._texts}
        least = {work: min(size, limits.beginning, limits.characters) for work, size in sizes.items()}
        shown, left = dict(least), limits.all_characters - sum(least.values())
        telling = (self._work[position] for key in detailed for position in key)
        for work in dict.fromkeys(chain(telling, self._texts)):
            more = min(sizes[work], limits.characters) - shown[work]
            if more <= left:
                shown[work] += more
                left -= more
        begun = sum(1 for work, size in sizes.items() if shown[work] < min(size, limits.characters))
        return tuple(self._text(work, shown[work]) for work in self._texts), begun

    def _text(self, work: int, characters: int) -> Text:
        segments = [writable(in_one_line(segment)) for segment in self._stages.texts[work]]
        shown: list[str] = []
        left = characters
        for segment in segments:
            if left <= 0:
                break
            shown.append(segment[:left])
            left -= len(segment)
        beyond = self._stages.shortened.get(self._articles[self._stages.works[work][0]].id, 0)
        cut = sum(map(len, segments)) - sum(map(len, shown))
        return Text(tuple(shown), cut, beyond, tuple(_figures(shown)))

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
            text=self._texts[self._work[position]],
            cluster=self._cluster.get(said.id),
        )

    def pairs(self) -> tuple[Pair, ...]:
        """The rows of all pairs."""
        return tuple(self._made)

    def details(self) -> tuple[Detail, ...]:
        """Those of the pairs that have some, in their order."""
        return tuple(self._details)

    def evidence_names(self) -> tuple[str, ...]:
        """The names that evidence goes by."""
        return tuple(self._names)


def _figures(segments: Sequence[str]) -> Iterator[tuple[int, int, int, str]]:
    """The figures of segments as the page wants them."""
    for number, segment in enumerate(segments):
        for digits, start, end in figures_at(segment):
            yield number, _utf16_length(segment[:start]), _utf16_length(segment[:end]), digits


def _utf16_length(text: str) -> int:
    """In code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
