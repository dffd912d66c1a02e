"""Which pairs the model is asked about: those that the token table leaves open, while asking changes something.

The token table sees every record; the model is a hundred times dearer. So it is asked in rounds about the open
pairs, those whose probability by the table lies between ``OPEN[0]`` and ``OPEN[1]``: the most doubt a segment first. A
round takes on pairs until their texts come to ``ROUND`` segments that were not encoded before. It goes on while a round
changes the decision of one pair in ``WORTH`` records: of few records nearly all open pairs are asked about; of 100,000,
where a round of some seconds cannot change much, the table's word stands, and the report counts how many pairs were
left to it.

Once texts have been encoded, the model's judgement goes for all pairs among them: those that the table was sure of,
and those that are near in the model's space only, which are proposed anew.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from dedup.calibration import Calibration
from dedup.candidates import Candidates
from dedup.confirm import Confirmation, confirm, judge
from dedup.embed import Lens, embed_all
from dedup.evidence import Subject
from dedup.model import CandidatePair, Finder, FunnelStage, Link
from dedup.neighbours import nearest
from dedup.settings import Settings

OPEN = (0.05, 0.95)
"""Probabilities by the table between which a pair is open. On the hand-made articles, which were written to be hard, a
run then finds what it finds with ``--confirm always`` (B-cubed F1 0.9628); from 0.1 to 0.9 it falls to 0.9527
(``scripts/pin_floors.py`` tells, with other values here). That the table is sure about both texts and others of their
group is no reason to spare a pair: templates filled in twice vouch for each other, and F1 fell to 0.935 (an exploratory
run that was not kept)."""

ROUND = 1_024
"""Segments that are newly encoded in a round, about 35,000 tokens: some ten seconds on two cores."""

WORTH = 1_000
"""Records, one changed decision in which makes another round worth its time."""


@dataclass(frozen=True, slots=True)
class Consultation:
    """What the model said: the subjects that it encoded by position, the judgements of all candidates, and how many
    pairs were open, asked about, changed, and left to the table.
    """

    subjects: Mapping[int, Subject]
    links: tuple[Link, ...]
    funnel: tuple[FunnelStage, ...]


def consult(
    by_table: Confirmation,
    candidates: Candidates,
    subjects: Mapping[int, Subject] | Sequence[Subject],
    lens: Lens,
    settings: Settings,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    matters: Callable[[Link], bool] = lambda _link: True,
) -> Consultation:
    """The judgements ``by_table`` with those of the model in the place of the open ones.

    ``progress`` is told how many open pairs are decided, and of how many. ``matters`` says of an open pair whether the
    answer is of any use; others are left to the table.
    """

    def segments(position: int) -> int:
        return len(subjects[position].embedding.norms)

    open_pairs = [link for link in by_table.links if is_open(link.probability)]
    questions = [link for link in open_pairs if matters(link)]
    answers = ask(
        _by_doubt(questions, segments),
        len(questions),
        segments,
        lambda positions: encoded([subjects[position] for position in positions], lens),
        lens.calibration,
        settings,
        len(subjects),
        progress,
    )
    closer = answers.subjects
    again = confirm(among_encoded(candidates, closer, settings), closer, lens.calibration)
    apart = [link for link in by_table.links if not (link.left in closer and link.right in closer)]
    return Consultation(
        subjects=closer,
        links=tuple(sorted((*apart, *again.links), key=lambda link: (link.left, link.right))),
        funnel=answers.funnel(len(open_pairs)),
    )


def is_open(probability: float) -> bool:
    """Whether the table leaves a pair open."""
    return OPEN[0] < probability < OPEN[1]


@dataclass(frozen=True, slots=True)
class Answers:
    """The texts that the model encoded, by position; how many pairs it was asked about, and changed the decision of."""

    subjects: Mapping[int, Subject]
    asked: int
    changed: int

    def funnel(self, open_pairs: int) -> tuple[FunnelStage, ...]:
        """The same as stages of the funnel; ``open_pairs`` were open in all."""
        return (
            FunnelStage("open by the table", open_pairs),
            FunnelStage("asked of the model", self.asked),
            FunnelStage("changed by the model", self.changed),
            FunnelStage("left open to the table", open_pairs - self.asked),
        )


def ask(
    questions: Iterable[Link],
    count: int,
    segments: Callable[[int], int],
    encode: Callable[[Sequence[int]], Sequence[Subject]],
    calibration: Calibration,
    settings: Settings,
    texts: int,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Answers:
    """Ask the model about ``count`` open pairs of ``texts`` in all, in rounds, as long as it is worth it.

    ``questions`` are these pairs in the order of :func:`doubt`; ``segments`` are how many a text has; ``encode`` gives
    texts, by ascending position, as the model sees them.
    """
    closer: dict[int, Subject] = {}
    changed = done = 0
    progress(0, count)
    for asked in _rounds(questions, closer, segments):
        new = sorted({position for link in asked for position in (link.left, link.right)} - closer.keys())
        closer |= zip(new, encode(new), strict=True)
        judged = [judge(_candidate(link), closer[link.left], closer[link.right], calibration) for link in asked]
        changes = sum(_decision(a, settings) != _decision(b, settings) for a, b in zip(asked, judged, strict=True))
        changed, done = changed + changes, done + len(asked)
        progress(done, count)
        if changes * WORTH < texts:
            break
    return Answers(closer, done, changed)


def _by_doubt(open_pairs: Sequence[Link], segments: Callable[[int], int]) -> list[Link]:
    """The open pairs in the order in which they are asked about: the most doubt a segment first."""
    probability = np.array([link.probability for link in open_pairs], np.float64)
    sizes = np.array([segments(link.left) + segments(link.right) for link in open_pairs], np.int64)
    sides = np.array([(link.right, link.left) for link in open_pairs], np.int64).reshape(-1, 2)
    return [open_pairs[place] for place in np.lexsort((*sides.T, -doubt(probability, sizes))).tolist()]


def doubt(probability: NDArray[np.float64], segments: NDArray[np.integer]) -> NDArray[np.float64]:
    """How much doubt there is of each pair, for each segment that its two texts have; all of shape (pairs,)."""
    return cast("NDArray[np.float64]", np.minimum(probability, 1 - probability) / segments)


def _rounds(
    open_pairs: Iterable[Link], closer: Mapping[int, Subject], segments: Callable[[int], int]
) -> Iterator[list[Link]]:
    """The pairs in portions whose texts come to ``ROUND`` segments that are not among ``closer`` yet, or one pair."""
    asked: list[Link] = []
    new: set[int] = set()
    size = 0
    for link in open_pairs:
        asked.append(link)
        for position in (link.left, link.right):
            if position not in closer and position not in new:
                new.add(position)
                size += segments(position)
        if size >= ROUND:
            yield asked
            asked, new, size = [], set(), 0
    if asked:
        yield asked


def _candidate(link: Link) -> CandidatePair:
    return CandidatePair(link.left, link.right, link.found_by)


def _decision(link: Link, settings: Settings) -> bool:
    return link.probability >= settings.threshold


def encoded(subjects: Sequence[Subject], lens: Lens) -> list[Subject]:
    """The same texts as the model sees them."""
    prints = [subject.fingerprint for subject in subjects]
    languages = [subject.language for subject in subjects]
    embeddings = embed_all(prints, languages, lens.encoder, lens.calibration)
    return [Subject(*parts) for parts in zip(languages, prints, embeddings, strict=True)]


def among_encoded(candidates: Candidates, closer: Mapping[int, Subject], settings: Settings) -> list[CandidatePair]:
    """The candidates of which both texts were encoded, and the pairs that are near in the space of the model; as
    candidates they ascend.
    """
    positions = np.array(sorted(closer), np.int64)
    both = np.isin(candidates.left, positions) & np.isin(candidates.right, positions)
    known = {(pair.left, pair.right): pair for pair in candidates.where(both)}
    if len(positions) > 1:
        texts = [closer[position] for position in positions.tolist()]
        near = nearest(
            np.stack([text.embedding.document for text in texts]), [text.writing for text in texts], settings.neighbours
        )
        for left, right in zip(positions[near.left].tolist(), positions[near.right].tolist(), strict=True):
            known.setdefault((left, right), CandidatePair(left, right, (Finder.VECTORS,)))
    return [known[pair] for pair in sorted(known)]
