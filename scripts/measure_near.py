"""What it takes to find the nearest works over parts (:mod:`dedup.engines.near`), against the search in one piece.

    python scripts/measure_near.py 30000 100000 --local

For each number of works: made vectors of 384 dimensions around topics of five works each, in twenty writings. Prints
for each stage (those of all waves together) its parts, the bytes a record that it read, wrote and sent, and its
processor time; with ``--local`` the time of :func:`dedup.neighbours.nearest`, and whether both found the same. All is
done by this process with one thread, so that times can be compared. A store of some 25 kB a record is made in a
temporary folder.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.engines.columns import numbers_of, rows_of_bytes, texts
from dedup.engines.near import NEAR, PAIRS, near
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Notes, Stage, Workshop
from dedup.engines.stages import STAGES
from dedup.engines.subjects import SUBJECTS
from dedup.neighbours import nearest
from dedup.settings import Settings
from dedup.workers import one_thread_each

DIMENSIONS = 384
WRITINGS = 20
A_TOPIC = 5
"""Works."""


@dataclass(frozen=True, slots=True)
class Works:
    """Document vectors, shape (works, dimensions), and the writing of each."""

    documents: NDArray[np.float32]
    writings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Here:
    """Does parts one after the other."""

    stages: dict[str, Stage]

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        """See :class:`dedup.engines.run.Executor`."""
        workshop = Workshop(root)
        for part in parts:
            workshop.do(self.stages[stage], part)
            yield part


def main() -> None:
    """Measure each number of works."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="+", type=int)
    parser.add_argument("--partition", type=int, default=4_096)
    parser.add_argument("--local", action="store_true")
    called = parser.parse_args()
    for total in called.works:
        with TemporaryDirectory() as folder, one_thread_each():
            measure(made(total), called.partition, Path(folder), local=called.local)


def made(total: int) -> Works:
    """Some works, always the same."""
    rng = np.random.default_rng(1)
    topics = rng.normal(size=(-(-total // A_TOPIC), DIMENSIONS)).astype(np.float32)
    shifts = 0.7 * rng.normal(size=(WRITINGS, DIMENSIONS)).astype(np.float32)
    codes = rng.integers(0, WRITINGS, total)
    vectors = topics[rng.integers(0, len(topics), total)] + shifts[codes]
    vectors += rng.normal(size=(total, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Works(vectors, [f"{code:02d} Latn" for code in codes])


def measure(works: Works, partition: int, folder: Path, *, local: bool) -> None:
    """Find the nearest over parts, and perhaps in one piece."""
    total = len(works.writings)
    parts = -(-total // partition)
    span = -(-total // parts)
    subjects = subjects_stage(works, span)
    run = Run(Workshop(str(folder)), Settings(), Here({**STAGES, SUBJECTS: subjects}))
    run.begin()
    run.stage(subjects, parts, {"span": np.array(span)})
    started = time.process_time()
    not_compared = near(run, span, parts)
    print(f"{total:,} works in {parts} parts: {time.process_time() - started:.1f} s CPU")
    tell(run, total)
    if local:
        started = time.process_time()
        whole = nearest(works.documents, works.writings, Settings().neighbours)
        print(f"in one piece: {time.process_time() - started:.1f} s CPU")
        keys = whole.left.astype(np.int64) * total + whole.right
        same = np.array_equal(pairs(run, parts, total), keys) and not_compared == whole.not_compared
        print(f"{len(keys):,} pairs, {'the same' if same else 'OTHERS'}", flush=True)


def subjects_stage(works: Works, span: int) -> Stage:
    """The works in the place of what is compared of records."""

    def subjects_part(desk: Desk) -> Notes:
        here = slice(desk.part * span, (desk.part + 1) * span)
        writings = works.writings[here]
        numbers, documents = np.arange(len(works.writings))[here], works.documents[here]
        desk.write(pa.table({"work": numbers, "writing": texts(writings), "document": rows_of_bytes(documents)}))
        return {"writings": {writing: writings.count(writing) for writing in set(writings)}}

    return Stage(SUBJECTS, subjects_part)


def tell(run: Run, total: int) -> None:
    """What each stage took, those of all waves together, and all of them."""
    sums: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(5))
    for name, done in run.done.items():
        if name != SUBJECTS:
            for one in done.receipts:
                took = np.array([1, one.read, one.written, one.shuffled, one.seconds * 1000])
                sums[name.rstrip("-0123456789")] += took
                sums["all"] += took
    print(f"{'stage':16}  parts  B read  written    sent  ms CPU, a record")
    sums["all"] = sums.pop("all")
    for name, (parts, read, written, sent, spent) in sums.items():
        print(
            f"{name:16}  {parts:5.0f}  {read / total:6.0f}  {written / total:7.0f}  {sent / total:6.0f}"
            f"  {spent / total:6.3f}"
        )


def pairs(run: Run, parts: int, total: int) -> NDArray[np.int64]:
    """What was found over parts, ascending, ``left * total + right``."""
    tables = [Desk(run.workshop, "", part).gather(NEAR, PAIRS) for part in range(parts)]
    return np.unique(
        np.concatenate([numbers_of(table, "left") * total + numbers_of(table, "right") for table in tables])
    )


if __name__ == "__main__":
    main()
