"""Whether all that dedup writes survives that the process which writes it is killed, at any moment of its work.

    python scripts/kill_runs.py --times 100

Each kind of work is first done undisturbed, over results of an earlier time where it may write over some, and its steps
are counted: calls of SQLite and of the system that read or write (``scripts/kill_index.py``, which does the same to an
index). Then it is done ``--times`` times more in a fresh folder, and the process kills itself (SIGKILL) up to
``--delay`` milliseconds after another step, the first and the last among them. After each, every named result must hold
what it held before or what it was to hold, byte for byte, and the same work, started again, must end with the very
results of the undisturbed one. Hidden files that a killed process left are counted (``left``), and so is what is left
of them after the next start (``still``): 0 in the cache, which is dedup's own; beside results, where dedup may not
remove what it finds, as many as processes were killed at the wrong moment.

``--processes`` runs with two workers of their own, each a command like any other, die at a moment drawn by chance, and
so do ``--distributed`` ones with ``--engine daft``: then no worker may be left after some seconds, and the next start
must print the same report.

The parent has loaded what the work needs, so that a try takes a moment, and of the model's folders the first
megabyte of each file is written. With ``--expansions`` commands are killed that make all of the token table first.
"""

import argparse
import csv
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kill_index import ARTICLES, in_child, steps_to_die_at

from dedup.cli import main as dedup
from dedup.encoders import HashingEncoder, RememberingEncoder, bundled, remembering, table
from dedup.encoders.kept import MANIFEST, cache_folder

MOST = 2**20
"""Bytes of each file of the model's and the table's folders that are written here again and again."""

PATIENCE = 30.0
"""Seconds within which the workers of a killed run must have ended."""


@dataclass(frozen=True)
class Kind:
    """A kind of work on a folder. ``prepare`` fills the folder, ``results`` are the names of what is written there;
    ``again`` says that the work is not done again where the results are there.
    """

    name: str
    prepare: Callable[[Path], object]
    work: Callable[[Path], object]
    results: tuple[str, ...]
    again: bool = True
    in_cache: bool = False
    compared: Callable[[Path], object] = field(default=lambda _: None)
    """What the folder gives to a reader, in place of the bytes of files that are never twice the same."""


