"""What the README shows is run: its commands, its library example, its output."""

import gzip
import io
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dedup.cli import main

from . import parallel
from .read.elsewhere import empty_file_systems, write

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return [
        body
        for found, body in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
        if found == language
    ]


def commands() -> Iterator[str]:
    (block,) = (b for b in blocks("sh") if b.startswith("dedup run seeds/"))
    yield from block.splitlines()


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that the commands name."""
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    rows = [{"id": "a", "text": "One.", "body": "One."}, {"id": "b", "text": "Two.", "body": "One."}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "articles.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "articles.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    gold = [
        {"id": name.name, "gold": "1" if name.name[:3] in {"000", "004"} else name.name}
        for name in (ROOT / "seeds").iterdir()
    ]
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in gold), encoding="utf-8")
    corpus = "".join(json.dumps(row) + "\n" for row in parallel.rows(40))
    (tmp_path / "parallel.jsonl.gz").write_bytes(gzip.compress(corpus.encode()))
    parallel.save_model(tmp_path / "my-model")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of the README, in this process: the model's libraries are imported once."""
    piped, _, command = command.rpartition(" | ")
    program, *arguments = shlex.split(command)
    assert program == "dedup"
    if piped:
        data = Path(piped.split()[1]).read_bytes()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0, command


def test_every_command_of_the_readme_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in commands():
        run(command, monkeypatch)
    report = json.loads((workplace / "report.json").read_bytes())
    assert [[member["id"][:3] for member in cluster["members"]] for cluster in report["clusters"]] == [["000", "004"]]


def test_every_command_of_the_readme_with_urls_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With memory in the place of what no test can reach."""
    (block,) = (b for b in blocks("sh") if b.startswith("dedup run s3://"))
    rows = (workplace / "articles.jsonl.gz").read_bytes()
    (workplace / "new").mkdir()
    (workplace / "new" / "bakery.txt").write_text("The bakery on Station Road opens at five in the morning.")
    with empty_file_systems():
        for text in (ROOT / "seeds").iterdir():
            write(f"memory://bucket/articles/{text.name}", text.read_bytes())
        write("memory://datasets/owner/name/data/a.jsonl.gz", rows)
        write("memory://example.org/archive.jsonl.gz", rows)
        for command in block.splitlines():
            run(re.sub(r"(s3|hf|https)://|[?][^']*", lambda m: "memory://" if m[1] else "", command), monkeypatch)


def test_every_command_of_the_readme_with_an_engine_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = (b for b in blocks("sh") if "--engine daft" in b)
    for command in block.splitlines():
        run(command, monkeypatch)
    assert json.loads((workplace / "report.json").read_bytes())["input"]["records"] == 2
    assert json.loads((workplace / "result" / "summary.json").read_bytes())["settings"]["threshold"] == 0.7


def test_the_summary_in_the_readme_is_what_the_first_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    run("dedup run seeds/", monkeypatch)

    def but_time(text: str) -> str:
        return re.sub(r"[\d.]+ s\.", "", text).strip()

    assert but_time(capsys.readouterr().out) in {but_time(block) for block in blocks("")}


def test_the_library_examples_of_the_readme_find_their_translation(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("dedup run seeds/ -o report.json", monkeypatch)
    capsys.readouterr()
    for example in blocks("python"):
        exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own README
    *found, gone = capsys.readouterr().out.splitlines()
    assert found == ["['a', 'b'] translation", "b a translation"]
    assert gone == "000_0adb70880f890897.txt translation 004_e605c14773b2b594.txt"
    assert len(list((workplace / "clean").iterdir())) == 4
