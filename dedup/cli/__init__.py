"""The command line: thin over the library.

Whatever goes wrong ends in :func:`main` as one line on standard error and exit code 2. Exit code 1 belongs to findings
(of ``dedup check``), so nothing else may end with it: click's own ``main``, which uses it for an interrupt and for a
closed pipe, is passed by.

What needs more than click is imported within the commands: ``dedup --help`` must not wait for numpy, let alone torch.
"""

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from dedup import __version__
from dedup.cli.apply import apply as apply_command
from dedup.cli.calibrate import calibrate as calibrate_command
from dedup.cli.check import check as check_command
from dedup.cli.evaluate import evaluate as evaluate_command
from dedup.cli.explain import explain as explain_command
from dedup.cli.index import index as index_commands
from dedup.cli.options import InOrder
from dedup.cli.run import run as run_command
from dedup.cli.terminal import complain
from dedup.errors import DedupError

DONE = 0
UNUSABLE = 2
INTERRUPTED = 130
"""128 + SIGINT, as a shell says it."""
ENDED = 143
"""128 + SIGTERM."""
BROKEN_PIPE = 141
"""128 + SIGPIPE: what ``cat`` ends with when ``head`` has seen enough. Silent, for nothing is wrong."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The program. ``arguments`` are those of the process if not given."""
    _replace_closed_streams()
    with _notes_on_standard_error(), _end_raised():
        code = _run(sys.argv[1:] if arguments is None else arguments)
    sys.exit(code)


def _run(arguments: Sequence[str]) -> int:
    """The exit code of a call."""
    context = None
    try:
        with dedup.make_context("dedup", list(arguments)) as context:
            code = _invoke(context)
        sys.stdout.flush()  # a fault in writing belongs here, not to the end of the process
    except click.exceptions.Exit as end:  # --help, --version
        return end.exit_code
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except EndedError:
        complain("ended from outside: nothing was written")
        return ENDED
    except KeyboardInterrupt:
        complain("interrupted: nothing was written; a run that is started again keeps the vectors that the model made")
        return INTERRUPTED
    except Exception as error:
        if context is not None and context.params["debug"]:
            traceback.print_exc()
        complain(_in_one_line(error))
        _discard_output()
        return UNUSABLE
    return code


class EndedError(KeyboardInterrupt):
    """SIGTERM came, which is a wish to stop as an interrupt is."""


@contextmanager
def _end_raised() -> Iterator[None]:
    """While it lasts, SIGTERM raises :class:`EndedError`, so that what was begun is cleaned up: processes, temporary
    files, places beside an output. Only the first one does; whoever is in more of a hurry has SIGKILL.
    """

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)
        raise EndedError

    if threading.current_thread() is not threading.main_thread():
        yield  # signals are another's
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _invoke(context: click.Context) -> int:
    """Runs the command: 0, or what else it ends with on purpose."""
    try:
        dedup.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return DONE


def _in_one_line(error: Exception) -> str:
    match error:
        case click.UsageError(ctx=click.Context() as context):
            return f"{error.format_message()} See '{context.command_path} --help'."
        case click.ClickException():
            return error.format_message()
        case DedupError():
            return str(error)
        case MemoryError():
            return "out of memory"
        case OSError():
            return str(error)
        case _:
            return f"internal error: {type(error).__name__}: {error} (--debug shows where)"


def _replace_closed_streams() -> None:
    """Started with ``>&-``, Python has no stream there, and whatever prints would fail."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
            setattr(sys, name, stream)


def _discard_output() -> None:
    """Let output that cannot be written go nowhere, or the interpreter complains of it when it ends, and exits as it
    likes.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _notes_on_standard_error() -> Iterator[None]:
    """What the library logs, such as that it unpacks the model, on standard error."""

    class OnStandardError(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            sys.stderr.write(f"dedup: {record.getMessage()}\n")  # click.echo would write across the progress line

    log, handler = logging.getLogger("dedup"), OnStandardError()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)


@click.group(
    cls=InOrder,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  dedup run articles/ -o report.json
  dedup check new/ --against articles/
  dedup index build known.index archive.jsonl.gz
  dedup explain articles/a.txt articles/b.txt
  dedup apply report.json articles/ -o clean/
  dedup evaluate report.json --gold gold.jsonl
  dedup calibrate parallel.jsonl --model NAME -o calibration/

Exit codes: 0 done; 1 check found something; 2 the call or the input is unusable, or the program failed.""",
)
@click.version_option(__version__, prog_name="dedup", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="DEDUP_DEBUG", help="On failure, show the traceback too.")
def dedup(debug: bool) -> None:
    """Find the records that carry the same article: copied, edited, or translated."""


for _command in (
    run_command,
    check_command,
    index_commands,
    explain_command,
    apply_command,
    evaluate_command,
    calibrate_command,
):
    dedup.add_command(_command)
