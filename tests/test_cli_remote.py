"""The commands with URLs in the place of paths. Texts are equal or far apart: nothing here needs a model."""

import json
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from dedup.index.folder import POINTER

from .conftest import Cli
from .read.elsewhere import Faults, StrangeError, empty_file_systems, write
from .repository import Repository

TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.\n"
OTHER = "Heavy showers are expected over the northern hills tonight, clearing slowly from the west by early morning.\n"


@pytest.fixture(autouse=True)
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """Three texts, two of them equal, in memory://news/ and in faulty://news/, and in news/ of the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("news").mkdir()
    with empty_file_systems() as faults:
        for name, text in {"a.txt": TEXT, "b.txt": TEXT, "c.txt": OTHER}.items():
            write(f"memory://news/{name}", text)
            write(f"faulty://news/{name}", text)
            Path("news", name).write_text(text)
        yield faults


def content(path: str) -> bytes:
    data: bytes = fsspec.filesystem("memory").cat_file(path)
    return data


def one_line(outcome: tuple[int, str, str]) -> str:
    """What a refused call says."""
    code, out, err = outcome
    assert (code, out) == (2, "")
    assert err.startswith("dedup: ")
    assert err.count("\n") == 1
    return err.removeprefix("dedup: ").rstrip("\n")


# run


def test_run_of_a_remote_folder_says_what_one_of_the_same_folder_here_says(cli: Cli) -> None:
    code, here, _ = cli("run", "news", "--format", "json")
    assert code == 0
    for scheme in ("memory", "faulty"):
        code, there, err = cli("run", f"{scheme}://news/", "--format", "json", "--workers", "2")
        assert (code, err) == (0, "")
        assert there.replace(f'"{scheme}://news/', '"news/') == here


def test_report_and_page_are_written_to_urls(cli: Cli) -> None:
    code, out, err = cli(
        "run", "memory://news", "-o", "memory://out/r.json", "--html", "memory://out/p.html", "--format", "json"
    )
    assert (code, err) == (0, "")
    assert content("/out/r.json").decode() == out
    assert cli("run", "memory://news", "--html", "here.html")[0] == 0
    assert content("/out/p.html") == Path("here.html").read_bytes()


def test_report_that_cannot_be_written_is_still_printed(cli: Cli, faults: Faults) -> None:
    faults.writing["/out.json"] = StrangeError("An error occurred (AccessDenied)")
    code, out, err = cli("run", "news", "-o", "faulty://out.json")
    assert (code, err) == (2, "dedup: faulty://out.json: cannot be written: An error occurred (AccessDenied)\n")
    assert "1 cluster with 2 of 3 records" in out


@pytest.mark.parametrize("url", ["memory://out/", "nowhere://out.json", "memory://a::b.json"])
def test_output_that_cannot_be_is_noticed_before_the_work(cli: Cli, url: str) -> None:
    assert url in one_line(cli("run", "memory://none", "-o", url))


def test_a_web_address_cannot_be_written_to(cli: Cli) -> None:
    pytest.importorskip("aiohttp")
    told = one_line(cli("run", "news", "-o", "https://me:word@host/r.json?key=1"))
    assert told == "https://host/r.json: cannot be written: a web address is only read"


def test_faults_of_remote_files_are_skipped_and_told_in_the_report(cli: Cli, faults: Faults) -> None:
    faults.reading["/news/b.txt"] = (7, StrangeError("Connection lost"))
    code, out, _ = cli("run", "faulty://news", "--format", "json")
    assert code == 0
    assert json.loads(out)["skipped"] == [
        {"path": "faulty://news/b.txt", "line": None, "reason": "cannot be read: Connection lost"}
    ]
    assert cli("run", "faulty://news", "--strict")[0] == 2


# check


def test_check_takes_urls_for_what_is_new_what_is_known_and_its_output(cli: Cli) -> None:
    write("memory://new/d.txt", OTHER)
    code, out, _ = cli("check", "memory://new", "--against", "memory://news", "-o", "memory://out/check.json")
    assert code == 1
    assert "c.txt" in out
    (finding,) = json.loads(content("/out/check.json"))["findings"]
    assert finding["matches"][0]["partner"]["path"] == "memory://news/c.txt"


def test_a_remote_file_is_no_copy_of_itself_however_it_is_given(cli: Cli) -> None:
    assert cli("check", "memory://news/c.txt", "--against", "memory://news")[0] == 0
    code, out, _ = cli("check", "memory://news/a.txt", "--against", "memory://news", "--format", "json")
    assert code == 1
    (finding,) = json.loads(out)["findings"]
    assert (finding["record"]["id"], finding["matches"][0]["partner"]["id"]) == ("a.txt", "b.txt")
    assert cli("check", "news/c.txt", "--against", "memory://news")[0] == 1


def test_an_index_elsewhere_is_refused(cli: Cli) -> None:
    assert cli("index", "build", "known.index", "memory://news")[0] == 0
    for file in Path("known.index").iterdir():
        write(f"memory://known.index/{file.name}", file.read_bytes())
    assert content(f"/known.index/{POINTER}")
    told = one_line(cli("check", "news", "--against", "memory://known.index"))
    assert told == "memory://known.index: an index is used from a local disk: copy it there first"
    told = one_line(cli("index", "info", "memory://known.index"))
    assert told == "memory://known.index: only a path of this machine can be given here"
    assert cli("check", "memory://news", "--against", f"file://{Path.cwd()}/known.index")[0] == 1


def test_records_of_a_remote_folder_are_removed_from_an_index_by_their_url(cli: Cli) -> None:
    assert cli("index", "build", "known.index", "memory://news")[0] == 0
    code, out, _ = cli("index", "remove", "known.index", "memory://news/a.txt")
    assert (code, out) == (0, "known.index: 1 removed; 2 records now.\n")


def test_git_knows_nothing_of_urls(cli: Cli, repository: Repository) -> None:
    repository.write("a.txt", TEXT)
    repository.commit()
    told = one_line(cli("check", "memory://news", "--changed-since", "HEAD", "--against", "."))
    assert told == "memory://news: git knows nothing of it: leave out --changed-since"
    repository.write("b.txt", OTHER)
    assert cli("check", ".", "--changed-since", "HEAD", "--against", "memory://news")[0] == 1
    here = f"file://{repository.folder}"
    assert cli("check", here, "--changed-since", "HEAD", "--against", "memory://news")[0] == 1


# What works on a report


@pytest.fixture
def report(cli: Cli) -> str:
    assert cli("run", "memory://news", "-o", "memory://report.json")[0] == 0
    return "memory://report.json"


def test_reports_are_read_from_urls(cli: Cli, report: str) -> None:
    Path("gold.jsonl").write_text('{"id": "a.txt", "gold": "1"}\n{"id": "b.txt", "gold": "1"}\n')
    code, out, err = cli("evaluate", report, "--gold", "gold.jsonl")
    assert (code, err) == (0, "")
    assert "B-cubed" in out
    assert cli("apply", report, "news", "-o", "clean")[0] == 0
    assert sorted(path.name for path in Path("clean").iterdir()) == ["a.txt", "c.txt"]
    told = one_line(cli("evaluate", "memory://gone.json", "--gold", "gold.jsonl"))
    assert told == "memory://gone.json: cannot be read: no such file or folder"


def test_only_files_here_are_rewritten(cli: Cli, report: str) -> None:
    told = one_line(cli("apply", report, "memory://news", "-o", "clean"))
    assert told == "memory://news: only files of this machine can be rewritten: copy it here first"
    told = one_line(cli("apply", report, "news", "-o", "memory://clean"))
    assert told == "memory://clean: only a path of this machine can be given here"


def test_a_pair_of_remote_files_is_explained(cli: Cli, report: str) -> None:
    code, out, _ = cli("explain", "memory://news/a.txt", "memory://news/b.txt", "--format", "json")
    assert (code, json.loads(out)["relation"]) == (0, "exact")
    code, out, _ = cli("explain", "a.txt", "b.txt", "--report", report, "--in", "memory://news", "--format", "json")
    assert (code, json.loads(out)["relation"]) == (0, "exact")


def test_what_a_report_speaks_of_is_not_fetched(cli: Cli, report: str) -> None:
    told = one_line(cli("explain", "a.txt", "b.txt", "--report", report))
    assert told == "record 'a.txt' of the report is elsewhere (memory://news/a.txt): give the input with --in"


def test_an_id_that_is_a_url_is_not_fetched(cli: Cli, report: str) -> None:
    for source in (("--in", "news"), ("--report", report)):
        told = one_line(cli("explain", "memory://news/a.txt", "memory://news/b.txt", *source))
        assert told.startswith("no record and no file 'memory://news/a.txt'")
    Path("rows.jsonl").write_text("".join(json.dumps({"id": f"https://x/{n}.txt", "text": TEXT}) + "\n" for n in "ab"))
    code, out, _ = cli("explain", "https://x/a.txt", "https://x/b.txt", "--in", "rows.jsonl", "--format", "json")
    assert (code, json.loads(out)["relation"]) == (0, "exact")


def test_code_scanning_gets_urls_as_they_are(cli: Cli) -> None:
    write("memory://new/d é%.txt", OTHER)
    code, out, _ = cli("check", "memory://new", "--against", "memory://news", "--format", "sarif")
    assert code == 1
    (result,) = json.loads(out)["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "memory://new/d%20%C3%A9%25.txt"


# What else speaks of files


def test_a_baseline_calls_remote_files_by_their_url_wherever_it_lies(cli: Cli) -> None:
    write("memory://new/d.txt", OTHER)
    call = ("check", "memory://new", "--against", "memory://news", "--baseline")
    assert cli(*call, "accepted.json", "--update-baseline")[0] == 0
    (pair,) = json.loads(Path("accepted.json").read_bytes())["pairs"]
    assert {pair["left"], pair["right"]} == {"memory://new/d.txt", "memory://news/c.txt"}
    Path("elsewhere").mkdir()
    Path("accepted.json").rename("elsewhere/accepted.json")
    code, out, _ = cli(*call, "elsewhere/accepted.json", "--format", "json")
    assert (code, json.loads(out)["stale"]) == (0, [])
    write("memory://new/d.txt", "Something else that nobody has written before, about a bakery and its bread.")
    code, out, _ = cli(*call, "elsewhere/accepted.json", "--format", "json")
    assert (code, len(json.loads(out)["stale"])) == (0, 1)


def test_a_check_is_not_written_over_what_it_reads(cli: Cli) -> None:
    told = one_line(cli("check", "memory://news", "--against", "memory://news", "-o", "memory:///news/c.txt"))
    assert told == "memory:///news/c.txt: one of the files that are read; name another one for the report"
    assert content("/news/c.txt").decode() == OTHER


def test_assignment_is_written_to_a_url(cli: Cli) -> None:
    code, _, err = cli("run", "memory://news", "--assignment", "memory://out/table.csv.gz")
    assert (code, err) == (0, "")
    assert cli("run", "memory://news", "--assignment", "here.csv.gz")[0] == 0
    assert content("/out/table.csv.gz") == Path("here.csv.gz").read_bytes()
    assert "no table has such an ending" in one_line(cli("run", "news", "--assignment", "memory://out/table.xls"))


def test_an_assignment_in_every_format_is_read_from_where_it_was_written(cli: Cli) -> None:
    fields = ("--id-field", "id", "--text-field", "id", "--format", "json")
    for ending in ("jsonl.zst", "tsv.gz", "csv", "parquet"):
        if ending == "parquet":
            pytest.importorskip("pyarrow")
        for scheme in ("memory", "faulty"):
            url = f"{scheme}://out/table.{ending}"
            assert cli("run", "memory://news", "--assignment", url)[0] == 0
            code, out, err = cli("run", url, *fields)
            assert (code, err) == (0, "")
            assert json.loads(out)["input"]["records"] == 3
