from pathlib import Path

import pytest

from ...conftest import Cli

TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there.\n"


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Two copies of a text: nothing here needs a model."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT)
    (folder / "b.txt").write_text(TEXT)
    return folder


def test_page_is_written_beside_what_is_printed(cli: Cli, copies: Path, tmp_path: Path) -> None:
    code, out, err = cli("run", copies, "--html", tmp_path / "page.html", "--format", "json")
    assert (code, err) == (0, "")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>dedup: 1 cluster of 2 records</title>" in page
    assert cli("run", copies, "--format", "json") == (0, out, "")


def test_same_input_gives_the_same_page_whatever_the_processes(cli: Cli, copies: Path, tmp_path: Path) -> None:
    for workers in ("1", "2"):
        cli("run", copies, "--html", tmp_path / f"{workers}.html", "--workers", workers)
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()


def test_missing_folder_of_the_page_is_noticed_before_the_work(cli: Cli, copies: Path) -> None:
    code, out, err = cli("run", copies, "--html", copies / "no" / "page.html")
    assert (code, out) == (2, "")
    assert "cannot be written: there is no folder" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_page_that_cannot_be_written_leaves_the_rest_and_nothing_half_done(
    cli: Cli, copies: Path, tmp_path: Path
) -> None:
    code, out, err = cli("run", copies, "--html", "/dev/full", "-o", tmp_path / "report.json")
    assert (code, err) == (2, "dedup: /dev/full: cannot be written: No space left on device\n")
    assert "1 cluster with 2 of 2 records" in out
    assert (tmp_path / "report.json").is_file()
    assert sorted(path.name for path in copies.iterdir()) == ["a.txt", "b.txt"]
