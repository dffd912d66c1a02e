import json
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
from hypothesis import given, settings

from dedup.findings import Checked
from dedup.model import Entry, Relation

from .conftest import ANY_TEXT, HOSTILE, checked_of, entry, hostile, many, match, one_finding, written

SCHEMA = Path(__file__).parent / "sarif" / "sarif-2.1.0-rtm.5.json"
VALIDATOR = jsonschema.Draft4Validator(json.loads(SCHEMA.read_bytes()))
URI_REFERENCE = re.compile(r"(file://)?([A-Za-z0-9\-._~!$&'()*+,;=@/]|%[0-9A-F]{2})*")
"""RFC 3986 without query and fragment, and no colon but that of the scheme, so that none is taken for one."""


def run_of(checked: Checked) -> dict[str, Any]:
    """The run, if the log keeps to the standard's schema, and what the schema cannot say holds too."""
    log = json.loads(written(checked, "sarif"))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        ids = [location["id"] for location in result.get("relatedLocations", [])]
        assert len(set(ids)) == len(ids)
        assert links(result["message"]["text"]) == ids
    (invocation,) = run["invocations"]
    for kind in ("toolExecutionNotifications", "toolConfigurationNotifications"):
        for notification in invocation.get(kind, []):
            descriptor = notification["descriptor"]
            assert driver["notifications"][descriptor["index"]]["id"] == descriptor["id"]
    assert all(URI_REFERENCE.fullmatch(uri) for uri in uris(log))
    return dict(run)


def links(text: str) -> list[int]:
    """The destinations of a message's embedded links (§3.11.6); a placeholder (§3.11.5) is none of ours."""
    assert not re.search(r"\{\d+\}", text.replace("{{", "").replace("}}", ""))
    found = re.findall(r"(?<!\\)(?:\\\\)*\[(?:[^\\\[\]]|\\[\\\[\]])*\]\(([^)]*)\)", text)
    return [int(destination) for destination in found]


def uris(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["uri"]] if isinstance(node.get("uri"), str) else []
        return own + [uri for value in node.values() for uri in uris(value)]
    return [uri for value in node for uri in uris(value)] if isinstance(node, list) else []


def test_schema_is_the_vendored_one_and_refuses_what_is_no_log(seeds: Checked) -> None:
    VALIDATOR.check_schema(VALIDATOR.schema)
    log = json.loads(written(seeds, "sarif"))
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(log)


