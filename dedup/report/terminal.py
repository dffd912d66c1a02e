"""The summary of a run for a person at a terminal, or for a file it is piped into.

It says what the JSON report says, for it is made from the same document. Lists that could be endless are cut,
and the cut is stated: the JSON report has the rest.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import UNSET
from rich.console import Console
from rich.table import Table

from dedup.candidates import ALONE, CANDIDATES
from dedup.model import Report
from dedup.report.console import Printer, counted, listed, shown_probability
from dedup.report.document import Cluster, Conflict, Document, Input, Link, Skipped, Stage, document_of
from dedup.report.outlooks import print_outlooks
from dedup.report.summary import Summary
from dedup.report.wording import duration, place_of, reason_of

CLUSTERS_SHOWN: Final = 20
MEMBERS_SHOWN: Final = 20
CONFLICTS_SHOWN: Final = 10
SKIPPED_SHOWN: Final = 10
LANGUAGES_SHOWN: Final = 10
IN_JSON: Final = "all in the JSON report: -o report.json"

WEAK: Final = 0.9
"""Probability below which a cluster's weakest pair is worth a word."""


def render_summary(report: Report, seconds: float, console: Console) -> None:
    """Print what a run found, and that it took ``seconds``."""
    _Page(console).summary(document_of(report), seconds)


def render_counts(summary: Summary, place: str, seconds: float, console: Console) -> None:
    """Print what a run found in counts, that its tables lie at ``place``, and that it took ``seconds``."""
    page = _Page(console)
    read, clusters = summary.input, summary.clusters
    page.line(f"{counted(read.records, 'record')}{_languages_of(read.languages)}, {read.skipped:,} skipped")
    page.funnel(summary.funnel)
    page.line(f"{counted(clusters.flagged, 'cluster')} flagged, {counted(summary.conflicts.pages, 'conflict')}")
    page.skipped(summary.skipped.first)
    page.line()
    page.line(f"assignment/, links/ and summary.json are in {place}")
    page.line(f"{_outcome(clusters.clusters, clusters.records, read.records)} {duration(seconds)}.", "bold")


