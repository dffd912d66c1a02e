"""The nearest works of each by document vector, over parts: the pairs of :func:`dedup.neighbours.nearest`.

Among few works each part compares its own with all. Among more, the index says which are compared: its space
(:mod:`dedup.engines.near_space`), then table by table its cells (:mod:`dedup.engines.near_cells`).

The pairs go, by their left work, to the parts that propose candidates, under the name ``PAIRS``: columns ``left`` and
``right``, once for each of the two that found the other, so once or twice.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

import numpy as np
import pyarrow as pa

from dedup.engines.columns import all_rows_from_bytes, numbers_of, width_of
from dedup.engines.near_cells import FOUND, WAVES, finds_of, of_wave, wave_done, waves_of
from dedup.engines.near_space import SPACE, STEPS, SUMS, TRAINED, codes_of, in_space
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Given, Notes, Stage
from dedup.engines.subjects import SUBJECTS
from dedup.neighbours import EXACT_LIMIT
from dedup.neighbours.exact import exact_pairs
from dedup.neighbours.finds import pairs_of
from dedup.neighbours.steps import Whole

NEAR: Final = "near"
PAIRS: Final = "near"


def near(run: Run, span: int, parts: int, *, exact_limit: int | None = None) -> int:
    """Do all stages up to :data:`NEAR`; how many pairs were not compared, at least. Above ``exact_limit`` works (by
    default :data:`dedup.neighbours.EXACT_LIMIT`) the index is used.
    """
    shape = _shape(run, span, parts)
    total = int(shape["total"])
    if total <= max(1, EXACT_LIMIT if exact_limit is None else exact_limit):
        run.stage(NEARING, parts, shape)
        return 0
    in_space(run, shape, parts)
    waves = waves_of(total, width_of(run.table(TRAINED, 0), "mean", np.float32))
    compared = sum(wave_done(run, shape, wave, some) for wave, some in enumerate(waves))
    last = of_wave(FOUND, len(waves) - 1)
    run.stage(replace(NEARING, after=(last,), settings=()), parts, {**shape, "waves": np.array(len(waves))})
    run.drop(last, STEPS, SUMS)
    return max(0, total * (total - 1) // 2 - compared)


def _shape(run: Run, span: int, parts: int) -> Given:
    counts: dict[str, int] = {}
    for receipt in run.done[SUBJECTS].receipts:
        for writing, works in cast("Mapping[str, int]", receipt.notes["writings"]).items():
            counts[writing] = counts.get(writing, 0) + works
    return {
        "total": np.array(sum(counts.values())),
        "span": np.array(span),
        "parts": np.array(parts),
        "writings": np.array(sorted(counts), np.str_),
    }


def near_part(desk: Desk) -> Notes:
    """The pairs that the works of this part have found, sent to the parts of their left works."""
    given = desk.given()
    total = int(given["total"])
    keys = _indexed(desk) if "waves" in given else _exact(desk)
    left = keys // total
    rows = pa.table({"left": left, "right": keys % total})
    desk.scatter(PAIRS, rows, left // int(given["span"]), int(given["parts"]))
    return {"pairs": len(keys)}


def _indexed(desk: Desk) -> Whole:
    given = desk.given()
    table = desk.table(of_wave(FOUND, int(given["waves"]) - 1), desk.part)
    pairs: Whole = np.unique(pairs_of(finds_of(table), numbers_of(table, "work"), int(given["total"])))
    return pairs


def _exact(desk: Desk) -> Whole:
    """Of the works of this part, compared with all."""
    given = desk.given()
    if int(given["total"]) < 2:
        return np.empty(0, np.int64)
    made = [desk.table(SUBJECTS, part, ["work", "writing", "document"]) for part in range(int(given["parts"]))]
    documents = np.concatenate([all_rows_from_bytes(table, "document", np.float32) for table in made])
    codes = np.concatenate([codes_of(table, given["writings"]) for table in made])
    return exact_pairs(documents, codes, numbers_of(made[desk.part], "work"), desk.settings.neighbours)


NEARING: Final = Stage(NEAR, near_part, after=(SUBJECTS,), settings=("neighbours",), light=True)

STAGES_OF_NEAR: Final = (*SPACE, *WAVES, NEARING)
