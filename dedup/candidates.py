"""Which pairs are worth comparing: several finders, each blind where another sees.

=============  =============================================================================================
source-url     articles that cite the same page; a first place to look, never proof
bands          articles whose MinHash signatures agree in a band: copies and edited copies (Broder 1997;
               banding as in Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*, section 3.4)
facts          articles that share several rare figures: translations, whatever the model thinks of them
vectors        articles whose vectors are near: as many neighbours in the own language as in all others together,
               because neighbours in one's own language would crowd out every translation; the other languages
               take turns, because one of them would crowd out the rest
=============  =============================================================================================

The union goes to confirmation, each pair with the names of its finders. In a group (a key, a band, a figure) of more
than ``GROUP_LIMIT`` articles not every pair is proposed: each article is paired with the first of the group and with
the next one, in the order of ids, which keeps the group connected for clustering to fill in; how many pairs that
leaves out, at most, is counted (another group or finder may still propose some of them). A figure in more than
``FACT_GROUP_LIMIT`` articles says nothing by itself and does not count; the pairs that share one are counted, too. The
funnel also tells, of each finder, how many candidates no other finder found: what would be lost without it; and of
many articles, how many pairs of vectors were not compared (:mod:`dedup.neighbours`).
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import overload

import numpy as np
from numpy.typing import NDArray

from dedup.calibration import Calibration
from dedup.evidence import Subject
from dedup.model import CandidatePair, Finder, FunnelStage
from dedup.neighbours import nearest
from dedup.settings import Settings

GROUP_LIMIT = 64
"""Articles of a group among which all pairs (2,016) are proposed."""

FACT_GROUP_LIMIT = 64
"""A figure in more articles than this is not rare, and proposes nothing."""

FACT_WEIGHT = 12.0
"""Shared rarity (sum of inverse document frequencies, in nats) from which figures alone propose a pair: two rare
figures, or three less rare ones."""

LARGE_GROUPS = "left out of large groups"
"""Stage of the funnel: pairs in groups of more than ``GROUP_LIMIT`` that were not proposed, at most."""

COMMON_FIGURES = "left out of common figures"
"""Stage of the funnel: pairs of articles that state one figure with more than ``FACT_GROUP_LIMIT`` articles, which
therefore did not count; once for each such figure that both state."""

NOT_COMPARED = "vectors not compared"
"""Stage of the funnel: pairs of articles whose vectors an index kept apart, at least; there where it was used."""

LEFT_OUT = (LARGE_GROUPS, COMMON_FIGURES, NOT_COMPARED)
"""The stages that tell what limits left out."""

CANDIDATES = "candidates"
"""Stage of the funnel: what the finders bring together."""

ALONE = " alone"
"""What is added to a finder's name for the stage that counts the candidates it alone found."""

FINDERS = (Finder.SOURCE_URL, Finder.BANDS, Finder.FACTS, Finder.VECTORS)
"""Those that propose, in the order of the funnel."""

_FACT_PAIRS = 2**21
"""Pairs of articles that state one figure whose weights are added up at once."""

_WEIGHT_STEP = 2.0**-20
"""Unit in which the rarities of figures are added up, in nats: 64 of them are off by 0.00003 at most."""

_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Of the hash of a band's values: odd, without a pattern."""

Whole = NDArray[np.int64]

BITS = {finder: 1 << place for place, finder in enumerate(Finder)}
"""Of each finder, its bit in ``found_by`` of :class:`Candidates`."""


@cache
def _finders(bits: int) -> tuple[Finder, ...]:
    return tuple(finder for finder in Finder if bits & BITS[finder])


