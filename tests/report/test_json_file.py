import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from dedup.errors import InputError, ReportError
from dedup.model import Report, Skipped
from dedup.report.document import document_of
from dedup.report.json_file import load_report, to_json, write_atomically

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


def test_writing_replaces_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    path.write_bytes(b"old and longer")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_keeps_a_link_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_links_to_links_are_followed_and_circles_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to(tmp_path / "c")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "c").read_bytes() == b"new"
    (tmp_path / "c").unlink()
    (tmp_path / "c").symlink_to("a")
    with pytest.raises(InputError, match="cannot be written: Too many levels of symbolic links"):
        write_atomically(tmp_path / "a", b"new")


def test_link_that_another_user_has_put_into_a_folder_of_everybodys_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    (shared / "report.json").symlink_to(target)
    (tmp_path / "own.json").symlink_to(shared / "report.json")
    write_atomically(shared / "report.json", b"by my own link")
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    for path in (shared / "report.json", tmp_path / "own.json"):
        with pytest.raises(InputError, match="cannot be written: a link that another user has put there"):
            write_atomically(path, b"by a planted one")
    assert target.read_bytes() == b"by my own link"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.json", "shared", "target"]


def test_file_that_is_replaced_keeps_who_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    for mode in (0o600, 0o640):
        path.chmod(mode)
        write_atomically(path, b"new")
        assert path.stat().st_mode & 0o7777 == mode


def test_name_of_the_file_beside_cannot_be_foreseen_and_is_never_opened_if_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "known")
    (tmp_path / "target").write_bytes(b"mine")
    (tmp_path / ".dedup-known.tmp").symlink_to(tmp_path / "target")
    with pytest.raises(InputError, match="cannot be written: File exists"):
        write_atomically(tmp_path / "report.json", b"new")
    assert (tmp_path / "target").read_bytes() == b"mine"


def test_writing_to_a_device_does_not_replace_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, b"new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("place", [".", "missing/report.json", "file/report.json", "n" * 300])
def test_place_that_cannot_be_written_is_one_line(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written: \w+") as error:
        write_atomically(tmp_path / place, b"new")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_failed_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "report.json"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"report\.json: cannot be written: No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


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
