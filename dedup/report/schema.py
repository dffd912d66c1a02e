"""The JSON Schemas of the report and of an explanation, generated from their classes.

``schema.json`` and ``explanation.schema.json`` beside this file are the published copies. After a change of the classes
(:mod:`dedup.report.document`, :mod:`dedup.report.explanation`), renew them::

    python -m dedup.report.schema > dedup/report/schema.json
    python -m dedup.report.schema explanation > dedup/report/explanation.schema.json
"""

import sys
from typing import Any

import msgspec

from dedup.report.document import Document
from dedup.report.explanation import ExplanationDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """The JSON Schema of the report."""
    return schema_of(Document)


def schema_of(document: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a document."""
    return {"$schema": DIALECT, **msgspec.json.schema(document)}


def explanation_schema() -> dict[str, Any]:
    """The JSON Schema of what ``dedup explain --format json`` prints."""
    return schema_of(ExplanationDocument)


def schema_file() -> bytes:
    """What ``schema.json`` holds."""
    return as_file(report_schema())


def explanation_schema_file() -> bytes:
    """What ``explanation.schema.json`` holds."""
    return as_file(explanation_schema())


def as_file(schema: dict[str, Any]) -> bytes:
    """A schema as it is published."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(explanation_schema_file() if sys.argv[1:] == ["explanation"] else schema_file())
