import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

import dedup
from dedup.report.schema import report_schema

from .conftest import Cli

ROOT = Path(__file__).parents[1]
HANDMADE = ROOT / "tests" / "handmade" / "articles.jsonl"
TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.\n"


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Two copies of a text: nothing here needs a model."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT)
    (folder / "b.txt").write_text(TEXT)
    return folder


def program(*arguments: str | Path, stdout: IO[str] | int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    """The program in a process of its own."""
    return python("-m", "dedup", *arguments, stdout=stdout)


def python(*arguments: str | Path, stdout: IO[str] | int = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


# dedup run


def test_run_prints_what_it_found(cli: Cli, copies: Path) -> None:
    code, out, err = cli("run", copies)
    assert (code, err) == (0, "")
    assert "keep  a.txt  en  " in out
    assert "1 cluster with 2 of 2 records" in out


def test_run_writes_the_report_beside_what_it_prints(cli: Cli, copies: Path, tmp_path: Path) -> None:
    code, out, _ = cli("run", copies, "-o", tmp_path / "report.json", "--format", "json", "--threshold", "0.7")
    assert code == 0
    assert (tmp_path / "report.json").read_text() == out
    report = json.loads(out)
    assert [member["id"] for member in report["clusters"][0]["members"]] == ["a.txt", "b.txt"]
    assert report["settings"]["threshold"] == 0.7
    assert report["tool"] == {"name": "dedup", "version": dedup.__version__}
    document = report_schema()["$defs"]["Document"]
    assert set(document["required"]) <= set(report) <= set(document["properties"])


def test_run_tells_what_other_thresholds_would_change(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("run", HANDMADE, "--confirm", "never", "--sweep", "-o", tmp_path / "r.json")
    assert code == 0
    assert "\nOther thresholds, from the pairs that this run has judged\n" in out
    report = json.loads((tmp_path / "r.json").read_text())
    (own,) = (one for one in report["sweep"] if one["threshold"] == 0.5)
    assert (own["clusters"], own["changes"]) == (len(report["clusters"]), [])
    clusters = {cluster["id"] for cluster in report["clusters"]}
    gone = {one for outlook in report["sweep"] for change in outlook["changes"] for one in change["before"]}
    assert gone
    assert gone <= clusters
    assert cli("run", HANDMADE, "--confirm", "never", "--format", "json")[1].count('"sweep"') == 0


def test_run_writes_the_assignment(cli: Cli, copies: Path, tmp_path: Path) -> None:
    (copies / "=c.txt").write_text("Showers are expected over the northern hills tonight, clearing from the west.")
    code, _, err = cli("run", copies, "--confirm", "never", "--assignment", tmp_path / "a.csv")
    assert code == 0
    rows = (tmp_path / "a.csv").read_text().splitlines()
    assert rows[0] == "id,path,line,language,cluster,role,size,probability"
    assert [(row.split(",")[0], row.split(",")[5]) for row in rows[1:]] == [
        ("'=c.txt", "single"),
        ("a.txt", "keep"),
        ("b.txt", "copy"),
    ]
    assert "1 cell that a spreadsheet would run as a formula begins with '" in err
    code, out, err = cli("run", copies, "--assignment", tmp_path / "a.xls")
    assert (code, out) == (2, "")
    assert "no table has such an ending" in err


@pytest.mark.parametrize("option", ["-o", "--html", "--assignment"])
def test_no_result_is_written_over_what_is_read(cli: Cli, copies: Path, option: str, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("text\nOne.\n")
    (tmp_path / "link.csv").symlink_to(table)
    code, out, err = cli("run", table, copies, option, tmp_path / "link.csv")
    assert (code, out) == (2, "")
    assert "link.csv: one of the files that are read; name another one for the report" in err
    assert table.read_text() == "text\nOne.\n"


def test_two_results_in_one_file_are_refused(cli: Cli, copies: Path, tmp_path: Path) -> None:
    code, out, err = cli("run", copies, "-o", tmp_path / "r", "--html", tmp_path / "r")
    assert (code, out) == (2, "")
    assert "named for two results" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_report_that_cannot_be_written_is_still_printed(cli: Cli, copies: Path) -> None:
    code, out, err = cli("run", copies, "-o", "/dev/full")
    assert code == 2
    assert err == "dedup: /dev/full: cannot be written: No space left on device\n"
    assert "1 cluster with 2 of 2 records" in out


def test_missing_folder_of_the_report_is_noticed_before_the_work(cli: Cli, copies: Path) -> None:
    code, out, err = cli("run", copies, "-o", copies / "no" / "report.json")
    assert (code, out) == (2, "")
    assert "cannot be written: there is no folder" in err


def test_strict_run_fails_on_anything_skipped_but_reports(cli: Cli, copies: Path) -> None:
    (copies / "c.txt").touch()
    assert cli("run", copies)[0] == 0
    code, out, err = cli("run", copies, "--strict")
    assert (code, err) == (2, f"dedup: 1 skipped, the first: {copies}/c.txt: empty text (--strict)\n")
    assert "1 cluster with 2 of 2 records" in out
    (copies / "c.txt").unlink()
    assert cli("run", copies, "--strict")[0] == 0


def test_one_record_is_fine(cli: Cli, copies: Path) -> None:
    code, out, err = cli("run", copies / "a.txt")
    assert (code, err) == (0, "")
    assert "No two records carry the same article" in out


def test_nothing_to_compare_is_an_error(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert cli("run", tmp_path / "none") == (2, "", "dedup: nothing to compare: 0 records read, 0 skipped\n")
    (tmp_path / "t.jsonl").write_text("null\n{\n")
    code, out, err = cli("run", tmp_path / "t.jsonl")
    assert (code, out) == (2, "")
    assert err.startswith("dedup: nothing to compare: 0 records read, 2 skipped, the first: ")
    assert err.endswith("t.jsonl:1: null, not an object with fields\n")


def test_fields_of_a_table_can_be_named(cli: Cli, tmp_path: Path) -> None:
    rows = [{"n": number, "body": TEXT, "at": "https://example.org/a/b-c-d.html", "l": "de"} for number in (1, 2)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    names = ("--id-field", "n", "--text-field", "body", "--url-field", "at", "--language-field", "l")
    code, out, _ = cli("run", tmp_path / "t.jsonl", *names, "--format", "json")
    assert code == 0
    (cluster,) = json.loads(out)["clusters"]
    assert [member["id"] for member in cluster["members"]] == ["1", "2"]
    assert (cluster["source_url"], cluster["languages"]) == ("https://example.org/a/b-c-d.html", ["de"])


def test_translation_is_found_and_explained_by_the_bundled_model(cli: Cli, tmp_path: Path) -> None:
    url = "https://example.org/2025/committee-elected-8812.html"
    texts = {
        "en.txt": f"{TEXT}Its budget of 96 million pays for two bridges, a school and a new road.\nSource: {url}\n",
        "es.txt": "El consejo eligió el lunes a diecisiete miembros del nuevo comité, con sus 402 delegados.\n"
        f"Su presupuesto de 96 millones paga dos puentes, una escuela y una carretera nueva.\nFuente: {url}\n",
        "other.txt": "Heavy showers are expected over the northern hills tonight, clearing slowly from the west.\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    code, out, err = cli("run", tmp_path, "-o", tmp_path / "r.json", "--format", "json", "--confirm", "always")
    assert code == 0, err
    (cluster,) = json.loads(out)["clusters"]
    assert [member["id"] for member in cluster["members"]] == ["en.txt", "es.txt"]
    code, out, err = cli("explain", "es.txt", "en.txt", "--report", tmp_path / "r.json", "--format", "json")
    assert code == 0, err
    explanation = json.loads(out)
    assert (explanation["relation"], explanation["same_article"]) == (cluster["links"][0]["relation"], True)
    assert explanation["evidence"] == cluster["links"][0]["evidence"]
    assert explanation["left"]["record"]["id"] == "es.txt"


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Different texts, some of one article: models have something to compare."""
    path = tmp_path / "articles.jsonl"
    texts = [TEXT, TEXT.replace("Monday", "Tuesday"), "Showers are expected over the northern hills tonight."]
    path.write_text("".join(json.dumps({"id": str(n), "text": text}) + "\n" for n, text in enumerate(texts)))
    return path


def test_a_run_without_the_model_imports_none_of_it(articles: Path) -> None:
    script = (
        "import sys\n"
        "from dedup.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    done = python("-c", script, "run", articles, "--confirm", "never", "--format", "json")
    report = json.loads(done.stdout)
    assert [[member["id"] for member in cluster["members"]] for cluster in report["clusters"]] == [["0", "1"]]
    assert "token table" in report["encoder"]["name"]
    imported = set(done.stderr.split())
    assert "dedup.encoders.table" in imported
    assert not imported & {"torch", "transformers", "sentence_transformers"}


def test_the_number_of_workers_is_not_in_the_report(cli: Cli, articles: Path) -> None:
    one, two = (cli("run", articles, "--confirm", "never", "--format", "json", "--workers", n) for n in ("1", "2"))
    assert one == two
    assert one[0] == 0
    assert cli("run", articles, "--workers", "0")[0] == 2


def under_way(output: Path, workers: str) -> subprocess.Popen[bytes]:
    """A run that has read most of its records and goes on reading."""
    command = ["run", "-", "-o", str(output), "--confirm", "never", "--workers", workers]
    started = subprocess.Popen(
        [sys.executable, "-m", "dedup", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert started.stdin is not None
    rows = (json.dumps({"id": str(n), "text": f"{n} bees. {TEXT}"}) + "\n" for n in range(2_500))
    started.stdin.write("".join(rows).encode())  # far more than a pipe holds: once it is gone, the run is under way
    started.stdin.flush()
    return started


@pytest.mark.parametrize(
    ("workers", "number", "code", "told"),
    [
        ("1", signal.SIGINT, 130, b"dedup: interrupted: nothing is half-written"),
        ("2", signal.SIGINT, 130, b"dedup: interrupted: nothing is half-written"),
        ("2", signal.SIGTERM, 143, b"dedup: ended by SIGTERM: nothing is half-written"),
        ("2", signal.SIGHUP, 129, b"dedup: ended by SIGHUP: nothing is half-written"),
    ],
)
def test_an_interrupted_run_leaves_no_report_and_says_so_in_one_line(
    workers: str, number: int, code: int, told: bytes, tmp_path: Path
) -> None:
    started = under_way(tmp_path / "report.json", workers)
    started.send_signal(number)
    out, err = started.communicate(timeout=120)
    assert (started.returncode, out, err.count(b"\n")) == (code, b"", 1), err
    assert err.startswith(told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", ["html.page.page_of", "json_file.to_json"])
def test_an_interrupt_while_results_are_made_leaves_the_old_ones_and_prints_nothing(
    where: str, number: int, copies: Path, tmp_path: Path
) -> None:
    (tmp_path / "r.json").write_text("old")
    module, _, function = where.rpartition(".")
    interrupted = (
        f"import os, dedup.report.{module} as module\n"
        f"module.{function} = lambda *_, **__: os.kill(os.getpid(), {int(number)})\n"
        "from dedup.cli import main\nmain()"
    )
    run = ["run", copies, "--confirm", "never", "-o", tmp_path / "r.json", "--html", tmp_path / "p.html"]
    done = subprocess.run(
        [sys.executable, "-c", interrupted, *map(str, run), "--no-manifest"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (128 + number, "", 1), done.stderr
    assert (tmp_path / "r.json").read_text() == "old"


def test_the_workers_of_a_killed_run_end_with_it(tmp_path: Path) -> None:
    started = under_way(tmp_path / "report.json", "2")
    while len(workers := descendants(started.pid)) < 3:  # two of them, and Python's tracker of their resources
        assert started.poll() is None
        time.sleep(0.05)
    started.kill()
    started.communicate(timeout=120)
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def descendants(process: int) -> set[int]:
    """The processes that this one has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return {int(child) for child in children}


# dedup explain


def test_explain_takes_files_and_ids(cli: Cli, copies: Path, tmp_path: Path) -> None:
    cli("run", copies, "-o", tmp_path / "r.json")
    for arguments in (
        (copies / "a.txt", copies / "b.txt"),
        ("a.txt", "b.txt", "--report", tmp_path / "r.json"),
        ("a.txt", copies / "b.txt", "--in", copies),
    ):
        code, out, err = cli("explain", *arguments)
        assert (code, err) == (0, "")
        assert "The same article (exact): probability >0.999, threshold 0.5" in out


def test_explain_uses_the_settings_of_the_report_unless_told_otherwise(cli: Cli, copies: Path, tmp_path: Path) -> None:
    cli("run", copies, "-o", tmp_path / "r.json", "--threshold", "0.9")
    named = ("explain", "a.txt", "b.txt", "--report", tmp_path / "r.json", "--format", "json")
    assert json.loads(cli(*named)[1])["threshold"] == 0.9
    assert json.loads(cli(*named, "--threshold", "0.25")[1])["threshold"] == 0.25


def test_explain_says_in_one_line_what_is_not_found(cli: Cli, copies: Path) -> None:
    assert cli("explain", "nope", copies / "a.txt") == (
        2,
        "",
        "dedup: no file 'nope'; where it is the id of a record, say of what with --report or --in\n",
    )


# dedup evaluate


def test_evaluate_measures_a_report(cli: Cli, copies: Path, tmp_path: Path) -> None:
    cli("run", copies, "-o", tmp_path / "r.json")
    (tmp_path / "gold.tsv").write_text("a.txt\t1\nb.txt\t1\n")
    code, out, _ = cli("evaluate", tmp_path / "r.json", "--gold", tmp_path / "gold.tsv")
    assert code == 0
    assert "B-cubed            1.0000  1.0000  1.0000" in out
    code, out, _ = cli("evaluate", tmp_path / "r.json", "--gold", tmp_path / "gold.tsv", "--format", "json")
    assert json.loads(out)["pairs"]["f1"] == 1.0


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.tsv.zst", "a.parquet"])
def test_evaluate_says_of_an_assignment_what_it_says_of_its_report(
    cli: Cli, copies: Path, tmp_path: Path, name: str
) -> None:
    (copies / "=c.txt").write_text((copies / "a.txt").read_text())  # which is spelled otherwise in CSV
    cli("run", copies, "-o", tmp_path / "r.json", "--assignment", tmp_path / name)
    gold = tmp_path / "gold.csv"
    gold.write_text("a.txt,1\nb.txt,2\n=c.txt,1\nnowhere.txt,2\n")
    said = [cli("evaluate", tmp_path / found, "--gold", gold) for found in ("r.json", name)]
    assert said[0] == said[1]
    assert said[0][0] == 0
    assert "false merges (pairs)             2" in said[0][1]
    assert "members without gold             0" in said[0][1]


def test_ids_that_csv_spells_alike_are_refused(cli: Cli, copies: Path, tmp_path: Path) -> None:
    cli("run", copies, "--assignment", tmp_path / "a.csv")
    (tmp_path / "gold.csv").write_text("=c.txt,1\n'=c.txt,2\n")
    code, out, err = cli("evaluate", tmp_path / "a.csv", "--gold", tmp_path / "gold.csv")
    assert (code, out) == (2, "")
    assert err.startswith("dedup: gold has two ids that are one in CSV and TSV: ")


def test_evaluate_refuses_what_is_no_report(cli: Cli, copies: Path) -> None:
    code, out, err = cli("evaluate", copies / "a.txt", "--gold", copies / "a.txt")
    assert (code, out) == (2, "")
    assert err.startswith(f"dedup: {copies}/a.txt: not a dedup report: ")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.jsonl", '{"id": "a"}\n', "line 1: Object missing required field `cluster`"),
        ("a.jsonl", '{"id": "a", "cluster": "1"}\n{"id": "a", "cluster": null}\n', "record 'a' is in it twice"),
        ("a.csv", "id,line\na,1\n", "no column 'cluster'"),
        ("a.csv", "id,cluster\na\n", "line 2: 1 fields, not 2"),
        ("a.tsv", "", "no column 'cluster'"),
        ("a.parquet", "PAR1", "Parquet"),
    ],
)
def test_evaluate_refuses_a_table_that_is_no_assignment(
    cli: Cli, tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    (tmp_path / name).write_text(content)
    (tmp_path / "gold.tsv").write_text("a\t1\n")
    code, out, err = cli("evaluate", tmp_path / name, "--gold", tmp_path / "gold.tsv")
    assert (code, out) == (2, "")
    assert err.startswith(f"dedup: {tmp_path / name}: not an assignment of dedup: ")
    assert complaint in err
    assert len(err.splitlines()) == 1


def test_evaluate_refuses_a_folder_whose_tables_are_not_whole(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "gold.tsv").write_text("a\t1\n")
    call = ("evaluate", tmp_path, "--gold", tmp_path / "gold.tsv")
    assert cli(*call)[2] == f"dedup: {tmp_path}: a folder without assignment/, which --tables writes\n"
    (tmp_path / "assignment").mkdir()
    assert cli(*call)[2] == f"dedup: {tmp_path}: not whole: summary.json is missing, which is written last\n"


# Help


def test_help_shows_every_command_with_an_example(cli: Cli) -> None:
    code, out, err = cli("--help")
    assert (code, err) == (0, "")
    for command in ("run", "check", "index", "explain", "apply", "evaluate", "calibrate"):
        assert f"\n  {command} " in out
        assert f"\n    dedup {command} " in out
        code, help_of_command, _ = cli(command, "--help")
        assert code == 0
        assert f" dedup {command} " in help_of_command
    assert cli("--version") == (0, f"dedup {dedup.__version__}\n", "")


def test_help_and_version_import_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from dedup.cli import main\n"
        "try: main([sys.argv[1]])\n"
        "except SystemExit: print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    heavy = {"torch", "sentence_transformers", "transformers", "tokenizers", "datasketch", "scipy", "numpy", "rich"}
    for option in ("--help", "--version"):
        imported = set(python("-c", script, option).stderr.split())
        assert "dedup.cli" in imported
        assert heavy & imported == set()


# What goes wrong


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Missing command. See 'dedup --help'."),
        (("bogus",), "No such command 'bogus'. See 'dedup --help'."),
        (("run",), "Missing argument 'PATH...'. See 'dedup run --help'."),
        (("run", "--bogus", "x"), " See 'dedup run --help'."),
        (("run", "x", "--threshold", "many"), "'many' is not a valid float. See 'dedup run --help'."),
        (("run", "x", "--threshold", "nan"), "threshold is a probability between 0 and 1, not nan"),
        (("run", "missing\x1b[2J"), r"cannot read 'missing\x1b[2J': No such file or directory"),
        (("run", "missing\n.txt"), r"cannot read 'missing\n.txt': No such file or directory"),
        (("explain", "a"), "Missing argument 'B'. See 'dedup explain --help'."),
        (("evaluate", "r.json"), "Missing option '--gold'. See 'dedup evaluate --help'."),
        (("check", "x"), "Missing option '--against'. See 'dedup check --help'."),
        (("check", "--against", "."), "Missing argument 'NEW...'. See 'dedup check --help'."),
        (("check", "x", "--against", "y", "--format", "xml"), " See 'dedup check --help'."),
        (("index",), "Missing command. See 'dedup index --help'."),
        (("index", "bogus"), "No such command 'bogus'. See 'dedup index --help'."),
        (("index", "build", "i"), "Missing argument 'PATH...'. See 'dedup index build --help'."),
        (("index", "remove", "i"), "Missing argument 'NAME...', or --from FILE. See 'dedup index remove --help'."),
    ],
)
def test_wrong_call_is_one_line_and_exit_code_2(arguments: tuple[str, ...], complaint: str, cli: Cli) -> None:
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("dedup: ")
    assert err.endswith(f"{complaint}\n")
    assert err.count("\n") == 1


class PanicError(BaseException):
    """Like what a library in Rust raises where it panics (``PanicException`` of pyo3)."""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ZeroDivisionError("at\nodds"), "ZeroDivisionError: at odds"),
        (MemoryError(), "out of memory"),
        (PanicError("at 3"), "PanicError: at 3"),
        (ValueError("##[error]x"), "ValueError: #\\x23[error]x"),
    ],
)
def test_any_failure_is_one_line_and_exit_code_2_and_debug_shows_where(
    fault: BaseException, said: str, cli: Cli, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("dedup.pipeline.run_stages", fail)
    code, out, err = cli("run", copies)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    code, _, err = cli("--debug", "run", copies)
    assert code == 2
    assert "Traceback" in err
    assert said in err.splitlines()[-1]
    monkeypatch.setenv("DEDUP_DEBUG", "1")
    assert "Traceback" in cli("run", copies)[2]


def test_interrupt_is_one_line_and_exit_code_130(cli: Cli, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dedup.pipeline.run_stages", interrupted)
    code, out, err = cli("run", copies)
    assert (code, out, err.count("\n")) == (130, "", 1)
    assert err.startswith("dedup: interrupted: ")


@pytest.mark.parametrize("command", [("run",), ("check", "--against", "{copies}")])
@pytest.mark.parametrize("form", ["text", "json"])
def test_reader_that_goes_away_ends_the_program_silently(form: str, command: tuple[str, ...], copies: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    called = [argument.format(copies=copies) for argument in command]
    try:
        done = program(*called, copies, "--format", form, stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_failure(closing: str, copies: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dedup", "run", str(copies), "-o", str(tmp_path / "r.json")]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closing}', "sh", *command], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 0
    assert json.loads((tmp_path / "r.json").read_text())["clusters"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("command", [("run",), ("check", "--against", "{copies}"), ("check", "--help")])
def test_output_that_cannot_be_written_is_an_error(command: tuple[str, ...], copies: Path) -> None:
    called = [argument.format(copies=copies) for argument in command]
    with Path("/dev/full").open("w") as full:
        done = program(*called, copies, stdout=full)
    assert done.returncode == 2
    assert done.stderr == "dedup: standard output: No space left on device\n"


@pytest.mark.parametrize("columns", ["0", "1", "-5", "many"])
def test_an_odd_width_of_the_terminal_hides_nothing(
    columns: str, cli: Cli, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    code, out, _ = cli("run", copies, "--confirm", "never")
    assert code == 0
    assert "1cluster" in "".join(out.split())


def test_a_result_is_not_written_over_standard_input(tmp_path: Path) -> None:
    rows = '{"id": "a", "text": "Two bees met the mayor."}\n{"id": "b", "text": "Two bees met the mayor."}\n'
    (tmp_path / "in.jsonl").write_text(rows)
    command = [sys.executable, "-m", "dedup", "run", "-", "--confirm", "never", "-o"]
    for name, code in (("in.jsonl", 2), ("out.json", 0)):
        with (tmp_path / "in.jsonl").open() as given:
            done = subprocess.run(
                [*command, str(tmp_path / name)],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=given,
                capture_output=True,
                text=True,
                check=False,
            )
        complaint = f"dedup: {tmp_path}/in.jsonl: one of the files that are read; name another one for the report\n"
        assert (done.returncode, done.stderr) == (code, complaint if code else "")
        assert (tmp_path / "in.jsonl").read_text() == rows
    assert json.loads((tmp_path / "out.json").read_text())["clusters"]


@pytest.mark.parametrize("size", ["99999999999T", "0", "-1", "nan", "inf"])
def test_a_size_that_no_machine_has_is_one_line(cli: Cli, copies: Path, size: str) -> None:
    code, out, err = cli("run", copies, "--max-memory", size)
    assert (code, out) == (2, "")
    assert err == f"dedup: {size!r} is no size: give one such as 4G, 512M or 50%\n"


@pytest.mark.parametrize("relations", ["", "exact,"])
def test_a_relation_without_a_name_is_one_line(cli: Cli, copies: Path, tmp_path: Path, relations: str) -> None:
    cli("run", copies, "-o", tmp_path / "r.json")
    code, out, err = cli("apply", tmp_path / "r.json", copies, "--relations", relations, "--dry-run")
    assert (code, out) == (2, "")
    assert err.startswith("dedup: no relation '': give some of ")
