"""``dedup check`` and ``dedup index`` as they are called. Texts are equal or far apart: nothing here needs a model."""

import csv
import gzip
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from dedup.cli.check import ENDINGS
from dedup.index.folder import POINTER
from dedup.report.gate import FORMS

from .conftest import Cli
from .repository import Repository

TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.\n"
OTHER = "Heavy showers are expected over the northern hills tonight, clearing slowly from the west by early morning.\n"
THIRD = "A ferry with ninety passengers ran aground near the harbour; nobody was hurt, the captain said afterwards.\n"


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``known/`` with two texts, ``copy/`` with a copy of one, ``fresh/`` with another text, as the working folder."""
    texts = {"known/a.txt": TEXT, "known/sub/b.txt": OTHER, "copy/c.txt": TEXT, "fresh/d.txt": THIRD}
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pairs(report: str) -> list[tuple[str, str]]:
    """New and partner, as the JSON report has them."""
    return [
        (finding["record"]["id"], match["partner"]["id"])
        for finding in json.loads(report)["findings"]
        for match in finding["matches"]
    ]


# What is found


def test_copy_of_a_known_text_is_exit_code_1_and_names_it(cli: Cli) -> None:
    code, out, err = cli("check", "copy", "--against", "known")
    assert (code, err) == (1, "")
    assert "known/a.txt" in out
    assert "copy/c.txt" in out


def test_nothing_found_is_exit_code_0(cli: Cli) -> None:
    code, out, err = cli("check", "fresh", "--against", "known")
    assert (code, err) == (0, "")
    assert "1 new record" in out
    assert "against 2 known" in out


def test_new_records_are_checked_against_one_another(cli: Cli, places: Path) -> None:
    (places / "fresh" / "e.txt").write_text(THIRD)
    code, out, _ = cli("check", "fresh", "--against", "known", "--format", "json")
    assert code == 1
    assert pairs(out) == [("e.txt", "d.txt")]


def test_record_is_not_its_own_copy(cli: Cli, places: Path) -> None:
    for new in ("known", "known/a.txt", str(places / "known" / "sub" / "b.txt")):
        assert cli("check", new, "--against", "known")[0] == 0, new
    assert cli("index", "build", "i", "known")[0] == 0
    for new in ("known", "known/a.txt", str(places / "known" / "sub" / "b.txt")):
        assert cli("check", new, "--against", "i")[0] == 0, new


def test_several_known_paths_are_one_set(cli: Cli) -> None:
    code, out, _ = cli("check", "copy/c.txt", "--against", "known/sub", "--against", "known/a.txt", "--format", "json")
    assert (code, pairs(out)) == (1, [("c.txt", "a.txt")])


def write_table(name: str, *rows: tuple[str, ...]) -> None:
    """A table of comma or tab separated values, packed where the name says so."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter="\t" if ".tsv" in name else ",").writerows(rows)
    data = file.getvalue().encode()
    Path(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


@pytest.mark.parametrize(("new", "known"), [("n.csv", "k.tsv"), ("n.tsv.gz", "k.csv.gz"), ("n.csv", "k.csv")])
def test_tables_with_a_header_are_checked(new: str, known: str, cli: Cli) -> None:
    in_lines = TEXT.strip().replace(", ", ",\n")
    write_table(known, ("id", "text", "note"), ("1", OTHER.strip(), '"'), ("2", in_lines, ""))
    write_table(new, ("note", "id", "text"), ("", "1", THIRD.strip()), ('a "note"', "7", TEXT), ("", "8", " "))
    for against in (known, "i"):
        cli("index", "build", "i", known)
        code, out, err = cli("check", new, "--against", against, "--format", "json")
        assert (code, err) == (1, "")
        report = json.loads(out)
        assert pairs(out) == [("7", "2")]
        (finding,) = report["findings"]
        assert (finding["record"]["path"], finding["record"]["line"]) == (new, 3)
        assert (finding["matches"][0]["partner"]["path"], finding["matches"][0]["partner"]["line"]) == (known, 3)
        assert (report["input"]["records"], report["input"]["known"], report["input"]["skipped"]) == (2, 2, 1)
    assert f"::error file={new},line=3," in cli("check", new, "--against", known, "--format", "github")[1]


def test_only_new_rows_of_a_changed_csv_are_checked(cli: Cli, repository: Repository) -> None:
    rows = [("id", "text"), ("1", TEXT), ("2", OTHER), ("3", OTHER)]
    write_table("t.csv", *rows)
    repository.commit()
    asked = ("check", "--changed-since", "HEAD", "--against", "t.csv", "--format", "json")
    for row in (("4", THIRD), ("5", TEXT)):
        rows.insert(1, row)
        write_table("t.csv", *rows)
        code, out, _ = cli(*asked)
        assert (code, pairs(out)) == ((0, []) if row[0] == "4" else (1, [("5", "1")]))


def test_records_come_from_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = json.dumps({"n": 7, "body": TEXT}).encode()
    names = ("--id-field", "n", "--text-field", "body", "--format", "json")
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
        code, out, err = cli("check", "-", "--against", "known", *names)
        assert (code, err, pairs(out)) == (1, "", [("7", "a.txt")])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    code, out, err = cli("check", "known", "--against", "-", *names)
    assert (code, err, pairs(out)) == (1, "", [("a.txt", "7")])
    assert cli("check", "-", "--against", "-") == (2, "", "dedup: standard input (-) can be read only once\n")


# Against an index


def test_index_stands_for_the_records_it_was_built_of(cli: Cli) -> None:
    assert cli("index", "build", "i", "known") == (0, "i: 2 added; 2 records now.\n", "")
    code, out, err = cli("check", "copy", "fresh", "--against", "i", "--format", "json")
    assert (code, err, pairs(out)) == (1, "", [("c.txt", "a.txt")])
    assert pairs(cli("check", "copy", "fresh", "--against", "known", "--format", "json")[1]) == pairs(out)


def test_index_brings_its_settings_but_the_call_may_say_some_anew(cli: Cli) -> None:
    cli("index", "build", "i", "known", "--confirm", "never", "--threshold", "0.7")
    asked = ("check", "fresh", "--against", "i", "--format", "json")
    assert json.loads(cli(*asked)[1])["settings"]["threshold"] == 0.7
    assert json.loads(cli(*asked)[1])["settings"]["confirm"] == "never"
    assert json.loads(cli(*asked, "--threshold", "0.9")[1])["settings"]["threshold"] == 0.9
    code, out, err = cli(*asked, "--model", "table")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "dedup index build" in err


def test_index_stands_alone(cli: Cli) -> None:
    cli("index", "build", "i", "known")
    complaint = "dedup: --against takes one index or any number of paths, not 'i' and more\n"
    assert cli("check", "fresh", "--against", "known", "--against", "i") == (2, "", complaint)
    complaint = "dedup: i: an index, which holds known records: NEW is a folder or a file\n"
    assert cli("check", "i", "--against", "known") == (2, "", complaint)
    code, out, err = cli("check", "--changed-since", "HEAD", "--against", "i")
    assert (code, out, err) == (2, "", "dedup: Missing argument 'NEW...'. See 'dedup check --help'.\n")


def test_index_without_its_beginning_is_not_a_folder_without_texts(cli: Cli) -> None:
    cli("index", "build", "i", "known")
    Path("i", POINTER).unlink()
    code, out, err = cli("check", "copy", "--against", "i")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"dedup: i: an index without {POINTER}, unfinished or broken: make it anew with ")
    assert cli("index", "build", "i", "known")[0] == 0
    assert cli("check", "copy", "--against", "i")[0] == 1


