"""Workers and runs that are killed, a disk that is full, a file that is broken: a run finishes with the same report, or
it stops with one line and goes on with the next call.

All of it is done to real processes.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("daft")
pytest.importorskip("ray")

from .test_engines import ROOT, program, workers_of

RECORDS = 36
PARTITION = 2
WORDS = 12_000
"""Of a record: a part takes long enough that a worker can be killed while others are to be done."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long texts, and an edited copy of every third."""
    random = Random(5)  # noqa: S311
    words = ["".join(random.choices("abcdefghijklmnop", k=random.randint(3, 9))) for _ in range(5_000)]
    rows = []
    for number in range(RECORDS * 3 // 4):
        text = ". ".join(" ".join(random.choices(words, k=12)).capitalize() for _ in range(WORDS // 12))
        rows.append({"id": f"a{number:03}", "text": text, "lang": "en"})
        if number % 3 == 0:
            rows.append({"id": f"b{number:03}", "text": f"{text[500:]}. Edited.", "lang": "en"})
    file = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def local(corpus: Path) -> bytes:
    """The report of a run in one process."""
    done = program("run", corpus, "--confirm", "never", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["clusters"]) == RECORDS // 4
    return done.stdout.encode()


class Going:
    """A run that goes on in a process of its own, in a session of its own."""

    def __init__(self, corpus: Path, store: Path, *options: str, limit: Callable[[], None] | None = None) -> None:
        self.store = store
        call = ["run", str(corpus), "--confirm", "never", "--engine", "daft", "--workers", "2", "--store", str(store)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dedup", *call, "--partition", str(PARTITION), "--format", "json", *options],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=limit,
        )

    def wait_for(self, stage: str, parts: int) -> None:
        """Until so many parts of a stage are done."""
        while len(list((self.store / stage).glob("receipt-*"))) < parts:
            assert self.process.poll() is None, self.ended()
            time.sleep(0.002)

    def workers(self) -> list[int]:
        """The processes that do parts for this one."""
        return workers_of(self.process.pid)

    def kill(self) -> str:
        """The run itself, and all that it has started; what it had said."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.communicate()[1].decode()

    def ended(self) -> tuple[int, bytes, str]:
        """Exit code, standard output, standard error."""
        out, err = self.process.communicate()
        return self.process.returncode, out, err.decode()


@pytest.fixture
def going(corpus: Path, tmp_path: Path) -> Iterator[Callable[..., Going]]:
    """Starts runs over the corpus with one store."""
    started: list[Going] = []

    def start(*options: str, limit: Callable[[], None] | None = None) -> Going:
        started.append(Going(corpus, tmp_path / "store", *options, limit=limit))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def receipts(store: Path, stage: str) -> dict[str, int]:
    """When the parts that are done were done."""
    return {f"{stage} {path.name}": path.stat().st_mtime_ns for path in (store / stage).glob("receipt-*")}


def test_a_run_that_stops_again_and_again_goes_on_each_time(
    going: Callable[..., Going], local: bytes, tmp_path: Path
) -> None:
    """A full disk, killed workers and runs, broken files, one after the other, and in the end the same report."""
    store = tmp_path / "store"

    def limit() -> None:  # a limit to the size of files stands for the disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (RECORDS * WORDS // 20, resource.RLIM_INFINITY))

    code, out, err = going(limit=limit).ended()
    assert (code, out, err.count("\n")) == (2, b"", 1)
    assert "cannot be written: " in err
    assert not list(store.rglob("*.tmp"))

    run = going()
    run.wait_for("sketch", 2)
    os.kill(run.workers()[0], signal.SIGKILL)
    run.wait_for("sketch", RECORDS // PARTITION // 2)  # done by others
    os.kill(run.process.pid, signal.SIGKILL)
    while run.workers():  # they end with it
        time.sleep(0.05)
    assert "\ndedup: sketch: a worker ended, " in run.kill()
    before = receipts(store, "sketch")

    run = going()
    run.wait_for("sketch", RECORDS // PARTITION)
    run.kill()
    assert before.items() <= receipts(store, "sketch").items()
    for broken in (store / "sketch").glob("part-*.parquet"):
        broken.write_bytes(broken.read_bytes()[:-20])
    code, out, err = going().ended()
    assert (code, out) == (2, b"")
    told = err.splitlines()[-1]
    assert "sketch/part-000" in told
    assert "cannot be read: " in told
    shutil.rmtree(store / "sketch")

    run = going()
    run.wait_for("confirmed", 3)
    run.kill()
    before = receipts(store, "sketch") | receipts(store, "confirmed")

    code, out, err = going().ended()
    assert (code, out) == (0, local), err
    assert "confirmed: goes on where an earlier run stopped" in err
    assert before.items() <= (receipts(store, "sketch") | receipts(store, "confirmed")).items()
