"""A check for a person at a terminal, or for a log. Lists that could be endless are cut, and the cut is stated."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console

from dedup.candidates import LARGE_GROUPS
from dedup.report.console import Printer, counted, listed
from dedup.report.document import Skipped
from dedup.report.gate.document import CheckDocument, CheckInput, Finding, Match, SharedPage, Stale
from dedup.report.gate.wording import (
    IN_JSON,
    Pieces,
    matches_told,
    named,
    reasons,
    remarks,
    shared_page,
    stale,
    statement,
    verdict,
)
from dedup.report.wording import duration, place_of

FINDINGS_SHOWN: Final = 20
MATCHES_SHOWN: Final = 5
ACCEPTED_SHOWN: Final = 10
PAGES_SHOWN: Final = 10
STALE_SHOWN: Final = 20
SKIPPED_SHOWN: Final = 10
LANGUAGES_SHOWN: Final = 10


def render_text(document: CheckDocument, seconds: float, console: Console) -> None:
    """Print what a check found, and that it took ``seconds``."""
    _Page(console).check(document, seconds)


class _Page(Printer):
    """The check, part by part."""

    def check(self, document: CheckDocument, seconds: float) -> None:
        self.input(document.input)
        for stage in document.funnel:
            if stage.stage == LARGE_GROUPS:
                self.line(f"{counted(stage.pairs, 'pair')} {LARGE_GROUPS}, at most, and so not compared")
        self.findings([finding for finding in document.findings if not finding.accepted])
        self.accepted([(one, match) for one in document.findings for match in one.matches if match.accepted])
        self.shared_pages(document.shared_pages)
        self.remarks(remarks(document))
        self.stale(document.stale)
        self.skipped("Skipped", document.skipped)
        self.skipped("Skipped of the known input", document.known_skipped)
        self.line()
        self.line(f"{verdict(document)}; {duration(seconds)}.", "bold")

    def input(self, read: CheckInput) -> None:
        by_size = sorted(read.languages, key=lambda code: (-read.languages[code], code))
        languages = listed((f"{code} {read.languages[code]:,}" for code in by_size), LANGUAGES_SHOWN)
        among = f" in {counted(len(by_size), 'language')} ({languages})" if by_size else ""
        skipped = f", {read.skipped:,} skipped" if read.skipped else ""
        self.line(f"{counted(read.records, 'new record')}{among}{skipped}, against {read.known:,} known")
        apart = [f"{read.replaced:,} among the new ones"] if read.replaced else []
        if read.gone:
            apart.append(f"{read.gone:,} whose file is gone")
        if apart:
            self.line(f"Not counted as known: {', '.join(apart)}")
        if read.shortened:
            ends = f"{counted(read.dropped_segments, 'segment')} of {counted(len(read.shortened), 'long record')}"
            self.line(f"{ends} not compared by meaning ({IN_JSON})")
        if read.known_shortened:
            long = counted(read.known_shortened, "long known record")
            self.line(f"{counted(read.known_dropped_segments, 'segment')} of {long} not compared by meaning")

    def findings(self, findings: Sequence[Finding]) -> None:
        for finding in findings[:FINDINGS_SHOWN]:
            self.line()
            self.finding(finding)
        if len(findings) > FINDINGS_SHOWN:
            self.line()
            self.line(f"… and {counted(len(findings) - FINDINGS_SHOWN, 'more new record')} ({IN_JSON})")

    def finding(self, finding: Finding) -> None:
        record = finding.record
        size = f"  {record.language}, {counted(record.characters, 'character')}"
        self.pieces([named(record), size], "bold")
        told = matches_told(finding)
        for match in told[:MATCHES_SHOWN]:
            self.pieces(statement(match), indent=3)
            for reason in reasons(match):
                self.line(reason, indent=6)
        self.more(len(told) - MATCHES_SHOWN)

    def accepted(self, pairs: Sequence[tuple[Finding, Match]]) -> None:
        if not pairs:
            return
        self.line()
        self.line(f"{counted(len(pairs), 'pair')} that the baseline accepts")
        for finding, match in pairs[:ACCEPTED_SHOWN]:
            self.pieces([named(finding.record), ": ", *statement(match)], indent=3)
        self.more(len(pairs) - ACCEPTED_SHOWN)

    def shared_pages(self, pages: Sequence[SharedPage]) -> None:
        for page in pages[:PAGES_SHOWN]:
            self.line()
            self.line(named(page.record), "bold yellow")
            for pieces in shared_page(page):
                self.pieces(pieces, indent=3)
        self.more(len(pages) - PAGES_SHOWN)

    def remarks(self, told: Sequence[Pieces]) -> None:
        for pieces in told:
            self.line()
            self.pieces(pieces, "yellow")

    def stale(self, entries: Sequence[Stale]) -> None:
        if not entries:
            return
        self.line()
        for entry in entries[:STALE_SHOWN]:
            self.pieces(stale(entry), "yellow")
        self.more(len(entries) - STALE_SHOWN)

    def skipped(self, title: str, skipped: Sequence[Skipped]) -> None:
        if not skipped:
            return
        self.line()
        self.line(title, "bold yellow")
        for one in skipped[:SKIPPED_SHOWN]:
            self.pieces([place_of(one.path, one.line), ": ", one.reason], indent=3)
        self.more(len(skipped) - SKIPPED_SHOWN)

    def more(self, number: int) -> None:
        if number > 0:
            self.line(f"… and {number:,} more ({IN_JSON})", indent=3)
