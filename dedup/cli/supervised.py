"""The program as a child of itself, where memory is limited.

Most libraries raise an error when they get no more memory. Some end the process instead: OpenBLAS, Rust, the system's C
library when it starts a thread. Then somebody must be left who says so, in one line, and ends with the right code. Only
Linux and the like can fork; elsewhere, and without a limit, the program runs as it is.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import Final

from dedup.interrupts import ENDING
from dedup.memory import counting

OPTION: Final = "--max-memory"
PASSED_ON: Final = ("SIGTERM", "SIGHUP")
"""Signals for the whole program."""
_END_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def is_limited(arguments: Sequence[str]) -> bool:
    """Whether a call, or whoever made it (``ulimit -v``, ``-d``), sets a limit to memory."""
    if not sys.platform.startswith("linux"):
        return False
    import resource

    limits = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    asked = any(argument.partition("=")[0] == OPTION for argument in arguments)
    return asked or any(limit != resource.RLIM_INFINITY for limit in limits)


def supervised(run: Callable[[], int], complain: Callable[[str], None], unusable: int) -> int:
    """The exit code of ``run``, which a child does, and returns from here, too. Where the child is ended before it has
    one, ``complain`` gets a line, and the code is ``unusable``. To be called before there is any thread.
    """
    reading, writing = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        _end_with(parent)
        counting(parent)
        # Where OpenBLAS cannot start its threads it interrupts the program; none but one is used (dedup.workers).
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        try:
            code = run()
        except MemoryError:  # there is not even enough to say so here
            os._exit(unusable)
        os.write(writing, bytes([code]))
        return code
    os.close(writing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the child, too

    def pass_on(number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    for name in PASSED_ON:
        signal.signal(getattr(signal, name), pass_on)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.set_blocking(reading, False)  # processes that the child has left behind may hold the other end
    with suppress(BlockingIOError):
        if told := os.read(reading, 1):
            return told[0]
    if -ended in ENDING:  # before it could say so
        return 128 - ended
    how = f"by {signal.Signals(-ended).name}" if ended < 0 else f"with code {ended}"
    complain(
        f"out of memory, most likely: the program was ended {how}, by the system or by a library that cannot do "
        "otherwise; what helps: more memory, fewer --workers"
    )
    return unusable


def _end_with(parent: int) -> None:
    """End this process when its parent ends, however that happens."""
    import ctypes

    ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
