"""How calls end: one line on standard error, an exit code, and nothing on standard output; each provoked for real."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dedup.cli.endings import Ending, ending_of
from dedup.errors import DedupError, InputError, ModelError, ReportError, UnusableIndexError, WorkerError
from dedup.index.folder import POINTER

from .conftest import Cli

ROOT = Path(__file__).parents[1]
TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.\n"
OTHER = "Heavy showers are expected over the northern hills tonight, clearing slowly from the west by early morning.\n"

QUIET = ("--confirm", "never")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with texts in ``in/``, two of them copies, and what is broken of each kind beside it."""
    monkeypatch.chdir(tmp_path)
    for folder in ("in", "empty", "model", "calibration", "index"):
        Path(folder).mkdir()
    for name, text in {"a.txt": TEXT, "b.txt": TEXT, "c.txt": OTHER}.items():
        Path("in", name).write_text(text)
    Path("t.json").write_text("{}")
    Path("newer.json").write_text('{"schema_version": 99}')
    Path("bad.jsonl").write_text("null\n")
    Path("model", "config.json").write_text("{}")
    Path("index", POINTER).write_text("nothing\n")
    Path("gold.jsonl").write_text("null\n")
    Path("corpus.jsonl").write_text(json.dumps({"id": "1", "text": TEXT, "gold": "g", "lang": "en"}) + "\n")
    return tmp_path


FAILURES = [
    (("run", "missing"), "cannot read 'missing': No such file or directory"),
    (("run", "t.json"), "cannot read 't.json': "),
    (("run", "empty"), "nothing to compare: 0 records read, 0 skipped"),
    (
        ("run", "bad.jsonl"),
        "nothing to compare: 0 records read, 1 skipped, the first: bad.jsonl:1: null, ",
    ),
    (("run", "in", "--threshold", "2"), "threshold is a probability between 0 and 1, not 2.0"),
    (("run", "in", "--model", "./none"), "./none is not the folder of a sentence-transformers model"),
    (("run", "in", "--calibration", "none"), "calibration 'none' is no folder"),
    (("run", "in", "--calibration", "calibration"), "calibration holds no calibration of multilingual-e5-small"),
    (("run", "in", "-o", "none/r.json"), "none/r.json: cannot be written: there is no folder 'none'"),
    (("run", "in", "-o", "in"), "in: cannot be written: Is a directory"),
    (("run", "in", "-o", ""), "'-o' / '--output': an empty name"),
    (("run", "in", "--html", "in"), "in: cannot be written: Is a directory"),
    (("run", "in", "--assignment", f"{'n' * 300}.csv"), f"{'n' * 300}.csv: cannot be written: File name too long"),
    (("run", "in", "--manifest", "in"), "in: cannot be written: Is a directory"),
    (("run", "in", "--engine", "daft", "--tables", "t.json/x"), "t.json/x: cannot be written: '"),
    (("run", "in", "--engine", "daft", "--tables", ""), "--tables: an empty name"),
    (("run", "in", "--engine", "daft", "--store", ""), "--store: an empty name"),
    (("run", "in", "--store", "s"), "--store needs --engine daft"),
    (("check", "in", "--against", "missing"), "cannot read 'missing': No such file or directory"),
    (("check", "in", "--against", "index"), "index: "),
    (("check", "in", "--against", "in", "--baseline", "t.json"), "t.json: "),
    (("check", "in", "--against", "in", "--baseline", "none.json"), "none.json: "),
    (("check", "in", "--against", "in", "--changed-since", "main"), ""),
    (("check", "in", "--against", "in", "-o", "empty"), "empty: cannot be written: Is a directory"),
    (
        ("check", "in", "--against", "in", "-o", "none/r.json"),
        "none/r.json: cannot be written: there is no folder 'none'",
    ),
    (("index", "build", "", "in"), "'INDEX': an empty name"),
    (("index", "build", "none/i", "in"), "none/i: cannot be written: there is no folder 'none'"),
    (("index", "build", "t.json", "in"), "t.json: cannot be written: 't.json' is no folder"),
    (("index", "info", ""), "'INDEX': an empty name"),
    (("index", "build", "in", "in"), "in: "),
    (("index", "add", "none.index", "in"), "none.index: "),
    (("index", "add", "index", "in"), "index: "),
    (("index", "remove", "index", "x"), "index: "),
    (("index", "info", "empty"), "empty: "),
    (("explain", "x", "y"), "no file 'x'; where it is the id of a record"),
    (("explain", "in/a.txt", "in/b.txt", "--report", "t.json"), "t.json: not a dedup report: "),
    (("apply", "t.json", "in", "--dry-run"), "t.json: not a dedup report: "),
    (("apply", "newer.json", "in", "-o", "out"), "newer.json: written by a newer dedup (schema_version 99, "),
    (("apply", "none.json", "in", "-o", "out"), "none.json: cannot be read: No such file or directory"),
    (("apply", "t.json", "in"), "say where to write with -o, or --dry-run"),
    (("evaluate", "none.json", "--gold", "gold.jsonl"), "none.json: cannot be read: No such file or directory"),
    (("evaluate", "", "--gold", "gold.jsonl"), "'REPORT': an empty name"),
    (("evaluate", "t.json", "--gold", "gold.jsonl"), "t.json: not a dedup report: "),
    (
        ("calibrate", "corpus.jsonl", "--model", "model", "-o", "none/x"),
        "none/x: cannot be written: there is no folder 'none'",
    ),
    (("calibrate", "corpus.jsonl", "--model", "table", "-o", "out"), "too small a corpus: "),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("call", "told"), FAILURES, ids=range(len(FAILURES)))
