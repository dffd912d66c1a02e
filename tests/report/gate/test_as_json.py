import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from dedup.findings import Checked
from dedup.report.gate.schema import check_schema, schema_file

from .conftest import ANY_TEXT, HOSTILE, checked_of, hostile, many, written

ROOT = Path(__file__).parents[3]
SCHEMA_FILE = ROOT / "dedup" / "report" / "gate" / "check.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_bytes()))


def decoded(checked: Checked) -> dict[str, Any]:
    """The JSON, if it keeps to the published schema."""
    document: dict[str, Any] = json.loads(written(checked, "json"))
    VALIDATOR.validate(document)
    return document


def test_published_schema_is_the_generated_one() -> None:
    assert SCHEMA_FILE.read_bytes() == schema_file(), (
        "the classes of a check changed; renew the schema with `python -m dedup.report.gate.schema > "
        "dedup/report/gate/check.schema.json`, and raise SCHEMA_VERSION if readers must change"
    )


def test_module_prints_the_schema() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-m", "dedup.report.gate.schema"],
        env=environment,
        capture_output=True,
        check=True,
    )
    assert printed.stdout == schema_file()


def test_schema_is_one_and_describes_every_class() -> None:
    VALIDATOR.check_schema(check_schema())
    assert [name for name, definition in check_schema()["$defs"].items() if not definition.get("description")] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda check: check.pop("unaccepted"),
        lambda check: check.update(kind="run"),
        lambda check: check["findings"][0]["matches"].clear(),
        lambda check: check["findings"][0]["matches"][0].update(relation="cousin"),
    ],
)
def test_schema_refuses_what_is_no_check(spoil: Callable[[dict[str, Any]], None], seeds: Checked) -> None:
    check = decoded(seeds)
    spoil(check)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(check)


def test_all_that_was_found_is_told(seeds: Checked) -> None:
    check = decoded(seeds)
    assert (check["kind"], check["unaccepted"], check["input"]["known"]) == ("check", 2, 4)
    assert check["input"]["languages"] == {"en": 1, "hi": 1, "ro": 1}
    assert [record["id"] for record in check["records"]] == ["-:9", "17", "004.txt"]
    piped, row, hindi = check["findings"]
    assert [finding["accepted"] for finding in (piped, row, hindi)] == [False, True, False]
    assert hindi["record"]["path"] == "seeds/004.txt"
    first, second = hindi["matches"]
    assert first["partner"] == {
        "id": "000.txt",
        "path": "seeds/000.txt",
        "line": None,
        "language": "ar",
        "source_url": "https://example.vn/cai-cach.html",
        "characters": 3893,
    }
    assert (first["relation"], first["probability"], first["known"]) == ("translation", 0.9981634, True)
    assert (first["found_by"], first["confirmed_by"]) == (["source-url", "facts"], "model")
    assert first["evidence"][3] == {
        "name": "shared-figures",
        "value": 2.86,
        "weight": 3.9,
        "detail": "402 317 113 96",
    }
    assert (first["shared_source"], second["copies"]) == ("https://example.vn/cai-cach.html", 1)
    assert check["stale"] == [{"left": "seeds/001.txt", "right": "seeds/004.txt"}]
    assert [one["path"] for one in check["skipped"]] == ["more.jsonl", "seeds/empty.txt"]
    assert check["known_skipped"][0]["path"] == "old/x.txt"
    assert check["shared_pages"][0]["reason"] == "a home page"
    assert (check["encoder"]["name"], check["first_encoder"]["name"]) == ("bundled", "table")


def test_a_finding_counts_while_one_match_is_not_accepted(seeds: Checked) -> None:
    assert decoded(seeds)["unaccepted"] == len(seeds.unaccepted) == 2
    assert decoded(many(3, accepted=True))["unaccepted"] == 0


def test_empty_check_keeps_to_the_schema() -> None:
    assert decoded(replace(checked_of(), first_encoder=None))["findings"] == []


def test_other_scripts_are_not_escaped() -> None:
    assert '"ملف"' in written(hostile("ملف"), "json")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_records_say_is_only_a_string(text: str) -> None:
    assert decoded(hostile(text))["unaccepted"] == 2


@settings(deadline=None)  # the machine may be busy
@given(ANY_TEXT)
def test_any_text_keeps_to_the_schema(text: str) -> None:
    document = decoded(hostile(text))
    assert document["records"][0]["characters"] == 3_893