def test_record_is_not_its_own_copy_where_a_link_leads_to_the_known_one(cli: Cli) -> None:
    Path("link").symlink_to("known")
    Path("known/t.jsonl").write_text(json.dumps({"text": THIRD}))
    for new, against in (("known", "link"), ("link", "known")):
        code, out, _ = cli(
            "check", new, f"{new}/t.jsonl", "--against", against, "--against", f"{against}/t.jsonl", "--format", "json"
        )
        assert (code, json.loads(out)["input"]["replaced"]) == (0, 3)


# What git says


def test_only_what_was_changed_is_checked_and_new_may_be_left_out(cli: Cli, repository: Repository) -> None:
    repository.commit(**{"in/a.txt": TEXT, "in/b.txt": OTHER, "in/copy of b.txt": OTHER})
    asked = ("check", "--changed-since", "main", "--against", "in", "--format", "json")
    repository.git("switch", "--quiet", "--create", "branch")
    repository.commit(**{"in/deep/copy.txt": TEXT, "out.txt": OTHER})
    code, out, err = cli(*asked)
    assert (code, err, pairs(out)) == (1, "", [("deep/copy.txt", "a.txt")])
    code, out, _ = cli("check", "in", "out.txt", *asked[1:])
    assert (code, pairs(out)) == (1, [("deep/copy.txt", "a.txt"), ("out.txt", "b.txt")])
    repository.write("in/deep/copy.txt", THIRD)
    assert cli(*asked)[::2] == (0, "")


