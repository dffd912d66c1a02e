"""Which pairs are worth comparing: several finders, each blind where another sees.

=============  =============================================================================================
source-url     articles that cite the same page; a first place to look, never proof
bands          articles whose MinHash signatures agree in a band: copies and edited copies (Broder 1997;
               banding as in Leskovec, Rajaraman, Ullman, *Mining of Massive Datasets*, section 3.4)
facts          articles that share several rare figures: translations, whatever the model thinks of them
vectors        articles whose vectors are near: as many neighbours in the own language as in all others together,
               because neighbours in one's own language would crowd out every translation
=============  =============================================================================================

The union goes to confirmation, each pair with the names of its finders. In a group (a key, a band, a figure) of more
than ``GROUP_LIMIT`` articles not every pair is proposed: each article is paired with the first of the group and with
the next one, in the order of ids, which keeps the group connected for clustering to fill in; how many pairs that
leaves out, at most, is counted (another group or finder may still propose some of them).
"""

from collections import defaultdict
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

_CELLS = 2**23
"""Similarities that are held at once."""

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
    found = {
        Finder.SOURCE_URL: source,
        Finder.BANDS: bands,
        Finder.FACTS: sharing_facts([s.fingerprint.numbers for s in subjects], calibration),
        Finder.VECTORS: nearest(subjects, settings.neighbours),
    }
    finders: dict[Pair, list[Finder]] = defaultdict(list)
    for finder, pairs in found.items():
        for pair in pairs:
            finders[pair].append(finder)
    candidates = tuple(CandidatePair(*pair, tuple(finders[pair])) for pair in sorted(finders))
    funnel = [FunnelStage(finder.value, len(pairs)) for finder, pairs in found.items()]
    if left_out := source_left_out + bands_left_out:
        funnel.append(FunnelStage("left out of large groups", left_out))
    funnel.append(FunnelStage("candidates", len(candidates)))
    return Proposal(candidates, tuple(funnel))


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


def sharing_facts(numbers: Sequence[Sequence[str]], calibration: Calibration) -> set[Pair]:
    """The pairs whose shared rare figures together weigh FACT_WEIGHT or more."""
    shared: dict[Pair, float] = defaultdict(float)
    holders: dict[str, list[int]] = defaultdict(list)
    for position, figures in enumerate(numbers):
        for figure in figures:
            holders[figure].append(position)
    for figure in sorted(holders):
        if len(holders[figure]) <= FACT_GROUP_LIMIT:
            weight = calibration.rarity(figure)
            for pair in combinations(holders[figure], 2):
                shared[pair] += weight
    return {pair for pair, weight in shared.items() if weight >= FACT_WEIGHT}


def nearest(subjects: Sequence[Subject], count: int) -> set[Pair]:
    """The ``count`` nearest articles of each by document vector, in its own language and in all others; of equally near
    ones those that come first.

    Exact, by blocks of a matrix product: the cost grows with the square of the number of articles. The product is of
    whole numbers (see ``_SCALE``; cosines are off by about 0.0002), so that neither the size of the blocks nor the
    number of threads nor the processor can change a neighbour by a rounding error.
    """
    if len(subjects) < 2:
        return set()
    vectors = np.rint(np.stack([s.embedding.document for s in subjects]) * _SCALE).astype(np.float32)
    codes = np.unique([s.writing for s in subjects], return_inverse=True)[1]
    pairs: set[Pair] = set()
    height = max(1, _CELLS // len(vectors))
    for start in range(0, len(vectors), height):
        rows = np.arange(start, min(start + height, len(vectors)))
        similar = vectors[rows] @ vectors.T
        same = codes[rows][:, None] == codes[None, :]
        other = ~same
        same[np.arange(len(rows)), rows] = False
        for allowed in (same, other):
            pairs.update(_top(similar, allowed, rows, count))
    return pairs


def _top(
    similar: NDArray[np.float32], allowed: NDArray[np.bool_], rows: NDArray[np.intp], count: int
) -> Iterable[Pair]:
    """The pairs (row, column) of the ``count`` largest allowed values of each row, the first of equal ones."""
    width = similar.shape[1]
    count = min(count, width)
    # A whole number that orders by similarity, then by column: no two in a row are equal.
    keys = np.where(allowed, similar.astype(np.int64) * width - np.arange(width), _NOT_ALLOWED)
    columns = np.argpartition(keys, -count, axis=1)[:, -count:]
    usable = np.take_along_axis(allowed, columns, axis=1)
    for row, best, good in zip(rows.tolist(), columns, usable, strict=True):
        for column in best[good].tolist():
            yield (row, column) if row < column else (column, row)


_NOT_ALLOWED = np.iinfo(np.int64).min
