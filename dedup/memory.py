"""A ceiling on the memory that a run holds, all its processes together.

    parse_size    "4G"                             -> bytes
    of_machine    what this machine or container has
    workers_for   what was asked for               -> how many processes fit
    run_below     does some work, while a watch looks at this process and all that it started, twenty times a second

What is *held* is private and shared memory: the sum of proportional set sizes (PSS: of a page that three processes
share, each holds a third) without pages of mapped files. Those, such as the token table and the vectors of a run with a
ceiling (:class:`dedup.spool.Arena`), the system takes back when somebody needs memory, and reads again. The watch acts
in two steps, each at a share of the ceiling:

* from ``TIGHT`` on, :func:`tight` says so: whoever has processes at work ends them, which frees their copies, and goes
  on with fewer of them;
* from ``STOP`` on, the run ends with :class:`dedup.errors.MemoryLimitError`.

A large array comes at once, between two looks. So each process may map as much more private memory as there is room
for, and no more (``RLIMIT_DATA``, told anew at each look): the system refuses the rest, and that ends the run with the
same error. None of it changes a result. Linux only.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from dedup.errors import BrokenOff, InputError, MemoryLimitError, is_shortage
from dedup.progress import Progress

TIGHT: Final = 0.75
"""Share of the ceiling from which no more processes are at work than must be."""

STOP: Final = 0.9
"""Share of the ceiling from which the run ends: the rest is for what comes between two looks, for what the system keeps
of each process, such as its page tables, and for pages of files that are being worked on. With 0.95 the system killed a
run of 10,000 records in a control group of 256 MiB (``scripts/measure_memory.py``)."""

ROOM: Final = 0.95
"""Share of the ceiling up to which a process may map private memory."""

EVERY: Final = 0.05
"""Seconds between two looks, at least."""

COST: Final = 0.05
"""Of one processor, the share that looking may take: where it is dear, the next look waits."""

FOR_WORKER: Final = 40 * 2**20
"""Bytes that a process which works for another may map besides its share of the room: for the 32 MiB that OpenBLAS maps
anew in each, and of which it touches little. What is touched is counted."""

FIRST: Final = 400 * 2**20
"""Bytes that a process holds which works alone, before it has read much: libraries, token table, tokenizer
(``scripts/measure_memory.py --workers``)."""

EACH: Final = 170 * 2**20
"""Bytes that each further process holds (the same)."""

FOR_WORKERS: Final = 0.5
"""Share of a ceiling that workers may take. The rest is for what is made of the records."""

_PROC: Final = Path("/proc")
_GROUPS: Final = Path("/sys/fs/cgroup")
_UNITS: Final = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_Made = TypeVar("_Made")
_AGAIN: Final = 2.0
"""Seconds after which a run that was told to end, and goes on, is told again."""
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


# --- sizes


def parse_size(text: str) -> int:
    """Bytes: ``4G``, ``512M``, ``1.5G`` (powers of 1024), or ``50%`` of what the machine or container has.

    Raises :class:`InputError` for anything else, and for nothing at all.
    """
    given = text.strip().upper().removesuffix("IB").removesuffix("B")
    number, unit = (given[:-1], given[-1:]) if given[-1:] in {*_UNITS, "%"} else (given, "")
    try:
        factor = of_machine() / 100 if unit == "%" else _UNITS.get(unit, 1)
        size = int(float(number) * factor)
    except (ValueError, OverflowError):
        size = 0
    if not 1 <= size < 2**63:
        raise InputError(f"{text!r} is no size: give one such as 4G, 512M or 50%")
    return size


def told(size: float) -> str:
    """A number of bytes for a person."""
    return f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def of_machine(proc: Path = _PROC, groups: Path = _GROUPS) -> int:
    """Bytes of memory that this process can have at most: those of the machine, or fewer where the control group of a
    container (version 1 or 2) says so. ``proc`` and ``groups`` are where the kernel tells of them.
    """
    return min([os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *_limits_of_groups(proc, groups)])


def _limits_of_groups(proc: Path, groups: Path) -> Iterator[int]:
    """The limits of this process's groups and of all that these are in; a container may see only its own part."""
    with suppress(OSError):
        for line in (proc / "self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "":
                yield from _limits_above(groups, path, "memory.max")
            elif "memory" in controllers.split(","):
                yield from _limits_above(groups / "memory", path, "memory.limit_in_bytes")


def _limits_above(root: Path, path: str, name: str) -> Iterator[int]:
    within = Path(path.lstrip("/"))
    for folder in (within, *within.parents):
        with suppress(OSError, ValueError):  # not there, or "max"
            yield int((root / folder / name).read_text(encoding="ascii"))


def workers_for(asked: int | None, limit: int | None = None) -> int:
    """How many processes are to work: as many as were ``asked`` for, else one for each processor; fewer where they
    would take more than their share of the ceiling that is kept, or (of those that nobody asked for) of the memory
    that there is. ``limit`` stands in for that memory.
    """
    from dedup.workers import processors

    ceiling = _watch.ceiling
    if asked is not None and ceiling is None:
        return asked
    total = min(limit or of_machine(), ceiling or sys.maxsize)
    return min(asked or processors(), fitting(total))


def fitting(total: int) -> int:
    """How many processes fit into so many bytes: one always, which works alone."""
    room = (total - FIRST) * FOR_WORKERS
    return max(1, int(room // EACH))


# --- the watch


class _Reached(BrokenOff):
    """Raised wherever the run is when the ceiling is reached."""


class _Watch:
    """What is known of a run, without a ceiling: the stage it is in."""

    ceiling: int | None = None
    tight = False
    reached = False
    closed = False

    def __init__(self, helps: str = "") -> None:
        self.helps = helps
        self._stage, self._done, self._total = "", 0, None  # type: tuple[str, int, int | None]

    def note(self, stage: str, done: int, total: int | None) -> None:
        """Told by progress. Raises where the run is to end."""
        self._stage, self._done, self._total = stage, done, total
        if self.reached:
            raise _Reached

    def look(self) -> None:
        """Look now."""

    def hold_back(self) -> bool:
        """From now on nothing breaks off the work; whether it could before."""
        return False

    def let_go(self) -> None:
        """Something may again; raises what has waited."""

    def start(self) -> None:
        """The run begins."""

    def close(self) -> None:
        """The run is over."""
        self.closed = True

    def error(self) -> MemoryLimitError:
        """What a user is told: where the run was, how much it held, and what helps."""
        helps = f"; what helps: {self.helps}" if self.helps else ""
        return MemoryLimitError(f"out of memory{self._where()}{self._how()}{helps}")

    def _how(self) -> str:
        return ""

    def _where(self) -> str:
        if not self._stage:
            return ""
        of = "" if self._total is None else f" of {self._total:,}"
        return f" while {self._stage}" + (f" ({self._done:,}{of} done)" if self._done or of else "")


class _Guard(_Watch):
    """A watch that keeps a ceiling."""

    def __init__(self, ceiling: int, helps: str) -> None:
        import resource

        super().__init__(helps)
        self.ceiling: int = ceiling
        self.held = self.processes = 0
        self._whose = threading.get_ident()
        self._told_at = 0.0
        self._held_back = self._telling = self._owed = False
        self._own_limit = resource.getrlimit(resource.RLIMIT_DATA)
        self._ended = threading.Event()
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._go_on, name="dedup-memory", daemon=True)

    def start(self) -> None:
        """From now on no more can be had than there is room for."""
        self.look()
        self._thread.start()

    def close(self) -> None:
        """From now on nobody is told to end; whoever was told a moment ago is told here."""
        import resource

        with self._turn:
            self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        _end_thread(self._whose, None)
        resource.setrlimit(resource.RLIMIT_DATA, self._own_limit)
        self.closed = True

    def _how(self) -> str:
        by = "1 process" if self.processes == 1 else f"{self.processes} processes"
        asked = "" if self.reached else " and asked for more than is left"
        return f": {by} held {told(self.held)} of the {told(self.ceiling)} that are allowed{asked}"

    def _go_on(self) -> None:
        pause = EVERY
        while not self._ended.wait(pause):
            began = time.thread_time()
            with suppress(MemoryError):  # of which the run hears, too
                self.look()
            pause = max(EVERY, (time.thread_time() - began) / COST)

    def look(self) -> None:
        """See how much is held, and do what follows from it."""
        with self._turn:
            if self._ended.is_set():
                return
            pids = family(os.getpid())
            mapped = {pid: data for pid in pids if (data := private(pid))}  # first: what comes from now on counts twice
            self._count([*pids, *_also])
            self.tight = self.held > TIGHT * self.ceiling
            if self.held > STOP * self.ceiling or self.reached:
                self._reach()
            else:
                _let_grow(mapped, int(ROOM * self.ceiling) - self.held, self._own_limit)

    def _count(self, pids: list[int]) -> None:
        """Resident sets are told at once, and are more than is held; that is told where it matters."""
        held = sum(map(resident, pids))
        self.held = held if held <= TIGHT * self.ceiling else sum(map(held_by, pids))
        self.processes = len(pids)

    def _reach(self) -> None:
        """End the run: its workers, so that nobody waits for them, and then the thread that it is in."""
        from multiprocessing import active_children

        self.reached = True
        for child in active_children():
            child.kill()
        if time.monotonic() - self._told_at > _AGAIN:  # an exception in a finaliser is passed over
            self._telling = True
            try:
                if self._held_back:
                    self._owed = True
                else:
                    self._told_at = time.monotonic()
                    _end_thread(self._whose, _Reached)
            finally:
                self._telling = False

    def hold_back(self) -> bool:
        if self._held_back or threading.get_ident() != self._whose:
            return False
        try:
            self._held_back = True
            self._wait_for_telling()  # what was told before arrives here
        except BaseException:
            self._held_back = False
            raise
        return True

    def let_go(self) -> None:
        self._held_back = False
        self._wait_for_telling()
        if self._owed:
            self._owed, self._told_at = False, time.monotonic()
            raise _Reached

    def _wait_for_telling(self) -> None:
        while self._telling:
            time.sleep(0)


def _end_thread(thread: int, raised: type[BaseException] | None) -> None:
    """Have a thread raise something as soon as it executes Python again; None takes that back."""
    import ctypes

    given = None if raised is None else ctypes.py_object(raised)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), given)


