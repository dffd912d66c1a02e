import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dedup.model import Report
from dedup.report.json_file import to_json
from dedup.report.schema import report_schema, schema_file

from .conftest import SCHEMA_FILE, VALIDATOR, checked

ROOT = Path(__file__).parents[2]


def test_published_schema_is_the_generated_one() -> None:
    assert SCHEMA_FILE.read_bytes() == schema_file(), (
        "the report's classes changed; renew the schema with "
        "`python -m dedup.report.schema > dedup/report/schema.json`, and raise SCHEMA_VERSION if readers must change"
    )


def test_module_prints_the_schema() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-m", "dedup.report.schema"], env=environment, capture_output=True, check=True
    )
    assert printed.stdout == schema_file()


def test_schema_is_one() -> None:
    VALIDATOR.check_schema(report_schema())


def test_every_class_is_described() -> None:
    assert [name for name, definition in report_schema()["$defs"].items() if not definition.get("description")] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report.pop("funnel"),
        lambda report: report.update(schema_version=2),
        lambda report: report["clusters"][0].update(confidence=1.5),
        lambda report: report["clusters"][0]["members"].pop(),
        lambda report: report["clusters"][0]["links"][0].update(relation="cousin"),
    ],
)
def test_schema_refuses_what_is_no_report(spoil: Callable[[dict[str, Any]], None], seeds: Report) -> None:
    report = checked(to_json(seeds))
    spoil(report)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(report)
