"""Bootstrapping: stages in one part, until they have parts."""

import numpy as np

from dedup.boilerplate import find_boilerplate
from dedup.engines.columns import texts_of
from dedup.engines.works import TEXTS
from dedup.index.sketches import unpacked


def boilerplate_of(run, parts):
    languages, prints = [], []
    for part in range(parts):
        t = run.table(TEXTS, part)
        languages += texts_of(t, "language")
        prints += [unpacked(d) for d in t["print"].to_pylist()]
    return np.array(sorted(find_boilerplate(languages, prints)), np.uint64)
