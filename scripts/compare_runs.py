"""Whether what dedup writes is the same to the byte, whatever it runs under.

    python scripts/compare_runs.py
    python scripts/compare_runs.py RECORDS.jsonl --confirm always --combinations 20

A corpus (two tables and a folder of texts, with broken lines, doubles of an id and an empty text among them; the
records are those of the hand-made set, or of a table that is named) is run, checked against itself, made an index and
deduplicated, each time by a process of its own, under another *condition*: hash seed, locale and encoding, time zone,
processes, records and segments that are worked on together, threads of the libraries, optimisation, order of paths and
of records, working folder, umask. Every value of every condition is tried by itself, and then ``--combinations`` of all
of them, drawn by chance. What is compared with an ordinary run: report, page, assignment, the check as text, JSON,
SARIF, JUnit and annotations, all that the index holds, the corpus without copies, and what was removed, which is told
in the order of the paths. Where the records come in another order, only the report can be the same, but for the numbers
of lines.
"""

import argparse
import functools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
ARTICLES: Final = ROOT / "tests" / "handmade" / "articles.jsonl"

SEED: Final = 8
"""Of the combinations, and of the other order of the records."""

LEFT_OUT: Final = "report but for lines"
"""What is compared where the records come in another order."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a run goes on under: ``python`` are options of the interpreter, ``environment`` variables."""

    python: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1
    portion: int | None = None
    """Records, pairs and segments that are worked on together; none for the program's own."""
    at_once: bool = False
    """Whether processes are started however few records there are."""
    reversed_paths: bool = False
    shuffled: bool = False
    umask: int = 0o022
    folder: str = "here"

    def __or__(self, other: "Condition") -> "Condition":
        """Both: what the other one sets goes before."""
        changed = {
            name: getattr(other, name)
            for name in ("workers", "portion", "at_once", "reversed_paths", "shuffled", "umask", "folder")
            if getattr(other, name) != getattr(ORDINARY, name)
        }
        environment = {**self.environment, **other.environment}
        return replace(self, python=(*self.python, *other.python), environment=environment, **changed)


ORDINARY: Final = Condition()


def _variables(**environment: str) -> Condition:
    return Condition(environment=environment)


