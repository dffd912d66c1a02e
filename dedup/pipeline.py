"""The whole run, in the order in which data moves.

    records -sketch-> entries, fingerprints, embeddings by the token table -discount-> the same without boilerplate
            -propose-> candidate pairs -confirm-> judged pairs -consult-> open pairs judged by the model
            -cluster-> clusters -> report

Articles with one text are one *work*: only its first article goes through the later stages, and the others join it at
the end.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from dedup import calibration as calibrations
from dedup.boilerplate import discount, find_boilerplate
from dedup.calibration import Calibration
from dedup.candidates import Proposal, propose_among
from dedup.clusters import Clustering, cluster
from dedup.confirm import Confirmation, confirm, judge, same_text
from dedup.conflicts import find_conflicts
from dedup.consult import consult
from dedup.embed import Lens, document_vector, embed, embed_all, encode_segments, rows_by_language
from dedup.encoders import TABLE, Encoder, load_encoder
from dedup.encoders.bundled import WEIGHTS_SHA256 as BUNDLED_DIGEST
from dedup.evidence import Subject
from dedup.fingerprints import SIGNATURE_SCHEME
from dedup.flags import flagged
from dedup.model import (
    CandidatePair,
    Cluster,
    Confirmed,
    Embedding,
    EncoderInfo,
    Entries,
    Entry,
    Finder,
    Fingerprint,
    FunnelStage,
    Link,
    Record,
    Skipped,
    WholeReport,
)
from dedup.progress import Progress, Stage, silent, tally
from dedup.read.unique import in_order, unique
from dedup.screen import Screen
from dedup.settings import ALWAYS, NEVER, Settings
from dedup.sketch import Sketch, sketches_of
from dedup.skipped import tell_skipped
from dedup.spool import Arena, Spool
from dedup.watch import watched
from dedup.workers import no_garbage_collection, one_thread_each


def find_clusters(
    records: Iterable[Record | Skipped],
    settings: Settings | None = None,
    *,
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
    progress: Progress = silent,
) -> WholeReport:
    """Which records carry the same article.

    ``records`` come in any order and may hold what was skipped on reading; of records with one id one is kept (see
    :func:`dedup.read.unique_records`). ``encoder`` replaces the model that the settings name, ``calibration`` the
    calibration that they name. The report is the same, byte for byte, for the same records and settings. Raises
    :class:`dedup.errors.ModelError` where a model is needed and cannot be loaded, and
    :class:`dedup.errors.InputError` where the settings name a folder without its calibration.
    """
    settings = settings or Settings()
    return report_of(run_stages(records, settings, encoder, calibration, progress), settings)


@dataclass(frozen=True, slots=True)
class Models:
    """Who looks at the records: ``first`` at every one of them, ``closer`` at what is left open, if there is such a
    model. A ``first`` without a calibration gets one that is made of the run.
    """

    first: Encoder
    calibration: Calibration | None
    kind: Confirmed
    closer: Lens | None = None


def models_of(settings: Settings, encoder: Encoder | None, calibration: Calibration | None) -> Models:
    """The models that the settings ask for.

    The token table is a part of the bundled model, and its calibration knows where that is the better judge. Of any
    other model it knows nothing, perhaps not even the languages: such a model looks at every record with ``auto``, too.
    """
    if settings.model == TABLE or settings.confirm == NEVER:
        table = encoder if encoder is not None and settings.model == TABLE else load_encoder(TABLE, settings.batch_size)
        own = calibration if settings.model == TABLE else None
        return Models(table, own or _calibration(settings, table), Confirmed.TABLE)
    model = encoder or load_encoder(settings.model, settings.batch_size)
    known = calibration or _calibration(settings, model)
    if settings.confirm == ALWAYS or known is None or model.digest != BUNDLED_DIGEST:
        return Models(model, known, Confirmed.MODEL)
    table = load_encoder(TABLE, settings.batch_size)
    return Models(table, calibrations.shipped(table.digest), Confirmed.TABLE, Lens(model, known))


def _calibration(settings: Settings, encoder: Encoder) -> Calibration | None:
    return calibrations.given(settings.calibration, encoder) or calibrations.shipped(encoder.digest)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges any two works: by the model where it has encoded both, else as all pairs are judged at first."""

    keys: Mapping[int, frozenset[str]] | Sequence[frozenset[str]]
    """The source keys that each work cites."""
    subjects: Mapping[int, Subject] | Sequence[Subject]
    calibration: Calibration
    kind: Confirmed
    closer: Mapping[int, Subject] = field(default_factory=dict)
    """The works that the model has encoded, by position."""
    closer_calibration: Calibration | None = None

    def possible(self) -> Callable[[tuple[int, int]], bool]:
        """Which pairs can be one article (:mod:`dedup.screen`)."""
        by_first = Screen(self.subjects, self.calibration)
        by_closer = Screen(self.closer, self.closer_calibration) if self.closer_calibration else by_first
        keys, closer = self.keys, self.closer

        def can_be(pair: tuple[int, int]) -> bool:
            if keys[pair[0]] & keys[pair[1]]:
                return True
            return (by_closer if pair[0] in closer and pair[1] in closer else by_first).possible(pair)

        return can_be

    def __call__(self, pair: CandidatePair) -> Link:
        """The judgement of a pair that no finder need have proposed, with the source URL among its finders where the
        two share one all the same.
        """
        if self.keys[pair.left] & self.keys[pair.right] and Finder.SOURCE_URL not in pair.found_by:
            pair = replace(pair, found_by=(Finder.SOURCE_URL, *pair.found_by))
        seen = self.seen(pair.left, pair.right)
        return judge(pair, seen.left, seen.right, seen.calibration, seen.by)

    def seen(self, left: int, right: int) -> "Seen":
        """The two works as they are compared."""
        if self.closer_calibration and left in self.closer and right in self.closer:
            return Seen(self.closer[left], self.closer[right], self.closer_calibration, Confirmed.MODEL)
        return Seen(self.subjects[left], self.subjects[right], self.calibration, self.kind)


