"""What other thresholds would change, estimated from the pairs that a run has judged.

A run keeps the judgement of every pair that it looked at, whatever its probability. Grouping these again
(:mod:`dedup.clusters`) with another threshold asks for nothing new and takes a small part of the run's time. A pair
that nobody judged counts as 0, as the clustering itself counts pairs that cannot be one article. So

* at the threshold of the run the estimate is what the run found;
* above it hardly anything is missing: groups that would join there are among those that joined;
* below it the estimate is a lower bound in spirit: a run with that threshold would judge more pairs while it groups,
  and ask the model about others, and so it would join more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from dedup.clusters import cluster
from dedup.model import CandidatePair, Change, Link, Outlook, Relation
from dedup.pipeline import Stages
from dedup.screen import LEAST

THRESHOLDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""What is tried besides the run's own. Judgements count down to :data:`dedup.screen.LEAST`, as in every clustering."""

Group = tuple[int, ...]
"""Positions of the articles that are one, ascending."""


def sweep(stages: Stages, threshold: float, thresholds: Sequence[float] = THRESHOLDS) -> tuple[Outlook, ...]:
    """What each of ``thresholds`` and the run's own, ``threshold``, would give, ascending."""
    writings = [subject.writing for subject in stages.subjects]
    known = [link for link in (*stages.links, *stages.clustering.further) if link.probability >= LEAST]
    now = _with_copies((found.members for found in stages.clustering.clusters), stages.works)
    outlooks = []
    for tried in sorted({*thresholds, threshold}):
        groups = now if tried == threshold else _with_copies(_grouped(known, writings, tried), stages.works)
        outlooks.append(Outlook(tried, len(groups), sum(map(len, groups)), changes(now, groups)))
    return tuple(outlooks)


def _grouped(links: Sequence[Link], writings: Sequence[str], threshold: float) -> Iterator[Group]:
    clustering = cluster(links, writings, _unjudged, threshold, lambda _pair: False)
    return (found.members for found in clustering.clusters)


def _unjudged(pair: CandidatePair) -> Link:
    """What is taken of a pair that was not judged."""
    return Link(pair.left, pair.right, Relation.PARTIAL, 0.0, pair.found_by, ())


def _with_copies(groups: Iterable[Group], works: Sequence[Group]) -> frozenset[Group]:
    """Groups of works as groups of articles, and each work by itself that is in none and has copies."""
    found = tuple(groups)
    grouped = {work for group in found for work in group}
    articles = (tuple(sorted(article for work in group for article in works[work])) for group in found)
    copies = (members for work, members in enumerate(works) if len(members) > 1 and work not in grouped)
    return frozenset((*articles, *copies))


def changes(now: frozenset[Group], then: frozenset[Group]) -> tuple[Change, ...]:
    """What would change, in parts that have no article in common, as small as that allows."""
    part_of: dict[int, int] = {}
    parts: dict[int, set[Group]] = defaultdict(set)
    for group in (*sorted(now - then), *sorted(then - now)):
        met = {part_of[article] for article in group if article in part_of}
        part = min((*met, group[0]))
        joined = {group}.union(*(parts.pop(one) for one in met))
        parts[part] = joined
        part_of |= {article: part for one in joined for article in one}
    return tuple(Change(tuple(sorted(part - then)), tuple(sorted(part - now))) for _, part in sorted(parts.items()))