_watch = _Watch()
"""That of the run that goes on. A process has one memory, so there is one."""


def run_below(ceiling: int | None, work: Callable[[], _Made], helps: str = "") -> _Made:
    """What ``work`` gives, while the processes of this run together hold ``ceiling`` bytes at most; of None, what the
    system gives. ``helps`` says what a user can do who wants more.

    Raises :class:`MemoryLimitError` where that does not suffice, or the system gives no more: the work is broken off
    wherever it is, as by an interrupt. Raises :class:`InputError` for a ceiling where there is no ``/proc``. Within
    another one it just does the work.

    No context manager: what breaks off the work may come at any step, also in the midst of leaving a block, and only
    within one function is there a place where it cannot be missed.
    """
    global _watch
    if _watch is not _NONE:
        return work()
    if ceiling is not None and not (_PROC / "self/smaps_rollup").exists():
        raise InputError("--max-memory needs Linux, which tells how much memory a process holds")
    watch = _Watch(helps) if ceiling is None else _Guard(ceiling, helps)
    try:
        try:
            _watch = watch
            watch.start()
            return work()
        finally:
            while not watch.closed:
                try:
                    watch.close()
                except _Reached:
                    continue
            _watch = _NONE
    except (Exception, _Reached) as error:
        if watch.reached or is_shortage(error):
            raise watch.error() from error
        raise


