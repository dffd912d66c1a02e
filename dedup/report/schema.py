"""The JSON Schemas of the report, of an explanation, of a summary and of a manifest, generated from their classes.

``schema.json``, ``explanation.schema.json``, ``summary.schema.json`` and ``manifest.schema.json`` beside this file are
published. After a change of the classes (:mod:`dedup.report.document`, :mod:`dedup.report.explanation`,
:mod:`dedup.report.summary`, :mod:`dedup.report.manifest`), renew them::

    python -m dedup.report.schema > dedup/report/schema.json
    python -m dedup.report.schema explanation > dedup/report/explanation.schema.json
    python -m dedup.report.schema summary > dedup/report/summary.schema.json
    python -m dedup.report.schema manifest > dedup/report/manifest.schema.json
"""

import sys
from typing import Any

import msgspec

from dedup.report.document import Document
from dedup.report.explanation import ExplanationDocument
from dedup.report.manifest import Manifest
from dedup.report.summary import Summary

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """The JSON Schema of the report."""
    return schema_of(Document)


def schema_of(document: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a document."""
    return {"$schema": DIALECT, **_in_lines(msgspec.json.schema(document))}


def _in_lines(part: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """The same, with each description in one line: how far a docstring is indented is not the same in all versions of
    msgspec.
    """
    if isinstance(part, list):
        return [_in_lines(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: " ".join(value.split()) if name == "description" and isinstance(value, str) else _in_lines(value)
        for name, value in part.items()
    }


def explanation_schema() -> dict[str, Any]:
    """The JSON Schema of what ``dedup explain --format json`` prints."""
    return schema_of(ExplanationDocument)


def schema_file() -> bytes:
    """What ``schema.json`` holds."""
    return as_file(report_schema())


def explanation_schema_file() -> bytes:
    """What ``explanation.schema.json`` holds."""
    return as_file(explanation_schema())


def summary_schema() -> dict[str, Any]:
    """The JSON Schema of the summary of a distributed run."""
    return schema_of(Summary)


def summary_schema_file() -> bytes:
    """What ``summary.schema.json`` holds."""
    return as_file(summary_schema())


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema of the manifest of a run."""
    return schema_of(Manifest)


def manifest_schema_file() -> bytes:
    """What ``manifest.schema.json`` holds."""
    return as_file(manifest_schema())


def as_file(schema: dict[str, Any]) -> bytes:
    """A schema as it is published."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


if __name__ == "__main__":
    files = {
        "explanation": explanation_schema_file,
        "summary": summary_schema_file,
        "manifest": manifest_schema_file,
    }
    sys.stdout.buffer.write(files.get("".join(sys.argv[1:]), schema_file)())
