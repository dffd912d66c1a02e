"""The whole run, in the order in which data moves.

    records -prepare-> articles -fingerprint-> fingerprints -discount-> the same without boilerplate
            -embed-> embeddings -propose-> candidate pairs -confirm-> judged pairs -cluster-> clusters -> report

Articles with one text are one *work*: only its first article goes through the dear stages, and the others join it at
the end.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from dedup import calibration as calibrations
from dedup.boilerplate import discount, find_boilerplate
from dedup.calibration import Calibration
from dedup.candidates import Proposal, propose
from dedup.clusters import Clustering, cluster
from dedup.confirm import confirm, judge, same_text
from dedup.conflicts import find_conflicts
from dedup.embed import embed, encode_segments, rows_by_language
from dedup.encoders import Encoder, load_encoder
from dedup.evidence import Subject
from dedup.fingerprints import SIGNATURE_SCHEME, fingerprint
from dedup.flags import flagged
from dedup.language import language_of
from dedup.model import (
    Article,
    CandidatePair,
    Cluster,
    EncoderInfo,
    Finder,
    Fingerprint,
    FunnelStage,
    Link,
    Record,
    Report,
    Skipped,
)
from dedup.page import split_page
from dedup.read.characters import readable
from dedup.read.unique import unique_records
from dedup.settings import Settings
from dedup.source_url import source_key
from dedup.text import is_empty

Progress = Callable[[str], None]
"""Told the name of each stage as it begins."""


def find_clusters(
    records: Iterable[Record | Skipped],
    settings: Settings | None = None,
    *,
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
    progress: Progress = lambda _stage: None,
) -> Report:
    """Which records carry the same article.

    ``records`` come in any order and may hold what was skipped on reading; of records with one id one is kept (see
    :func:`dedup.read.unique_records`). ``encoder`` replaces the model that the settings name, ``calibration`` the
    calibration that they name. The report is the same,
    byte for byte, for the same records and settings. Raises :class:`dedup.errors.ModelError` where a model is needed
    and cannot be loaded, and :class:`dedup.errors.InputError` where the settings name a folder without its calibration.
    """
    settings = settings or Settings()
    encoder = encoder or load_encoder(settings.model, settings.batch_size)
    return report_of(run_stages(records, settings, encoder, calibration, progress), settings, encoder)


@dataclass(frozen=True, slots=True)
class Stages:
    """What the stages of a run made: position ``i`` of ``articles`` and ``fingerprints`` is one article, position ``i``
    of ``works``, ``keys`` and ``subjects`` one work, and pairs, links and clusters name works.
    """

    articles: tuple[Article, ...]
    fingerprints: tuple[Fingerprint, ...]
    skipped: tuple[Skipped, ...]
    works: tuple[tuple[int, ...], ...]
    """Positions of the articles with one text."""
    keys: tuple[frozenset[str], ...]
    """The source keys that each work cites."""
    boilerplate: frozenset[str]
    """The passages that count little in the subjects (:mod:`dedup.boilerplate`)."""
    subjects: tuple[Subject, ...]
    calibration: Calibration
    proposal: Proposal
    links: tuple[Link, ...]
    """The judgement of each candidate pair, in their order, whatever its probability."""
    clustering: Clustering


def run_stages(
    records: Iterable[Record | Skipped],
    settings: Settings,
    encoder: Encoder,
    calibration: Calibration | None = None,
    progress: Progress = lambda _stage: None,
) -> Stages:
    """The stages up to the clusters; see :func:`find_clusters`."""
    calibration = calibration or calibrations.given(settings.calibration, encoder)
    progress("reading")
    kept, skipped = unique_records(records)
    progress("preparing")
    articles, unusable = prepare(kept)
    progress("fingerprinting")
    fingerprints = fingerprint(articles, settings)
    works = works_of(fingerprints)
    of_works = [articles[members[0]] for members in works]
    whole = [fingerprints[members[0]] for members in works]
    boilerplate = find_boilerplate(of_works, whole)
    weighed = discount(of_works, whole, boilerplate, settings)
    progress("embedding")
    subjects, calibration = understand(of_works, weighed, encoder, calibration)
    progress("proposing")
    keys = [article_keys(articles[i] for i in members) for members in works]
    proposal = propose(keys, subjects, calibration, settings)
    progress("confirming")
    links = confirm(proposal.pairs, subjects, calibration)
    progress("clustering")
    judge_pair = partial(judge_unproposed, keys=keys, subjects=subjects, calibration=calibration)
    clustering = cluster(links, [s.writing for s in subjects], judge_pair, settings.threshold)
    return Stages(
        articles=tuple(articles),
        fingerprints=tuple(fingerprints),
        skipped=tuple(sorted((*skipped, *unusable), key=lambda s: (s.path, s.line or 0, s.reason))),
        works=tuple(works),
        keys=tuple(keys),
        boilerplate=boilerplate,
        subjects=tuple(subjects),
        calibration=calibration,
        proposal=proposal,
        links=tuple(links),
        clustering=clustering,
    )


def report_of(stages: Stages, settings: Settings, encoder: Encoder) -> Report:
    """The report on a run with these settings and this encoder."""
    articles, works = stages.articles, stages.works
    found = with_copies(stages.clustering.clusters, works, articles)
    clusters = flagged(found, works, articles, settings.threshold)
    return Report(
        articles=articles,
        clusters=clusters,
        conflicts=find_conflicts(articles, works, clusters, stages.links),
        funnel=(
            *stages.proposal.funnel,
            *_later_stages(stages.links, stages.clustering, works, settings.threshold),
        ),
        skipped=stages.skipped,
        encoder=EncoderInfo(encoder.name, encoder.digest, stages.calibration.name),
        settings={**settings.stamped(), "signature": SIGNATURE_SCHEME},
        dropped_segments={
            a.record.id: f.dropped_segments
            for a, f in zip(articles, stages.fingerprints, strict=True)
            if f.dropped_segments
        },
        boilerplate=len(stages.boilerplate),
    )


def prepare(records: Sequence[Record]) -> tuple[list[Article], list[Skipped]]:
    """The article in each record: apart from its page, with its source and language; in the same order.

    A URL that the text itself cites goes before the one in the record's URL field, which often is the page that the
    translation was crawled from.
    """
    articles, unusable = [], []
    for record in records:
        page = split_page(readable(record.text))  # readers did so already; a program's records are as they are
        if is_empty(page.text):
            unusable.append(Skipped(record.path or record.id, record.line, "empty text"))
            continue
        url = page.source_url or record.url
        articles.append(
            Article(record, page.text, url, source_key(url) if url else None, language_of(page.text, record.language))
        )
    return articles, unusable


def works_of(fingerprints: Sequence[Fingerprint]) -> list[tuple[int, ...]]:
    """The positions of the articles with one text, for each different text, in the order of the first."""
    same: dict[str, list[int]] = defaultdict(list)
    for position, f in enumerate(fingerprints):
        same[f.digest].append(position)
    return [tuple(members) for members in same.values()]


def understand(
    articles: Sequence[Article],
    fingerprints: Sequence[Fingerprint],
    encoder: Encoder,
    calibration: Calibration | None = None,
) -> tuple[list[Subject], Calibration]:
    """What is to be compared, and the calibration it is to be compared by: the one given, the one that ships for the
    model, or one made of the run itself. A single text needs no model.
    """
    if len(articles) < 2:
        return [], calibration or calibrations.for_bundled()
    languages = [a.language for a in articles]
    encoded = encode_segments(fingerprints, encoder)
    calibration = (
        calibration
        or calibrations.shipped(encoder.digest)
        or calibrations.from_run(*rows_by_language(fingerprints, languages, encoded))
    )
    embeddings = embed(fingerprints, languages, encoded, calibration)
    return [Subject(*parts) for parts in zip(languages, fingerprints, embeddings, strict=True)], calibration


def article_keys(articles: Iterable[Article]) -> frozenset[str]:
    """The source keys that name an article, of all articles with one text."""
    return frozenset(a.source_key.key for a in articles if a.source_key and a.source_key.names_article)


def with_copies(
    clusters: Iterable[Cluster], works: Sequence[tuple[int, ...]], articles: Sequence[Article]
) -> tuple[Cluster, ...]:
    """Clusters of works as clusters of articles: each work's copies join it, and a work with copies is a cluster."""
    complete = []
    clustered: set[int] = set()
    for found in clusters:
        clustered.update(found.members)
        complete.append(_expanded(found, works, articles))
    for position, members in enumerate(works):
        if position not in clustered and len(members) > 1:
            complete.append(_expanded(Cluster((position,), (), 1.0), works, articles))
    return tuple(sorted(complete, key=lambda c: c.members))