def test_unchanged_files_of_new_that_are_not_known_are_counted(cli: Cli, repository: Repository) -> None:
    repository.commit(**{"in/a.txt": OTHER, "drafts/one.txt": TEXT, "drafts/two.txt": THIRD})
    repository.write("drafts/copy.txt", TEXT)
    asked = ("check", "drafts", "--changed-since", "HEAD", "--against", "in")
    code, out, _ = cli(*asked, "--format", "json")
    assert (code, json.loads(out)["input"]["unchanged"]) == (0, 2)
    assert "2 files of NEW are unchanged, and not known either" in cli(*asked)[1]
    code, out, _ = cli(*asked, "--against", "drafts", "--format", "json")
    assert (code, json.loads(out)["input"]["unchanged"]) == (1, 0)


def test_known_records_of_files_that_are_gone_do_not_count(cli: Cli, repository: Repository) -> None:
    repository.commit(**{"in/a.txt": TEXT, "in/b.txt": OTHER, ".gitignore": "/i/\n"})
    cli("index", "build", "i", "in")
    repository.git("mv", "in/a.txt", "in/z.txt")
    assert cli("check", "in/z.txt", "--against", "i")[0] == 1
    code, out, _ = cli("check", "in", "--changed-since", "HEAD", "--against", "i", "--format", "json")
    assert (code, json.loads(out)["input"]["gone"]) == (0, 1)
    assert cli("check", "--changed-since", "HEAD", "--against", "in")[0] == 0


