"""A full disk, files that go or change while they are read, a clock that jumps: the same answer, or one line."""

import contextlib
import io
import json
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from dedup.cli import main
from dedup.read import read_records

from .conftest import Cli

TEXT = "The council of the town has voted on Monday for a new bridge over the river, which costs 1,234,567 dollars. "
OLD = b"of an earlier time"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    rows = [{"id": f"{n}", "text": TEXT * 4 + "x" * (n // 2), "lang": "en"} for n in range(4)]
    file = tmp_path / "corpus.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def limited(limit: int, *arguments: str | Path) -> tuple[int, str]:
    """How a command ends, and what it says on standard error, where no file can be larger than so many bytes: a limit
    that stands for a full disk.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 99
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.redirect_stdout(io.StringIO()):
                try:
                    main([str(argument) for argument in arguments])
                except SystemExit as end:
                    code = int(end.code or 0)
            os.write(writing, told.getvalue().encode())
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as opened:
        said = opened.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


@pytest.mark.parametrize(
    ("limit", "name"),
    [(100, None), (2_000, "report.json"), (6_000, "page.html"), (10, "table.csv")],
)
def test_a_full_disk_is_one_line_and_leaves_what_was_there(
    limit: int, name: str | None, corpus: Path, tmp_path: Path
) -> None:
    option = {"report.json": "-o", "page.html": "--html"}.get(name or "report.json", "--assignment")
    output = tmp_path / "results" / (name or "report.json")
    output.parent.mkdir()
    output.write_bytes(OLD)
    if name is None:  # what is put aside is written when there is a little of it
        corpus.write_text("".join(json.dumps({"id": f"{n}", "text": TEXT * 60, "lang": "en"}) + "\n" for n in range(3)))
    code, told = limited(limit, "run", corpus, option, output, "--confirm", "never", "--workers", "1")
    assert (code, told.count("\n")) == (2, 1), told
    assert "cannot be written: File too large" in told
    assert told.startswith(f"dedup: {output}: " if name else "dedup: ")
    assert ("TMPDIR" in told) == (name is None)
    assert output.read_bytes() == OLD
    assert [path.name for path in output.parent.iterdir()] == [output.name]


@pytest.mark.parametrize(("ending", "annotate"), [(".jsonl", ["--annotate"]), (".csv", []), (".parquet", [])])
def test_a_full_disk_ends_an_apply_with_nothing_left(
    ending: str, annotate: Sequence[str], corpus: Path, tmp_path: Path, cli: Cli
) -> None:
    rows = [json.loads(line) for line in corpus.read_text().splitlines()]
    file = tmp_path / f"c{ending}"
    if ending == ".parquet":
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(arrow.Table.from_pylist(rows), file)
    elif ending == ".csv":
        file.write_text("id,text,lang\n" + "".join(f'{row["id"]},"{row["text"]}",en\n' for row in rows))
    else:
        shutil.copy(corpus, file)
    assert cli("run", file, "-o", tmp_path / "r.json", "--confirm", "never")[0] == 0
    before = sorted(tmp_path.iterdir())
    code, told = limited(300, "apply", tmp_path / "r.json", file, "-o", tmp_path / f"out{ending}", *annotate)
    assert (code, told.count("\n")) == (2, 1), told
    assert "File too large" in told
    assert sorted(tmp_path.iterdir()) == before


# --- files that others change


class Changed:
    """A folder whose second file is changed when the first one is read."""

    def __init__(self, folder: Path, change: Callable[[Path], object]) -> None:
        for name in ("a.txt", "b.txt", "c.txt"):
            (folder / name).write_text(TEXT)
        items = read_records([folder])
        self.items = [next(items)]
        change(folder / "b.txt")
        self.items += items


def into_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def into_a_broken_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (Path.unlink, "No such file or directory"),
        (into_a_folder, "Is a directory"),
        (into_a_broken_link, "No such file or directory"),
    ],
)
def test_a_file_that_is_another_than_the_folder_said_is_skipped(
    change: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    first, second, third = Changed(tmp_path, change).items
    assert [Path(str(one.path)).name for one in (first, second, third)] == ["a.txt", "b.txt", "c.txt"]
    assert reason in getattr(second, "reason", "")


def test_a_file_that_has_grown_or_shrunk_is_read_as_it_is(tmp_path: Path) -> None:
    for content in ("More. " * 10_000, "Less."):
        _, second, _ = Changed(tmp_path, partial(Path.write_text, data=content)).items
        assert getattr(second, "text", "") == content


# --- a clock that jumps


@pytest.mark.parametrize("now", [0.0, 4_102_444_800.0])
def test_no_result_depends_on_the_clock(
    now: float, corpus: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def results(name: str) -> list[bytes]:
        folder = tmp_path / name
        folder.mkdir()
        files = ["-o", folder / "r.json", "--html", folder / "p.html", "--assignment", folder / "t.csv.gz"]
        assert cli("run", corpus, *files, "--confirm", "never", "--workers", "1")[0] == 0
        out = folder / "out.jsonl"
        assert cli("apply", folder / "r.json", corpus, "-o", out, "--removed", folder / "removed.jsonl")[0] == 0
        assert cli("index", "build", folder / "i", corpus, "--confirm", "never", "--workers", "1")[0] == 0
        _, found, _ = cli("check", corpus, "--against", folder / "i", "--format", "json")
        made = ("r.json", "p.html", "t.csv.gz", "out.jsonl", "removed.jsonl")
        return [*((folder / one).read_bytes() for one in made), found.replace(str(folder), "").encode()]

    before = results("before")
    os.utime(corpus, (now, now))
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(time, "time_ns", lambda: int(now * 1e9))
    assert results("after") == before
