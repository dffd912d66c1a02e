"""One body on every engine: the report of a run in one process, byte for byte, and what tells it in parts."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from dedup import clusters
from dedup.pipeline import NOT_JUDGED
from dedup.report.assigned import load_assignment

from .conftest import Cli

pa: Any = pytest.importorskip("pyarrow")
pytest.importorskip("daft")
pytest.importorskip("ray")

from dedup.engines import confirming, distribute  # noqa: E402 - they need what may be missing
from dedup.engines.run import WorkerEndedError  # noqa: E402
from dedup.engines.stage import Workshop  # noqa: E402
from dedup.engines.stages import STAGES  # noqa: E402

ROOT = Path(__file__).parents[1]
HANDMADE = ROOT / "tests" / "handmade" / "articles.jsonl"

ENGINES = {
    "daft on this machine": ["--workers", "2"],
    "daft on ray with two workers, one of which is killed": ["--ray", "local", "--workers", "2"],
}


def program(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """The program in a process of its own: whatever an engine starts ends with it."""
    return subprocess.run(
        [sys.executable, "-m", "dedup", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def workers_of(session: int) -> list[int]:
    """The processes that do parts for the run that began a session."""
    names = (b"daft.execution.udf_worker", b"ray::UDFActor")
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(ProcessLookupError, FileNotFoundError):  # it may end meanwhile
            if folder.name.isdecimal() and any(name in (folder / "cmdline").read_bytes() for name in names):
                found += [int(folder.name)] if os.getsid(int(folder.name)) == session else []
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Articles and translations, copies, ids that come twice, and what is no record, in several files and formats."""
    folder = tmp_path_factory.mktemp("input")
    rows = [json.loads(line) for line in HANDMADE.read_text(encoding="utf-8").splitlines()]
    chosen = sorted({row["gold"] for row in rows})[::2]  # as many as give the clusters that are asked for below
    rows = [row for row in rows if row["gold"] in chosen]
    lines = [json.dumps(row) for row in rows]
    copies = [{**row, "id": f"copy of {row['id']}"} for row in rows[::9]]
    again = [{**row, "text": row["text"] + " Once more."} for row in rows[::40]]
    bad = ["no JSON", '{"id": "empty", "text": " "}', '{"id": "none"}']
    all_lines = [*lines, *(json.dumps(row) for row in (*copies, *again)), *bad]
    Random(3).shuffle(all_lines)  # noqa: S311
    for number in range(3):
        (folder / f"{number}.jsonl").write_text("\n".join(all_lines[number::3]) + "\n", encoding="utf-8")
    (folder / "text.txt").write_text("A text by itself, which no other record here holds, not even a part.\n")
    return folder


def paths(folder: Path) -> list[Path]:
    return [*sorted(folder.glob("*.jsonl")), folder]


