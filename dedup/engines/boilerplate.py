"""Boilerplate, over parts: the passages that :func:`dedup.boilerplate.find_boilerplate` finds.

    texts -passages-> how many of a part hold each passage -common-> which of them are common, told to who holds them
          -held-> the least digests among their holders -sampled-> which holders are compared, asked for
          -lent-> their texts -judged-> the passages that are boilerplate

A passage that a million texts hold makes a part send one row, and then ``SAMPLE`` of its holders. A sample is compared
where its first holder's are: they are coordinated, so that those that are alike have the same one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from dedup.boilerplate import LEAST_HOLDERS, SAMPLE, Pages, changes_in
from dedup.engines.columns import BYTES, numbers_of, texts_of
from dedup.engines.run import Run
from dedup.engines.stage import MOST_BUCKETS, Desk, Notes, Stage
from dedup.engines.works import TEXTS
from dedup.index.sketches import unpacked
from dedup.model import Fingerprint

PASSAGES: Final = "passages"
COUNTS: Final = "counts"
COMMON: Final = "common"
MARKS: Final = "marks"
HELD: Final = "held"
HOLDERS: Final = "holders"
SAMPLED: Final = "sampled"
SAMPLES: Final = "samples"
WANTED: Final = "wanted"
LENT: Final = "lent"
TO_COMPARE: Final = "to-compare"
JUDGED: Final = "judged"

Whole = NDArray[np.int64]


def boilerplate_of(run: Run, span: int, parts: int) -> NDArray[np.uint64]:
    """The passages that are boilerplate, by their hashes, ascending."""
    buckets = min(parts, MOST_BUCKETS)
    shape = {"span": np.array(span), "parts": np.array(parts), "buckets": np.array(buckets)}
    run.stage(COUNTING, parts, shape)
    run.stage(MARKING, buckets, shape)
    run.stage(HOLDING, parts, shape)
    run.stage(SAMPLING, buckets, shape)
    run.stage(LENDING, parts, shape)
    run.stage(JUDGING, buckets, shape)
    found = [run.table(JUDGED, bucket)["passage"].to_numpy() for bucket in range(buckets)]
    run.drop(PASSAGES, COMMON, HELD, SAMPLED, LENT)
    return np.unique(np.concatenate(found))


@dataclass(frozen=True, slots=True)
class _Part:
    """The texts of a part, and its passages: each once a language, in groups of their holders.

    ``of`` is the group of each segment of all texts; ``holders`` are the texts of the groups, by digest, one group
    after the other, and ``starts`` where each begins.
    """

    prints: Sequence[Fingerprint]
    of: Whole
    hashes: NDArray[np.uint64]
    languages: Sequence[str]
    holders: Whole
    starts: Whole

    @property
    def counts(self) -> Whole:
        """How many texts hold each passage."""
        counts: Whole = np.diff(self.starts, append=len(self.holders))
        return counts


def _part_of(table: "pa.Table") -> _Part:
    prints = [unpacked(data) for data in table["print"].to_pylist()]
    names, codes = np.unique(texts_of(table, "language"), return_inverse=True)
    texts = np.repeat(np.arange(len(prints)), [len(f.passages) for f in prints])
    hashes = np.concatenate([f.passages for f in prints])
    languages = codes[texts]
    ranks = np.argsort(np.argsort(table["digest"].to_pylist()))[texts]
    order = np.lexsort((ranks, languages, hashes))
    is_new = changes_in(hashes[order], languages[order])
    once = np.flatnonzero(is_new | changes_in(ranks[order]))  # a passage twice in a text is one
    first = order[np.flatnonzero(is_new)]
    of = np.empty(len(hashes), np.int64)
    of[order] = np.cumsum(is_new) - 1
    return _Part(
        prints=prints,
        of=of,
        hashes=hashes[first],
        languages=names[languages[first]].tolist(),
        holders=texts[order[once]],
        starts=np.searchsorted(once, np.flatnonzero(is_new)),
    )


# --- which passages are common


def passages_part(desk: Desk) -> Notes:
    """How many texts of this part hold each of its passages, sent to where those with its hash are counted."""
    part = _part_of(desk.table(TEXTS, desk.part))
    rows = _rows(part.hashes, part.languages).append_column("texts", pa.array(part.counts, pa.int32()))
    rows = rows.append_column("place", pa.array(np.arange(len(rows)), pa.int32()))
    rows = rows.append_column("part", pa.array(np.full(len(rows), desk.part), pa.int32()))
    desk.scatter(COUNTS, rows, _buckets(part.hashes, desk), int(desk.given()["buckets"]))
    return {"passages": len(rows)}


def _rows(hashes: NDArray[np.uint64], languages: Sequence[str]) -> "pa.Table":
    codes = pa.array([language.encode() for language in languages], pa.binary())
    return pa.table({"passage": pa.array(hashes, pa.uint64()), "language": codes})


def _buckets(hashes: NDArray[np.uint64], desk: Desk) -> Whole:
    buckets: Whole = (hashes % np.uint64(int(desk.given()["buckets"]))).astype(np.int64)
    return buckets


def common_part(desk: Desk) -> Notes:
    """Which passages of a bucket are common; the parts that hold them are told their places there."""
    rows = desk.gather(PASSAGES, COUNTS)
    groups = _groups(rows)
    held = np.bincount(groups, numbers_of(rows, "texts"))
    common = held[groups] >= LEAST_HOLDERS if len(rows) else np.empty(0, np.bool_)
    marks = rows.filter(pa.array(common))
    desk.scatter(MARKS, marks.select(["place"]), numbers_of(marks, "part"), int(desk.given()["parts"]))
    return {"common": int((held >= LEAST_HOLDERS).sum())}


def _groups(rows: "pa.Table") -> Whole:
    """A number for each passage in each language, of every row; ascending by hash and language."""
    hashes = rows["passage"].to_numpy()
    languages = np.unique(np.array(rows["language"].to_pylist(), np.bytes_), return_inverse=True)[1]
    order = np.lexsort((languages, hashes))
    groups = np.empty(len(rows), np.int64)
    groups[order] = np.cumsum(changes_in(hashes[order], languages[order])) - 1
    return groups


# --- which holders are compared


def held_part(desk: Desk) -> Notes:
    """Which segments of this part are common; and of each common passage the holders with the least digests."""
    table = desk.table(TEXTS, desk.part)
    part = _part_of(table)
    is_common = np.zeros(len(part.hashes), np.bool_)
    is_common[numbers_of(desk.gather(COMMON, MARKS), "place")] = True
    held = [bits.tobytes() for bits in _split(is_common[part.of], part.prints)]
    desk.write(pa.table({"held": pa.array(held, BYTES)}))
    chosen = np.flatnonzero(is_common)
    sizes = np.minimum(part.counts[chosen], SAMPLE)
    offsets = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    holders = part.holders[np.repeat(part.starts[chosen], sizes) + offsets]
    places = np.repeat(chosen, sizes)
    rows = _rows(part.hashes[places], [part.languages[place] for place in places.tolist()])
    digests = table["digest"].take(pa.array(holders))
    rows = rows.append_column("digest", digests).append_column("work", table["work"].take(pa.array(holders)))
    desk.scatter(HOLDERS, rows, _buckets(part.hashes[places], desk), int(desk.given()["buckets"]))
    return {}


def _split(flags: NDArray[np.bool_], prints: Sequence[Fingerprint]) -> list[NDArray[np.bool_]]:
    return np.split(flags, np.cumsum([len(f.passages) for f in prints])[:-1])


def sampled_part(desk: Desk) -> Notes:
    """The sample of each common passage of a bucket, sent to where it is compared; and the texts asked for."""
    given = desk.given()
    buckets, span, parts = (int(given[name]) for name in ("buckets", "span", "parts"))
    rows = desk.gather(HELD, HOLDERS)
    works, hashes = numbers_of(rows, "work"), rows["passage"].to_numpy()
    digests = np.argsort(np.argsort(np.array(rows["digest"].to_pylist(), np.bytes_)))
    groups = _groups(rows)
    order = np.lexsort((digests, groups))
    begins = np.flatnonzero(np.diff(groups[order], prepend=-1))
    samples = [some[:SAMPLE] for some in np.split(order, begins[1:])] if len(order) else []
    first = np.array([works[some[0]] for some in samples], np.int64)
    table = pa.table(
        {
            "passage": pa.array([hashes[some[0]] for some in samples], pa.uint64()),
            "sample": pa.array([works[some] for some in samples], pa.large_list(pa.int64())),
        }
    )
    desk.scatter(SAMPLES, table, first % buckets, buckets)
    sizes = [len(some) for some in samples]
    wanted = works[np.concatenate([np.empty(0, np.int64), *samples]).astype(np.int64)]
    pairs = np.unique(np.stack([wanted, np.repeat(first % buckets, sizes)]), axis=1)
    desk.scatter(WANTED, pa.table({"work": pairs[0], "by": pairs[1]}), pairs[0] // span, parts)
    return {"samples": len(samples)}


def lent_part(desk: Desk) -> Notes:
    """The texts of this part that are asked for."""
    wanted = desk.gather(SAMPLED, WANTED)
    pairs = np.unique(np.stack([numbers_of(wanted, "work"), numbers_of(wanted, "by")]), axis=1)
    table = desk.table(TEXTS, desk.part, ["work", "print"]).append_column("held", desk.table(HELD, desk.part)["held"])
    rows = pairs[0] - desk.part * int(desk.given()["span"])
    desk.scatter(TO_COMPARE, table.take(pa.array(rows)), pairs[1], int(desk.given()["buckets"]))
    return {"lent": len(rows)}


# --- which are boilerplate


def judged_part(desk: Desk) -> Notes:
    """The passages that are boilerplate, of those whose samples are compared here."""
    rows = desk.gather(LENT, TO_COMPARE)
    prints = [unpacked(data) for data in rows["print"].to_pylist()]
    held = [np.frombuffer(data, np.bool_) for data in rows["held"].to_pylist()]
    place = {work: row for row, work in enumerate(rows["work"].to_pylist())}
    pages = Pages(prints, held)
    samples = desk.gather(SAMPLED, SAMPLES)
    passages: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for passage, sample in zip(samples["passage"].to_pylist(), samples["sample"].to_pylist(), strict=True):
        passages[tuple(place[work] for work in sample)].append(passage)
    found = chain.from_iterable(some for sample, some in passages.items() if pages.otherwise_unlike(sample))
    desk.write(pa.table({"passage": pa.array(sorted(found), pa.uint64())}))
    return {"compared": len(passages)}


COUNTING: Final = Stage(PASSAGES, passages_part, after=(TEXTS,), light=True)
MARKING: Final = Stage(COMMON, common_part, after=(PASSAGES,), light=True)
HOLDING: Final = Stage(HELD, held_part, after=(TEXTS, COMMON), light=True)
SAMPLING: Final = Stage(SAMPLED, sampled_part, after=(HELD,), light=True)
LENDING: Final = Stage(LENT, lent_part, after=(TEXTS, HELD, SAMPLED), light=True)
JUDGING: Final = Stage(JUDGED, judged_part, after=(SAMPLED, LENT), light=True)

STAGES_OF_BOILERPLATE: Final = (COUNTING, MARKING, HOLDING, SAMPLING, LENDING, JUDGING)
