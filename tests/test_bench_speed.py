"""What scripts/bench_speed.py computes: costs of a process, clusters out of a peer's files, scores, growth."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from bench_speed import NO_FILTER, deal_out, without
from metering import Part, Sample, Usage, high_water, measure, parts, processes, proportional
from speed_dedup import Clock, settings_of
from speed_peers import components, datatrove_clusters, shingles
from speed_results import Row, Run, by_language, exponent, medians, scored, tables

MEGABYTES = 64
HOLDS = f"block = bytearray({MEGABYTES * 2**20}); print('holds', flush=True); input()"
BURNS = "import time\nwhile time.process_time() < 0.3: pass"


def run_of(contender: str, records: int, wall: float, cpu: float = 1.0, peak: int = 1) -> Run:
    return Run(contender, records, wall, cpu, peak, peak, (Part("only", wall, cpu, peak),), None)


def test_memory_is_that_of_all_processes_of_a_session() -> None:
    starts_another = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS!r}])"
    command = [sys.executable, "-c", f"block = bytearray({MEGABYTES * 2**20})\n{starts_another}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as both:
        assert both.stdout is not None
        assert both.stdout.readline() == b"holds\n"
        held = [proportional(process.pid) for process in processes(both.pid)]
        most = [high_water(process.pid) for process in processes(both.pid)]
        both.communicate(b"\n")
    assert len(held) == len(most) == 2
    assert all(MEGABYTES * 2**20 < one < 1.5 * MEGABYTES * 2**20 for one in (*held, *most))


def test_processor_time_of_an_orphan_counts() -> None:
    leaves_a_child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURNS!r}])"
    usage = measure([sys.executable, "-c", leaves_a_child], interval=0.02)
    assert usage.code == 0
    assert usage.cpu >= 0.3
    assert usage.largest >= usage.peak / 2 > 2**20


def test_the_exit_code_of_a_command_is_told() -> None:
    assert measure([sys.executable, "-c", "raise SystemExit(3)"], interval=0.02).code == 3
    assert measure([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"], interval=0.02).code == -15


def test_this_process_is_one_of_its_session_and_has_memory() -> None:
    assert os.getpid() in {process.pid for process in processes(os.getsid(0))}
    assert proportional(os.getpid()) > 2**20


def test_a_process_that_has_ended_has_no_memory() -> None:
    assert proportional(2**30) == high_water(2**30) == 0


def test_the_cost_of_a_stage_is_what_was_used_between_its_begin_and_the_next() -> None:
    samples = (Sample(10.0, 0.0, 5), Sample(11.0, 1.0, 9), Sample(12.0, 3.0, 7))
    usage = Usage(10.0, 2.0, 3.0, 9, 9, samples, 0)
    assert parts(usage, [("one", 10.0), ("two", 11.5)], 12.0) == (
        Part("one", 1.5, 2.0, 9),
        Part("two", 0.5, 1.0, 7),
    )


def test_a_stage_that_tells_how_far_it_is_begins_once() -> None:
    clock = Clock()
    for told in (("reading",), ("embedding", 0, 10), ("embedding", 10, 10), ("clustering",)):
        clock(*told)
    assert [stage for stage, _ in clock.stages] == ["reading", "embedding", "clustering"]


def test_settings_come_in_the_types_of_their_defaults() -> None:
    assert settings_of(["model=table", "threshold=0.4", "bands=16"]) == {
        "model": "table",
        "threshold": 0.4,
        "bands": 16,
        "workers": len(os.sched_getaffinity(0)),
    }
    with pytest.raises(ValueError, match="colour"):
        settings_of(["colour=red"])


def test_clusters_of_datatrove_are_read_across_its_files(tmp_path: Path) -> None:
    (tmp_path / "000000.clusters").write_bytes(struct.pack("<4I", 1, 7, 2, 0))
    (tmp_path / "000001.clusters").write_bytes(struct.pack("<4I", 0, 7, 2, 0))
    (tmp_path / "000001.remove").write_bytes(struct.pack("<I", 0))
    found = datatrove_clusters(tmp_path, [["a", "b", "c"], ["d", "e", "f"]])
    assert sorted(found) == [["b", "d"], ["c", "f"]]


def test_components_join_what_edges_join() -> None:
    found = components([("a", "b"), ("c", "d"), ("e", "b"), ("d", "c"), ("f", "a")])
    assert sorted(sorted(cluster) for cluster in found) == [["a", "b", "e", "f"], ["c", "d"]]


def test_shingles_are_the_different_five_characters_and_a_short_text_is_one() -> None:
    assert shingles("abcdefg") == {"abcde", "bcdef", "cdefg"}
    assert shingles("abc") == {"abc"}


def test_lines_are_dealt_out_in_turn_and_none_is_lost(tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").write_bytes(b"1\n2\n3\n4\n5\n")
    (tmp_path / "dealt").mkdir()
    deal_out(tmp_path / "all.jsonl", tmp_path / "dealt", 2)
    assert [path.read_bytes() for path in sorted((tmp_path / "dealt").iterdir())] == [b"1\n3\n5\n", b"2\n4\n"]


ROWS = [Row("a", "1", "en"), Row("b", "1", "en"), Row("c", "1", "de"), Row("d", "2", "en"), Row("e", "3", "en")]


def test_what_finds_copies_but_no_translations_is_right_within_each_language() -> None:
    found = scored([["a", "b"]], ROWS)
    assert found.all.precision == 1.0
    assert found.all.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert found.one_language.f1 == 1.0


def test_a_wrong_merge_costs_precision_and_is_counted() -> None:
    found = scored([["a", "b", "c"], ["d", "e"]], ROWS)
    assert (found.all.recall, found.false_merges) == (1.0, 1)
    assert found.all.precision == pytest.approx((3 + 2 * 0.5) / 5)
    assert found.one_language.precision < 1.0


def test_a_cluster_is_cut_by_language() -> None:
    language = {row.id: row.lang for row in ROWS}
    assert by_language([["a", "b", "c"], ["c", "d"]], language) == [["a", "b"]]


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5, 2.0])
def test_the_exponent_of_a_power_is_found(power: float) -> None:
    assert exponent(10_000, 100_000, 3 * 10_000**power, 3 * 100_000**power) == pytest.approx(power)


def test_medians_are_of_the_rounds_of_one_contender_at_one_size() -> None:
    runs = [run_of("x", 10, wall, peak=int(wall)) for wall in (3.0, 1.0, 2.0)] + [run_of("x", 20, 9.0)]
    assert [(run.records, run.wall, run.peak) for run in medians(runs)] == [(10, 2.0, 3), (20, 9.0, 1)]


def test_a_run_without_a_stage_costs_that_much_less() -> None:
    stages = (Part("signatures", 6.0, 5.0, 90), Part("filter", 3.0, 2.0, 95))
    found = without(Run("datatrove", 10, 10.0, 8.0, 95, 60, stages, None), "filter")
    assert (found.contender, found.wall, found.cpu, found.peak) == (NO_FILTER, 7.0, 6.0, 90)
    assert found.parts == stages[:1]


def test_tables_hold_ours_against_each_other_run_of_the_same_size() -> None:
    runs = [
        run_of("ours", 100, 2.0),
        run_of("peer", 100, 4.0),
        run_of("ours", 1_000, 20.0),
        run_of("peer", 1_000, 80.0),
    ]
    text = "\n".join(tables(runs, 2, ["ours"]))
    assert "| 100 | ours / peer | 0.50 | 1.00 | 1.00 |" in text
    assert "| 1,000 | ours / peer | 0.25 | 1.00 | 1.00 |" in text
    assert "| ours | 100 | 1,000 | 1.00 | 0.00 | 0.00 |" in text
    assert "| peer | 100 | 1,000 | 1.30 | 0.00 | 0.00 |" in text