_NONE: Final = _watch


@contextmanager
def unbroken() -> Iterator[None]:
    """While it lasts, a run that has come to its ceiling is not broken off; it is at the end, where it is still due."""
    watch = _watch
    held_back = False
    try:
        held_back = watch.hold_back()
        yield
    finally:
        if held_back:
            watch.let_go()


def told_instead(error: BaseException) -> BaseException:
    """What a user is told in place of an error that broke off the run that goes on: of memory, where that is why."""
    return _watch.error() if _watch.reached or is_shortage(error) else error


_also: Final[list[int]] = []
"""Processes that this one did not start, and that are a part of the run."""


def counting(pid: int) -> None:
    """Have a process counted that this one did not start."""
    _also.append(pid)


def noting(progress: Progress) -> Progress:
    """The same progress, and the watch knows of it, too."""

    def noted(stage: str, done: int = 0, total: int | None = None, /) -> None:
        _watch.note(stage, done, total)
        progress(stage, done, total)

    return noted


def tight(*, look: bool = False) -> bool:
    """Whether little is left below the ceiling that is kept; ``look`` asks for what is true right now."""
    if look:
        _watch.look()
    return _watch.tight


def is_kept() -> bool:
    """Whether there is a ceiling."""
    return _watch.ceiling is not None


