"""The worst mistakes of a run, to be looked at one by one.

They show the first words of the texts, so they go to the terminal and into no file.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from outcome import Outcome, Pair, confusion_of, true_pairs

from dedup.evidence import sort_of
from dedup.model import Link

SHOWN = 100
"""Characters of a text."""

OF_ONE_ARTICLE = 2
"""Mistakes of one sort about one article that are shown."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Two records that were judged, or put together, wrongly."""

    outcome: Outcome
    pair: Pair
    link: Link

    @property
    def sides(self) -> frozenset[tuple[str, str]]:
        """The article and language of both."""
        rows = self.outcome.rows
        return frozenset((rows[record].gold, rows[record].language) for record in self.pair)


def wrong_links(draws: Sequence[Outcome], count: int) -> list[Mistake]:
    """Links in clusters between two articles, the most probable first."""
    found = [
        Mistake(outcome, (link.left, link.right), link)
        for outcome in draws
        for cluster in outcome.report.clusters
        for link in cluster.links
        if not outcome.right((link.left, link.right))
    ]
    return _different(sorted(found, key=lambda m: (-m.link.probability, _ids(m))), count)


def missed_pairs(draws: Sequence[Outcome], count: int) -> list[Mistake]:
    """Pairs of one article in different clusters, the least probable first."""
    found = [
        Mistake(outcome, pair, outcome.judged(pair))
        for outcome in draws
        for pair in true_pairs(outcome)
        if not outcome.together(pair)
    ]
    return _different(sorted(found, key=lambda m: (m.link.probability, _ids(m))), count)


def _ids(mistake: Mistake) -> list[str]:
    return [mistake.outcome.rows[record].id for record in mistake.pair]


def _different(mistakes: Iterable[Mistake], count: int) -> list[Mistake]:
    """The first ones that share no article in one language, and of one article no more than OF_ONE_ARTICLE: a record
    that is misjudged is so against all others, and what is hard about an article is so in all languages.
    """
    chosen: list[Mistake] = []
    seen: set[tuple[str, str]] = set()
    articles: Counter[str] = Counter()
    for mistake in mistakes:
        golds = {gold for gold, _ in mistake.sides}
        if len(chosen) < count and seen.isdisjoint(mistake.sides) and max(articles[g] for g in golds) < OF_ONE_ARTICLE:
            chosen.append(mistake)
            seen |= mistake.sides
            articles.update(golds)
    return chosen


def lines(mistake: Mistake) -> Iterator[str]:
    """A mistake, for people."""
    outcome, link = mistake.outcome, mistake.link
    left, right = (outcome.rows[record] for record in mistake.pair)
    sides = [outcome.subject(record) for record in mistake.pair]
    segments = " and ".join(str(len(side.fingerprint.segments)) for side in sides)
    what = "missed" if left.gold == right.gold else f"wrong link ({confusion_of(left.gold, right.gold)})"
    proposed = ", ".join(outcome.found_by(mistake.pair)) or "no finder"
    yield (
        f"{what}: {left.language}-{right.language} ({sort_of(*sides)}), probability {link.probability:.4g} as "
        f"{link.relation}, proposed by {proposed}, {segments} segments"
    )
    for evidence in link.evidence:
        yield f"      {evidence.name:18} {evidence.value:8.3f} {evidence.weight:+8.2f}  {evidence.detail}".rstrip()
    for row in (left, right):
        yield f"      {row.id} [{row.gold}] {' '.join(row.text.split())[:SHOWN]}"