class _Page(Printer):
    """The summary, part by part."""

    def summary(self, document: Document, seconds: float) -> None:
        self.input(document.input)
        if document.funnel:
            self.funnel(document.funnel)
        self.clusters(document.clusters)
        self.conflicts(document.conflicts)
        self.skipped(document.skipped)
        if document.sweep is not UNSET:
            print_outlooks(self, document, document.sweep)
        self.line()
        clustered = sum(len(cluster.members) for cluster in document.clusters)
        outcome = _outcome(len(document.clusters), clustered, document.input.records)
        self.line(f"{outcome} {duration(seconds)}.", "bold")

    def input(self, read: Input) -> None:
        self.line(f"{counted(read.records, 'record')}{_languages_of(read.languages)}, {read.skipped:,} skipped")
        if read.shortened:
            ends = f"{counted(read.dropped_segments, 'segment')} of {counted(len(read.shortened), 'long record')}"
            self.line(f"{ends} not compared by meaning ({IN_JSON})")
        if read.boilerplate_passages:
            passages = counted(read.boilerplate_passages, "passage")
            self.line(f"{passages} of boilerplate, in several texts that are otherwise unlike, counted little")

    def funnel(self, stages: Sequence[Stage]) -> None:
        alone = [stage for stage in stages if stage.stage.endswith(ALONE)]
        told = [one for one in stages if one not in alone]
        proposed = next((place for place, one in enumerate(told, 1) if one.stage == CANDIDATES), len(told))
        for title, some in (("Pairs", told[:proposed]), ("Decided", told[proposed:])):
            if some:
                self.line(f"{title}: " + ", ".join(f"{one.stage} {one.pairs:,}" for one in some))
        if brought := [f"{one.stage.removesuffix(ALONE)} {one.pairs:,}" for one in alone if one.pairs]:
            self.line("Candidates that one finder alone brought: " + ", ".join(brought))

    def clusters(self, clusters: Sequence[Cluster]) -> None:
        """The first ones, and of all that are flagged as many as fit, each with its number in the JSON report."""
        flagged_first = sorted(range(len(clusters)), key=lambda place: not clusters[place].flags)
        for place in sorted(flagged_first[:CLUSTERS_SHOWN]):
            self.line()
            self.cluster(place + 1, clusters[place])
        if rest := flagged_first[CLUSTERS_SHOWN:]:
            flagged = sum(1 for place in rest if clusters[place].flags)
            among = f", {flagged:,} of them flagged" if flagged else ""
            self.line()
            self.line(f"… and {counted(len(rest), 'more cluster')}{among} ({IN_JSON})")

    def cluster(self, number: int, cluster: Cluster) -> None:
        for flag in cluster.flags:
            self.line(f"! {flag}", "bold yellow")
        agreement = f"confidence {shown_probability(cluster.confidence)}{_weakest(cluster)}"
        records = counted(len(cluster.members), "record")
        self.line(f"{number}. {', '.join(cluster.languages)}: {records}, {agreement}", "bold")
        if cluster.source_url is not None:
            self.line(cluster.source_url, indent=3)
        self.members(cluster)
        self.line(_reason(cluster.links), indent=3)

    def members(self, cluster: Cluster) -> None:
        """The kept member first, then the others; one row each, aligned."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=7, justify="right")
        table.add_column(overflow="fold")
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        kept_first = sorted(cluster.members, key=lambda member: member.id != cluster.keep)
        for member in kept_first[:MEMBERS_SHOWN]:
            style, mark = ("green", "keep") if member.id == cluster.keep else ("", "")
            cells = (mark, member.id, member.language, counted(member.characters, "character"))
            table.add_row(*(self.text(cell, style) for cell in cells))
        self.table(table)
        if len(kept_first) > MEMBERS_SHOWN:
            self.line(f"… and {len(kept_first) - MEMBERS_SHOWN:,} more", indent=9)

    def conflicts(self, conflicts: Sequence[Conflict]) -> None:
        if not conflicts:
            return
        self.line()
        self.line(f"{counted(len(conflicts), 'page')} cited by records whose contents disagree", "bold yellow")
        for conflict in conflicts[:CONFLICTS_SHOWN]:
            self.line(conflict.source_url, indent=3)
            self.line(f"{listed(conflict.members, MEMBERS_SHOWN)}: {conflict.reason}", indent=6)
        if len(conflicts) > CONFLICTS_SHOWN:
            self.line(f"… and {len(conflicts) - CONFLICTS_SHOWN:,} more ({IN_JSON})", indent=3)

    def skipped(self, skipped: Sequence[Skipped]) -> None:
        if not skipped:
            return
        self.line()
        self.line("Skipped", "bold yellow")
        for one in skipped[:SKIPPED_SHOWN]:
            self.line(f"{place_of(one.path, one.line)}: {one.reason}", indent=3)
        if len(skipped) > SKIPPED_SHOWN:
            self.line(f"… and {len(skipped) - SKIPPED_SHOWN:,} more ({IN_JSON})", indent=3)


def _languages_of(records: Mapping[str, int]) -> str:
    by_size = sorted(records, key=lambda code: (-records[code], code))
    languages = listed((f"{code} {records[code]:,}" for code in by_size), LANGUAGES_SHOWN)
    return f" in {counted(len(by_size), 'language')} ({languages})" if by_size else ""


def _outcome(clusters: int, clustered: int, records: int) -> str:
    if not clusters:
        return "No two records carry the same article;"
    all_of_them, remaining = counted(records, "record"), records - clustered + clusters
    return f"{counted(clusters, 'cluster')} with {clustered:,} of {all_of_them} ({remaining:,} without the copies);"


def _weakest(cluster: Cluster) -> str:
    """The least probable pair, where it is weak and more than the cluster's only one, whose link tells it."""
    if cluster.weakest is None or cluster.weakest.probability >= WEAK or len(cluster.members) == 2:
        return ""
    pair = f"{cluster.weakest.left} and {cluster.weakest.right}"
    return f", weakest pair {shown_probability(cluster.weakest.probability)} ({pair})"


def _reason(links: Sequence[Link]) -> str:
    """Why these records belong together, on one line: the weakest link, for the others are stronger."""
    if not links:
        return "no pair reaches the threshold by itself"
    weakest = min(links, key=lambda link: link.probability)
    reason = f"{weakest.relation} {shown_probability(weakest.probability)}"
    if because := reason_of(weakest.evidence):
        reason = f"{reason}: {because}"
    if len(links) == 1:
        return reason
    relations = Counter(link.relation for link in links).most_common()
    counted = ", ".join(f"{relation} {count:,}" for relation, count in relations)
    return f"{len(links):,} links ({counted}), the weakest: {reason}"
