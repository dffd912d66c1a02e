"""Reading small remote files before they are needed.

A folder of texts is one request a file, and a request mostly waits for the network (tens of milliseconds to a bucket).
So the next texts are asked for while the others are waited for. What comes, and in which order, stays the same.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import groupby
from queue import SimpleQueue
from threading import Thread
from typing import Final

from dedup.model import Record, Skipped
from dedup.read.formats import is_table
from dedup.read.paths import Source

AT_ONCE: Final = 16
"""Requests at once: one waits for 50 ms where the work on a text takes 1 to 3. ``scripts/try_remote.py --delay 0.05``
says what that brings."""

THREADS: Final = "dedup-read"
"""What the threads are called."""

Items = Iterator[Record | Skipped]
_Task = tuple[Source, Future[list[Record | Skipped]]]


def read_ahead(sources: Sequence[Source], read: Callable[[Source], Items]) -> Items:
    """What ``read`` gives of each source, in their order. It is called by several threads for texts whose file system
    can be used by several, and where the caller is for all others.
    """
    for together, group in groupby(sources, _is_waited_for):
        if together:
            yield from _by_threads(list(group), read)
        else:
            for source in group:
                yield from read(source)


def _is_waited_for(source: Source) -> bool:
    return source.remote is not None and source.remote.is_shared and not is_table(source.path)


def _by_threads(sources: Sequence[Source], read: Callable[[Source], Items]) -> Items:
    asked: SimpleQueue[_Task | None] = SimpleQueue()
    threads = min(AT_ONCE, len(sources))
    for _ in range(threads):
        # Not of a pool, whose threads the end of the program waits for: an interrupt must not wait for a dead server.
        Thread(target=_work, args=(asked, read), name=THREADS, daemon=True).start()
    waiting: deque[Future[list[Record | Skipped]]] = deque()
    try:
        for source in sources:
            waiting.append(Future())
            asked.put((source, waiting[-1]))
            if len(waiting) >= 2 * AT_ONCE:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        for _ in range(threads):
            asked.put(None)


def _work(asked: "SimpleQueue[_Task | None]", read: Callable[[Source], Items]) -> None:
    while (task := asked.get()) is not None:
        source, future = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(list(read(source)))
            except BaseException as error:
                future.set_exception(error)
