"""Whether ``--max-memory`` is kept, and what a run does below it: fewer processes, then one line and exit code 2.

    python scripts/measure_memory.py CORPUS.jsonl... --ceilings 400M 500M 1G [-- --confirm never]
    python scripts/measure_memory.py CORPUS.jsonl --workers 1 2 4 [-- --confirm never]
    python scripts/measure_memory.py CORPUS.jsonl --ulimit v --ceilings 1G 2G 4G [-- --confirm never]

The first runs the program over each corpus without a ceiling and then under each of them, and prints what came of it:
exit code, the largest sum of PSS over all processes without and with pages of mapped files (sampled, see
``metering.py``), seconds, and whether the report is
the same, byte for byte, or the line that the run ended with. Where this process may make a memory control group (root
on Linux), each run is in one whose limit is the ceiling, too: the system would kill a run that needs more. Then the
group's own highest mark is printed, which no sampling can miss, but which counts cached pages of files, too, and how
many processes were killed. A ceiling counts as kept where what is held was never seen above it and nobody was killed.

The second prints what processes hold, of which ``dedup.memory`` makes its plan. The third sets ``ulimit -v`` or ``-d``
(of each process) in place of ``--max-memory``. What stands behind ``--`` is passed on to ``dedup run``.

Exit code 1 where a ceiling was not kept, a report was another one, or a run ended in any other way than with 0, or 2
and a line that says so.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from metering import Usage, measure

from dedup.encoders.kept import cache_folder
from dedup.memory import parse_size, told

GROUPS: Final = Path("/sys/fs/cgroup")
MEBIBYTE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the program came to."""

    usage: Usage
    report: bytes | None
    """What it wrote; None where it wrote nothing."""
    said: tuple[str, ...]
    """Lines on standard error."""
    group_peak: int | None
    """Bytes: the highest mark of its control group, which counts cached pages, too."""
    killed: int
    """Processes that the system killed."""

    @property
    def held(self) -> int:
        """Bytes: the largest sum of PSS without pages of files that was seen."""
        return max(sample.memory - sample.of_files for sample in self.usage.samples)

    def is_in_order(self, expected: bytes) -> bool:
        """Whether it ended as promised: the same report, or none and a line about memory at the end of what was said,
        no traceback. A library that ends the process may have said something of its own before.
        """
        if self.usage.code == 0:
            return self.report == expected
        explained = bool(self.said) and self.said[-1].startswith("dedup: ") and "memory" in self.said[-1]
        traced = any(line.startswith("Traceback") for line in self.said)
        return self.usage.code == 2 and self.report is None and explained and not traced and not self.killed

    def outcome(self, expected: bytes) -> str:
        """In words."""
        if self.usage.code == 0:
            return "same report" if self.report == expected else "ANOTHER REPORT"
        return " / ".join(self.said[-3:]) or "nothing said"


class Group:
    """A memory control group of version 1 or 2 below the one that this process is in."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self._second = (folder / "memory.max").exists()
        (folder / ("memory.max" if self._second else "memory.limit_in_bytes")).write_text(str(limit))

    def peak(self) -> int | None:
        """Bytes, cached pages included; None where the system is too old to tell."""
        file = self.folder / ("memory.peak" if self._second else "memory.max_usage_in_bytes")
        return int(file.read_text()) if file.exists() else None

    def killed(self) -> int:
        """Processes that the system killed for want of memory."""
        file = self.folder / ("memory.events" if self._second else "memory.oom_control")
        counts = dict(line.split() for line in file.read_text().splitlines())
        return int(counts.get("oom_kill", 0))


@contextmanager
def group_of(limit: int | None) -> Iterator[Group | None]:
    """A group with a limit for as long as the block lasts, or None where none can be made."""
    folder = None if limit is None else _own_group()
    made = None if folder is None else folder / f"dedup-measure-{os.getpid()}"
    if limit is None or made is None:
        yield None
        return
    try:
        made.mkdir()
        group = Group(made, limit)
    except OSError:
        yield None
        return
    try:
        yield group
    finally:
        made.rmdir()


def _own_group() -> Path | None:
    """The folder of the group that accounts for the memory of this process."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        root = GROUPS / "memory" if controllers == "memory" else GROUPS
        name = "memory.limit_in_bytes" if controllers == "memory" else "memory.max"
        if controllers in ("memory", "") and (root / path.lstrip("/") / name).exists():
            return root / path.lstrip("/")
    return None


