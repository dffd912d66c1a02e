"""Bootstrapping: stages in one part, until they have parts."""

import numpy as np
import pyarrow as pa

from dedup.boilerplate import find_boilerplate
from dedup.engines.columns import texts_of
from dedup.engines.proposing import NEAR
from dedup.engines.stage import Desk, Notes
from dedup.engines.subjects import SUBJECTS
from dedup.engines.works import TEXTS
from dedup.index.sketches import unpacked
from dedup.neighbours import nearest


def boilerplate_of(run, parts):
    languages, prints = [], []
    for part in range(parts):
        t = run.table(TEXTS, part)
        languages += texts_of(t, "language")
        prints += [unpacked(d) for d in t["print"].to_pylist()]
    return np.array(sorted(find_boilerplate(languages, prints)), np.uint64)


def near_whole(desk: Desk) -> Notes:
    """Near vectors of all works, by one part."""
    tables = [desk.table(SUBJECTS, p, ["writing", "document"]) for p in range(desk.parts_of(SUBJECTS))]
    writings = [one for t in tables for one in texts_of(t, "writing")]
    documents = [np.frombuffer(one, "<f4") for t in tables for one in t["document"].to_pylist()]
    found = nearest(np.array(documents, np.float32), writings, desk.settings.neighbours)
    left, right = found.left.astype(np.int64), found.right.astype(np.int64)
    desk.scatter(
        NEAR, pa.table({"left": left, "right": right}), left // int(desk.given()["span"]), desk.parts_of(SUBJECTS)
    )
    return {"not_compared": found.not_compared}