def begin_worker() -> None:
    """Told by a forked process as it begins: it has the limit of the one that it comes from, until the next look."""
    if _watch.ceiling is not None:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if soft != resource.RLIM_INFINITY:
            more = soft + FOR_WORKER
            resource.setrlimit(resource.RLIMIT_DATA, (more if hard < 0 else min(more, hard), hard))


# --- what the kernel tells


def family(pid: int) -> list[int]:
    """A process and all that it started, directly or not, as far as they are there."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in os.scandir(f"/proc/{one}/task"):
                with suppress(OSError):
                    found += map(int, _read(f"{task.path}/children").split())
    return found


def resident(pid: int) -> int:
    """Bytes of memory that a process has a part in: what it shares counts in full. 0 once it has ended."""
    with suppress(OSError):
        return int(_read(f"/proc/{pid}/statm").split()[1]) * _PAGE
    return 0


def held_by(pid: int) -> int:
    """Bytes that a process holds; 0 once it has ended."""
    found = _named(f"/proc/{pid}/smaps_rollup", b"Pss:", b"Pss_File:")
    return found[0] - found[1]


def private(pid: int) -> int:
    """Bytes of private memory that a process has mapped, touched or not, without its stack: what ``RLIMIT_DATA`` is
    about. 0 once it has ended.
    """
    return _named(f"/proc/{pid}/status", b"VmData:")[0]


def _named(path: str, *names: bytes) -> list[int]:
    """The numbers of kilobytes that lines of a file give these names, in bytes; 0 where there is none."""
    found = dict.fromkeys(names, 0)
    with suppress(OSError):
        for line in _read(path).splitlines():
            fields = line.split(maxsplit=2)
            if fields[0] in found:
                found[fields[0]] = int(fields[1]) * 1024
    return list(found.values())


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - many times a second
        return file.read()


def _let_grow(mapped: Mapping[int, int], room: int, own: tuple[int, int]) -> None:
    """Let each process, which has ``mapped`` so many bytes of private memory, map its share of ``room`` more; never
    more than the user's own limit.
    """
    import resource

    soft, hard = own
    for pid, data in mapped.items():
        most = data + room // len(mapped) + (FOR_WORKER if pid != os.getpid() else 0)
        with suppress(OSError, ValueError):  # gone meanwhile, or not ours any more
            resource.prlimit(pid, resource.RLIMIT_DATA, (most if soft < 0 else min(most, soft), hard))


_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def temporary_in_memory(mounts: Path = _PROC / "self/mountinfo") -> Path | None:
    """The folder of temporary files, if it lies in memory rather than on a disk; ``mounts`` is where that is told."""
    import tempfile

    folder = Path(tempfile.gettempdir()).resolve()
    kinds: dict[Path, str] = {}
    with suppress(OSError):
        for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
            place, _, about = line.partition(" - ")
            kinds[Path(place.split()[4])] = about.split()[0]
    nearest = next((kinds[one] for one in (folder, *folder.parents) if one in kinds), "")
    return folder if nearest in _IN_MEMORY else None