def test_what_cannot_be_done_is_one_line_and_exit_code_2(call: tuple[str, ...], told: str, cli: Cli) -> None:
    code, out, err = cli(*call)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith(f"dedup: {told}")
    assert "internal error" not in err


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        *((kind("no"), Ending(2, "no")) for kind in (DedupError, InputError, ModelError, ReportError, WorkerError)),
        (UnusableIndexError("no"), Ending(2, "no")),
        (OSError(28, "No space left on device"), Ending(2, "[Errno 28] No space left on device")),
        (MemoryError(), Ending(2, "out of memory")),
        (KeyError("x"), Ending(2, "internal error: KeyError: 'x' (--debug shows where)")),
        (RecursionError("deep"), Ending(2, "internal error: RecursionError: deep (--debug shows where)")),
        (BrokenPipeError(), Ending(141)),
    ],
    ids=repr,
)
def test_every_kind_of_failure_has_its_ending(error: BaseException, ending: Ending) -> None:
    assert ending_of(error) == ending


def _killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_one_line_and_exit_code_2(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": str(n), "text": f"{n} bees fly over {n * n} hills; {n + 7} of them come back."} for n in range(40)]
    Path("t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("dedup.workers._do", _killed)  # what a forked process calls
    monkeypatch.setattr("dedup.confirm.AT_ONCE", 8)  # so that there is enough for two
    code, out, err = cli("run", here / "t.jsonl", *QUIET, "--workers", "2")
    assert (code, out) == (2, "")
    assert err == (
        "dedup: a worker process was ended from outside, perhaps for want of memory, of which fewer --workers need "
        "less: nothing was written\n"
    )


@pytest.mark.parametrize(
    "command",
    [(), ("run",), ("check",), ("index",), ("explain",), ("apply",), ("evaluate",), ("calibrate",)]
    + [("index", name) for name in ("build", "add", "remove", "info")],
    ids=" ".join,
)
def test_help_is_no_failure(command: tuple[str, ...], cli: Cli) -> None:
    for option in ("--help", "-h"):
        code, out, err = cli(*command, option)
        assert (code, err) == (0, "")
        assert out.startswith(f"Usage: dedup{''.join(f' {part}' for part in command)} ")


@pytest.mark.usefixtures("here")
def test_the_module_is_the_program() -> None:
    def ended(*arguments: str) -> tuple[int, bytes, bytes]:
        command = [sys.executable, "-m", "dedup", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    assert ended() == (2, b"", b"dedup: Missing command. See 'dedup --help'.\n")
    code, out, err = ended("check", "in", "--against", "in", *QUIET, "--log-format", "json", "-v")
    assert (code, out.startswith(b"3 new records")) == (1, True)
    assert json.loads(err.splitlines()[-1])["facts"]["exit"] == 1


# Standard output that holds little


class _Ascii:
    """Standard output and standard error as of a terminal that knows no letter beyond ASCII."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._bytes = {name: io.BytesIO() for name in ("stdout", "stderr")}
        for name, errors in {"stdout": "strict", "stderr": "backslashreplace"}.items():
            stream = io.TextIOWrapper(self._bytes[name], "ascii", errors, write_through=True)
            monkeypatch.setattr(sys, name, stream)

    def told(self) -> str:
        sys.stdout.flush()
        return self._bytes["stdout"].getvalue().decode("utf-8", "strict")  # of JSON; other letters were refused


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose name, files, ids and texts are in letters beyond ASCII, with a report on it and an index of it."""
    monkeypatch.chdir(tmp_path)
    folder = Path("статьи")
    folder.mkdir()
    text = "Совет избрал семнадцать членов нового комитета в понедельник, на заседании были все 402 делегата.\n"
    for name in ("первая.txt", "вторая.txt"):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "пустая.txt").touch()
    Path("золото.tsv").write_text("первая.txt\t1\nвторая.txt\t1\n", encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("foreign")
def test_every_command_can_speak_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    from dedup.cli import main

    calls = [
        ("run", "статьи", *QUIET, "-o", "отчёт.json", "-v", "--sweep"),
        ("run", "статьи", *QUIET, "--format", "json"),
        *(
            ("check", "статьи", "--against", "статьи", *QUIET, "--format", form)
            for form in ("text", "json", "github", "sarif", "junit")
        ),
        ("index", "build", "указатель", "статьи", *QUIET),
        ("index", "add", "указатель", "статьи/первая.txt"),
        ("index", "info", "указатель"),
        ("index", "remove", "указатель", "первая.txt"),
        ("explain", "статьи/первая.txt", "статьи/вторая.txt", "--full"),
        ("explain", "первая.txt", "вторая.txt", "--in", "статьи", "--format", "json"),
        ("apply", "отчёт.json", "статьи", "--dry-run"),
        ("apply", "отчёт.json", "статьи", "-o", "чистые", "-v"),
        ("evaluate", "отчёт.json", "--gold", "золото.tsv"),
        ("run", "нет"),
        ("нет",),
    ]
    for call in calls:
        terminal = _Ascii(monkeypatch)
        with pytest.raises(SystemExit) as end:
            main(call)
        told = terminal.told()
        expected = {"check": 1, "нет": 2}.get(call[0], 2 if call == ("run", "нет") else 0)
        assert end.value.code == expected, (call, told)
        assert told or expected == 2, call