@dataclass(frozen=True, slots=True)
class Seen:
    """Two works as they are compared, and by what."""

    left: Subject
    right: Subject
    calibration: Calibration
    by: Confirmed


@dataclass(frozen=True, slots=True)
class Stages:
    """What the stages of a run made: position ``i`` of ``articles`` is one article, position ``i`` of ``works`` and of
    what the judge knows is one work, and pairs, links and clusters name works.
    """

    articles: tuple[Entry, ...]
    shortened: Mapping[str, int]
    """Record id -> segments beyond the limit, of the records that have any."""
    skipped: tuple[Skipped, ...]
    works: tuple[tuple[int, ...], ...]
    """Positions of the articles with one text."""
    texts: tuple[Sequence[str], ...]
    """The segments of each work, but for those beyond the limit; most often they lie on disk (:mod:`dedup.spool`)."""
    boilerplate: frozenset[int]
    """Hashes of the passages that count little in the subjects (:mod:`dedup.boilerplate`)."""
    models: Models
    judge: Judge
    proposal: Proposal
    links: tuple[Link, ...]
    """The judgement of each candidate pair that can be one article, in their order, whatever its probability."""
    confirming: tuple[FunnelStage, ...]
    """How many pairs were decided by whom."""
    clustering: Clustering

    @property
    def subjects(self) -> Sequence[Subject]:
        """What was compared of each work."""
        return cast("Sequence[Subject]", self.judge.subjects)

    @property
    def calibration(self) -> Calibration:
        """By which it was."""
        return self.judge.calibration


def run_stages(
    records: Iterable[Record | Skipped],
    settings: Settings,
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
    progress: Progress = silent,
    *,
    models: Models | None = None,
) -> Stages:
    """The stages up to the clusters; see :func:`find_clusters`. ``models`` stand in for those of :func:`models_of`."""
    with one_thread_each(), no_garbage_collection(), watched(progress) as progress:
        return _run_stages(records, settings, models or models_of(settings, encoder, calibration), progress)


