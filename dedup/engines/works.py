"""Works: which records are one by their id, which hold one text, and a number for each different text.

    sketches -by id-> one record an id -by text-> the records of each text -by id of the first-> works, numbered
             -by number-> their fingerprints, in order

Numbers are those of a local run: in the order of the ids of each work's first record. So part ``i`` of all later stages
holds the works from ``i * span`` on, and whoever knows a work's number knows where it is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from dedup.engines.columns import BYTES, buckets_of, numbers_of, optional_texts_of, texts_of
from dedup.engines.reading import skipped_table
from dedup.engines.sketching import SAME_ID, SKETCH
from dedup.engines.stage import Desk, Notes, Receipt, Stage
from dedup.read.unique import Rank, unique

UNIQUE: Final = "unique"
SAME_TEXT: Final = "same-text"
GROUPED: Final = "works"
BY_ID: Final = "by-id"
NUMBERED: Final = "numbered"
HOMES: Final = "homes"
PLACED: Final = "placed"
BY_WORK: Final = "by-work"
TEXTS: Final = "texts"

SAMPLED: Final = 64
"""Ids of each part that tell where to cut the order of all ids into parts of about one size."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A record as it stands in a bucket of ids."""

    id: str
    path: str | None
    line: int | None
    rank: Rank
    row: int


def unique_part(desk: Desk) -> Notes:
    """One record an id, of a bucket of ids; the others are skipped."""
    table = desk.gather(SKETCH, SAME_ID)
    paths, lines = optional_texts_of(table, "path"), table["line"].to_pylist()
    ranks = zip(
        texts_of(table, "rank"), (p or "" for p in paths), (n or 0 for n in lines), texts_of(table, "rest"), strict=True
    )
    ids = texts_of(table, "id")
    rows = (_Row(*row) for row in zip(ids, paths, lines, ranks, range(len(table)), strict=True))
    kept, doubles = unique(rows, lambda row: row.rank)
    desk.write(skipped_table(doubles))
    chosen = table.take(pa.array([row.row for row in kept], pa.int64())).select(
        ["id", "digest", "article_key", "partition", "row"]
    )
    count = int(desk.given()["buckets"])
    desk.scatter(SAME_TEXT, chosen, buckets_of(chosen["digest"].to_pylist(), count), count)
    sample = [kept[place].id.encode("utf-8", "surrogatepass").hex() for place in _spread(len(kept), SAMPLED)]
    return {"records": len(kept), "doubles": len(doubles), "sample": sample}


def _spread(length: int, count: int) -> Iterator[int]:
    """Up to ``count`` places, evenly over a length."""
    count = min(count, length)
    yield from (place * length // count for place in range(count))


def cuts_of(receipts: Sequence[Receipt], parts: int) -> NDArray[np.object_]:
    """The ids at which the order of all ids is cut into parts of about one size, as bytes."""
    sample = sorted(bytes.fromhex(one) for r in receipts for one in cast("list[str]", r.notes["sample"]))
    return np.array([sample[place] for place in _spread(len(sample), parts)][1:], object)


def grouped_part(desk: Desk) -> Notes:
    """The records of each text, of a bucket of texts: their places by id, and the pages that they cite."""
    table = desk.gather(UNIQUE, SAME_TEXT)
    of_text: dict[bytes, list[tuple[bytes, int, int, bytes | None]]] = defaultdict(list)
    columns = (table[name].to_pylist() for name in ("digest", "id", "partition", "row", "article_key"))
    for digest, *row in zip(*columns, strict=True):
        of_text[digest].append(cast("Any", tuple(row)))
    works = [sorted(members) for members in of_text.values()]
    rows = pa.table(
        {
            "id": pa.array([members[0][0] for members in works], BYTES),
            "ids": pa.array([[m[0] for m in members] for members in works], pa.large_list(BYTES)),
            "partitions": pa.array([[m[1] for m in members] for members in works], pa.large_list(pa.int32())),
            "rows": pa.array([[m[2] for m in members] for members in works], pa.large_list(pa.int32())),
            "keys": pa.array(
                [sorted({m[3] for m in members if m[3] is not None}) for members in works], pa.large_list(BYTES)
            ),
        }
    )
    cuts = _unhexed(desk.given()["cuts"])
    firsts = rows["id"].to_pylist()
    buckets = np.array([_bisect(cuts, first) for first in firsts], np.int64)
    desk.scatter(BY_ID, rows, buckets, len(cuts) + 1)
    return {}


def _bisect(cuts: Sequence[bytes], id_: bytes) -> int:
    from bisect import bisect_right

    return bisect_right(cuts, id_)


def _unhexed(cuts: NDArray[np.generic]) -> list[bytes]:
    return [bytes.fromhex(cut) for cut in cuts.tolist()]


def numbered_part(desk: Desk) -> Notes:
    """The works of a range of ids in order; each one's first record is told its place among them."""
    part = desk.part
    table = desk.gather(GROUPED, BY_ID)
    table = table.take(pa.compute.sort_indices(table["id"].cast(BYTES)))
    desk.write(table)
    homes = pa.table(
        {
            "row": pa.array([rows[0] for rows in table["rows"].to_pylist()], pa.int32()),
            "range": pa.array([part] * len(table), pa.int32()),
            "place": pa.array(range(len(table)), pa.int64()),
            "keys": table["keys"],
        }
    )
    first = np.array([partitions[0] for partitions in table["partitions"].to_pylist()], np.int64)
    desk.scatter(HOMES, homes, first, int(desk.given()["partitions"]))
    copies = sum(len(rows) - 1 for rows in table["rows"].to_pylist())
    return {"works": len(table), "copies": copies}


def starts_of(receipts: Sequence[Receipt]) -> NDArray[np.int64]:
    """The number of the first work of each part that :func:`numbered_part` made, and of all works."""
    return np.array([0, *accumulate(cast("int", r.notes["works"]) for r in receipts)], np.int64)


def placed_part(desk: Desk) -> Notes:
    """The fingerprints of a partition's works sent to where works of about that number are."""
    part = desk.part
    given = desk.given()
    homes = desk.gather(NUMBERED, HOMES)
    numbers = given["starts"][numbers_of(homes, "range")] + numbers_of(homes, "place")
    rows = desk.table(SKETCH, part, ["language", "digest", "print"]).take(homes["row"])
    rows = rows.append_column("work", pa.array(numbers, pa.int64())).append_column("keys", homes["keys"])
    desk.scatter(BY_WORK, rows, numbers // int(given["span"]), int(given["parts"]))
    return {}


def texts_part(desk: Desk) -> Notes:
    """The works of one part by number."""
    table = desk.gather(PLACED, BY_WORK)
    desk.write(table.take(pa.compute.sort_indices(table["work"])))
    return {}


UNIQUES: Final = Stage(UNIQUE, unique_part, after=(SKETCH,), light=True)
GROUPING: Final = Stage(GROUPED, grouped_part, after=(UNIQUE,), light=True)
NUMBERING: Final = Stage(NUMBERED, numbered_part, after=(GROUPED,), light=True)
PLACING: Final = Stage(PLACED, placed_part, after=(SKETCH, NUMBERED), light=True)
TEXTING: Final = Stage(TEXTS, texts_part, after=(PLACED,), light=True)
