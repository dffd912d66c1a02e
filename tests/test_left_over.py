"""What a call leaves behind: no open files, no temporary ones, whether it is done, fails or is ended."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dedup import InputError, Record, Settings, find_clusters
from dedup.apply import write_corpus
from dedup.check import check, known_from
from dedup.encoders import HashingEncoder
from dedup.index import Index, add_records, build_index
from dedup.model import Record as Item
from dedup.model import Skipped

from . import stages
from .apply import corpora

ENCODER = HashingEncoder(dimensions=stages.DIMENSIONS)
CALIBRATION = stages.calibration()
SETTINGS = Settings()
RECORDS: list[Item | Skipped] = [
    Record(str(number), f"The council of town {number} met {number % 3} times this year, as its clerk has told.")
    for number in range(12)
]


def _clustered(_: Path) -> None:
    find_clusters(RECORDS, SETTINGS, encoder=ENCODER, calibration=CALIBRATION)


def _checked(_: Path) -> None:
    with known_from(RECORDS[:6], SETTINGS, encoder=ENCODER, calibration=CALIBRATION) as known:
        check(RECORDS[6:], known, SETTINGS, encoder=ENCODER, calibration=CALIBRATION)


def _failed(_: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        known_from((1 // 0 for _ in range(1)), SETTINGS, encoder=ENCODER, calibration=CALIBRATION),  # type: ignore[misc]
    ):
        pass


def _indexed(folder: Path) -> None:
    build_index(folder / "index", RECORDS[:6], SETTINGS, encoder=ENCODER, calibration=CALIBRATION)
    add_records(folder / "index", RECORDS[6:], encoder=ENCODER, calibration=CALIBRATION)
    with Index.open(folder / "index"):
        pass


def _applied(folder: Path) -> None:
    rows = folder / "rows.jsonl"
    rows.write_text('{"id": "a", "text": "One text."}\n{"id": "b", "text": "One text."}\n')
    plan = corpora.planned(corpora.report_on([rows], [["a", "b"]]), rows)
    out = folder / "out.jsonl"
    write_corpus(plan, out)
    with pytest.raises(InputError):  # it is there
        write_corpus(plan, out)
    out.unlink()


@pytest.mark.parametrize("work", [_clustered, _checked, _failed, _indexed, _applied])
def test_no_descriptor_and_no_file_is_left(
    work: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, temporary = tmp_path / "place", tmp_path / "temporary"
    place.mkdir()
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    work(place)  # libraries that are loaded now may keep files of their own
    files, left = open_files(), len(list(place.rglob("*")))
    for _ in range(3):
        work(place)
    assert open_files() == files
    assert len(list(place.rglob("*"))) == left
    assert not list(temporary.iterdir())


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - Path.iterdir() would be one more


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_call_that_is_ended_cleans_up_and_says_so_in_one_line(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    known = tmp_path / "known.jsonl"
    rows = (f'{{"text": "Council {n} met three times, as clerk {n} has told."}}' for n in range(1_000))
    known.write_text("\n".join(rows))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    call = (sys.executable, "-m", "dedup", "check", known, "--against", known, "--confirm", "never", "--workers", "1")
    with subprocess.Popen(
        call,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
        text=True,
    ) as process:
        while process.poll() is None and not list(temporary.glob("dedup-*/*")):
            time.sleep(0.05)
        process.send_signal(number)
        output, complaint = process.communicate()
    assert process.returncode == code
    assert output == ""
    assert len(complaint.splitlines()) == 1
    assert not list(temporary.iterdir())
