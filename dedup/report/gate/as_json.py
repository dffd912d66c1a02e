"""A check as JSON, laid out like the report of a run."""

import msgspec

from dedup.report.gate.document import CheckDocument


def check_json(document: CheckDocument) -> bytes:
    """UTF-8, two spaces of indentation, a newline at the end; equal checks, equal bytes."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
