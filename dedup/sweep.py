"""What other thresholds would change, estimated from the pairs that a run has judged.

A run keeps the judgement of every pair that it looked at, whatever its probability. Grouping these again
(:mod:`dedup.clusters`) with another threshold asks for nothing new and takes a small part of the run's time. A pair
that nobody judged counts as 0, as the clustering itself counts pairs that cannot be one article. So

* at the threshold of the run the estimate is what the run found;
* above it hardly anything is missing: its components are parts of those of the run, and groups that would join there
  are among those that joined;
* below it the estimate is a lower bound in spirit: its components are larger ones of the same judgements, but a run
  with that threshold would judge more pairs while it groups them, and ask the model about others, and so it would join
  more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dedup.clusters import cluster, components
from dedup.model import Change, Link, Outlook
from dedup.pipeline import Stages
from dedup.screen import LEAST

THRESHOLDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""What is tried besides the run's own. Judgements count down to :data:`dedup.screen.LEAST`, as in every clustering."""

Group = tuple[int, ...]
"""Positions of the articles that are one, ascending."""


def sweep(stages: Stages, threshold: float, thresholds: Sequence[float] = THRESHOLDS) -> tuple[Outlook, ...]:
    """What each of ``thresholds`` and the run's own, ``threshold``, would give, ascending."""
    tried = sorted({*thresholds, threshold})
    writings = [subject.writing for subject in stages.subjects]
    known = [link for link in (*stages.links, *stages.clustering.further) if link.probability >= LEAST]
    stable, others = _parts(known, len(writings), tried[0], tried[-1])
    open_ = _open(others, writings)
    now = _with_copies((found.members for found in stages.clustering.clusters), stages.works)
    outlooks = []
    for one in tried:
        groups = now if one == threshold else _with_copies([*stable, *open_.grouped(one)], stages.works)
        outlooks.append(Outlook(one, len(groups), sum(map(len, groups)), changes(now, groups)))
    return tuple(outlooks)


def _parts(links: Sequence[Link], works: int, lowest: float, highest: float) -> tuple[list[Group], list[Link]]:
    """The groups that stand at every threshold from ``lowest`` to ``highest``, and the links that may group otherwise.

    Groups join only within a component of the links that reach the threshold (:mod:`dedup.clusters`), so nothing joins
    across the components of those that reach the lowest. One of these whose pairs all reach the highest stands
    whatever the threshold is. Most articles are such components, or alone: there is no need to group them once more for
    each threshold.
    """
    of_links = np.array([(link.left, link.right, link.probability) for link in links]).reshape(-1, 3)
    left, right, reaches = of_links[:, 0].astype(np.intp), of_links[:, 1].astype(np.intp), of_links[:, 2] >= lowest
    component = components(left[reaches], right[reaches], works)
    sizes = np.bincount(component, minlength=works)
    within = component[left] == component[right]
    sure = np.bincount(component[left[within]], of_links[within, 2] >= highest, minlength=works)
    is_stable = (sizes > 1) & (sure == sizes * (sizes - 1) // 2)
    members: dict[int, list[int]] = defaultdict(list)
    for work in np.flatnonzero(is_stable[component]).tolist():
        members[int(component[work])].append(work)
    is_open = within & ~is_stable[component[left]]
    return [tuple(group) for group in members.values()], [links[place] for place in np.flatnonzero(is_open).tolist()]


@dataclass(frozen=True, slots=True)
class _Open:
    """The works that may group differently at other thresholds: their links name them by their places among them."""

    works: Sequence[int]
    links: Sequence[Link]
    writings: Sequence[str]

    def grouped(self, threshold: float) -> Iterator[Group]:
        """Their groups at a threshold."""
        clustering = cluster(self.links, self.writings, None, threshold)
        return (tuple(self.works[member] for member in found.members) for found in clustering.clusters)


def _open(links: Sequence[Link], writings: Sequence[str]) -> _Open:
    works = sorted({work for link in links for work in (link.left, link.right)})
    place = {work: number for number, work in enumerate(works)}
    renumbered = [replace(link, left=place[link.left], right=place[link.right]) for link in links]
    return _Open(works, renumbered, [writings[work] for work in works])


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
