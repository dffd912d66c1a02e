"""A check as JUnit XML, which GitLab, Jenkins and others show as test results.

Each new record is a test. It passes where it carries no other's article, or the baseline accepts that (``system-out``
says so), and fails otherwise. A piece of input that could not be used is a *skipped* test and no error: an error would
turn the result red where the gate passes, and the two must agree (``--strict`` is there for who wants both to fail).
What belongs to no new record (entries of the baseline, known input) is in the suite's ``system-out``.

There is no standard; the elements and attributes are those that Jenkins's xunit plugin allows (``junit-10.xsd``), with
``file`` and ``line`` as GitLab reads them. Nothing tells the time, so that equal checks give equal bytes.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET

from dedup.report.console import visible, without_commands
from dedup.report.document import Member, Skipped
from dedup.report.gate.document import CheckDocument, Finding
from dedup.report.gate.wording import (
    Pieces,
    file_of,
    further,
    matches_told,
    named,
    plain,
    remarks,
    shared_page,
    stale,
    statement,
    verdict,
)
from dedup.report.wording import place_of

CLASS: Final = "dedup.check"


def junit_xml(document: CheckDocument) -> bytes:
    """UTF-8, one test an element, a newline at the end."""
    tests = len(document.records) + len(document.skipped)
    counts = {"tests": str(tests), "failures": str(document.unaccepted), "errors": "0"}
    root = ET.Element("testsuites", {"name": "dedup", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": CLASS, **counts, "skipped": str(len(document.skipped))})
    findings = {finding.record.id: finding for finding in document.findings}
    pages: defaultdict[str, list[Pieces]] = defaultdict(list)
    for page in document.shared_pages:
        pages[page.record.id] += shared_page(page)
    for record in document.records:
        _record(suite, record, findings.get(record.id), pages[record.id])
    for one in document.skipped:
        case = _case(suite, place_of(one.path, one.line), one)
        ET.SubElement(case, "skipped", {"message": plain([one.reason])})
    apart = [*remarks(document), *map(stale, document.stale), *_known_skipped(document)]
    _output(suite, [[f"{verdict(document)}."], *apart])
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    # Printed by a step of GitHub, it must not command the runner; XML reads this as the same text.
    return written.replace(b"##[", b"#&#35;[") + b"\n"


def _record(suite: ET.Element, record: Member, finding: Finding | None, pages: list[Pieces]) -> None:
    case = _case(suite, named(record), record)
    told: list[Pieces] = []
    if finding is not None:
        best = matches_told(finding)[0]
        lines = [statement(best), *further(finding)]
        if finding.accepted:
            told += [["The baseline accepts:"], *lines]
        else:
            failure = {"message": plain(statement(best)), "type": str(best.relation)}
            ET.SubElement(case, "failure", failure).text = _text(lines)
    if told or pages:
        _output(case, [*told, *pages])


def _case(suite: ET.Element, name: str, where: Member | Skipped) -> ET.Element:
    attributes = {"classname": CLASS, "name": visible(name)}
    if (file := file_of(where.path)) is not None:
        attributes["file"] = visible(file)
        if where.line is not None:
            attributes["line"] = str(where.line)
    return ET.SubElement(suite, "testcase", attributes)


def _known_skipped(document: CheckDocument) -> list[Pieces]:
    return [
        ["Skipped of the known input: ", place_of(one.path, one.line), ": ", one.reason]
        for one in document.known_skipped
    ]


def _output(element: ET.Element, lines: Iterable[Pieces]) -> None:
    ET.SubElement(element, "system-out").text = _text(lines)


def _text(lines: Iterable[Pieces]) -> str:
    """``plain`` leaves nothing that XML 1.0 forbids: what does not print is spelled out."""
    return "\n".join(without_commands(plain(line)) for line in lines)
