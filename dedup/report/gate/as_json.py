"""A check as JSON, laid out like the report of a run."""

from dedup.report import layout
from dedup.report.gate.document import CheckDocument


def check_json(document: CheckDocument) -> bytes:
    """The check as JSON; equal checks, equal bytes."""
    return layout.laid_out(document)
