"""The report as a document: ids instead of positions, everything in a fixed order, numbers rounded.

The classes below are the contract with every program that reads a report; ``schema.json`` is generated from
them. Equal reports give equal documents, whatever the order in which the stages found things:

* clusters come in the order of their first member's id, which for files is the order of the user's folder, so
  that two reports of a growing corpus differ only where the corpus does;
* members by id, links by the ids they join, conflicts by URL, skipped input by place;
* funnel and evidence as given: the order of the flow, and of the sum.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from typing import Annotated, Final, Literal, Protocol

from msgspec import UNSET, Meta, Struct, UnsetType

from dedup import __version__, model

SCHEMA_VERSION: Final = 1
"""Raised when a program that reads reports would have to change; a further field is no such change."""

WEIGHT_TOLERANCE: Final = 0.001
"""How far the written weights' sum may be from the log-odds of the written probability (see ``rounded``).

Holds for probabilities from 1e-9 to 1 - 1e-9 and up to 15 pieces of evidence. Beyond, a float near 1 says too
little about its distance from 1.
"""

Count = Annotated[int, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]


class Tool(Struct, frozen=True, kw_only=True):
    """The program that wrote the report."""

    name: str
    version: str


class Encoder(Struct, frozen=True, kw_only=True):
    """The model that compared meanings."""

    name: str
    digest: Annotated[str, Meta(description="Digest of the model's weights.")]
    calibration: Annotated[str, Meta(description="Whose calibration turned its scores into probabilities.")]


class Shortened(Struct, frozen=True, kw_only=True):
    """A record whose end was not compared by meaning, because it is longer than the settings allow."""

    id: str
    segments: Annotated[int, Meta(ge=1, description="Segments left out.")]


class Input(Struct, frozen=True, kw_only=True):
    """What was read."""

    records: Annotated[
        Count, Meta(description="Records compared, in a cluster or not; skipped ones are not among them.")
    ]
    skipped: Annotated[Count, Meta(description="Pieces of input that could not be used.")]
    languages: Annotated[dict[str, Count], Meta(description="ISO 639 code, or 'und', to number of records.")]
    dropped_segments: Annotated[Count, Meta(description="Segments left out of the shortened records, in all.")]
    shortened: Annotated[tuple[Shortened, ...], Meta(description="By id.")]
    boilerplate_passages: Annotated[
        Count,
        Meta(
            description="Different passages that counted little, because they stand in several texts that are "
            "otherwise unlike: the furniture of a site. 0 in reports of versions that did not tell."
        ),
    ] = 0


class Stage(Struct, frozen=True, kw_only=True):
    """How many pairs a stage brought or kept."""

    stage: str
    pairs: Count


class Member(Struct, frozen=True, kw_only=True):
    """A record of a cluster."""

    id: Annotated[str, Meta(description="The record's own id, or the file's path, or file:line.")]
    path: Annotated[str | None, Meta(description="The file it was read from.")]
    line: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="The line it was read from.")]
    language: Annotated[str, Meta(description="ISO 639 code, or 'und' where nothing can be said.")]
    source_url: Annotated[str | None, Meta(description="The URL it cites as its source, as written.")]
    characters: Annotated[Count, Meta(description="Length of the article, without source line and page furniture.")]


class Evidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason for or against."""

    name: str
    value: Annotated[float, Meta(description="What was seen.")]
    weight: Annotated[float, Meta(description="What it adds to the log-odds of the probability.")]
    detail: Annotated[str, Meta(description="The same in words, where a number says too little: the figures.")] = ""


class Link(Struct, frozen=True, kw_only=True):
    """The judgement that two members carry the same article."""

    left: Annotated[str, Meta(description="Id of a member, smaller than 'right'.")]
    right: str
    relation: model.Relation
    probability: Annotated[Probability, Meta(description="That both carry the same article.")]
    found_by: Annotated[tuple[model.Finder, ...], Meta(description="Why the pair was looked at.")]
    evidence: Annotated[
        tuple[Evidence, ...],
        Meta(
            description="The prior first. The weights add up to the log-odds of the probability: to 0.001, "
            "for probabilities from 1e-9 to 1 - 1e-9."
        ),
    ]
    confirmed_by: Annotated[
        model.Confirmed,
        Meta(description="What the probability rests on: equal texts, vectors of the token table, or of the model."),
    ] = model.Confirmed.MODEL


