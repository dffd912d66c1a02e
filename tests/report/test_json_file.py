import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dedup.errors import ReportError
from dedup.files import write_atomically
from dedup.model import Report, Skipped
from dedup.report.document import document_of
from dedup.report.json_file import load_report, to_json

from .conftest import article, checked, report_of


def test_json_is_the_document_for_people_and_programs(seeds: Report) -> None:
    data = to_json(seeds)
    document = checked(data)
    assert document["clusters"][0]["members"][0]["line"] is None
    assert document["clusters"][0]["links"][0]["found_by"] == ["source-url", "facts"]
    assert data.endswith(b"\n}\n")
    assert b'\n  "schema_version": 1' in data


def test_text_in_other_scripts_is_not_escaped() -> None:
    data = to_json(report_of([article("a")], skipped=[Skipped("خبر.txt", None, "empty")]))
    checked(data)
    assert "خبر.txt".encode() in data


def test_equal_reports_give_equal_bytes(seeds: Report) -> None:
    settings = dict(reversed(list(seeds.settings.items())))
    same = replace(seeds, settings=settings, skipped=seeds.skipped[::-1])
    assert to_json(same) == to_json(seeds)


def test_empty_report_keeps_to_the_schema() -> None:
    assert checked(to_json(report_of([])))["clusters"] == []


def test_written_report_is_read_back(seeds: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_atomically(path, to_json(seeds))
    assert load_report(path) == document_of(seeds)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b"not JSON",
        b'{"schema_version": 0}',
        b'{"schema_version": 1}',
        b'{"schema_version": "1"}',
        b'{"schema_version": 1, "clusters": "\xff"}',
        b'{"x": ' + b"[" * 100_000,
        b"\x1f\x8b",
    ],
)
def test_anything_but_a_report_is_refused_in_one_line(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(data)
    with pytest.raises(ReportError, match=r"r\.json: not a dedup report: ") as error:
        load_report(path)
    assert "\n" not in str(error.value)


def _spoilt(seeds: Report, spoil: Callable[[Any], object], path: Path) -> Path:
    report = json.loads(to_json(seeds))
    spoil(report["clusters"])
    path.write_text(json.dumps(report), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "spoil",
    [
        lambda clusters: clusters.append(clusters[0]),
        lambda clusters: clusters[0]["members"].append(clusters[0]["members"][0]),
    ],
)
def test_record_that_is_in_two_clusters_is_of_no_report(
    spoil: Callable[[Any], object], seeds: Report, tmp_path: Path
) -> None:
    with pytest.raises(
        ReportError, match=r"r\.json: not a dedup report: record '.*' is in two clusters, or in one twice"
    ):
        load_report(_spoilt(seeds, spoil, tmp_path / "r.json"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda clusters: clusters[0]["links"][0].update(left="stranger"),
        lambda clusters: clusters[0]["links"][0].update(right="stranger"),
        lambda clusters: clusters[0].update(
            weakest={**clusters[0]["links"][0], "relation": "translation", "right": "stranger"}
        ),
        lambda clusters: clusters[0].update(keep="stranger"),
    ],
)
def test_cluster_that_speaks_of_strangers_is_of_no_report(
    spoil: Callable[[Any], object], seeds: Report, tmp_path: Path
) -> None:
    with pytest.raises(ReportError, match=r"r\.json: not a dedup report: cluster \w+ speaks of 'stranger'"):
        load_report(_spoilt(seeds, spoil, tmp_path / "r.json"))


def test_what_does_not_begin_like_a_report_is_not_read_on() -> None:
    """Such as /dev/zero, which has no end."""
    reading, writing = os.pipe()
    try:
        os.write(writing, b"\0" * 60_000)
        os.close(writing)
        with pytest.raises(ReportError, match=r"not a dedup report: it does not begin with \{"):
            load_report(Path(f"/dev/fd/{reading}"))
        assert os.read(reading, 60_000)
    finally:
        os.close(reading)


def test_report_of_a_newer_version_is_refused_as_such(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"schema_version": 2, "clusters": "elsewhere"}))
    with pytest.raises(ReportError, match=r"written by a newer dedup \(schema_version 2, this one reads 1\)"):
        load_report(path)


def test_report_from_before_weakest_pairs_and_flags_is_read(seeds: Report, tmp_path: Path) -> None:
    report = json.loads(to_json(seeds))
    for cluster in report["clusters"]:
        del cluster["weakest"], cluster["flags"]
    (tmp_path / "r.json").write_text(json.dumps(report), encoding="utf-8")
    assert load_report(tmp_path / "r.json") == document_of(seeds)


def test_further_fields_are_ignored(seeds: Report, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**json.loads(to_json(seeds)), "further": True}))
    assert load_report(path) == document_of(seeds)


@pytest.mark.parametrize("place", [".", "missing.json"])
def test_report_that_cannot_be_read_is_one_line(place: str, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"cannot be read: \w+"):
        load_report(tmp_path / place)
