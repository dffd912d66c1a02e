"""The same bad input (``tests/bad_inputs``) given to the other commands that read: nothing ends in a traceback, and all
of it is counted and named.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import bad_inputs
import pytest
from bad_corpus import STDIN_FILE, Bad
from bad_inputs import EXPECTED

from dedup import Record, find_clusters
from dedup.encoders import TABLE, load_encoder
from dedup.report.json_file import to_json

from .conftest import Cli

COMMITTED: Final = Path(__file__).parent / "bad_inputs"
LISTED: Final[dict[str, Any]] = json.loads((COMMITTED / EXPECTED).read_bytes())
BAD: Final = [Bad(**one) for one in LISTED["bad"]]
PATHS: Final = [path for path in LISTED["paths"] if path != "-"]
TABLES: Final = [path for path in PATHS if path.startswith("rows.")]
"""What has good records of every id that a bad one repeats."""

ONE_LINE: Final = re.compile(r"dedup: [^\n]+\n")


@pytest.fixture(scope="module", autouse=True)
def table_is_there() -> None:
    """What a first use of the token table says is not what these tests are about."""
    load_encoder(TABLE, 1).encode(["A text."])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The corpus as the working folder, and a place for results."""
    monkeypatch.chdir(COMMITTED)
    return tmp_path


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some report."""
    path = tmp_path_factory.mktemp("report") / "report.json"
    path.write_bytes(to_json(find_clusters([Record("a", "One text."), Record("b", "One text.")])))
    return path


def bad_in(paths: Sequence[str]) -> list[Bad]:
    return [one for one in BAD if one.path.partition("/")[0] in paths]


@pytest.mark.usefixtures("here")
def test_check_names_what_is_bad_on_both_sides(cli: Cli) -> None:
    new = ["rows.csv.gz", "rows.parquet"]
    against = [part for path in TABLES for part in ("--against", path)]
    code, out, err = cli("check", *new, *against, "--confirm", "never", "--format", "json")
    told = json.loads(out)
    assert (code in {0, 1}, err) == (True, "")
    doubles = [one for one in bad_in(new) if one.kind == "duplicate id"]  # of records that only the known have
    apart = [one for one in bad_in(new) if one.kind != "duplicate id"]
    missed, others = bad_inputs.unlike(apart, told["skipped"])
    assert missed == []
    assert len(others) <= len(doubles)
    assert bad_inputs.unlike(bad_in(TABLES), told["known_skipped"]) == ([], [])


def test_an_index_counts_all_and_names_the_first(cli: Cli, here: Path) -> None:
    code, out, err = cli("index", "build", here / "known", *TABLES)
    assert (code, err) == (0, "")
    assert_counted(out, len(bad_in(TABLES)))
    others = [path for path in PATHS if path not in TABLES]
    code, out, err = cli("index", "add", here / "known", *others)
    assert (code, err) == (0, "")
    assert_counted(out, len(bad_in(others)))
    _, out, _ = cli("index", "info", here / "known", "--format", "json")
    piped = (COMMITTED / STDIN_FILE).read_bytes().count(b"\n") - len(bad_in(["-"]))
    assert json.loads(out)["records"] == len(LISTED["good"]) - piped
    code, _, err = cli("index", "add", here / "known", *others, "--strict")
    assert code == 2
    assert ONE_LINE.fullmatch(err)


def assert_counted(out: str, count: int) -> None:
    named = re.findall(r"^ +skipped .+: .+$", out, re.MULTILINE)
    more = re.search(r"… and ([\d,]+) more", out)
    assert len(named) + int(more[1] if more else 0) == count


@pytest.mark.parametrize("path", ["rows.jsonl", "rows.csv.gz", "rows.tsv.zst", "rows.parquet"])
def test_apply_keeps_what_the_run_could_not_use(cli: Cli, here: Path, path: str) -> None:
    report, out = here / "report.json", here / f"out.{path.partition('.')[2]}"
    assert cli("run", path, "--confirm", "never", "-o", report)[0] == 0
    code, told, err = cli("apply", report, path, "-o", out)
    assert (code, err) == (0, ""), told
    before = json.loads(report.read_bytes())
    code, again, err = cli("run", out, "--confirm", "never", "--format", "json")
    assert (code, err) == (0, "")
    after = json.loads(again)
    assert after["input"]["records"] < before["input"]["records"]
    assert reasons(after) == reasons(before)


def reasons(report: Mapping[str, Any]) -> list[str]:
    """But for places, which move."""
    return sorted(re.sub(r"\(kept: .+", "", one["reason"]) for one in report["skipped"])


@pytest.mark.parametrize("path", ["cut-off.jsonl.gz", "cut-off.csv.zst", "wrong-checksum.tsv.gz"])
def test_apply_refuses_a_file_that_breaks_off(cli: Cli, here: Path, path: str) -> None:
    report = here / "report.json"
    assert cli("run", path, "texts", "--confirm", "never", "-o", report)[0] == 0
    code, out, err = cli("apply", report, path, "texts", "-o", here / "out")
    assert (code, out) == (2, "")
    assert ONE_LINE.fullmatch(err)
    assert path in err
    assert not (here / "out").exists()


@pytest.mark.usefixtures("here")
def test_explain_finds_a_record_among_bad_ones_and_else_says_what_was_skipped(cli: Cli) -> None:
    among = [part for path in TABLES for part in ("--in", path)]
    code, out, err = cli("explain", "flood-en", "flood-es", *among, "--model", "table")
    assert (code, err) == (0, "")
    assert "flood-es" in out
    code, out, err = cli("explain", "flood-en", "nothing", *among)
    assert (code, out) == (2, "")
    assert ONE_LINE.fullmatch(err)
    # Which id another one repeats nobody asked here, and of texts that show nothing only those are seen that are empty.
    later = {"duplicate id", "the text is variation selectors"}
    assert f"of the input, {sum(one.kind not in later for one in bad_in(TABLES))} skipped" in err


@pytest.mark.parametrize("path", [path for path in PATHS if "parquet" not in path and path != "texts"])
@pytest.mark.usefixtures("here")
def test_no_file_is_gold_that_is_none(cli: Cli, report: Path, path: str) -> None:
    code, out, err = cli("evaluate", report, "--gold", path)
    assert (code, out) == (2, "")
    assert ONE_LINE.fullmatch(err)


@pytest.mark.parametrize("path", TABLES)
def test_calibrate_says_what_it_could_not_use(cli: Cli, here: Path, path: str) -> None:
    code, out, err = cli("calibrate", path, "-o", here / "out", "--model", "table")
    assert (code, out) == (2, "")
    assert ONE_LINE.fullmatch(err)
    assert "skipped, the first: " in err
