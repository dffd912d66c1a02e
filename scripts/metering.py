"""What a command costs: wall time, processor time and memory of it and of all processes that it starts.

The command runs in a session of its own, so that the processes of a run are those of one session, whoever their parent
is by now. Processor time is what the kernel accounted when each of them ended. Memory is the sum of their proportional
set sizes (PSS in ``/proc/PID/smaps_rollup``: a page that three processes share counts a third in each), so that workers
that share a model do not count it twice; it is sampled, so a shorter peak can be missed. Linux only.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")
"""Units of processor time in ``/proc/PID/stat``, a second."""
SHARE: Final = 0.03
"""Of the time, at the most, that goes into looking: the next look waits accordingly."""
_ADOPT: Final = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): orphans of the command become ours, and so does their processor time."""
_PATIENCE: Final = 10.0
"""Seconds that processes may outlive the command's own before they are ended."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at all processes of a run."""

    at: float
    """On the clock of ``time.monotonic``, which all processes of a machine share."""
    cpu: float
    """Processor seconds up to now, ended processes included."""
    memory: int
    """Bytes of PSS now."""
    of_files: int = 0
    """Those of them that are pages of mapped files."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command cost."""

    began: float
    wall: float
    """Seconds until the command's own process ended."""
    cpu: float
    """Processor seconds, user and system, of all its processes."""
    peak: int
    """Bytes: the largest sum of PSS that was seen."""
    largest: int
    """Bytes: the largest resident set that any one of its processes had had when it was last seen."""
    samples: tuple[Sample, ...]
    code: int
    """Exit status, negative for a signal."""


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    cpu: float
    """Its own and that of the children that it waited for."""


def measure(command: Sequence[str], *, interval: float = 0.1, environment: Mapping[str, str] | None = None) -> Usage:
    """Run ``command`` and look at it every ``interval`` seconds, or more rarely where looking is dear.

    Standard output and error go where ours go. Processes that it leaves behind are ended after ten seconds.
    """
    ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)
    began = time.monotonic()
    child = subprocess.Popen(command, start_new_session=True, env=environment)  # noqa: S603 - what is measured
    watch = _Watch(child.pid)
    try:
        while watch.looks():
            time.sleep(max(interval, watch.cost / SHARE) if len(watch.samples) > 5 else interval / 5)
            if watch.ended_at is not None and time.monotonic() - watch.ended_at > _PATIENCE:
                break
    finally:
        watch.end_all()
        child.returncode = watch.code  # reaped here, not by subprocess
        ctypes.CDLL(None).prctl(_ADOPT, 0, 0, 0, 0)
    wall = (watch.ended_at or time.monotonic()) - began
    peak = max(sample.memory for sample in watch.samples)
    return Usage(began, wall, watch.reaped, peak, watch.largest, tuple(watch.samples), watch.code)


class _Watch:
    """The processes of one session, while there are any."""

    def __init__(self, session: int) -> None:
        self.session = session
        self.samples: list[Sample] = []
        self.reaped = 0.0
        self.largest = 0
        self.cost = 0.0
        self.code = 0
        self.ended_at: float | None = None

    def looks(self) -> bool:
        """Take a sample and let ended processes go; False when none is left."""
        began = time.monotonic()
        alive = processes(self.session)
        shares = [proportional_shares(process.pid) for process in alive]
        memory, of_files = (sum(share[place] for share in shares) for place in (0, 1))
        self.largest = max((self.largest, *(high_water(process.pid) for process in alive)))
        if alive:
            self.samples.append(Sample(began, self.reaped + sum(process.cpu for process in alive), memory, of_files))
        self._reap(alive)
        self.cost = time.monotonic() - began
        return bool(alive)

    def _reap(self, alive: Sequence[_Process]) -> None:
        for process in alive:
            if process.parent != os.getpid():
                continue
            with suppress(ChildProcessError):
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    self.reaped += usage.ru_utime + usage.ru_stime
                if pid == self.session:
                    self.code = os.waitstatus_to_exitcode(status)
                    self.ended_at = time.monotonic()

    def end_all(self) -> None:
        """Kill what is left."""
        while alive := processes(self.session):
            for process in alive:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            self._reap(alive)
            time.sleep(0.01)


def processes(session: int) -> list[_Process]:
    """The processes of a session, ended ones included whose parent has not noticed yet."""
    found = []
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):
                fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                if int(fields[3]) == session:
                    found.append(_Process(int(folder.name), int(fields[1]), sum(map(int, fields[11:15])) / TICKS))
    return found


def proportional(pid: int) -> int:
    """Bytes of PSS of a process; 0 once it has ended."""
    return proportional_shares(pid)[0]


def proportional_shares(pid: int) -> tuple[int, int]:
    """Bytes of PSS of a process, and those of them that are pages of mapped files; 0 once it has ended."""
    all_, of_files = _bytes(pid, "smaps_rollup", "Pss:", "Pss_File:")
    return all_, of_files


def high_water(pid: int) -> int:
    """Bytes of the largest resident set that a process has had since its program was loaded; 0 once it has ended.

    ``ru_maxrss`` of getrusage(2) will not do: it takes in the program that the process was forked from.
    """
    return _bytes(pid, "status", "VmHWM:")[0]


def _bytes(pid: int, file: str, *names: str) -> list[int]:
    found = dict.fromkeys(names, 0)
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in (PROC / str(pid) / file).read_text(encoding="utf-8", errors="replace").splitlines():
            name, *rest = line.split(maxsplit=2)
            if name in found:
                found[name] = int(rest[0]) * 1024
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Part:
    """What one stage of a run cost."""

    stage: str
    wall: float
    cpu: float
    peak: int


def parts(usage: Usage, stages: Sequence[tuple[str, float]], end: float) -> tuple[Part, ...]:
    """The cost of each stage, of which the ``(name, begin)`` come in order, the last one up to ``end``.

    Begins are on the clock of ``time.monotonic``. Processor time between two samples is interpolated.
    """
    times = [begin for _, begin in stages] + [end]
    return tuple(
        Part(
            name,
            until - begin,
            _cpu_at(usage.samples, until) - _cpu_at(usage.samples, begin),
            max((s.memory for s in usage.samples if begin <= s.at <= until), default=0),
        )
        for (name, begin), until in zip(stages, times[1:], strict=True)
    )


def _cpu_at(samples: Sequence[Sample], at: float) -> float:
    before = Sample(at, 0.0, 0)
    for sample in samples:
        if sample.at >= at:
            span = sample.at - before.at
            return before.cpu + (sample.cpu - before.cpu) * ((at - before.at) / span if span > 0 else 1.0)
        before = sample
    return before.cpu
