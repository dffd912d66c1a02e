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
funnel also tells, of each finder, how many candidates no other finder found: what would be lost without it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.calibration import Calibration
from dedup.evidence import Subject
from dedup.model import CandidatePair, Finder, Fingerprint, FunnelStage
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

ALONE = " alone"
"""What is added to a finder's name for the stage that counts the candidates it alone found."""

_CELLS = 2**23
"""Similarities that are held at once."""

_FACT_PAIRS = 2**21
"""Pairs of articles that state one figure whose weights are added up at once."""

_WEIGHT_STEP = 2.0**-20
"""Unit in which the rarities of figures are added up, in nats: 64 of them are off by 0.00003 at most."""

_SCALE = 4000
"""Steps per unit of a vector's components, so that every partial sum of a scalar product is a whole number below 2**24
and exact in 32-bit floats: unit vectors of up to 4,096 dimensions stay below (4000 + 0.5 * 64) ** 2 = 16.3 million."""

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The candidate pairs in ascending order, and what each finder brought and left out."""

    pairs: tuple[CandidatePair, ...]
    funnel: tuple[FunnelStage, ...]


def propose(
    keys: Sequence[Collection[str]], subjects: Sequence[Subject], calibration: Calibration, settings: Settings
) -> Proposal:
    """The union of what the finders find; ``keys`` are the source keys (those that name an article) of each subject."""
    source, source_left_out = pairs_in_groups(_grouped(keys))
    bands, bands_left_out = pairs_in_groups(_grouped([band_keys(s.fingerprint, settings.bands) for s in subjects]))
    facts = sharing_facts([s.fingerprint.numbers for s in subjects], calibration)
    found = {
        Finder.SOURCE_URL: source,
        Finder.BANDS: bands,
        Finder.FACTS: facts.pairs,
        Finder.VECTORS: nearest(subjects, settings.neighbours),
    }
    finders: dict[Pair, list[Finder]] = defaultdict(list)
    for finder, pairs in found.items():
        for pair in pairs:
            finders[pair].append(finder)
    candidates = tuple(CandidatePair(*pair, tuple(finders[pair])) for pair in sorted(finders))
    alone = Counter(by[0] for by in finders.values() if len(by) == 1)
    left_out = {LARGE_GROUPS: source_left_out + bands_left_out, COMMON_FIGURES: facts.not_weighed}
    funnel = (
        *(FunnelStage(finder.value, len(pairs)) for finder, pairs in found.items()),
        *(FunnelStage(name, count) for name, count in left_out.items() if count),
        FunnelStage("candidates", len(candidates)),
        *(FunnelStage(f"{finder.value}{ALONE}", alone[finder]) for finder in found),
    )
    return Proposal(candidates, funnel)


def _grouped(keys_of_each: Sequence[Iterable[Hashable]]) -> set[tuple[int, ...]]:
    """The positions that share a key, ascending, for every key of two or more; each such group once."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for position, keys in enumerate(keys_of_each):
        for key in keys:
            groups[key].append(position)
    return {tuple(members) for members in groups.values() if len(members) > 1}


def pairs_in_groups(groups: Iterable[Sequence[int]]) -> tuple[set[Pair], int]:
    """All pairs of each group, or the first and the next one for each member of a large group; and how many that
    leaves out.
    """
    pairs: set[Pair] = set()
    left_out = 0
    for members in groups:
        if len(members) <= GROUP_LIMIT:
            pairs.update(combinations(members, 2))
        else:
            kept = {(members[0], other) for other in members[1:]} | set(pairwise(members))
            left_out += len(members) * (len(members) - 1) // 2 - len(kept)
            pairs |= kept
    return pairs, left_out


def band_keys(fingerprint: Fingerprint, bands: int) -> list[tuple[int, bytes]]:
    """A signature cut into bands: (number of the band, its values) each."""
    return [(number, band.tobytes()) for number, band in enumerate(np.split(fingerprint.signature, bands))]


