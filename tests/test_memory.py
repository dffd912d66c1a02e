import errno
import mmap
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup import Record, Settings, Skipped, fingerprints, memory, prepare
from dedup import sketch as sketching
from dedup.errors import InputError, MemoryLimitError, is_shortage, one_line
from dedup.language import language_of
from dedup.memory import fitting, held_by, noting, of_machine, parse_size, run_below, workers_for
from dedup.model import Article, Fingerprint
from dedup.progress import silent
from dedup.read.fields import Fields, Origin
from dedup.read.jsonl import read_jsonl
from dedup.sketch import Sketch, sketches_of
from dedup.spool import Arena, Spool
from dedup.workers import in_parts

from .conftest import Cli

SEEDS = Path(__file__).parent.parent / "seeds"
MEBIBYTE = 2**20
PLENTY = 2**50
TEXT = Record("a", "The council has 96 of 113 staff.", language="en", path="t.jsonl", line=7)


# --- sizes


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("4G", 4 * 2**30), ("512m", 512 * 2**20), ("1.5GiB", 3 * 2**29), (" 2 kb ", 2048), ("1T", 2**40)],
)
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_share_is_of_the_memory_that_there_is() -> None:
    assert parse_size("100%") == of_machine()
    assert parse_size("50%") == of_machine() // 2


@given(st.sampled_from(["", "G", "-1G", "0", "0.1", "nan", "inf", "1e999", "4X", "4 GG", "1G!", "%", "four"]))
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no size: give one such as 4G"):
        parse_size(text)


@pytest.mark.parametrize(
    ("line", "limits", "least"),
    [
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "3000", "memory.max": "9000"}, 3000),
        ("0::/gone", {"memory.max": "5000"}, 5000),
        ("4:memory:/a", {"memory/a/memory.limit_in_bytes": "70", "memory/memory.limit_in_bytes": "80"}, 70),
        ("4:cpu,memory:/seen/outside", {"memory/memory.limit_in_bytes": "80"}, 80),
        ("3:cpu:/a", {"memory/a/memory.limit_in_bytes": "70", "a/memory.max": "1"}, None),
        ("0::/", {"memory.max": str(2**63)}, None),
    ],
)
def test_limit_of_a_container_is_found(line: str, limits: dict[str, str], least: int | None, tmp_path: Path) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    files = {proc / "self/cgroup": f"1:name=systemd:/x\n{line}\n", **{groups / k: f"{v}\n" for k, v in limits.items()}}
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert of_machine(proc, groups) == (least or of_machine(tmp_path, tmp_path))