def test_of_a_changed_table_only_new_rows_are_checked(cli: Cli, repository: Repository) -> None:
    rows = [{"id": str(n), "text": text} for n, text in enumerate((TEXT, OTHER, OTHER))]
    repository.commit(**{"t.jsonl": "".join(json.dumps(row) + "\n" for row in rows)})
    asked = ("check", "--changed-since", "HEAD", "--against", "t.jsonl", "--format", "json")
    for row in ({"id": "3", "text": THIRD}, {"id": "4", "text": TEXT}):
        rows.insert(0, row)
        repository.write("t.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        code, out, _ = cli(*asked)
        assert (code, pairs(out)) == ((0, []) if row["id"] == "3" else (1, [("4", "0")]))


def test_nothing_new_is_exit_code_0_and_said(cli: Cli, repository: Repository) -> None:
    repository.commit(**{"in/a.txt": TEXT})
    repository.write("elsewhere.txt", TEXT)
    code, out, err = cli("check", "--changed-since", "main", "--against", "in")
    assert code == 0
    assert "0 new records" in out
    assert err == "dedup: nothing new: git says that no record was added or changed since 'main'\n"
    (repository.folder / "none").mkdir()
    code, out, err = cli("check", "none", "--against", "in", "--format", "json")
    assert (code, err, pairs(out)) == (
        0,
        "dedup: nothing new: NEW holds no record: of a folder the .txt and .md files are read\n",
        [],
    )


@pytest.mark.parametrize("revision", ["nope", "--help", "-x"])
def test_wrong_revision_is_one_line_and_exit_code_2(revision: str, cli: Cli, repository: Repository) -> None:
    repository.commit(**{"in/a.txt": TEXT})
    code, out, err = cli("check", f"--changed-since={revision}", "--against", "in")
    assert (code, out) == (2, "")
    assert err == f"dedup: no revision '{revision}' in {repository.folder}\n"


# The baseline


def test_baseline_accepts_what_is_known_and_only_that(cli: Cli) -> None:
    asked = ("check", "copy", "--against", "known", "--baseline", "b.json")
    code, out, err = cli(*asked)
    assert (code, out, err) == (2, "", "dedup: b.json: the baseline cannot be read: No such file or directory\n")
    code, out, err = cli(*asked, "--update-baseline")
    assert (code, err) == (0, "")
    written = Path("b.json").read_bytes()
    assert b'"copy/c.txt"' in written
    assert cli(*asked)[::2] == (0, "")
    assert cli(*asked, "--update-baseline")[0] == 0
    assert Path("b.json").read_bytes() == written
    Path("copy/e.txt").write_text(OTHER)
    code, out, _ = cli(*asked, "--format", "json")
    accepted = {one["record"]["id"]: one["accepted"] for one in json.loads(out)["findings"]}
    assert (code, accepted) == (1, {"c.txt": True, "e.txt": False})


def test_baseline_that_no_longer_applies_is_told(cli: Cli) -> None:
    asked = ("check", "copy", "--against", "known", "--baseline", "b.json")
    cli(*asked, "--update-baseline")
    Path("copy/c.txt").write_text(THIRD)
    code, out, _ = cli(*asked, "--format", "json")
    assert (code, json.loads(out)["stale"]) == (0, [{"left": "copy/c.txt", "right": "known/a.txt"}])
    assert cli(*asked, "--update-baseline")[0] == 0
    assert json.loads(cli(*asked, "--format", "json")[1])["stale"] == []


def test_baseline_serves_checks_against_several_places(cli: Cli) -> None:
    Path("more").mkdir()
    Path("more/k.txt").write_text(TEXT)
    write_table("t.csv", ("id", "text"), ("7", TEXT))
    places = ("known", "more", "t.csv")
    asked = [("check", "copy", "--against", place, "--baseline", "b.json", "--format", "json") for place in places]
    for one in asked:
        assert cli(*one, "--update-baseline")[0] == 0
    assert len(json.loads(Path("b.json").read_text())["pairs"]) == 3
    for one in asked:
        code, out, _ = cli(*one)
        assert (code, json.loads(out)["stale"]) == (0, [])
    Path("more/k.txt").write_text(OTHER)
    write_table("t.csv", ("id", "text"), ("7", OTHER))
    cli("index", "build", "i", "more")
    for against, partner in (("more", "more/k.txt"), ("i", "more/k.txt"), ("t.csv", "id:7")):
        code, out, _ = cli(*asked[0][:3], against, *asked[0][4:])
        stale = [sorted(one.values()) for one in json.loads(out)["stale"]]
        assert (code, stale) == (0, [sorted(["copy/c.txt", partner])])
    Path("more/k.txt").unlink()
    _, out, _ = cli(*asked[0])
    assert [one["right"] for one in json.loads(out)["stale"]] == ["more/k.txt"]


def test_updating_wants_a_file_that_can_be_written(cli: Cli) -> None:
    code, out, err = cli("check", "copy", "--against", "known", "--update-baseline")
    assert (code, out) == (2, "")
    assert err == (
        "dedup: --update-baseline writes the file that --baseline names: name one. See 'dedup check --help'.\n"
    )
    code, out, err = cli("check", "copy", "--against", "known", "--update-baseline", "--baseline", "no/b.json")
    assert (code, out, err) == (2, "", "dedup: no/b.json: cannot be written: there is no folder 'no'\n")


# What could not be checked


def test_only_skipped_input_is_exit_code_2_and_accepts_nothing(cli: Cli) -> None:
    Path("empty.txt").touch()
    asked = ("check", "empty.txt", "--against", "known", "--baseline", "b.json", "--update-baseline")
    code, out, err = cli(*asked)
    assert (code, err) == (2, "dedup: nothing could be checked: 1 skipped, the first: empty.txt: empty text\n")
    assert "empty.txt" in out
    assert not Path("b.json").exists()


def test_strict_fails_on_anything_skipped_but_findings_go_first(cli: Cli) -> None:
    Path("fresh/empty.txt").touch()
    Path("copy/empty.txt").touch()
    Path("known/empty.txt").touch()
    assert cli("check", "fresh", "--against", "known")[0] == 0
    code, _, err = cli("check", "fresh", "--against", "known", "--strict")
    assert (code, err) == (2, "dedup: 1 skipped, the first: fresh/empty.txt: empty text (--strict)\n")
    assert cli("check", "copy", "--against", "known", "--strict")[0] == 1
    assert cli("check", "fresh/d.txt", "--against", "known", "--strict")[0] == 0


def test_known_input_of_which_nothing_can_be_used_is_exit_code_2_and_changes_no_baseline(cli: Cli) -> None:
    Path("t.jsonl").write_text(json.dumps({"body": TEXT}))
    asked = ("check", "copy", "--against", "t.jsonl")
    code, out, err = cli(*asked)
    reason = '1 skipped, the first: t.jsonl:1: no field "text" (has: body; use --text-field)'
    assert (code, err) == (2, f"dedup: nothing known could be used: {reason}\n")
    assert "Skipped of the known input" in out
    Path("b.json").write_text('{"version": 1, "pairs": []}')
    assert cli(*asked, "--baseline", "b.json", "--update-baseline")[0] == 2
    assert Path("b.json").read_text() == '{"version": 1, "pairs": []}'
    Path("copy/e.txt").write_text(TEXT)
    assert cli(*asked)[0] == 1  # what was found among the new goes first


def test_that_there_is_nothing_known_is_said(cli: Cli) -> None:
    Path("empty").mkdir()
    cli("index", "build", "i", "empty")
    for against in ("empty", "i"):
        code, out, err = cli("check", "copy", "--against", against)
        assert (code, err) == (0, "")
        assert "There is nothing known" in out
    assert "nothing known" not in cli("check", "known", "--against", "known")[1]
    assert "nothing known" not in cli("check", "empty", "--against", "known")[1]


def test_outcome_says_how_much_could_not_be_checked(cli: Cli) -> None:
    Path("fresh/empty.txt").touch()
    for form in ("text", "github", "junit"):
        code, out, _ = cli("check", "fresh", "--against", "known", "--format", form)
        assert code == 0
        assert "another new one; skipped: 1 piece of the new input" in " ".join(out.split())


@pytest.mark.parametrize(("new", "against"), [("nope", "known"), ("fresh", "nope"), ("fresh/x.png", "known")])
def test_wrong_paths_are_one_line_and_exit_code_2(new: str, against: str, cli: Cli) -> None:
    code, out, err = cli("check", new, "--against", against)
    assert (code, out, err.count("\n")) == (2, "", 1)


# Where the report goes


def test_endings_stand_for_forms_that_there_are(cli: Cli) -> None:
    assert set(ENDINGS.values()) <= set(FORMS)
    _, said, _ = cli("check", "--help")
    for ending in ENDINGS:
        assert ending in said


def test_each_form_is_printed(cli: Cli) -> None:
    def printed(form: str) -> str:
        code, out, err = cli("check", "copy", "--against", "known", "--format", form)
        assert (code, err) == (1, "")
        return out

    assert printed("github").startswith("::error file=copy/c.txt,")
    assert json.loads(printed("sarif"))["version"] == "2.1.0"
    assert ET.fromstring(printed("junit")).get("failures") == "1"  # noqa: S314 - our own
    assert pairs(printed("json")) == [("c.txt", "a.txt")]


def test_file_gets_the_form_of_its_ending_and_the_rest_is_printed(cli: Cli) -> None:
    code, out, _ = cli(
        "check", "copy", "--against", "known", "--format", "github",
        "-o", "r.sarif", "-o", "r.xml", "-o", "r.JSON", "-o", "r.txt",
    )  # fmt: skip
    assert code == 1
    assert out.startswith("::error file=copy/c.txt,")
    assert json.loads(Path("r.sarif").read_bytes())["version"] == "2.1.0"
    assert ET.fromstring(Path("r.xml").read_bytes()).tag == "testsuites"  # noqa: S314
    assert pairs(Path("r.JSON").read_text()) == [("c.txt", "a.txt")]
    assert "known/a.txt" in Path("r.txt").read_text()
    assert "\x1b" not in Path("r.txt").read_text()


@pytest.mark.parametrize("output", ["report", "r.sarif"])
def test_form_that_went_to_a_file_is_not_printed_again(output: str, cli: Cli) -> None:
    code, out, _ = cli("check", "copy", "--against", "known", "--format", "sarif", "-o", output)
    assert code == 1
    assert json.loads(Path(output).read_bytes())["version"] == "2.1.0"
    assert out.startswith("1 new record")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_report_that_cannot_be_written_is_exit_code_2_and_still_printed(cli: Cli) -> None:
    code, out, err = cli("check", "copy", "--against", "known", "-o", "/dev/full")
    assert (code, err) == (2, "dedup: /dev/full: cannot be written: No space left on device\n")
    assert "known/a.txt" in out


@pytest.mark.parametrize("output", ["copy/c.txt", "known/sub/b.txt", "link.json", "b.json"])
def test_report_is_not_written_over_what_is_read(output: str, cli: Cli, places: Path) -> None:
    Path("b.json").write_text('{"version": 1, "pairs": []}')
    Path("link.json").symlink_to("known/a.txt")
    before = {path: path.read_bytes() for path in places.rglob("*.*")}
    code, out, err = cli("check", "copy", "--against", "known", "--baseline", "b.json", "-o", output)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"dedup: {output}: ")
    assert {path: path.read_bytes() for path in places.rglob("*.*")} == before
    assert cli("check", "copy", "--against", "known", "-o", "known/r.json")[0] == 1


