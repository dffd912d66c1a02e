"""Whether an index survives that the process which writes it is killed, at any step of its work.

    python scripts/kill_index.py --times 100

An index of the hand-made articles (``tests/handmade``) is built, built anew, added to, changed and made smaller. Each
of these is first done undisturbed, and its steps are counted: calls of SQLite and of the system that read or write.
Then it is done ``--times`` times more, and each time the process kills itself (SIGKILL) before another step, the first
and the last among them, and the more of them the nearer to the end, where the change is made. After each the index
must open, hold exactly what it held before or what it was to hold, and let the same work be done to its end (or, where
it was done, nothing), with no file left over. A first build may leave none. With ``--delay`` processes die up to so
many milliseconds after these steps, thus in the midst of what SQLite does, too.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from dedup import Record, Settings
from dedup.index import add_records, build_index, is_index, remove_records
from dedup.index.store import Store
from dedup.index.write import load_sketch
from dedup.settings import NEVER

ARTICLES = Path(__file__).parent.parent / "tests" / "handmade" / "articles.jsonl"

STEPS = frozenset(
    {
        "execute",
        "executemany",
        "executescript",
        "fsync",
        "rename",
        "replace",
        "unlink",
        "flock",
        "write",
        "mkdir",
        "close",
    }
)
"""Functions in C whose calls are steps."""

Work = Callable[[Path], object]
"""Changes the index in a folder."""


def main() -> None:
    """Kill each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=100, help="processes that are killed for each kind of work")
    parser.add_argument("--delay", type=float, default=0.0, help="most milliseconds after a step, drawn by chance")
    options = parser.parse_args()
    with ARTICLES.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    records = [Record(row["id"], row["text"], language=row["lang"]) for row in rows]
    settings = Settings(confirm=NEVER)
    edited = [Record(one.id, f"{one.text} And more.", language=one.language) for one in records[:20]]
    works: dict[str, Work] = {
        "build anew": lambda folder: build_index(folder, records[100:200], settings),
        "add": lambda folder: add_records(folder, records[150:170]),
        "update": lambda folder: add_records(folder, edited),
        "remove": lambda folder: remove_records(folder, [one.id for one in records[:30]]),
    }
    print("| work | steps | killed | index as before | index as after |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        start = Path(place, "start")
        starts: list[tuple[str, Path]] = [("build", Path(place, "nothing"))] + [(name, start) for name in works]
        works["build"] = works["build anew"]
        build_index(start, records[:150], settings)
        for name, before in starts:
            steps, states = survived(before, works[name], options.times, options.delay / 1e3)
            print(f"| {name} | {steps} | {options.times} | {states['before']} | {states['after']} |", flush=True)


def survived(start: Path, work: Work, times: int, delay: float = 0.0) -> tuple[int, Counter[str]]:
    """The steps of the work, and in which state it left a copy of the index ``start``, which need not be there, when it
    was killed before so many of them, or up to ``delay`` seconds later. Raises AssertionError where an index did not
    survive.
    """
    folder = start.with_name("victim")
    before = _state(start)
    _copy(start, folder)
    steps = in_child(work, folder)
    after, files = contents(folder), len(list(folder.iterdir()))
    states: Counter[str] = Counter()
    chance = random.Random(steps)
    for at in steps_to_die_at(steps, times):
        _copy(start, folder)
        in_child(work, folder, at, chance.uniform(0, delay))
        found = _state(folder)
        if found not in (before, after):
            raise AssertionError(f"killed before step {at} of {steps}, the index is neither as before nor as after")
        states["before" if found == before else "after"] += 1
        in_child(work if found == before else _nothing, folder)
        if contents(folder) != after or len(list(folder.iterdir())) > files:
            raise AssertionError(f"killed before step {at} of {steps}, the work could not be done again")
    return steps, states


def steps_to_die_at(steps: int, times: int) -> list[int]:
    """So many of the steps, from the first to the last, the closer together the nearer to the end."""
    some: list[int] = (steps - (steps - 1) * np.linspace(1, 0, times) ** 2).round().astype(int).tolist()
    return some


def _state(folder: Path) -> dict[str, Any] | None:
    return contents(folder) if is_index(folder) else None


def _nothing(folder: Path) -> None:
    """A change of nothing: all that it does is to remove what is left over."""
    remove_records(folder, [])


def _copy(start: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if start.exists():
        shutil.copytree(start, folder)


def in_child(work: Work, folder: Path, last: int | None = None, delay: float = 0.0, *, counted: bool = True) -> int:
    """Do the work in a process that is forked, and killed before its step ``last``, or ``delay`` seconds after that;
    how many steps there were, if they were ``counted``, which slows the work down. Of a process that had waited for
    something, there may be a few less another time, and the last are not reached.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        count = 0
        itself = os.getpid()

        def step(_frame: FrameType, event: str, function: Any) -> None:  # noqa: ANN401 - as Python gives it
            nonlocal count
            if event == "c_call" and function.__name__ in STEPS and os.getpid() == itself:
                count += 1
                if count == last:
                    _end_after(delay)

        code = 1
        try:
            sys.setprofile(step if counted else None)
            work(folder)
            sys.setprofile(None)
            os.write(writing, str(count).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        done = told.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code and (last is None or code not in (-signal.SIGKILL, -signal.SIGALRM)):
        raise AssertionError(f"the work ended with {code}")
    return int(done or 0)


def _end_after(delay: float) -> None:
    """End this process, whatever it does then."""
    if not delay:
        os.kill(os.getpid(), signal.SIGKILL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # by which the system ends it
    signal.setitimer(signal.ITIMER_REAL, delay)


# --- what an index holds


def contents(folder: Path) -> dict[str, Any]:
    """All that an index holds, by ids and texts rather than by rows and files."""
    with Store.reading(folder) as store:
        return contents_of(store)


def contents_of(store: Store) -> dict[str, Any]:
    """The same of an index that is open, as it sees it."""
    select = store.database.execute
    names = dict(select("SELECT row, id FROM records"))
    writings = dict(select("SELECT code, name FROM writings").fetchall())
    works = select("SELECT row, digest, passages, widths, beyond, bands, figures FROM works")
    owners = store.vectors.owners
    vectors = store.vectors.take(np.arange(len(owners)))
    return {
        "stamp": store.stamped(),
        "records": {id_: rest for _, id_, *rest in select("SELECT * FROM records ORDER BY id")},
        "sketches": {names[row]: list(_sketch(store, row)) for (row,) in select("SELECT row FROM sketches").fetchall()},
        "works": {names[row]: rest for row, *rest in works},
        "bands": sorted((band, names[row]) for band, row in select("SELECT band, row FROM bands")),
        "figures": sorted((figure, names[row]) for figure, row in select("SELECT figure, row FROM figures")),
        "boilerplate": sorted(select("SELECT passage FROM boilerplate").fetchall()),
        "verdicts": sorted(select("SELECT sample, verdict FROM verdicts").fetchall()),
        "vectors": {
            names[owner["row"]]: (writings[owner["writing"]], int(owner["rank"]), vector.tolist())
            for owner, vector in zip(owners, vectors, strict=True)
        },
    }


def _sketch(store: Store, row: int) -> Iterator[object]:
    f, e = load_sketch(store, row)
    yield from (f.digest, f.numbers, f.figures, f.width, f.script, f.names, list(f.segments), list(f.beyond))
    yield from (part.tolist() for part in (f.signature, f.passages, f.widths, e.steps, e.norms))


if __name__ == "__main__":
    main()
