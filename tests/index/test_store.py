"""What other processes do to an index, and what becomes of it when things go wrong."""

import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kill_index import contents, contents_of, survived

from dedup import InputError, Record, Settings
from dedup.check import check
from dedup.errors import DedupError, UnusableIndexError
from dedup.index import Index, add_records, database, describe, folder, is_index, remove_records, store, write
from dedup.index.folder import POINTER
from dedup.index.store import Store
from dedup.index.vectors import Vectors

from .pages import ABOUT, CALIBRATION, COOKIES, ENCODER, SETTINGS, add, build, record

PAGES = [record(f"r{number}", number, COOKIES) for number in range(6)]


def be_impatient(patch: pytest.MonkeyPatch) -> None:
    """Who has to wait for another process gives up soon."""
    for module in (folder, database):
        patch.setattr(module, "PATIENCE", 0.2)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    build(tmp_path / "i", PAGES[:4])
    return tmp_path / "i"


def in_child(work: Callable[[], object]) -> str:
    """The error with which it ends when another process does it, or nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    os.waitpid(child, 0)
    return said


def run(script: str, index: Path) -> subprocess.CompletedProcess[str]:
    """Another process, which knows the pages and the folder."""
    start = "import sys; from pathlib import Path; from tests.index import pages\nfolder = Path(sys.argv[1])\n"
    command = [sys.executable, "-c", start + script, str(index)]
    return subprocess.run(command, cwd=Path(__file__).parents[2], check=False, capture_output=True, text=True)


# --- killed


def test_a_killed_first_build_leaves_no_index_or_a_whole_one(tmp_path: Path) -> None:
    steps, states = survived(tmp_path / "nothing", lambda folder: build(folder, PAGES), 15)
    assert steps > 15
    assert set(states) == {"before", "after"}


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
        "store.sync = lambda path: os.kill(os.getpid(), signal.SIGKILL)\n"
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
    be_impatient(monkeypatch)
    before = contents(index)
    with writer_of(index):
        with pytest.raises(UnusableIndexError, match=r"another process has been writing, .* for 0 s: try again"):
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


def test_readers_and_a_writer_do_not_wait_for_each_other(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be_impatient(monkeypatch)
    old = contents(index)
    with Store.reading(index) as before:
        add(index, PAGES)
        with Store.reading(index) as between:
            for number in range(2 * store.MOST_PARTS):
                add(index, [record(f"n{number}", number % 6, upper=True), record("r0", number % 6)])
            remove_records(index, ["r1", "r2", "r3"])
            assert sorted(contents_of(between)["records"]) == [f"r{number}" for number in range(6)]
        assert contents_of(before) == old
    assert describe(index).records == 3 + 2 * store.MOST_PARTS
    assert len(list(index.glob("records-*"))) == 1  # the log is gone with the last of them


def test_a_writer_that_is_killed_while_others_read_leaves_the_old_index_or_the_new_one(index: Path) -> None:
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    start = "import os, signal; from dedup.index import store, write\n"
    before_the_end = f"write.Store.merge_parts = lambda self: {kill}\n"
    after_it = f"store._remove_leftovers = lambda folder: {kill}\n"
    old = contents(index)
    with Store.reading(index) as opened:
        assert run(f"{start}{before_the_end}pages.add(folder, [pages.record('a', 5)])", index).returncode == -9
        assert contents(index) == contents_of(opened) == old
        assert run(f"{start}{after_it}pages.add(folder, [pages.record('a', 5)])", index).returncode == -9
        assert describe(index).records == 5
        assert contents_of(opened) == old
        assert add(index, [record("b", 4)]).records == 6
    build(fresh := index.with_name("fresh"), [*PAGES[:4], record("a", 5), record("b", 4)])
    assert contents(index) == contents(fresh)
    assert len(list(index.glob("vectors-*"))) == 3


def test_what_a_killed_writer_has_forked_does_not_keep_the_right_to_write(index: Path) -> None:
    script = (
        "import os, signal, time; from dedup.index.store import Store\n"
        "with Store.writing(folder):\n"
        "    child = os.fork()\n"
        "    if not child: time.sleep(60); os._exit(0)\n"
        "    print(child, flush=True)\n"
        "    os.closerange(1, 3)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [
        sys.executable,
        "-c",
        f"import sys; from pathlib import Path; folder = Path(sys.argv[1])\n{script}",
        str(index),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.wait()
        try:
            with pytest.MonkeyPatch.context() as patch:
                be_impatient(patch)
                assert add(index, PAGES).added == 2
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_reader_that_opens_while_parts_are_put_together_sees_the_new_ones(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped = Store.map_vectors
    first = True

    def meanwhile(self: Store) -> Vectors:
        nonlocal first
        if first:
            first = False
            remove_records(index, ["r1", "r2", "r3"])
        return mapped(self)

    monkeypatch.setattr(Store, "map_vectors", meanwhile)
    with Store.reading(index) as opened:
        assert list(contents_of(opened)["vectors"]) == ["r0"]


def test_a_reader_that_meets_a_database_that_was_replaced_opens_the_new_one(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = database.connect
    first = True

    def replaced_meanwhile(path: Path, mode: str = "rw") -> sqlite3.Connection:
        nonlocal first
        if first:
            first = False
            build(index, PAGES)
        return connect(path, mode)

    monkeypatch.setattr(database, "connect", replaced_meanwhile)
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
            UnusableIndexError, match=r"format 99, .* uses format 3: make it anew with dedup index build"
        ):
            work(index)
    build(index, PAGES)
    assert describe(index).records == 6


def test_records_are_not_added_with_another_model(index: Path) -> None:
    with pytest.raises(UnusableIndexError, match=r"made with the vectors of hashing .* dedup index build"):
        add_records(index, PAGES, encoder=ENCODER, calibration=replace(CALIBRATION, name="another"))


def test_records_are_not_removed_where_signatures_are_others(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "SIGNATURE_SCHEME", "another")
    with pytest.raises(UnusableIndexError, match=r"made with signature .*, not 'another': make it anew"):
        remove_records(index, ["r0"])


SPOIL: dict[str, Callable[[bytes, int], bytes]] = {
    "cut": lambda data, at: data[:at],
    "flipped": lambda data, at: data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :],
    "lost": lambda data, at: data[:at] + bytes(len(data[at : at + 64])) + data[at + 64 :],
    "written over": lambda data, at: data[:at] + b"\xa5(" * (len(data[at : at + 64]) // 2) + data[at + 64 :],
}


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["records", "vectors", "owners", "dedup-index"]), st.sampled_from([*SPOIL]), st.data())
def test_whatever_is_spoilt_no_other_error_comes_of_it(kind: str, how: str, data: st.DataObject) -> None:
    with TemporaryDirectory() as place:
        index = Path(place, "i")
        build(index, PAGES[:4])
        (file,) = index.glob(f"{kind}*")
        content = file.read_bytes()
        file.write_bytes(SPOIL[how](content, data.draw(st.integers(0, len(content) - 1))))
        for work in (describe, look, lambda folder: add(folder, PAGES), lambda folder: remove_records(folder, ["r1"])):
            try:
                work(index)
            except DedupError as error:
                assert "\n" not in str(error)
        build(index, PAGES)
        assert describe(index).records == 6


@pytest.mark.parametrize("kind", ["records", "vectors", "owners", "dedup-index"])
def test_whichever_bit_is_another_the_answer_is_the_same_or_a_refusal(index: Path, kind: str) -> None:
    def answer() -> object:
        with Index.open(index) as opened:
            checked = check(PAGES, opened, SETTINGS, encoder=ENCODER, calibration=CALIBRATION)
        return checked, contents(index)

    expected = answer()
    (file,) = index.glob(f"{kind}*")
    content = file.read_bytes()
    chance = Random(kind)  # noqa: S311
    refused = 0
    for _ in range(30):
        spoilt = bytearray(content)
        spoilt[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(spoilt)
        try:
            assert answer() == expected
        except UnusableIndexError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused >= (30 if kind == "records" else 20)  # of the others a bit may be in blanks, or in the token
    file.write_bytes(content)
    assert answer() == expected


def spoil_a_text(index: Path) -> None:
    """Change a value in the database as it lies on disk, which SQLite cannot tell from another that was written."""
    (file,) = index.glob("records*.sqlite")
    content = file.read_bytes()
    at = content.index(b"r1", 4096)
    file.write_bytes(content[:at] + b"rX" + content[at + 2 :])


@pytest.mark.parametrize(
    "work",
    [
        describe,
        lambda folder: look(folder),
        lambda folder: add(folder, PAGES),
        lambda folder: remove_records(folder, ["r0"]),
    ],
)
def test_a_value_that_was_not_written_is_never_used_nor_vouched_for(
    index: Path, work: Callable[[Path], object]
) -> None:
    spoil_a_text(index)
    for _ in range(2):
        with pytest.raises(UnusableIndexError, match=r"broken \(.*\): make it anew with dedup index build"):
            work(index)


def pointer_of(index: Path) -> object:
    return json.loads((index / POINTER).read_bytes())


def test_after_a_writer_that_was_killed_before_it_made_the_digest_the_next_change_makes_it(index: Path) -> None:
    before = pointer_of(index)
    script = (
        "import os, signal; from dedup.index import store\n"
        "store.write_pointer = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "pages.add(folder, [pages.record('a', 5)])"
    )
    assert run(script, index).returncode == -9
    assert describe(index).records == 5
    assert pointer_of(index) == before
    remove_records(index, [])
    assert pointer_of(index) != before
    spoil_a_text(index)
    with pytest.raises(UnusableIndexError, match="broken"):
        describe(index)


def test_while_an_older_state_is_read_the_new_one_is_used_and_the_next_change_makes_its_digest(index: Path) -> None:
    before = pointer_of(index)
    with Store.reading(index) as opened:
        add(index, PAGES)
        assert pointer_of(index) == before
        assert describe(index).records == 6
        assert len(contents_of(opened)["records"]) == 4
    assert describe(index).records == 6
    remove_records(index, ["r0"])
    assert pointer_of(index) != before
    assert describe(index).records == 5


def test_where_the_digest_cannot_be_written_the_change_counts(
    index: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise InputError("cannot be written: No space left on device")

    monkeypatch.setattr(store, "write_pointer", full)
    assert add(index, PAGES).records == 6
    assert "it cannot be told whether the index is what was written: cannot be written" in caplog.text
    monkeypatch.undo()
    assert describe(index).records == 6


def test_no_file_stays_open_and_none_is_closed_under_a_reader(index: Path) -> None:
    def opened_files() -> list[str]:
        names = [str(Path(place).readlink()) for place in Path("/proc/self/fd").iterdir() if place.exists()]
        return [name for name in names if name.startswith(str(index)) and ".sqlite" in name]

    with Store.reading(index) as first:
        add(index, PAGES[:4])
        for _ in range(3):
            describe(index)
        # Another process would remove the log if it saw no lock of this one.
        assert run("pages.add(folder, [pages.record('a', 5)])", index).returncode == 0
        assert list(index.glob("records-*-wal"))
        assert describe(index).records == 5
        assert len(contents_of(first)["records"]) == 4
    assert opened_files() == []


def test_wherever_the_first_page_of_the_database_is_spoilt_it_is_one_line(index: Path) -> None:
    (file,) = index.glob("records*")
    content = file.read_bytes()
    for at in range(0, 4096, 32):
        file.write_bytes(SPOIL["written over"](content, at))
        with suppress(UnusableIndexError):
            describe(index)
    build(index, PAGES)
    assert describe(index).records == 6


def look(folder: Path) -> None:
    """Ask the index for everything."""
    with Index.open(folder) as opened:
        check(PAGES, opened, SETTINGS, encoder=ENCODER, calibration=CALIBRATION)


@pytest.mark.parametrize("kind", ["records", "vectors", "owners", "dedup-index"])
@pytest.mark.parametrize("spoil", ["missing", "empty", "truncated", "overwritten"])
def test_a_file_that_is_not_what_it_should_be_is_told_in_one_line(index: Path, kind: str, spoil: str) -> None:
    (file,) = index.glob(f"{kind}*")
    data = file.read_bytes()
    if spoil == "missing":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "truncated": data[: len(data) // 2]}.get(spoil, b"\xff" * len(data)))
    with pytest.raises(UnusableIndexError) as error, Index.open(index) as opened:
        opened.works([1, 2, 3, 4], opened.hidden([]))
    assert str(error.value).startswith(f"{index}: ")
    assert str(error.value).endswith(" with dedup index build INDEX PATH...")
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
    for work in (describe, lambda folder: add(folder, PAGES), lambda folder: remove_records(folder, ["a"])):
        with pytest.raises(UnusableIndexError, match="file: a file, no index: make one with"):
            work(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        build(tmp_path / "file", PAGES)
    with pytest.raises(InputError, match="cannot be written"):
        build(tmp_path / "no" / "folder", PAGES)


def test_a_folder_with_other_files_does_not_become_an_index(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("text")
    with pytest.raises(InputError, match=r"a folder with other files \(thesis.txt, ...\) will not become an index"):
        build(tmp_path, PAGES)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("limit", [3_000, 10_000, 20_000, 40_000, 60_000])
@pytest.mark.parametrize("work", ["add", "build"])
def test_a_full_disk_leaves_the_index_as_it_was(index: Path, limit: int, work: str) -> None:
    def limited() -> object:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        return add(index, [record(f"n{n}", n) for n in range(6)]) if work == "add" else build(index, PAGES)

    before, files = contents(index), sorted(index.iterdir())
    told = in_child(limited)
    if told:
        assert re.match(rf"(InputError|UnusableIndexError): {index}\S*: cannot be .*written: ", told)
        assert contents(index) == before
        assert sorted(index.iterdir()) == files
    else:
        assert limit > 20_000
    assert add(index, [record("o", 1), *PAGES]).records > 6


def test_an_index_is_read_where_the_disk_is_full(index: Path) -> None:
    expected = contents(index)

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        assert contents(index) == expected

    assert in_child(limited) == ""


def test_a_first_build_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"i: cannot be written: No space left on device"):
        build(tmp_path / "i", PAGES)
    monkeypatch.undo()
    assert [file.name for file in (tmp_path / "i").iterdir()] == ["lock"]
    build(tmp_path / "i", PAGES)
    monkeypatch.setattr(os, "fsync", full)
    before = contents(tmp_path / "i")
    for work in (build, add):
        with pytest.raises(InputError, match="cannot be written: No space left on device"):
            work(tmp_path / "i", [record("new", 2, ABOUT)])
        assert contents(tmp_path / "i") == before


def test_files_of_others_are_not_touched(index: Path, tmp_path: Path) -> None:
    names = ["records-2031.jsonl", "vectors-of-mine.npy", "owners-.npy", ".dedup-baseline.json", "records-1.sqlite"]
    for name in names:
        (index / name).write_text("mine")
    add(index, PAGES)
    build(index, PAGES)
    assert [(index / name).read_text() for name in names] == ["mine"] * len(names)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / names[0]).write_text("mine")
    with pytest.raises(InputError, match=r"a folder with other files \(records-2031.jsonl, ...\)"):
        build(tmp_path / "corpus", PAGES)
    assert [file.name for file in (tmp_path / "corpus").iterdir()] == [names[0]]


# --- that may not be written


@pytest.fixture
def guarded(index: Path) -> Iterator[Path]:
    """The index in a place that everybody can reach, and only the owner can write."""
    with TemporaryDirectory() as place:
        guarded = Path(place, "i")
        shutil.copytree(index, guarded)
        Path(place).chmod(0o755)
        _protect(guarded, 0o555, 0o444)
        yield guarded
        _protect(guarded, 0o755, 0o644)


def _protect(folder: Path, folder_mode: int, file_mode: int) -> None:
    folder.chmod(folder_mode)
    for file in folder.iterdir():
        file.chmod(file_mode)


def as_nobody(work: Callable[[], object]) -> str:
    """What it says, done by a user who may only read."""

    def done() -> object:
        if not os.getuid():
            os.setgroups([])
            os.setgid(65_534)
            os.setuid(65_534)
        return work()

    return in_child(done)


def test_an_index_that_may_only_be_read_is_read_and_leaves_no_trace(guarded: Path) -> None:
    expected = contents(guarded)
    _protect(guarded, 0o555, 0o444)
    before = sorted(guarded.iterdir())

    def read() -> None:
        assert contents(guarded) == expected
        with Index.open(guarded) as opened:
            check(PAGES, opened, SETTINGS, encoder=ENCODER, calibration=CALIBRATION)

    assert as_nobody(read) == ""
    assert sorted(guarded.iterdir()) == before


@pytest.mark.parametrize("work", [build, add, lambda folder, _: remove_records(folder, ["r0"])])
def test_an_index_that_may_only_be_read_is_not_written(
    guarded: Path, work: Callable[[Path, Sequence[Record]], object]
) -> None:
    told = as_nobody(lambda: work(guarded, PAGES))
    assert told.startswith(f"InputError: {guarded}: cannot be written: ")


def test_a_reader_without_leave_to_write_sees_what_a_killed_writer_had_done(guarded: Path) -> None:
    _protect(guarded, 0o755, 0o644)
    script = (
        "import os, signal; from dedup.index import store\n"
        "store._remove_leftovers = lambda folder: os.kill(os.getpid(), signal.SIGKILL)\n"
        "pages.add(folder, [pages.record('a', 5)])"
    )
    assert run(script, guarded).returncode == -9
    _protect(guarded, 0o555, 0o444)
    before = sorted(guarded.iterdir())
    assert len(before) > 7

    def read() -> None:
        assert describe(guarded).records == 5

    assert as_nobody(read) == ""
    assert sorted(guarded.iterdir()) == before


@pytest.mark.skipif(os.getuid() != 0, reason="nobody else here can write")
def test_a_writer_waits_for_readers_without_leave_to_write(guarded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be_impatient(monkeypatch)
    reading, told = os.pipe()
    done, finish = os.pipe()
    child = os.fork()
    if not child:
        os.close(finish)

        def read() -> None:
            with Store.reading(guarded) as opened:
                os.write(told, b"here")
                os.read(done, 1)
                assert len(contents_of(opened)["records"]) == 4

        os._exit(len(as_nobody(read)))
    os.close(told)
    assert os.read(reading, 4) == b"here"
    with pytest.raises(UnusableIndexError, match="reading without leave to write, for 0 s: try again"):
        add(guarded, PAGES)
    os.close(finish)
    assert os.waitpid(child, 0)[1] == 0
    assert add(guarded, PAGES).added == 2


# --- the same, otherwise


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
