"""How long the stages of a run take, and what they need and bring: measured in one place, and told to the log.

The measures are those of the process and of the processes that it started, as far as these have ended: a pool ends with
its stage. What is done elsewhere, by the workers of an engine, tells its own time.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dedup.events import tell
from dedup.progress import Progress, silent

GOES_ON: Final = 30.0
"""Seconds after which a stage that goes on is told of again."""

_LOG: Final = logging.getLogger(__name__)

_MEGABYTE: Final = 1e6


@dataclass(frozen=True, slots=True)
class Used:
    """What this process and those that it started have used so far: seconds of the processor, and the most memory that
    this one held, and that any of the others did (bytes; pages that processes share count for each).
    """

    processor: float
    memory: int
    worker_memory: int

    @classmethod
    def now(cls) -> "Used":
        """As the system says."""
        times = os.times()
        processor = time.process_time() + times.children_user + times.children_system
        return cls(processor, _most_memory(), _most_memory_of_workers())


def _most_memory() -> int:
    """Bytes. The limit that ``getrusage`` gives is on Linux also that of the program that started this one."""
    try:
        for line in Path("/proc/self/status").read_bytes().splitlines():
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    return _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _most_memory_of_workers() -> int:
    import resource

    return _bytes(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def _bytes(maximum: int) -> int:
    """Linux counts in kilobytes, macOS in bytes."""
    return maximum * 1024 if os.uname().sysname == "Linux" else maximum


@dataclass(frozen=True, slots=True)
class StageTaken:
    """A stage that has ended, or broken off where it is not ``whole``.

    ``seconds`` of the clock and ``processor_seconds`` of all processors; ``done`` of ``total`` pieces of work, as
    progress was told; ``counts`` of what came of it; ``memory`` and ``worker_memory`` as in :class:`Used`, at its end.
    """

    stage: str
    seconds: float
    processor_seconds: float
    done: int
    total: int | None
    counts: Mapping[str, int]
    memory: int
    worker_memory: int
    whole: bool


@dataclass(slots=True)
class _Stage:
    """One that goes on."""

    name: str
    began: float
    used: Used
    told: float
    done: int = 0
    total: int | None = None
    counts: dict[str, int] = field(default_factory=dict)


class Watch:
    """A progress that passes on what it is told, times the stages, and tells the log of them."""

    def __init__(self, shown: Progress = silent, clock: Callable[[], float] = time.monotonic) -> None:
        """``shown`` is told all that this is told; ``clock`` gives seconds."""
        self.shown = shown
        self.stages: list[StageTaken] = []
        self._clock = clock
        self._stage: _Stage | None = None

    def __call__(self, stage: str, done: int = 0, total: int | None = None, /) -> None:
        """A new stage ends the one before it."""
        self.shown(stage, done, total)
        if self._stage is None or self._stage.name != stage:
            self.end()
            self._stage = self._begun(stage)
        self._stage.done, self._stage.total = done, total
        now = self._clock()
        if now - self._stage.told >= GOES_ON:
            self._stage.told = now
            tell(_LOG, "stage-goes-on", f"{stage}: {_share(done, total)}", stage=stage, done=done, total=total)

    def tally(self, counts: Mapping[str, int]) -> None:
        """What came of the stage that goes on; counts of one name are added up."""
        if self._stage is not None:
            for name, count in counts.items():
                self._stage.counts[name] = self._stage.counts.get(name, 0) + count

    def end(self, *, whole: bool = True) -> None:
        """The stage that goes on, if any, has ended: with all its work, or broken off."""
        stage, self._stage = self._stage, None
        if stage is None:
            return
        used = Used.now()
        taken = StageTaken(
            stage=stage.name,
            seconds=round(self._clock() - stage.began, 3),
            processor_seconds=round(used.processor - stage.used.processor, 3),
            done=stage.done,
            total=stage.total,
            counts=stage.counts,
            memory=used.memory,
            worker_memory=used.worker_memory,
            whole=whole,
        )
        self.stages.append(taken)
        _tell_end(taken)

    def _begun(self, name: str) -> _Stage:
        now = self._clock()
        tell(_LOG, "stage-began", name, stage=name)
        return _Stage(name, now, Used.now(), now)


@contextmanager
def watched(progress: Progress) -> Iterator[Progress]:
    """``progress`` with its stages timed and told; one that is watched already stays with whoever does that."""
    if isinstance(progress, Watch):
        yield progress
        return
    with watching(progress) as watch:
        yield watch


@contextmanager
def watching(shown: Progress = silent) -> Iterator[Watch]:
    """A watch whose last stage ends with the block."""
    watch = Watch(shown)
    try:
        yield watch
    except BaseException:
        watch.end(whole=False)
        raise
    watch.end()


def _share(done: int, total: int | None) -> str:
    return f"{done:,}" if total is None else f"{done:,} of {total:,}"


def _tell_end(taken: StageTaken) -> None:
    work = [_share(taken.done, taken.total)] if taken.done else []
    counted = [f"{name} {count:,}" for name, count in taken.counts.items()]
    spent = f"{taken.seconds:.3f} s, {taken.processor_seconds:.3f} s of processors"
    memory = f"at most {taken.memory / _MEGABYTE:,.0f} MB so far"
    if taken.worker_memory:
        memory += f", a worker {taken.worker_memory / _MEGABYTE:,.0f} MB"
    event, ended = ("stage-ended", "done") if taken.whole else ("stage-broke-off", "broken off")
    tell(
        _LOG,
        event,
        "; ".join((f"{taken.stage}: {ended}", *work, *counted, spent, memory)),
        stage=taken.stage,
        seconds=taken.seconds,
        processor_seconds=taken.processor_seconds,
        done=taken.done,
        total=taken.total,
        memory=taken.memory,
        worker_memory=taken.worker_memory,
        counts=dict(taken.counts),
    )
