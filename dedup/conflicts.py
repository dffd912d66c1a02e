"""Articles that cite one page though their contents disagree: what a user wants to look at, and no link.

A home page cited for want of a better one, a tag page, a wrong citation.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from dedup.model import Cluster, Conflict, Entry, Link


def find_conflicts(
    articles: Sequence[Entry],
    works: Sequence[tuple[int, ...]],
    clusters: Iterable[Cluster],
    judged: Iterable[Link],
) -> tuple[Conflict, ...]:
    """One conflict for every source key whose articles are not all in one cluster, in the order of the keys.

    ``works`` are the positions of the articles with one text, ``judged`` the judged pairs by positions of works.
    """
    cluster_of = {member: number for number, c in enumerate(clusters) for member in c.members}
    groups = [cluster_of.get(position, ~position) for position in range(len(articles))]
    citing: dict[str, list[int]] = defaultdict(list)
    for position, article in enumerate(articles):
        if article.source_key:
            citing[article.source_key.key].append(position)
    best = _best_probabilities(articles, works, groups, judged)
    conflicts = []
    for key in sorted(citing):
        members = citing[key]
        apart = len({groups[m] for m in members})
        if apart > 1:
            url = min(articles[m].source_url or key for m in members)
            conflicts.append(Conflict(url, tuple(members), _reason(articles[members[0]], apart, best.get(key))))
    return tuple(conflicts)


def _best_probabilities(
    articles: Sequence[Entry], works: Sequence[tuple[int, ...]], groups: Sequence[int], judged: Iterable[Link]
) -> dict[str, float]:
    """Source key -> the highest probability among the judged pairs that cite it and are not in one cluster."""
    keys = [{a.source_key.key for a in (articles[m] for m in members) if a.source_key} for members in works]
    best: dict[str, float] = {}
    for link in judged:
        if groups[works[link.left][0]] != groups[works[link.right][0]]:
            for key in keys[link.left] & keys[link.right]:
                best[key] = max(link.probability, best.get(key, 0.0))
    return best


def _reason(article: Entry, apart: int, best: float | None) -> str:
    if article.source_key and not article.source_key.names_article:
        return f"{apart} different articles cite it: a page that lists or introduces articles"
    if best is None:
        return f"{apart} different articles cite it"
    return f"{apart} different articles cite it; the probability that two of them are one is {best:.2f} at most"
