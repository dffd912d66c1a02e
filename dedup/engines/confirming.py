"""Confirming: each candidate pair judged in the part of its left work.

    candidates -ask-> which works of other parts are wanted -bring-> their subjects, sent to who asked -confirm-> links

The left works are there already. Of the right ones each is sent once to a part, however many pairs it is in. All that
is sent is many times what all works take, so that parts are done in *waves*: what was sent to those of a wave is
deleted when they are done.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.candidates import Candidates
from dedup.confirm import confirm
from dedup.engines.columns import numbers_of, texts
from dedup.engines.links import candidates_of, links_table
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Notes, Stage, noted
from dedup.engines.subjects import COMPARED, SUBJECTS, Subjects

CANDIDATES: Final = "candidates"
ASKED: Final = "asked"
WANTED: Final = "wanted"
BROUGHT: Final = "brought"
FOR_PAIRS: Final = "for-pairs"
CONFIRMED: Final = "confirmed"

AT_ONCE: Final = 2**33
"""Bytes of works that are sent for a wave, or as many as all works have, whichever is more."""


def confirmed(run: Run, span: int, parts: int) -> None:
    """Judge all candidates: do the stages up to :data:`CONFIRMED`."""
    asked = run.stage(ASKING, parts, {"span": np.array(span), "parts": np.array(parts)})
    waves = _waves(run, noted(asked, "wanted"), parts)
    borders = np.array([0, *(wave.stop for wave in waves)])

    def bring(wave: int) -> str:
        stage = bringing(wave)
        run.stage(stage, parts, {"parts": borders[wave : wave + 2]})
        return stage.name

    run.stage_in_waves(CONFIRMING, parts, {"borders": borders}, waves, bring)


def _waves(run: Run, wanted: int, parts: int) -> list[range]:
    """The parts of each wave, where so many works are wanted in all."""
    receipts = run.done[SUBJECTS].receipts
    size, works = sum(r.written for r in receipts), sum(r.rows for r in receipts)
    count = min(parts, MOST_WAVES, max(1, -(-wanted * size // (works * max(AT_ONCE, size)))))
    borders = [wave * parts // count for wave in range(count + 1)]
    return [range(*some) for some in pairwise(borders)]


def brought_in(wave: int) -> str:
    """The stage that brings works to the parts of a wave."""
    return f"{BROUGHT}-{wave:03d}"


def ask_part(desk: Desk) -> Notes:
    """Which works of other parts the candidates of this one need."""
    part = desk.part
    span, parts = int(desk.given()["span"]), int(desk.given()["parts"])
    wanted = np.unique(numbers_of(desk.table(CANDIDATES, part, ["right"]), "right"))
    wanted = wanted[wanted // span != part]
    rows = pa.table({"work": wanted, "by": np.full(len(wanted), part, np.int64)})
    desk.scatter(WANTED, rows, wanted // span, parts)
    return {"wanted": len(wanted)}


def bring_part(desk: Desk) -> Notes:
    """The subjects of this part sent to those of a wave that want them."""
    first, end = desk.given()["parts"].tolist()
    wanted = desk.gather(ASKED, WANTED)
    works, by = numbers_of(wanted, "work"), numbers_of(wanted, "by")
    now = (by >= first) & (by < end)
    subjects = desk.table(SUBJECTS, desk.part, COMPARED)
    rows = np.searchsorted(numbers_of(subjects, "work"), works[now])
    desk.scatter(FOR_PAIRS, subjects.take(rows), by[now] - first, end - first)
    return {"brought": len(rows)}


def confirm_part(desk: Desk) -> Notes:
    """Judge the candidates whose left work is in this part: those whose right work is, too, and then those whose right
    work is among the next that were brought.
    """
    part = desk.part
    candidates = candidates_of(desk.table(CANDIDATES, part))
    own = Subjects([desk.table(SUBJECTS, part, COMPARED)])
    judged = [
        _judged(desk, candidates, own, np.array(list(own), np.int64)),
        *(_judged(desk, candidates, Subjects([some], own), numbers_of(some, "work")) for some in _brought(desk)),
    ]
    pairs = [("left", "ascending"), ("right", "ascending")]
    links = pa.concat_tables([one.links for one in judged]).sort_by(pairs)
    desk.write(links)
    desk.write_more(0, pa.concat_tables([one.cited for one in judged]).sort_by([*pairs, ("key", "ascending")]))
    return {"ruled_out": sum(one.ruled_out for one in judged), "judged": len(links)}


def _brought(desk: Desk) -> "Iterator[pa.Table]":
    """What the right works of this part's candidates are compared by, some of them at a time."""
    borders = desk.given()["borders"]
    wave = int(np.searchsorted(borders, desk.part, side="right")) - 1
    return desk.gather_some(brought_in(wave), FOR_PAIRS, desk.part - int(borders[wave]), HELD)


class _Judged(NamedTuple):
    """What was found of some candidates: their judgements, and the pages that both works of a candidate cite."""

    links: "pa.Table"
    cited: "pa.Table"
    ruled_out: int


def _judged(desk: Desk, candidates: Candidates, subjects: Subjects, rights: NDArray[np.int64]) -> _Judged:
    """The candidates with these right works."""
    candidates = candidates.where(np.isin(candidates.right, rights))
    found = confirm(candidates, subjects, desk.calibration, desk.models.kind)
    table = links_table(found.links)
    for side in ("left", "right"):  # what a question to the model costs
        counts = [len(subjects[work].embedding.norms) for work in table[side].to_pylist()]
        table = table.append_column(f"{side}_segments", pa.array(counts, pa.int32()))
    return _Judged(table, _citing_together(candidates, subjects), found.ruled_out)


def _citing_together(candidates: Candidates, subjects: Subjects) -> "pa.Table":
    """The candidates of which both cite a page that names an article: a row for each such page."""
    works = np.unique(np.concatenate([candidates.left, candidates.right])).tolist()
    keys = {work: some for work in works if (some := subjects.keys_of(work))}
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


HELD: Final = 2**14
"""Works brought that a part holds at a time, some 100 MB: the first work of a large group is a candidate with all."""

ASKING: Final = Stage(ASKED, ask_part, after=(CANDIDATES, SUBJECTS), light=True)
CONFIRMING: Final = Stage(CONFIRMED, confirm_part, after=(ASKED, CANDIDATES, SUBJECTS))


def bringing(wave: int) -> Stage:
    """See :func:`brought_in`."""
    return Stage(brought_in(wave), bring_part, after=(ASKED, SUBJECTS), light=True)


MOST_WAVES: Final = 64
"""A part sends and gets some fifteen times the works that it has, at most; what it has is done in one wave."""

BRINGING: Final = tuple(map(bringing, range(MOST_WAVES)))
