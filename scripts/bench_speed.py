"""How fast dedup is, and how much memory it takes, against its peers: same file, same cores, in one go.

    python scripts/bench_speed.py --tool make_scale_corpus.py --data ntrex/corpus.jsonl.gz --peers PEERS --folder WORK

makes corpora with known clusters (``--records 10000 100000``; 1,000,000 on request), and runs on each of them dedup,
datatrove's MinHash pipeline, datasketch used naively and rensa for the signature stage alone. Each run is a fresh
process, and with ``--rounds`` they alternate: what else the machine does hits all alike; processor time is to be
trusted more than wall time. ``--peers`` is a folder for an environment of their own, made where there is none.

* wall and processor time, and memory: :mod:`metering` (memory is the sum of PSS over all processes, sampled).
* how the peers are set up: :mod:`speed_peers`. datatrove reads one file a core, so the corpus is dealt out line by
  line into as many files beforehand, which is not counted. *datatrove, no filter* is the same run without its fourth
  stage, which reads the corpus again and writes it without the duplicates: dedup writes a report, not a corpus.
* B-cubed of the clusters against the gold in the file, with its translations, and *in one language*, where only
  records of one language are asked for and counted. datatrove's clusters are those of its third stage, before it
  keeps one document of each; datasketch's the connected components of its queries' answers.
* the floors: :mod:`speed_floors`.
* ``--dedup`` takes the settings of a run, ``"confirm=auto"`` and ``"confirm=never"`` if not given; repeatable.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import msgspec
from metering import Usage, measure, parts
from speed_floors import FLOORS
from speed_peers import REMOVED, datatrove_clusters
from speed_results import (
    Clusters,
    FloorRun,
    Row,
    Run,
    Start,
    floor_table,
    read_rows,
    scored,
    start_line,
    tables,
)

from dedup.report.json_file import load_report

SCRIPTS = Path(__file__).parent
PEERS = ("datatrove[processing,io]==0.10.*", "spacy==3.8.*", "datasketch==2.0.*", "rensa==0.5.*")
"""datatrove's default tokenizer needs spaCy, which the two extras do not bring; ``multilingual`` would, with Stanza and
tokenizers of single languages that its English pipeline does not use."""
NO_FILTER = "datatrove, no filter"
FILTER = "filter"


class Outcome(msgspec.Struct):
    """What a run writes beside its results."""

    stages: list[tuple[str, float]]
    end: float
    clusters: list[list[str]] | None = None
    count: int = 0
    seconds: float = 0.0
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Corpus:
    """A made corpus: the file, and the same lines dealt out into one file a core."""

    file: Path
    shards: Path
    records: int


@dataclass(frozen=True, slots=True)
class Contender:
    """Something to run on a corpus: the command, and where its clusters are afterwards."""

    name: str
    command: Callable[[Corpus, Path], list[str]]
    clusters: Callable[[Corpus, Path, Outcome], Clusters | None]


def dedup_with(settings: str) -> Contender:
    """A run of dedup with settings ``NAME=VALUE`` separated by spaces."""
    chosen = [f"--set={one}" for one in settings.split()]
    return Contender(
        f"dedup {settings}".strip(),
        lambda corpus, out: [sys.executable, str(SCRIPTS / "speed_dedup.py"), str(corpus.file), str(out), *chosen],
        lambda _corpus, out, _outcome: [
            [m.id for m in cluster.members] for cluster in load_report(out / "report.json").clusters
        ],
    )


def peer(name: str, python: Path, cores: int) -> Contender:
    """One of the peers, in their environment; nothing of ours is importable there."""

    def command(corpus: Corpus, out: Path) -> list[str]:
        source = corpus.shards if name == "datatrove" else corpus.file
        return [str(python), "-P", str(SCRIPTS / "speed_peers.py"), name, str(source), str(out), f"--cores={cores}"]

    def clusters(corpus: Corpus, out: Path, outcome: Outcome) -> Clusters | None:
        if name != "datatrove":
            return outcome.clusters
        ids = [[row.id for row in read_rows(shard)] for shard in sorted(corpus.shards.iterdir())]
        return datatrove_clusters(out / REMOVED, ids)

    return Contender(name, command, clusters)


def make_corpus(tool: Path, data: Path, records: int, cores: int, folder: Path) -> Corpus:
    """The corpus of this size; what a former call made is used again."""
    file, shards = folder / f"s{records}.jsonl", folder / f"s{records}-in-{cores}"
    if not file.exists():
        beside = folder / "making.jsonl"
        subprocess.run([sys.executable, str(tool), str(data), str(beside), f"--records={records}"], check=True)  # noqa: S603
        beside.rename(file)
    if not shards.exists():
        beside = folder / "dealing"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        deal_out(file, beside, cores)
        beside.rename(shards)
    return Corpus(file, shards, records)


def deal_out(file: Path, folder: Path, parts_wanted: int) -> None:
    """Line after line into one file after the other, so that all hold the same mix."""
    outputs = [(folder / f"{number:05d}.jsonl").open("wb") for number in range(parts_wanted)]
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines):
                outputs[number % parts_wanted].write(line)
    finally:
        for output in outputs:
            output.close()


def peers_python(folder: Path) -> Path:
    """The Python of the peers' environment, which is made where there is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)  # noqa: S603
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PEERS], check=True)  # noqa: S603
    return python


