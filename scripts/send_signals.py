"""Whether every command ends well when it is told to end, at any moment.

    python scripts/send_signals.py --times 50

Commands that are like any other are sent SIGINT, SIGTERM or SIGHUP at a moment drawn by chance, the process alone or
all of its session, as a terminal does, once or twice. Each must then end within ``PATIENCE`` with 128 and the number of
the signal, or with what it ends with anyhow. It must tell one line of it, or none where the signal came before the
program was imported or after it was done (``silent``, which a shell calls 128 and the number, too). And it must leave
no process, no file beside its results, and nothing in ``TMPDIR``.
"""

import argparse
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
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kill_index import ARTICLES
from kill_runs import hold, of_session, wait_for_workers, write_many

from dedup.encoders.kept import cache_folder

PATIENCE = 30.0
"""Seconds within which a command must end."""

STARTED = 0.15
"""Seconds after which Python itself has started: before, it prints a traceback of its own."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

TOLD, SILENT, DONE = "one line", "silent", "done before"

WORKERS = ("--confirm", "never", "--workers", "2")

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "run": ("run", "a.jsonl", "b.jsonl", *WORKERS, "-o", "r.json", "--html", "p.html"),
    "run --max-memory": ("run", "a.jsonl", "b.jsonl", *WORKERS, "--max-memory", "4G", "-o", "r.json"),
    "run --engine daft": ("run", "a.jsonl", *WORKERS, "--engine", "daft", "-o", "r.json"),
    "check": ("check", "b.jsonl", "--against", "a.jsonl", *WORKERS, "-o", "c.json"),
    "index build": ("index", "build", "made", "a.jsonl", *WORKERS),
    "index add": ("index", "add", "known", "b.jsonl", "--workers", "2"),
    "apply": ("apply", "known.json", "a.jsonl", "-o", "clean.jsonl"),
}
"""What is called, in a folder that holds the two corpora, an index of the first and a report on it."""


class Sent(NamedTuple):
    """What is sent: twice where ``again`` are the seconds in between."""

    number: signal.Signals
    moment: float
    to_all: bool
    again: float | None


def main() -> None:
    """Send them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=50, help="how often each command is told to end")
    parser.add_argument("--only", nargs="*", choices=COMMANDS, help="commands")
    options = parser.parse_args()
    os.environ["DEDUP_CACHE"] = str(cache_folder())
    print("| command | told to end | one line | silent | done before | longest s |\n" + "|---" * 6 + "|")
    with tempfile.TemporaryDirectory() as place:
        prepared = Path(place, "prepared")
        prepare(prepared)
        for name in options.only or COMMANDS:
            print(f"| {name} | {told_to_end(name, prepared, Path(place), options.times)} |", flush=True)


def prepare(folder: Path) -> None:
    """The folder that each try begins with."""
    folder.mkdir()
    rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
    write_many(folder / "a.jsonl", rows[:30])
    write_many(folder / "b.jsonl", rows[30:40])
    for call in (
        ("index", "build", "known", "a.jsonl", "--confirm", "never"),
        ("run", "a.jsonl", "--confirm", "never", "-o", "known.json"),
    ):
        subprocess.run(program(*call), cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def program(*arguments: str) -> list[str]:
    """A call of dedup."""
    return [sys.executable, "-m", "dedup", *arguments]


def told_to_end(name: str, prepared: Path, place: Path, times: int) -> str:
    """What became of the command, so many times."""
    chance = random.Random(name)
    states: Counter[str] = Counter()
    longest = 0.0
    took = 0.0
    for turn in range(times + 1):
        work, temporary = place / "work", place / "tmp"
        shutil.copytree(prepared, work)
        temporary.mkdir()
        before = set(work.rglob("*"))
        sent = None
        if turn:
            again = chance.choice((None, 0.0, 0.01, 0.2))
            sent = Sent(chance.choice(SIGNALS), chance.uniform(STARTED, 1.05 * took), chance.random() < 0.5, again)
        state, seconds = tried(name, sent, work, temporary)
        made = {path.relative_to(work) for path in set(work.rglob("*")) - before}
        hold(not any(path.name.startswith(".dedup-") for path in made), f"{name}, {sent}: left {made}")
        hold(not any(temporary.iterdir()), f"{name}, {sent}: left {list(temporary.iterdir())}")
        if sent is None:
            took = seconds
        else:
            states[state] += 1
            longest = max(longest, seconds if state != DONE else 0.0)
        shutil.rmtree(work)
        shutil.rmtree(temporary)
    return f"{times} | {states[TOLD]} | {states[SILENT]} | {states[DONE]} | {longest:.1f}"


def tried(name: str, sent: Sent | None, work: Path, temporary: Path) -> tuple[str, float]:
    """How the command ended, and the seconds that it took, or that it went on after the signal."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    call = program(*COMMANDS[name])
    started = time.monotonic()
    process = subprocess.Popen(  # noqa: S603
        call,
        cwd=work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if sent is not None:
        try:
            process.wait(sent.moment)
        except subprocess.TimeoutExpired:
            started = time.monotonic()
            send(process.pid, sent)
    try:
        _, told = process.communicate(timeout=None if sent is None else PATIENCE)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{name}, {sent}: goes on, with {of_session(process.pid)}") from None
    seconds = time.monotonic() - started
    wait_for_workers(process.pid)
    what = f"{name}, {sent}: ended with {process.returncode}, told {told}"
    if sent is not None and process.returncode == 128 + sent.number and told:
        hold(told.count("\n") == 1, what)
        return TOLD, seconds
    hold(not told, what)
    if sent is not None and process.returncode in (128 + sent.number, -sent.number):
        return SILENT, seconds
    hold(process.returncode in (0, 1), what)
    return DONE, seconds


def send(process: int, sent: Sent) -> None:
    """Send it, unless the process has ended."""
    for pause in (0.0,) if sent.again is None else (0.0, sent.again):
        time.sleep(pause)
        try:
            (os.killpg if sent.to_all else os.kill)(process, sent.number)
        except ProcessLookupError:
            return


if __name__ == "__main__":
    main()
