"""Where results go, where they must not, and that they are whole or not there."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dedup.apply import check_places, make_plan, open_corpus, write_corpus
from dedup.errors import InputError
from dedup.report.document import Document

from .corpora import EXACT, corpus_of, planned, report_on

ROOT = Path(__file__).parents[2]

FILES = {
    "a.txt": b"one text\r\nof two lines",
    "deep/er/b.md": b"one text\r\nof two lines",
    "deep/c.txt": "\ufeffother\n\n".encode("utf-16"),
    "empty.txt": b"",
    "noise.txt": bytes(range(256)) * 4,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def report(folder: Path) -> Document:
    return report_on([folder], [["a.txt", "deep/er/b.md"]], {("a.txt", "deep/er/b.md"): EXACT})


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(paths: list[Path], out: Path, removed: Path | None = None, annotate: bool = False) -> str:
    """Why nothing may be written there; one line."""
    with pytest.raises(InputError) as error:
        check_places(open_corpus(paths), out, removed, annotate=annotate)
    assert "\n" not in str(error.value)
    return str(error.value)


# Folders


def test_folder_comes_out_as_the_same_tree_without_the_copies(folder: Path, report: Document, tmp_path: Path) -> None:
    (folder / "picture.png").write_bytes(b"x")
    (folder / ".hidden.txt").write_bytes(b"x")
    plan = planned(report, folder)
    write_corpus(plan, tmp_path / "out", removed=tmp_path / "removed.jsonl")
    assert tree(tmp_path / "out") == {name: data for name, data in FILES.items() if name != "deep/er/b.md"}
    assert plan.corpus.others == (str(folder / "picture.png"),)
    (line,) = (tmp_path / "removed.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "id": "deep/er/b.md",
        "path": f"{folder}/deep/er/b.md",
        "line": None,
        "partner": "a.txt",
        "relation": "exact",
        "probability": 0.99999,
        "cluster": report.clusters[0].id,
    }
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in", "out", "removed.jsonl"]


def test_empty_folder_is_filled_even_if_it_is_the_working_one(
    folder: Path, report: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    write_corpus(planned(report, folder), Path())
    assert "a.txt" in tree(out)


def test_files_of_one_name_keep_their_folders(tmp_path: Path) -> None:
    paths = [tmp_path / name / "t.jsonl" for name in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_text('{"text": "same"}\n')
    first, second = (f"{path}:1" for path in paths)  # as they cannot both be called t.jsonl:1
    plan = planned(report_on(paths, [[first, second]]), *paths)
    write_corpus(plan, tmp_path / "out")
    assert tree(tmp_path / "out") == {"a/t.jsonl": b'{"text": "same"}\n', "b/t.jsonl": b""}


def test_folder_and_table_together(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text('{"id": "x", "text": "one text\\nof two lines"}\n')
    report = report_on([folder, table], [["a.txt", "deep/er/b.md", "x"]])
    plan = planned(report, folder, table)
    write_corpus(plan, tmp_path / "out")
    assert tree(tmp_path / "out") == {
        **{f"in/{name}": data for name, data in FILES.items() if name != "deep/er/b.md"},
        "t.jsonl": b"",
    }


def test_file_behind_a_link_comes_out_as_a_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_bytes(b"linked")
    (folder / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
    (folder / "again.txt").symlink_to(folder / "a.txt")
    plan = planned(report_on([folder], []), folder)
    write_corpus(plan, tmp_path / "out")
    assert tree(tmp_path / "out") == {**FILES, "link.txt": b"linked"}
    assert not (tmp_path / "out" / "link.txt").is_symlink()
    assert [one.path for one in plan.corpus.skipped] == [f"{folder}/again.txt"]


def test_text_that_is_one_file_is_copied(folder: Path, tmp_path: Path) -> None:
    write_corpus(planned(report_on([folder / "a.txt"], []), folder / "a.txt"), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == FILES["a.txt"]


def test_what_others_may_not_read_they_may_not_read_afterwards(tmp_path: Path) -> None:
    folder, table = tmp_path / "in", tmp_path / "t.jsonl"
    folder.mkdir()
    (folder / "secret.txt").write_text("one text")
    (folder / "open.txt").write_text("another text")
    table.write_text('{"text": "same"}\n')
    (folder / "secret.txt").chmod(0o600)
    (folder / "open.txt").chmod(0o755)
    table.chmod(0o600)
    write_corpus(planned(report_on([folder], []), folder), tmp_path / "out")
    write_corpus(planned(report_on([table], []), table), tmp_path / "o.jsonl")
    written = (tmp_path / "out" / "secret.txt", tmp_path / "o.jsonl", tmp_path / "out" / "open.txt")
    assert [path.stat().st_mode & 0o777 for path in written[:2]] == [0o600] * 2
    assert written[2].stat().st_mode & 0o111 == 0


# Refusals


def test_input_is_never_overwritten_whatever_it_is_called(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text('{"text": "same"}\n')
    (tmp_path / "link.jsonl").symlink_to(table)
    (tmp_path / "dangling.jsonl").symlink_to(tmp_path / "new.jsonl")
    (tmp_path / "hard.jsonl").hardlink_to(table)
    for name in ("t.jsonl", "link.jsonl", "hard.jsonl", "dangling.jsonl"):
        assert refused([table], tmp_path / name) == f"{tmp_path / name}: exists, and nothing is overwritten"
        assert refused([table], tmp_path / "o.jsonl", tmp_path / name).endswith("exists, and nothing is overwritten")
    assert refused([folder], tmp_path).endswith("not empty, and nothing is overwritten")  # holds the input


def test_output_is_not_written_into_the_input(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (folder / "empty").mkdir()
    for out in (folder, folder / "out", folder / "empty", tmp_path / "link" / "out", tmp_path / "link"):
        assert "would be written into the input" in refused([folder], out)
    assert "would be written into the input" in refused([tmp_path / "link"], folder / "out")
    assert "would be written into the input" in refused([folder], tmp_path / "out", folder / "removed.txt")
    check_places(corpus_of(folder), tmp_path / "out", folder / "removed.jsonl")


def test_output_cannot_be_written_where_there_is_something_else(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    table.write_text('{"text": "same"}\n')
    (tmp_path / "none").mkdir()
    (tmp_path / "folder.jsonl").mkdir()
    assert "exists" in refused([table], tmp_path / "folder.jsonl")
    assert "there is no folder" in refused([table], tmp_path / "no" / "o.jsonl")
    assert "there is no folder" in refused([table], tmp_path / "o.jsonl", tmp_path / "no" / "r.jsonl")
    assert "a name that ends in .jsonl" in refused([table], tmp_path / "o.jsonl.gz")
    assert "exists" in refused([folder], table)
    assert "is the output, or within it" in refused([table], tmp_path / "o.jsonl", tmp_path / "o.jsonl")
    assert "is the output, or within it" in refused([folder], tmp_path / "none", tmp_path / "none" / "r.jsonl")


def test_texts_cannot_be_annotated_and_annotating_removes_nothing(folder: Path, tmp_path: Path) -> None:
    assert refused([folder], tmp_path / "o", annotate=True).endswith("has no fields: only tables can be annotated")
    table = tmp_path / "t.jsonl"
    table.write_text('{"text": "same"}\n')
    assert "annotating removes nothing" in refused([table], tmp_path / "o.jsonl", tmp_path / "r.jsonl", annotate=True)


# Whole or not at all


def test_file_that_changes_after_the_plan_is_refused(folder: Path, report: Document, tmp_path: Path) -> None:
    plan = planned(report, folder)
    (folder / "deep" / "c.txt").write_bytes(b"later")
    with pytest.raises(InputError, match=r"deep/c\.txt: has changed while this went on"):
        write_corpus(plan, tmp_path / "out", removed=tmp_path / "removed.jsonl")
    assert [entry.name for entry in tmp_path.iterdir()] == ["in"]


def test_file_that_is_gone_after_the_plan_is_refused(folder: Path, report: Document, tmp_path: Path) -> None:
    plan = planned(report, folder)
    (folder / "deep" / "c.txt").unlink()
    with pytest.raises(InputError, match=r"deep/c\.txt: cannot be copied whole: No such file"):
        write_corpus(plan, tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["in"]


def test_output_that_appears_meanwhile_stays(folder: Path, report: Document, tmp_path: Path) -> None:
    def meanwhile(stage: str, done: int = 0, _total: int | None = None, /) -> None:
        if (stage, done) == ("writing", 2):
            (tmp_path / "removed.jsonl").write_text("mine")

    plan = planned(report, folder)
    with pytest.raises(InputError, match="exists, and nothing is overwritten"):
        write_corpus(plan, tmp_path / "out", removed=tmp_path / "removed.jsonl", progress=meanwhile)
    assert tree(tmp_path).keys() == {*(f"in/{name}" for name in FILES), "removed.jsonl"}
    assert (tmp_path / "removed.jsonl").read_text() == "mine"


def test_interrupt_leaves_nothing(folder: Path, report: Document, tmp_path: Path) -> None:
    def interrupt(stage: str, done: int = 0, _total: int | None = None, /) -> None:
        if (stage, done) == ("writing", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_corpus(planned(report, folder), tmp_path / "out", progress=interrupt)
    assert [entry.name for entry in tmp_path.iterdir()] == ["in"]


KILLED = """
import os, signal, sys
from pathlib import Path
from dedup.apply import make_plan, open_corpus, write_corpus
from dedup.report.json_file import load_report

