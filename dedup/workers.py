"""Processes that share what this one holds.

A process that is forked sees all values of the one that it comes from, without a copy and without a file: what is
compared, hundreds of megabytes of it, need not be sent. Only what it finds is. Where a system cannot fork safely
(anything but Linux), the work is done here.
"""

import gc
import multiprocessing
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from dedup import memory
from dedup.errors import WorkerError
from dedup.interrupts import postponed, settle

PORTION = 10
"""Parts that a process does, on average, before another one takes its place. Whatever a process looks at, it has a copy
of from then on, by and by of everything. With 10, a run over 100,000 records held 3.7 GB at most, and 5.3 GB where
processes went on to the end, which saved some 20 s of 300 (``scripts/bench_speed.py``)."""

INTERRUPTED_AFTER = 0.1
"""Seconds for which an interrupt waits at most while a process is waited for."""

OWN_SIGNAL_WITHIN = 0.2
"""Seconds for which a signal that ended a worker may need to reach this process, if all of a run are to end."""

LOOKS_EVERY = 1.0
"""Seconds between two looks of a worker at whether the process that started it is still there."""

_Part = TypeVar("_Part")

_work: Callable[[int, int], Any]
"""Of this process, if it was forked to do some of it."""


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread_each() -> AbstractContextManager[object]:
    """While it lasts, a matrix product is worked on by one thread: the products of a pair are too small for two, which
    then wait for each other. Large ones are cut into blocks, and the model has threads of its own.
    """
    import numpy as np
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    # For its first product OpenBLAS maps a buffer, and ends the process if it is refused (dedup.memory): now
    # there is room.
    some = np.ones((16, 16), np.float32)
    np.matmul(some, some, out=some.copy())
    return limits


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """While it lasts, no cycles are looked for. What a run makes holds none, and they would be looked for among
    millions of values, again and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def ended_workers_told() -> Iterator[None]:
    """Raises :class:`WorkerError` where a process of a pool was ended from outside."""
    try:
        yield
    except BrokenProcessPool:
        time.sleep(OWN_SIGNAL_WITHIN)
        why = "perhaps for want of memory, of which fewer --workers need less"
        raise WorkerError(f"a worker process was ended from outside, {why}: nothing was written") from None


@contextmanager
def unbroken() -> Iterator[None]:
    """While it lasts, signals that end the program wait, and so does the end of a run that has come to its ceiling of
    memory. What these raise may come between the taking of a lock and the block that gives it back; a pool whose lock
    was left taken so is waited for without end.
    """
    with memory.unbroken(), postponed():
        yield


def result_of(future: "Future[_Part]") -> _Part:
    """What a process of a pool gives, when it is there. Raises what was raised there."""
    while True:
        with unbroken():
            try:
                return future.result(INTERRUPTED_AFTER)
            except TimeoutError:
                if future.done():
                    raise


def in_parts(
    work: Callable[[int, int], _Part],
    count: int,
    size: int,
    workers: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> Iterator[_Part]:
    """What ``work(start, end)`` gives of each ``size`` of ``count`` pieces, in their order.

    ``work`` may use whatever it can see, and must not change it. What it gives is pickled. ``progress`` is told how
    many pieces are done.
    """
    parts = [(start, min(start + size, count)) for start in range(0, count, size)]
    here = workers == 1 or len(parts) < 2 or sys.platform != "linux"
    done = (work(*part) for part in parts) if here else _by_processes(work, parts, workers)
    for given, (_, end) in zip(done, parts, strict=True):
        progress(end)
        yield given


def _by_processes(work: Callable[[int, int], _Part], parts: Sequence[tuple[int, int]], workers: int) -> Iterator[_Part]:
    """The parts done by processes that each do a few of them: by ``workers`` at a time, while memory allows."""
    global _work
    _work = work
    gc.freeze()  # so that collecting garbage does not touch, and thereby copy, what is shared
    try:
        with ended_workers_told():
            done = 0
            while done < len(parts) and workers > 1:
                before = done
                for given in _forked(parts[done : done + PORTION * workers], workers):
                    done += 1
                    yield given
                    if memory.tight():  # ending the processes frees the copies that they have made
                        break
                if memory.tight(look=True) or done - before < workers:
                    workers //= 2
            yield from (work(*part) for part in parts[done:])
    finally:
        gc.unfreeze()
        del _work


def _forked(parts: Sequence[tuple[int, int]], workers: int) -> Iterator[Any]:
    """The parts done by processes that end with them."""
    with unbroken():
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _begin)
    try:
        with unbroken():
            waiting = _submitted(pool, parts)
        for future in waiting:
            yield result_of(future)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, parts: Sequence[tuple[int, int]]) -> list["Future[Any]"]:
    with warnings.catch_warnings():
        # Python warns of locks that other threads may hold. Those of numpy are reset; no other is used in the work.
        warnings.simplefilter("ignore", DeprecationWarning)
        return [pool.submit(_do, part) for part in parts]


def _begin() -> None:
    settle_as_worker()


def settle_as_worker() -> None:
    """What holds for a process of a pool for as long as it lives."""
    settle()
    if started_by := multiprocessing.parent_process():
        end_with(started_by.pid)
    memory.begin_worker()
    one_thread_each().__enter__()  # a fork does not inherit it


def end_with(parent: int | None) -> None:
    """Let this process end soon after the one that started it, which may be killed while there are hours to go: a pool
    waits for its next part for ever then.
    """

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOKS_EVERY)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


def _do(part: tuple[int, int]) -> Any:  # noqa: ANN401 - whatever the work gives
    return _work(*part)
