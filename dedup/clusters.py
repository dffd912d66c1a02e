"""From judged pairs to clusters that no single wrong judgement can build.

Taking the connected components of all links fails in one way: one wrong link in ten thousand chains two articles, then
their neighbours, into one heap (859,091 unrelated documents in marin-community/marin issue 6854; on texts by many
translation systems a preliminary study found a B-cubed F1 of 0.14 for components, of 0.90 for average
linkage).

So groups join while the *mean* probability over all pairs between them, most probable groups first, reaches what is
asked (average linkage; Sokal and Michener 1958). Between groups of a and b texts one judgement has a say of 1 in
a * b: one wrong link, however certain, adds at most 1 / (a * b) to the mean, which for two groups of two stays under
0.5 if their other pairs are below 1/3. What one wrong link can do is to draw over a single text, and that only if it is
more probable than right ones, for then the two texts join before the right groups form. The other extreme, that
every pair reach the threshold (complete linkage), gives each judgement a veto instead: one translation into a language
that the model hardly knows would split an article in all others.

What is asked is the threshold, of two texts and of two groups of one size. A lone text is judged against a group as
often as the group has members, each time in other words, and a mean over many judgements is surer than one of them:
the odds asked of it fall with the square root of their number, by a factor of three at most (:func:`asked`). That is
how a text joins that each member finds a little improbable: one in a language that the model knows badly, or with a
misprint in its one figure. On articles held out from calibration it raises the B-cubed recall of texts on one topic
from 0.930 to 0.950, of encyclopedia paragraphs from 0.992 to 0.996, and adds no false merge there; where hardly any
article has three versions it changes nothing (``scripts/compare_joining.py``). The bound of three is a choice. It takes
a link all the same: a text that no member finds probable joins nothing.

Two groups of many texts get no such rebate: each holds together, and if they were one article they would not disagree;
with it, an article and its twin with other figures joined.

Groups join only within a *component*: texts that links of at least the threshold connect. A lesser link between two
components counts for nothing, and no pair between them is judged. So each component is clustered by itself, in any
process and on any machine, and gives the same. What a lesser link could lead to is a probable pair that no finder
proposed. That was not worth what it cost: lesser links tie half of a large run together, and most of what clustering
asked for was between components, nearly all of it in vain. Clustered as a whole, 10,000 records (made as for
``scripts/bench_speed.py``; ``--confirm never``) were one component of 3,098 texts rather than 12, 2,851 of 3,202
further judgements were between components, and two clusters came of them, both wrong; among 100,000 it was 44,519 of
52,132, and of 12,524 clusters 74, of which 25 were right. On articles held out from calibration (ntrex, xquad, tico,
k8sdocs, courses, sparse) no text is clustered otherwise; of texts cut into parts one cluster is, which costs 0.0004 of
B-cubed recall (``scripts/compare_components.py``).

Two refinements:

* A pair that no finder proposed is judged when its groups are about to join, so that the mean is over judgements and
  never over guesses. Groups stay apart as soon as the pairs still open cannot help, or, of large groups, as soon as a
  sample is far below the threshold. So all pairs inside a cluster have been judged, and its weakest one is known. A
  pair below ``LEAST`` counts as 0, which spares judging those that cannot reach it (:mod:`dedup.screen`).
* Two records in one language that are not near to each other do not belong in one cluster, however well each agrees
  with a third: a pair of one language below the threshold keeps its groups apart.

What is left is judgements that are wrong for most pairs alike, as for pages of one boilerplate. No way of joining can
see that; clusters that look like it are flagged (:mod:`dedup.flags`).

So the outcome is that of average linkage over all pairs, given that every pair which reaches the threshold is among
the links, and that no sample misleads. Probabilities are added up as whole numbers: the sums are exact, whatever the
order in which groups come to join.

All pairs of n texts are n ** 2 / 2 judgements, and as many links to report: of 5,000 pages that a site filled in from
one form, 12 million. So in a component of more than ``LARGE`` texts not every pair is looked at. Near-copies are put
together first, each after eight judgements (:mod:`dedup.editions`); and groups that have more than ``FEW`` texts
together join if a sample of the pairs between them reaches the mean that is asked, the larger the nearer it is to that
(:data:`STEPS`). A pair of one language below the threshold keeps them apart, too, if it is in the sample or known.
Candidates are no fair sample, as finders bring the most similar pairs: their mean says which groups to look at first,
and no more. What is told of a cluster that came about so (links, weakest pair, agreement) is told of its judged pairs,
and how many others there are is counted.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.editions import editions
from dedup.model import CandidatePair, Cluster, Finder, Link
from dedup.screen import LEAST
from dedup.workers import in_parts

SAMPLE = 64
"""Judged pairs between two groups from which their mean is an estimate of the mean over all."""

MARGIN = 0.2
"""How far below what is asked such an estimate must be: the chance that the true mean reaches it then is under
exp(-2 * 64 * 0.2 ** 2) = 0.6 % (Hoeffding 1963)."""

LARGE = 128
"""Texts of a component up to which all pairs within a cluster are judged: 8,128 at most, and 4 seconds where texts are
short. A choice: articles in 60 languages in two versions each stay below it. Samples in all components of more than 16
texts would do no harm: on articles held out from calibration (ntrex, xquad, tico, courses, k8sdocs, sparse, twins,
parts, noisy) B-cubed precision stays within 0.0003, recall within 0.0001 or rises by up to 0.007, for up to 50 % fewer
judgements (``scripts/compare_components.py --confirm never``)."""

FEW = 16
"""Texts of two groups of a larger component up to which all pairs between them are judged before they join. A
choice."""

STEPS = ((16, 0.4), (64, 0.2), (256, 0.1), (1024, 0.0))
"""Judged pairs in a sample, and how far their mean must be from what is asked to decide; where it is nearer, more are
judged. The chance that such a mean is so far off is under exp(-2 * 16 * 0.4 ** 2) = 0.6 % at each of the first three
(Hoeffding 1963), and the last decides with a standard error of 0.016 or less."""

MOST_CORROBORATION = 3.0
"""By how much the odds asked of a mean fall at most: that of 18 judgements; at a threshold of 0.5 to a mean of 0.25."""

WORTH = 10_000
"""Pairs not judged yet, within components, from which processes are worth starting. With 4,000 of them open, few of
which were then asked for, two processes took 0.4 s rather than 0.25, with 13,000 0.8 s rather than 1.2
(``scripts/compare_components.py --data CORPORA --corpora xquad courses --confirm never``)."""

PILES = 8
"""Piles of components for each process, of which each takes another one when it has done one. The largest component
is done by one."""

_GOLDEN, _ROUND = 0x9E3779B97F4A7C15, 2**64
"""The golden ratio's fraction as a share of a round."""