@dataclass(frozen=True, slots=True, eq=False)
class Candidates(Sequence[CandidatePair]):
    """Candidate pairs in columns, each of shape (pairs,): ascending by (``left``, ``right``), each pair once.

    ``left`` and ``right`` are positions, ``left < right``; ``found_by`` has a bit for each finder, the first of
    :class:`dedup.model.Finder` the lowest. As a sequence it gives :class:`dedup.model.CandidatePair`.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    found_by: NDArray[np.uint8]

    @classmethod
    def of(cls, pairs: Iterable[CandidatePair]) -> "Candidates":
        """The same pairs, which come in ascending order."""
        rows = [(pair.left, pair.right, sum(BITS[finder] for finder in pair.found_by)) for pair in pairs]
        left, right, found_by = np.array(rows, np.int32).reshape(-1, 3).T
        return cls(left, right, found_by.astype(np.uint8))

    def where(self, chosen: NDArray[np.bool_]) -> "Candidates":
        """Those that are chosen, shape (pairs,)."""
        return Candidates(self.left[chosen], self.right[chosen], self.found_by[chosen])

    def __len__(self) -> int:
        return len(self.left)

    @overload
    def __getitem__(self, index: int) -> CandidatePair: ...
    @overload
    def __getitem__(self, index: slice) -> "Candidates": ...
    def __getitem__(self, index: int | slice) -> "CandidatePair | Candidates":
        if isinstance(index, slice):
            return Candidates(self.left[index], self.right[index], self.found_by[index])
        return CandidatePair(int(self.left[index]), int(self.right[index]), _finders(int(self.found_by[index])))

    def __iter__(self) -> Iterator[CandidatePair]:
        for left, right, bits in zip(self.left.tolist(), self.right.tolist(), self.found_by.tolist(), strict=True):
            yield CandidatePair(left, right, _finders(bits))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidates) and all(
            np.array_equal(one, another)
            for one, another in (
                (self.left, other.left),
                (self.right, other.right),
                (self.found_by, other.found_by),
            )
        )

    def __hash__(self) -> int:
        return hash((self.left.tobytes(), self.right.tobytes(), self.found_by.tobytes()))


@dataclass(frozen=True, slots=True)
class Proposal:
    """The candidate pairs, and what each finder brought and left out."""

    pairs: Candidates
    funnel: tuple[FunnelStage, ...]


def propose(
    keys: Sequence[Collection[str]],
    signatures: NDArray[np.uint32],
    numbers: Sequence[Sequence[str]],
    documents: NDArray[np.floating] | NDArray[np.int16],
    writings: Sequence[str],
    calibration: Calibration,
    settings: Settings,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Proposal:
    """The union of what the finders find among articles; position ``i`` of everything is one article.

    ``keys`` are its source keys (those that name an article), ``signatures`` its MinHash values, shape (articles,
    permutations), ``numbers`` its figures, each once, ``documents`` its vector, shape (articles, dimensions; see
    :func:`dedup.neighbours.nearest`), ``writings`` its language and script. ``progress`` is told how far
    the search for near vectors has come.
    """
    total = len(writings)
    source, source_left_out = pairs_in_groups([groups_of_keys(keys)], total)
    bands, bands_left_out = pairs_in_groups(groups_of_bands(signatures, settings.bands), total)
    facts = sharing_facts(numbers, calibration)
    vectors = nearest(documents, writings, settings.neighbours, workers=settings.workers, progress=progress)
    found = {
        Finder.SOURCE_URL: source,
        Finder.BANDS: bands,
        Finder.FACTS: facts.pairs,
        Finder.VECTORS: vectors.left.astype(np.int64) * total + vectors.right,
    }
    pairs = union_of(found, total)
    left_out = {
        LARGE_GROUPS: source_left_out + bands_left_out,
        COMMON_FIGURES: facts.not_weighed,
        NOT_COMPARED: vectors.not_compared,
    }
    return Proposal(pairs, funnel_of(pairs, left_out))


def funnel_of(pairs: Candidates, left_out: Mapping[str, int]) -> tuple[FunnelStage, ...]:
    """How many pairs each finder brought, what limits left out (stage -> pairs), how many candidates that makes, and
    how many of them each finder alone brought.
    """
    return funnel_from(counted(pairs), left_out)


def counted(pairs: Candidates) -> dict[str, int]:
    """The stages of the funnel that candidates tell by themselves, without what was left out."""
    found = {finder.value: int(np.count_nonzero(pairs.found_by & BITS[finder])) for finder in FINDERS}
    alone = {f"{finder}{ALONE}": int(np.count_nonzero(pairs.found_by == BITS[finder])) for finder in FINDERS}
    return {**found, CANDIDATES: len(pairs), **alone}


def funnel_from(counts: Mapping[str, int], left_out: Mapping[str, int]) -> tuple[FunnelStage, ...]:
    """The funnel of what :func:`counted` says and of what limits left out (stage -> pairs), in order."""
    brought = [finder.value for finder in FINDERS]
    return (
        *(FunnelStage(name, counts[name]) for name in brought),
        *(FunnelStage(name, count) for name, count in left_out.items() if count),
        FunnelStage(CANDIDATES, counts[CANDIDATES]),
        *(FunnelStage(f"{name}{ALONE}", counts[f"{name}{ALONE}"]) for name in brought),
    )


def propose_among(
    keys: Sequence[Collection[str]],
    subjects: Sequence[Subject],
    calibration: Calibration,
    settings: Settings,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Proposal:
    """What :func:`propose` says of subjects."""
    return propose(
        keys,
        np.array([s.fingerprint.signature for s in subjects], np.uint32),
        [s.fingerprint.numbers for s in subjects],
        np.array([s.embedding.document for s in subjects], np.float32),
        [s.writing for s in subjects],
        calibration,
        settings,
        progress,
    )


def union_of(found: Mapping[Finder, Whole], total: int) -> Candidates:
    """What each finder found, pairs as ascending numbers (``left * total + right``), as one."""
    keys = np.unique(np.concatenate(list(found.values())))
    found_by = np.zeros(len(keys), np.uint8)
    for finder, some in found.items():
        found_by[np.searchsorted(keys, some)] |= BITS[finder]
    return Candidates((keys // max(total, 1)).astype(np.int32), (keys % max(total, 1)).astype(np.int32), found_by)


# --- groups


@dataclass(frozen=True, slots=True)
class Groups:
    """Positions that have something in common: ``members``, shape (members of all groups,), group by group and
    ascending in each, and ``sizes``, shape (groups,), two or more each.
    """

    members: Whole
    sizes: Whole


def grouped(holders: Whole, keys: Whole) -> Groups:
    """The holders of each key that two or more hold; ``holders`` ascend, and hold a key once."""
    order = np.argsort(keys, kind="stable")
    begins = np.flatnonzero(np.diff(keys[order], prepend=-1))
    sizes = np.diff(begins, append=len(keys))
    return Groups(holders[order][np.repeat(sizes > 1, sizes)], sizes[sizes > 1])


def groups_of_keys(keys_of_each: Sequence[Collection[str]]) -> Groups:
    """The positions that share a key."""
    ids: dict[str, int] = {}
    distinct = [set(keys) for keys in keys_of_each]
    keys = np.fromiter((ids.setdefault(key, len(ids)) for some in distinct for key in some), np.int64)
    return grouped(np.repeat(np.arange(len(distinct)), [len(some) for some in distinct]), keys)


def groups_of_bands(signatures: NDArray[np.uint32], bands: int) -> Iterator[Groups]:
    """For each band of the signatures, the positions that agree in all of its values."""
    for band in np.split(signatures, bands, axis=1) if len(signatures) > 1 else ():
        # One sort of hashes finds the few that may agree; these are then compared value by value.
        hashes = np.zeros(len(band), np.uint64)
        for column in band.T:
            hashes = (hashes ^ column) * _HASH_FACTOR
            hashes ^= hashes >> np.uint64(29)
        order = np.argsort(hashes)
        equal = hashes[order][1:] == hashes[order][:-1]
        alike = np.sort(order[np.append(equal, False) | np.append(False, equal)])
        if len(alike):
            yield grouped(alike, np.unique(band[alike], axis=0, return_inverse=True)[1].astype(np.int64).ravel())


def pairs_in_groups(batches: Iterable[Groups], total: int) -> tuple[Whole, int]:
    """All pairs of each group, or the first and the next one for each member of a large group; and how many that
    leaves out, of each different group. Pairs are ascending numbers, ``left * total + right``.
    """
    pairs = np.empty(0, np.int64)
    left_out = 0
    large: set[bytes] = set()
    for groups in batches:
        found = [pairs, pairs_of_small(groups, total)]
        for name, members in large_in(groups):
            if name not in large:
                large.add(name)
                left_out += left_out_of_large(len(members))
                found.append(pairs_of_large(members, total))
        pairs = np.unique(np.concatenate(found))
    return pairs, left_out


def pairs_of_small(groups: Groups, total: int) -> Whole:
    """All pairs of the groups that are not large."""
    small = groups.sizes <= GROUP_LIMIT
    members, sizes = groups.members[np.repeat(small, groups.sizes)], groups.sizes[small]
    later = later_in_groups(sizes)
    pairs: Whole = np.repeat(members, later) * total + members[behind_each(np.arange(len(members)), later)]
    return pairs


def later_in_groups(sizes: Whole) -> Whole:
    """For each member of groups of these sizes, one after the other, how many come after it in its group."""
    later: Whole = np.repeat(np.cumsum(sizes), sizes) - np.arange(sizes.sum()) - 1
    return later


def large_in(groups: Groups) -> Iterator[tuple[bytes, Whole]]:
    """The members of each group of more than ``GROUP_LIMIT``, and a name that equal groups share."""
    ends = np.cumsum(groups.sizes)
    for number in np.flatnonzero(groups.sizes > GROUP_LIMIT).tolist():
        members = groups.members[ends[number] - groups.sizes[number] : ends[number]]
        yield hashlib.blake2b(members.tobytes(), digest_size=16).digest(), members


def pairs_of_large(members: Whole, total: int) -> Whole:
    """The first with each other one, and each with the next: 2 n - 3 pairs of n."""
    return np.concatenate([members[0] * total + members[1:], members[1:-1] * total + members[2:]])


def left_out_of_large(size: int) -> int:
    """The other pairs of a group of ``size``, two or more."""
    return size * (size - 1) // 2 - (2 * size - 3)


def behind_each(places: NDArray[np.integer], counts: Whole) -> Whole:
    """For each place, the ``counts`` places right behind it, one after the other."""
    ends = np.cumsum(counts)
    behind: Whole = np.repeat(places + 1 - (ends - counts), counts) + np.arange(counts.sum())
    return behind


# --- facts


@dataclass(frozen=True, slots=True, eq=False)
class FactPairs:
    """The pairs that figures propose, as ascending numbers (``left * articles + right``), and how many pairs of
    holders of common figures were not weighed.

    ``not_weighed`` counts a pair once for each figure in more than ``FACT_GROUP_LIMIT`` articles that both state.
    """

    pairs: Whole
    not_weighed: int


def sharing_facts(numbers: Sequence[Sequence[str]], calibration: Calibration) -> FactPairs:
    """The pairs whose shared rare figures together weigh FACT_WEIGHT or more; ``numbers`` are each article's figures,
    each once.

    Pairs of holders are laid out as numbers, sorted and added up, by blocks of ``_FACT_PAIRS``. Weights are whole
    numbers of ``_WEIGHT_STEP``, so that no order of figures or articles can change a sum.
    """
    ids: dict[str, int] = {}
    stated = np.fromiter((ids.setdefault(figure, len(ids)) for some in numbers for figure in some), np.int64)
    holders = np.repeat(np.arange(len(numbers)), [len(some) for some in numbers])
    held = np.bincount(stated, minlength=len(ids))
    common = held[held > FACT_GROUP_LIMIT]
    rare = np.flatnonzero(held[stated] <= FACT_GROUP_LIMIT)
    rare = rare[np.argsort(stated[rare], kind="stable")]  # by figure, and within one by article
    weights = weights_of(ids, calibration)
    statements = _Statements(
        holders[rare],
        weights[stated[rare]],
        np.searchsorted(stated[rare], stated[rare], side="right") - np.arange(len(rare)) - 1,
    )
    found = [statements.weighty_pairs(block, len(numbers)) for block in statements.blocks()]
    pairs = np.sort(np.concatenate([np.empty(0, np.int64), *found]))
    return FactPairs(pairs, int((common * (common - 1) // 2).sum()))


def weights_of(figures: Iterable[str], calibration: Calibration) -> Whole:
    """The rarity of each figure in units of ``_WEIGHT_STEP``, shape (figures,)."""
    return np.array([round(calibration.rarity(figure) / _WEIGHT_STEP) for figure in figures], np.int64)


def added_up(keys: Whole, weights: Whole) -> tuple[Whole, Whole]:
    """Each key once, ascending, and the sum of its weights; both of shape (keys,)."""
    order = np.argsort(keys)
    keys = keys[order]
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    return keys[begins], np.add.reduceat(weights[order], begins) if len(keys) else weights


def weighty(keys: Whole, weights: Whole) -> Whole:
    """The keys, ascending, whose weights together are ``FACT_WEIGHT`` or more."""
    keys, weights = added_up(keys, weights)
    return keys[weights >= round(FACT_WEIGHT / _WEIGHT_STEP)]


@dataclass(frozen=True, slots=True)
class _Statements:
    """That an article states a rare figure, by figure and then by article; each field of shape (statements,)."""

    holders: NDArray[np.int64]
    weights: NDArray[np.int64]
    later: NDArray[np.int64]
    """How many later articles state the same figure: the statements right behind this one."""

    def blocks(self) -> Iterable[NDArray[np.intp]]:
        """Statements that begin up to ``_FACT_PAIRS`` pairs together; all of one article are in one block."""
        beginning = np.flatnonzero(self.later)
        beginning = beginning[np.argsort(self.holders[beginning], kind="stable")]
        articles = np.append(np.flatnonzero(np.diff(self.holders[beginning], prepend=-1)), len(beginning))
        begun = np.append(0, np.cumsum(self.later[beginning]))[articles]
        start = 0
        while start < len(articles) - 1:
            end = int(np.searchsorted(begun, begun[start] + _FACT_PAIRS, side="right")) - 1
            end = max(end, start + 1)  # an article alone may have more
            yield beginning[articles[start] : articles[end]]
            start = end

    def weighty_pairs(self, chosen: NDArray[np.intp], articles: int) -> Whole:
        """The pairs with enough weight whose first article makes the statements ``chosen``; of ``articles`` in all."""
        counts = self.later[chosen]
        keys = np.repeat(self.holders[chosen] * articles, counts) + self.holders[behind_each(chosen, counts)]
        return weighty(keys, np.repeat(self.weights[chosen], counts))
