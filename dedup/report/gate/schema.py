"""The JSON Schema of a check, generated from the classes of :mod:`dedup.report.gate.document`.

``check.schema.json`` beside this file is the published copy. After a change of the classes, renew it::

    python -m dedup.report.gate.schema > dedup/report/gate/check.schema.json
"""

import sys
from typing import Any

from dedup.report.gate.document import CheckDocument
from dedup.report.schema import as_file, schema_of


def check_schema() -> dict[str, Any]:
    """The JSON Schema of a check."""
    return schema_of(CheckDocument)


def schema_file() -> bytes:
    """What ``check.schema.json`` holds."""
    return as_file(check_schema())


if __name__ == "__main__":
    sys.stdout.buffer.write(schema_file())
