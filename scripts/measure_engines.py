"""What a run costs by each engine, and how it grows: one file after the other, the engines in turns.

    python scripts/measure_engines.py --folder WORK FILE.jsonl... [--engines local daft ray] [--set partition=4096]

``ray`` is a cluster of two nodes on this machine (:mod:`ray_nodes`). Each run is a process of its own; all reports of a
file must be equal, byte for byte. Printed are the wall and processor time, the memory (:mod:`metering`), and of the
runs in parts, per record: candidate pairs, and of each stage the bytes written and sent and the time of the processor,
as ``summary.json`` has them. The processor time of runs by ``ray`` is that of their stages; the cluster's own, and
memory outside the run's process, is not seen.
"""

import argparse
import filecmp
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metering import measure
from ray_nodes import TOKEN, ray_nodes

ENGINES = ("local", "daft", "ray")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run was and cost."""

    file: Path
    engine: str
    wall: float
    cpu: float
    peak: int
    report: Path
    summary: dict[str, Any] | None


def main() -> None:
    """Runs all and prints the tables."""
    asked = _arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    options = [
        f"--{name}" if not value else f"--{name}={value}" for name, _, value in (s.partition("=") for s in asked.set)
    ]
    ran: list[Ran] = []
    for file in asked.files:
        for engine in asked.engines:
            ran.append(_ran(file, engine, asked.folder, options, asked.partition))
            print(_line(ran[-1]), flush=True)
        own, *others = [one.report for one in ran if one.file == file]
        for other in others:
            if not filecmp.cmp(own, other, shallow=False):
                raise SystemExit(f"{own} and {other} differ")
    _print_growth([one for one in ran if one.summary is not None])


def _ran(file: Path, engine: str, folder: Path, options: Sequence[str], partition: int) -> Ran:
    out = folder / f"{file.stem}-{engine}"
    store, tables, report = out / "store", out / "tables", out / "report.json"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    call = [sys.executable, "-m", "dedup", "run", str(file), "-o", str(report), *options]
    with _cluster(engine) as more:
        if engine != "local":
            call += [
                "--engine",
                "daft",
                "--store",
                str(store),
                "--tables",
                str(tables),
                f"--partition={partition}",
                *more,
            ]
        quiet = ["sh", "-c", 'exec "$@" >"$0" 2>&1', str(out / "log")]
        used = measure([*quiet, *call], environment={**os.environ, **(TOKEN if engine == "ray" else {})})
    if used.code:
        raise SystemExit(f"{' '.join(call)}: exit code {used.code}: {(out / 'log').read_text()[-2000:]}")
    summary = json.loads((tables / "summary.json").read_bytes()) if engine != "local" else None
    cpu = sum(stage["seconds"] for stage in summary["stages"]) if summary and engine == "ray" else used.cpu
    shutil.rmtree(store, ignore_errors=True)
    return Ran(file, engine, used.wall, cpu, used.peak, report, summary)


@contextmanager
def _cluster(engine: str) -> Iterator[list[str]]:
    if engine != "ray":
        yield []
        return
    with ray_nodes(2) as cluster:
        yield ["--ray", cluster.address]


def _line(ran: Ran) -> str:
    records = sum(1 for _ in ran.file.open("rb"))
    return (
        f"| {records:,} | {ran.engine} | {ran.wall:.1f} | {ran.cpu:.1f} | {1e3 * ran.wall / records:.2f} | "
        f"{1e3 * ran.cpu / records:.2f} | {ran.peak / 2**20:,.0f} |"
    )


def _print_growth(ran: Sequence[Ran]) -> None:
    """A column a run, a line a stage."""
    print()
    names = list(dict.fromkeys(_stage(done["stage"]) for one in ran for done in _stages(one)))
    heads = [f"{one.file.stem} {one.engine}" for one in ran]
    print("| stage | " + " | ".join(f"{head}: written, sent, ms" for head in heads) + " |")
    print("|---|" + "---|" * len(ran))
    for name in [*names, None]:
        cells = [_cell(one, name) for one in ran]
        print(f"| {name or 'all'} | " + " | ".join(cells) + " |")
    for stage in ("candidates", "judged", "in clusters"):
        pairs = [_pairs(one, stage) / _records(one) for one in ran]
        print(f"| {stage}, pairs | " + " | ".join(f"{count:.2f}" for count in pairs) + " |")


def _cell(ran: Ran, name: str | None) -> str:
    """Bytes written and sent, and milliseconds, a record."""
    some = [done for done in _stages(ran) if name in (None, _stage(done["stage"]))]
    written, sent, seconds = (sum(done[what] for done in some) for what in ("written", "shuffled", "seconds"))
    count = _records(ran)
    return f"{written / count:,.0f}, {sent / count:,.0f}, {1e3 * seconds / count:.3f}"


def _stage(name: str) -> str:
    """Waves and rounds of a stage are told together."""
    return name.rstrip("0123456789").rstrip("-")


def _stages(ran: Ran) -> list[dict[str, Any]]:
    return ran.summary["stages"] if ran.summary else []


def _records(ran: Ran) -> int:
    return int(ran.summary["input"]["records"]) if ran.summary else 1


def _pairs(ran: Ran, stage: str) -> int:
    funnel = {one["stage"]: one["pairs"] for one in ran.summary["funnel"]} if ran.summary else {}
    return int(funnel[stage])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--folder", type=Path, required=True, help="where results lie")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--partition", type=int, default=4_096)
    parser.add_argument("--set", action="append", default=[], metavar="NAME[=VALUE]", help="an option of every run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