CONDITIONS: Final[dict[str, dict[str, Condition]]] = {
    "hash seed": {seed: _variables(PYTHONHASHSEED=seed) for seed in ("0", "1", "4242")},
    "locale": {
        "C": _variables(LC_ALL="C"),
        "POSIX, no UTF-8": _variables(LC_ALL="POSIX", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"),
        "C.UTF-8, ASCII streams": _variables(LC_ALL="C.UTF-8", PYTHONIOENCODING="ascii"),
        "unknown": _variables(LC_ALL="xx_YY.ISO-8859-9", LANG="tr_TR", PYTHONUTF8="0"),
    },
    "time zone": {zone: _variables(TZ=zone) for zone in ("Pacific/Kiritimati", "America/St_Johns")},
    "processes": {str(count): Condition(workers=count) for count in (2, 4)},
    "worked on together": {str(size): Condition(portion=size) for size in (1, 7)},
    "processes for few records": {"started": Condition(workers=2, at_once=True)},
    "threads": {
        count: _variables(OMP_NUM_THREADS=count, OPENBLAS_NUM_THREADS=count, MKL_NUM_THREADS=count)
        for count in ("1", "4")
    },
    "optimised": {"-O": Condition(python=("-O",)), "-OO": Condition(python=("-OO",))},
    "order of paths": {"reversed": Condition(reversed_paths=True)},
    "order of records": {"shuffled": Condition(shuffled=True)},
    "umask": {"077": Condition(umask=0o077)},
    "working folder": {"another": Condition(folder="another place")},
}
"""What is varied -> its values but for the ordinary one."""


def main() -> None:
    """Compare, or do the work of one condition."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("records", nargs="?", type=Path, default=ARTICLES, help="a table (.jsonl) of records")
    parser.add_argument("--confirm", default="never", help="which records the model sees, as of dedup run")
    parser.add_argument("--combinations", type=int, default=10, help="how many of all conditions at once")
    options = parser.parse_args()
    lines = options.records.read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as place:
        expected = outcome(Path(place), lines, ORDINARY, options.confirm)
        print(f"{len(lines):,} records, --confirm {options.confirm}; compared: {', '.join(expected)}\n")
        print("| condition | value | s | differs |\n|---|---|---|---|")
        faults = 0
        for name, value, condition in conditions(options.combinations):
            started = time.monotonic()
            found = outcome(Path(place), lines, condition, options.confirm)
            differing = different(expected, found)
            faults += bool(differing)
            told = ", ".join(differing) or "nothing"
            print(f"| {name} | {value} | {time.monotonic() - started:.1f} | {told} |", flush=True)
    sys.exit(f"{faults} runs differ" if faults else 0)


_LEFT: Final = "ordinary"
"""Of a combination: what is left as it is."""


def conditions(combinations: int) -> Iterator[tuple[str, str, Condition]]:
    """Each value by itself, and so many combinations in which some are left as they are."""
    for name, values in CONDITIONS.items():
        for value, condition in values.items():
            yield name, value, condition
    chance = random.Random(SEED)
    for _ in range(combinations):
        drawn = {name: chance.choice([_LEFT, *values]) for name, values in CONDITIONS.items()}
        together = ORDINARY
        for name, value in drawn.items():
            together |= CONDITIONS[name].get(value, ORDINARY)
        yield "all", "; ".join(value for value in drawn.values() if value != _LEFT), together


def different(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What of the two is not the same, of what both have."""
    return [name for name in expected if name in found and expected[name] != found[name]]


def outcome(place: Path, lines: Sequence[str], condition: Condition, confirm: str) -> dict[str, str]:
    """The digest of each thing that dedup writes under a condition, made in a folder below ``place``, which is gone
    afterwards.
    """
    folder = made(place, lines, condition, confirm)
    found = dict(digests(folder))
    shutil.rmtree(folder)
    return {LEFT_OUT: found[LEFT_OUT]} if condition.shuffled else found


def made(place: Path, lines: Sequence[str], condition: Condition, confirm: str) -> Path:
    """The folder below ``place`` with all that dedup writes under a condition."""
    folder = place / condition.folder
    write_corpus(folder, lines, shuffled=condition.shuffled)
    environment = {name: value for name, value in os.environ.items() if name not in _SET_HERE}
    paths = [str(ROOT), str(ROOT / "scripts")]
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "LC_ALL": "C.UTF-8", **condition.environment}
    told = {
        "workers": condition.workers,
        "portion": condition.portion,
        "at once": condition.at_once,
        "reversed": condition.reversed_paths,
        "confirm": confirm,
    }
    worker = "from compare_runs import work; import sys; work(sys.argv[1])"
    done = subprocess.run(  # noqa: S603 - this very script
        [sys.executable, *condition.python, "-c", worker, json.dumps(told)],
        cwd=folder,
        env=environment,
        umask=condition.umask,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"the program ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return folder


_SET_HERE: Final = frozenset(
    name for values in CONDITIONS.values() for condition in values.values() for name in condition.environment
)


def write_corpus(folder: Path, lines: Sequence[str], *, shuffled: bool) -> None:
    """The corpus in ``folder``: half of the lines in a table, some as texts, and the others in another table."""
    texts = folder / "тексты"
    texts.mkdir(parents=True)
    rows = [json.loads(line) for line in lines]
    third = len(lines) // 3
    for number, row in enumerate(rows[2 * third :]):
        (texts / f"{number:05}-é.txt").write_text(row["text"], encoding="utf-8")
    (texts / "empty.txt").touch()
    tables = {"a.jsonl": [*lines[:third], "null", lines[0]], "b.jsonl": [*lines[third : 2 * third], "{", lines[1]]}
    for name, table in tables.items():
        if shuffled:
            random.Random(SEED).shuffle(table)
        (folder / name).write_text("".join(f"{line}\n" for line in table), encoding="utf-8")


def work(told: str) -> None:
    """What a process does under its condition, in the working folder: all commands, as the program does them."""
    call = json.loads(told)
    _work_in_portions(call["portion"], at_once=call["at once"])
    paths = ["a.jsonl", "b.jsonl", "тексты"]
    if call["reversed"]:
        paths.reverse()
    how = ["--confirm", call["confirm"], "--workers", str(call["workers"])]
    forms = [part for ending in ("json", "sarif", "xml", "txt", "github") for part in ("-o", f"check.{ending}")]
    _call(["run", *paths, *how, "-o", "r.json", "--html", "p.html", "--assignment", "a.csv"], 0)
    _call(["check", *paths, "--against", paths[0], "--against", paths[-1], *how, "--format", "github", *forms], 1)
    _call(["index", "build", "index", *paths, *how], 0)
    _call(["apply", "r.json", *paths, "-o", "clean", "--removed", "removed.jsonl"], 0)


def _work_in_portions(size: int | None, *, at_once: bool) -> None:
    """Smaller pieces than the program would take: they change what is done together, and how many processes do it."""
    from dedup import confirm, settings, sketch
    from dedup.cli import options

    if at_once:
        sketch.FEW = 1
    if size is not None:
        sketch.BATCH = confirm.AT_ONCE = size
        vars(options)["Settings"] = functools.partial(settings.Settings, batch_size=size)


def _call(arguments: Sequence[str], expected: int) -> None:
    from dedup.cli import main as program

    sys.argv = ["dedup", *arguments]
    try:
        program()
    except SystemExit as end:
        if end.code != expected:
            raise AssertionError(f"dedup {' '.join(arguments)} ended with {end.code}, not {expected}") from end


_DURATION: Final = re.compile(rb";[^;]*$")
"""How long a check took is the last thing that it says; lines are broken to fit."""
_LINE: Final = re.compile(r'"line": \d+|\.jsonl:\d+')


def digests(folder: Path) -> Iterator[tuple[str, str]]:
    """What was written -> its digest."""
    from kill_index import contents

    yield LEFT_OUT, _digest([_but_for_lines((folder / "r.json").read_text(encoding="utf-8"))])
    for name in (
        "r.json",
        "p.html",
        "a.csv",
        "check.json",
        "check.sarif",
        "check.xml",
        "check.github",
        "removed.jsonl",
    ):
        yield name, _digest([(folder / name).read_bytes()])
    yield "removed.jsonl", _digest(sorted((folder / "removed.jsonl").read_bytes().splitlines()))
    yield "check.txt", _digest(_DURATION.sub(b"", (folder / "check.txt").read_bytes()).split())
    kept: Any = contents(folder / "index")
    yield "index", _digest([json.dumps(kept, sort_keys=True, default=repr).encode()])
    files = sorted(path for path in (folder / "clean").rglob("*") if path.is_file())
    told = (part for path in files for part in (os.fsencode(path.relative_to(folder)), path.read_bytes()))
    yield "clean", _digest(told)


def _but_for_lines(report: str) -> bytes:
    """A report without the numbers of lines, by which what was skipped is ordered."""
    told = json.loads(report)
    told["skipped"] = sorted(_LINE.sub("", json.dumps(one)) for one in told["skipped"])
    return _LINE.sub("", json.dumps(told)).encode()


def _digest(parts: Iterable[bytes]) -> str:
    """The length of each part first, so that no two lists of parts run together."""
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
