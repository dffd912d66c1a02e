import logging

import pytest

from dedup import find_clusters
from dedup.events import event_of, facts_of
from dedup.model import Record
from dedup.progress import silent, tally
from dedup.watch import GOES_ON, Used, Watch, watched, watching


class Clock:
    """Tells what it is set to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def events(caplog: pytest.LogCaptureFixture, *names: str) -> list[dict[str, object]]:
    return [dict(facts_of(one)) for one in caplog.records if event_of(one) in names]


def test_a_stage_lasts_until_another_one_begins_and_is_told_with_what_came_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "dedup")
    clock, shown = Clock(), []
    watch = Watch(lambda *told: shown.append(told), clock)
    watch("reading")
    clock.now += 2.5
    watch("reading", 7)
    watch.tally({"records": 7, "skipped": 0})
    watch.tally({"skipped": 2})
    watch("judging", 0, 4)
    clock.now += 0.25
    watch("judging", 4, 4)
    watch.end()
    watch.end()
    assert shown == [("reading", 0, None), ("reading", 7, None), ("judging", 0, 4), ("judging", 4, 4)]
    reading, judging = watch.stages
    assert (reading.stage, reading.seconds, reading.done, reading.total) == ("reading", 2.5, 7, None)
    assert (judging.stage, judging.seconds, judging.done, judging.total) == ("judging", 0.25, 4, 4)
    assert (reading.counts, judging.counts) == ({"records": 7, "skipped": 2}, {})
    assert reading.whole
    assert 0 <= reading.processor_seconds < 100
    assert judging.memory >= reading.memory > 2**20
    assert [one["stage"] for one in events(caplog, "stage-began")] == ["reading", "judging"]
    told = events(caplog, "stage-ended")
    assert [one["counts"] for one in told] == [reading.counts, {}]
    assert [one["seconds"] for one in told] == [2.5, 0.25]
    assert "reading: done; 7; records 7; skipped 2; 2.500 s, " in caplog.text


def test_a_stage_that_a_failure_ends_is_told_to_have_broken_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dedup")
    with pytest.raises(KeyboardInterrupt), watching() as watch:
        watch("reading", 3)
        raise KeyboardInterrupt
    assert [(one.stage, one.done, one.whole) for one in watch.stages] == [("reading", 3, False)]
    assert [one["done"] for one in events(caplog, "stage-broke-off")] == [3]
    assert not events(caplog, "stage-ended")


def test_a_long_stage_is_told_of_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dedup")
    clock = Clock()
    watch = Watch(silent, clock)
    for done in range(9):
        watch("reading", done, 9)
        clock.now += GOES_ON / 2
    assert [one["done"] for one in events(caplog, "stage-goes-on")] == [2, 4, 6, 8]


def test_what_is_watched_already_is_not_watched_twice() -> None:
    with watching() as watch:
        with watched(watch) as same:
            assert same is watch
            same("reading")
        assert watch.stages == []  # it is for whoever made it to say when a stage ends
    assert len(watch.stages) == 1


def test_counts_are_told_only_to_who_wants_them() -> None:
    tally(silent, {"records": 1})
    watch = Watch()
    tally(watch, {"records": 1})  # of no stage
    assert watch.stages == []


def test_what_was_used_only_grows() -> None:
    before = Used.now()
    held = bytearray(2**26)
    held[:: 2**12] = b"x" * len(held[:: 2**12])
    after = Used.now()
    assert after.processor >= before.processor
    assert after.memory >= before.memory
    assert after.memory >= len(held)


def test_a_program_that_uses_the_library_hears_of_stages_and_of_what_was_skipped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "dedup")
    find_clusters([Record("a", "The bakery opens at five."), Record("b", " \n", path="x\x1b[2J.jsonl", line=3)])
    (skipped,) = events(caplog, "skipped")
    assert skipped == {"path": "x\x1b[2J.jsonl", "line": 3, "reason": "empty text"}
    ended = {one["stage"]: one["counts"] for one in events(caplog, "stage-ended")}
    assert ended["reading and sketching"] == {"records": 1, "skipped": 1, "texts": 1}
    assert ended["clustering"] == {"clusters": 0, "links": 0}


def test_who_does_not_listen_is_told_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "dedup"), watching() as watch:
        watch("reading")
    assert caplog.records == []
