"""What any two members of a cluster are to each other, as far as its links tell."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping

from dedup.model import Relation
from dedup.report.document import Cluster, Link


class Relations:
    """Of the members of one cluster.

    A report links copies of one text to one of them only, and that one to the other texts. What it says of that one,
    holds for its copies: here, members with one text are a *work*, and works are what links join.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.work: Mapping[str, str] = _works(cluster)
        """Member id -> id of the member that stands for its text."""
        self._copies = {
            work: min(
                (link for link in cluster.links if _is_copy(link) and self.work[link.left] == work), key=_strength
            )
            for work in {self.work[link.left] for link in cluster.links if _is_copy(link)}
        }
        self._links: defaultdict[str, dict[str, Link]] = defaultdict(dict)
        for link in cluster.links:
            left, right = self.work[link.left], self.work[link.right]
            if left != right:
                self._links[left][right] = self._links[right][left] = link

    def between(self, one: str, other: str) -> tuple[Relation, float] | None:
        """Relation and probability of two members; None where the report has no link that tells."""
        left, right = self.work[one], self.work[other]
        link = self._copies.get(left) if left == right else self._links[left].get(right)
        return None if link is None else (link.relation, link.probability)

    def related(self, work: str) -> Iterator[str]:
        """The works that hold members linked to those of this work, itself among them."""
        yield work
        yield from self._links[work]

    def centrality(self) -> Mapping[str, float]:
        """Member id -> mean probability to the other works of the cluster, 0 for one that is not linked."""
        works = sorted(set(self.work.values()))
        most = max(len(works) - 1, 1)
        mean = {work: math.fsum(link.probability for link in self._links[work].values()) / most for work in works}
        return {id_: mean[work] for id_, work in self.work.items()}


def _is_copy(link: Link) -> bool:
    return link.relation is Relation.EXACT


def _strength(link: Link) -> float:
    return link.probability


def _works(cluster: Cluster) -> dict[str, str]:
    """Member id -> the smallest id of the members with its text, by the links between copies."""
    copies: defaultdict[str, list[str]] = defaultdict(list)
    for link in filter(_is_copy, cluster.links):
        copies[link.left].append(link.right)
        copies[link.right].append(link.left)
    works: dict[str, str] = {}
    for member in cluster.members:  # by id: the first of a work names it
        pending = [member.id]
        while pending:
            id_ = pending.pop()
            if id_ not in works:
                works[id_] = member.id
                pending += copies[id_]
    return works