_ONE = 2**60
"""A probability of 1 as a whole number; every 64-bit float from 0.01 to 1 is one, too."""

Pair = tuple[int, int]

Judging = Callable[[CandidatePair], Link] | None
"""Whom to ask about a pair."""


@dataclass(frozen=True, slots=True)
class Clustering:
    """The clusters in the order of their first members, and how many pairs were judged to decide them."""

    clusters: tuple[Cluster, ...]
    judged: int
    further: tuple[Link, ...] = ()
    """These judgements, in the order of their pairs."""
    not_judged: int = 0
    """Pairs within clusters that nobody judged, as samples stand for them."""


def cluster(
    links: Iterable[Link],
    languages: Sequence[str],
    judge: Judging,
    threshold: float,
    possible: Callable[[Pair], bool] = lambda _pair: True,
    workers: int = 1,
) -> Clustering:
    """Group the articles behind ``languages``: each component by itself, see :func:`cluster_component`.

    ``links`` are judged pairs, whatever their probability; ``judge`` is asked for a pair that is not among them, if it
    is ``possible``: if it can reach :data:`dedup.screen.LEAST`. Others count as 0, and so do links below that. Without
    ``judge`` what is not known counts as 0, and in a sample not at all. Where many pairs may be asked for, ``workers``
    processes do it, which hold all that ``judge`` and ``possible`` can see; it gives the same whatever their number.
    """
    parts = _parts(tuple(links), len(languages), threshold)
    piles = _piles(parts, workers)

    def grouped(start: int, end: int) -> list[_Grouped]:
        """What processes give: not the clusters, whose links this one holds already."""
        return [
            _Grouping(*parts[place], languages, judge, threshold, possible).grouped()
            for pile in piles[start:end]
            for place in pile
        ]

    found = list(chain.from_iterable(in_parts(grouped, len(piles), 1, workers)))
    known = chain(*(part.links for part in parts), *(one.further for one in found))
    groups = chain.from_iterable(one.groups for one in found)
    return _clustering(groups, known, chain.from_iterable(one.further for one in found), threshold)