# dedup index


def test_index_grows_changes_and_shrinks(cli: Cli) -> None:
    assert cli("index", "build", "i", "known") == (0, "i: 2 added; 2 records now.\n", "")
    Path("known/a.txt").write_text(THIRD)
    Path("known/e.txt").write_text(TEXT)
    assert cli("index", "add", "i", "known") == (0, "i: 1 added, 1 updated, 1 unchanged; 3 records now.\n", "")
    assert cli("index", "remove", "i", "known/sub/b.txt", "e.txt") == (0, "i: 2 removed; 1 record now.\n", "")
    code, out, err = cli("index", "remove", "i", "nope", "a.txt")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'nope'" in err
    assert cli("index", "build", "i", "known", "fresh") == (0, "i: 4 added; 4 records now.\n", "")


def test_index_keeps_files_of_one_name_apart_and_tells_of_ids_that_repeat(cli: Cli) -> None:
    cli("index", "build", "i", "known")
    Path("fresh/a.txt").write_text(OTHER)
    code, out, err = cli("index", "add", "i", "fresh")
    assert (code, err) == (0, "")
    assert out == (
        "i: 2 added; 4 records now.\n"
        "   1 record called otherwise, for another record has the name: fresh/a.txt (not\n   a.txt)\n"
    )
    assert cli("check", "copy", "--against", "i")[0] == 1
    for text in (TEXT, THIRD):
        Path(f"{len(text)}.jsonl").write_text(json.dumps({"id": "1", "text": text}))
    cli("index", "add", "i", f"{len(TEXT)}.jsonl")
    _, out, _ = cli("index", "add", "i", f"{len(THIRD)}.jsonl")
    assert "1 updated; 5 records now.\n   1 updated record stood in another file before (1): if those were " in out


