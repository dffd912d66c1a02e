import os
from pathlib import Path

import pytest

from dedup.errors import InputError
from dedup.files import check_writable, fault_of_new_folder, write_atomically


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


@pytest.mark.parametrize("place", [".", "missing/report.json", "file/report.json", "n" * 300, "leads/nowhere.json"])
def test_place_that_cannot_be_written_is_known_beforehand(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "leads").symlink_to(tmp_path / "missing")
    for complain in (check_writable, lambda path: write_atomically(path, b"new")):
        with pytest.raises(InputError, match=r"cannot be written: \S+") as error:
            complain(tmp_path / place)
        assert "\n" not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "leads"}


def test_place_without_leave_is_known_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def access(path: Path, mode: int) -> bool:
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(InputError, match=r"report\.json: cannot be written: no leave to write in folder "):
        check_writable(tmp_path / "report.json")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: cannot be written: Permission denied"):
        check_writable(tmp_path / "pipe")
    assert asked == [(tmp_path, os.W_OK | os.X_OK), (tmp_path / "pipe", os.W_OK)]


def test_link_in_a_folder_that_may_not_be_written_leads_where_one_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /dev/stdout does where the shell has redirected it to a file."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "dev" / "stdout").symlink_to(tmp_path / "file")
    monkeypatch.setattr(os, "access", lambda path, _mode: path != tmp_path / "dev")
    check_writable(tmp_path / "dev" / "stdout")
    with pytest.raises(InputError, match="no leave to write"):
        check_writable(tmp_path / "dev" / "other")


def test_places_that_can_be_written_are_left_as_they_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "old.json").write_bytes(b"old")
    (tmp_path / "link.json").symlink_to("new.json")
    for name in ("pipe", "old.json", "link.json", "other.json", "n" * 255):
        check_writable(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "old.json", "link.json"}
    assert (tmp_path / "old.json").read_bytes() == b"old"


def test_folder_that_is_made_with_all_around_it_needs_one_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert fault_of_new_folder(tmp_path / "a" / "b" / "c") is None
    assert fault_of_new_folder(tmp_path) is None
    assert fault_of_new_folder(tmp_path / "file" / "b") == f"{str(tmp_path / 'file')!r} is no folder"


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