def run_once(command: Sequence[str], out: Path) -> tuple[Usage, Outcome]:
    """Run a command that writes its outcome into ``out``, with its standard error in ``out/log``."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    usage = measure(["/bin/sh", "-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", str(out / "log"), *command])
    if usage.code:
        print((out / "log").read_text(encoding="utf-8", errors="replace")[-4000:], file=sys.stderr)
        raise SystemExit(f"{' '.join(command)}: ended with {usage.code}")
    return usage, msgspec.json.decode((out / "outcome.json").read_bytes(), type=Outcome)


def contend(contender: Contender, corpus: Corpus, rows: Sequence[Row], out: Path) -> Iterator[Run]:
    """One run; of datatrove two, with its last stage and without."""
    usage, outcome = run_once(contender.command(corpus, out), out)
    stages = [("starting", usage.began), *outcome.stages, ("ending", outcome.end)]
    found = parts(usage, stages, usage.began + usage.wall)
    clusters = contender.clusters(corpus, out, outcome)
    scores = None if clusters is None else scored(clusters, rows)
    run = Run(contender.name, corpus.records, usage.wall, usage.cpu, usage.peak, usage.largest, found, scores)
    yield run
    if contender.name == "datatrove":
        yield without(run, FILTER)
    shutil.rmtree(out)


def without(run: Run, stage: str) -> Run:
    """The run as it would have been without one of its stages."""
    left = tuple(part for part in run.parts if part.stage != stage)
    gone = [part for part in run.parts if part.stage == stage]
    wall, cpu = (sum(getattr(part, what) for part in gone) for what in ("wall", "cpu"))
    peak = max((part.peak for part in left), default=0)
    costs = (run.wall - wall, run.cpu - cpu, peak, run.largest)
    return Run(NO_FILTER, run.records, *costs, left, run.scores, derived=True)


def measure_floors(corpus: Corpus, out: Path) -> Iterator[FloorRun]:
    """All floors, a fresh process each."""
    for floor in FLOORS:
        command = [sys.executable, str(SCRIPTS / "speed_floors.py"), floor, str(corpus.file), str(out)]
        _, outcome = run_once(command, out)
        yield FloorRun(floor, corpus.records, outcome.count, outcome.seconds, outcome.cpu)
        shutil.rmtree(out)


def measure_start(settings: str, times: int) -> Start:
    """How long a run of the seeds takes, and an import of sentence-transformers, in turns."""
    options = [word for one in settings.split() for word in (f"--{one.partition('=')[0]}", one.partition("=")[2])]
    seeds = [sys.executable, "-m", "dedup", "run", str(SCRIPTS.parent / "seeds"), *options]
    importing = [sys.executable, "-c", "import sentence_transformers"]
    for command in (importing, seeds):
        _seconds(command)  # the first run reads the disk
    taken = [(_seconds(importing), _seconds(seeds)) for _ in range(times)]
    return Start(*(tuple(column) for column in zip(*taken, strict=True)))


def _seconds(command: Sequence[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    return time.monotonic() - began


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tool", type=Path, required=True, help="make_scale_corpus.py")
    parser.add_argument("--data", type=Path, required=True, help="the NTREX corpus that it draws from")
    parser.add_argument(
        "--folder", type=Path, required=True, help="for the corpora and the runs; 4 GB a million records"
    )
    parser.add_argument(
        "--peers", type=Path, metavar="FOLDER", help="their environment, made if need be; else no peers"
    )
    parser.add_argument("--only", nargs="+", default=["datatrove", "datasketch", "rensa"], help="which peers")
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="all that anything may use")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--dedup", action="append", metavar="SETTINGS", help='such as "confirm=never"; repeatable')
    parser.add_argument("--starts", type=int, default=5, help="runs of the seeds; 0 for none")
    parser.add_argument("--no-floors", action="store_true")
    parser.add_argument("-o", "--output", type=Path, help="all figures as JSON")
    return parser.parse_args()


def measure_all(options: argparse.Namespace, contenders: Sequence[Contender]) -> tuple[list[Run], list[FloorRun]]:
    """All contenders, and the floors, on all sizes."""
    runs: list[Run] = []
    floors: list[FloorRun] = []
    folder = options.folder.absolute()
    for records in options.records:
        corpus = make_corpus(options.tool, options.data, records, options.cores, folder)
        rows = read_rows(corpus.file)
        for number, contender in product(range(options.rounds), contenders):
            for run in contend(contender, corpus, rows, folder / "run"):
                runs.append(run)
                print(f"{run.records:,} {run.contender}, round {number + 1}: {run.wall:.1f} s", file=sys.stderr)
        if not options.no_floors:
            floors += measure_floors(corpus, folder / "run")
    return runs, floors


def main() -> None:
    """Make, run, print."""
    options = arguments()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    options.folder.mkdir(parents=True, exist_ok=True)
    settings = ["confirm=auto", "confirm=never"] if options.dedup is None else options.dedup
    contenders = [dedup_with(one) for one in settings]
    ours = [contender.name for contender in contenders]
    if options.peers:
        python = peers_python(options.peers.absolute())
        contenders += [peer(name, python, options.cores) for name in options.only]
    runs, floors = measure_all(options, contenders)
    start = measure_start(settings[0], options.starts) if options.starts else None
    print("\n".join(tables(runs, options.cores, ours)))
    print("\n".join(floor_table(floors, runs, ours)))
    if start:
        print(start_line(start))
    if options.output:
        found = {"cores": options.cores, "runs": runs, "floors": floors, "start": start}
        options.output.write_bytes(msgspec.json.format(msgspec.json.encode(found)))


if __name__ == "__main__":
    main()