def test_names_to_remove_come_from_a_file_or_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("index", "build", "i", "known", "fresh")
    Path("names").write_bytes(b"known/a.txt\r\n\nd.txt\n")
    assert cli("index", "remove", "i", "--from", "names") == (0, "i: 2 removed; 1 record now.\n", "")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"sub/b.txt")))
    assert cli("index", "remove", "i", "--from", "-") == (0, "i: 1 removed; 0 records now.\n", "")
    code, out, err = cli("index", "remove", "i", "--from", "nope")
    assert (code, out, err) == (2, "", "dedup: nope: cannot be read: No such file or directory\n")


def test_skipped_input_of_an_index_is_listed_and_strict_fails(cli: Cli) -> None:
    rows = [json.dumps({"id": "x", "text": THIRD}), *["null"] * 12]
    Path("t.jsonl.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    code, out, err = cli("index", "build", "i", "t.jsonl.gz", "--strict")
    assert (code, out.splitlines()[0]) == (2, "i: 1 added; 1 record now.")
    assert "t.jsonl.gz:2: null, not an object with fields" in out
    assert "… and 2 more pieces of input skipped" in out
    assert err == ("dedup: 12 skipped, the first: t.jsonl.gz:2: null, not an object with fields (--strict)\n")
    code, out, err = cli("index", "add", "i", "t.jsonl.gz")
    assert (code, out.splitlines()[0], err) == (0, "i: 1 unchanged; 1 record now.", "")
    assert cli("index", "add", "i", "t.jsonl.gz", "--strict")[0] == 2


def test_info_tells_what_an_index_holds(cli: Cli) -> None:
    cli("index", "build", "i", "known", "copy", "--confirm", "never")
    code, out, err = cli("index", "info", "i")
    assert (code, err) == (0, "")
    assert out.startswith("i: 3 records in 1 language (en 3), 2 different texts, ")
    assert "confirm never" in out
    info = json.loads(cli("index", "info", "i", "--format", "json")[1])
    assert (info["records"], info["texts"], info["languages"]) == (3, 2, {"en": 3})
    assert info["settings"]["confirm"] == "never"
    assert info["size"] == sum(file.stat().st_size for file in Path("i").iterdir())


def test_what_is_no_index_is_one_line_and_exit_code_2(cli: Cli) -> None:
    for arguments in (("info", "known"), ("add", "known", "fresh"), ("remove", "nope", "x"), ("info", "nope")):
        code, out, err = cli("index", *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), arguments


@pytest.mark.parametrize("command", ["build", "add", "remove", "info"])
def test_help_of_an_index_command_has_an_example(command: str, cli: Cli) -> None:
    code, out, err = cli("index", command, "--help")
    assert (code, err) == (0, "")
    assert f"\n    dedup index {command} " in out


def test_a_report_is_not_written_among_the_files_of_the_index(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "k.jsonl").write_text('{"id": "a", "text": "Two bees met the mayor of the town."}\n')
    cli("index", "build", tmp_path / "i", tmp_path / "k.jsonl")
    before = {one.name: one.read_bytes() for one in (tmp_path / "i").iterdir()}
    code, out, err = cli("check", tmp_path / "k.jsonl", "--against", tmp_path / "i", "-o", tmp_path / "i" / POINTER)
    assert (code, out) == (2, "")
    assert err == f"dedup: {tmp_path}/i/{POINTER}: in the folder of the index; name another file for the report\n"
    assert {one.name: one.read_bytes() for one in (tmp_path / "i").iterdir()} == before


def test_an_index_is_not_replaced_by_one_without_records(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "k.jsonl").write_text('{"id": "a", "text": "Two bees met the mayor of the town."}\n')
    cli("index", "build", tmp_path / "i", tmp_path / "k.jsonl")
    (tmp_path / "nothing").mkdir()
    for call, why in (
        ((tmp_path / "k.jsonl", "--text-field", "nope"), "0 records read, 1 skipped, the first: "),
        ((tmp_path / "nothing",), "0 records read, 0 skipped"),
    ):
        code, out, err = cli("index", "build", tmp_path / "i", *call)
        assert (code, out) == (2, "")
        assert err.startswith(f"dedup: nothing to compare: {why}")
    assert "1 record in 1 language" in " ".join(cli("index", "info", tmp_path / "i")[1].split())