class WeakestPair(Struct, frozen=True, kw_only=True):
    """The two members of a cluster that are least probably one article."""

    left: Annotated[str, Meta(description="Id of a member, smaller than 'right'.")]
    right: str
    probability: Annotated[Probability, Meta(description="That both carry the same article.")]
    relation: Annotated[model.Relation, Meta(description="What they are to each other if they do.")]


class Cluster(Struct, frozen=True, kw_only=True):
    """Records that carry the same article."""

    id: Annotated[str, Meta(description="Hash of the members' ids and texts.", pattern="^[0-9a-f]{16}$")]
    languages: Annotated[tuple[str, ...], Meta(description="Languages of the members, sorted.")]
    source_url: Annotated[str | None, Meta(description="The URL that most members cite.")]
    confidence: Annotated[
        Probability,
        Meta(
            description="Mean probability, over all other members, of the member that agrees least with the rest; "
            "copies of one text count as one."
        ),
    ]
    keep: Annotated[str, Meta(description="Id of the member with the longest text.")]
    members: Annotated[tuple[Member, ...], Meta(description="By id.", min_length=2)]
    links: Annotated[tuple[Link, ...], Meta(description="The pairs that reach the threshold, by their ids.")]
    weakest: Annotated[
        WeakestPair | None,
        Meta(
            description="Of all judged pairs of different texts, the least probable, also where it is below the "
            "threshold and no link. Null where all members hold one text, and in reports of versions that did not tell."
        ),
    ] = None
    flags: Annotated[
        tuple[str, ...],
        Meta(description="Why to look at it before anything is removed, a sentence each; mostly there is no reason."),
    ] = ()


class Conflict(Struct, frozen=True, kw_only=True):
    """Records that cite the same page though their contents disagree."""

    source_url: str
    members: Annotated[tuple[str, ...], Meta(description="Ids, sorted.")]
    reason: str


class Skipped(Struct, frozen=True, kw_only=True):
    """A piece of input that could not be used."""

    path: str
    line: Annotated[int | None, Meta(description="Null where the whole file is meant.")]
    reason: str


class Change(Struct, frozen=True, kw_only=True):
    """Clusters that another threshold would replace by others; no other change concerns their records."""

    before: Annotated[tuple[str, ...], Meta(description="Ids of clusters of this report that would not be there.")]
    after: Annotated[tuple[tuple[str, ...], ...], Meta(description="Clusters instead: the ids of their records.")]


class Outlook(Struct, frozen=True, kw_only=True):
    """What another threshold would give, estimated from the pairs that were judged, and so too few joins below."""

    threshold: Probability
    clusters: Count
    records: Annotated[Count, Meta(description="Records in clusters.")]
    gone: Annotated[Count, Meta(description="Clusters of this report that would not be there as they are.")]
    new: Annotated[Count, Meta(description="Clusters that are none of this report's.")]
    concerned: Annotated[Count, Meta(description="Records in either.")]
    changes: Annotated[tuple[Change, ...], Meta(description="None at the threshold of the report.")]


class Document(Struct, frozen=True, kw_only=True):
    """Report of dedup: records that carry the same article, and why."""

    schema_version: Literal[1]
    tool: Tool
    encoder: Encoder
    settings: Annotated[dict[str, str | int | float | bool], Meta(description="All settings that can change a result.")]
    input: Input
    funnel: Annotated[tuple[Stage, ...], Meta(description="In the order of the flow.")]
    clusters: Annotated[tuple[Cluster, ...], Meta(description="By the id of the first member.")]
    conflicts: Annotated[tuple[Conflict, ...], Meta(description="By URL.")]
    skipped: Annotated[tuple[Skipped, ...], Meta(description="By path and line.")]
    first_encoder: Annotated[
        Encoder | None,
        Meta(
            description="What every record met, where 'encoder' was only asked about what that left open. Null where "
            "'encoder' met every record, and in reports of versions that did not tell."
        ),
    ] = None
    sweep: Annotated[
        tuple[Outlook, ...] | UnsetType,
        Meta(description="Other thresholds and the report's own, ascending; there only where --sweep asked for it."),
    ] = UNSET


