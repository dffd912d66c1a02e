import json
import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import workers as module
from dedup.errors import WorkerError
from dedup.model import Confirmed, Evidence, Finder, Link, Relation
from dedup.workers import in_parts

COUNT, SIZE = 10, 3
STARTS = [0, 3, 6, 9]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_parts_come_in_their_order(workers: int) -> None:
    shared = [n * n for n in range(10)]
    told: list[int] = []
    parts = list(in_parts(lambda start, end: shared[start:end], COUNT, SIZE, workers, told.append))
    assert parts == [shared[start : start + SIZE] for start in STARTS]
    assert told == [3, 6, 9, 10]


def test_processes_that_end_early_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PORTION", 1)
    parts = list(in_parts(lambda start, _end: (start, os.getpid()), 2 * COUNT, 2, 2))
    assert [start for start, _ in parts] == list(range(0, 2 * COUNT, 2))
    assert {pid for _, pid in parts[:2]}.isdisjoint(pid for _, pid in parts[2:])


def test_several_workers_are_other_processes() -> None:
    def here(_start: int, _end: int) -> int:
        return os.getpid()

    assert set(in_parts(here, COUNT, SIZE, 1)) == {os.getpid()}
    assert os.getpid() not in set(in_parts(here, COUNT, SIZE, 2))


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_to_do_gives_nothing_and_little_is_one_part(workers: int) -> None:
    def work(start: int, end: int) -> int:
        return end - start

    assert list(in_parts(work, 0, SIZE, workers)) == []
    assert list(in_parts(work, 2, SIZE, workers)) == [2]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_in_a_part_comes_through_after_the_parts_before_it(workers: int) -> None:
    def work(start: int, _end: int) -> int:
        if start == 3:
            raise ValueError(f"part {start}")
        return start

    parts = in_parts(work, COUNT, SIZE, workers)
    assert next(parts) == 0
    with pytest.raises(ValueError, match="part 3"):
        list(parts)
    assert list(in_parts(lambda start, _end: start, COUNT, SIZE, workers)) == STARTS  # and the next work is done


def test_process_that_is_killed_is_told_in_one_line() -> None:
    def work(start: int, _end: int) -> int:
        if start == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return start

    with pytest.raises(WorkerError, match=r"^a worker process was ended from outside, .* fewer --workers .*$"):
        list(in_parts(work, COUNT, SIZE, 2))
    assert list(in_parts(lambda start, _end: start, COUNT, SIZE, 2)) == STARTS  # and the next work is done


def test_forked_workers_end_with_the_process_that_started_them() -> None:
    reading, writing = os.pipe()
    parent = os.fork()
    if not parent:

        def work(_start: int, _end: int) -> None:
            os.write(writing, b"%d\n" % os.getpid())
            time.sleep(600)

        list(in_parts(work, COUNT, SIZE, 2))
    os.close(writing)
    with os.fdopen(reading) as told:
        workers = [told.readline() for _ in range(2)]
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        assert told.read() == ""  # all that could write have ended
    assert len(set(workers)) == 2


def test_who_wants_no_more_parts_can_leave() -> None:
    parts = in_parts(lambda start, _end: start, COUNT, SIZE, 2)
    assert next(parts) == 0
    parts.close()  # type: ignore[attr-defined]
    assert list(in_parts(lambda start, _end: start, COUNT, SIZE, 2)) == STARTS


EVIDENCE = st.builds(Evidence, st.text(), st.floats(allow_nan=False), st.floats(allow_nan=False), st.text())
LINKS = st.builds(
    Link,
    left=st.integers(0),
    right=st.integers(0),
    relation=st.sampled_from(Relation),
    probability=st.floats(0, 1),
    found_by=st.lists(st.sampled_from(Finder), unique=True).map(tuple),
    evidence=st.lists(EVIDENCE, max_size=3).map(tuple),
    confirmed_by=st.sampled_from(Confirmed),
)


@given(LINKS)
def test_a_judgement_is_what_it_was_when_another_process_hands_it_over(link: Link) -> None:
    given_back = pickle.loads(pickle.dumps(link))  # noqa: S301 - written a moment ago
    assert given_back == link
    assert (type(given_back), [type(one) for one in given_back.evidence]) == (Link, [Evidence] * len(link.evidence))


INTERRUPTED_WITH_A_LOCK = """
import os, signal, sys, threading
from dedup import memory
from dedup.cli import main

def reach():  # as another thread would
    telling = threading.Thread(target=lambda: memory._watch._reach())
    telling.start()
    threading.Thread.join(telling)

interrupt = {"SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM), "ceiling": reach}[sys.argv.pop(1)]

enter = threading.Condition.__enter__
left = [int(sys.argv.pop(1))]
where = sys.argv.pop(1)

def taken(condition):
    got = enter(condition)
    if sys._getframe(1).f_code.co_name == where and threading.current_thread() is threading.main_thread():
        left[0] -= 1
        if left[0] == 0:
            interrupt()
    return got

threading.Condition.__enter__ = taken
main()
"""


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("where", ["put", "result"])
@pytest.mark.parametrize("why", ["SIGTERM", "ceiling"])
def test_an_interrupt_while_a_lock_of_the_pool_is_taken_ends_the_run(
    why: str, where: str, number: int, tmp_path: Path
) -> None:
    """It comes when the lock is taken, and before the block that gives it back is entered."""
    rows = [{"id": str(n), "text": f"{n} bees met the mayor of the town, who gave them honey."} for n in range(2_000)]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    call = [sys.executable, "-c", INTERRUPTED_WITH_A_LOCK, why, str(number), where]
    run = ["run", str(tmp_path / "c.jsonl"), "--confirm", "never", "--workers", "2", "-o", str(tmp_path / "r.json")]
    done = subprocess.run([*call, *run, "--max-memory", "4G"], capture_output=True, text=True, check=False, timeout=60)
    code, complaint = {"SIGTERM": (143, "dedup: ended by SIGTERM"), "ceiling": (2, "dedup: out of memory")}[why]
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(complaint)
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_all_processes_of_a_run_whose_workers_are_starting_ends_it(
    number: signal.Signals, tmp_path: Path
) -> None:
    """A terminal sends Ctrl-C to all of them, and a scheduler SIGTERM."""
    rows = [{"id": str(n), "text": f"{n} bees met the mayor of the town, who gave them honey."} for n in range(2_000)]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = ["run", str(tmp_path / "c.jsonl"), "--confirm", "never", "--workers", "2", "-o", str(tmp_path / "r.json")]
    with subprocess.Popen(
        [sys.executable, "-m", "dedup", *run],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while process.poll() is None and not any(b"spawn_main" in line for line in commands_below(process.pid)):
            time.sleep(0.001)
        os.killpg(process.pid, number)
        try:
            output, complaint = process.communicate(timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, output) == (128 + number, "")
    assert len(complaint.splitlines()) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["c.jsonl"]


def commands_below(pid: int) -> list[bytes]:
    """The command lines of the processes that a process has started."""
    found = []
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(OSError):
                found.append(Path(f"/proc/{child}/cmdline").read_bytes())
    return found
