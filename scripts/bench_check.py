"""How long a check takes, as a command in a process of its own, against an index of many records and against the seeds.

    python scripts/bench_check.py --tool make_scale_corpus.py --data CORPORA/ntrex/corpus.jsonl.gz --folder WORK

A corpus of ``--records`` is made (or found in WORK from an earlier call of this or of ``bench_speed.py``). ``--draws``
times ten of its records are new, and all the others known. Measured are building the index, adding ten records to it,
removing them, telling what it holds, and each check: with the default settings and nothing in the cache of the model's
vectors, again with what that left there, and with ``--confirm never``; how often the model was asked; how many of the
new records are found of those whose gold says that they are there, and how many of the others. For comparison, in the
same run: how long ``import numpy`` and ``import sentence_transformers`` take. Times are medians.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench_speed import make_corpus
from metering import measure

from dedup.encoders.kept import cache_folder

SEEDS = Path(__file__).parent.parent / "seeds"
NEW = 10
"""Records of a check."""
DEDUP = (sys.executable, "-m", "dedup")


@dataclass(frozen=True, slots=True)
class Checked:
    """One check: its seconds, its report, and its exit code."""

    seconds: float
    report: dict[str, Any]
    code: int

    @property
    def asked(self) -> int:
        """Pairs that the model was asked about."""
        counts = {stage["stage"]: stage["pairs"] for stage in self.report["funnel"]}
        return int(counts.get("asked of the model", 0))

    @property
    def found(self) -> set[str]:
        """The new records that are told of."""
        matches = [(f["record"]["id"], m) for f in self.report["findings"] for m in f["matches"]]
        return {id_ for id_, _ in matches} | {m["partner"]["id"] for _, m in matches if not m["known"]}


def main() -> None:
    """Make the corpus, then measure one thing after the other."""
    options = arguments()
    options.folder.mkdir(parents=True, exist_ok=True)
    corpus = make_corpus(options.tool, options.data, options.records, options.cores, options.folder)
    rows = [json.loads(line) for line in corpus.file.open(encoding="utf-8")]
    chosen = random.Random(options.seed).sample(range(len(rows)), NEW * options.draws)
    draws = [[rows[place] for place in chosen[start : start + NEW]] for start in range(0, len(chosen), NEW)]
    apart = set(chosen)
    known = [row for place, row in enumerate(rows) if place not in apart]
    for line in (*against_index(options, known, draws), *against_seeds(options.times), *imports(options.times)):
        print(line, flush=True)


def against_index(
    options: argparse.Namespace, known: Sequence[dict[str, Any]], draws: Sequence[Sequence[dict[str, Any]]]
) -> Iterator[str]:
    """The index, and checks against it."""
    index = options.folder / f"known-{options.records}-{options.seed}.index"
    new = [write(draw, options.folder / f"new-{number}.jsonl") for number, draw in enumerate(draws)]
    file = write(known, options.folder / "known.jsonl")
    usage = measure([*DEDUP, "index", "build", str(index), str(file), "--workers", str(options.cores)])
    size = sum(part.stat().st_size for part in index.iterdir())
    yield (
        f"build: {len(known):,} records, {usage.wall:.0f} s, CPU {usage.cpu:.0f} s, peak {usage.peak / 1e6:,.0f} MB; "
        f"{size / 1e6:,.0f} MB on disk"
    )
    yield f"info: {median([timed([*DEDUP, 'index', 'info', str(index)])[0] for _ in range(options.times)])} s"
    ids = options.folder / "ids.txt"
    ids.write_text("".join(f"{row['id']}\n" for row in draws[0]), encoding="utf-8")
    yield f"add {NEW}: {timed([*DEDUP, 'index', 'add', str(index), str(new[0])])[0]:.2f} s"
    yield f"remove {NEW}: {timed([*DEDUP, 'index', 'remove', str(index), '--from', str(ids)])[0]:.2f} s"
    with tempfile.TemporaryDirectory() as cache:
        link_cache(Path(cache))
        cold = [check(draw, index, cache) for draw in new]
        warm = [check(draw, index, cache) for draw in new]
        never = [check(draw, index, cache, "--confirm", "never") for draw in new]
    asked = [one for one in cold if one.asked]
    unasked = [one for one in cold if not one.asked]
    yield f"check {NEW} new, default: {spread(cold)}"
    yield f"  without the model ({len(unasked)} of {len(cold)} checks): {spread(unasked)}"
    yield f"  with the model ({len(asked)} of {len(cold)} checks): {spread(asked)}"
    yield f"check {NEW} new, default, the model's vectors in the cache: {spread(warm)}"
    yield f"check {NEW} new, --confirm never: {spread(never)}"
    golds = Counter(row["gold"] for row in known)
    yield from (f"found, {name}: {right(ones, draws, golds)}" for name, ones in (("default", cold), ("never", never)))


def against_seeds(times: int) -> Iterator[str]:
    """The last seed against the others, with nothing in the cache of the model's vectors."""
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as folder:
        link_cache(Path(cache))
        *others, last = sorted(SEEDS.glob("*.txt"))
        for other in others:
            shutil.copy(other, folder)
        checks = [check(last, Path(folder), cache) for _ in range(times)]
    yield f"check of a seed against the other four: {spread(checks)}, exit {checks[0].code}"


