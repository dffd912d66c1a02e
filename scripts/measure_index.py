"""How long an index takes to build and to change, and where the time goes, by the number of known records.

    python scripts/measure_index.py corpus.jsonl --known 3000 9000

The first records of a corpus (JSON Lines) become an index; then ten are added, a thousand are added, ten are removed,
and ten that are there are added again. Of each are shown all seconds, those without sketching, and those of the
functions behind them (:data:`STEPS`); and what the index takes on disk. Everything happens in this process, once.
"""

import argparse
import functools
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from dedup import Record, Settings
from dedup.index import add_records, build_index, describe, remove_records, write
from dedup.index.store import Store
from dedup.read import read_records
from dedup.settings import NEVER

STEPS = (
    (write, "sketches_with_vectors"),
    (write, "_forget"),
    (write, "_weigh_passages"),
    (write, "find_boilerplate_again"),
    (write, "_holding"),
    (write, "discount"),
    (write, "_make_findable"),
    (write, "_keep_sketch"),
    (Store, "merge_parts"),
    (Store, "add_vectors"),
)
"""Functions that are timed. Some call others of them."""


def main() -> None:
    """Build and change an index of each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path, help="records as JSON Lines")
    parser.add_argument("--known", type=int, nargs="+", default=[3_000, 8_900])
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    records = [one for one in read_records([str(options.corpus)]) if isinstance(one, Record)]
    print("| known | change | s | s without sketching | of these (ms) |\n|---|---|---|---|---|")
    for known in options.known:
        with tempfile.TemporaryDirectory() as place:
            for line in measured(Path(place), records, known, options.workers):
                print(f"| {known:,} | {line} |", flush=True)


def measured(folder: Path, records: Sequence[Record], known: int, workers: int) -> Iterator[str]:
    """One line a change of an index, and one on what it takes on disk."""
    settings = Settings(confirm=NEVER, workers=workers)
    few, many = records[known : known + 10], records[known + 10 : known + 1_010]
    changes: dict[str, Callable[[], object]] = {
        "build": partial(build_index, folder, records[:known], settings),
        "add 10": partial(add_records, folder, few),
        "add 1,000": partial(add_records, folder, many, workers=workers),
        "remove 10": partial(remove_records, folder, [one.id for one in few]),
        "add 10 that are there": partial(add_records, folder, records[:10]),
    }
    for name, change in changes.items():
        with timed() as seconds:
            started = time.perf_counter()
            change()
            took = time.perf_counter() - started
        rest = took - seconds["sketches_with_vectors"]
        told = sorted(seconds.items(), key=lambda one: -one[1])
        yield f"{name} | {took:.2f} | {rest:.2f} | {', '.join(f'{step} {1e3 * s:.0f}' for step, s in told)}"
    count, size = describe(folder).records, describe(folder).size
    parts = ", ".join(f"{kind} {bytes_ / count:,.0f}" for kind, bytes_ in sizes(folder).items())
    yield f"on disk | | | {size / count:,.0f} bytes a record: {parts}"


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of the tables of the database and of the files beside it."""
    with Store.reading(folder) as store:
        found = dict(store.database.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"))
    found["vectors"] = sum(file.stat().st_size for file in folder.glob("*.npy"))
    return found


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """The seconds of each of the steps, as soon as it ends."""
    seconds: dict[str, float] = defaultdict(float)
    kept = [(place, name, getattr(place, name)) for place, name in STEPS]

    def clocked(name: str, function: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(function)
        def call(*arguments: object, **named: object) -> object:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                seconds[name] += time.perf_counter() - started

        return call

    for place, name, function in kept:
        setattr(place, name, clocked(name, function))
    try:
        yield seconds
    finally:
        for place, name, function in kept:
            setattr(place, name, function)


if __name__ == "__main__":
    main()