def cluster_component(
    members: Iterable[int],
    links: Iterable[Link],
    languages: Mapping[int, str] | Sequence[str],
    judge: Judging,
    threshold: float,
    possible: Callable[[Pair], bool] = lambda _pair: True,
) -> Clustering:
    """Group the articles of one component, whatever there is besides it.

    ``members`` are the positions of its articles (:func:`components` of the links that reach ``threshold``), ``links``
    all judged pairs of two of them, whatever their probability, and ``languages`` tells of each what it is written in.
    The rest is as in :func:`cluster`, which gives what this gives of all components: all clusters, in the order of
    their first members, and all further judgements, in the order of their pairs. Raises ValueError where a link is not
    between two members.
    """
    known = tuple(links)
    found = _Grouping(members, known, languages, judge, threshold, possible).grouped()
    return _clustering(found.groups, chain(known, found.further), found.further, threshold)


def components(left: NDArray[np.integer], right: NDArray[np.integer], count: int) -> NDArray[np.intp]:
    """The connected components of ``count`` articles: of each, the smallest position in its component, shape (count,).

    ``left`` and ``right`` are the two ends of each edge, 0 to ``count`` - 1, in any order, shape (edges,). In each
    round every component takes its smallest neighbour's name (hooking), and names of names are looked up
    (pointer jumping: Shiloach and Vishkin 1982); in two rounds each that is not done has met another, so their number
    halves. Done here and not by scipy, whose import would take a small run 0.15 s or more.
    """
    name = np.arange(count, dtype=np.intp)
    ends = np.stack([left, right]).astype(np.intp)
    while ends.size:
        np.minimum.at(name, ends.max(axis=0), ends.min(axis=0))
        while not np.array_equal(named := name[name], name):
            name = named
        ends = name[ends]
        ends = ends[:, ends[0] != ends[1]]
    return name


class _Part(NamedTuple):
    """A component of two articles or more: their positions, ascending, and the judged pairs among them."""

    members: tuple[int, ...]
    links: tuple[Link, ...]


def _parts(links: Sequence[Link], count: int, threshold: float) -> list[_Part]:
    """The components of the links that reach the threshold, by their first members. Links between two are in none."""
    left, right = (
        np.fromiter((getattr(link, end) for link in links), np.intp, len(links)) for end in ("left", "right")
    )
    probable = np.fromiter((link.probability >= threshold for link in links), bool, len(links))
    component = components(left[probable], right[probable], count)
    members: dict[int, list[int]] = defaultdict(list)
    within: dict[int, list[Link]] = defaultdict(list)
    for position in np.flatnonzero(np.bincount(component, minlength=count)[component] > 1).tolist():
        members[int(component[position])].append(position)
    for place in np.flatnonzero(component[left] == component[right]).tolist():
        within[int(component[left[place]])].append(links[place])
    return [_Part(tuple(some), tuple(within[first])) for first, some in members.items()]