def kill(stage, done=0, total=None, /):
    if (stage, done) == ("writing", int(sys.argv[4])):
        os.kill(os.getpid(), signal.SIGKILL)

report, folder, out = map(Path, sys.argv[1:4])
plan = make_plan(load_report(report), open_corpus([folder]))
write_corpus(plan, out, removed=out.with_name("r.jsonl"), progress=kill)
"""


@pytest.mark.parametrize("step", [1, len(FILES)])
def test_kill_in_the_middle_leaves_no_output(folder: Path, report: Document, tmp_path: Path, step: int) -> None:
    (tmp_path / "report.json").write_bytes(msgspec.json.encode(report))
    arguments = (tmp_path / "report.json", folder, tmp_path / "out", step)
    command = [sys.executable, "-c", KILLED, *map(str, arguments)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = {entry.name for entry in tmp_path.iterdir()} - {"in", "report.json"}
    assert all(name.startswith(".dedup-") for name in left)
    assert tree(folder) == FILES
    write_corpus(make_plan(report, corpus_of(folder)), tmp_path / "out")  # and nothing stands in the way
    assert "a.txt" in tree(tmp_path / "out")


def test_unwritable_folder_is_told_in_one_line(folder: Path, report: Document, tmp_path: Path) -> None:
    plan = planned(report, folder)
    for place in unwritable(tmp_path / "locked"):
        with pytest.raises(InputError, match=r"out: cannot be written: "):
            write_corpus(plan, place / "out")


def unwritable(folder: Path) -> Iterator[Path]:
    """A folder that nobody can write to, where there is one: root can write everywhere but here."""
    folder.mkdir()
    folder.chmod(0o500)
    if not os.access(folder, os.W_OK):
        yield folder
    if Path("/proc/self").is_dir():
        yield Path("/proc/self")
    folder.chmod(0o700)
