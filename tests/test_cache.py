"""The folders of the cache: made by several at once, by ones that are stopped, and where they cannot be made."""

import atexit
import errno
import fcntl
import logging
import os
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dedup import held
from dedup.encoders import kept
from dedup.errors import ModelError

FILE = "file.bin"
CONTENT = bytes(range(256)) * 16


def write(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / FILE).write_bytes(CONTENT)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache."""
    monkeypatch.setenv("DEDUP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path / "cache"


def made() -> Path:
    return kept.kept_folder("made", "what is made", write)


def never(_folder: Path) -> None:
    pytest.fail("made anew")


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEDUP_CACHE", "/here")
    assert kept.cache_folder() == Path("/here")
    monkeypatch.delenv("DEDUP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert kept.cache_folder() == Path("/xdg/dedup")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert kept.cache_folder() == Path.home() / ".cache" / "dedup"


def test_what_is_whole_is_used_as_it_is(place: Path) -> None:
    assert made() == place / "made"
    assert kept.kept_folder("made", "what is made", never) == place / "made"
    assert [path.name for path in place.iterdir()] == ["made"]


@pytest.mark.parametrize("manifest", ["", "{", "{}", "[]", "null", '{"gone.json": "0"}', '{"config.json": "0"}'])
def test_a_folder_is_whole_only_with_a_manifest_that_holds(tmp_path: Path, manifest: str) -> None:
    assert not kept.is_whole(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / kept.MANIFEST).write_text(manifest)
    assert not kept.is_whole(tmp_path)


def test_whichever_bit_is_another_the_folder_is_made_anew(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    made()
    for name in (f"inner/{FILE}", kept.MANIFEST):
        file = place / "made" / name
        good = file.read_bytes()
        for at in range(0, len(good), 190):
            file.write_bytes(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :])
            with caplog.at_level(logging.INFO, "dedup"):
                assert made() == place / "made"
            assert "not what was written: unpacking what is made" in caplog.text
            caplog.clear()
            assert (place / "made" / "inner" / FILE).read_bytes() == CONTENT
    assert [path.name for path in place.iterdir()] == ["made"]


def test_what_stands_in_the_place_is_no_hindrance(place: Path) -> None:
    place.mkdir()
    (place / "made").write_text("a file")
    assert kept.is_whole(made())
    shutil.rmtree(place / "made")
    (place / "made").symlink_to(place / "nowhere")
    assert kept.is_whole(made())


class StopError(Exception):
    """Stands for a fault in the midst of the work."""


def test_a_fault_leaves_nothing(place: Path) -> None:
    def break_off(folder: Path) -> None:
        write(folder)
        raise StopError

    with pytest.raises(StopError):
        kept.kept_folder("made", "what is made", break_off)
    assert list(place.iterdir()) == []


def in_child(work: Callable[[], object]) -> int:
    """How another process ends that does this."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill(folder: Path) -> None:
    write(folder)
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_leaves_is_removed_and_what_a_living_one_writes_is_not(place: Path) -> None:
    for _ in range(3):
        assert in_child(lambda: kept.kept_folder("made", "what is made", kill)) == -signal.SIGKILL
        assert len(list(place.iterdir())) == 1  # the next one removes it, and leaves its own

    def with_another(folder: Path) -> None:
        write(folder)
        assert in_child(lambda: kept.kept_folder("made", "what is made", kill)) == -signal.SIGKILL
        assert (folder / "inner" / FILE).read_bytes() == CONTENT

    assert kept.is_whole(kept.kept_folder("made", "what is made", with_another))
    (place / "made" / kept.MANIFEST).unlink()
    made()
    assert [path.name for path in place.iterdir()] == ["made"]


def test_temporary_folders_of_killed_processes_are_removed_and_those_of_living_ones_are_not(
    place: Path, tmp_path: Path
) -> None:
    def die() -> None:
        with held.temporary_folder("some-") as folder:
            kill(folder)

    with held.temporary_folder("some-") as mine:
        for _ in range(2):
            assert in_child(die) == -signal.SIGKILL
        assert len(list(tmp_path.iterdir())) == 2
        with held.temporary_folder("some-") as another:
            assert sorted(tmp_path.iterdir()) == sorted([mine, another])
    assert not list(tmp_path.iterdir())
    assert not place.exists()


def test_of_two_at_once_one_stays(place: Path) -> None:
    def slow(folder: Path) -> None:
        write(folder)
        (made() / "here").touch()  # another comes first

    kept.kept_folder("made", "what is made", slow)
    assert kept.is_whole(place / "made")
    assert (place / "made" / "here").exists()
    assert [path.name for path in place.iterdir()] == ["made"]


def test_who_keeps_others_out_for_ever_is_passed_by(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "PATIENCE", 0.05)
    place.mkdir()
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert kept.is_whole(made())
    finally:
        os.close(handle)


def test_a_file_system_without_locks_is_no_hindrance(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    assert kept.is_whole(made())
    assert [path.name for path in place.iterdir()] == ["made"]


def as_nobody(work: Callable[[Path], object]) -> None:
    """Done in another process, by a user who may only read what lies in the folder that it is given."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "tmp").mkdir(mode=0o777)
        (folder / "tmp").chmod(0o777)
        folder.chmod(0o755)

        def done() -> None:
            if not os.getuid():
                os.setgroups([])
                os.setgid(65_534)
                os.setuid(65_534)
            work(folder)

        if os.getuid():
            folder.chmod(0o555)
        try:
            assert in_child(done) == 0
            (left,) = (folder / "tmp").iterdir()  # what goes with a process that ends in an orderly way
            assert kept.is_whole(left / "cache" / "made")
        finally:
            folder.chmod(0o755)


@pytest.mark.parametrize("below", ["cache", "", "cache/deeper"])
def test_without_leave_to_write_a_folder_serves_that_goes_with_the_process(
    below: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def work(folder: Path) -> None:
        monkeypatch.setattr("tempfile.tempdir", None)
        monkeypatch.setenv("DEDUP_CACHE", str(folder / below))
        monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
        first = made()
        assert (first.parents[2], kept.cache_folder()) == (folder / "tmp", first.parent)
        assert kept.kept_folder("made", "what is made", never) == first
        assert caplog.text.count("nothing is kept for the next run: ") == 1

    as_nobody(work)


def test_a_user_without_a_home_has_a_folder_that_goes_with_the_process(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    ends: list[Callable[[], None]] = []
    monkeypatch.delenv("DEDUP_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(atexit, "register", ends.append)
    folder = made()
    assert (folder.parents[2], kept.cache_folder()) == (tmp_path, folder.parent)
    monkeypatch.setenv("DEDUP_CACHE", str(place))
    for end in ends:
        end()
    assert list(tmp_path.iterdir()) == []


def test_nowhere_to_write_is_one_line(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place.write_text("in the way")
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def full(_folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ModelError, match=r"cannot write what is made to .*No space left.*set DEDUP_CACHE$") as caught:
        kept.kept_folder("made", "what is made", full)
    assert "\n" not in str(caught.value)


def test_a_full_disk_leaves_nothing_in_the_cache(place: Path, tmp_path: Path) -> None:
    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
        with pytest.raises(ModelError, match=r"cannot write what is made to .*File too large"):
            made()
        shutil.rmtree(kept.cache_folder().parent)  # what goes with a process that ends in an orderly way

    assert in_child(limited) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert list(place.iterdir()) == []
