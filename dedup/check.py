"""New records against known ones: the flow of a run (:mod:`dedup.pipeline`), but only pairs with a new record count.

    new records -sketch-> the same stages as in a run
                -propose-> pairs with known texts, which an index finds, and among the new
                -confirm, consult-> judged pairs -cluster-> clusters -> findings: new records and their matches

The known records are an index (:mod:`dedup.index`); those of a plain path become one that ends with the check. What is
compared in the end is a small world: the new texts and the known ones that a finder proposed for them. In it the stages
of a run decide, so that a check says of a new record what a run over everything would, but for four things: nobody
asks for which known texts a new one is among the nearest; two known texts are compared only where one of them may carry
the article of a new one; of the known texts only those of this world tell, together with what the index knows, which
passages are boilerplate; and the model is asked only where it may decide whether a new record is found among the known
ones (:data:`DOUBT`), unless the check is to be ``thorough``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from dedup.boilerplate import discount, find_boilerplate
from dedup.calibration import Calibration
from dedup.candidates import LEFT_OUT, Candidates, Proposal, funnel_of, propose_among
from dedup.clusters import Clustering, cluster
from dedup.confirm import Confirmation, confirm
from dedup.consult import OPEN
from dedup.embed import document_vector
from dedup.encoders import Encoder
from dedup.evidence import Subject
from dedup.findings import Checked
from dedup.held import temporary_folder
from dedup.index.known import Hidden, Index
from dedup.index.write import build_index, check_stamp, sketches_with_vectors
from dedup.model import (
    EncoderInfo,
    FunnelStage,
    Link,
    Record,
    Skipped,
)
from dedup.pipeline import Judge, Models, consulted, in_clusters, models_of, works_of
from dedup.progress import Progress, Stage, silent, tally
from dedup.settings import Settings
from dedup.sketch import Sketch
from dedup.tell import Findings, place_of, shared_pages
from dedup.watch import watched
from dedup.workers import no_garbage_collection, one_thread_each
from dedup.world import Text, World, merged, pairs_of

DOUBT = 0.2
"""Probability by the token table from which the model is asked about a pair that is open. In a run it is asked from
0.05 on. But a check is about records, not pairs: on articles of the fit (four corpora and a sparse one of them) and on
the hand-made ones the same new records are found with 0.05, 0.1 and 0.2
(``scripts/compare_check.py --fitted --doubt``); with 0.4 fewer are. The model takes seconds to load: ten records
against 100,000 are checked without it in 2 of 10 cases, and were in none with 0.05 (``scripts/bench_check.py``). That
was measured at the default threshold: below it the model is asked as in a run."""


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
    with temporary_folder("dedup-check-") as folder:
        change = build_index(folder, records, settings, encoder=encoder, calibration=calibration, progress=progress)
        with Index.open(folder) as index:
            index.skipped = change.skipped
            yield index


def check(
    new: Iterable[Record | Skipped],
    known: Index,
    settings: Settings,
    *,
    gone: Collection[str] = (),
    known_as: Mapping[str, str] = MappingProxyType({}),
    thorough: bool = False,
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
    progress: Progress = silent,
) -> Checked:
    """Which of the new records carry the same article as a known one or as one another.

    ``settings`` must be those of the index where a sketch depends on them (:data:`dedup.index.write.SKETCHING`).
    ``gone`` are the paths of files that are no longer there: known records of theirs are left out. Known records that
    a new one replaces (:meth:`dedup.index.Index.hidden`) are, too; ``known_as`` tells of the path of a new file under
    which other one it is known, as where a link leads to it. With ``thorough`` the model is asked about the open pairs
    of records that are found without it, too: where pairs are accepted one by one, as by a baseline, each of them
    counts, and not only whether a record is found. ``encoder`` replaces the model that the settings name,
    ``calibration`` its calibration. The same records give the same answer, whatever the order in which they came, here
    or into the index.

    Raises :class:`dedup.errors.UnusableIndexError` where the index was made otherwise, and
    :class:`dedup.errors.ModelError` where a model is needed and cannot be loaded.
    """
    with one_thread_each(), no_garbage_collection(), watched(progress) as progress:
        models = models_of(settings, encoder, calibration)
        check_stamp(known.folder, known.stamp, settings, models)
        sketches, skipped = sketches_with_vectors(new, settings, models, progress)
        return _Check(known, settings, models, thorough, progress).outcome(
            sketches, tuple(skipped), known.hidden([sketch.entry for sketch in sketches], gone, known_as)
        )


@dataclass(frozen=True, slots=True)
class _Check:
    """One check, stage by stage."""

    known: Index
    settings: Settings
    models: Models
    thorough: bool
    progress: Progress

    @property
    def calibration(self) -> Calibration:
        """Of the vectors in the index; ``check_stamp`` saw to it that there is one."""
        calibration = self.models.calibration
        assert calibration is not None  # noqa: S101
        return calibration

    def outcome(self, sketches: Sequence[Sketch], skipped: tuple[Skipped, ...], hidden: Hidden) -> Checked:
        """What comes of the new records."""
        entries = [sketch.entry for sketch in sketches]
        known_shortened, known_dropped_segments = self.known.shortened
        world = self.world(sketches, hidden)
        links, confirming, clustering, findings = self.decided(world)
        first = EncoderInfo(self.models.first.name, self.models.first.digest, self.calibration.name)
        closer = self.models.closer
        return Checked(
            records=tuple(sorted(entries, key=place_of)),
            known=self.known.records - len(hidden.rows),
            replaced=len(hidden.replaced),
            gone=len(hidden.gone),
            findings=tuple(sorted(findings.all(), key=lambda finding: place_of(finding.record))),
            same_id=tuple(sorted(findings.same_id(), key=lambda one: place_of(one.record))),
            shared_pages=shared_pages(world, links, clustering),
            skipped=skipped,
            known_skipped=self.known.skipped,
            funnel=(*world.proposal.funnel, *confirming),
            encoder=EncoderInfo(closer.encoder.name, closer.encoder.digest, closer.calibration.name)
            if closer
            else first,
            first_encoder=first if closer else None,
            settings=dict(self.known.settings) | self.settings.stamped(),
            dropped_segments={s.id: len(s.fingerprint.beyond) for s in sketches if len(s.fingerprint.beyond)},
            known_shortened=known_shortened,
            known_dropped_segments=known_dropped_segments,
        )

    # --- propose

    def world(self, sketches: Sequence[Sketch], hidden: Hidden) -> World:
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
        texts = sorted(merged(new, known), key=Text.order)
        boilerplate |= find_boilerplate([t.language for t in texts], [t.fingerprint for t in texts], workers)
        pairs = pairs_of(texts, among.pairs, found.pairs)
        left_out = dict(found.left_out)
        for stage in among.funnel:
            if stage.stage in LEFT_OUT:
                left_out[stage.stage] = left_out.get(stage.stage, 0) + stage.pairs
        proposal = Proposal(pairs, funnel_of(pairs, left_out))
        tally(self.progress, {"pairs": len(pairs), "known texts": sum(text.position is None for text in texts)})
        return World(tuple(texts), tuple(self.subjects(texts, boilerplate)), proposal)

    def new_texts(self, sketches: Sequence[Sketch]) -> list[Text]:
        """The different texts among the new records, in the order of their ids."""
        texts = []
        for position, members in enumerate(works_of([sketch.fingerprint for sketch in sketches])):
            first = sketches[members[0]]
            assert first.embedding is not None  # noqa: S101 - sketches_with_vectors saw to it
            entries = tuple((sketches[i].entry, False) for i in members)
            texts.append(
                Text(first.entry.language, first.fingerprint, first.embedding, entries, position=position, row=None)
            )
        return texts

    def subjects(self, texts: Sequence[Text], boilerplate: frozenset[int]) -> list[Subject]:
        """What is compared of the texts."""
        weighed = discount([text.fingerprint for text in texts], boilerplate, self.settings)
        return [
            Subject(text.language, f, replace(e, document=document_vector(e.steps, e.norms, f.widths)))
            for text, f, e in zip(texts, weighed, (text.embedding for text in texts), strict=True)
        ]

    # --- confirm, cluster

    def decided(self, world: World) -> tuple[tuple[Link, ...], tuple[FunnelStage, ...], Clustering, Findings]:
        """The judgement of each pair that can be one article, who decided how many, the clusters, and what they say."""
        pairs = world.proposal.pairs
        self.progress(Stage.CONFIRM, 0, len(pairs))
        told = partial(self._confirmed, len(pairs))
        calibration, kind, workers = self.calibration, self.models.kind, self.settings.workers
        confirmation = confirm(pairs, world.subjects, calibration, kind, workers, told)
        confirmation = self.with_known_pairs(world, confirmation)
        tally(self.progress, {"judged pairs": len(confirmation.links), "ruled out early": confirmation.ruled_out})
        first = Judge([text.keys() for text in world.texts], world.subjects, calibration, kind)
        writings = [subject.writing for subject in world.subjects]
        spared = self.settled(world, confirmation.links)
        while True:
            matters = partial(self.matters, world, frozenset(spared))
            judge_pair, links, confirming = consulted(
                first, confirmation, world.proposal, self.models, self.settings, self.progress, matters
            )
            self.progress(Stage.CLUSTER)
            clustering = cluster(links, writings, judge_pair, self.settings.threshold, judge_pair.possible())
            tally(self.progress, in_clusters(clustering))
            findings = Findings(world, judge_pair, clustering)
            if spared <= findings.with_known:
                return links, confirming, clustering, findings
            spared &= findings.with_known  # the others of a cluster may keep a text from the one it surely goes with

    def settled(self, world: World, links: Iterable[Link]) -> set[int]:
        """The new texts that are found among the known ones whatever else is said: that are known ones, or surely carry
        the article of one. Of them the model is not asked: it takes seconds to load, and would at most name another
        partner. That a text goes with another new one settles nothing: the two may have a known one in common.
        """
        if self.thorough or self.models.closer is None:
            return set()
        texts = world.texts

        def surely(new: int, known: int) -> bool:
            members = texts[new].members
            return texts[new].position is not None and all(texts[known].tells(one) for one, old in members if not old)

        settled = {place for place, text in enumerate(texts) if text.row is not None and surely(place, place)}
        sure = max(OPEN[1], self.settings.threshold)
        for link in links:
            if link.probability >= sure:
                both = (link.left, link.right), (link.right, link.left)
                settled |= {new for new, known in both if texts[known].row is not None and surely(new, known)}
        return settled

    def matters(self, world: World, settled: Collection[int], link: Link) -> bool:
        """Whether what the model says of an open pair may change what is told of a new record."""
        if link.probability < (DOUBT if self.settings.threshold >= Settings().threshold else OPEN[0]):
            return False
        new = (text for text in (link.left, link.right) if world.texts[text].position is not None)
        return any(text not in settled for text in new)

    def with_known_pairs(self, world: World, confirmation: Confirmation) -> Confirmation:
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
