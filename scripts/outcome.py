"""A run beside its gold: which pairs of records belong together, which were put together, and of what kind they are."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import msgspec
from corpora import Labelled
from inputs import family

from dedup import Record, Report, Settings
from dedup.calibration import Calibration
from dedup.encoders import Encoder
from dedup.evaluate import Evaluation, evaluate
from dedup.evidence import Subject, sort_of
from dedup.model import CandidatePair, Finder, Link
from dedup.pipeline import Models, Stages, report_of, run_stages
from dedup.report.document import document_of

Pair = tuple[int, int]
"""Two records by position, the smaller first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run made of an input; position ``i`` of all but ``stages`` is one record, in the order of ids."""

    rows: tuple[Labelled, ...]
    stages: Stages
    report: Report
    works: tuple[int, ...]
    """The work that each record carries: records with one text are one work."""
    clusters: tuple[int, ...]
    """The cluster of each record, by number; negative and its own for a record that is in none."""
    proposed: Mapping[Pair, tuple[Finder, ...]]
    """The candidate pairs, by works, and who proposed them."""
    seconds: float
    """Of the run."""

    def subject(self, record: int) -> Subject:
        """What was compared of a record."""
        return self.stages.subjects[self.works[record]]

    def judged(self, pair: Pair) -> Link:
        """The judgement of two records with different texts, whether a finder proposed them or not; by works."""
        left, right = sorted(self.works[record] for record in pair)
        return self.stages.judge(CandidatePair(left, right, ()))

    def found_by(self, pair: Pair) -> tuple[Finder, ...]:
        """The finders that proposed two records, copies of one text counting as found by their text."""
        left, right = sorted(self.works[record] for record in pair)
        return (Finder.EXACT,) if left == right else self.proposed.get((left, right), ())

    def together(self, pair: Pair) -> bool:
        """Whether the two are in one cluster."""
        return self.clusters[pair[0]] == self.clusters[pair[1]]

    def right(self, pair: Pair) -> bool:
        """Whether the two carry one article."""
        return self.rows[pair[0]].gold == self.rows[pair[1]].gold


def run(
    rows: Sequence[Labelled],
    settings: Settings,
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
    *,
    models: Models | None = None,
    identify: bool = False,
) -> Outcome:
    """Run the detector on an input, with its declared languages unless they are to be identified. ``models`` stand in
    for those that settings, encoder and calibration ask for.

    Raises ValueError where a record of the input cannot be used: then its gold says nothing about the detector.
    """
    started = time.perf_counter()
    records = [Record(r.id, r.text, None, None if identify else r.language) for r in rows]
    stages = run_stages(records, settings, encoder, calibration, models=models)
    report = report_of(stages, settings)
    seconds = time.perf_counter() - started
    if stages.skipped:
        raise ValueError(f"unusable records in an input: {stages.skipped}")
    by_id = {row.id: row for row in rows}
    return Outcome(
        rows=tuple(by_id[a.id] for a in stages.articles),
        stages=stages,
        report=report,
        works=numbers(stages.works, len(rows)),
        clusters=numbers((c.members for c in report.clusters), len(rows)),
        proposed={(p.left, p.right): p.found_by for p in stages.proposal.pairs},
        seconds=seconds,
    )


def numbers(groups: Iterable[Sequence[int]], count: int) -> tuple[int, ...]:
    """The number of each position's group; negative and its own for a position that is in none."""
    found = [~position for position in range(count)]
    for number, members in enumerate(groups):
        for position in members:
            found[position] = number
    return tuple(found)


def evaluation(draws: Sequence[Outcome]) -> Evaluation:
    """Of all draws of an input as if they were one: their ids and golds differ."""
    documents = [document_of(draw.report) for draw in draws]
    records = sum(document.input.records for document in documents)
    together = msgspec.structs.replace(
        documents[0],
        input=msgspec.structs.replace(documents[0].input, records=records),
        clusters=tuple(cluster for document in documents for cluster in document.clusters),
    )
    return evaluate(together, {row.id: row.gold for draw in draws for row in draw.rows})


def true_pairs(outcome: Outcome) -> Iterator[Pair]:
    """All pairs of records that carry one article."""
    return _pairs_within([row.gold for row in outcome.rows])


def merged_pairs(outcome: Outcome) -> Iterator[Pair]:
    """All pairs of records that were put together wrongly."""
    return (pair for pair in _pairs_within(outcome.clusters) if not outcome.right(pair))


def _pairs_within(names: Iterable[str | int]) -> Iterator[Pair]:
    groups: dict[str | int, list[int]] = defaultdict(list)
    for position, name in enumerate(names):
        groups[name].append(position)
    for members in groups.values():
        yield from combinations(members, 2)


def confusion_of(left: str, right: str) -> str:
    """What two different golds are to each other: ``twin`` (one wording, other figures or names), ``neighbour`` (parts
    of one article), or ``other``.
    """
    if left.removesuffix(" twin") == right.removesuffix(" twin"):
        return "twin"
    return "neighbour" if family(left) == family(right) else "other"


def false_merges_by_kind(draws: Sequence[Outcome]) -> dict[str, int]:
    """Pairs of records put together wrongly by what the two are and their kind ("twin, same script"), most first."""
    found = Counter(
        f"{confusion_of(o.rows[a].gold, o.rows[b].gold)}, {sort_of(o.subject(a), o.subject(b))}"
        for o in draws
        for a, b in merged_pairs(o)
    )
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True)
class Recall:
    """Of the pairs of records that carry one article, those put together."""

    pairs: int
    together: int

    @property
    def share(self) -> float:
        """Of the pairs, those together; 0 to 1."""
        return self.together / self.pairs


def recall_by_languages(draws: Sequence[Outcome]) -> tuple[dict[str, Recall], dict[str, Recall]]:
    """By pair of languages ("en-hi", in the order of their codes), and by language; the least first."""
    pairs: Counter[tuple[str, str]] = Counter()
    together: Counter[tuple[str, str]] = Counter()
    for outcome in draws:
        for pair in true_pairs(outcome):
            left, right = sorted(outcome.rows[record].language for record in pair)
            pairs[left, right] += 1
            together[left, right] += outcome.together(pair)
    by_pair = {f"{left}-{right}": Recall(n, together[left, right]) for (left, right), n in pairs.items()}
    by_language = {
        code: Recall(sum(pairs[p] for p in pairs if code in p), sum(together[p] for p in pairs if code in p))
        for code in {code for pair in pairs for code in pair}
    }
    return _least_first(by_pair), _least_first(by_language)


def _least_first(recalls: dict[str, Recall]) -> dict[str, Recall]:
    return dict(sorted(recalls.items(), key=lambda item: (item[1].share, -item[1].pairs, item[0])))
