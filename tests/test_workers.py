import os
from collections.abc import Callable
from itertools import pairwise

import pytest

from dedup.workers import in_parts

CUTS = [0, 3, 3, 4, 10]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_parts_come_in_their_order(workers: int) -> None:
    shared = [n * n for n in range(10)]
    parts = list(in_parts(lambda start, end: shared[start:end], CUTS, workers))
    assert parts == [shared[start:end] for start, end in pairwise(CUTS)]


def test_several_workers_are_other_processes() -> None:
    def here(_start: int, _end: int) -> int:
        return os.getpid()

    assert set(in_parts(here, CUTS, 1)) == {os.getpid()}
    assert os.getpid() not in set(in_parts(here, CUTS, 2))


@pytest.mark.parametrize("workers", [1, 2])
def test_no_cut_and_no_part_give_nothing(workers: int) -> None:
    work: Callable[[int, int], int] = lambda start, end: end - start  # noqa: E731
    assert list(in_parts(work, [0], workers)) == []
    assert list(in_parts(work, [0, 7], workers)) == [7]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_in_a_part_comes_through_after_the_parts_before_it(workers: int) -> None:
    def work(start: int, _end: int) -> int:
        if start == 3:
            raise ValueError(f"part {start}")
        return start

    parts = in_parts(work, CUTS, workers)
    assert next(parts) == 0
    with pytest.raises(ValueError, match="part 3"):
        list(parts)
    assert list(in_parts(lambda start, _end: start, CUTS, workers)) == CUTS[:-1]  # and the next work is done


def test_who_wants_no_more_parts_can_leave() -> None:
    parts = in_parts(lambda start, _end: start, CUTS, 2)
    assert next(parts) == 0
    parts.close()  # type: ignore[attr-defined]
    assert list(in_parts(lambda start, _end: start, CUTS, 2)) == CUTS[:-1]
