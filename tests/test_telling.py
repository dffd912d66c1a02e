"""What the program tells on standard error: as text and as JSON, by default and with -v."""

import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dedup.cli.telling import JSON, TEXT, Teller
from dedup.events import NOTICE, tell
from dedup.report.bars import bars

from .conftest import Cli

ARTICLE = (
    "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.\n"
)

HOSTILE = "\x1b[2J\u202egnp.txt\n::error::no ##[error]no"
"""Clears a screen, turns a line around, and commands a GitHub runner."""

TIMED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z dedup: ")

ERASED = "\x1b[2K"

LOG = logging.getLogger("dedup.tests")


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Two copies and a line that is no record, in a file whose name is hostile."""
    path = tmp_path / f"{HOSTILE.replace('/', '')}.jsonl"
    rows = [{"id": str(n), "text": ARTICLE} for n in range(2)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "null\n")
    return path


@pytest.fixture
def teller() -> Iterator[Teller]:
    """Listens to all that is told here."""
    made = Teller()
    LOG.addHandler(made)
    LOG.setLevel(logging.DEBUG)
    yield made
    LOG.removeHandler(made)


def objects(err: str) -> list[dict[str, Any]]:
    assert err.isascii()
    return [json.loads(line) for line in err.splitlines()]


@pytest.mark.parametrize("where", ["before", "after", "both"])
def test_v_tells_stages_skipped_input_and_files_a_line_each(
    where: str, cli: Cli, articles: Path, tmp_path: Path
) -> None:
    call = ["run", str(articles), "--confirm", "never", "-o", str(tmp_path / "r.json")]
    call = {"before": ["-v", *call], "after": [*call, "--verbose"], "both": ["-v", *call, "-v"]}[where]
    code, out, err = cli(*call)
    assert code == 0
    assert "1 cluster with 2 of 2 records" in out
    lines = err.splitlines()
    assert all(TIMED.match(line) for line in lines), err
    told = [TIMED.sub("", line) for line in lines]
    assert told[0].startswith("dedup run begins: dedup ")
    assert told[-1].startswith("ended with exit code 0 after ")
    assert any(one.startswith("reading and sketching: done; 2; records 2; skipped 1; texts 1; ") for one in told)
    assert any(one.startswith("skipped ") and one.endswith(":3: null, not an object with fields") for one in told)
    size = (tmp_path / "r.json").stat().st_size
    assert f"written: {tmp_path / 'r.json'}, {size:,} bytes" in told
    for unsafe in ("\x1b", "\u202e", "##[", "\n::"):
        assert unsafe not in err


def test_without_v_nothing_is_told(cli: Cli, articles: Path) -> None:
    code, _, err = cli("run", articles, "--confirm", "never")
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    "call",
    [
        ("--log-format", "json", "-v", "run", "{}", "--confirm", "never"),
        ("run", "{}", "--confirm", "never", "-v", "--log-format=json"),
    ],
)
def test_as_json_every_line_is_an_object_whatever_a_path_holds(call: tuple[str, ...], cli: Cli, articles: Path) -> None:
    code, _, err = cli(*(argument.format(articles) for argument in call))
    assert code == 0
    told = objects(err)
    assert [one["event"] for one in told][:2] == ["began", "stage-began"]
    (skipped,) = (one for one in told if one["event"] == "skipped")
    assert skipped["facts"] == {"path": str(articles), "line": 3, "reason": "null, not an object with fields"}
    assert "##[" not in err
    ended = {one["facts"]["stage"]: one["facts"] for one in told if one["event"] == "stage-ended"}
    assert ended["reading and sketching"]["counts"] == {"records": 2, "skipped": 1, "texts": 1}
    assert all(facts["seconds"] >= 0 and facts["memory"] > 0 for facts in ended.values())
    assert {(one["level"], one["logger"].partition(".")[0]) for one in told} == {("info", "dedup")}
    assert told[-1]["facts"]["exit"] == 0


def test_a_failure_is_one_line_of_json_with_its_exit_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEDUP_LOG_FORMAT", "json")
    for call in (("run", f"missing{HOSTILE}"), ("run",), ("--bogus",), ("bogus",)):
        code, out, err = cli(*call)
        (failed,) = objects(err)
        assert (code, out, failed["event"], failed["level"], failed["facts"]) == (2, "", "failed", "error", {"exit": 2})
        assert "traceback" not in failed
    (failed,) = objects(cli("run", "missing", "--debug")[2])
    assert failed["traceback"][0] == "Traceback (most recent call last):"
    assert failed["traceback"][-1].startswith("dedup.errors.InputError: cannot read 'missing'")
    monkeypatch.setenv("DEDUP_LOG_FORMAT", "xml")
    code, _, err = cli("run", "missing")
    assert (code, err.count("\n")) == (2, 1)
    assert "'xml' is not one of 'text', 'json'" in err


def test_debug_is_taken_after_the_command_too(cli: Cli) -> None:
    code, _, err = cli("run", "missing\x1b[2J", "--debug")
    assert (code, "\x1b" in err) == (2, False)
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.splitlines()[-1].startswith("dedup: cannot read 'missing")


@pytest.mark.parametrize(
    "call",
    [("check", "{0}", "--against", "{0}"), ("index", "build", "{1}", "{0}"), ("apply", "{2}", "{0}", "--dry-run")],
)
def test_all_commands_that_take_time_tell_their_stages(
    call: tuple[str, ...], cli: Cli, articles: Path, tmp_path: Path
) -> None:
    report, index = tmp_path / "r.json", tmp_path / "i"
    assert cli("run", articles, "--confirm", "never", "-o", report)[0] == 0
    options = () if call[0] == "apply" else ("--confirm", "never")
    code, _, err = cli(*(part.format(articles, index, report) for part in call), *options, "-v", "--log-format", "json")
    assert code == (1 if call[0] == "check" else 0), err
    assert any(one["event"] == "stage-ended" for one in objects(err))


def test_lone_surrogates_are_written_out_in_json(teller: Teller, capsys: pytest.CaptureFixture[str]) -> None:
    teller.form = JSON
    extra = {"event": "skipped", "facts": {"path": "\udcff", "line": None}}
    record = LOG.makeRecord(LOG.name, logging.INFO, __file__, 1, "skipped %s", ("\udcff",), None, extra=extra)
    teller.handle(record)  # not by the logger: pytest keeps what is logged, and cannot pass on every character
    (told,) = objects(capsys.readouterr().err)
    assert (told["message"], told["facts"]) == ("skipped \\udcff", {"path": "\\udcff", "line": None})


def test_a_note_that_is_no_event_is_told_too(teller: Teller, capsys: pytest.CaptureFixture[str]) -> None:
    teller.form = JSON
    LOG.warning("kept in %s", "a folder")
    (told,) = objects(capsys.readouterr().err)
    assert (told["event"], told["message"], told["level"]) == ("note", "kept in a folder", "warning")
    teller.form = TEXT
    LOG.log(NOTICE, "kept in %s", "a\nfolder")
    assert capsys.readouterr().err == "dedup: kept in a folder\n"


def test_lines_do_not_tear_the_bars(
    teller: Teller, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    teller.verbosity = 1
    with bars() as progress:
        progress("reading", 1, 2)
        tell(LOG, "note", "told while a bar is shown")
        progress("reading", 2, 2)
    shown = capsys.readouterr().err
    before, line, after = re.split(r"(\d{4}-[^\n\x1b]*Z dedup: told while a bar is shown)", shown)
    assert before.endswith(ERASED)  # the bar, which is drawn again below the line
    assert after.startswith("\n")
    assert TIMED.match(line)
    assert "2/2" in re.sub(r"\x1b\[[\d;]*m", "", after)


@pytest.mark.usefixtures("teller")
def test_a_standard_error_that_is_gone_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    tell(LOG, "note", "nobody reads this")
