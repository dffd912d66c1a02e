"""What the program tells on standard error, beside the bars: a line each, for a person or for a program.

Everything goes through the loggers ``dedup.*`` (:mod:`dedup.events`): notes of the library, complaints of the
commands, and with ``-v`` what happens. A line of text is ``dedup: message``, and with ``-v`` the time stands before it.
Nothing in it commands a terminal or a GitHub runner, whatever a path or a record holds. With ``--log-format json``
every line is one JSON object in ASCII, also that of a failure.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import click

from dedup.events import NOTICE, event_of, facts_of, moment, tell

TEXT, JSON = FORMS = ("text", "json")

_FORM: Final = "DEDUP_LOG_FORMAT"

_LEVELS: Final = (NOTICE, logging.INFO, logging.DEBUG)
"""What is told without ``-v``, with it, and with ``-vv``."""

_LOG: Final = logging.getLogger(__name__)


class Teller(logging.Handler):
    """The lines on standard error. ``form`` and ``verbosity`` may change as a call is read."""

    def __init__(self) -> None:
        super().__init__()
        self.form = TEXT
        self.verbosity = 0

    @property
    def least(self) -> int:
        """The level from which on records are told."""
        return _LEVELS[min(self.verbosity, len(_LEVELS) - 1)]

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, if there still is a standard error."""
        lines = _as_json(record) if self.form == JSON else _as_text(record, timed=self.verbosity > 0)
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{lines}\n")  # click.echo would write across the progress line


def _as_text(record: logging.LogRecord, *, timed: bool) -> str:
    from dedup.report.console import visible, without_commands

    before = f"{moment(record.created)} " if timed else ""
    told = f"{before}dedup: {' '.join(record.getMessage().split())}"
    return "\n".join(without_commands(visible(line)) for line in (*_traceback(record), told))


def _as_json(record: logging.LogRecord) -> str:
    told: dict[str, Any] = {
        "time": moment(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event_of(record),
        "message": record.getMessage(),
        "facts": facts_of(record),
    }
    if shown := _traceback(record):
        told["traceback"] = shown
    plain = json.dumps(_writable(told))  # in ASCII: whatever standard error is, it can be written
    return plain.replace("##[", "#\\u0023[")  # which a GitHub runner would obey


def _writable(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    r"""The value with lone surrogates written out (``\udcff``), which many readers of JSON refuse even as escapes."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case dict():
            return {_writable(name): _writable(one) for name, one in value.items()}
        case list():
            return [_writable(one) for one in value]
        case _:
            return value


def _traceback(record: logging.LogRecord) -> list[str]:
    """The lines of it; none where none is asked for."""
    if not record.exc_info or record.exc_info[1] is None:
        return []
    return "".join(traceback.format_exception(record.exc_info[1])).splitlines()


@dataclass(slots=True)
class Call:
    """The call of the program that goes on: click hands it to every command as its context's object."""

    arguments: Sequence[str]
    teller: Teller = field(default_factory=Teller)
    debug: bool = False

    def __post_init__(self) -> None:
        """A call that cannot be read is to be told of in the form that it asks for, too."""
        self.teller.form = _form_in(self.arguments)

    def louder(self, times: int) -> None:
        """Tell more, from now on."""
        self.teller.verbosity += times
        logging.getLogger("dedup").setLevel(self.teller.least)

    @contextmanager
    def told(self) -> Iterator[None]:
        """What is logged is told while this lasts; afterwards all is as it was."""
        log = logging.getLogger("dedup")
        level, propagate = log.level, log.propagate
        log.addHandler(self.teller)
        log.propagate = False  # an engine may have handlers of its own that would tell it again
        self.louder(0)
        try:
            yield
        finally:
            log.removeHandler(self.teller)
            log.setLevel(level)
            log.propagate = propagate


def complain(message: str) -> None:
    """One line on standard error that a person should read."""
    tell(_LOG, "warning", message, level=logging.WARNING)


def fail(message: str, code: int, error: BaseException | None) -> None:
    """The line that says why the program ends with this exit code; before it the traceback of ``error``, if given."""
    extra = {"event": "failed", "facts": {"exit": code}}
    _LOG.error("%s", message, extra=extra, exc_info=error)


def this_call() -> Call:
    """The call of the command that is being run."""
    call = click.get_current_context().find_object(Call)
    assert call is not None  # noqa: S101 - dedup.cli.main sees to it
    return call


def log_options(*, of_program: bool) -> list[click.Option]:
    """How much is told, and how. All commands take them, too, where they are not shown again."""
    return [
        _option(
            "-v",
            "--verbose",
            count=True,
            hidden=not of_program,
            callback=_told_to(Call.louder),
            help="Tell what happens, with times and counts; -vv tells more. Also after the command.",
        ),
        _option(
            "--log-format",
            type=click.Choice(FORMS),
            envvar=_FORM if of_program else None,
            hidden=not of_program,
            callback=_told_to(_formed),
            help="How it is told on standard error: as text, or as a JSON object a line.",
        ),
        _option(
            "--debug",
            is_flag=True,
            envvar="DEDUP_DEBUG" if of_program else None,
            hidden=not of_program,
            callback=_told_to(_debugged),
            help="On failure, show the traceback too.",
        ),
    ]


def _option(*names: str, **attributes: Any) -> click.Option:  # noqa: ANN401 - click's own
    """One that is looked at before all others, so that what these complain of is told as it is to be."""
    return click.Option(names, is_eager=True, expose_value=False, **attributes)


def _told_to(change: Callable[[Call, Any], None]) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, _: click.Parameter, value: Any) -> None:  # noqa: ANN401 - click's own
        call = context.find_object(Call)
        if value and call is not None:
            change(call, value)

    return callback


def _form_in(arguments: Sequence[str]) -> str:
    """The form that the arguments, or else the environment, ask for, whatever else they say."""
    named = [os.environ.get(_FORM, "")]
    for before, argument in pairwise(("", *arguments)):
        if before == "--log-format":
            named.append(argument)
        elif argument.startswith("--log-format="):
            named.append(argument.partition("=")[2])
    return next((form for form in reversed(named) if form in FORMS), TEXT)


def _formed(call: Call, form: str) -> None:
    call.teller.form = form


def _debugged(call: Call, _: bool) -> None:
    call.debug = True
