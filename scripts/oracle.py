"""What the choice of candidates costs: measured against all true pairs, and against judging every pair there is.

A pair that no finder proposes is judged only if clustering asks for it. So two questions: are right partners among
the candidates (:func:`candidate_recall`), and would the clusters be others if every pair had been judged
(:func:`loss`)?
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from corpora import Labelled, rank
from inputs import family
from outcome import Outcome, evaluation, numbers, run, true_pairs

from dedup import Settings
from dedup.clusters import Clustering, cluster
from dedup.evaluate import Score
from dedup.model import CandidatePair, Finder, Link
from dedup.pipeline import report_of

MOST_CANDIDATES = 20
"""Candidates a record that the design's row allows."""


@dataclass(frozen=True, slots=True)
class CandidateRecall:
    """What of the true pairs the finders propose; shares are 0 to 1, and 1 where there is nothing to find."""

    true_pairs: int
    pairs: float
    """Share of the true pairs that any finder proposes; copies of one text need no finder."""
    pairs_by_finder: dict[str, float]
    """The same of each finder alone."""
    records: int
    """Records that have a partner."""
    reached: float
    """Share of these with a right partner among their candidates."""
    reached_in_20: float
    """The same among the first MOST_CANDIDATES of each record, see :func:`ranked`."""
    candidates_per_record: float
    """Candidate pairs over records, twice: a pair is a candidate of both."""
    most_candidates: int
    """Of one record."""


