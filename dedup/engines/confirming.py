"""Confirming: each candidate pair judged in the part of its left work.

    candidates -ask-> which works of other parts are wanted -bring-> their subjects, sent to who asked -confirm-> links

The left works are there already. Of the right ones each is sent once to a part, however many pairs it is in.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from dedup.candidates import Candidates
from dedup.confirm import confirm
from dedup.engines.columns import numbers_of, texts
from dedup.engines.links import candidates_of, links_table
from dedup.engines.stage import Desk, Notes, Stage
from dedup.engines.subjects import COMPARED, SUBJECTS, Subjects

CANDIDATES: Final = "candidates"
ASKED: Final = "asked"
WANTED: Final = "wanted"
BROUGHT: Final = "brought"
FOR_PAIRS: Final = "for-pairs"
CONFIRMED: Final = "confirmed"


def ask_part(desk: Desk) -> Notes:
    """Which works of other parts the candidates of this one need."""
    part = desk.part
    span, parts = int(desk.given()["span"]), desk.parts_of(SUBJECTS)
    wanted = np.unique(numbers_of(desk.table(CANDIDATES, part, ["right"]), "right"))
    wanted = wanted[wanted // span != part]
    rows = pa.table({"work": wanted, "by": np.full(len(wanted), part, np.int64)})
    desk.scatter(WANTED, rows, wanted // span, parts)
    return {}


def bring_part(desk: Desk) -> Notes:
    """The subjects of this part sent to those that want them."""
    part = desk.part
    wanted = desk.gather(ASKED, WANTED)
    subjects = desk.table(SUBJECTS, part, COMPARED)
    rows = np.searchsorted(numbers_of(subjects, "work"), numbers_of(wanted, "work"))
    desk.scatter(FOR_PAIRS, subjects.take(rows), numbers_of(wanted, "by"), desk.parts_of(SUBJECTS))
    return {"brought": len(rows)}


def confirm_part(desk: Desk) -> Notes:
    """Judge the candidates whose left work is in this part."""
    part = desk.part
    candidates = candidates_of(desk.table(CANDIDATES, part))
    subjects = Subjects([desk.table(SUBJECTS, part, COMPARED), desk.gather(BROUGHT, FOR_PAIRS)])
    models = desk.models
    if models.calibration is None:
        raise AssertionError("a run without a calibration is not distributed")
    found = confirm(candidates, subjects, models.calibration, models.kind)
    table = links_table(found.links)
    for side in ("left", "right"):  # what a question to the model costs
        counts = [len(subjects[work].embedding.norms) for work in table[side].to_pylist()]
        table = table.append_column(f"{side}_segments", pa.array(counts, pa.int32()))
    desk.write(table)
    desk.write_more(0, _citing_together(candidates, subjects))
    return {"ruled_out": found.ruled_out, "judged": len(found.links)}


def _citing_together(candidates: Candidates, subjects: Subjects) -> "pa.Table":
    """The candidates of which both cite a page that names an article: a row for each such page."""
    keys = {work: some for work in subjects if (some := subjects.keys_of(work))}
    rows = [
        (left, right, key)
        for left, right in zip(candidates.left.tolist(), candidates.right.tolist(), strict=True)
        if left in keys and right in keys
        for key in sorted(keys[left] & keys[right])
    ]
    return pa.table(
        {
            "left": pa.array([left for left, _, _ in rows], pa.int64()),
            "right": pa.array([right for _, right, _ in rows], pa.int64()),
            "key": texts(key for _, _, key in rows),
        }
    )


ASKING: Final = Stage(ASKED, ask_part, after=(CANDIDATES, SUBJECTS), light=True)
BRINGING: Final = Stage(BROUGHT, bring_part, after=(ASKED, SUBJECTS))
CONFIRMING: Final = Stage(CONFIRMED, confirm_part, after=(BROUGHT, CANDIDATES, SUBJECTS))
