"""What other thresholds would change, estimated from the pairs that a run has judged.

A run keeps the judgement of every pair that it looked at, whatever its probability. Grouping these again
(:mod:`dedup.clusters`) with another threshold asks for nothing new and takes a small part of the run's time. A pair
that nobody judged counts as 0, as the clustering itself counts pairs that cannot be one article. So

* at the threshold of the run the estimate is what the run found;
* above it hardly anything is missing: groups that would join there are among those that joined;
* below it the estimate is a lower bound in spirit: a run with that threshold would judge more pairs while it groups,
  and ask the model about others, and so it would join more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dedup.clusters import cluster
from dedup.model import CandidatePair, Link, Relation
from dedup.pipeline import Stages
from dedup.screen import LEAST

THRESHOLDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""What is tried besides the run's own. Judgements count down to :data:`dedup.screen.LEAST`, as in every clustering."""

Group = tuple[int, ...]
"""Positions of the works that are one article, ascending."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a threshold would give.

    ``clusters`` of two or more records and how many ``records`` they hold. Against the run: ``gone`` are its clusters
    that would not be there as they are, ``new`` those that would stand instead, and ``concerned`` the records in
    either.
    """

    threshold: float
    clusters: int
    records: int
    gone: int
    new: int
    concerned: int


def sweep(stages: Stages, threshold: float, thresholds: Sequence[float] = THRESHOLDS) -> tuple[Outlook, ...]:
    """What each of ``thresholds`` and the run's own, ``threshold``, would give, ascending."""
    sizes = [len(members) for members in stages.works]
    writings = [subject.writing for subject in stages.subjects]
    known = [link for link in (*stages.links, *stages.clustering.further) if link.probability >= LEAST]
    now = _with_copies((found.members for found in stages.clustering.clusters), sizes)
    outlooks = []
    for tried in sorted({*thresholds, threshold}):
        groups = now if tried == threshold else _with_copies(_grouped(known, writings, tried), sizes)
        outlooks.append(_outlook(tried, groups, now, sizes))
    return tuple(outlooks)


def _grouped(links: Sequence[Link], writings: Sequence[str], threshold: float) -> Iterator[Group]:
    clustering = cluster(links, writings, _unjudged, threshold, lambda _pair: False)
    return (found.members for found in clustering.clusters)


def _unjudged(pair: CandidatePair) -> Link:
    """What is taken of a pair that was not judged."""
    return Link(pair.left, pair.right, Relation.PARTIAL, 0.0, pair.found_by, ())


def _with_copies(groups: Iterable[Group], sizes: Sequence[int]) -> frozenset[Group]:
    """The groups, and each work by itself that is in none and has copies."""
    found = frozenset(groups)
    grouped = {work for group in found for work in group}
    return found | {(work,) for work, size in enumerate(sizes) if size > 1 and work not in grouped}


def _outlook(threshold: float, groups: frozenset[Group], now: frozenset[Group], sizes: Sequence[int]) -> Outlook:
    return Outlook(
        threshold=threshold,
        clusters=len(groups),
        records=_records(groups, sizes),
        gone=len(now - groups),
        new=len(groups - now),
        concerned=_records(groups ^ now, sizes),
    )


def _records(groups: Iterable[Group], sizes: Sequence[int]) -> int:
    return sum(sizes[work] for work in {work for group in groups for work in group})