@pytest.mark.parametrize(
    ("mounts", "in_memory"),
    [
        (["/ ext4"], False),
        (["/ ext4", "{} tmpfs"], True),
        (["/ tmpfs", "{} ext4"], False),
        (["/ tmpfs", "{}/other ext4"], True),
    ],
)
def test_temporary_files_in_memory_are_known(
    mounts: list[str], in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = (tmp_path / "t").resolve()
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    file = tmp_path / "mountinfo"
    places = [mount.format(folder).split() for mount in mounts]
    file.write_text("".join(f"22 1 0:2 / {place} rw - {kind} none rw\n" for place, kind in places))
    assert memory.temporary_in_memory(file) == (folder if in_memory else None)


# --- the plan


def test_more_memory_lets_more_processes_work_and_one_always_may() -> None:
    plan = [fitting(size * 2**27) for size in range(200)]
    assert plan[0] == 1
    assert plan == sorted(plan)
    assert all(memory.FIRST + n * memory.EACH <= size * 2**27 for size, n in enumerate(plan) if n > 1)
    assert plan[-1] > 50


def test_only_a_ceiling_takes_processes_away_that_were_asked_for() -> None:
    little = memory.FIRST
    assert workers_for(7) == 7
    assert workers_for(None, little) == 1
    assert run_below(PLENTY, lambda: (workers_for(7, PLENTY), workers_for(7, little))) == (7, 1)


# --- the ceiling


@pytest.fixture
def all_is_as_before() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    yield
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert not memory.is_kept()
    assert multiprocessing.active_children() == []


def shared(size: int) -> NDArray[np.uint8]:
    """Memory that no limit of private memory keeps from being there, and that is held."""
    array = np.frombuffer(mmap.mmap(-1, size), np.uint8)
    array[:] = 1
    return array


def somewhat_above_what_is_held() -> int:
    """A ceiling for a process that has run other tests, which may have left much, and one that tracks resources."""
    return int(sum(map(held_by, memory.family(os.getpid()))) / memory.STOP) + 64 * MEBIBYTE


@pytest.mark.usefixtures("all_is_as_before")
def test_run_below_its_ceiling_is_let_alone() -> None:
    assert run_below(PLENTY, lambda: (memory.is_kept(), memory.tight(look=True))) == (True, False)


@pytest.mark.usefixtures("all_is_as_before")
def test_run_that_holds_more_than_it_may_ends_wherever_it_is() -> None:
    family, ceiling = memory.family(os.getpid()), somewhat_above_what_is_held()

    def work() -> None:
        tell = noting(silent)
        tell("proposing", 3, 1_000)
        _, deadline = shared(ceiling), time.monotonic() + 60
        while time.monotonic() < deadline:
            pass

    with pytest.raises(MemoryLimitError) as end:
        run_below(ceiling, work, "less of everything")
    told = one_line(end.value)
    by = "1 process" if len(family) == 1 else f"{len(family)} processes"
    assert told.startswith(f"out of memory while proposing (3 of 1,000 done): {by} held ")
    assert told.endswith(f" of the {memory.told(ceiling)} that are allowed; what helps: less of everything")


@pytest.mark.usefixtures("all_is_as_before")
def test_large_array_is_refused_before_it_is_there() -> None:
    ceiling = 2 * held_by(os.getpid()) + 256 * MEBIBYTE
    with pytest.raises(MemoryLimitError, match="and asked for more than is left"):
        run_below(ceiling, lambda: np.ones(ceiling, np.uint8))


@pytest.mark.usefixtures("all_is_as_before")
def test_memory_taken_bit_by_bit_ends_before_the_ceiling() -> None:
    # In a process of its own: one that has run other tests has mapped much that it does not hold, and may take at once.
    program = (
        "import os\nfrom dedup.errors import MemoryLimitError\nfrom dedup.memory import held_by, run_below\n"
        "before, held = held_by(os.getpid()), []\nceiling = before + 2**28\n"
        "try:\n    run_below(ceiling, lambda: held.extend(b'x' * 2**20 for _ in range(ceiling >> 20)))\n"
        "except MemoryLimitError:\n    print(before + len(held) * 2**20 < ceiling)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


@pytest.mark.usefixtures("all_is_as_before")
def test_nobody_waits_for_the_processes_of_a_run_that_ends() -> None:
    ceiling = somewhat_above_what_is_held()

    def part(_start: int, _end: int) -> None:
        _ = shared(ceiling)
        time.sleep(60)

    started = time.monotonic()
    with pytest.raises(MemoryLimitError, match="processes held"):
        run_below(ceiling, lambda: list(in_parts(part, 4, 1, 2)))
    assert time.monotonic() - started < 60


@pytest.mark.usefixtures("all_is_as_before")
def test_what_the_system_refuses_is_told_with_the_stage_also_without_a_ceiling() -> None:
    def part(start: int, _end: int) -> int:
        if start == 3:
            raise MemoryError
        return start

    def work() -> list[int]:
        tell = noting(silent)
        tell("confirming")
        return list(in_parts(part, 10, 3, 2))

    with pytest.raises(MemoryLimitError, match=r"^out of memory while confirming$"):
        run_below(None, work)


@pytest.mark.usefixtures("all_is_as_before")
@pytest.mark.parametrize("ceiling", [None, PLENTY])
@pytest.mark.parametrize("fault", [ZeroDivisionError, KeyboardInterrupt])
def test_other_faults_stay_what_they_are(ceiling: int | None, fault: type[BaseException]) -> None:
    def work() -> None:
        raise fault

    with pytest.raises(fault):
        run_below(ceiling, work)


# --- fewer processes


def test_when_memory_is_tight_parts_are_done_by_fewer_processes_and_come_out_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = count()
    monkeypatch.setattr(memory, "tight", lambda *, look=False: not look and next(looks) > 1)
    found = list(in_parts(lambda start, _end: (start, os.getpid()), 40, 1, 4))
    assert [start for start, _ in found] == list(range(40))
    pids = [pid for _, pid in found]
    assert pids[0] != os.getpid()
    assert set(pids[10:]) == {os.getpid()}


def test_when_memory_is_tight_sketching_goes_on_here(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [Record(f"r{n}", f"Text number {n} of a corpus.") for n in range(40)]
    monkeypatch.setattr(sketching, "FEW", 4)
    monkeypatch.setattr(sketching, "BATCH", 4)
    monkeypatch.setattr(memory, "tight", lambda: True)
    found = [one for some in sketches_of(records, Settings(workers=2), None, Spool(), Arena()) for one in some]
    assert [one.id for one in found if isinstance(one, Sketch)] == [record.id for record in records]


def test_long_texts_are_worked_on_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketching, "CHARACTERS", 100)
    texts = [f"Word {n} and more words of a text." for n in range(10)]
    records = [Record(str(n), text) for n, text in enumerate(texts)]
    batches = list(sketches_of(records, Settings(), None, Spool(), Arena()))
    assert [one.id for some in batches for one in some if isinstance(one, Sketch)] == [record.id for record in records]
    assert max(map(len, batches)) == 4


def test_vectors_of_a_run_with_a_ceiling_lie_in_a_file_and_are_not_held() -> None:
    def work() -> None:
        before, arena = held_by(os.getpid()), Arena()
        put = [arena.put(np.full(8 * MEBIBYTE, n, np.uint8)) for n in range(1, 21)]
        assert held_by(os.getpid()) - before < 100 * MEBIBYTE
        assert [int(there.max()) for there in put] == [int(there.min()) for there in put] == list(range(1, 21))

    run_below(PLENTY, work)


# --- whose fault it is


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("can't start new thread"),
        ImportError("ada.so: failed to map segment from shared object"),
        ImportError("libtorch.so: failed to map segment from shared object: Cannot allocate memory"),
    ],
)
def test_shortage_of_memory_is_known_however_it_is_said(error: Exception) -> None:
    wrapped = OSError("cannot be read")
    wrapped.__cause__ = error
    assert is_shortage(error)
    assert is_shortage(wrapped)


