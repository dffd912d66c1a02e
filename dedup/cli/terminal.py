"""The terminal that a command speaks to: results on standard output, all else on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from dedup.model import EncoderInfo
    from dedup.progress import Progress


def complain(message: str) -> None:
    """One line on standard error, if there still is one."""
    from dedup.report.console import visible

    with suppress(OSError):
        click.echo(f"dedup: {visible(' '.join(message.split()))}", err=True)


@contextmanager
def progress_shown() -> "Iterator[Progress]":
    """Tells a person at a terminal which stage a run is in, how far it has come, how fast, and what remains."""
    from dedup.memory import noting
    from dedup.progress import silent

    if not sys.stderr.isatty():
        yield noting(silent)
        return
    from dedup.report.bars import bars

    with bars() as progress:
        yield noting(progress)


def standard_output() -> "Console":
    """Where results go, as rich writes them."""
    from rich.console import Console

    class OnStandardOutput(Console):
        def on_broken_pipe(self) -> None:
            raise  # rich calls this from its ``except``; its own would exit with 1

    return OnStandardOutput()


def warn_if_uncalibrated(encoder: "EncoderInfo") -> None:
    """Say so where nobody knows what the model's similarities mean."""
    from dedup.calibration import UNCALIBRATED

    if encoder.calibration == UNCALIBRATED:
        complain(
            f"warning: no calibration for {encoder.name}: its probabilities rank pairs, but are not to be trusted; "
            "dedup calibrate makes one"
        )
