from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from dedup.findings import Checked
from dedup.report.console import visible

from .conftest import ANY_TEXT, HOSTILE, checked_of, hostile, written

CASE_CHILDREN = {"failure", "skipped", "system-out"}


def suite_of(checked: Checked) -> ET.Element:
    """The suite, if it is built as Jenkins's xunit plugin expects (junit-10.xsd) and its counts are right."""
    root = ET.fromstring(written(checked, "junit").encode())  # noqa: S314 - our own
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    *cases, output = suite
    assert {case.tag for case in cases} <= {"testcase"}
    assert output.tag == "system-out"
    assert all(child.tag in CASE_CHILDREN for case in cases for child in case)
    assert all({"classname", "name"} <= set(case.attrib) for case in cases)
    counts = {"tests": len(cases), "failures": len(suite.findall("testcase/failure")), "errors": 0}
    assert {name: suite.get(name) for name in counts} == {name: str(count) for name, count in counts.items()}
    assert {name: root.get(name) for name in counts} == {name: str(count) for name, count in counts.items()}
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))
    return suite


def test_each_new_record_is_a_test(seeds: Checked) -> None:
    suite = suite_of(seeds)
    assert [(case.get("name"), [child.tag for child in case]) for case in suite.findall("testcase")] == [
        ("-:9", ["failure"]),
        ("more.jsonl:3 (17)", ["system-out"]),
        ("seeds/004.txt", ["failure"]),
        ("more.jsonl:4", ["skipped"]),
        ("seeds/empty.txt", ["skipped"]),
    ]
    failure = suite.find("testcase[@name='seeds/004.txt']/failure")
    assert failure is not None
    assert failure.attrib == {
        "message": "A translation of seeds/000.txt (ar, known): probability 0.998",
        "type": "translation",
    }
    assert failure.text == (
        "A translation of seeds/000.txt (ar, known): probability 0.998\n"
        "same source: https://example.vn/cai-cach.html\n"
        "passages align 0.66, figures shared: 402 317 113 96, same source URL; "
        "against it: lengths differ by a factor of 1.4\n"
        "also: A near-duplicate of seeds/002.txt (ar, known): probability 0.610"
    )


def test_accepted_pair_and_shared_page_are_told_by_a_test_that_passes(seeds: Checked) -> None:
    told = suite_of(seeds).findtext("testcase[@name='more.jsonl:3 (17)']/system-out")
    assert told is not None
    assert told.startswith("The baseline accepts:\nA translation of seeds/002.txt (ar, known): probability 0.900\n")
    assert told.endswith("look at the citation\nhttps://example.vn/\na home page")


def test_suite_tells_what_belongs_to_no_new_record(seeds: Checked) -> None:
    assert suite_of(seeds).findtext("system-out") == (
        "2 new records carry the article of a known or another new one, apart from 1 that the baseline accepts; "
        "skipped: 2 pieces of the new input and 1 piece of the known input.\n"
        "The baseline accepts seeds/001.txt with seeds/004.txt, which is no longer found: take its line out, or let "
        "--update-baseline do it\n"
        "Skipped of the known input: old/x.txt: empty text"
    )


def test_place_is_told_where_there_is_one(seeds: Checked) -> None:
    cases = {case.get("name"): case for case in suite_of(seeds).findall("testcase")}
    assert (cases["more.jsonl:3 (17)"].get("file"), cases["more.jsonl:3 (17)"].get("line")) == ("more.jsonl", "3")
    assert cases["seeds/004.txt"].get("line") is None
    assert cases["-:9"].get("file") is None


def test_nothing_checked_is_an_empty_suite() -> None:
    assert suite_of(checked_of()).get("tests") == "0"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_records_say_is_only_text(text: str) -> None:
    suite = suite_of(hostile(text))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "2", "2")
    skipped = suite.find("testcase/skipped")
    assert skipped is not None
    assert visible(text) in str(skipped.get("message"))


@settings(deadline=None)  # the machine may be busy
@given(ANY_TEXT)
def test_any_text_is_well_formed(text: str) -> None:
    assert len(suite_of(hostile(text)).findall("testcase")) == 5