@pytest.mark.parametrize("error", [ValueError("std::bad_alloc"), OSError(errno.ENOSPC, "full"), RuntimeError("odd")])
def test_other_faults_are_no_shortage(error: Exception) -> None:
    assert not is_shortage(error)


def test_no_record_is_given_up_for_want_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(text: str, stated: str | None) -> str:
        if "113" in text:
            raise MemoryError
        return language_of(text, stated)

    monkeypatch.setattr(prepare, "language_of", fails)
    with pytest.raises(MemoryError):
        list(sketches_of([TEXT, Record("b", "Another.")], Settings(), None, Spool(), Arena()))


def test_records_for_which_together_memory_does_not_suffice_are_worked_on_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = fingerprints.fingerprint

    def fails(articles: Sequence[Article], settings: Settings) -> list[Fingerprint]:
        if len(articles) > 1:
            raise MemoryError
        return whole(articles, settings)

    monkeypatch.setattr(sketching, "fingerprint", fails)
    (found,) = sketches_of([TEXT, Record("b", "Another.")], Settings(), None, Spool(), Arena())
    assert [one.id for one in found if isinstance(one, Sketch)] == ["a", "b"]


def test_no_line_is_given_up_for_want_of_memory() -> None:
    class Broken(BytesIO):
        def __init__(self, number: int) -> None:
            super().__init__(b'{"id": "a", "text": "A text."}\n')
            self.number = number

        def read(self, size: int | None = -1) -> bytes:
            if data := super().read(size):
                return data
            raise OSError(self.number, os.strerror(self.number))

    def read(number: int) -> list[Record | Skipped]:
        return list(read_jsonl(Broken(number), Origin("t.jsonl", "t.jsonl"), Fields()))

    assert [type(one) for one in read(errno.EIO)] == [Record, Skipped]
    with pytest.raises(OSError, match="Cannot allocate"):
        read(errno.ENOMEM)


# --- the program


