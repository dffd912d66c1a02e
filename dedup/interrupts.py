"""Signals that end the program: Ctrl-C, a scheduler's or container's SIGTERM, a terminal that is closed.

Each is raised as an exception wherever the program is, once: what was begun is removed then, workers end, and a second
signal must not break off the tidying up; one that comes when that has taken long ends the process where it is. Two
things are taken care of, both seen with Python 3.11:

* An exception in a finaliser is printed and passed over, and the program goes on: it is raised again a moment later.
* One between the taking of a lock and the block that gives it back leaves the lock taken: see :func:`postponed`.
"""

import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from dedup.errors import BrokenOff

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end the program, but for what cannot be caught."""

PATIENCE: Final = 5.0
"""Seconds of tidying up for which further signals do nothing."""

_AGAIN: Final = 0.02
"""Seconds after which what was passed over is raised again: by then the finaliser is through, most likely."""


class Terminated(KeyboardInterrupt):
    """The process was told to end by a signal of this ``number``, and does so as if a person had interrupted it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def raised_once() -> Iterator[None]:
    """While it lasts, the first signal that ends the program is raised: :class:`KeyboardInterrupt` for SIGINT, else
    :class:`Terminated`. Further ones do nothing for ``PATIENCE``, and then what the system has them do; afterwards,
    when the program is about to end, they do nothing. Those that whoever started the program lets it ignore (``nohup``)
    stay ignored. Only the main thread can say what is done about signals; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    raising = _Raising()
    before = {number: handler for number in ENDING if (handler := signal.getsignal(number)) not in _LEFT}
    hook = sys.unraisablehook
    for number in before:
        signal.signal(number, raising)
    alarm = signal.signal(signal.SIGALRM, raising.again)
    sys.unraisablehook = raising.passed_over
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if raising.has_raised else handler)


_LEFT: Final = (signal.SIG_IGN, None)
"""What is done about a signal where that is not ours to change: nothing, or something that Python does not know of."""


class _Raising:
    """What is done about the signals."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._began = 0.0

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self._number is None:
            self._number, self._began = number, time.monotonic()
            raise _raised(number)
        if time.monotonic() - self._began > PATIENCE:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    @property
    def has_raised(self) -> bool:
        """Whether there was one."""
        return self._number is not None

    def again(self, _number: int, _frame: FrameType | None) -> None:
        """The moment after which it can be raised."""
        if self._number is not None:
            raise _raised(self._number)

    def passed_over(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """Told of what was raised in a finaliser. What a ceiling of memory raises, its watch raises again."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        elif not issubclass(unraisable.exc_type, BrokenOff):
            sys.__unraisablehook__(unraisable)


def _raised(number: int) -> KeyboardInterrupt:
    return KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)


@contextmanager
def postponed() -> Iterator[None]:
    """While it lasts, these signals wait; those that came are there when it is over. A process that is started
    meanwhile has them blocked until it calls :func:`settle`: a terminal sends Ctrl-C to all, and one that ends so while
    it starts prints a traceback, and is waited for by whoever started it.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone is interrupted
        yield
        return
    arrived: list[int] = []

    def wait(number: int, _frame: object) -> None:
        arrived.append(number)

    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    caught = (*ENDING, signal.SIGALRM)
    before = {number: handler for number in caught if (handler := signal.getsignal(number)) not in _LEFT}
    for number in before:
        signal.signal(number, wait)
    try:
        yield
    finally:
        try:
            _put_back(before, blocked)
        finally:  # also where something else was raised: a worker that the same signal has ended may be told of first
            for one in arrived:
                signal.raise_signal(one)


def _put_back(handlers: dict[signal.Signals, Any], blocked: Iterable[int]) -> None:
    """Have signals do what they did, all of them, though one that does may come at once, and raise something."""
    try:
        for number in list(handlers):
            signal.signal(number, handlers[number])
            del handlers[number]
    finally:
        if handlers:
            _put_back(handlers, blocked)
        else:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def settle() -> None:
    """What signals do in a process that works for another one: those of a terminal are for the one that a person
    started, and ends the others; SIGTERM ends it without a word.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a fork inherits what the command does about it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