def main() -> None:
    """Kill each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=100, help="processes that are killed for each kind of work")
    parser.add_argument("--delay", type=float, default=2.0, help="most milliseconds after a step, drawn by chance")
    parser.add_argument("--processes", type=int, default=10, help="commands with workers that are killed")
    parser.add_argument("--distributed", type=int, default=3, help="commands with --engine daft that are killed")
    parser.add_argument("--expansions", type=int, default=5, help="commands without a cache that are killed")
    parser.add_argument("--only", nargs="*", help="kinds of work")
    options = parser.parse_args()
    rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()[:40]]
    print("| work | steps | killed | as before | as after | in between | left | still |\n" + "|---" * 8 + "|")
    with tempfile.TemporaryDirectory() as place:
        for kind in kinds(rows):
            if not options.only or kind.name in options.only:
                print(
                    f"| {kind.name} | {killed(kind, Path(place, 'w'), options.times, options.delay / 1e3)} |",
                    flush=True,
                )
        corpus = Path(place, "many.jsonl")
        write_many(corpus, rows)
        if not options.only or "commands" in options.only:
            workers = ["--workers", "2"]
            daft = ["--engine", "daft", *workers, "--partition", "200", "--store", str(store := Path(place, "store"))]
            os.environ.update(DEDUP_CACHE=str(cache_folder()))
            for what, told in (
                ("run with 2 workers", commands(corpus, workers, options.processes)),
                ("run with --engine daft", commands(corpus, daft, options.distributed, made=store)),
                ("run with an empty cache", commands(corpus, workers, options.expansions, cache=Path(place, "cache"))),
            ):
                print(f"| {what}, a command | | {told} |", flush=True)


def hold(condition: object, told: str) -> None:
    """Raises AssertionError where something did not survive."""
    if not condition:
        raise AssertionError(told)


# --- by steps


def killed(kind: Kind, folder: Path, times: int, delay: float) -> str:
    """What became of so many processes that were killed. Raises AssertionError where something did not survive."""
    fresh(kind, folder)
    before, there = state(kind, folder), names(folder)
    steps = in_child(kind.work, folder)
    after, done = state(kind, folder), names(folder)
    hold(not hidden(done - there), f"{kind.name}: undisturbed, it leaves {hidden(done - there)}")
    chance = random.Random(steps)
    states: Counter[str] = Counter()
    left = still = 0
    for at in steps_to_die_at(steps, times):
        fresh(kind, folder)
        in_child(kind.work, folder, at, chance.uniform(0, delay) or 1e-6)
        found = state(kind, folder)
        for name, content in found.items():
            hold(content in (before[name], after[name]), f"{kind.name}, step {at} of {steps}: {name} is half-written")
        states["before" if found == before else "after" if found == after else "between"] += 1
        stray = names(folder) - there - done
        hold(stray == hidden(stray), f"{kind.name}, step {at} of {steps}: left {stray}")
        left = max(left, len(stray))
        if kind.again or found != after:
            for name in kind.results if not kind.again else ():
                remove(folder / name)
            in_child(kind.work, folder, counted=False)
        hold(state(kind, folder) == after, f"{kind.name}, step {at} of {steps}: the next start ends otherwise")
        stray = names(folder) - there - done
        hold(not (kind.in_cache and stray), f"{kind.name}, step {at} of {steps}: {stray} stays")
        still = max(still, len(stray))
    counts = " | ".join(str(states[one]) for one in ("before", "after", "between"))
    return f"{steps} | {times} | {counts} | {left} | {still}"


def fresh(kind: Kind, folder: Path) -> None:
    """The folder as it is before the work."""
    remove(folder)
    folder.mkdir()
    kind.prepare(folder)


def state(kind: Kind, folder: Path) -> dict[str, object]:
    """What each result holds, None where it is not there."""
    return {name: content_of(folder / name) for name in kind.results} | {"compared": kind.compared(folder)}


def content_of(path: Path) -> object:
    """The bytes of a file, or of all files of a folder by name; None where there is neither."""
    if path.is_dir():
        return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    return path.read_bytes() if path.exists() else None


def names(folder: Path) -> set[str]:
    """Of what lies in the folder, and in its cache."""
    return {
        f"{above.name}/{path.name}"
        for above in (folder, folder / "cache")
        if above.is_dir()
        for path in above.iterdir()
    }


def hidden(found: set[str]) -> set[str]:
    """Those that nobody takes for a result, and SQLite's journal."""
    return {name for name in found if name.split("/")[1].startswith(".") or name.endswith("-journal")}


