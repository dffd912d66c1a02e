"""The command line: thin over the library.

Whatever goes wrong ends in :func:`main` as one line on standard error and exit code 2. Exit code 1 belongs to findings
(of ``dedup check``), so nothing else may end with it: click's own ``main``, which uses it for an interrupt and for a
closed pipe, is passed by.

What needs more than click is imported within the commands: ``dedup --help`` must not wait for numpy, let alone torch.
"""

import logging
import sys
import time
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from dedup import __version__
from dedup.cli import streams
from dedup.cli.apply import apply as apply_command
from dedup.cli.calibrate import calibrate as calibrate_command
from dedup.cli.check import check as check_command
from dedup.cli.endings import DONE, UNUSABLE, ending_of
from dedup.cli.evaluate import evaluate as evaluate_command
from dedup.cli.explain import explain as explain_command
from dedup.cli.index import index as index_commands
from dedup.cli.options import InOrder
from dedup.cli.run import run as run_command
from dedup.cli.supervised import is_limited, supervised
from dedup.cli.telling import Call, fail, log_options
from dedup.errors import is_fault
from dedup.events import tell
from dedup.interrupts import raised_once

_LOG: Final = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The program. ``arguments`` are those of the process if not given."""
    if arguments is None:
        streams.speak_utf8()
    streams.replace_closed()
    if arguments is None:
        streams.name_output()
    call = Call(sys.argv[1:] if arguments is None else tuple(arguments))
    with call.told():
        if arguments is None and is_limited(call.arguments):
            code = supervised(lambda: _run_to_end(call), lambda told: fail(told, UNUSABLE, None), UNUSABLE)
        else:
            code = _run_to_end(call)
    sys.exit(code)


def _run_to_end(call: Call) -> int:
    """The exit code of a call; how it ended is told to the log."""
    started = time.monotonic()
    with raised_once():
        code = _run(call)
    seconds = round(time.monotonic() - started, 3)
    tell(_LOG, "ended", f"ended with exit code {code} after {seconds} s", exit=code, seconds=seconds)
    return code


def _run(call: Call) -> int:
    """The exit code of a call."""
    try:
        with dedup.make_context("dedup", list(call.arguments), obj=call) as context:
            code = _invoke(context)
        sys.stdout.flush()  # a fault in writing belongs here, not to the end of the process
    except BaseException as error:
        if not (isinstance(error, KeyboardInterrupt) or is_fault(error)):
            raise
        ending = ending_of(error)
        if ending.told is not None:
            fail(ending.told, ending.code, error if call.debug else None)
        streams.discard_output()
        return ending.code
    return code


def _invoke(context: click.Context) -> int:
    """Runs the command: 0, or what else it ends with on purpose."""
    try:
        dedup.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return DONE


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

Exit codes: 0 done; 1 check found something; 2 the call or the input is unusable, or the program failed;
130 interrupted, 143 ended by SIGTERM: nothing half-written is left.""",
)
@click.version_option(__version__, prog_name="dedup", message="%(prog)s %(version)s")
def dedup() -> None:
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


def _with_log_options(command: click.Command, *, of_program: bool) -> None:
    """The options on what is told, on a command and all commands in it: people type them at the end, too."""
    command.params += log_options(of_program=of_program)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _with_log_options(inner, of_program=False)


_with_log_options(dedup, of_program=True)
