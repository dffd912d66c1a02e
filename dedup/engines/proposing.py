"""Proposing: which pairs are worth comparing, as :mod:`dedup.candidates` says it, over parts.

    subjects -keyed-> each page, band and figure of a work by its name -groups-> pairs of small groups, names of large
             -large-> one of those that are equal -stars-> few pairs of each -candidates-> all of them, and near vectors

A *name* is a hash (XXH3, 128 bits) of a page, of a band's number and values, or of a figure. Of the 4 * 10^10 names of
a billion works two are equal by chance in less than one of 10^17 runs. All works of a name meet in one bucket, a row
each; of a figure that is common in a part already, that part sends one row in all.

No name makes more than its share of work, however many works have it (``scripts/measure_hot_keys.py``): a small group
gives up to ``GROUP_LIMIT / 2`` pairs a work, a large one two; and one that many bands have in common is sent on once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from dedup.candidates import (
    BITS,
    COMMON_FIGURES,
    FACT_GROUP_LIMIT,
    LARGE_GROUPS,
    NOT_COMPARED,
    Groups,
    Whole,
    added_up,
    behind_each,
    counted,
    funnel_from,
    large_in,
    later_in_groups,
    left_out_of_large,
    pairs_of_large,
    pairs_of_small,
    union_of,
    weights_of,
    weighty,
)
from dedup.engines.columns import numbers_of, rows_from_bytes, rows_of_bytes, to_text
from dedup.engines.confirming import CANDIDATES
from dedup.engines.links import candidates_table
from dedup.engines.near import NEAR
from dedup.engines.near import PAIRS as NEAR_PAIRS
from dedup.engines.run import Run
from dedup.engines.stage import MOST_BUCKETS, Desk, Notes, Stage, noted
from dedup.engines.subjects import SETTINGS, SUBJECTS
from dedup.errors import InputError
from dedup.model import Finder, FunnelStage

KEYED: Final = "keyed"
GROUPS: Final = "groups"
LARGE: Final = "large"
STARS: Final = "stars"
SORTED: Final = (KEYED, GROUPS, LARGE, STARS)
"""The stages that nobody needs when the candidates are there."""

KEYS: Final = "keys"
FIGURES: Final = "figures"
PAIRS: Final = "pairs"
NAMED: Final = "named"
CHOSEN: Final = "chosen"

MOST_WORKS: Final = 2**31
"""What the positions of :class:`dedup.candidates.Candidates` can tell apart."""

Names = NDArray[np.uint64]
"""Names of 128 bits, shape (names, 2)."""


def proposed(run: Run, span: int, parts: int, not_compared: int) -> tuple[FunnelStage, ...]:
    """Do the stages up to the candidates, after those of the near vectors, which left out ``not_compared`` pairs; the
    funnel so far. Part ``i`` of ``parts`` has the works from ``i * span`` on. Raises :class:`InputError` for more works
    than can be told apart.
    """
    if span * parts > MOST_WORKS:
        raise InputError(f"more than {MOST_WORKS:,} different texts are too many for one run")
    buckets = min(parts, MOST_BUCKETS)
    shape = {"span": np.array(span), "parts": np.array(parts), "buckets": np.array(buckets)}
    run.stage(KEYING, parts, shape)
    groups = run.stage(PAIRING, buckets, shape)
    large = run.stage(NAMING, buckets, shape)
    run.stage(STARRING, buckets, shape)
    made = run.stage(PROPOSING, parts, shape)
    left_out = {
        LARGE_GROUPS: noted(large, LARGE_GROUPS),
        COMMON_FIGURES: noted(groups, COMMON_FIGURES),
        NOT_COMPARED: not_compared,
    }
    return funnel_from({name: noted(made, name) for name in made[0].notes}, left_out)


# --- what works have


def keyed_part(desk: Desk) -> Notes:
    """The pages, bands and figures of the works of a part, sent to where all works that have one meet."""
    table = desk.table(SUBJECTS, desk.part, ["work", "keys", "signature", "numbers"])
    works = numbers_of(table, "work")
    settings, buckets = desk.settings, int(desk.given()["buckets"])
    signatures = rows_from_bytes(table, "signature", np.uint32, settings.permutations)
    bands = _names_of_bands(signatures, settings.bands)
    cited = _Listed.of(table["keys"])
    names = np.concatenate([_names(cited.distinct)[cited.which], bands])
    sides = (Finder.SOURCE_URL, len(cited.which)), (Finder.BANDS, len(bands))
    rows = {
        "name": rows_of_bytes(names),
        "work": np.concatenate([works[cited.holders], np.tile(works, settings.bands)]),
        "found_by": np.concatenate([np.full(count, BITS[finder], np.uint8) for finder, count in sides]),
    }
    desk.scatter(KEYS, pa.table(rows), _buckets_of(names, buckets), buckets)
    _send_figures(desk, works, _Listed.of(table["numbers"]), buckets)
    return {}


def _send_figures(desk: Desk, works: Whole, stated: "_Listed", buckets: int) -> None:
    """Figures and the works that state them; of one that is common in this part already, only how many do, in a row of
    no work (-1).
    """
    weights = weights_of(map(to_text, stated.distinct), desk.calibration)
    held = np.bincount(stated.which, minlength=len(weights))
    rare, common = held[stated.which] <= FACT_GROUP_LIMIT, np.flatnonzero(held > FACT_GROUP_LIMIT)
    which = np.concatenate([stated.which[rare], common])
    names = _names(stated.distinct)[which]
    rows = {
        "name": rows_of_bytes(names),
        "work": np.concatenate([works[stated.holders[rare]], np.full(len(common), -1)]),
        "weight": weights[which],
        "holders": np.concatenate([np.ones(np.count_nonzero(rare), np.int64), held[common]]),
    }
    desk.scatter(FIGURES, pa.table(rows), _buckets_of(names, buckets), buckets)


@dataclass(frozen=True, slots=True, eq=False)
class _Listed:
    """What is in the lists of a column: each different value once, and which row has which; all in order."""

    distinct: list[bytes]
    which: Whole
    holders: Whole

    @classmethod
    def of(cls, column: "pa.ChunkedArray") -> "_Listed":
        lengths = pa.compute.list_value_length(column).to_numpy()
        encoded = pa.compute.list_flatten(column).combine_chunks().dictionary_encode()
        which = encoded.indices.to_numpy().astype(np.int64)
        return cls(encoded.dictionary.to_pylist(), which, np.repeat(np.arange(len(lengths)), lengths))


def _names(values: Sequence[bytes | memoryview]) -> Names:
    import xxhash

    return np.frombuffer(b"".join(map(xxhash.xxh3_128_digest, values)), np.uint64).reshape(-1, 2)


def _names_of_bands(signatures: NDArray[np.generic], bands: int) -> Names:
    """Of each band of each signature, band by band. A band's number stands before its values: as a seed of the hash it
    would work like a part of them, and a band be named like another with other values.
    """
    names = []
    for number, band in enumerate(np.split(signatures, bands, axis=1)):
        rows = np.column_stack([np.full(len(band), number, np.uint32), band])
        values, size = memoryview(rows.tobytes()), rows.shape[1] * rows.itemsize
        names.append(_names([values[at : at + size] for at in range(0, len(values), size)]))
    return np.concatenate(names)


def _buckets_of(names: Names, count: int) -> Whole:
    return (names[:, 0] % np.uint64(count)).astype(np.int64)


# --- works that have something in common


@dataclass(frozen=True, slots=True, eq=False)
class _Sorted:
    """Rows of a bucket by name, and in the order of works within one."""

    order: Whole
    begins: Whole
    sizes: Whole

    @classmethod
    def of(cls, table: "pa.Table") -> "_Sorted":
        """The parts, in whose order the rows come, are in the order of works."""
        names = rows_from_bytes(table, "name", np.uint64, 2)
        order = np.lexsort((names[:, 1], names[:, 0]))
        names = names[order]
        is_first = np.ones(len(names), bool)
        is_first[1:] = (names[1:] != names[:-1]).any(axis=1)
        begins = np.flatnonzero(is_first)
        return cls(order, begins, np.diff(begins, append=len(names)))


def groups_part(desk: Desk) -> Notes:
    """The pairs of a bucket of names, sent to the parts of their left works; of large groups only their names."""
    given = desk.given()
    total = int(given["span"]) * int(given["parts"])
    groups = _groups_in(desk.gather(KEYED, KEYS))
    pairs, weights, not_weighed = _sharing_figures(desk.gather(KEYED, FIGURES), total)
    found = [(BITS[finder], np.unique(pairs_of_small(some, total))) for finder, some in groups.items()]
    _send_pairs(desk, [*found, (BITS[Finder.FACTS], pairs)], weights)
    _keep_large(desk, groups, int(given["buckets"]))
    return {COMMON_FIGURES: not_weighed}


def _keep_large(desk: Desk, groups: Mapping[Finder, Groups], buckets: int) -> None:
    large = [(BITS[finder], name, members) for finder, some in groups.items() for name, members in large_in(some)]
    found_by = np.array([bit for bit, *_ in large], np.uint8)
    members = pa.array([members for *_, members in large], pa.large_list(pa.int64()))
    desk.write(pa.table({"found_by": found_by, "members": members}))
    names = np.frombuffer(b"".join(name for _, name, _ in large), np.uint64).reshape(-1, 2)
    rows = {
        "name": rows_of_bytes(names),
        "found_by": found_by,
        "size": np.array([len(members) for *_, members in large], np.int64),
        "by": np.full(len(large), desk.part),
        "row": np.arange(len(large)),
    }
    desk.scatter(NAMED, pa.table(rows), _buckets_of(names, buckets), buckets)


def _groups_in(table: "pa.Table") -> dict[Finder, Groups]:
    """The groups of pages and those of bands."""
    by_name = _Sorted.of(table)
    works, found_by = numbers_of(table, "work")[by_name.order], numbers_of(table, "found_by")[by_name.order]
    groups = {}
    for finder in (Finder.SOURCE_URL, Finder.BANDS):
        chosen = (by_name.sizes > 1) & (found_by[by_name.begins] == BITS[finder])
        groups[finder] = Groups(works[np.repeat(chosen, by_name.sizes)], by_name.sizes[chosen])
    return groups


def _sharing_figures(table: "pa.Table", total: int) -> tuple[Whole, Whole, int]:
    """The pairs that rare figures of a bucket have, each once and what these weigh together; and how many pairs of
    holders of common figures were not weighed.
    """
    by_name = _Sorted.of(table)
    works, weights = numbers_of(table, "work")[by_name.order], numbers_of(table, "weight")[by_name.order]
    holders = numbers_of(table, "holders")[by_name.order]
    held = np.add.reduceat(holders, by_name.begins) if len(holders) else holders
    not_weighed = sum(count * (count - 1) // 2 for count in held[held > FACT_GROUP_LIMIT].tolist())
    rare = held <= FACT_GROUP_LIMIT  # of these all holders are told
    chosen = np.repeat(rare, by_name.sizes)
    works, weights = works[chosen], weights[chosen]
    later = later_in_groups(by_name.sizes[rare])
    pairs = np.repeat(works, later) * total + works[behind_each(np.arange(len(works)), later)]
    return *added_up(pairs, np.repeat(weights, later)), not_weighed


def _send_pairs(desk: Desk, found: Sequence[tuple[int, Whole]], weights: Whole) -> None:
    """Pairs, each array with the bit of its finder, sent to the parts of their left works; ``weights`` are those of the
    last pairs.
    """
    given = desk.given()
    span, parts = int(given["span"]), int(given["parts"])
    pairs = np.concatenate([np.empty(0, np.int64), *(some for _, some in found)])
    rows = {
        "pair": pairs,
        "found_by": np.repeat(np.array([bit for bit, _ in found], np.uint8), [len(some) for _, some in found]),
        "weight": np.concatenate([np.zeros(len(pairs) - len(weights), np.int64), weights]),
    }
    desk.scatter(PAIRS, pa.table(rows), pairs // (span * parts) // span, parts)


def large_part(desk: Desk) -> Notes:
    """Of large groups that are equal, one: who has it is told so."""
    table = desk.gather(GROUPS, NAMED)
    names = rows_from_bytes(table, "name", np.uint64, 2)
    found_by, by, rows = (numbers_of(table, name) for name in ("found_by", "by", "row"))
    _, first = np.unique(np.column_stack([names, found_by.astype(np.uint64)]), axis=0, return_index=True)
    desk.scatter(CHOSEN, pa.table({"row": rows[first]}), by[first], int(desk.given()["buckets"]))
    return {LARGE_GROUPS: sum(map(left_out_of_large, numbers_of(table, "size")[first].tolist()))}


def stars_part(desk: Desk) -> Notes:
    """A few pairs of each large group that this bucket was chosen for."""
    given = desk.given()
    total = int(given["span"]) * int(given["parts"])
    table = desk.table(GROUPS, desk.part).take(desk.gather(LARGE, CHOSEN)["row"])
    groups = zip(table["found_by"].to_pylist(), table["members"], strict=True)
    found = [(bit, pairs_of_large(members.values.to_numpy(), total)) for bit, members in groups]
    _send_pairs(desk, found, np.empty(0, np.int64))
    return {}


# --- all that was found


def candidates_part(desk: Desk) -> Notes:
    """The candidates whose left work is in this part."""
    given = desk.given()
    total = int(given["span"]) * int(given["parts"])
    table = pa.concat_tables([desk.gather(GROUPS, PAIRS), desk.gather(STARS, PAIRS)])
    pairs, found_by = numbers_of(table, "pair"), numbers_of(table, "found_by")
    of_facts = found_by == BITS[Finder.FACTS]
    near = desk.gather(NEAR, NEAR_PAIRS)
    found = {
        Finder.SOURCE_URL: pairs[found_by == BITS[Finder.SOURCE_URL]],
        Finder.BANDS: pairs[found_by == BITS[Finder.BANDS]],
        Finder.FACTS: weighty(pairs[of_facts], numbers_of(table, "weight")[of_facts]),
        Finder.VECTORS: numbers_of(near, "left") * total + numbers_of(near, "right"),
    }
    candidates = union_of(found, total)
    desk.write(candidates_table(candidates))
    return counted(candidates)


KEYING: Final = Stage(KEYED, keyed_part, after=(SUBJECTS,), settings=(*SETTINGS, "bands"), light=True)
PAIRING: Final = Stage(GROUPS, groups_part, after=(KEYED,), light=True)
NAMING: Final = Stage(LARGE, large_part, after=(GROUPS,), light=True)
STARRING: Final = Stage(STARS, stars_part, after=(GROUPS, LARGE), light=True)
PROPOSING: Final = Stage(CANDIDATES, candidates_part, after=(GROUPS, STARS, NEAR), light=True)
