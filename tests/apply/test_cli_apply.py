"""The command."""

import io
import json
from pathlib import Path

import pytest

from tests.conftest import Cli

TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there."


@pytest.fixture
def articles(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies need no model: a run finds them, and its report lies beside."""
    monkeypatch.chdir(tmp_path)
    rows = [{"id": id_, "text": TEXT, "lang": "en"} for id_ in "abc"]
    lines = [*(json.dumps(row) for row in rows), "null", ""]
    Path("articles.jsonl").write_text("\n".join(lines))
    assert cli("run", "articles.jsonl", "-o", "report.json")[0] == 0
    return tmp_path


def test_copies_go_and_it_is_said(cli: Cli, articles: Path) -> None:
    code, out, err = cli("apply", "report.json", "articles.jsonl", "-o", "clean.jsonl", "--removed", "removed.jsonl")
    assert (code, err) == (0, "")
    assert " ".join(out.split()) == (
        "3 records: 1 stay, 2 go Copies by relation: exact 2 1 record that the run did not compare (unusable or with "
        "an id that another one has): kept as they are"
    )
    assert (articles / "clean.jsonl").read_text() == (articles / "articles.jsonl").read_text().splitlines()[
        0
    ] + "\nnull\n"
    removed = [json.loads(line) for line in (articles / "removed.jsonl").read_text().splitlines()]
    assert [(one["id"], one["path"], one["line"], one["partner"], one["relation"]) for one in removed] == [
        ("b", "articles.jsonl", 2, "a", "exact"),
        ("c", "articles.jsonl", 3, "a", "exact"),
    ]


def test_a_table_of_values_is_told_of_like_one_of_objects(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = f'id,lang,score,text\r\n\r\na,en,9,"{TEXT}"\r\nb,en,10,{TEXT.replace(",", "")}\r\nc,en\r\n'
    Path("articles.csv").write_bytes(data.encode())
    assert cli("run", "articles.csv", "-o", "report.json")[0] == 0
    code, out, _ = cli("apply", "report.json", "articles.csv", "-o", "clean.csv", "--keep", "max:score")
    assert code == 0
    assert " ".join(out.split()) == (
        "2 records: 1 stay, 1 go Copies by relation: near-duplicate 1 1 record that the run did not compare (unusable "
        "or with an id that another one has): kept as they are 1 blank line: kept"
    )
    assert Path("clean.csv").read_bytes() == b"".join(data.encode().splitlines(keepends=True)[i] for i in (0, 1, 3, 4))


def test_dry_run_says_what_would_go_and_writes_nothing(cli: Cli, articles: Path) -> None:
    before = sorted(entry.name for entry in articles.iterdir())
    code, out, err = cli("apply", "report.json", "articles.jsonl", "--dry-run", "--removed", "r.jsonl", "-o", "o.jsonl")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["keep    a  en  107 characters", "remove  b  en  107 characters  exact >0.999 of a"]
    assert lines[-1] == "Nothing is written."
    assert "3 records: 1 stay, 2 go" in lines
    assert sorted(entry.name for entry in articles.iterdir()) == before


def test_annotating_marks_all(cli: Cli, articles: Path) -> None:
    code, out, _ = cli(
        "apply", "report.json", "articles.jsonl", "-o", "marked.jsonl", "--annotate", "--keep", "prefer:en"
    )
    assert code == 0
    assert out.splitlines()[0] == "3 records: 3 in clusters, 2 of them marked as copies"
    first, *_, null = (articles / "marked.jsonl").read_text().splitlines()
    assert json.loads(first)["dedup_role"] == "keep"
    assert null == "null"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["articles.jsonl"], "say where to write with -o, or --dry-run"),
        (["articles.jsonl", "-o", "articles.jsonl"], "articles.jsonl: exists, and nothing is overwritten"),
        (["articles.jsonl", "-o", "o.jsonl", "--keep", "best"], "no policy 'best': give one of longest, first,"),
        (["articles.jsonl", "-o", "o.jsonl", "--relations", "same"], "no relation 'same'"),
        (["articles.jsonl", "-o", "o.jsonl", "--threshold", "2"], "threshold is a probability from 0 to 1, not 2.0"),
        (["articles.jsonl", "-o", "o.jsonl", "--text-field", "body"], "the input holds no record 'a' of the report"),
        (["gone.jsonl", "-o", "o.jsonl"], "cannot read 'gone.jsonl'"),
        (["articles.jsonl", "-o", "o.jsonl", "--annotate", "--removed", "r"], "annotating removes nothing"),
    ],
)
def test_refusals_are_one_line_and_code_2(cli: Cli, articles: Path, arguments: list[str], why: str) -> None:
    before = sorted(entry.name for entry in articles.iterdir())
    code, out, err = cli("apply", "report.json", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"dedup: {why}")
    assert err.count("\n") == 1
    assert sorted(entry.name for entry in articles.iterdir()) == before


def test_corpus_is_applied_again_and_nothing_is_left_to_remove(cli: Cli, articles: Path) -> None:
    assert cli("apply", "report.json", "articles.jsonl", "-o", "clean.jsonl")[0] == 0
    code, out, _ = cli("run", "clean.jsonl")
    assert code == 0
    assert "No two records carry the same article" in out
    code, _, err = cli("apply", "report.json", "clean.jsonl", "-o", "cleaner.jsonl")
    assert (code, (articles / "cleaner.jsonl").exists()) == (2, False)
    assert "holds no record 'b' of the report" in err


def test_standard_input_is_applied(cli: Cli, articles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (articles / "articles.jsonl").read_bytes()
    for arguments in (["run", "-", "-o", "piped.json"], ["apply", "piped.json", "-", "-o", "clean.jsonl"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        code, _, err = cli(*arguments)
        assert (code, err) == (0, "")
    assert (articles / "clean.jsonl").read_bytes() == data.splitlines(keepends=True)[0] + b"null\n"


def test_folder_is_applied_from_another_folder_than_it_was_run_in(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts" / "inner").mkdir(parents=True)
    for name in ("a.txt", "inner/b.md"):
        (tmp_path / "texts" / name).write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    assert cli("run", "texts", "-o", "report.json")[0] == 0
    monkeypatch.chdir(tmp_path / "texts")
    code, _, err = cli("apply", "../report.json", ".", "-o", "../clean", "--keep", "first")
    assert (code, err) == (0, "")
    assert [path.name for path in (tmp_path / "clean").iterdir()] == ["a.txt"]
    assert "would be written into the input" in cli("apply", "../report.json", ".", "-o", "clean")[2]
