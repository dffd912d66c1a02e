"""The floors that scripts/bench_speed.py holds a run against: what cannot be done faster, whatever dedup does.

    python scripts/speed_floors.py bytes|records|tokens|product CORPUS OUT

* **bytes**: the file's bytes, read in order; counts bytes.
* **records**: the file read into records by dedup's own reader; counts records.
* **tokens**: the texts tokenised by dedup's own tokenizer, on all cores, without reading; counts tokens.
* **product**: a product of two matrices of 4,096 x 4,096 32-bit floats, by numpy, the best of five; counts operations.

Writes ``OUT/outcome.json``: the count, the seconds of wall and processor time, and the stages as the other runs do.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

BLOCK = 2**20
TEXTS = 1_024
"""Texts tokenised at a time."""
SIDE = 4_096
REPEATS = 5

Floor = tuple[int, float, float]
"""How many units, in how many seconds, and in how many of processor time, all threads together."""


class Watch:
    """Seconds since it was started, added up over several starts."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> "Watch":
        self._began = time.monotonic(), time.process_time()
        return self

    def __exit__(self, *_error: object) -> None:
        self.wall += time.monotonic() - self._began[0]
        self.cpu += time.process_time() - self._began[1]


def read_bytes(corpus: Path) -> Floor:
    """Bytes read."""
    count = 0
    with Watch() as watch, corpus.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            count += len(block)
    return count, watch.wall, watch.cpu


def read_rows(corpus: Path) -> Floor:
    """Records read."""
    from dedup.read import read_records

    with Watch() as watch:
        count = sum(1 for _ in read_records([str(corpus)]))
    return count, watch.wall, watch.cpu


def tokenise(corpus: Path) -> Floor:
    """Tokens made."""
    from dedup.encoders.table import TableEncoder

    tokenizer = TableEncoder()._tokenizer
    tokenizer.encode("warm")
    count, watch, texts = 0, Watch(), _texts(corpus)
    while batch := list(islice(texts, TEXTS)):
        with watch:
            encoded = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        count += sum(len(e.ids) for e in encoded)
    return count, watch.wall, watch.cpu


def _texts(corpus: Path) -> Iterator[str]:
    from dedup import Record
    from dedup.read import read_records

    return (record.text for record in read_records([str(corpus)]) if isinstance(record, Record))


def multiply(_corpus: Path) -> Floor:
    """Operations of the product."""
    import numpy as np

    rng = np.random.default_rng(1)
    left, right = (rng.standard_normal((SIDE, SIDE), dtype=np.float32) for _ in range(2))
    watches = []
    for _ in range(REPEATS):
        with Watch() as watch:
            left @ right
        watches.append(watch)
    return 2 * SIDE**3, min(watch.wall for watch in watches), min(watch.cpu for watch in watches)


FLOORS: dict[str, Callable[[Path], Floor]] = {
    "bytes": read_bytes,
    "records": read_rows,
    "tokens": tokenise,
    "product": multiply,
}


def main() -> None:
    """Measure one floor."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("floor", choices=FLOORS)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    count, seconds, cpu = FLOORS[options.floor](options.corpus)
    stages = [(options.floor, began)]
    outcome = {"stages": stages, "end": time.monotonic(), "count": count, "seconds": seconds, "cpu": cpu}
    (options.out / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")


if __name__ == "__main__":
    main()