class Ids(Protocol):
    """The ids of articles as they are written, by position."""

    def __getitem__(self, position: int, /) -> str:
        """That of the article at this position."""


def spoken_of(
    clusters: Iterable[model.Cluster],
    conflicts: Iterable[model.Conflict] = (),
    outlooks: Iterable[model.Outlook] | None = None,
) -> set[int]:
    """The positions of the articles that a report with these clusters, conflicts and outlooks must hold."""
    found, cited = (one.members for one in clusters), (one.members for one in conflicts)
    changed = (group for one in outlooks or () for change in one.changes for group in (*change.before, *change.after))
    return set(chain.from_iterable(chain(found, cited, changed)))


def document_of(report: model.Report) -> Document:
    """The document that says what ``report`` says."""
    articles = report.articles
    ids = {i: writable(articles[i].id) for i in spoken_of(report.clusters, report.conflicts, report.outlooks)}
    clusters = (_cluster(cluster, articles, ids) for cluster in report.clusters)
    conflicts = (
        Conflict(
            source_url=writable(conflict.source_url),
            members=tuple(sorted(ids[position] for position in conflict.members)),
            reason=writable(conflict.reason),
        )
        for conflict in report.conflicts
    )
    return Document(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="dedup", version=__version__),
        encoder=encoder_of(report.encoder),
        settings=settings_of(report.settings),
        input=_input(report),
        funnel=funnel_of(report.funnel),
        clusters=tuple(sorted(clusters, key=lambda cluster: cluster.members[0].id)),
        conflicts=tuple(sorted(conflicts, key=lambda conflict: (conflict.source_url, conflict.members))),
        skipped=skipped_of(report.skipped),
        first_encoder=None if report.first_encoder is None else encoder_of(report.first_encoder),
        sweep=UNSET if report.outlooks is None else outlooks_of(report.outlooks, report, ids),
    )


def encoder_of(encoder: model.EncoderInfo) -> Encoder:
    """The model, as written."""
    return Encoder(name=writable(encoder.name), digest=encoder.digest, calibration=writable(encoder.calibration))