def _run_stages(records: Iterable[Record | Skipped], settings: Settings, models: Models, progress: Progress) -> Stages:
    known = compare(records, settings, models, progress)
    subjects, calibration = known.subjects, known.calibration
    progress(Stage.PROPOSE)
    proposal = propose_among(known.keys, subjects, calibration, settings, partial(progress, Stage.PROPOSE))
    pairs = len(proposal.pairs)
    tally(progress, {"pairs": pairs})
    progress(Stage.CONFIRM, 0, pairs)
    confirmation = confirm(
        proposal.pairs,
        subjects,
        calibration,
        models.kind,
        settings.workers,
        lambda done: progress(Stage.CONFIRM, done, pairs),
    )
    tally(progress, {"judged pairs": len(confirmation.links), "ruled out early": confirmation.ruled_out})
    judge_pair, links, confirming = consulted(
        Judge(known.keys, subjects, calibration, models.kind), confirmation, proposal, models, settings, progress
    )
    progress(Stage.CLUSTER)
    writings = [s.writing for s in subjects]
    clustering = cluster(
        links, writings, judge_pair, settings.threshold, judge_pair.possible(), workers=settings.workers
    )
    tally(progress, in_clusters(clustering))
    return Stages(
        articles=known.entries,
        shortened=known.shortened,
        skipped=known.skipped,
        works=known.works,
        texts=known.texts,
        boilerplate=known.boilerplate,
        models=models,
        judge=judge_pair,
        proposal=proposal,
        links=links,
        confirming=confirming,
        clustering=clustering,
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """All that is known of the records before any two are looked at; see :class:`Stages`."""

    entries: tuple[Entry, ...]
    shortened: Mapping[str, int]
    skipped: tuple[Skipped, ...]
    works: tuple[tuple[int, ...], ...]
    texts: tuple[Sequence[str], ...]
    keys: tuple[frozenset[str], ...]
    boilerplate: frozenset[int]
    subjects: tuple[Subject, ...]
    calibration: Calibration


def compare(
    records: Iterable[Record | Skipped], settings: Settings, models: Models, progress: Progress = silent
) -> Compared:
    """The stages that look at each record by itself, and at what many of them hold. Their sketches end here: of most
    of a large run's memory, nothing is held twice.
    """
    sketches, skipped = sketched(records, settings, models, progress)
    entries = [s.entry for s in sketches]
    works = works_of([s.fingerprint for s in sketches])
    tally(progress, {"texts": len(works)})
    languages = [entries[members[0]].language for members in works]
    whole = [sketches[members[0]] for members in works]
    progress(Stage.BOILERPLATE)
    prints = [s.fingerprint for s in whole]
    boilerplate = find_boilerplate(languages, prints, settings.workers, partial(progress, Stage.BOILERPLATE))
    tally(progress, {"passages": len(boilerplate)})
    progress(Stage.DISCOUNT, 0, len(prints))
    weighed = discount(prints, boilerplate, settings, lambda done: progress(Stage.DISCOUNT, done, len(prints)))
    by_table = [_reweighed(s, f) for s, f in zip(whole, weighed, strict=True)]
    subjects, calibration = understand(languages, weighed, by_table, models, progress)
    return Compared(
        entries=tuple(entries),
        shortened={s.id: len(s.fingerprint.beyond) for s in sketches if len(s.fingerprint.beyond)},
        skipped=tuple(skipped),
        works=tuple(works),
        texts=tuple(f.segments for f in weighed),
        keys=tuple(article_keys(entries[i] for i in members) for members in works),
        boilerplate=boilerplate,
        subjects=tuple(subjects),
        calibration=calibration,
    )


def sketched(
    records: Iterable[Record | Skipped], settings: Settings, models: Models, progress: Progress
) -> tuple[list[Sketch], list[Skipped]]:
    """A sketch of every record, one an id, in the order of the ids; and what was skipped, by place."""
    lens = None
    if models.kind is Confirmed.TABLE and models.calibration is not None:
        lens = Lens(models.first, models.calibration)
    sketches: list[Sketch] = []
    skipped: list[Skipped] = []
    progress(Stage.SKETCH)
    for batch in sketches_of(records, settings, lens, Spool(), Arena()):
        sketches += (one for one in batch if isinstance(one, Sketch))
        unusable = [one for one in batch if isinstance(one, Skipped)]
        tell_skipped(unusable)
        skipped += unusable
        progress(Stage.SKETCH, len(sketches))
    kept, doubles = unique(sketches, lambda sketch: sketch.rank)
    tell_skipped(doubles)
    tally(progress, {"records": len(kept), "skipped": len(skipped) + len(doubles)})
    return kept, in_order((*skipped, *doubles))


def _reweighed(sketch: Sketch, f: Fingerprint) -> Embedding | None:
    """The embedding of a sketch whose segments may count otherwise by now."""
    e = sketch.embedding
    if e is None or f is sketch.fingerprint:
        return e
    return replace(e, document=document_vector(e.steps, e.norms, f.widths))


def consulted(
    by_table: Judge,
    confirmation: Confirmation,
    proposal: Proposal,
    models: Models,
    settings: Settings,
    progress: Progress,
    matters: Callable[[Link], bool] = lambda _link: True,
) -> tuple[Judge, tuple[Link, ...], tuple[FunnelStage, ...]]:
    """The judge that knows what the model says of the open pairs that matter, the judgements with it, and who decided
    how many.
    """
    ruled_out = FunnelStage("ruled out early", confirmation.ruled_out)
    if models.closer is None:
        return by_table, confirmation.links, (ruled_out,)
    said = consult(
        confirmation,
        proposal.pairs,
        by_table.subjects,
        models.closer,
        settings,
        partial(progress, Stage.CONSULT),
        matters,
    )
    tally(progress, {stage.stage: stage.pairs for stage in said.funnel})
    judge_pair = replace(by_table, closer=said.subjects, closer_calibration=models.closer.calibration)
    return judge_pair, said.links, (ruled_out, *said.funnel)


def in_clusters(clustering: Clustering) -> dict[str, int]:
    """What clustering came to, in counts for progress; of works, but for their copies."""
    found = clustering.clusters
    return {"clusters": len(found), "links": sum(len(cluster.links) for cluster in found)}


def report_of(stages: Stages, settings: Settings) -> WholeReport:
    """The report on a run with these settings."""
    articles, works, clustering = stages.articles, stages.works, stages.clustering
    counts = counts_of(articles, works)
    decided = decided_among(stages.links, settings.threshold)
    decided += Decided(clustering.judged, not_judged=clustering.not_judged)
    linked = sum(len(found.links) for found in clustering.clusters)
    concerned = works_in_clusters(enumerate(works), clustering.clusters)
    clusters = clusters_of(clustering.clusters, concerned, articles, counts.texts, settings.threshold)
    encoder, first_encoder = encoders_of(stages.models, stages.calibration.name)
    return WholeReport(
        articles=articles,
        languages=counts.articles,
        clusters=clusters,
        conflicts=find_conflicts(articles, works, clusters, stages.links),
        funnel=(*stages.proposal.funnel, *stages.confirming, *later_stages(decided, linked, counts.copies)),
        skipped=stages.skipped,
        encoder=encoder,
        first_encoder=first_encoder,
        settings=reported(settings),
        dropped_segments=stages.shortened,
        boilerplate=len(stages.boilerplate),
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """How many articles and how many different texts there are, by language; counts of parts of an input add up."""

    articles: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.articles + other.articles, self.texts + other.texts)

    @property
    def copies(self) -> int:
        """Articles with the text of one before them."""
        return self.articles.total() - self.texts.total()


def counts_of(articles: Iterable[Entry], works: Iterable[tuple[int, ...]]) -> Counts:
    """Those of all articles, and of the works that they are."""
    languages = [article.language for article in articles]
    return Counts(Counter(languages), Counter(languages[members[0]] for members in works))


NOT_JUDGED = "not judged in large clusters"
"""Stage of the funnel: pairs in clusters of large components for which samples stand (:data:`dedup.clusters.LARGE`);
told if there are any."""


@dataclass(frozen=True, slots=True)
class Decided:
    """How many pairs were judged, how many candidates among them reach the threshold, and how many pairs inside large
    clusters nobody judged; counts of parts add up.
    """

    judged: int = 0
    confirmed: int = 0
    not_judged: int = 0

    def __add__(self, other: "Decided") -> "Decided":
        return Decided(self.judged + other.judged, self.confirmed + other.confirmed, self.not_judged + other.not_judged)


def decided_among(judged: Iterable[Link], threshold: float) -> Decided:
    """The counts of these pairs."""
    reach = [link.probability >= threshold for link in judged]
    return Decided(len(reach), sum(reach))


def clusters_of(
    clusters: Iterable[Cluster],
    works: Mapping[int, tuple[int, ...]],
    articles: Entries,
    texts: Counter[str],
    threshold: float,
) -> tuple[Cluster, ...]:
    """Clusters of works as clusters of articles, with their flags.

    ``works`` are at least those in clusters (:func:`works_in_clusters`), ``articles`` at least theirs; ``texts`` counts
    the different texts of the whole input, by language.
    """
    return flagged(with_copies(clusters, works, articles), works, articles, texts, threshold)


def encoders_of(models: Models, calibration: str) -> tuple[EncoderInfo, EncoderInfo | None]:
    """What a report says of the models: of the one with the last word, and of the one before it, if there is one.
    ``calibration`` is the name of that which the first model was used with.
    """
    first = EncoderInfo(models.first.name, models.first.digest, calibration)
    if models.closer is None:
        return first, None
    closer = models.closer.encoder
    return EncoderInfo(closer.name, closer.digest, models.closer.calibration.name), first


def reported(settings: Settings) -> dict[str, str | int | float | bool]:
    """What a report says of the settings."""
    return {**settings.stamped(), "signature": SIGNATURE_SCHEME}


def works_of(fingerprints: Sequence[Fingerprint]) -> list[tuple[int, ...]]:
    """The positions of the articles with one text, for each different text, in the order of the first."""
    same: dict[str, list[int]] = defaultdict(list)
    for position, f in enumerate(fingerprints):
        same[f.digest].append(position)
    return [tuple(members) for members in same.values()]


def understand(
    languages: Sequence[str],
    fingerprints: Sequence[Fingerprint],
    by_table: Sequence[Embedding | None],
    models: Models,
    progress: Progress = silent,
) -> tuple[list[Subject], Calibration]:
    """What is to be compared, and the calibration it is to be compared by: that of the model, or one made of the run
    itself. ``by_table`` are the embeddings that sketches have. A single text needs no model.
    """
    calibration = models.calibration
    if len(fingerprints) < 2:
        return [], calibration or calibrations.for_bundled()
    progress(Stage.EMBED)
    known = [one for one in by_table if one is not None]
    if calibration is None:
        encoded = encode_segments(fingerprints, models.first)
        calibration = calibrations.from_run(*rows_by_language(fingerprints, languages, encoded))
        embeddings = embed(fingerprints, languages, encoded, calibration)
    elif len(known) == len(fingerprints):
        embeddings = known
    else:
        embeddings = embed_all(
            fingerprints,
            languages,
            models.first,
            calibration,
            lambda done: progress(Stage.EMBED, done, len(fingerprints)),
        )
    return [Subject(*parts) for parts in zip(languages, fingerprints, embeddings, strict=True)], calibration


def article_keys(articles: Iterable[Entry]) -> frozenset[str]:
    """The source keys that name an article, of all articles with one text."""
    return frozenset(a.source_key.key for a in articles if a.source_key and a.source_key.names_article)


def works_in_clusters(
    works: Iterable[tuple[int, tuple[int, ...]]], clusters: Iterable[Cluster]
) -> dict[int, tuple[int, ...]]:
    """Of these works, each a number and its articles, those that are in a cluster of articles: in one of works, or
    by themselves, as they have copies.
    """
    clustered = {member for found in clusters for member in found.members}
    return {work: members for work, members in works if len(members) > 1 or work in clustered}


def with_copies(
    clusters: Iterable[Cluster], works: Mapping[int, tuple[int, ...]], articles: Entries
) -> tuple[Cluster, ...]:
    """Clusters of works as clusters of articles: each work's copies join it, and a work with copies is a cluster.

    ``works`` are at least those in clusters (:func:`works_in_clusters`), ``articles`` at least those of clusters.
    """
    complete = []
    clustered: set[int] = set()
    for found in clusters:
        clustered.update(found.members)
        complete.append(_expanded(found, works, articles))
    for work, members in works.items():
        if len(members) > 1 and work not in clustered:
            complete.append(_expanded(Cluster((work,), (), 1.0, agreement=(1.0,)), works, articles))
    return tuple(sorted(complete, key=lambda c: c.members))


def _expanded(found: Cluster, works: Mapping[int, tuple[int, ...]], articles: Entries) -> Cluster:
    def of_articles(link: Link) -> Link:
        return replace(link, left=works[link.left][0], right=works[link.right][0])

    links = [of_articles(link) for link in found.links]
    for first, *copies in (works[member] for member in found.members):
        for copy in copies:
            shared = article_keys([articles[first]]) & article_keys([articles[copy]])
            finders = (Finder.EXACT, Finder.SOURCE_URL) if shared else (Finder.EXACT,)
            links.append(same_text(CandidatePair(first, copy, finders)))
    confidence = found.confidence if len(found.members) > 1 else min(link.probability for link in links)
    agreement = {i: mean for member, mean in zip(found.members, found.agreement, strict=True) for i in works[member]}
    return Cluster(
        members=tuple(sorted(agreement)),
        links=tuple(sorted(links, key=lambda link: (link.left, link.right))),
        confidence=confidence,
        weakest=of_articles(found.weakest) if found.weakest else None,
        agreement=tuple(agreement[i] for i in sorted(agreement)),
    )


def later_stages(decided: Decided, linked: int, copies: int) -> tuple[FunnelStage, ...]:
    """The funnel after the candidates: pairs of different texts but for the last stage, the exact copies. ``linked``
    pairs are links of clusters.
    """
    return (
        FunnelStage("judged", decided.judged),
        *([FunnelStage(NOT_JUDGED, decided.not_judged)] if decided.not_judged else []),
        FunnelStage("confirmed", decided.confirmed),
        FunnelStage("in clusters", linked),
        FunnelStage("exact copies", copies),
    )
