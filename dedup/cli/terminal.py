"""The terminal that a command speaks to: results on standard output, all else on standard error."""

import logging
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from dedup import __version__
from dedup.cli.telling import TEXT, complain, this_call
from dedup.events import tell
from dedup.workers import processors

if TYPE_CHECKING:
    from rich.console import Console

    from dedup.model import EncoderInfo
    from dedup.progress import Progress
    from dedup.watch import Watch

_LOG: Final = logging.getLogger(__name__)


@contextmanager
def progress_shown() -> "Iterator[Watch]":
    """Tells a person at a terminal which stage a run is in, how far it has come, how fast, and what remains; and the
    log how the stages went. Stages that the watch is told of afterwards are only timed.
    """
    from dedup.memory import noting
    from dedup.progress import silent
    from dedup.watch import watching

    _tell_beginning()
    with _bars() as shown, watching(noting(shown)) as watch:
        yield watch
    watch.shown = noting(silent)


@contextmanager
def _bars() -> "Iterator[Progress]":
    """Bars where a person looks: not where standard error is for a program, even at a terminal."""
    from dedup.progress import silent

    if not sys.stderr.isatty() or this_call().teller.form != TEXT:
        yield silent
        return
    from dedup.report.bars import bars

    with bars() as shown:
        yield shown


def _tell_beginning() -> None:
    command, python, cores = click.get_current_context().command_path, platform.python_version(), processors()
    told = f"{command} begins: dedup {__version__}, Python {python}, {cores} processors, process {os.getpid()}"
    tell(
        _LOG, "began", told, command=command, version=__version__, python=python, processors=cores, process=os.getpid()
    )


_WIDTH: Final = 80
"""Columns of a terminal that nobody knows."""


def standard_output() -> "Console":
    """Where results go, as rich writes them."""
    from rich.console import Console

    class OnStandardOutput(Console):
        def on_broken_pipe(self) -> None:
            raise  # rich calls this from its ``except``; its own would exit with 1

    console = OnStandardOutput()
    if console.width < 1:  # COLUMNS=0, as some say who do not know: rich would print nothing
        console.width = _WIDTH
    return console


def warn_if_uncalibrated(encoder: "EncoderInfo") -> None:
    """Say so where nobody knows what the model's similarities mean."""
    from dedup.calibration import UNCALIBRATED

    if encoder.calibration == UNCALIBRATED:
        complain(
            f"warning: no calibration for {encoder.name}: its probabilities rank pairs, but are not to be trusted; "
            "dedup calibrate makes one"
        )