@dataclass(frozen=True, slots=True)
class FactPairs:
    """The pairs that figures propose, and how many pairs of holders of common figures were not weighed.

    ``not_weighed`` counts a pair once for each figure in more than ``FACT_GROUP_LIMIT`` articles that both state.
    """

    pairs: set[Pair]
    not_weighed: int


def sharing_facts(numbers: Sequence[Sequence[str]], calibration: Calibration) -> FactPairs:
    """The pairs whose shared rare figures together weigh FACT_WEIGHT or more; ``numbers`` are each article's figures,
    each once.

    Pairs of holders are laid out as numbers, sorted and added up, by blocks of ``_FACT_PAIRS``. Weights are whole
    numbers of ``_WEIGHT_STEP``, so that no order of figures or articles can change a sum.
    """
    ids: dict[str, int] = {}
    stated = np.array([ids.setdefault(figure, len(ids)) for some in numbers for figure in some], np.int64)
    holders = np.repeat(np.arange(len(numbers)), [len(some) for some in numbers])
    held = np.bincount(stated, minlength=len(ids))
    common = held[held > FACT_GROUP_LIMIT]
    rare = np.flatnonzero(held[stated] <= FACT_GROUP_LIMIT)
    rare = rare[np.argsort(stated[rare], kind="stable")]  # by figure, and within one by article
    weights = np.array([round(calibration.rarity(figure) / _WEIGHT_STEP) for figure in ids], np.int64)
    statements = _Statements(
        holders[rare],
        weights[stated[rare]],
        np.searchsorted(stated[rare], stated[rare], side="right") - np.arange(len(rare)) - 1,
    )
    pairs: set[Pair] = set()
    for block in statements.blocks():
        pairs.update(statements.weighty_pairs(block, len(numbers)))
    return FactPairs(pairs, int((common * (common - 1) // 2).sum()))


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

    def weighty_pairs(self, chosen: NDArray[np.intp], articles: int) -> Iterable[Pair]:
        """The pairs with enough weight whose first article makes the statements ``chosen``; of ``articles`` in all."""
        counts = self.later[chosen]
        ends = np.cumsum(counts)
        within = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        keys = np.repeat(self.holders[chosen] * articles, counts) + self.holders[np.repeat(chosen + 1, counts) + within]
        order = np.argsort(keys)
        keys, weights = keys[order], np.repeat(self.weights[chosen], counts)[order]
        begins = np.flatnonzero(np.diff(keys, prepend=-1))
        enough = keys[begins][np.add.reduceat(weights, begins) >= round(FACT_WEIGHT / _WEIGHT_STEP)]
        return zip((enough // articles).tolist(), (enough % articles).tolist(), strict=True)


def nearest(subjects: Sequence[Subject], count: int) -> set[Pair]:
    """The ``count`` nearest articles of each by document vector in its own language and script, and as many in others,
    where languages take turns: the nearest article of each language, the nearest language first; then the second
    nearest of each; and so on. Of equally near ones those that come first.

    Without turns, many texts of one language on one topic crowd out the only translation, which is in another. Of the
    pairs of translations, each taken as the only two of their article, 7.6 % were missed without turns and 6.8 % with
    (of documentation 8.5 and 4.0 %, of texts on one topic 20.3 and 15.4 %). Turns of several articles at a time, mutual
    neighbours first and CSLS missed 7.2 to 7.8 %; CSLS with turns 6.8 %, too, for twice the work
    (``scripts/compare_candidates.py``).

    Exact, by blocks of a matrix product: the cost grows with the square of the number of articles. The product is of
    whole numbers (see ``_SCALE``; cosines are off by about 0.0002), so that neither the size of the blocks nor the
    number of threads nor the processor can change a neighbour by a rounding error.
    """
    if len(subjects) < 2:
        return set()
    codes = np.unique([s.writing for s in subjects], return_inverse=True)[1]
    positions = np.argsort(codes, kind="stable")  # each language in one piece, in the order of its articles
    vectors, codes = whole_steps([subjects[i] for i in positions.tolist()]), codes[positions]
    sizes = np.bincount(codes)
    pairs: set[Pair] = set()
    height = max(1, _CELLS // len(vectors))
    for start in range(0, len(vectors), height):
        rows = np.arange(start, min(start + height, len(vectors)))
        similar = vectors[rows] @ vectors.T
        similar[np.arange(len(rows)), rows] = _SELF
        for columns, usable in _neighbours(similar, codes[rows], sizes, positions, count):
            near = positions[columns][usable]
            own = np.repeat(positions[rows], usable.sum(axis=1))
            pairs.update(zip(np.minimum(own, near).tolist(), np.maximum(own, near).tolist(), strict=True))
    return pairs


def whole_steps(subjects: Sequence[Subject]) -> NDArray[np.float32]:
    """Their document vectors in whole steps of 1 / ``_SCALE``, shape (subjects, dimensions)."""
    return np.rint(np.stack([s.embedding.document for s in subjects]) * _SCALE).astype(np.float32)


Neighbours = tuple[NDArray[np.intp], NDArray[np.bool_]]
"""Columns, shape (rows, most), and which of them are neighbours."""


def _neighbours(
    similar: NDArray[np.float32],
    codes: NDArray[np.intp],
    sizes: NDArray[np.intp],
    positions: NDArray[np.intp],
    count: int,
) -> Iterable[Neighbours]:
    """Those in the own language of each row, language by language, then those in all others.

    ``codes`` are the rows' languages; columns are by language, ``sizes`` of each, and ``positions`` are theirs.
    """
    rounds = _rounds(sizes, count)
    seen, ranks = [], []
    for code, (end, size) in enumerate(zip(np.cumsum(sizes).tolist(), sizes.tolist(), strict=True)):
        part = similar[:, end - size : end]
        inside = np.flatnonzero(codes == code)
        if len(inside) and size > 1:
            columns = np.zeros((len(similar), min(count, size - 1)), np.intp)
            columns[inside] = _best(part[inside], columns.shape[1]) + (end - size)
            yield columns, np.broadcast_to((codes == code)[:, None], columns.shape)
        seen.append(_best(part, min(rounds, size)) + (end - size))
        ranks.append(np.arange(min(rounds, size)))
    columns, rank = np.concatenate(seen, axis=1), np.concatenate(ranks)
    other = np.repeat(np.arange(len(sizes)), np.minimum(sizes, rounds)) != codes[:, None]
    yield _in_turns(np.take_along_axis(similar, columns, axis=1), columns, rank, other, positions, count)


def _rounds(sizes: NDArray[np.intp], count: int) -> int:
    """After how many turns every article has ``count`` neighbours in other languages, if there are so many."""
    for rounds in range(1, count):
        kept = np.minimum(sizes, rounds)
        if kept.sum() - kept.max() >= count:
            return rounds
    return count


def _best(similar: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """The columns of the ``count`` largest values of each row, the largest first, of equal ones the first."""
    if count == 1:
        return np.expand_dims(similar.argmax(axis=1), 1)
    width = similar.shape[1]
    # A whole number that orders by similarity, then by column: no two in a row are equal.
    keys = np.arange(width) - similar.astype(np.int64) * width
    columns = np.argpartition(keys, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(keys, columns, axis=1), axis=1)
    return np.take_along_axis(columns, order, axis=1)


def _in_turns(
    similar: NDArray[np.float32],
    columns: NDArray[np.intp],
    rank: NDArray[np.intp],
    other: NDArray[np.bool_],
    positions: NDArray[np.intp],
    count: int,
) -> Neighbours:
    """The first ``count`` of the columns by rank in their language, then by similarity, then by position."""
    count = min(count, columns.shape[1])
    width = len(positions)
    keys = (similar.astype(np.int64) - rank * _RANK) * width - positions[columns]
    keys[~other] = _NOT_ALLOWED
    best = np.argpartition(keys, -count, axis=1)[:, -count:]
    return np.take_along_axis(columns, best, axis=1), np.take_along_axis(other, best, axis=1)


_SELF = -(2.0**27)
"""Below every scalar product."""

_RANK = 2**27
"""Above the difference of any two scalar products."""

_NOT_ALLOWED = np.iinfo(np.int64).min
