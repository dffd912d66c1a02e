"""Articles that cite one page though their contents disagree: what a user wants to look at, and no link.

A home page cited for want of a better one, a tag page, a wrong citation.

Pages can be looked at apart from each other: :func:`conflicts_of` needs all citations of the pages that it is asked
about, and none of others. A conflict tells all its members, be it a million articles that cite one home page.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dedup.model import Cluster, Conflict, Entry, Link, SourceKey


@dataclass(frozen=True, slots=True)
class Citation:
    """That an article, named by its position, cites a page, and how its URL is written. ``group`` is a number that the
    article shares with those of its cluster and with no others.
    """

    article: int
    group: int
    key: SourceKey
    url: str | None


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
    keys = disputed((a.source_key.key, group) for a, group in zip(articles, groups, strict=True) if a.source_key)
    citations = (
        Citation(position, groups[position], article.source_key, article.source_url)
        for position, article in enumerate(articles)
        if article.source_key and article.source_key.key in keys
    )
    found = conflicts_of(citations, highest(_apart(articles, works, groups, judged)))
    return tuple(found[key] for key in sorted(found))


def disputed(citing: Iterable[tuple[str, int]]) -> set[str]:
    """The keys that come with two groups or more, of pairs of a key and the group of an article that cites it."""
    first: dict[str, int] = {}
    return {key for key, group in citing if first.setdefault(key, group) != group}


def conflicts_of(citations: Iterable[Citation], best: Mapping[str, float]) -> dict[str, Conflict]:
    """Source key -> its conflict, for each key whose articles are not all in one group.

    ``citations`` come in any order; of a key, all must be among them. ``best`` is for a key the highest probability
    among the judged pairs that cite it and are in different groups, if there are such pairs (:func:`highest`).
    """
    citing: dict[str, list[Citation]] = defaultdict(list)
    for citation in citations:
        citing[citation.key.key].append(citation)
    conflicts = {}
    for key, cited_by in citing.items():
        apart = len({citation.group for citation in cited_by})
        if apart > 1:
            url = min(citation.url or key for citation in cited_by)
            members = tuple(sorted(citation.article for citation in cited_by))
            conflicts[key] = Conflict(url, members, _reason(_names_article(cited_by), apart, best.get(key)))
    return conflicts


def highest(probabilities: Iterable[tuple[str, float]]) -> dict[str, float]:
    """For each key the highest of the probabilities that come with it."""
    best: dict[str, float] = {}
    for key, probability in probabilities:
        best[key] = max(probability, best.get(key, 0.0))
    return best


def _apart(
    articles: Sequence[Entry], works: Sequence[tuple[int, ...]], groups: Sequence[int], judged: Iterable[Link]
) -> Iterator[tuple[str, float]]:
    """Of each judged pair that is not in one group its probability, with every key of an article that both cite."""
    for link in judged:
        if groups[works[link.left][0]] != groups[works[link.right][0]]:
            for key in _keys(articles, works[link.left]) & _keys(articles, works[link.right]):
                yield key, link.probability


def _keys(articles: Sequence[Entry], members: Iterable[int]) -> set[str]:
    keys = (articles[member].source_key for member in members)
    return {key.key for key in keys if key is not None and key.names_article}


def _names_article(citations: Iterable[Citation]) -> bool:
    return min(citations, key=lambda citation: citation.article).key.names_article


def _reason(names_article: bool, apart: int, best: float | None) -> str:
    if not names_article:
        return f"{apart} different articles cite it: a page that lists or introduces articles"
    if best is None:
        return f"{apart} different articles cite it"
    return f"{apart} different articles cite it; the probability that two of them are one is {best:.2f} at most"
