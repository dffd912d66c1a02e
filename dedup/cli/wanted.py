"""What a call of ``dedup run`` wants told, by whatever engine: the report in a file and on standard output."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from dedup.cli.record import REPORT, RunRecord
from dedup.cli.terminal import standard_output
from dedup.errors import InputError
from dedup.skipped import first_skipped

if TYPE_CHECKING:
    from dedup.model import Report, Skipped
    from dedup.read.remote import File


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """``files`` are all that are written; ``report`` is that of the report, which ``as_json`` prints, too; ``record``
    is told what is written.
    """

    files: "tuple[File, ...]"
    report: "File | None"
    as_json: bool
    strict: bool
    record: RunRecord

    def publish(self, report: "Report", seconds: float) -> None:
        """Write and print it."""
        from dedup.report.json_file import to_json
        from dedup.report.terminal import render_summary

        data = to_json(report)

        def shown() -> None:
            if self.as_json:
                click.echo(data, nl=False)
            else:
                render_summary(report, seconds, standard_output())

        try:
            if self.report is not None:
                self.record.write(REPORT, self.report, data)
        except Exception:  # what could not be written can still be read; who interrupts wants nothing any more
            shown()
            raise
        shown()

    def refuse_skipped(self, skipped: "Sequence[Skipped]") -> None:
        """Raises :class:`InputError` where nothing may be skipped and something was."""
        if self.strict and skipped:
            raise InputError(f"{first_skipped(skipped)} (--strict)")