def remove(path: Path) -> None:
    """A file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


# --- kinds of work


def kinds(rows: list[dict[str, Any]]) -> Iterator[Kind]:
    """All of them."""
    yield run_kind(rows)
    yield baseline_kind(rows)
    for ending, write in WRITERS.items():
        yield apply_kind(rows, ending, write)
    yield vectors_kind()
    yield from expansions()


def run_kind(rows: list[dict[str, Any]]) -> Kind:
    """A report, a page and a table, over older ones."""
    results = ("report.json", "page.html", "table.csv")

    def prepare(folder: Path) -> None:
        write_jsonl(folder / "c.jsonl", rows)
        for name in results:
            (folder / name).write_text("of an earlier time")

    return Kind("run", prepare, lambda folder: run(folder / "c.jsonl", folder), results)


def run(corpus: Path, folder: Path) -> None:
    """All results of a run in a folder."""
    files = "-o", folder / "report.json", "--html", folder / "page.html", "--assignment", folder / "table.csv"
    call("run", corpus, *files, "--confirm", "never", "--workers", "2")


def baseline_kind(rows: list[dict[str, Any]]) -> Kind:
    """``check --update-baseline``, over an older baseline."""

    def prepare(folder: Path) -> None:
        write_jsonl(folder / "known.jsonl", rows[:30])
        write_jsonl(folder / "new.jsonl", [row | {"id": f"new-{row['id']}"} for row in rows[20:40]])
        (folder / "b.json").write_text('{"version": 1, "pairs": []}')

    def work(folder: Path) -> None:
        update = "--baseline", folder / "b.json", "--update-baseline"
        known = "--against", folder / "known.jsonl"
        call("check", folder / "new.jsonl", *known, *update, "--confirm", "never", "--workers", "1")

    return Kind("check --update-baseline", prepare, work, ("b.json",))


def apply_kind(rows: list[dict[str, Any]], ending: str, write: Callable[[Path, list[dict[str, Any]]], None]) -> Kind:
    """``apply`` to a file of a format, or to a folder of texts."""

    @cache
    def made() -> tuple[Path, bytes]:
        """A corpus, and the report on it."""
        place = Path(tempfile.mkdtemp(dir=tempfile.gettempdir()))
        corpus = place / f"c{ending}"
        write(corpus, rows)
        in_child(lambda folder: call("run", corpus, "-o", folder / "r.json", "--confirm", "never"), place)
        return corpus, (place / "r.json").read_bytes()

    def prepare(folder: Path) -> None:
        (folder / "r.json").write_bytes(made()[1])

    def work(folder: Path) -> None:
        told = "--removed", folder / "removed.jsonl"
        call("apply", folder / "r.json", made()[0], "-o", folder / f"out{ending}", *told)

    return Kind(f"apply to {ending or 'a folder'}", prepare, work, (f"out{ending}", "removed.jsonl"), again=False)


def vectors_kind() -> Kind:
    """A cache of vectors that is written in chunks."""
    texts = [f"text {number}" for number in range(60)]

    def encode(folder: Path) -> bytes:
        remembering.CHUNK = 6
        os.environ["DEDUP_CACHE"] = str(folder / "cache")
        return RememberingEncoder(HashingEncoder()).encode(texts).tobytes()

    def compared(folder: Path) -> bytes:
        """In a copy: this looks at what is there, and would add to it."""
        with tempfile.TemporaryDirectory() as place:
            shutil.copytree(folder, place, dirs_exist_ok=True)
            return encode(Path(place))

    return Kind("vectors in the cache", lambda folder: (folder / "cache").mkdir(), encode, (), True, True, compared)


def expansions() -> Iterator[Kind]:
    """The folders of the model and of the token table, in an empty cache, and in the place of a rotten one."""
    for what, make in folders():
        for rotten in (False, True):
            yield expansion(what, make, rotten)


def folders() -> list[tuple[str, Callable[[], Path]]]:
    """What makes the two folders, from now on with little in them."""
    for module, name, made in (
        (bundled, "_write_model", bundled.model_folder()),
        (table, "_write_table", its_folder()),
    ):
        setattr(module, name, beginnings_of(made))
    return [("the model's folder", bundled.model_folder), ("the token table's folder", its_folder)]


def its_folder() -> Path:
    """That of the token table."""
    encoder = table.TableEncoder()
    return table.table_folder(encoder.digest, encoder._map_file)


def beginnings_of(made: Path) -> Callable[..., None]:
    """Writes the files of a folder that was made, of each the first ``MOST`` bytes: to make them takes seconds."""
    files = [file for file in made.rglob("*") if file.is_file() and file.name != MANIFEST]
    contents = {file.relative_to(made): file.read_bytes()[:MOST] for file in files}

    def write(*arguments: Any) -> None:  # noqa: ANN401 - of the two that it stands for, the last is the folder
        for name, content in contents.items():
            (arguments[-1] / name).parent.mkdir(exist_ok=True)
            (arguments[-1] / name).write_bytes(content)

    return write


def expansion(name: str, make: Callable[[], Path], rotten: bool) -> Kind:
    """One of them."""

    def work(folder: Path) -> None:
        os.environ["DEDUP_CACHE"] = str(folder / "cache")
        make()

    def prepare(folder: Path) -> None:
        (folder / "cache").mkdir()
        if rotten:
            work(folder)
            (manifest,) = (folder / "cache").glob("*/manifest.json")
            manifest.write_text("{}")

    def digests(folder: Path) -> object:
        """Of the files that are there, as the manifest has them: a start that finds it whole has read them all."""
        found = sorted((folder / "cache").glob("[!.]*/manifest.json"))
        return [json.loads(one.read_bytes()) for one in found if one.read_bytes() != b"{}"]

    return Kind(f"{name}{' in the place of a rotten one' if rotten else ''}", prepare, work, (), True, True, digests)


def call(*arguments: str | Path) -> None:
    """A command of dedup, in this process, silently."""
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = nowhere
        try:
            dedup([str(argument) for argument in arguments])
        except SystemExit as end:
            hold(not end.code, f"{arguments} ended with {end.code}")


# --- corpora


def write_jsonl(file: Path, rows: list[dict[str, Any]]) -> None:
    """The rows as JSON Lines."""
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)


def write_csv(file: Path, rows: list[dict[str, Any]]) -> None:
    """The rows as a table."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, ["id", "text", "lang"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(file: Path, rows: list[dict[str, Any]]) -> None:
    """The rows as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({name: [row[name] for row in rows] for name in ("id", "text", "lang")}), file)


def write_texts(folder: Path, rows: list[dict[str, Any]]) -> None:
    """A file a row."""
    folder.mkdir()
    for row in rows:
        (folder / f"{row['id']}.txt").write_text(row["text"], encoding="utf-8")


WRITERS: Mapping[str, Callable[[Path, list[dict[str, Any]]], None]] = {
    ".jsonl": write_jsonl,
    ".jsonl.gz": write_jsonl,
    ".csv": write_csv,
    ".parquet": write_parquet,
    "": write_texts,
}


def write_many(file: Path, rows: list[dict[str, Any]]) -> None:
    """So many records that workers are started."""
    write_jsonl(
        file,
        [row | {"id": f"{turn}-{row['id']}", "text": f"{turn}. {row['text']}"} for turn in range(30) for row in rows],
    )


# --- by the clock


def commands(
    corpus: Path, options: list[str], times: int, *, made: Path | None = None, cache: Path | None = None
) -> str:
    """What became of so many commands that were killed at any moment; each starts without what an earlier one
    ``made``, and without its ``cache``.
    """
    states: Counter[str] = Counter()
    chance = random.Random(times)
    left = 0
    for turn in range(times + 1 if times else 0):
        for earlier in (made, cache):
            if earlier is not None:
                remove(earlier)
        started = time.monotonic()
        process = command(corpus, options, cache)
        if not turn:
            before, seconds = ended(process), time.monotonic() - started
            continue
        time.sleep(chance.uniform(0, seconds))
        process.send_signal(signal.SIGKILL)
        printed, _ = process.communicate()
        states["after" if process.returncode == 0 and printed == before else "before"] += 1
        wait_for_workers(process.pid)
        left = max(left, len(list(cache.glob(".*"))) if cache else 0)
        hold(ended(command(corpus, options, cache)) == before, "the next start prints another report")
        hold(not (cache and list(cache.glob(".*"))), "the next start leaves what the killed one left in the cache")
    return f"{times} | {states['before']} | {states['after']} | 0 | {left} | 0"


def wait_for_workers(leader: int) -> None:
    """Raises AssertionError where workers of a killed process do not end."""
    end = time.monotonic() + PATIENCE
    while workers := of_session(leader):
        hold(time.monotonic() < end, f"workers are left: {workers}")
        time.sleep(0.1)


def command(corpus: Path, options: list[str], cache: Path | None) -> "subprocess.Popen[bytes]":
    """A run in a session of its own."""
    called = [sys.executable, "-m", "dedup", "run", str(corpus), "--confirm", "never", "--format", "json", *options]
    environment = dict(os.environ) | ({"DEDUP_CACHE": str(cache)} if cache else {})
    return subprocess.Popen(  # noqa: S603
        called, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, env=environment
    )


def ended(process: "subprocess.Popen[bytes]") -> bytes:
    """What it printed."""
    printed, _ = process.communicate()
    hold(process.returncode == 0, f"the next start ended with {process.returncode}")
    return printed


def of_session(leader: int) -> list[int]:
    """The processes of a session, but for those that have ended and that nobody asked about."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, _parent, _group, session = (place / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has just ended
            continue
        if int(session) == leader and state != "Z":
            found.append(int(place.name))
    return found


if __name__ == "__main__":
    main()
