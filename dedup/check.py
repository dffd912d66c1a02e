"""New records against known ones: the flow of a run (:mod:`dedup.pipeline`), but only pairs with a new record count.

    new records -sketch-> the same stages as in a run
                -propose-> pairs with known texts, which an index finds, and among the new
                -confirm, consult-> judged pairs -cluster-> clusters -> findings: new records and their matches

The known records are an index (:mod:`dedup.index`); those of a plain path become one that ends with the check. What is
compared in the end is a small world: the new texts and the known ones that a finder proposed for them. In it the stages
of a run decide, so that a check says of a new record what a run over everything would, but for three things: nobody
asks for which known texts a new one is among the nearest; two known texts are only compared where that decides about a
new one; and of the known texts only those of this world tell, together with what the index knows, which passages are
boilerplate.
"""

import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from dedup.boilerplate import discount, find_boilerplate
from dedup.calibration import Calibration
from dedup.candidates import LEFT_OUT, Candidates, Proposal, funnel_of, propose_among
from dedup.clusters import Clustering, cluster
from dedup.confirm import Confirmation, confirm, same_text
from dedup.conflicts import find_conflicts
from dedup.consult import OPEN
from dedup.embed import document_vector
from dedup.encoders import Encoder
from dedup.evidence import Subject
from dedup.findings import Checked, Finding, Match, SharedPage
from dedup.index.known import Hidden, Index, KnownWork
from dedup.index.write import build_index, check_stamp, sketches_with_vectors
from dedup.model import (
    CandidatePair,
    Embedding,
    EncoderInfo,
    Entry,
    Finder,
    Fingerprint,
    FunnelStage,
    Link,
    Record,
    Relation,
    Skipped,
)
from dedup.pipeline import Judge, Models, article_keys, consulted, models_of, with_copies, works_of
from dedup.progress import Progress, Stage, silent
from dedup.settings import Settings
from dedup.sketch import Sketch
from dedup.workers import no_garbage_collection, one_thread_each

DOUBT = 0.2
"""Probability by the token table from which the model is asked about a pair that is open. In a run it is asked from
0.05 on. But a check is about records, not pairs: on articles of the fit (four corpora and a sparse one of them) and on
the hand-made ones the same new records are found with 0.05, 0.1 and 0.2
(``scripts/compare_check.py --fitted --doubt``); with 0.4 fewer are. The model takes seconds to load: ten records
against 100,000 are checked without it in 2 of 10 cases, and were in none with 0.05 (``scripts/bench_check.py``)."""


OTHERS_NAMED = 100
"""Of the records that cite the page of a new one, though their contents are others, how many are named; the rest is
counted."""


@contextmanager
def known_from(
    records: Iterable[Record | Skipped],
    settings: Settings,
    *,
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
    progress: Progress = silent,
) -> Iterator[Index]:
    """An index of these records for as long as the block lasts. It tells what of them could not be used."""
    with tempfile.TemporaryDirectory(prefix="dedup-") as folder:
        change = build_index(
            Path(folder), records, settings, encoder=encoder, calibration=calibration, progress=progress
        )
        with Index.open(Path(folder)) as index:
            index.skipped = change.skipped
            yield index


