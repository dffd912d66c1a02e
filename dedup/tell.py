"""What the clusters of a check say of the new records: their matches, and pages that others cite, too."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from dedup.clusters import Clustering
from dedup.confirm import same_text
from dedup.conflicts import find_conflicts
from dedup.findings import Finding, Match, SameId, SharedPage
from dedup.index.identity import is_version
from dedup.model import CandidatePair, Entry, Finder, Link, Relation
from dedup.pipeline import Judge, article_keys, with_copies
from dedup.report.document import writable
from dedup.world import World, ordered

OTHERS_NAMED = 100
"""Of the records that cite the page of a new one, though their contents are others, how many are named; the rest is
counted."""


def place_of(entry: Entry) -> tuple[str, int, str]:
    """Orders records by where they stand: path, line, id."""
    return entry.path or "", entry.line or 0, entry.id


class Findings:
    """What the clusters of the small world say of the new records."""

    def __init__(self, world: World, judge_pair: Judge, clustering: Clustering) -> None:
        self._texts = world.texts
        self._judge = judge_pair
        self._links: dict[tuple[int, int], Link] = {}
        self._clusters: list[tuple[int, ...]] = []
        for found in clustering.clusters:
            self._links.update({(link.left, link.right): link for link in found.links})
            self._clusters.append(found.members)
        clustered = {text for members in self._clusters for text in members}
        self._clusters += [(text,) for text in range(len(self._texts)) if text not in clustered]

    @property
    def with_known(self) -> set[int]:
        """The new texts all of whose records are in one cluster with a known one that they can be told of."""
        return {
            text
            for found in self._clusters
            for text in found
            if self._texts[text].position is not None
            and all(
                any(self._texts[other].tells(entry) for other in found)
                for entry, known in self._texts[text].members
                if not known
            )
        }

    def same_id(self) -> Iterator[SameId]:
        """The new rows that are in one cluster with the known one of their id."""
        for cluster_ in self._clusters:
            members = [(one, old, text) for text in cluster_ for one, old in self._texts[text].members]
            known = {writable(one.id): (one, text) for one, old, text in members if old}
            for entry, old, text in members:
                one, other = known.get(writable(entry.id), (entry, text))
                if not old and one is not entry and is_version(entry, one):
                    link = self._judged(text, other) if text != other else same_text(_itself(text))
                    yield SameId(entry, one, link.relation, link.probability)

    def all(self) -> Iterator[Finding]:
        """The new records that have a match."""
        for cluster_ in self._clusters:
            for text in cluster_:
                for entry, known in self._texts[text].members:
                    matches = [] if known else self._matches(entry, text, cluster_)
                    if matches:
                        yield Finding(entry, tuple(sorted(matches, key=_strength)))

    def _matches(self, entry: Entry, text: int, cluster_: Sequence[int]) -> list[Match]:
        """All that a new record is told of: pairs with known records, and with new ones that come before it."""
        others = [other for other in cluster_ if other != text]
        links = [self._links[ordered(text, other)] for other in others if ordered(text, other) in self._links]
        matches = self._told(entry, text, same_text(_itself(text)))
        for link in links:
            matches += self._told(entry, link.right if link.left == text else link.left, link)
        known = [other for other in others if self._texts[other].tells(entry)]
        if not matches and known:
            # It joined known ones though none of them is probable enough by itself: the best of these is told.
            best = max((self._judged(text, other) for other in known), key=lambda link: link.probability)
            matches = self._told(entry, best.right if best.left == text else best.left, best)
        return matches

    def _judged(self, text: int, other: int) -> Link:
        return self._judge(CandidatePair(*ordered(text, other), (Finder.CLUSTER,)))

    def _told(self, entry: Entry, partner: int, link: Link) -> list[Match]:
        """The records of a partner that a new one is told of: the first known one and the first new one before it,
        each for all that have the same text. A known row is not told to the one that has its id.
        """
        members = self._texts[partner].members
        known = [one for one, is_known in members if is_known and not is_version(entry, one)]
        before = [one for one, is_known in members if not is_known and place_of(one) < place_of(entry)]
        return [_match(entry, some[0], some is known, link, copies=len(some) - 1) for some in (known, before) if some]


def _itself(text: int) -> CandidatePair:
    """The pair of two records of one text."""
    return CandidatePair(text, text, (Finder.EXACT,))


def _match(entry: Entry, partner: Entry, known: bool, link: Link, copies: int) -> Match:
    shared = bool(article_keys([entry]) & article_keys([partner]))
    finders = link.found_by
    if shared and Finder.SOURCE_URL not in finders:
        finders = tuple(finder for finder in Finder if finder in (*finders, Finder.SOURCE_URL))
    return Match(
        partner=partner,
        known=known,
        relation=link.relation,
        probability=link.probability,
        found_by=finders,
        evidence=link.evidence,
        confirmed_by=link.confirmed_by,
        shared_source=entry.source_url if shared else None,
        copies=copies,
    )


def _strength(match: Match) -> tuple[float, bool, bool, str]:
    """The surest first, copies before all, and of equal ones the known first."""
    return -match.probability, match.relation is not Relation.EXACT, not match.known, match.partner.id


def shared_pages(world: World, links: Sequence[Link], clustering: Clustering) -> tuple[SharedPage, ...]:
    """New records that cite a page which records with other contents cite."""
    articles: list[Entry] = []
    known: list[bool] = []
    works = []
    for text in world.texts:
        works.append(tuple(range(len(articles), len(articles) + len(text.members))))
        articles += (entry for entry, _ in text.members)
        known += (is_known for _, is_known in text.members)
    clusters = with_copies(clustering.clusters, dict(enumerate(works)), articles)
    cluster_of = {member: number for number, found in enumerate(clusters) for member in found.members}
    pages: list[SharedPage] = []
    for conflict in find_conflicts(articles, works, clusters, links):
        key = articles[conflict.members[0]].source_key
        if key is not None and key.names_article:
            citing = sorted(conflict.members, key=lambda member: (not known[member], place_of(articles[member])))
            groups = [cluster_of.get(member, ~member) for member in citing]
            of_group: dict[int, int] = defaultdict(int)  # those that come before
            for place, (member, group) in enumerate(zip(citing, groups, strict=True)):
                others = place - of_group[group]
                if others and not known[member]:
                    before = (one for one, its in zip(citing[:place], groups, strict=False) if its != group)
                    named = tuple(articles[one] for one in islice(before, OTHERS_NAMED))
                    page = SharedPage(
                        articles[member], named, conflict.source_url, conflict.reason, others - len(named)
                    )
                    pages.append(page)
                of_group[group] += 1
    return tuple(sorted(pages, key=lambda page: place_of(page.record)))