def imports(times: int) -> Iterator[str]:
    """What importing takes, as a measure of the machine."""
    for name in ("numpy", "sentence_transformers"):
        seconds = [timed([sys.executable, "-c", f"import {name}"])[0] for _ in range(times)]
        yield f"import {name}: {median(seconds)} s"


def link_cache(folder: Path) -> None:
    """A cache folder with the model and its table in it, but none of its vectors."""
    for made in cache_folder().iterdir():
        if made.is_dir():
            (folder / made.name).symlink_to(made.resolve())


def check(new: Path, known: Path, cache: str, *more: str) -> Checked:
    """One check, by the command."""
    seconds, output, code = timed(
        [*DEDUP, "check", str(new), "--against", str(known), "--format", "json", *more], cache=cache
    )
    return Checked(seconds, json.loads(output), code)


def timed(command: Sequence[str], cache: str | None = None) -> tuple[float, bytes, int]:
    """Its seconds, what it printed, its exit code."""
    environment = dict(os.environ) | ({"DEDUP_CACHE": cache} if cache else {})
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, env=environment)  # noqa: S603
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())
    return seconds, done.stdout, done.returncode


def right(ones: Sequence[Checked], draws: Sequence[Sequence[dict[str, Any]]], golds: Counter[str]) -> str:
    """How many of the records that are there already were found, and how many others."""
    there = found_there = others = found_others = 0
    for one, draw in zip(ones, draws, strict=True):
        among = Counter(row["gold"] for row in draw)
        for row in draw:
            is_there = golds[row["gold"]] > 0 or among[row["gold"]] > 1
            there, others = there + is_there, others + (not is_there)
            found_there += is_there and row["id"] in one.found
            found_others += not is_there and row["id"] in one.found
    return f"{found_there} of {there} records that are there already, {found_others} of {others} others"


def write(rows: Sequence[dict[str, Any]], file: Path) -> Path:
    """The rows as JSON Lines."""
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def spread(checks: Sequence[Checked]) -> str:
    """Median, least and most of the seconds."""
    seconds = [one.seconds for one in checks]
    return f"{median(seconds)} s ({min(seconds):.2f} to {max(seconds):.2f})" if seconds else "none"


def median(seconds: Sequence[float]) -> str:
    """Of several measurements."""
    return f"{statistics.median(seconds):.2f}"


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tool", type=Path, required=True, help="make_scale_corpus.py")
    parser.add_argument("--data", type=Path, required=True, help="the corpus that it draws sentences from")
    parser.add_argument("--folder", type=Path, required=True, help="where everything is written")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--draws", type=int, default=10, help="checks of ten records each")
    parser.add_argument("--times", type=int, default=5, help="repetitions of what is the same each time")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