@pytest.fixture(scope="module")
def local(folder: Path) -> bytes:
    """The report of a run in one process."""
    done = program("run", *paths(folder), "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report["clusters"]) > 20
    assert report["input"]["skipped"] > 3
    assert {stage["stage"]: stage["pairs"] for stage in report["funnel"]}["exact copies"] > 5
    return done.stdout.encode()


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_report(engine: str, folder: Path, local: bytes, tmp_path: Path) -> None:
    to = ["--tables", str(tmp_path / "tables"), "-o", str(tmp_path / "r.json"), "--store", str(tmp_path / "store")]
    call = ["run", *map(str, paths(folder)), "--engine", "daft", *ENGINES[engine], "--partition", "24", *to]
    process = subprocess.Popen(
        [sys.executable, "-m", "dedup", *call],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if "killed" in engine:
        while not list((tmp_path / "store" / "sketch").glob("receipt-*")):
            time.sleep(0.002)
        while process.poll() is None and not (victims := workers_of(process.pid)):
            time.sleep(0.002)
        os.kill(victims[0], signal.SIGKILL)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert (tmp_path / "r.json").read_bytes() == local
    report = json.loads(local)
    assert f"{len(report['clusters'])} clusters with " in out
    summary = json.loads((tmp_path / "tables" / "summary.json").read_bytes())
    assert summary["clusters"]["clusters"] == len(report["clusters"])
    assert summary["funnel"] == report["funnel"]
    assert summary["input"]["records"] == report["input"]["records"]
    links = pa.parquet.read_table(tmp_path / "tables" / "links")
    assert len(links) == sum(len(cluster["links"]) for cluster in report["clusters"])
    assigned = load_assignment(tmp_path / "tables")
    assert assigned.records == report["input"]["records"]
    assert {name: sorted(members) for name, members in assigned.clusters} == {
        cluster["id"]: sorted(member["id"] for member in cluster["members"]) for cluster in report["clusters"]
    }


class InThisProcess:
    """Does parts one after the other, in any order, as a worker does."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311
        self.done: list[tuple[str, int]] = []

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        workshop = Workshop(root)
        for part in self._random.sample(parts, len(parts)):
            workshop.do(STAGES[stage], part)
            self.done.append((stage, part))
            yield part

    def end(self) -> None:
        """Nothing was started."""


@pytest.mark.parametrize("partition", [12, 50, 5_000])
def test_the_report_is_the_same_for_any_partition(
    partition: int, folder: Path, local: bytes, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dedup.engines.by_daft.DaftExecutor", lambda _workers, _ray: InThisProcess(partition))
    call = ("run", *paths(folder), "--engine", "daft", "--partition", str(partition), "--store", tmp_path / "store")
    code, out, err = cli(*call, "--format", "json")
    assert (code, err) == (0, "")
    assert out.encode() == local


def test_what_is_sent_in_waves_is_deleted_and_changes_nothing(
    folder: Path, local: bytes, cli: Cli, tmp_path: Path, executor: InThisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirming, "AT_ONCE", 1)
    monkeypatch.setattr(confirming, "HELD", 5)
    store = tmp_path / "store"
    call = ("run", *paths(folder), "--engine", "daft", "--partition", "15", "--store", store, "--format", "json")
    assert cli(*call)[:2] == (0, local.decode())
    waves = sorted(store.glob("brought-*"))
    assert len(waves) > 3
    assert not [file for wave in waves for file in wave.glob("*.arrow")]
    (store / "confirmed" / "done.json").unlink()
    (store / "confirmed" / "receipt-00002.json").unlink()
    executor.done.clear()
    code, out, err = cli(*call)
    assert (code, out) == (0, local.decode())
    assert "confirmed: goes on where an earlier run stopped" in err
    assert executor.done == []  # the wave of that part is light, and a single part is done here


@pytest.mark.usefixtures("executor")
def test_what_samples_decide_is_the_same_in_parts(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "LARGE", 9)
    monkeypatch.setattr(clusters, "FEW", 6)
    rows = [json.loads(line) for line in HANDMADE.read_text(encoding="utf-8").splitlines()[:1]]
    flood = [{**row, "id": f"{row['id']} {i}", "text": f"{row['text']} {i}."} for row in rows for i in range(80)]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in flood))
    call = ("run", tmp_path / "c.jsonl", "--confirm", "never", "--format", "json")
    code, here, _ = cli(*call)
    counts = {stage["stage"]: stage["pairs"] for stage in json.loads(here)["funnel"]}
    assert code == 0
    assert counts[NOT_JUDGED] > 0
    assert cli(*call, "--engine", "daft", "--partition", "10")[1] == here


# going on


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch) -> InThisProcess:
    one = InThisProcess(0)
    monkeypatch.setattr("dedup.engines.by_daft.DaftExecutor", lambda _workers, _ray: one)
    return one


def test_what_has_changed_is_done_again_and_told(
    folder: Path, cli: Cli, tmp_path: Path, executor: InThisProcess
) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes((folder / "0.jsonl").read_bytes())
    store = tmp_path / "store"
    call = ("run", copy, "--engine", "daft", "--confirm", "never", "--partition", "20", "--store", store)

    def again(*more: str) -> tuple[str, list[str]]:
        executor.done.clear()
        code, out, err = cli(*call, *more, "--format", "json")
        assert code == 0, err
        assert out == cli("run", copy, "--confirm", "never", *more, "--format", "json")[1]
        return err, sorted({stage for stage, _ in executor.done})

    err, stages = again()
    assert err == ""
    assert {"sketch", "subjects", "confirmed"} <= set(stages)
    err, stages = again()
    assert (stages, err.count("\n")) == ([], 1)
    assert "stages were done by an earlier run" in err
    err, stages = again("--threshold", "0.8")
    assert "dedup: links: done again, and what follows from it: threshold was 0.5 and is 0.8\n" in err
    assert "confirmed" not in stages
    with copy.open("a", encoding="utf-8") as file:
        file.write('{"id": "new", "text": "A text that was not there before, about nothing in particular."}\n')
    err, stages = again("--threshold", "0.8")
    assert "dedup: read: done again, and what follows from it: its files changed\n" in err
    assert "confirmed" in stages
    err, stages = again("--threshold", "0.8", "--model", "table")
    assert "subjects: done again, and what follows from it: model was bundled and is table\n" in err
    assert "sketch" not in stages


@pytest.mark.usefixtures("executor")
def test_other_weights_under_the_same_name_are_noticed(
    folder: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ("run", folder / "0.jsonl", "--engine", "daft", "--confirm", "never", "--store", tmp_path / "store")
    assert cli(*call)[0] == 0
    monkeypatch.setattr(distribute, "_digests", lambda *_: {"model": "other"})
    code, _, err = cli(*call)
    assert code == 0
    assert "subjects: done again, and what follows from it: digest of model was " in err


class EndingWorkers(InThisProcess):
    """Of which one ends when it has done two parts of a stage."""

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        for place, part in enumerate(super().run(root, stage, parts)):
            yield part
            if stage == "sketch" and place == 1:
                raise WorkerEndedError("it was\nkilled")


def test_a_worker_that_ends_costs_the_run_only_if_nothing_is_done_any_more(
    folder: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = ("run", folder / "0.jsonl", "--confirm", "never", "--format", "json")
    more = ("--engine", "daft", "--partition", "5", "--store")
    ending = EndingWorkers(1)
    monkeypatch.setattr("dedup.engines.by_daft.DaftExecutor", lambda _workers, _ray: ending)
    code, out, err = cli(*call, *more, tmp_path / "first")
    assert (code, out) == (0, cli(*call)[1])
    assert err.count("sketch: a worker ended, ") > 3
    assert len(ending.done) == len(set(ending.done))

    def ends(_self: object, _root: str, _stage: str, _parts: Sequence[int]) -> Iterator[int]:
        raise WorkerEndedError("it was\nkilled")
        yield 0

    monkeypatch.setattr(EndingWorkers, "run", ends)
    code, _, err = cli(*call, *more, tmp_path / "second")
    assert code == 2
    told = err.splitlines()[-1]
    assert told.startswith("dedup: sketch: workers ended 3 times without finishing anything")
    assert "(it was killed); open are the parts 0, 1, 2, 3, 4 …; what is done is in " in told


# wrong calls


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--store", "x"], "--store needs --engine daft"),
        (["--ray", "local"], "--ray needs --engine daft"),
        (["--partition", "5"], "--partition needs --engine daft"),
        (["--tables", "x"], "--tables needs --engine daft"),
        (["--engine", "daft", "--html", "x.html"], "--html needs --engine local"),
        (["--engine", "daft", "--sweep"], "--sweep needs --engine local"),
        (["--engine", "daft", "--assignment", "x.csv"], "--assignment needs --engine local"),
        (["--engine", "daft", "--store", "x/../y", "--tables", "file://y"], "--store and --tables are one place"),
        (["--engine", "daft", "--ray", "host:6379"], "--ray ADDRESS needs --store"),
        (["--engine", "daft", "--store", "nowhere://x"], "nowhere://x: cannot be used"),
        (["--engine", "daft", "--tables", "nowhere://x"], "nowhere://x: cannot be used"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: list[str], told: str, folder: Path, cli: Cli) -> None:
    code, out, err = cli("run", folder / "0.jsonl", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


def test_standard_input_is_refused(cli: Cli) -> None:
    code, _, err = cli("run", "-", "--engine", "daft")
    assert (code, err.count("\n")) == (2, 1)
    assert "name a file" in err


def test_a_folder_of_something_else_is_no_store(folder: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("Dear all, ...")
    code, _, err = cli("run", folder / "0.jsonl", "--engine", "daft", "--store", tmp_path)
    assert code == 2
    assert "holds other things than stages of a run" in err
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_places_may_be_relative_or_begin_with_file(
    folder: Path, cli: Cli, tmp_path: Path, executor: InThisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call = ("run", folder / "0.jsonl", "--engine", "daft", "--confirm", "never", "--partition", "30")
    code, out, err = cli(*call, "--store", "store", "--tables", f"file://{tmp_path}/tables")
    assert (code, err) == (0, "")
    assert {stage for stage, _ in executor.done} > {"sketch", "confirmed"}
    assert f"summary.json are in {tmp_path}/tables " in out.replace("\n", " ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "tables"]
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["assignment", "links", "summary.json"]


def test_a_missing_package_is_named(folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedup.extras.find_spec", lambda name: None if name == "daft" else object())
    code, _, err = cli("run", folder / "0.jsonl", "--engine", "daft")
    assert (code, err) == (2, "dedup: --engine daft needs daft: pip install 'dedup[distributed]'\n")


def test_a_store_is_held_by_one_run(folder: Path, cli: Cli, tmp_path: Path) -> None:
    with distribute.store_held(str(tmp_path / "store")):
        code, _, err = cli("run", folder / "0.jsonl", "--engine", "daft", "--store", tmp_path / "store")
    assert code == 2
    assert "another run is at work there" in err


def test_nothing_to_compare_is_told_as_in_one_process(cli: Cli, tmp_path: Path, executor: InThisProcess) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "a", "text": " "}\nno JSON\n')
    (tmp_path / "b.jsonl").write_text("no JSON\n")
    for name in ("a.jsonl", "b.jsonl"):
        here = cli("run", tmp_path / name)
        assert here[0] == 2
        assert cli("run", tmp_path / name, "--engine", "daft") == here
    assert executor.done == []


def test_strict_refuses_what_is_skipped(cli: Cli, tmp_path: Path, executor: InThisProcess) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "a", "text": "One text."}\n{"id": "b", "text": "Two."}\nno JSON\n')
    call = ("run", tmp_path / "a.jsonl", "--strict", "--format", "json", "--confirm", "never")
    here = cli(*call)
    assert here[0] == 2
    assert cli(*call, "--engine", "daft") == here
    assert executor.done == []  # a single part is done here
