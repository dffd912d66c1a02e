"""Whatever a record, a report or a model says, nothing that is printed commands a runner of GitHub or a terminal."""

import io
import json
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from dedup.cli.telling import Call, complain
from dedup.evaluate import Evaluation, FalseMerge, Score, as_json, render
from dedup.explain import Explanation, Passage, Side
from dedup.model import Cluster, Conflict, EncoderInfo, Evidence, Link, Relation, Skipped
from dedup.report.explanation import explanation_json, render_explanation
from dedup.report.gate import FORMS
from dedup.report.json_file import to_json
from dedup.report.terminal import render_summary

from .conftest import article, report_of
from .gate.conftest import hostile, written
from .gate.test_as_github import parsed

EVIL = [
    "::error::x",
    "  ::add-mask::x",
    "##[add-mask]x",
    "####[set-output name=x]y",
    "a" * 75 + "::error::x " * 9,
    "a\n::stop-commands::x\r\n##[group]\n",
    "\x1b]8;;http://x.example\x07click\x1b]8;;\x07",
    "\x1b[2J\x9b2J\x85\x7f\x90q\x9c",
    "\u202etxt.exe\u202c\u2066\u200f\u061c",
    "%0A::error::x",
    "[link=http://x.example]x[/link] :skull:",
]

FORBIDDEN = set("\x00\x07\x08\x0b\x0c\r\x1b\x7f\x85\x90\x9b\x9c\u2028\u2029")
TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u200f\u061c")


def harmless(printed: str, *, for_people: bool = True) -> None:
    """No line is a command, no sign a terminal's; in what people read, none turns the line around it."""
    assert all(parsed(line) is None for line in printed.split("\n"))
    assert not FORBIDDEN & set(printed)
    assert not (for_people and TURNING & set(printed))


def of_run(text: str, width: int) -> str:
    articles = [article(f"{i} {text}" if i else text, url=text, path=text, line=i or None) for i in range(4)]
    evidence = [Evidence("shared-names", 2.0, 1.0, text), Evidence(text, 1.0, 1.0, text)]
    link = Link(0, 1, Relation.PARTIAL, 0.7, (), tuple(evidence))
    cluster = Cluster((0, 1, 2), (link,), 0.7, flags=(text,))
    report = report_of(articles, [cluster], [Conflict(text, (0, 3), text)], [Skipped(text, 3, text)])
    file = io.StringIO()
    render_summary(report, 1.0, Console(file=file, width=width))
    harmless(to_json(report).decode(), for_people=False)
    assert json.loads(to_json(report))["skipped"][0]["reason"] == text
    return file.getvalue()


def explanation(text: str) -> Explanation:
    one, other = article(text, path=text, url=text), article(f"b{text}", path=text, line=3)
    link = Link(0, 1, Relation.PARTIAL, 0.7, (), (Evidence(text, 1.0, 1.0, text), Evidence("x", 1.0, 1.0, text * 4)))
    left, right = (Side(each, 3, 1, (text, text * 9), (0.3, 0.2), (text,)) for each in (one, other))
    return Explanation(
        left=left,
        right=right,
        link=link,
        threshold=0.5,
        passages=(Passage(text, f"x {text} " * 9, 0.8),),
        shared_figures=(text,),
        clashing_figures=((text, text),),
        encoder=EncoderInfo(text, text, text),
    )


def of_explanation(text: str, width: int) -> str:
    file = io.StringIO()
    for full in (False, True):
        render_explanation(explanation(text), Console(file=file, width=width), full=full)
    harmless(explanation_json(explanation(text)).decode(), for_people=False)
    return file.getvalue()


def of_evaluation(text: str, _width: int) -> str:
    score = Score(1.0, 1.0, 1.0)
    found = Evaluation(score, score, score, 2, 1, 2, 1, 0, (FalseMerge(text, 2, 2, 1),), 0, 0)
    harmless(as_json(found).decode(), for_people=False)
    assert json.loads(as_json(found))["merged_clusters"][0]["cluster"] == text
    return render(found)


@pytest.mark.parametrize("printed", [of_run, of_explanation, of_evaluation])
@pytest.mark.parametrize("text", EVIL)
def test_no_text_commands_whoever_prints_it(text: str, printed: Callable[[str, int], str]) -> None:
    for width in (20, 79, 200):
        harmless(printed(text, width))


@pytest.mark.parametrize("form", [form for form in FORMS if form != "github"])
@pytest.mark.parametrize("text", EVIL)
def test_no_form_of_a_check_is_obeyed_when_it_is_printed(text: str, form: str) -> None:
    printed = written(hostile(text), form)
    harmless(printed, for_people=False)
    if form == "junit":
        ET.fromstring(printed.encode())  # noqa: S314 - our own
    if form in {"json", "sarif"}:
        json.loads(printed)


@pytest.mark.parametrize("text", EVIL)
def test_no_complaint_is_obeyed(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    with Call(()).told():
        complain(text)
    told = capfd.readouterr().err
    assert told.startswith("dedup: ")
    harmless(told)


def test_what_is_escaped_in_json_is_read_as_it_was() -> None:
    texts = ["##[x", "\\##[", "###[[", "\x7f\x80\x9b\x9f\xa0", "Â\u009b", "#["]
    report = report_of([article(text) for text in texts], skipped=[Skipped(text, None, text) for text in texts])
    assert [one["path"] for one in json.loads(to_json(report))["skipped"]] == sorted(texts)
