"""What other processes do to an index, and what becomes of it when things go wrong."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from kill_index import contents, survived

from dedup import InputError, Settings
from dedup.errors import UnusableIndexError
from dedup.index import Index, add_records, describe, is_index, remove_records, store, write
from dedup.index.store import POINTER, Store

from .pages import CALIBRATION, COOKIES, ENCODER, SETTINGS, add, build, record

PAGES = [record(f"r{number}", number, COOKIES) for number in range(6)]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    build(tmp_path / "i", PAGES[:4])
    return tmp_path / "i"


def run(script: str, index: Path) -> subprocess.CompletedProcess[str]:
    """Another process, which knows the pages and the folder."""
    start = "import sys; from pathlib import Path; from tests.index import pages\nfolder = Path(sys.argv[1])\n"
    command = [sys.executable, "-c", start + script, str(index)]
    return subprocess.run(command, cwd=Path(__file__).parents[2], check=False, capture_output=True, text=True)


# --- killed


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda folder: build(folder, PAGES[2:]), id="build anew"),
        pytest.param(lambda folder: add(folder, [*PAGES[4:], record("r0", 5)]), id="add and update"),
        pytest.param(lambda folder: remove_records(folder, ["r0", "r3"]), id="remove"),
    ],
)
def test_a_killed_writer_leaves_the_old_index_or_the_new_one(index: Path, work: Callable[[Path], object]) -> None:
    steps, states = survived(index, work, 15)
    assert steps > 15
    assert set(states) == {"before", "after"}


def test_a_first_build_that_was_killed_leaves_no_index_and_can_be_done_again(tmp_path: Path) -> None:
    folder = tmp_path / "i"
    script = (
        "import os, signal; from dedup.index import store\n"
        "store._sync = lambda path: os.kill(os.getpid(), signal.SIGKILL)\n"
        "pages.build(folder, [pages.record('a', 0)])"
    )
    assert run(script, folder).returncode == -9
    assert folder.is_dir()
    assert not is_index(folder)
    with pytest.raises(UnusableIndexError, match="a folder without an index: make one with dedup index build"):
        describe(folder)
    build(folder, PAGES)
    assert describe(folder).records == 6
    assert len(list(folder.glob("records-*"))) == 1


def test_a_fault_in_the_middle_of_a_change_leaves_the_index_as_it_was(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(index)

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "merge_parts", broken)
    with pytest.raises(KeyboardInterrupt):
        add(index, PAGES)
    monkeypatch.undo()
    assert contents(index) == before
    assert len(list(index.glob("vectors-*"))) == 1


# --- several at once


@contextmanager
def writer_of(index: Path) -> Iterator[None]:
    """Another process that holds the right to write."""
    script = (
        "import sys; from pathlib import Path; from dedup.index.store import Store\n"
        "with Store.writing(Path(sys.argv[1])): print('here', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(index)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        yield
        process.communicate("")


def test_a_second_writer_waits_and_then_says_so_in_one_line(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PATIENCE", 0.2)
    before = contents(index)
    with writer_of(index):
        with pytest.raises(UnusableIndexError, match=r"another process has been writing for 0 s: try again"):
            add(index, PAGES)
        assert contents(index) == before  # a reader is not kept waiting
    assert add(index, PAGES).added == 2


def test_writers_take_turns(index: Path) -> None:
    workers = [threading.Thread(target=add, args=(index, [record(f"t{number}", number)])) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert describe(index).records == 8


def test_a_reader_keeps_what_it_saw_while_the_index_is_built_anew(index: Path) -> None:
    with Store.reading(index) as open_store:
        build(index, PAGES[4:])
        ids = open_store.database.execute("SELECT id FROM records ORDER BY id").fetchall()
        assert ids == [("r0",), ("r1",), ("r2",), ("r3",)]
        assert open_store.vectors.take(open_store.vectors.places[1]).any()
    assert sorted(contents(index)["records"]) == ["r4", "r5"]


def test_a_writer_waits_with_its_last_step_until_readers_are_through(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.reading(index):
        monkeypatch.setattr(store, "PATIENCE", 0.2)
        with pytest.raises(UnusableIndexError, match="in use by another process"):
            add(index, PAGES)
        monkeypatch.undo()
        writer = threading.Thread(target=add, args=(index, PAGES))
        writer.start()
        time.sleep(0.2)
        assert writer.is_alive()
    writer.join()
    assert describe(index).records == 6


def test_a_reader_that_meets_a_database_that_was_replaced_opens_the_new_one(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = store._connected
    first = True

    def replaced_meanwhile(path: Path, *, new: bool = False) -> sqlite3.Connection:
        nonlocal first
        if first:
            first = False
            build(index, PAGES)
        return connect(path, new=new)

    monkeypatch.setattr(store, "_connected", replaced_meanwhile)
    assert describe(index).records == 6


def test_an_index_that_was_made_anew_with_other_settings_while_records_were_read_is_not_mixed(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sketched = write.sketches_with_vectors

    def replaced_meanwhile(*arguments: object) -> object:
        monkeypatch.undo()
        build(index, PAGES[:1], replace(SETTINGS, max_segments=7))
        return sketched(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(write, "sketches_with_vectors", replaced_meanwhile)
    with pytest.raises(UnusableIndexError, match="made anew by another process in the meantime: try again"):
        add_records(index, PAGES, encoder=ENCODER, calibration=CALIBRATION)


# --- not what it should be


def test_an_index_of_another_format_is_refused_and_can_be_built_anew(index: Path) -> None:
    pointer = json.loads((index / POINTER).read_bytes())
    (index / POINTER).write_text(json.dumps(pointer | {"format": 99}))
    assert is_index(index)
    for work in (describe, lambda folder: add(folder, PAGES), lambda folder: remove_records(folder, ["r0"])):
        with pytest.raises(
            UnusableIndexError, match=r"format 99, .* uses format 1: make it anew with dedup index build"
        ):
            work(index)
    build(index, PAGES)
    assert describe(index).records == 6


def test_records_are_not_added_with_another_model(index: Path) -> None:
    with pytest.raises(UnusableIndexError, match=r"made with the vectors of hashing .* dedup index build"):
        add_records(index, PAGES, encoder=ENCODER, calibration=replace(CALIBRATION, name="another"))


@pytest.mark.parametrize("kind", ["records", "vectors", "owners", "dedup-index"])
@pytest.mark.parametrize("spoil", ["missing", "truncated", "overwritten"])
def test_a_file_that_is_not_what_it_should_be_is_told_in_one_line(index: Path, kind: str, spoil: str) -> None:
    (file,) = index.glob(f"{kind}*")
    data = file.read_bytes()
    if spoil == "missing":
        file.unlink()
    else:
        file.write_bytes(data[: len(data) // 2] if spoil == "truncated" else b"\xff" * len(data))
    with pytest.raises(UnusableIndexError) as error, Index.open(index) as opened:
        opened.works([1, 2, 3, 4], opened.hidden([]))
    assert str(error.value).startswith(f"{index}: ")
    assert "\n" not in str(error.value)
    build(index, PAGES)
    assert describe(index).records == 6


def test_folders_and_files_that_are_no_index_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnusableIndexError, match="no such index: make one with"):
        describe(tmp_path / "nothing")
    with pytest.raises(UnusableIndexError, match="a folder without an index: make one with"):
        describe(tmp_path)
    with pytest.raises(UnusableIndexError, match="no such index"):
        remove_records(tmp_path / "nothing", ["a"])
    (tmp_path / "file").write_text("text")
    with pytest.raises(InputError, match="cannot be written"):
        build(tmp_path / "file", PAGES)
    with pytest.raises(InputError, match="cannot be written"):
        build(tmp_path / "no" / "folder", PAGES)


def test_a_folder_with_other_files_does_not_become_an_index(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("text")
    with pytest.raises(InputError, match=r"a folder with other files \(thesis.txt, ...\) will not become an index"):
        build(tmp_path, PAGES)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_full_disk_leaves_the_index_as_it_was(index: Path) -> None:
    script = (
        "import resource, signal, sys; from pathlib import Path; from tests.index import pages\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "pages.add(Path(sys.argv[1]), [pages.record(f'n{n}', n) for n in range(6)])\n"
    )
    before = contents(index)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(index)], cwd=root, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "dedup.errors.UnusableIndexError" in done.stderr or "OSError" in done.stderr
    assert contents(index) == before
    assert add(index, PAGES).added == 2


def test_an_index_can_be_copied_and_moved(index: Path, tmp_path: Path) -> None:
    shutil.copytree(index, tmp_path / "copy")
    index.rename(tmp_path / "moved")
    assert contents(tmp_path / "copy") == contents(tmp_path / "moved")
    assert add(tmp_path / "moved", PAGES).added == 2


def test_settings_that_sketches_depend_on_are_those_of_the_index(index: Path) -> None:
    add(index, [record("long", 0, f"{COOKIES}\n" * 8)])
    with Index.open(index) as opened:
        assert opened.settings["max_segments"] == SETTINGS.max_segments != Settings().max_segments
        assert opened.records == 5
