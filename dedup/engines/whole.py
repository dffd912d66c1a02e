"""Bootstrapping: stages in one part, until they have parts."""

import numpy as np

from dedup.boilerplate import find_boilerplate
from dedup.candidates import propose_among
from dedup.engines.columns import texts_of
from dedup.engines.links import candidates_table
from dedup.engines.subjects import SUBJECTS, Subjects
from dedup.engines.works import TEXTS
from dedup.index.sketches import unpacked


def boilerplate_of(run, parts):
    languages, prints = [], []
    for part in range(parts):
        t = run.table(TEXTS, part)
        languages += texts_of(t, "language")
        prints += [unpacked(d) for d in t["print"].to_pylist()]
    return np.array(sorted(find_boilerplate(languages, prints)), np.uint64)


def candidates_whole(desk):
    subjects = Subjects([desk.table(SUBJECTS, p) for p in range(desk.parts_of(SUBJECTS))])
    span = int(desk.given()["span"])
    n = len(subjects)
    prop = propose_among(
        [subjects.keys_of(i) for i in range(n)], [subjects[i] for i in range(n)], desk.models.calibration, desk.settings
    )
    t = candidates_table(prop.pairs)
    left = t["left"].to_numpy() // span
    import pyarrow as pa

    for p in range(desk.parts_of(SUBJECTS)):
        desk.part = p
        desk.write(t.filter(pa.array(left == p)))
    desk.part = 0
    return {"funnel": [(f.stage, f.pairs) for f in prop.funnel]}
