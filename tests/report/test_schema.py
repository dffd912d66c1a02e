import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dedup.model import Report
from dedup.report.json_file import to_json
from dedup.report.schema import explanation_schema, explanation_schema_file, report_schema, schema_file

from .conftest import SCHEMA_FILE, VALIDATOR, checked

ROOT = Path(__file__).parents[2]
EXPLANATION_SCHEMA = ROOT / "dedup" / "report" / "explanation.schema.json"


def test_published_schema_is_the_generated_one() -> None:
    assert SCHEMA_FILE.read_bytes() == schema_file(), (
        "the report's classes changed; renew the schema with "
        "`python -m dedup.report.schema > dedup/report/schema.json`, and raise SCHEMA_VERSION if readers must change"
    )


def test_published_schema_of_an_explanation_is_the_generated_one() -> None:
    assert EXPLANATION_SCHEMA.read_bytes() == explanation_schema_file(), (
        "the explanation's classes changed; renew the schema with "
        "`python -m dedup.report.schema explanation > dedup/report/explanation.schema.json`"
    )


@pytest.mark.parametrize(("arguments", "file"), [([], SCHEMA_FILE), (["explanation"], EXPLANATION_SCHEMA)])
def test_module_prints_the_schema(arguments: list[str], file: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-m", "dedup.report.schema", *arguments]
    printed = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert printed.stdout == file.read_bytes()


@pytest.mark.usefixtures("documents_keep_to_the_published_schemas")
def test_no_test_can_have_a_report_written_that_breaks_the_schema(seeds: Report) -> None:
    broken = replace(seeds, boilerplate=-1)
    with pytest.raises(jsonschema.ValidationError):
        to_json(broken)


def test_schema_is_one() -> None:
    VALIDATOR.check_schema(report_schema())


def test_every_class_is_described() -> None:
    for schema in (report_schema(), explanation_schema()):
        assert [name for name, definition in schema["$defs"].items() if not definition.get("description")] == []


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