def _expanded(found: Cluster, works: Sequence[tuple[int, ...]], articles: Sequence[Article]) -> Cluster:
    def of_articles(link: Link) -> Link:
        return replace(link, left=works[link.left][0], right=works[link.right][0])

    links = [of_articles(link) for link in found.links]
    for first, *copies in (works[member] for member in found.members):
        for copy in copies:
            shared = article_keys([articles[first]]) & article_keys([articles[copy]])
            finders = (Finder.EXACT, Finder.SOURCE_URL) if shared else (Finder.EXACT,)
            links.append(same_text(CandidatePair(first, copy, finders)))
    confidence = found.confidence if len(found.members) > 1 else min(link.probability for link in links)
    return Cluster(
        members=tuple(sorted(i for member in found.members for i in works[member])),
        links=tuple(sorted(links, key=lambda link: (link.left, link.right))),
        confidence=confidence,
        weakest=of_articles(found.weakest) if found.weakest else None,
    )


def judge_unproposed(
    pair: CandidatePair, keys: Sequence[frozenset[str]], subjects: Sequence[Subject], calibration: Calibration
) -> Link:
    """The judgement of a pair of works that no finder proposed, with the source URL among its finders where the two
    share one all the same.
    """
    if keys[pair.left] & keys[pair.right]:
        pair = replace(pair, found_by=(Finder.SOURCE_URL, *pair.found_by))
    return judge(pair, subjects[pair.left], subjects[pair.right], calibration)


def _later_stages(
    judged: Sequence[Link], clustering: Clustering, works: Sequence[tuple[int, ...]], threshold: float
) -> tuple[FunnelStage, ...]:
    """The funnel after the candidates: pairs of different texts but for the last stage, the exact copies."""
    return (
        FunnelStage("judged", len(judged) + clustering.judged),
        FunnelStage("confirmed", sum(link.probability >= threshold for link in judged)),
        FunnelStage("in clusters", sum(len(c.links) for c in clustering.clusters)),
        FunnelStage("exact copies", sum(len(members) - 1 for members in works)),
    )