def test_finding_is_a_result_that_links_to_its_partners(seeds: Checked) -> None:
    run = run_of(seeds)
    piped, row, hindi, page = run["results"]
    assert (hindi["ruleId"], hindi["level"]) == ("dedup/translation", "error")
    assert hindi["message"]["text"] == (
        "A translation of [seeds/000.txt](1) (ar, known): probability 0.998.\n"
        "same source: https://example.vn/cai-cach.html.\n"
        "passages align 0.66, figures shared: 402 317 113 96, same source URL; "
        "against it: lengths differ by a factor of 1.4.\n"
        "also: A near-duplicate of [seeds/002.txt](2) (ar, known): probability 0.610."
    )
    region = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}
    assert hindi["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "seeds/004.txt"}, "region": region}}
    ]
    first, second = hindi["relatedLocations"]
    assert (first["id"], first["physicalLocation"]["artifactLocation"]["uri"]) == (1, "seeds/000.txt")
    assert second["message"]["text"] == "A near-duplicate of seeds/002.txt (ar, known): probability 0.610"
    assert (hindi["properties"]["probability"], hindi["properties"]["partner"]) == (0.9981634, "000.txt")
    assert (row["suppressions"][0]["kind"], "suppressions" in hindi) == ("external", False)
    assert row["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
    assert (page["ruleId"], page["level"]) == ("dedup/shared-page", "warning")
    assert piped["locations"] == [{"logicalLocations": [{"fullyQualifiedName": "-:9"}]}]


def test_what_is_no_result_is_a_notification(seeds: Checked) -> None:
    (invocation,) = run_of(seeds)["invocations"]
    assert invocation["executionSuccessful"] is True
    skipped = invocation["toolExecutionNotifications"]
    assert [one["message"]["text"] for one in skipped] == [
        "more.jsonl:4: not JSON",
        "seeds/empty.txt: empty text",
        "of the known input: old/x.txt: empty text",
    ]
    assert skipped[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 4
    (stale,) = invocation["toolConfigurationNotifications"]
    assert stale["message"]["text"].startswith("The baseline accepts seeds/001.txt with seeds/004.txt, which is no")


def test_every_relation_has_a_rule_with_what_github_asks_for() -> None:
    rules = run_of(checked_of())["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [
        *(f"dedup/{relation}" for relation in Relation),
        "dedup/shared-page",
    ]
    for rule in rules:
        assert len(rule["name"]) <= 255
        assert all(0 < len(rule[text]["text"]) <= 1024 for text in ("shortDescription", "fullDescription"))
        assert rule["help"]["text"]
        assert rule["properties"]["precision"] == "high"
    for relation in Relation:
        (result,) = run_of(many(1, relation=relation))["results"]
        assert result["ruleId"] == f"dedup/{relation}"


def fingerprints(record: Entry, partner: Entry) -> dict[str, str]:
    (result,) = run_of(one_finding(record, match(partner)))["results"]
    return dict(result["partialFingerprints"])


def test_fingerprint_is_that_of_the_pair() -> None:
    one, two, three = entry("a"), entry("b"), entry("c")
    assert set(fingerprints(one, two)) == {"dedupPair/v1", "primaryLocationLineHash"}
    assert fingerprints(one, two) == fingerprints(two, one) == fingerprints(one, entry("b", "hi", line=7))
    assert fingerprints(one, two) != fingerprints(one, three)
    assert fingerprints(one, two)["primaryLocationLineHash"].endswith(":1")


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("seeds/a b#c?.txt", "seeds/a%20b%23c%3F.txt"),
        ("a:b.txt", "a%3Ab.txt"),
        ("ملف.txt", "%D9%85%D9%84%D9%81.txt"),
        ("100%.txt", "100%25.txt"),
        ("../x.txt", "../x.txt"),
        ("/data/a b.txt", "file:///data/a%20b.txt"),
    ],
)
def test_path_is_a_uri_reference(path: str, uri: str) -> None:
    record = entry("a", path=path)
    (result,) = run_of(one_finding(record, match(entry("b"))))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
    assert PurePosixPath(unquote(urlsplit(uri).path)) == PurePosixPath(path)


def test_partners_that_github_would_not_show_are_counted() -> None:
    matches = [match(entry(f"k{number:03d}.txt")) for number in range(103)]
    (result,) = run_of(one_finding(entry("a"), *matches))["results"]
    assert len(result["relatedLocations"]) == 100
    assert result["message"]["text"].endswith("… and 3 more (all with --format json).")
    assert result["properties"]["matches"] == 103


def test_accepted_match_of_a_finding_is_told_as_such() -> None:
    accepted = match(entry("b"), accepted=True)
    (result,) = run_of(one_finding(entry("a"), accepted, match(entry("c"), 0.6)))["results"]
    assert result["message"]["text"].startswith("A translation of [seeds/c](1)")
    assert result["message"]["text"].endswith("[seeds/b](2) (en, known): probability 0.998, accepted by the baseline.")
    assert "suppressions" not in result


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_record_is_a_link_a_placeholder_or_a_command(text: str) -> None:
    run = run_of(hostile(text))
    shown = [result["message"]["text"] for result in run["results"]]
    assert len(shown) == 4
    assert not {"\x1b", "\x00", "\x85", "\u202e"} & set("".join(shown))


@settings(deadline=None)  # the machine may be busy
@given(ANY_TEXT)
def test_no_text_at_all_is_a_link_or_breaks_the_standard(text: str) -> None:
    assert len(run_of(hostile(text))["results"]) == 4