@pytest.mark.usefixtures("all_is_as_before")
@pytest.mark.parametrize("command", [("run",), ("index", "build"), ("check", "--against")])
def test_what_cannot_be_done_below_the_ceiling_ends_with_one_line_and_leaves_nothing(
    command: tuple[str, ...], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, results = tmp_path / "temporary", tmp_path / "results"
    temporary.mkdir()
    results.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    report = results / "report.json"
    places: dict[str, list[str | Path]] = {
        "run": [SEEDS, "-o", report, "--html", results / "page.html"],
        "index": [results / "known.index", SEEDS],
        "check": [SEEDS, SEEDS, "-o", report],
    }
    code, out, err = cli(*command, *places[command[0]], "--max-memory", "20M", "--workers", "2")
    assert (code, out) == (2, "")
    assert err.startswith("dedup: out of memory")
    assert "of the 20 MiB that are allowed" in err
    assert "what helps: a larger --max-memory, fewer --workers" in err
    assert err.count("\n") == 1
    assert [list(temporary.iterdir()), [file for file in results.rglob("*") if file.is_file()]] == [[], []]


def test_limited_program_that_a_library_ends_is_told_in_one_line() -> None:
    end = "import sys, dedup.encoders.table as t; t.TableEncoder.tokens = lambda *_: {}; "
    program = "import os; {}from dedup.cli import main; main()"
    call = ["run", str(SEEDS), "--confirm", "never", "--max-memory", "8G"]
    for how, told in (
        ("os._exit(1)", "with code 1"),
        ("os.abort()", "by SIGABRT"),
        ("os.kill(os.getpid(), 9)", "by SIGKILL"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", program.format(end.format(how)), *call], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"dedup: out of memory, most likely: the program was ended {told}")
        assert done.stderr.count("\n") == 1


def test_limited_program_that_cannot_even_say_so_is_told_in_one_line() -> None:
    program = (
        "import sys\nfrom dedup.cli.supervised import supervised\nfrom dedup.cli.telling import Call, complain\n"
        "def run():\n    raise MemoryError\nwith Call(()).told():\n    sys.exit(supervised(run, complain, 2))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("dedup: out of memory, most likely: the program was ended with code 2")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_limited_program_that_a_signal_ends_before_it_could_say_so_is_not_out_of_memory(number: int) -> None:
    script = (
        "import os, signal, sys\nfrom dedup.cli.supervised import supervised\n"
        f"def run():\n    signal.signal({int(number)}, signal.SIG_DFL)\n    os.kill(os.getpid(), {int(number)})\n"
        "sys.exit(supervised(run, print, 2))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "")


@pytest.mark.parametrize("ceiling", ["60M", "120M"])
def test_ceiling_below_what_libraries_need_ends_with_one_line_of_ours(ceiling: str) -> None:
    call = [sys.executable, "-m", "dedup", "run", str(SEEDS), "--confirm", "never", "--max-memory", ceiling]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    *before, last = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert last.startswith("dedup: out of memory")
    assert not any(line.startswith(("Traceback", "dedup:")) for line in before)


def test_limited_program_that_is_stopped_leaves_nobody() -> None:
    sleep = "lambda *_: (print(1, flush=True), time.sleep(60))"
    program = f"import time, dedup.encoders.table as t; t.TableEncoder.tokens = {sleep}; "
    call = ["run", str(SEEDS), "--confirm", "never", "--max-memory", "8G"]
    with subprocess.Popen(
        [sys.executable, "-c", program + "from dedup.cli import main; main()", *call], stdout=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        started.stdout.read(1)
        (_, child) = memory.family(started.pid)
        started.terminate()
        assert started.wait() == 128 + signal.SIGTERM
    assert memory.resident(child) == 0


def test_ceiling_changes_no_byte_of_a_report(cli: Cli, tmp_path: Path) -> None:
    free, below = tmp_path / "free.json", tmp_path / "below.json"
    assert cli("run", SEEDS, "--confirm", "never", "-o", free)[0] == 0
    assert cli("run", SEEDS, "--confirm", "never", "-o", below, "--max-memory", "8G")[0] == 0
    assert free.read_bytes() == below.read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--max-memory", "some"), "'some' is no size"),
        (("--max-memory", "8G", "--engine", "daft"), "--max-memory needs --engine local"),
    ],
)
def test_ceiling_that_makes_no_sense_is_refused(options: tuple[str, ...], said: str, cli: Cli) -> None:
    code, _, err = cli("run", SEEDS, *options)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err
