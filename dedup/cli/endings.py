"""How a call ends: its exit code, and the one line on standard error that tells why.

| what happened | exit code | told |
|---|---|---|
| done, nothing found by ``check`` | 0 | nothing |
| ``check`` found something | 1 | nothing |
| the call, the input, a model, an index or a report cannot be used; a worker was ended; out of memory; a fault of the
  program | 2 | one line |
| interrupted (Ctrl-C) | 130 | one line |
| whoever reads standard output went away | 141 | nothing |
| ended by SIGTERM, as a scheduler does or a container; by SIGHUP, as a terminal does | 143; 129 | one line |
"""

import signal
from dataclasses import dataclass
from typing import Final

import click

from dedup.errors import DedupError, is_shortage
from dedup.interrupts import Terminated

DONE: Final = 0
UNUSABLE: Final = 2
INTERRUPTED: Final = 130
"""128 + SIGINT, as a shell says it."""
BROKEN_PIPE: Final = 141
"""128 + SIGPIPE: what ``cat`` ends with when ``head`` has seen enough. Silent, for nothing is wrong."""
ENDED: Final = 128
"""With the number of a signal added, as a shell says it: 143 for SIGTERM, 129 for SIGHUP."""


@dataclass(frozen=True, slots=True)
class Ending:
    """An exit code, and what is to be told of it, if anything."""

    code: int
    told: str | None = None


def ending_of(error: BaseException) -> Ending:
    """What a call ends with that this has been raised in."""
    match error:
        case click.exceptions.Exit():
            return Ending(error.exit_code)
        case BrokenPipeError():
            return Ending(BROKEN_PIPE)
        case KeyboardInterrupt():
            how, code = "interrupted", INTERRUPTED
            if isinstance(error, Terminated):
                how, code = f"ended by {signal.Signals(error.number).name}", ENDED + error.number
            kept = "a run that is started again keeps the vectors that the model made"
            return Ending(code, f"{how}: nothing is half-written; {kept}")
        case _:
            return Ending(UNUSABLE, _in_one_line(error))


def _in_one_line(error: BaseException) -> str:
    match error:
        case click.UsageError(ctx=click.Context() as context):
            return f"{error.format_message()} See '{context.command_path} --help'."
        case click.ClickException():
            return error.format_message()
        case DedupError():
            return str(error)
        case _ if is_shortage(error):
            return "out of memory"
        case OSError(filename=str(name), strerror=str(why)):
            return f"{name}: {why}"
        case OSError():
            return str(error)
        case _:
            return f"internal error: {type(error).__name__}: {error} (--debug shows where)"
