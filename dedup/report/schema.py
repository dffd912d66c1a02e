"""The JSON Schema of the report, generated from the classes of :mod:`dedup.report.document`.

``schema.json`` beside this file is the published copy. After a change of the classes, renew it::

    python -m dedup.report.schema > dedup/report/schema.json
"""

import sys
from typing import Any

import msgspec

from dedup.report.document import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """The JSON Schema of the report."""
    return schema_of(Document)


def schema_of(document: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a document."""
    return {"$schema": DIALECT, **msgspec.json.schema(document)}


def schema_file() -> bytes:
    """What ``schema.json`` holds."""
    return as_file(report_schema())


def as_file(schema: dict[str, Any]) -> bytes:
    """A schema as it is published."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(schema_file())
