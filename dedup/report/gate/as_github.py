"""A check as commands of a GitHub workflow, which the runner shows as annotations beside the changed files.

The form is ``::error file=…,line=…,title=…::message``, as GitHub documents it ("Workflow commands for GitHub Actions");
what is escaped, and how, is what the runner undoes (``_escapeDataMappings`` and ``_escapePropertyMappings`` in
``src/Runner.Common/ActionCommand.cs`` of actions/runner; ``escapeData`` and ``escapeProperty`` in
``packages/core/src/command.ts`` of actions/toolkit). Of one step GitHub shows ten annotations of a kind and drops the
rest without a word ("10 warning annotations and 10 error annotations per step", ``docs/problem-matchers.md`` of
actions/toolkit), so where there are more, the first notice says so: the log has all.

Paths are written as they were given: GitHub takes them from the root of the repository, so that is where to call from.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from dedup.report.console import counted, visible
from dedup.report.document import Member, Skipped
from dedup.report.gate.document import CheckDocument, Finding
from dedup.report.gate.wording import (
    OTHERS_TOLD,
    TITLES,
    Pieces,
    file_of,
    further,
    matches_told,
    plain,
    remarks,
    shared_page,
    stale,
    statement,
    verdict,
)
from dedup.report.wording import place_of

ANNOTATIONS_SHOWN: Final = 10
"""Of a kind, a step: the runner's limit."""

_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def github_commands(document: CheckDocument) -> bytes:
    """One command a line, errors first; the last line says in words how many there are. UTF-8."""
    errors = [_finding("error", finding) for finding in document.findings if not finding.accepted]
    warnings = list(_warnings(document))
    notices = [_finding("notice", finding) for finding in document.findings if finding.accepted]
    counts = ", ".join(
        counted(len(some), kind) for kind, some in (("error", errors), ("warning", warnings), ("notice", notices))
    )
    if max(len(errors), len(warnings), len(notices)) > ANNOTATIONS_SHOWN:
        limit = f"GitHub shows {ANNOTATIONS_SHOWN} annotations of a kind for each step; the log of this step has all"
        notices.insert(0, _command("notice", f"{counts}: {limit}", "dedup: not all is shown"))
        counts = f"{counts}; {limit}"
    lines = [*errors, *warnings, *notices, f"{verdict(document)} ({counts})."]
    return "".join(f"{line}\n" for line in lines).encode()


def _finding(kind: str, finding: Finding) -> str:
    best = matches_told(finding)[0]
    whom = "a known record" if best.known else "another new record"
    accepted = ", accepted by the baseline" if finding.accepted else ""
    title = f"dedup: {TITLES[best.relation]}: {whom}{accepted}"
    return _command(kind, _message([statement(best), *further(finding)]), title, finding.record)


def _warnings(document: CheckDocument) -> Iterator[str]:
    for page in document.shared_pages:
        yield _command("warning", _message(shared_page(page)), "dedup: one page, different contents", page.record)
    for told in remarks(document):
        yield _command("warning", plain(told), "dedup: not all was compared")
    for entry in document.stale:
        yield _command("warning", plain(stale(entry)), "dedup: the baseline accepts what is not there")
    for one in document.skipped:
        yield _command("warning", _skipped(one), "dedup: skipped", one)
    if document.known_skipped:
        first = [[_skipped(one)] for one in document.known_skipped[:OTHERS_TOLD]]
        cut = len(document.known_skipped) - OTHERS_TOLD
        more = [[f"… and {cut:,} more"]] if cut > 0 else []
        opening = f"{counted(len(document.known_skipped), 'piece')} of the known input could not be used:"
        yield _command("warning", _message([[opening], *first, *more]), "dedup: skipped of the known input")


def _skipped(one: Skipped) -> str:
    return plain([place_of(one.path, one.line), ": ", one.reason])


def _message(lines: Iterable[Pieces]) -> str:
    return "\n".join(map(plain, lines))


def _command(kind: str, message: str, title: str, where: Member | Skipped | None = None) -> str:
    """``message`` may have several lines; ``where`` is what it is beside."""
    properties = {}
    if where is not None and (file := file_of(where.path)) is not None:
        properties["file"] = visible(file)  # a name that could command a log is no longer the file's, but is safe
        if where.line is not None:
            properties["line"] = str(where.line)
    properties["title"] = title
    written = ",".join(f"{name}={value.translate(_PROPERTY)}" for name, value in properties.items())
    return f"::{kind} {written}::{message.translate(_DATA)}"
