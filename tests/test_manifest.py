"""The manifest of a run: beside its report, true, and never in the place of anything else."""

import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import fsspec
import pytest

import dedup
from dedup.cli.record import beside, harmless
from dedup.report.manifest import FILES_TOLD, InputFile, input_read, is_manifest, libraries
from dedup.report.schema import manifest_schema, manifest_schema_file

from .conftest import Cli
from .read.elsewhere import Faults, StrangeError, empty_file_systems

ROOT = Path(__file__).parents[1]
TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.\n"
OTHER = "Heavy showers are expected over the northern hills tonight, clearing slowly from the west by early morning.\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two copies, another text and an empty file in a folder; a table with a double, and a line that is no record."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in {"a.txt": TEXT, "b.txt": TEXT, "c.txt": OTHER, "d.txt": ""}.items():
        (folder / name).write_text(text)
    rows = [{"id": "x", "text": TEXT}, {"id": "x", "text": OTHER}]
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n")
    return folder


def called(corpus: Path, *options: str | Path) -> tuple[str | Path, ...]:
    return ("run", corpus, corpus / "t.jsonl", "--confirm", "never", "--workers", "1", *options)


def manifest_of(report: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(report.with_suffix(".manifest.json").read_bytes())
    return read


def test_it_lies_beside_the_report_and_tells_what_ran_on_what_and_how_it_went(
    cli: Cli, corpus: Path, tmp_path: Path
) -> None:
    report, page, table = tmp_path / "r.json", tmp_path / "p.html", tmp_path / "a.csv"
    assert cli(*called(corpus, "-o", report, "--html", page, "--assignment", table))[0] == 0
    manifest = manifest_of(report)
    assert (manifest["outcome"], manifest["exit"], manifest["error"]) == ("done", 0, None)
    assert manifest["tool"] == {"name": "dedup", "version": dedup.__version__}
    assert manifest["call"] == [str(argument) for argument in called(corpus, "-o", report, "--html", page)] + [
        "--assignment",
        str(table),
    ]
    assert manifest["settings"] | {"confirm": "never", "workers": 1, "batch_size": 64} == manifest["settings"]
    written = json.loads(report.read_bytes())
    for name in ("name", "digest", "calibration"):
        assert manifest["encoder"][name] == written["encoder"][name]
    assert len(manifest["encoder"]["calibration_digest"]) == 32
    by_kind = {result["kind"]: result for result in manifest["results"]}
    assert list(by_kind) == ["page", "assignment", "report"]
    for kind, file in {"report": report, "page": page, "assignment": table}.items():
        data = file.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        assert by_kind[kind] == {"kind": kind, "path": str(file), "bytes": len(data), "sha256": digest}


def test_it_counts_what_was_read_and_found(cli: Cli, corpus: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    assert cli(*called(corpus, "-o", report))[0] == 0
    manifest, written = manifest_of(report), json.loads(report.read_bytes())
    files = {Path(file["path"]).name: (file["records"], file["skipped"]) for file in manifest["input"]["files"]}
    assert files == {"a.txt": (1, 0), "b.txt": (1, 0), "c.txt": (1, 0), "d.txt": (0, 1), "t.jsonl": (2, 2)}
    for file in manifest["input"]["files"]:
        assert file["bytes"] == Path(file["path"]).stat().st_size
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", file["modified"])
    assert manifest["input"]["further"] == {"files": 0, "bytes": 0, "records": 0, "skipped": 0}
    counts = manifest["counts"]
    for name in ("records", "languages", "skipped", "dropped_segments", "boilerplate_passages"):
        assert counts[name] == written["input"][name]
    assert counts["funnel"] == written["funnel"]
    assert counts["clusters"]["clusters"] == len(written["clusters"])
    assert counts["clusters"]["links"] == sum(len(cluster["links"]) for cluster in written["clusters"])
    assert {reason["reason"] for reason in counts["reasons"]} >= {"empty text", "duplicate id"}
    assert counts["first_skipped"] == written["skipped"]
    stages = {stage["stage"]: stage for stage in manifest["stages"]}
    assert next(iter(stages)) == "reading and sketching"
    assert list(stages)[-1] == "writing"
    assert stages["reading and sketching"]["counts"] == {"records": 4, "skipped": 3, "texts": 2}
    assert sum(stage["seconds"] for stage in manifest["stages"]) <= manifest["seconds"]
    assert manifest["started"] <= manifest["ended"]
    assert manifest["memory"] >= stages["writing"]["memory"] > 2**20


def test_the_report_is_the_same_with_and_without_one(cli: Cli, corpus: Path, tmp_path: Path) -> None:
    reports = [tmp_path / "with.json", tmp_path / "without.json", tmp_path / "named.json"]
    assert cli(*called(corpus, "-o", reports[0]))[0] == 0
    assert cli(*called(corpus, "-o", reports[1], "--no-manifest"))[0] == 0
    assert cli(*called(corpus, "-o", reports[2], "--manifest", tmp_path / "m"))[0] == 0
    assert len({report.read_bytes() for report in reports}) == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        *("m", "named.json", "with.json", "with.manifest.json", "without.json"),
    ]
    assert is_manifest((tmp_path / "m").read_bytes())


def test_without_a_report_in_a_file_there_is_one_only_where_it_is_asked_for(
    cli: Cli, corpus: Path, tmp_path: Path
) -> None:
    assert cli(*called(corpus, "--html", tmp_path / "p.html"))[0] == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["p.html"]
    assert cli(*called(corpus, "--manifest", tmp_path / "m.json"))[0] == 0
    manifest = json.loads((tmp_path / "m.json").read_bytes())
    assert (manifest["outcome"], manifest["results"]) == ("done", [])


@pytest.mark.parametrize(
    "there", [b"{}", b"notes", b'{"kind": "manifest of a run", "tool": {"name": "x", "version": ""}}']
)
def test_nothing_else_is_ever_written_over(there: bytes, cli: Cli, corpus: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    (tmp_path / "r.manifest.json").write_bytes(there)
    for options in (("-o", report), ("--manifest", tmp_path / "r.manifest.json")):
        code, out, err = cli(*called(corpus, *options))
        assert (code, out) == (2, "")
        assert "r.manifest.json: no manifest of dedup, so it stays as it is: name another file" in err
    assert (tmp_path / "r.manifest.json").read_bytes() == there
    assert not report.exists()
    assert cli(*called(corpus, "-o", report, "--no-manifest"))[0] == 0
    (tmp_path / "r.manifest.json").write_bytes(b"")
    assert cli(*called(corpus, "-o", report))[0] == 0
    assert cli(*called(corpus, "-o", report))[0] == 0  # over the manifest of the run before
    assert manifest_of(report)["outcome"] == "done"


def test_what_appears_in_its_place_during_the_run_stays(
    cli: Cli, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dedup.pipeline import run_stages

    def meanwhile(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - those of run_stages
        (tmp_path / "r.manifest.json").write_text("notes")
        return run_stages(*arguments, **named)

    monkeypatch.setattr("dedup.pipeline.run_stages", meanwhile)
    code, out, err = cli(*called(corpus, "-o", tmp_path / "r.json"))
    assert code == 2
    assert "no manifest of dedup, so it stays as it is" in err
    assert (tmp_path / "r.manifest.json").read_text() == "notes"
    assert "4 records" in out
    assert json.loads((tmp_path / "r.json").read_bytes())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "{0}/r.json", "--manifest", "{0}/r.json"), "r.json: named for two results"),
        (("--manifest", "{0}/in/t.jsonl"), "t.jsonl: no manifest of dedup, so it stays as it is"),
        (("--manifest", "{0}/none/m.json"), "m.json: cannot be written: there is no folder"),
        (("--manifest", "{0}/m.json", "--no-manifest"), "--manifest and --no-manifest: say one of them"),
    ],
)
def test_a_place_that_cannot_be_is_noticed_before_the_work(
    options: tuple[str, ...], said: str, cli: Cli, corpus: Path, tmp_path: Path
) -> None:
    table = (corpus / "t.jsonl").read_bytes()
    code, out, err = cli(*called(corpus, *(option.format(tmp_path) for option in options)))
    assert (code, out) == (2, "")
    assert said in err
    assert (corpus / "t.jsonl").read_bytes() == table
    assert not (tmp_path / "m.json").exists()