def check(
    new: Iterable[Record | Skipped],
    known: Index,
    settings: Settings,
    *,
    gone: Collection[str] = (),
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
    progress: Progress = silent,
) -> Checked:
    """Which of the new records carry the same article as a known one or as one another.

    ``settings`` must be those of the index where a sketch depends on them (:data:`dedup.index.write.SKETCHING`).
    ``gone`` are the paths of files that are no longer there: known records of theirs are left out. Known records that
    a new one replaces (:meth:`dedup.index.Index.hidden`) are, too. ``encoder`` replaces the model that the settings
    name, ``calibration`` its calibration. The same records give the same answer, whatever the order in which they
    came, here or into the index.

    Raises :class:`dedup.errors.UnusableIndexError` where the index was made otherwise, and
    :class:`dedup.errors.ModelError` where a model is needed and cannot be loaded.
    """
    with one_thread_each(), no_garbage_collection():
        models = models_of(settings, encoder, calibration)
        check_stamp(known.folder, known.stamp, settings, models)
        sketches, skipped = sketches_with_vectors(new, settings, models, progress)
        return _Check(known, settings, models, progress).outcome(sketches, tuple(skipped), gone)


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of the small world: ``position`` among the new ones, or ``row`` in the index, or both; and its records,
    by id, with whether each is known.
    """

    language: str
    fingerprint: Fingerprint
    embedding: Embedding
    members: tuple[tuple[Entry, bool], ...]
    position: int | None
    row: int | None

    def keys(self) -> frozenset[str]:
        """The source keys that its records cite."""
        return article_keys(entry for entry, _ in self.members)

    def order(self) -> tuple[str, bool]:
        """By the first record, as in a run."""
        first, known = self.members[0]
        return first.id, known


@dataclass(frozen=True, slots=True)
class _World:
    """All that is compared; position ``i`` is one text, pairs name texts."""

    texts: tuple[_Text, ...]
    subjects: tuple[Subject, ...]
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class _Check:
    """One check, stage by stage."""

    known: Index
    settings: Settings
    models: Models
    progress: Progress

    @property
    def calibration(self) -> Calibration:
        """Of the vectors in the index; ``check_stamp`` saw to it that there is one."""
        calibration = self.models.calibration
        assert calibration is not None  # noqa: S101
        return calibration

    def outcome(self, sketches: Sequence[Sketch], skipped: tuple[Skipped, ...], gone: Collection[str]) -> Checked:
        """What comes of the new records."""
        entries = [sketch.entry for sketch in sketches]
        hidden = self.known.hidden(entries, gone)
        world = self.world(sketches, hidden)
        judge_pair, links, confirming = self.judged(world)
        self.progress(Stage.CLUSTER)
        clustering = cluster(
            links,
            [subject.writing for subject in world.subjects],
            judge_pair,
            self.settings.threshold,
            judge_pair.possible(),
        )
        findings = _Findings(world, judge_pair, clustering)
        first = EncoderInfo(self.models.first.name, self.models.first.digest, self.calibration.name)
        closer = self.models.closer
        return Checked(
            records=tuple(sorted(entries, key=_place)),
            known=self.known.records - len(hidden.rows),
            replaced=len(hidden.replaced),
            gone=len(hidden.gone),
            findings=tuple(sorted(findings.all(), key=lambda finding: _place(finding.record))),
            shared_pages=_shared_pages(world, links, clustering),
            skipped=skipped,
            known_skipped=self.known.skipped,
            funnel=(*world.proposal.funnel, *confirming),
            encoder=EncoderInfo(closer.encoder.name, closer.encoder.digest, closer.calibration.name)
            if closer
            else first,
            first_encoder=first if closer else None,
            settings=dict(self.known.settings) | self.settings.stamped(),
            dropped_segments={s.id: len(s.fingerprint.beyond) for s in sketches if len(s.fingerprint.beyond)},
        )

    # --- propose

    def world(self, sketches: Sequence[Sketch], hidden: Hidden) -> _World:
        """The new texts, the known ones that may carry their articles, and which are worth comparing."""
        new = self.new_texts(sketches)
        prints = [text.fingerprint for text in new]
        self.progress(Stage.BOILERPLATE)
        workers = self.settings.workers
        boilerplate = self.known.boilerplate | find_boilerplate([t.language for t in new], prints, workers)
        subjects = self.subjects(new, boilerplate)
        keys = [text.keys() for text in new]
        self.progress(Stage.PROPOSE)
        among = (
            propose_among(keys, subjects, self.calibration, self.settings) if new else Proposal(Candidates.of([]), ())
        )
        ids = [text.members[0][0].id for text in new]
        found = self.known.candidates(ids, keys, subjects, self.calibration, self.settings, hidden)
        same = self.known.with_texts([f.digest for f in prints], hidden)
        known = self.known.works({row for _, row in found.pairs} | set(same.values()), hidden)
        texts = sorted(_merged(new, known), key=_Text.order)
        boilerplate |= find_boilerplate([t.language for t in texts], [t.fingerprint for t in texts], workers)
        pairs = _pairs(texts, among.pairs, found.pairs)
        left_out = dict(found.left_out)
        for stage in among.funnel:
            if stage.stage in LEFT_OUT:
                left_out[stage.stage] = left_out.get(stage.stage, 0) + stage.pairs
        proposal = Proposal(pairs, funnel_of(pairs, left_out))
        return _World(tuple(texts), tuple(self.subjects(texts, boilerplate)), proposal)

    def new_texts(self, sketches: Sequence[Sketch]) -> list[_Text]:
        """The different texts among the new records, in the order of their ids."""
        texts = []
        for position, members in enumerate(works_of([sketch.fingerprint for sketch in sketches])):
            first = sketches[members[0]]
            assert first.embedding is not None  # noqa: S101 - sketches_with_vectors saw to it
            entries = tuple((sketches[i].entry, False) for i in members)
            texts.append(
                _Text(first.entry.language, first.fingerprint, first.embedding, entries, position=position, row=None)
            )
        return texts

    def subjects(self, texts: Sequence[_Text], boilerplate: frozenset[int]) -> list[Subject]:
        """What is compared of the texts."""
        weighed = discount([text.fingerprint for text in texts], boilerplate, self.settings)
        return [
            Subject(text.language, f, replace(e, document=document_vector(e.steps, e.norms, f.widths)))
            for text, f, e in zip(texts, weighed, (text.embedding for text in texts), strict=True)
        ]

    # --- confirm

    def judged(self, world: _World) -> tuple[Judge, tuple[Link, ...], tuple[FunnelStage, ...]]:
        """Who judges pairs, the judgement of each pair that can be one article, and who decided how many."""
        pairs, subjects = world.proposal.pairs, world.subjects
        self.progress(Stage.CONFIRM, 0, len(pairs))
        told = partial(self._confirmed, len(pairs))
        confirmation = confirm(pairs, subjects, self.calibration, self.models.kind, self.settings.workers, told)
        confirmation = self.with_known_pairs(world, confirmation)
        first = Judge([text.keys() for text in world.texts], subjects, self.calibration, self.models.kind)
        settled = _settled(world, confirmation.links)

        def matters(link: Link) -> bool:
            if link.probability < DOUBT:
                return False
            new = (text for text in (link.left, link.right) if world.texts[text].position is not None)
            return any(text not in settled for text in new)

        return consulted(first, confirmation, world.proposal, self.models, self.settings, self.progress, matters)

    def with_known_pairs(self, world: _World, confirmation: Confirmation) -> Confirmation:
        """The judgements with those of pairs of known texts one of which may carry the article of a new one. If it
        carries that of the other known text as well, the new one has to agree with both.
        """
        texts, threshold = world.texts, self.settings.threshold
        probable = [link for link in confirmation.links if link.probability >= threshold]
        partners = {text for link in probable for text in (link.left, link.right) if texts[text].position is None}
        if not partners:
            return confirmation
        keys = [text.keys() for text in texts]
        proposed = propose_among(keys, world.subjects, self.calibration, self.settings).pairs
        pairs = [
            pair
            for pair in proposed
            if texts[pair.left].position is None
            and texts[pair.right].position is None
            and (pair.left in partners or pair.right in partners)
        ]
        more = confirm(pairs, world.subjects, self.calibration, self.models.kind, self.settings.workers)
        links = sorted((*confirmation.links, *more.links), key=lambda link: (link.left, link.right))
        return Confirmation(tuple(links), confirmation.ruled_out)

    def _confirmed(self, total: int, done: int) -> None:
        self.progress(Stage.CONFIRM, done, total)


def _settled(world: _World, links: Iterable[Link]) -> set[int]:
    """The new texts that are found whatever else is said: that are known ones, or surely carry the article of another
    text. Of them the model is not asked: it takes seconds to load, and would at most name another partner.
    """
    settled = {place for place, text in enumerate(world.texts) if text.position is not None and text.row is not None}
    for link in links:
        if link.probability >= OPEN[1]:
            settled |= {link.left, link.right}
    return settled


def _place(entry: Entry) -> tuple[str, int, str]:
    return entry.path or "", entry.line or 0, entry.id


def _merged(new: Sequence[_Text], known: Sequence[KnownWork]) -> Iterator[_Text]:
    """The texts of both, a text that is new and known once: as the first of its records by id has it."""
    by_digest = {work.fingerprint.digest: work for work in known}
    for text in new:
        work = by_digest.pop(text.fingerprint.digest, None)
        yield text if work is None else _joined(text, work)
    for work in by_digest.values():
        members = tuple((entry, True) for entry in work.members)
        yield _Text(work.language, work.fingerprint, work.embedding, members, position=None, row=work.row)


def _joined(text: _Text, work: KnownWork) -> _Text:
    members = sorted((*text.members, *((e, True) for e in work.members)), key=lambda m: (m[0].id, m[1]))
    if members[0][1]:
        return _Text(work.language, work.fingerprint, work.embedding, tuple(members), text.position, work.row)
    return replace(text, members=tuple(members), row=work.row)


def _pairs(
    texts: Sequence[_Text],
    among: Iterable[CandidatePair],
    found: Mapping[tuple[int, int], frozenset[Finder]],
) -> Candidates:
    """The pairs that finders brought, by the places of their texts. A text that is new and known cites what the records
    of both cite.
    """
    of_new = {text.position: place for place, text in enumerate(texts) if text.position is not None}
    of_known = {text.row: place for place, text in enumerate(texts) if text.row is not None}
    finders: dict[tuple[int, int], set[Finder]] = {}
    for pair in among:
        finders.setdefault(_ordered(of_new[pair.left], of_new[pair.right]), set()).update(pair.found_by)
    for (position, row), by in found.items():
        left, right = _ordered(of_new[position], of_known[row])
        if left != right:
            finders.setdefault((left, right), set()).update(by)
    keys = [text.keys() for text in texts]
    for left, right in finders:
        if keys[left] & keys[right]:
            finders[left, right].add(Finder.SOURCE_URL)
    in_order = tuple(Finder)
    return Candidates.of(
        CandidatePair(*pair, tuple(sorted(finders[pair], key=in_order.index))) for pair in sorted(finders)
    )


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


# --- findings


class _Findings:
    """What the clusters of the small world say of the new records."""

    def __init__(self, world: _World, judge_pair: Judge, clustering: Clustering) -> None:
        self._texts = world.texts
        self._judge = judge_pair
        self._links: dict[tuple[int, int], Link] = {}
        self._clusters: list[tuple[int, ...]] = []
        for found in clustering.clusters:
            self._links.update({(link.left, link.right): link for link in found.links})
            self._clusters.append(found.members)
        clustered = {text for members in self._clusters for text in members}
        self._clusters += [(text,) for text in range(len(self._texts)) if text not in clustered]

    def all(self) -> Iterator[Finding]:
        """The new records that have a match."""
        for cluster_ in self._clusters:
            for text in cluster_:
                for entry, known in self._texts[text].members:
                    matches = [] if known else self._matches(entry, text, cluster_)
                    if matches:
                        yield Finding(entry, tuple(sorted(matches, key=_strength)))

    def _matches(self, entry: Entry, text: int, cluster_: Sequence[int]) -> list[Match]:
        """All that a new record is told of: pairs with known records, and with new ones that come before it."""
        others = [other for other in cluster_ if other != text]
        links = [self._links[_ordered(text, other)] for other in others if _ordered(text, other) in self._links]
        copy = same_text(CandidatePair(*_ordered(text, text), (Finder.EXACT,)))
        matches = self._told(entry, text, copy)
        for link in links:
            matches += self._told(entry, link.right if link.left == text else link.left, link)
        if not matches and any(known for other in others for _, known in self._texts[other].members):
            # It joined the others though no single one of them is probable enough: the best of these is told.
            best = max((self._judged(text, other) for other in others), key=lambda link: link.probability)
            matches = self._told(entry, best.right if best.left == text else best.left, best)
        return matches

    def _judged(self, text: int, other: int) -> Link:
        return self._judge(CandidatePair(*_ordered(text, other), (Finder.CLUSTER,)))

    def _told(self, entry: Entry, partner: int, link: Link) -> list[Match]:
        """The records of a partner that a new one is told of: the first known one and the first new one before it,
        each for all that have the same text.
        """
        members = self._texts[partner].members
        known = [one for one, is_known in members if is_known]
        before = [one for one, is_known in members if not is_known and _place(one) < _place(entry)]
        return [_match(entry, some[0], some is known, link, copies=len(some) - 1) for some in (known, before) if some]


def _match(entry: Entry, partner: Entry, known: bool, link: Link, copies: int) -> Match:
    shared = bool(article_keys([entry]) & article_keys([partner]))
    finders = link.found_by
    if shared and Finder.SOURCE_URL not in finders:
        finders = tuple(finder for finder in Finder if finder in (*finders, Finder.SOURCE_URL))
    return Match(
        partner=partner,
        known=known,
        relation=link.relation,
        probability=link.probability,
        found_by=finders,
        evidence=link.evidence,
        confirmed_by=link.confirmed_by,
        shared_source=entry.source_url if shared else None,
        copies=copies,
    )


def _strength(match: Match) -> tuple[float, bool, str, bool]:
    """The surest first, copies before all."""
    return -match.probability, match.relation is not Relation.EXACT, match.partner.id, not match.known


def _shared_pages(world: _World, links: Sequence[Link], clustering: Clustering) -> tuple[SharedPage, ...]:
    """New records that cite a page which records with other contents cite."""
    articles: list[Entry] = []
    known: list[bool] = []
    works = []
    for text in world.texts:
        works.append(tuple(range(len(articles), len(articles) + len(text.members))))
        articles += (entry for entry, _ in text.members)
        known += (is_known for _, is_known in text.members)
    clusters = with_copies(clustering.clusters, works, articles)
    cluster_of = {member: number for number, found in enumerate(clusters) for member in found.members}
    pages: list[SharedPage] = []
    for conflict in find_conflicts(articles, works, clusters, links):
        key = articles[conflict.members[0]].source_key
        if key is not None and key.names_article:
            citing = sorted(conflict.members, key=lambda member: (not known[member], _place(articles[member])))
            groups = [cluster_of.get(member, ~member) for member in citing]
            of_group: dict[int, int] = defaultdict(int)  # those that come before
            for place, (member, group) in enumerate(zip(citing, groups, strict=True)):
                others = place - of_group[group]
                if others and not known[member]:
                    before = (one for one, its in zip(citing[:place], groups, strict=False) if its != group)
                    named = tuple(articles[one] for one in islice(before, OTHERS_NAMED))
                    page = SharedPage(
                        articles[member], named, conflict.source_url, conflict.reason, others - len(named)
                    )
                    pages.append(page)
                of_group[group] += 1
    return tuple(sorted(pages, key=lambda page: _place(page.record)))