def candidate_recall(draws: Sequence[Outcome]) -> CandidateRecall:
    """Of all draws of an input together."""
    true, proposed = 0, 0
    finders: Counter[str] = Counter()
    partners: list[tuple[bool, bool]] = []
    counts: list[int] = []
    for outcome in draws:
        for pair in true_pairs(outcome):
            by = outcome.found_by(pair)
            true += 1
            proposed += bool(by)
            finders.update(finder.value for finder in by)
        candidates = ranked(outcome)
        counts += map(len, candidates)
        partners += _reached(outcome, candidates)
    return CandidateRecall(
        true_pairs=true,
        pairs=_share(proposed, true),
        pairs_by_finder={f.value: _share(finders[f.value], true) for f in Finder if f is not Finder.CLUSTER},
        records=len(partners),
        reached=_share(sum(anywhere for anywhere, _ in partners), len(partners)),
        reached_in_20=_share(sum(early for _, early in partners), len(partners)),
        candidates_per_record=_share(sum(counts), len(counts)),
        most_candidates=max(counts, default=0),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def ranked(outcome: Outcome) -> list[list[int]]:
    """The candidates of each work: those that more finders propose first, then those with the higher cosine of the
    document vectors, then the first. Nothing of this needs the dear stage.
    """
    subjects = outcome.stages.subjects
    scored: list[list[tuple[int, float, int]]] = [[] for _ in outcome.stages.works]
    for pair in outcome.stages.proposal.pairs:
        cosine = float(subjects[pair.left].embedding.document @ subjects[pair.right].embedding.document)
        for one, other in ((pair.left, pair.right), (pair.right, pair.left)):
            scored[one].append((-len(pair.found_by), -cosine, other))
    return [[other for *_, other in sorted(some)] for some in scored]


def _reached(outcome: Outcome, candidates: Sequence[Sequence[int]]) -> Iterator[tuple[bool, bool]]:
    """For each record that has a partner: is a right one among its candidates, is one among the first of them.

    Copies of one text are one work, and reach each other.
    """
    golds = [row.gold for row in outcome.rows]
    sizes = Counter(golds)
    carried = [frozenset(golds[record] for record in members) for members in outcome.stages.works]
    copies = Counter((work, gold) for work, gold in zip(outcome.works, golds, strict=True))
    for work, gold in zip(outcome.works, golds, strict=True):
        if sizes[gold] > 1:
            right = [gold in carried[other] for other in candidates[work]]
            copied = copies[work, gold] > 1
            yield copied or any(right), copied or any(right[:MOST_CANDIDATES])


@dataclass(frozen=True, slots=True)
class Loss:
    """A run beside the same run with every pair judged."""

    records: int
    articles: int
    judged: int
    """All pairs of works."""
    run: Score
    """B-cubed of the run against gold."""
    exhaustive: Score
    """B-cubed, against gold, of clustering all pairs."""
    unproposed: int
    """Pairs that reach the threshold though no finder proposed them."""
    unproposed_right: int
    """Those of them that carry one article."""
    differing: int
    """Records whose cluster is not the same to the last member."""


def loss(draws: Sequence[Outcome], limit: int, settings: Settings) -> Loss:
    """Of the first draw of an input, or of some of its articles where it has more than ``limit`` records."""
    outcome = draws[0]
    if len(outcome.rows) > limit:
        models = replace(outcome.stages.models, calibration=outcome.stages.calibration)
        outcome = run(some_articles(outcome.rows, limit), settings, models=models)
    links = every_link(outcome)
    clustering = exhaustive(outcome, links, settings.threshold)
    report = report_of(replace(outcome.stages, clustering=clustering), settings)
    oracle = replace(outcome, report=report, clusters=numbers((c.members for c in report.clusters), len(outcome.rows)))
    firsts = [members[0] for members in outcome.stages.works]
    unproposed = [
        (firsts[link.left], firsts[link.right])
        for link in links
        if link.probability >= settings.threshold and (link.left, link.right) not in outcome.proposed
    ]
    return Loss(
        records=len(outcome.rows),
        articles=len({row.gold for row in outcome.rows}),
        judged=len(links),
        run=evaluation([outcome]).b_cubed,
        exhaustive=evaluation([oracle]).b_cubed,
        unproposed=len(unproposed),
        unproposed_right=sum(map(outcome.right, unproposed)),
        differing=differing(outcome.clusters, oracle.clusters),
    )


def some_articles(rows: Sequence[Labelled], limit: int) -> list[Labelled]:
    """Whole articles with all that was made of them, in an order that their names do not tell, until ``limit`` records
    are reached; at least one.
    """
    families: dict[str, list[Labelled]] = defaultdict(list)
    for row in rows:
        families[family(row.gold)].append(row)
    chosen: list[Labelled] = []
    for name in sorted(families, key=rank):
        if not chosen or len(chosen) + len(families[name]) <= limit:
            chosen += families[name]
    return chosen


def every_link(outcome: Outcome) -> list[Link]:
    """The judgement of every pair of works, without its evidence, which would fill the memory."""
    stages = outcome.stages
    links = {(link.left, link.right): link for link in stages.links}
    for pair in combinations(range(len(stages.works)), 2):
        if pair not in links:
            links[pair] = stages.judge(CandidatePair(*pair, ()))
        links[pair] = replace(links[pair], evidence=())
    return [links[pair] for pair in sorted(links)]


def exhaustive(outcome: Outcome, links: Sequence[Link], threshold: float) -> Clustering:
    """The clusters of all pairs."""

    def judged_already(pair: CandidatePair) -> Link:
        raise AssertionError(f"every pair was judged, {pair} too")

    return cluster(links, [s.writing for s in outcome.stages.subjects], judged_already, threshold)


def differing(some: Sequence[int], others: Sequence[int]) -> int:
    """Records whose cluster in the one clustering is not their cluster in the other."""
    return sum(a != b for a, b in zip(_members(some), _members(others), strict=True))


def _members(clusters: Sequence[int]) -> list[frozenset[int]]:
    """The members of each record's cluster."""
    members: dict[int, list[int]] = defaultdict(list)
    for record, number in enumerate(clusters):
        members[number].append(record)
    sets = {number: frozenset(some) for number, some in members.items()}
    return [sets[number] for number in clusters]


def lines(recall: CandidateRecall) -> Iterator[str]:
    """Candidate recall, for people."""
    alone = ", ".join(f"{name} {share:.4f}" for name, share in recall.pairs_by_finder.items())
    yield f"true pairs proposed {recall.pairs:.4f} of {recall.true_pairs:,}; by each finder alone: {alone}"
    yield (
        f"records with a right partner among their candidates {recall.reached:.4f} of {recall.records:,}, "
        f"among the first {MOST_CANDIDATES} {recall.reached_in_20:.4f}; "
        f"candidates a record {recall.candidates_per_record:.1f}, at most {recall.most_candidates}"
    )


def loss_line(found: Loss) -> str:
    """The loss, for people."""
    precision, recall = (getattr(found.run, part) - getattr(found.exhaustive, part) for part in ("precision", "recall"))
    return (
        f"all {found.judged:,} pairs of {found.records:,} records ({found.articles} articles) judged: B-cubed F1 "
        f"{found.exhaustive.f1:.4f}, the run {found.run.f1:.4f} ({found.run.f1 - found.exhaustive.f1:+.4f}; "
        f"P {precision:+.4f}, R {recall:+.4f}"
        f"); {found.differing} records in another cluster; {found.unproposed:,} pairs reach the threshold unproposed, "
        f"{found.unproposed_right:,} of them right"
    )
