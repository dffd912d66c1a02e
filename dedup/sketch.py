"""What can be said of every record at little cost: the stage that sees them all.

    Record -prepare-> Article -fingerprint-> Fingerprint -embed by the token table-> Embedding

A *sketch* holds all that later stages compare, and no text. Records come in batches, and of large inputs several
batches are worked on at once, by processes of their own: what is said of a record does not depend on the others.
"""

import gc
import multiprocessing
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from dedup import memory
from dedup.embed import Lens, embed, encode_segments
from dedup.errors import DedupError, is_fault, let_shortage_pass, one_line
from dedup.fingerprints import fingerprint
from dedup.model import Embedding, Entry, Fingerprint, Record, Skipped
from dedup.names import shared_strings
from dedup.prepare import entry_of, prepare
from dedup.read.unique import Rank, rank_of
from dedup.settings import Settings
from dedup.spool import Arena, Spool
from dedup.workers import ended_workers_told, result_of, settle_as_worker, unbroken

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Lock

BATCH = 128
"""Records that are worked on together, at most."""

CHARACTERS = 2**21
"""Characters of text from which a batch is full: of long texts fewer are held at once."""

FEW = 1_024
"""Records that are sketched before any process is started, which takes about two seconds."""

AHEAD = 4
"""Batches that wait for each process, at most."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A record without its text. ``rank`` decides which of several records with one id is kept.

    ``embedding`` is None where no token table is asked.
    """

    entry: Entry
    rank: Rank
    fingerprint: Fingerprint
    embedding: Embedding | None

    @property
    def id(self) -> str:
        """Of the record."""
        return self.entry.id

    @property
    def path(self) -> str | None:
        """The file that the record is from."""
        return self.entry.path

    @property
    def line(self) -> int | None:
        """Its line there."""
        return self.entry.line


Item = Record | Skipped


def sketches_of(
    items: Iterable[Item], settings: Settings, lens: Lens | None, spool: Spool, arena: Arena
) -> Iterator[list[Sketch | Skipped]]:
    """The items sketched, batch by batch, in their order; their segments go to the spool, their vectors to the arena.

    ``lens``: whose vectors they get; without one they get none.
    """
    stream = iter(items)
    here = FEW if settings.workers > 1 else None
    batches = (sketch(batch, settings, lens) for batch in _batches(islice(stream, here)))
    for batch in chain(batches, _by_processes(stream, settings, lens)):
        yield [_put_aside(one, spool, arena) for one in batch]


def sketch(items: Sequence[Item], settings: Settings, lens: Lens | None) -> list[Sketch | Skipped]:
    """One sketch a record, before them what was skipped already and what cannot be used.

    A record that makes a library fail costs itself only: a batch that fails is done again record by record. But where
    none of several comes through and a lens was used, that is to blame, and its error is raised; and where memory does
    not suffice for one record, that is no fault of the record's.
    """
    try:
        return _sketched(items, settings, lens)
    except DedupError:  # of the model, not of a record
        raise
    except BaseException as error:  # whatever a library raises
        if not is_fault(error):
            raise
        if len(items) == 1 and isinstance(items[0], Record):
            let_shortage_pass(error)
            told = f"cannot be worked on: {one_line(error)}"
            return [Skipped(items[0].path or items[0].id, items[0].line, told)]
        found = list(chain.from_iterable(sketch([item], settings, lens) for item in items))
        if lens is not None and not any(isinstance(one, Sketch) for one in found):
            raise
        return sorted(found, key=lambda one: isinstance(one, Sketch))  # what is skipped first, as ever


def _sketched(items: Sequence[Item], settings: Settings, lens: Lens | None) -> list[Sketch | Skipped]:
    records = [item for item in items if isinstance(item, Record)]
    skipped = [item for item in items if isinstance(item, Skipped)]
    articles, unusable = prepare(records)
    prints = fingerprint(articles, settings)
    embeddings: Sequence[Embedding | None] = [None] * len(articles)
    if lens is not None and articles:
        languages = [a.language for a in articles]
        embeddings = embed(prints, languages, encode_segments(prints, lens.encoder), lens.calibration)
    return [
        *skipped,
        *unusable,
        *(Sketch(entry_of(a), rank_of(a.record), f, e) for a, f, e in zip(articles, prints, embeddings, strict=True)),
    ]


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    characters = 0
    for item in items:
        batch.append(item)
        characters += len(item.text) if isinstance(item, Record) else 0
        if len(batch) == BATCH or characters >= CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _put_aside(one: Sketch | Skipped, spool: Spool, arena: Arena) -> Sketch | Skipped:
    if isinstance(one, Skipped):
        return one
    f = one.fingerprint
    kept = replace(
        f,
        segments=spool.put(f.segments),
        beyond=spool.put(f.beyond),
        signature=arena.put(f.signature),
        names=shared_strings(f.names),
    )
    e = one.embedding
    if e is not None:
        e = Embedding(arena.put(e.steps), e.norms, arena.put(e.document))
    return replace(one, fingerprint=kept, embedding=e)


def _by_processes(items: Iterable[Item], settings: Settings, lens: Lens | None) -> Iterator[list[Sketch | Skipped]]:
    """The same by ``settings.workers`` processes, started when there is something to do; by half as many each time
    that memory becomes tight, in the end by this one.
    """
    batches = _batches(items)
    workers = settings.workers
    while workers > 1 and (first := next(batches, None)) is not None:
        yield from _by_pool(chain([first], batches), settings, lens, workers)
        workers //= 2
    yield from (sketch(batch, settings, lens) for batch in batches)


def _by_pool(
    batches: Iterator[list[Item]], settings: Settings, lens: Lens | None, workers: int
) -> Iterator[list[Sketch | Skipped]]:
    """The same by so many processes, until all is done or memory is tight."""
    # Started afresh rather than forked: libraries have threads by now, and locks of theirs would be copied as they are.
    start = multiprocessing.get_context("spawn")
    waiting: deque[Future[list[Sketch | Skipped]]] = deque()
    with unbroken():  # also for the process that looks after locks, which is started now and needs no signals
        reading, writing = start.Pipe(duplex=False)
        pool = ProcessPoolExecutor(workers, start, _begin, (reading, start.Lock()))
        threading.Thread(target=_tell, args=(writing, (settings, lens), workers), daemon=True).start()
    try:
        with ended_workers_told():
            for batch in batches:
                with unbroken():
                    waiting.append(pool.submit(_sketch, batch))
                if len(waiting) >= AHEAD * workers:
                    yield result_of(waiting.popleft())
                if memory.tight():
                    break
            while waiting:
                yield result_of(waiting.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        reading.close()


def _tell(writing: "Connection", task: "_Task", workers: int) -> None:
    """Tell each worker what it works with: not as an argument of its start, which would wait for ever for a worker that
    has ended before it has read the megabytes of a calibration.
    """
    with writing, suppress(OSError):  # nobody reads any more
        for _ in range(workers):
            writing.send(task)


_Task = tuple[Settings, Lens | None]

_task: _Task
"""Of this process, if it is one that sketches for another."""


def _begin(reading: "Connection", one_at_a_time: "Lock") -> None:
    global _task
    settle_as_worker()
    gc.disable()  # see dedup.workers.no_garbage_collection
    with one_at_a_time:
        _task = reading.recv()


def _sketch(batch: list[Item]) -> list[Sketch | Skipped]:
    return sketch(batch, *_task)