@pytest.mark.parametrize("report", ["/dev/stdout", "/dev/null", "/proc/self/fd/1", "."])
def test_what_is_no_file_has_none_beside_it(report: str) -> None:
    assert beside(Path(report)) is None


def test_a_failed_run_leaves_the_manifest_of_the_report_that_is_there(
    cli: Cli, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "r.json"
    assert cli(*called(corpus, "-o", report))[0] == 0
    before = (tmp_path / "r.manifest.json").read_bytes()
    monkeypatch.setattr("dedup.pipeline.report_of", _interrupt)
    assert cli(*called(corpus, "-o", report))[0] == 130
    assert (tmp_path / "r.manifest.json").read_bytes() == before


def _interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def _fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError("at\nodds")


@pytest.mark.parametrize(
    ("fault", "code", "outcome", "error"),
    [
        (_interrupt, 130, "interrupted", "interrupted: nothing is half-written"),
        (_fail, 2, "failed", "internal error: ZeroDivisionError: at odds (--debug shows where)"),
    ],
)
def test_one_that_is_asked_for_tells_how_the_run_ended(
    fault: Any,  # noqa: ANN401 - raises
    code: int,
    outcome: str,
    error: str,
    cli: Cli,
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dedup.pipeline.confirm", fault)
    ended, out, err = cli(*called(corpus, "--manifest", tmp_path / "m.json"))
    assert (ended, out, err.count("\n")) == (code, "", 1)
    manifest = json.loads((tmp_path / "m.json").read_bytes())
    assert (manifest["outcome"], manifest["exit"]) == (outcome, code)
    assert manifest["error"].startswith(error)
    assert (manifest["counts"], manifest["encoder"], manifest["results"]) == (None, None, [])
    assert [stage["whole"] for stage in manifest["stages"]][-2:] == [True, False]
    assert manifest["stages"][-1]["stage"] == "confirming"
    assert {file["records"] for file in manifest["input"]["files"]} == {0, 1, 2}


def test_a_call_that_is_refused_has_one_too_if_it_is_asked_for(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("run", tmp_path / "missing", "--manifest", tmp_path / "m.json")
    manifest = json.loads((tmp_path / "m.json").read_bytes())
    assert (code, err) == (2, f"dedup: {manifest['error']}\n")
    assert (manifest["input"], manifest["stages"], manifest["vectors"]) == (None, [], None)


def test_a_strict_run_that_wrote_its_report_tells_why_it_failed_all_the_same(
    cli: Cli, corpus: Path, tmp_path: Path
) -> None:
    assert cli(*called(corpus, "-o", tmp_path / "r.json", "--strict"))[0] == 2
    manifest = manifest_of(tmp_path / "r.json")
    assert (manifest["outcome"], manifest["exit"]) == ("failed", 2)
    assert manifest["error"].endswith("(--strict)")
    assert manifest["results"][0]["sha256"] == hashlib.sha256((tmp_path / "r.json").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("https://me:secret@example.org/a.jsonl?sig=secret", "https://example.org/a.jsonl"),
        ("--output=s3://key:secret@bucket/r.json", "--output=s3://bucket/r.json"),
        ("-os3://key:secret@bucket/r.json?versionId=secret", "-os3://bucket/r.json"),
        ("memory://b/a?token=secret", "memory://b/a"),
        ("plain/a?b=c", "plain/a?b=c"),
        ("--threshold=0.5", "--threshold=0.5"),
        ("-", "-"),
    ],
)
def test_no_secret_of_a_url_is_told(argument: str, told: str) -> None:
    assert harmless(argument) == told


def test_beside_a_report_elsewhere_it_is_elsewhere(cli: Cli, corpus: Path) -> None:
    with empty_file_systems() as faults:
        assert cli(*called(corpus, "-o", "memory://out/r.json"))[0] == 0
        there = fsspec.filesystem("memory")
        manifest = json.loads(there.cat_file("/out/r.manifest.json"))
        assert manifest["results"][0]["path"] == "memory://out/r.json"
        there.pipe_file("/out/r.manifest.json", b"notes")
        assert cli(*called(corpus, "-o", "memory://out/r.json"))[0] == 2
        assert there.cat_file("/out/r.manifest.json") == b"notes"
        _check_refused(cli, corpus, faults)


def _check_refused(cli: Cli, corpus: Path, faults: Faults) -> None:
    """Where nobody may look, nothing is written over what may be there."""
    faults.writing["/r.manifest.json"] = StrangeError("An error occurred (AccessDenied)")
    code, out, err = cli(*called(corpus, "-o", "faulty://r.json"))
    assert code == 2
    assert "faulty://r.manifest.json: cannot be written: An error occurred (AccessDenied)" in err
    assert "4 records" in out


def test_of_very_many_files_the_sums_are_told() -> None:
    files = [InputFile(path=f"{n:05}", bytes=n, modified=None, records=2, skipped=1) for n in range(FILES_TOLD + 3)]
    read = input_read(reversed(files))
    assert list(read.files) == files[:FILES_TOLD]
    further = read.further
    assert (further.files, further.records, further.skipped) == (3, 6, 3)
    assert further.bytes == sum(range(FILES_TOLD, FILES_TOLD + 3))


def test_all_libraries_that_dedup_needs_are_told_with_their_versions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in project["dependencies"]}
    told = libraries()
    assert needed <= set(told)
    assert not {"pytest", "ruff", "mypy", "dedup"} & set(told)
    assert all(version[0].isdigit() for version in told.values())


def test_published_schema_is_the_generated_one() -> None:
    published = ROOT / "dedup" / "report" / "manifest.schema.json"
    assert published.read_bytes() == manifest_schema_file(), (
        "the manifest's classes changed; renew the schema with "
        "`python -m dedup.report.schema manifest > dedup/report/manifest.schema.json`"
    )
    undescribed = [name for name, one in manifest_schema()["$defs"].items() if not one.get("description")]
    assert undescribed == []
