"""What keys that everybody has cost a run in parts: a cited home page, a band full of boilerplate, the figure "2025".

    python scripts/measure_hot_keys.py 1000 10000 50000

Each number of works is made, and all of them have all three; but for these and a figure of its own, a work has nothing
in common with others. They go through the stages of :mod:`dedup.engines.proposing`, and printed are, per work: the rows
and bytes that are sent from stage to stage, the processor's milliseconds, the candidate pairs, and the pairs left out
(of large groups, and of common figures); and by themselves the candidates of the part that has the most. Costs that are
level per work are linear; what is left out grows with the square of the group, and is counted all the same.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.candidates import COMMON_FIGURES, LARGE_GROUPS, Candidates
from dedup.engines.columns import BYTES, rows_of_bytes, to_bytes
from dedup.engines.confirming import CANDIDATES
from dedup.engines.links import candidates_of
from dedup.engines.near import NEAR
from dedup.engines.near import PAIRS as NEAR_PAIRS
from dedup.engines.proposing import (
    CHOSEN,
    FIGURES,
    GROUPS,
    KEYED,
    KEYS,
    LARGE,
    NAMED,
    PAIRS,
    STARS,
    proposed,
)
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Notes, Stage, Workshop
from dedup.engines.stages import STAGES
from dedup.engines.subjects import SUBJECTS
from dedup.model import FunnelStage
from dedup.pipeline import Models
from dedup.settings import NEVER, Settings

SENT = ((KEYED, KEYS), (KEYED, FIGURES), (GROUPS, PAIRS), (GROUPS, NAMED), (LARGE, CHOSEN), (STARS, PAIRS))
"""What is sent: by which stage, and under which name."""

SPAN = 2_000
"""Works in a part."""


@dataclass(frozen=True, slots=True, eq=False)
class Works:
    """What finders but that of vectors look at; position ``i`` of everything is one work."""

    keys: Sequence[Sequence[str]]
    signatures: NDArray[np.uint32]
    numbers: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Proposed:
    """What a run in parts proposed."""

    run: Run
    pairs: Candidates
    funnel: tuple[FunnelStage, ...]
    largest: int
    """Candidates of the part that has the most."""

    def rows_sent(self) -> dict[tuple[str, str], int]:
        """Rows sent from stage to stage, by stage and name."""
        desk = Desk(self.run.workshop, "", 0)
        counts = dict.fromkeys(SENT, 0)
        for stage, name in SENT:
            buckets = self.run.done[CANDIDATES if name == PAIRS else GROUPS].parts
            counts[stage, name] = sum(len(desk.gather(stage, name, bucket)) for bucket in range(buckets))
        return counts


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Does parts one after the other, in any order."""

    random: Random
    stages: Mapping[str, Stage]
    models: Models | None

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        """See :class:`dedup.engines.run.Executor`."""
        for part in self.random.sample(parts, len(parts)):
            Workshop(root, self.models).do(self.stages[stage], part)
            yield part


def in_parts(
    works: Works, root: str, span: int, settings: Settings, models: Models | None = None,
    near: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None, not_compared: int = 0,
) -> Proposed:  # fmt: skip
    """What the stages propose of works, ``span`` of them in a part, whose ``near`` vectors (left and right works) are
    known. ``models`` has the calibration, in place of that of the settings.
    """
    parts = -(-len(works.keys) // span)
    none = np.empty(0, np.int64)
    subjects = Stage(SUBJECTS, _subjects(works, span))
    vectors = Stage(NEAR, _near(*(near or (none, none)), span, parts), after=(SUBJECTS,))
    executor = Shuffled(Random(parts), {**STAGES, SUBJECTS: subjects, NEAR: vectors}, models)
    run = Run(Workshop(root, models), settings, executor)
    run.begin()
    run.stage(subjects, parts)
    run.stage(vectors, 1)
    funnel = proposed(run, span, parts, not_compared)
    found = [candidates_of(run.table(CANDIDATES, part)) for part in range(parts)]
    columns = (np.concatenate([getattr(one, name) for one in found]) for name in ("left", "right", "found_by"))
    return Proposed(run, Candidates(*columns), funnel, max(map(len, found)))


def _subjects(works: Works, span: int) -> Callable[[Desk], Notes]:
    def write(desk: Desk) -> Notes:
        here = slice(desk.part * span, (desk.part + 1) * span)
        keys, numbers = ([[*map(to_bytes, some)] for some in lists[here]] for lists in (works.keys, works.numbers))
        signatures = works.signatures[here]
        rows = {
            "work": np.arange(len(signatures)) + here.start,
            "keys": pa.array(keys, pa.large_list(BYTES)),
            "signature": rows_of_bytes(signatures),
            "numbers": pa.array(numbers, pa.large_list(BYTES)),
        }
        desk.write(pa.table(rows))
        return {}

    return write


def _near(left: NDArray[np.int64], right: NDArray[np.int64], span: int, parts: int) -> Callable[[Desk], Notes]:
    def send(desk: Desk) -> Notes:
        desk.scatter(NEAR_PAIRS, pa.table({"left": left, "right": right}), left // span, parts)
        return {}

    return send


def hot(count: int, settings: Settings) -> Works:
    """Works that all cite one page, agree in the first and the last band, and state one figure."""
    signatures = np.random.default_rng(count).integers(2**32, size=(count, settings.permutations), dtype=np.uint32)
    width = settings.permutations // settings.bands
    signatures[:, :width] = signatures[:, -width:] = 7
    return Works([["//home.example/"]] * count, signatures, [["2025", f"{10**9 + i}"] for i in range(count)])


def main() -> None:
    """Make works and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", type=int, nargs="+")
    settings = Settings(confirm=NEVER)
    names = ("works", "rows", "bytes", "ms", "pairs", "left out", "common", "largest part")
    print("".join(f"{name:>14}" for name in names))
    for count in parser.parse_args().works:
        with TemporaryDirectory() as root:
            made = in_parts(hot(count, settings), root, SPAN, settings)
            receipts = [r for name in (KEYED, GROUPS, LARGE, STARS, CANDIDATES) for r in made.run.done[name].receipts]
            funnel = {stage.stage: stage.pairs for stage in made.funnel}
            sums = (
                sum(made.rows_sent().values()),
                sum(receipt.shuffled for receipt in receipts),
                sum(receipt.seconds for receipt in receipts) * 1000,
                len(made.pairs),
                funnel.get(LARGE_GROUPS, 0),
                funnel.get(COMMON_FIGURES, 0),
            )
        print(f"{count:14,}" + "".join(f"{one / count:14,.2f}" for one in sums) + f"{made.largest:14,}", flush=True)


if __name__ == "__main__":
    main()
