import os
import socket
import stat
from itertools import permutations
from pathlib import Path

import pytest

from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.read import read_records

Read = tuple[list[str], list[tuple[str, int | None, str]]]


def write(path: Path, content: str = "Some text.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def read(*paths: str | Path) -> Read:
    """Ids of what was read; path, line and reason of what was skipped."""
    items = list(read_records(paths))
    ids = [item.id for item in items if isinstance(item, Record)]
    return ids, [(item.path, item.line, item.reason) for item in items if isinstance(item, Skipped)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folder_gives_its_texts_at_any_depth_sorted_and_named_by_their_path_within_it(here: Path) -> None:
    for name in ("news/b.txt", "news/a.md", "news/sub/deep/C.TXT", "news/table.jsonl", "news/page.html"):
        write(here / name)
    assert read("news") == (["a.md", "b.txt", "sub/deep/C.TXT"], [])
    assert [item.path for item in read_records([here / "news/"])] == [
        (here / "news" / name).as_posix() for name in ("a.md", "b.txt", "sub/deep/C.TXT")
    ]


def test_empty_folder_gives_nothing(here: Path) -> None:
    assert read(here) == ([], [])


def test_file_given_by_itself_is_named_by_its_name(here: Path) -> None:
    write(here / "news/a.txt")
    assert read("news/a.txt") == (["a.txt"], [])


def test_hidden_files_are_passed_over_unless_given(here: Path) -> None:
    write(here / "news/.git/a.txt")
    write(here / "news/.b.txt")
    assert read("news") == ([], [])
    assert read("news", "news/.git", "news/.b.txt") == ([".b.txt", "a.txt"], [])


@pytest.mark.parametrize("paths", [["gone"], ["gone.txt"], [""], ["a\0b.txt"], ["table.xls"], []])
def test_a_wrong_path_is_an_error_of_one_line(here: Path, paths: list[str]) -> None:
    write(here / "table.xls")
    write(here / "good.txt")
    with pytest.raises(InputError) as raised:
        read_records([*(["good.txt"] if paths else []), *paths])
    assert "\n" not in str(raised.value)


def test_the_error_names_the_endings_that_are_read(here: Path) -> None:
    write(here / "table.xls")
    with pytest.raises(InputError, match=r"'table.xls'.*\.txt, \.md, \.jsonl, \.jsonl\.gz"):
        read_records(["table.xls"])


def test_names_that_clash_get_the_given_path_in_front_whatever_the_order(here: Path) -> None:
    for name in ("new/a.txt", "old/a.txt", "old/b.txt", "single/a.txt"):
        write(here / name)
    outcomes = [read(*order) for order in permutations(["new", "old", "single/a.txt"])]
    assert outcomes == [(["new/a.txt", "old/a.txt", "b.txt", "single/a.txt"], [])] * 6


def test_a_name_made_longer_may_clash_in_its_turn(here: Path) -> None:
    for name in ("new/a.txt", "old/a.txt", "all/old/a.txt"):
        write(here / name)
    assert read("new", "old", "all") == (["all/old/a.txt", "new/a.txt", "old/a.txt"], [])


def test_rows_without_id_are_named_by_file_and_line_and_never_clash(here: Path) -> None:
    for folder in ("new", "old"):
        write(here / folder / "t.jsonl", '\n{"text": "one"}\n{"text": "two"}\n')
    assert read("new/t.jsonl")[0] == ["t.jsonl:2", "t.jsonl:3"]
    assert read("new/t.jsonl", "old/t.jsonl")[0] == [f"{x}/t.jsonl:{n}" for x in ("new", "old") for n in (2, 3)]


def test_same_file_or_folder_given_again_is_read_once_whatever_the_order(here: Path) -> None:
    write(here / "news/sub/a.txt")
    paths = ["news", "news/sub", "news/sub/a.txt", "./news"]
    outcomes = {str(read(*order)) for order in permutations(paths)}
    same = [
        ("news", None, "the same folder as news"),
        ("news/sub", None, "the same folder as news/sub"),
        ("news/sub/a.txt", None, "the same file as news/sub/a.txt"),
    ]
    assert outcomes == {str((["sub/a.txt"], same))}


def test_links_are_followed_but_what_has_a_name_of_its_own_goes_before(here: Path) -> None:
    write(here / "news/real.txt")
    write(here / "elsewhere/b.txt")
    (here / "news/a-link.txt").symlink_to("real.txt")
    (here / "news/far").symlink_to(here / "elsewhere")
    assert read("news") == (["far/b.txt", "real.txt"], [("news/a-link.txt", None, "the same file as news/real.txt")])
    for order in permutations(["news", "elsewhere"]):
        assert read(*order)[0] == ["b.txt", "real.txt"]


def test_link_loops_end(here: Path) -> None:
    write(here / "news/sub/a.txt")
    (here / "news/sub/up").symlink_to(here / "news")
    (here / "news/self.txt").symlink_to("self.txt")
    ids, skipped = read("news")
    assert ids == ["sub/a.txt"]
    assert [item[:2] for item in skipped] == [("news/self.txt", None), ("news/sub/up", None)]
    assert skipped[0][2].startswith("cannot be read: ")
    assert skipped[1][2] == "the same folder as news"


def test_folders_that_link_to_one_another_are_read_once_each(here: Path) -> None:
    for left in range(12):
        write(here / f"all/{left}/a.txt")
        for right in range(12):
            (here / f"all/{left}/to-{right}").symlink_to(here / f"all/{right}")
    ids, skipped = read("all")
    assert len(ids) == 12
    assert len(skipped) == 144


def test_broken_link_is_skipped_in_a_folder_and_by_itself(here: Path) -> None:
    write(here / "news/a.txt")
    (here / "news/gone.txt").symlink_to("nowhere.txt")
    assert read("news") == (["a.txt"], [("news/gone.txt", None, "a broken link")])
    assert read("news/gone.txt") == ([], [("news/gone.txt", None, "a broken link")])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
def test_special_files_are_skipped_not_waited_for(here: Path) -> None:
    write(here / "a.txt")
    os.mkfifo(here / "pipe.txt")
    (here / "device.txt").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.txt")
        ids, skipped = read(".")
    assert ids == ["a.txt"]
    assert skipped == [
        ("device.txt", None, "a device, not a regular file"),
        ("pipe.txt", None, "a pipe, not a regular file"),
        ("socket.txt", None, "a socket, not a regular file"),
    ]
    assert read("pipe.txt") == ([], [("pipe.txt", None, "a pipe, not a regular file")])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_may_not_be_read_is_skipped(here: Path) -> None:
    write(here / "a.txt").chmod(0)
    write(here / "closed/b.txt")
    (here / "closed").chmod(0)
    ids, skipped = read(".")
    (here / "closed").chmod(stat.S_IRWXU)
    denied = "cannot be read: Permission denied"
    assert (ids, skipped) == ([], [("closed", None, denied), ("a.txt", None, denied)])


def test_what_refuses_to_open_is_skipped(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    write(here / "news/a.txt")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", refuse)
        assert read("news") == ([], [("news", None, "cannot be read: Permission denied")])
    monkeypatch.setattr(Path, "open", refuse)
    assert read("news") == ([], [("news/a.txt", None, "cannot be read: Permission denied")])


def test_file_that_vanishes_while_its_folder_is_listed_is_skipped(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "news/a.txt")
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([folder / "a.txt", folder / "gone.txt"]))
    ids, [(path, line, reason)] = read("news")
    assert (ids, path, line) == (["a.txt"], "news/gone.txt", None)
    assert reason.startswith("cannot be read: ")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file here that opens but cannot be read")
def test_read_error_costs_the_file(here: Path) -> None:
    (here / "a.txt").symlink_to("/proc/self/mem")
    (here / "b.jsonl").symlink_to("/proc/self/mem")
    assert read("a.txt") == ([], [("a.txt", None, "cannot be read: Input/output error")])
    assert read("b.jsonl") == ([], [("b.jsonl", 1, "the rest cannot be read: Input/output error")])


def test_undecodable_file_name_gives_an_id_that_can_be_written(here: Path) -> None:
    try:
        (here / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"text")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert read(".") == (["caf\\udce9.txt"], [])
    [item] = read_records(["."])
    assert item.path == "caf\\udce9.txt"
