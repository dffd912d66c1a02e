"""Ids, names and paths that would like to lead elsewhere: whatever they say, only what the call names is written."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dedup.encoders.kept import cache_folder

from .conftest import Cli

IDS = [
    "../../escaped",
    "/escaped",
    "/etc/passwd",
    "C:\\escaped",
    "\\\\host\\share",
    "..",
    ".",
    "-",
    "",
    "~root/.bashrc",
    "$HOME/escaped",
    "file:///escaped",
    "s3://bucket/escaped",
    "nul\0byte",
    "line\nend\r",
    "con",
    "NUL.txt",
    "/dev/stdout",
    "x" * 10_000,
    "../" * 300 + "escaped",
    "--html=escaped",
    "$(touch escaped)",
    "`touch escaped`; touch escaped",
    "%2e%2e%2fescaped",
    "\u202e\u2066txt",
    ".dedup-0123456789abcdef.tmp",
    "lock",
]
FILES = [
    b"-rf.txt",
    b"--html=escaped.txt",
    b"a\nb.txt",
    b"::error::x.txt",
    b"$(touch escaped).txt",
    b"'; touch escaped;'.md",
    b"\x1b[2J\x07.txt",
    b"\xff\xfe.txt",
    b"...md",
    b"con.txt",
    b"s3:.txt",
    b"%2e%2e%2fescaped.txt",
    b"deep/..-/.-/x.txt",
    b"C:\\escaped.txt",
    b"dedup-index.json.txt",
]
TEXTS = (
    "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.",
    "Heavy showers are expected over the northern hills tonight, clearing slowly from the west by 1130 tomorrow.",
)


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a table, texts, links and an empty home, of which in the end only ``out`` may be another."""
    monkeypatch.setenv("DEDUP_CACHE", str(cache_folder()))
    for name in ("out", "home", "temporary", "work/texts", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path / "work")
    rows = [{"id": id_, "text": TEXTS[i % 2], "path": id_, "url": id_, "lang": id_[:9]} for i, id_ in enumerate(IDS)]
    Path("t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for i, file in enumerate(FILES):
        path = Path("texts") / os.fsdecode(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXTS[i % 2])
    (tmp_path / "elsewhere" / "private.txt").write_text(TEXTS[0])
    Path("texts/link.txt").symlink_to(tmp_path / "elsewhere" / "private.txt")
    Path("texts/round").symlink_to("..")
    Path("texts/gone.txt").symlink_to(tmp_path / "elsewhere" / "new.txt")
    os.mkfifo("texts/pipe.txt")
    before = tree(tmp_path)
    yield tmp_path
    assert tree(tmp_path) == before


def tree(folder: Path) -> dict[str, object]:
    """All but ``out``: names, kinds, modes and contents."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        if path.relative_to(folder).parts[0] == "out":
            continue
        status = path.lstat()
        content = path.readlink() if path.is_symlink() else path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        found[str(path)] = (status.st_mode, content)
    return found


def names(folder: Path) -> list[str]:
    """What lies in a folder; none of it is a link."""
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    return sorted(path.name for path in folder.iterdir())


RUN = "run", "--confirm", "never", "--workers", "1"


@pytest.mark.parametrize("given", ["t.jsonl", "texts"])
def test_ids_and_names_never_become_paths(sandbox: Path, cli: Cli, given: str) -> None:
    out = sandbox / "out"
    tables = [out / f"a.{ending}" for ending in ("csv", "jsonl.gz")]
    for table in tables:
        files = ["-o", out / "r.json", "--html", out / "p.html", "--assignment", table]
        assert cli(*RUN, given, *files)[0] == 0
    clusters = json.loads((out / "r.json").read_bytes())["clusters"]
    assert len(clusters) == 2
    clean = out / ("c.jsonl" if given == "t.jsonl" else "c")
    applied = ("apply", out / "r.json", given, "-o", clean, "--removed", out / "removed.jsonl")
    assert cli(*applied)[0] == 0
    assert len((out / "removed.jsonl").read_text().splitlines()) == sum(len(c["members"]) - 1 for c in clusters)
    assert cli("index", "build", out / "i", given, "--confirm", "never")[0] == 0
    assert cli("index", "add", out / "i", given)[0] == 0
    reports = [part for ending in ("sarif", "xml", "json", "txt") for part in ("-o", out / f"check.{ending}")]
    accepted = ("--baseline", out / "b.json", "--update-baseline")
    assert cli("check", given, "--against", out / "i", *accepted, *reports)[0] == 0
    assert cli("check", given, "--against", given, "--confirm", "never", "--baseline", out / "b.json")[0] == 0
    for member in clusters[0]["members"][:3]:
        assert cli("explain", "--in", given, "--", member["id"], clusters[0]["members"][-1]["id"])[0] == 0
        assert cli("index", "remove", out / "i", "--", member["id"])[0] == 0
    assert names(out) == sorted(
        [*(table.name for table in tables), clean.name, "removed.jsonl", "p.html", "i", "b.json"]
        + ["r.json", "r.manifest.json"]
        + [f"check.{ending}" for ending in ("sarif", "xml", "json", "txt")]
    )
    assert {name.split("-")[0] for name in names(out / "i")} <= {"dedup", "lock", "owners", "records", "vectors"}


def forged(report: Path, **said: object) -> None:
    """The report with these values for all of its members."""
    document = json.loads(report.read_bytes())
    for cluster in document["clusters"]:
        for member in cluster["members"]:
            member.update(said)
    report.write_text(json.dumps(document))


def test_report_that_names_other_files_changes_none_of_them(sandbox: Path, cli: Cli) -> None:
    report, out = sandbox / "out" / "r.json", sandbox / "out"
    assert cli(*RUN, "t.jsonl", "-o", report)[0] == 0
    forged(report, path="../elsewhere/private.txt", line=1)
    assert cli("apply", report, "t.jsonl", "-o", out / "c.jsonl", "--removed", out / "removed.jsonl")[0] == 0
    removed = [json.loads(line) for line in (out / "removed.jsonl").read_text().splitlines()]
    assert {one["path"] for one in removed} == {"t.jsonl"}
    document = json.loads(report.read_bytes())
    for cluster in document["clusters"]:
        cluster["id"] = "../../escaped"
    report.write_text(json.dumps(document))
    code, _, err = cli("apply", report, "t.jsonl", "-o", out / "d.jsonl", "--annotate")
    assert (code, "not a dedup report: Expected `str` matching regex" in err, err.count("\n")) == (2, True, 1)
    assert names(out) == ["c.jsonl", "r.json", "r.manifest.json", "removed.jsonl"]


@pytest.mark.parametrize(
    "path", ["texts/pipe.txt", "/dev/zero", "/dev/stdin", "texts/round", "https://x.example/a.txt", "\0"]
)
def test_report_that_names_what_is_no_file_keeps_nobody_waiting(sandbox: Path, cli: Cli, path: str) -> None:
    report = sandbox / "out" / "r.json"
    assert cli(*RUN, "t.jsonl", "-o", report)[0] == 0
    members = json.loads(report.read_bytes())["clusters"][0]["members"]
    forged(report, path=path, line=None)
    code, out, err = cli("explain", "--report", report, "--", members[0]["id"], members[1]["id"])
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    "said", [{"threshold": "x"}, {"bands": True}, {"neighbours": 1.5}, {"model": 7}, {"seed": "1"}, {"permutations": 0}]
)
def test_settings_of_a_forged_report_are_refused_in_one_line(sandbox: Path, cli: Cli, said: dict[str, object]) -> None:
    report = sandbox / "out" / "r.json"
    assert cli(*RUN, "t.jsonl", "-o", report)[0] == 0
    document = json.loads(report.read_bytes())
    document["settings"] |= said
    report.write_text(json.dumps(document))
    code, out, err = cli("explain", "a", "b", "--report", report)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert next(iter(said)) in err
    assert "internal error" not in err


def test_place_that_is_a_link_is_no_new_place(sandbox: Path, cli: Cli) -> None:
    report, out = sandbox / "out" / "r.json", sandbox / "out"
    assert cli(*RUN, "texts", "-o", report)[0] == 0
    (out / "new").symlink_to(sandbox / "elsewhere" / "new")
    (out / "there").symlink_to(sandbox / "elsewhere")
    (out / "private").symlink_to(sandbox / "elsewhere" / "private.txt")
    for link in ("new", "there", "private"):
        for places in (["-o", out / link], ["-o", out / "c", "--removed", out / link]):
            code, _, err = cli("apply", report, "texts", *places)
            assert (code, err) == (2, f"dedup: {out / link}: exists, and nothing is overwritten\n")
    (out / "i").symlink_to(sandbox / "elsewhere")
    code, _, err = cli("index", "build", out / "i", "texts", "--confirm", "never")
    assert (code, "a folder with other files" in err) == (2, True)


DEEP = '{"schema_version": 1, "version": 1, "format": 1, "pairs": ' + "[" * 100_000


@pytest.mark.parametrize(
    "call",
    [
        "evaluate deep.json --gold gold.tsv",
        "evaluate r.json --gold deep.json",
        "evaluate r.json --gold deep.jsonl",
        "apply deep.json ../work/t.jsonl -o c.jsonl",
        "explain a b --report deep.json",
        "check ../work/t.jsonl --against ../work/t.jsonl --confirm never --baseline deep.json",
        "check ../work/t.jsonl --against ../work/t.jsonl --confirm never --baseline nul.json",
        "run ../work/t.jsonl --confirm never --calibration calibration",
    ],
)
def test_documents_that_are_nested_without_end_are_one_line(
    sandbox: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    from dedup.encoders import load_encoder

    out = sandbox / "out"
    assert cli(*RUN, "t.jsonl", "-o", out / "r.json")[0] == 0
    monkeypatch.chdir(out)
    for name in ("deep.json", "deep.jsonl"):
        Path(name).write_text(DEEP)
    pair = {"left": "a\0b", "right": "id:\0", "relation": "exact", "languages": ["a", "b"]}
    Path("nul.json").write_text(json.dumps({"version": 1, "pairs": [pair]}))
    Path("calibration").mkdir()
    Path("calibration", f"{load_encoder('table', 1).digest[:12]}.json").write_text("[" * 100_000)
    code, _, err = cli(*call.split())
    assert code in ({0, 1} if "nul.json" in call else {2}), err
    assert "internal error" not in err
    assert err.count("\n") == (code == 2)