def _piles(parts: Sequence[_Part], workers: int) -> list[list[int]]:
    """The places of the parts in piles that processes take one after the other: one pile where it is not worth while.
    The largest parts are dealt out first, each to another pile.
    """
    open_ = sum(len(part.members) * (len(part.members) - 1) // 2 - len(part.links) for part in parts)
    count = PILES * workers if workers > 1 and open_ >= WORTH else 1
    largest_first = sorted(range(len(parts)), key=lambda place: -len(parts[place].members))
    return [pile for start in range(count) if (pile := largest_first[start::count])]


class _Grouped(NamedTuple):
    """The groups of two or more, their members ascending, and the judgements that were asked for, in any order."""

    groups: list[tuple[int, ...]]
    further: list[Link]


def _clustering(
    groups: Iterable[tuple[int, ...]], known: Iterable[Link], further: Iterable[Link], threshold: float
) -> Clustering:
    """The clusters of these groups. ``known`` holds the judged pairs within each, ``further`` what was asked for."""
    asked_for = tuple(sorted(further, key=_by_pair))
    in_order = sorted(groups)
    group_of = {member: number for number, group in enumerate(in_order) for member in group}
    within: list[list[Link]] = [[] for _ in in_order]
    for link in sorted(known, key=_by_pair):
        number = group_of.get(link.left)
        if number is not None and number == group_of.get(link.right):
            within[number].append(link)
    pairs = sum(len(group) * (len(group) - 1) // 2 for group in in_order)
    clusters = tuple(_cluster(group, some, threshold) for group, some in zip(in_order, within, strict=True))
    return Clustering(clusters, len(asked_for), asked_for, pairs - sum(map(len, within)))


def _by_pair(link: Link) -> Pair:
    return link.left, link.right


def _cluster(members: tuple[int, ...], links: Sequence[Link], threshold: float) -> Cluster:
    """The cluster of a finished group, from its judged pairs, which are in order."""
    probabilities: dict[int, list[float]] = defaultdict(list)
    for link in links:
        probabilities[link.left].append(link.probability)
        probabilities[link.right].append(link.probability)
    agreement = tuple(math.fsum(some) / len(some) for some in map(probabilities.__getitem__, members))
    return Cluster(
        members=members,
        links=tuple(link for link in links if link.probability >= threshold),
        confidence=min(agreement),
        weakest=min(links, key=lambda link: (link.probability, *_by_pair(link))),
        agreement=agreement,
    )


@dataclass(slots=True)
class _Between:
    """What is known of the pairs between two groups."""

    total: int = 0
    """Of the probabilities, in units of 1 / _ONE."""
    judged: int = 0
    apart: bool = False
    """One language, below the threshold: never to be joined."""
    linked: bool = False
    """A pair reaches the threshold."""
    refused: int = 0
    """How many texts the two had together when a sample kept them apart."""

    def add(self, other: "_Between") -> None:
        self.total += other.total
        self.judged += other.judged
        self.apart |= other.apart
        self.linked |= other.linked


def asked(threshold: float, judgements: float) -> float:
    """The mean probability that is asked of ``judgements`` independent ones, see the module's docstring."""
    share = min(MOST_CORROBORATION, max(1.0, math.sqrt(judgements / 2)))
    return threshold / (threshold + share * (1 - threshold))


def _nobody(pair: CandidatePair) -> Link:
    raise AssertionError(f"{pair} is not known")


class _Grouping:
    """Groups that join; a group goes by its smallest member."""

    def __init__(
        self,
        members: Iterable[int],
        links: Iterable[Link],
        languages: Mapping[int, str] | Sequence[str],
        judge: Judging,
        threshold: float,
        possible: Callable[[Pair], bool],
    ) -> None:
        self._links: dict[Pair, Link] = {}
        self._impossible: set[Pair] = set()
        self._possible = possible
        self._languages = languages
        self._asks = judge is not None
        self._judge = judge or _nobody
        self._threshold = threshold
        self._members = {position: [position] for position in members}
        self._large = len(self._members) > LARGE
        self._between: dict[int, dict[int, _Between]] = defaultdict(dict)
        self._heap: list[tuple[float, int, int]] = []
        self._asked_for: list[Link] = []
        for link in links:
            if link.left not in self._members or link.right not in self._members:
                raise ValueError(f"link {link.left}-{link.right} is not between two members")
            self._links[link.left, link.right] = link
        self._begin()

    def _begin(self) -> None:
        """With each text by itself, or with editions, and what is known between them."""
        groups: list[list[int]] = []
        if self._large:
            groups = editions(self._members, self._links.values(), self._languages, self._told, self._threshold)
        for pair in chain(self._links, self._impossible):
            left, right = pair
            self._between[left][right] = self._between[right][left] = self._knowledge_of(pair)
        for first, *others in groups:
            for other in others:
                self._merge(first, other)
        for left, beside in self._between.items():
            for right, known in beside.items():
                if left < right and known.linked:
                    self._propose(left, right)

    def _knowledge_of(self, pair: Pair) -> _Between:
        """What the judgement of a pair says, which is asked for if there is none."""
        probability = self._probability(pair)
        one_language = self._languages[pair[0]] == self._languages[pair[1]]
        below = probability < self._threshold
        counted = probability if probability >= LEAST else 0.0
        return _Between(int(counted * _ONE), 1, one_language and below, not below)

    def grouped(self) -> _Grouped:
        """What comes of joining, with a judgement of every pair within a group: of those, too, that cannot be."""
        self._join_all()
        groups = [tuple(sorted(members)) for members in self._members.values() if len(members) > 1]
        for members in groups:
            if self._asks and len(members) <= (FEW if self._large else LARGE):
                for pair in combinations(members, 2):
                    self._judgement(pair)
        return _Grouped(groups, self._asked_for)

    def _join_all(self) -> None:
        """Join the two most probable groups until none reaches the threshold."""
        while self._heap:
            negative_bound, left, right = heapq.heappop(self._heap)
            if left not in self._members or right not in self._members or self._bound(left, right) != -negative_bound:
                continue  # one of the two has grown or gone since, and a newer entry stands for them
            if self._are_many(left, right):
                if self._agree(left, right):
                    self._join(left, right)
                else:
                    self._between[left][right].refused = self._texts(left, right)
            elif self._between[left][right].judged == self._pairs(left, right):
                self._join(left, right)
            else:
                self._judge_between(left, right)
                self._propose(left, right)

    def _texts(self, left: int, right: int) -> int:
        return len(self._members[left]) + len(self._members[right])

    def _are_many(self, left: int, right: int) -> bool:
        """Whether a sample decides on the two."""
        return self._large and self._texts(left, right) > FEW

    def _pairs(self, left: int, right: int) -> int:
        return len(self._members[left]) * len(self._members[right])

    def _bound(self, left: int, right: int) -> float:
        """The highest mean that the pairs between two groups can have: those not judged yet count as certain. In a
        large component, where all pairs of linked groups would be judged for it, it is the mean of what is known, and
        none if a sample has refused them since they had half as many texts.
        """
        known = self._between[left][right]
        if self._large:
            refused = known.refused * 2 > self._texts(left, right)
            return 0.0 if known.apart or refused or not known.linked else known.total / (known.judged * _ONE)
        pairs = self._pairs(left, right)
        unjudged = pairs - known.judged
        far_below = known.judged >= SAMPLE and known.total < (self._asked(left, right) - MARGIN) * _ONE * known.judged
        if known.apart or (far_below if unjudged else not known.linked):
            return 0.0
        return (known.total + unjudged * _ONE) / (pairs * _ONE)

    def _asked(self, left: int, right: int) -> float:
        """The mean probability at which two groups join."""
        smaller, larger = sorted((len(self._members[left]), len(self._members[right])))
        return asked(self._threshold, larger / smaller)

    def _propose(self, left: int, right: int) -> None:
        """Put two groups on the heap if they can still reach the threshold."""
        bound = self._bound(left, right)
        if bound >= self._asked(left, right):
            heapq.heappush(self._heap, (-bound, min(left, right), max(left, right)))

    def _judge_between(self, left: int, right: int) -> None:
        """Judge the open pairs between two groups until they cannot join, or all are judged."""
        known = self._between[left][right]
        for pair in self._open_pairs(left, right):
            known.add(self._knowledge_of(pair))
            if self._bound(left, right) < self._asked(left, right):
                break

    def _agree(self, left: int, right: int) -> bool:
        """Whether a sample of the pairs between two groups that are large together reaches the mean that is asked, and
        holds none of one language below the threshold.
        """
        if not self._asks:
            return True  # the mean of what is known reaches it
        known, wanted = self._between[left][right], self._asked(left, right)
        margins = dict(STEPS)
        total = judged = 0
        for pair in self._sample(left, right):
            is_new = pair not in self._links and pair not in self._impossible
            knowledge = self._knowledge_of(pair)
            if is_new:
                known.add(knowledge)
            if knowledge.apart:
                known.apart = True
                return False
            total, judged = total + knowledge.total, judged + 1
            margin = margins.get(judged)
            if margin is not None and abs(total / (judged * _ONE) - wanted) >= margin:
                break
        return total >= wanted * judged * _ONE

    def _sample(self, left: int, right: int) -> Iterator[Pair]:
        """Pairs between two groups as they are now, each once, spread evenly however many are taken: round the members
        of the smaller group, and over those of the larger in steps of the golden ratio (Knuth 1998, section 6.4).
        """
        smaller, larger = sorted((self._members[left], self._members[right]), key=len)
        drawn: set[Pair] = set()
        for number in range(2 * STEPS[-1][0]):
            first = smaller[number % len(smaller)]
            second = larger[number * _GOLDEN % _ROUND * len(larger) // _ROUND]
            pair = (first, second) if first < second else (second, first)
            if pair not in drawn:
                drawn.add(pair)
                yield pair
            if len(drawn) == STEPS[-1][0]:
                return

    def _open_pairs(self, left: int, right: int) -> Iterator[Pair]:
        """The pairs not judged yet, in rounds in which every member of the smaller group has one: a fair sample."""
        smaller, larger = sorted((self._members[left], self._members[right]), key=len)
        for round_ in range(len(larger)):
            for place, first in enumerate(smaller):
                second = larger[(place + round_) % len(larger)]
                pair = (first, second) if first < second else (second, first)
                if pair not in self._links and pair not in self._impossible:
                    yield pair

    def _probability(self, pair: Pair) -> float:
        """Of a pair, judged for it where it can be one article."""
        if pair in self._impossible:
            return 0.0
        if pair not in self._links and not (self._asks and self._possible(pair)):
            self._impossible.add(pair)
            return 0.0
        return self._judgement(pair).probability

    def _told(self, pair: Pair) -> float | None:
        """The same; nothing where it is not known and there is nobody to ask."""
        return None if not self._asks and pair not in self._links else self._probability(pair)

    def _judgement(self, pair: Pair) -> Link:
        if pair not in self._links:
            self._links[pair] = self._judge(CandidatePair(*pair, (Finder.CLUSTER,)))
            self._asked_for.append(self._links[pair])
        return self._links[pair]

    def _join(self, left: int, right: int) -> None:
        """Make the right group part of the left one, and see which others that now brings nearer."""
        self._merge(left, right)
        for other in sorted(self._between[left]):
            self._propose(left, other)

    def _merge(self, left: int, right: int) -> None:
        """Make the right group part of the left one, with all that is known of it. Others that a sample kept apart from
        the larger of the two stay so.
        """
        grown = len(self._members[left]) < len(self._members[right])
        if grown:
            for known in self._between[left].values():
                known.refused = 0
        self._members[left] += self._members.pop(right)
        for other, known in self._between.pop(right).items():
            del self._between[other][right]
            if other != left:
                joined = self._between[other][left] = self._between[left].setdefault(other, _Between())
                joined.add(known)
                if grown:
                    joined.refused = known.refused