def run(corpus: Path, passed: Sequence[str], *, ceiling: int | None = None, ulimit: str | None = None) -> Run:
    """One run; ``ceiling`` is that of ``--max-memory`` and of the group, or of ``ulimit -v`` or ``-d``."""
    with TemporaryDirectory() as place, group_of(None if ulimit else ceiling) as group:
        report, errors = Path(place) / "report.json", Path(place) / "errors"
        command = [sys.executable, "-m", "dedup", "run", str(corpus), "-o", str(report), *passed]
        if ceiling is not None and ulimit is None:
            command += ["--max-memory", f"{ceiling // 1024}K"]
        first = ["exec 2>" + str(errors) + " >/dev/null"]
        if group is not None:
            first.append(f"echo $$ > {group.folder}/cgroup.procs")
        if ceiling is not None and ulimit is not None:
            first.append(f"ulimit -{ulimit} {ceiling // 1024}")
        environment = {**os.environ, "DEDUP_CACHE": str(_cache_without_vectors(Path(place)))}
        usage = measure(["sh", "-c", "; ".join([*first, 'exec "$@"']), "sh", *command], environment=environment)
        return Run(
            usage,
            report.read_bytes() if report.exists() else None,
            tuple(errors.read_text(encoding="utf-8", errors="replace").splitlines()),
            None if group is None else group.peak(),
            0 if group is None else group.killed(),
        )


def _cache_without_vectors(place: Path) -> Path:
    """A cache folder with the tables and models of the usual one, but without vectors: each run asks the model anew."""
    cache = place / "cache"
    cache.mkdir()
    for folder in cache_folder().iterdir() if cache_folder().is_dir() else ():
        if folder.is_dir():
            (cache / folder.name).symlink_to(folder.resolve())
    return cache


def under_ceilings(corpus: Path, ceilings: Sequence[int], passed: Sequence[str], ulimit: str | None) -> bool:
    """A run without and one under each ceiling, a line each; whether all was in order."""
    free = run(corpus, passed)
    if free.report is None:
        print("\n".join(free.said), file=sys.stderr)
        return False
    _row(corpus.name, "none", free, "the report")
    fine = True
    for ceiling in ceilings:
        done = run(corpus, passed, ceiling=ceiling, ulimit=ulimit)
        kept = ulimit is not None or (done.held <= ceiling and not done.killed)
        fine &= kept and done.is_in_order(free.report)
        _row(corpus.name, told(ceiling) + ("" if kept else ", NOT KEPT"), done, done.outcome(free.report))
    return fine


def _row(corpus: str, ceiling: str, done: Run, outcome: str) -> None:
    group = "" if done.group_peak is None else f"{done.group_peak / MEBIBYTE:,.0f}"
    cells = (
        corpus,
        ceiling,
        done.usage.code,
        f"{done.held / MEBIBYTE:,.0f}",
        f"{done.usage.peak / MEBIBYTE:,.0f}",
        group,
        done.killed,
    )
    print("|", *(f"{cell} |" for cell in (*cells, f"{done.usage.wall:.1f}", outcome)), flush=True)


def by_workers(corpus: Path, workers: Sequence[int], passed: Sequence[str]) -> None:
    """What so many processes hold at most."""
    print("| workers | peak MiB | largest resident set of one MiB |\n|---|---|---|")
    for count in workers:
        usage = run(corpus, [*passed, "--workers", str(count)]).usage
        print(f"| {count} | {usage.peak / MEBIBYTE:,.0f} | {usage.largest / MEBIBYTE:,.0f} |", flush=True)


def main() -> int:
    """Runs what was asked for."""
    asked = _arguments()
    if asked.workers:
        by_workers(asked.corpora[0], asked.workers, asked.passed)
        return 0
    print("| corpus | ceiling | exit code | held MiB | with files MiB | of the group MiB | killed | s | came to |")
    print("|---|---|---|---|---|---|---|---|---|")
    ceilings = [parse_size(size) for size in asked.ceilings]
    faults = 0
    for corpus in asked.corpora:
        faults += not under_ceilings(corpus, ceilings, asked.passed, asked.ulimit)
    return 1 if faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpora", type=Path, nargs="+", metavar="CORPUS")
    parser.add_argument("--ceilings", nargs="+", default=["400M", "600M", "1G"], metavar="SIZE")
    parser.add_argument("--workers", nargs="+", type=int, metavar="N")
    parser.add_argument("--ulimit", choices=["v", "d"], help="set this limit instead of --max-memory")
    place = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    asked = parser.parse_args(sys.argv[1:place])
    asked.passed = sys.argv[place + 1 :]
    return asked


if __name__ == "__main__":
    sys.exit(main())