def settings_of(settings: Mapping[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
    """The settings by name, as written."""
    return {name: writable(value) if isinstance(value, str) else value for name, value in sorted(settings.items())}


def funnel_of(funnel: Iterable[model.FunnelStage]) -> tuple[Stage, ...]:
    """The stages in the order of the flow, as written."""
    return tuple(Stage(stage=stage.stage, pairs=stage.pairs) for stage in funnel)


def languages_of(articles: Iterable[model.Entry]) -> dict[str, int]:
    """Language -> number of articles, by language."""
    return dict(sorted(Counter(article.language for article in articles).items()))


def shortened_of(dropped_segments: Mapping[str, int]) -> tuple[Shortened, ...]:
    """The records whose end was not compared by meaning, by id, as written."""
    return tuple(
        Shortened(id=writable(record_id), segments=segments) for record_id, segments in sorted(dropped_segments.items())
    )


def outlooks_of(outlooks: Iterable[model.Outlook], report: model.Report, ids: Ids) -> tuple[Outlook, ...]:
    """What other thresholds would give, as written. The records of ``report`` have these ``ids``."""
    named = {tuple(sorted(one.members)): cluster_id(one.members, report.articles, ids) for one in report.clusters}

    def written(change: model.Change) -> Change:
        after = (tuple(sorted(ids[article] for article in group)) for group in change.after)
        return Change(before=tuple(sorted(named[group] for group in change.before)), after=tuple(sorted(after)))

    return tuple(
        Outlook(
            threshold=one.threshold,
            clusters=one.clusters,
            records=one.articles,
            gone=one.gone,
            new=one.new,
            concerned=one.concerned,
            changes=tuple(map(written, one.changes)),
        )
        for one in outlooks
    )


def writable(text: str) -> str:
    r"""``text`` with lone surrogates spelled out (``\udcff``), as JSON in UTF-8 can hold no others.

    They come from file names that are not valid in the system's encoding.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _input(report: model.Report) -> Input:
    return Input(
        records=report.records,
        skipped=len(report.skipped),
        languages=dict(sorted(report.languages.items())),
        dropped_segments=sum(report.dropped_segments.values()),
        shortened=shortened_of(report.dropped_segments),
        boilerplate_passages=report.boilerplate,
    )


def skipped_of(skipped: Iterable[model.Skipped]) -> tuple[Skipped, ...]:
    """What was skipped, by place, as written."""
    in_order = sorted(skipped, key=lambda one: (one.path, one.line or 0, one.reason))
    return tuple(Skipped(path=writable(one.path), line=one.line, reason=writable(one.reason)) for one in in_order)


def _cluster(cluster: model.Cluster, articles: model.Entries, ids: Ids) -> Cluster:
    positions = sorted(cluster.members, key=ids.__getitem__)
    members = tuple(member_of(articles[position], ids[position]) for position in positions)
    links = (link_of(link, ids) for link in cluster.links)
    return Cluster(
        id=cluster_id(positions, articles, ids),
        languages=tuple(sorted({member.language for member in members})),
        source_url=_most_cited(members),
        confidence=rounded(cluster.confidence),
        keep=ids[kept(positions, articles, ids)],
        members=members,
        links=tuple(sorted(links, key=lambda link: (link.left, link.right))),
        weakest=None if cluster.weakest is None else _weakest(cluster.weakest, ids),
        flags=tuple(map(writable, cluster.flags)),
    )


def cluster_id(members: Iterable[int], articles: model.Entries, ids: Ids) -> str:
    """The id of a cluster with these articles."""
    return content_id((ids[one], articles[one].content) for one in sorted(members, key=ids.__getitem__))


def kept(members: Iterable[int], articles: model.Entries, ids: Ids) -> int:
    """The one of a cluster's articles that is to be kept: with the longest text, of several the first id."""
    return min(members, key=lambda one: (-articles[one].characters, ids[one]))


def member_of(article: model.Entry, record_id: str) -> Member:
    """The record of an article, under the id that it has in the document."""
    return Member(
        id=record_id,
        path=None if article.path is None else writable(article.path),
        line=article.line,
        language=article.language,
        source_url=None if article.source_url is None else writable(article.source_url),
        characters=article.characters,
    )


def link_of(link: model.Link, ids: Ids) -> Link:
    """The judgement of two articles, whose ids are those at its positions."""
    left, right = sorted((ids[link.left], ids[link.right]))
    return Link(
        left=left,
        right=right,
        relation=link.relation,
        probability=rounded(link.probability),
        found_by=link.found_by,
        evidence=evidence_of(link.evidence),
        confirmed_by=link.confirmed_by,
    )


def _weakest(link: model.Link, ids: Ids) -> WeakestPair:
    left, right = sorted((ids[link.left], ids[link.right]))
    return WeakestPair(left=left, right=right, probability=rounded(link.probability), relation=link.relation)


def evidence_of(evidence: Iterable[model.Evidence]) -> tuple[Evidence, ...]:
    """The evidence of a judgement, as written."""
    return tuple(
        Evidence(
            name=one.name,
            value=round(one.value, 4) + 0.0,  # adding 0.0 turns a rounded -0.0 into 0.0
            weight=round(one.weight, 4) + 0.0,
            detail=writable(one.detail),
        )
        for one in evidence
    )


def _most_cited(members: Sequence[Member]) -> str | None:
    """The URL that most members cite; of several, the smallest."""
    cited = Counter(member.source_url for member in members if member.source_url is not None)
    return min(cited, key=lambda url: (-cited[url], url), default=None)


def content_id(members: Iterable[tuple[str, bytes]]) -> str:
    """A name for members with these ids and contents, in the order of the ids; equal wherever and whenever met."""
    digest = blake2b(digest_size=8)
    for id_, content in members:
        for part in (id_.encode("utf-8", "surrogatepass"), content):
            # The length first, so that no two lists of parts run together into the same bytes.
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def rounded(probability: float) -> float:
    """``probability`` to four significant digits of its distance from 0 or 1, whichever is nearer.

    So it never becomes 0 or 1 unless it is, and its log-odds move by 0.0001 at most. Four decimals would not
    do: at 0.9999 they can move the log-odds by 0.4, and the weights would no longer add up to them.
    """
    if probability in (0.0, 1.0):
        return probability
    return round(probability, 4 - math.floor(math.log10(min(probability, 1.0 - probability))))
