"""What other thresholds would change, for a person at a terminal: a table, then the clusters concerned."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.table import Table

from dedup.report.console import Printer, counted, listed
from dedup.report.document import Change, Cluster, Document, Outlook

CHANGES_SHOWN: Final = 20
RECORDS_SHOWN: Final = 8
IN_JSON: Final = "all in the JSON report: -o report.json"

Members = Mapping[str, frozenset[str]]
"""Id of a cluster -> the ids of its records."""


def print_outlooks(printer: Printer, document: Document, outlooks: Sequence[Outlook]) -> None:
    """Print what the outlooks of a document say."""
    threshold = float(document.settings["threshold"])
    printer.line()
    printer.line("Other thresholds, from the pairs that this run has judged", "bold")
    _table(printer, outlooks, threshold)
    printer.line(f"Below {threshold:g} a run would judge further pairs and may join more.", indent=3)
    steps = [step for step in _steps(outlooks, threshold) if step[1]]
    if not steps:
        return
    printer.line()
    printer.line("What would change, the nearest threshold first", "bold")
    words = _Words(document.clusters)
    told = [(one, change) for one, changes in steps for change in changes]
    for outlook, change in told[:CHANGES_SHOWN]:
        printer.line(f"at {outlook.threshold:g}: {words.of(change)}", indent=3)
    if len(told) > CHANGES_SHOWN:
        printer.line(f"… and {counted(len(told) - CHANGES_SHOWN, 'more change')} ({IN_JSON})", indent=3)


def _table(printer: Printer, outlooks: Sequence[Outlook], threshold: float) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("  threshold", "clusters", "records in them", "could go", "clusters -/+", "concerned"):
        table.add_column(name, justify="right", overflow="fold")
    for one in outlooks:
        own = one.threshold == threshold
        changed = "this run" if own else f"-{one.gone:,} +{one.new:,}"
        numbers = (one.clusters, one.records, one.records - one.clusters)
        cells = (
            f"{one.threshold:g}",
            *(f"{number:,}" for number in numbers),
            changed,
            "" if own else f"{one.concerned:,}",
        )
        table.add_row(*(printer.text(cell, "bold" if own else "") for cell in cells))
    printer.table(table)


def _steps(outlooks: Sequence[Outlook], threshold: float) -> list[tuple[Outlook, tuple[Change, ...]]]:
    """The outlooks, nearest first, each with the changes that the one before it on its side does not make."""
    below = [one for one in reversed(outlooks) if one.threshold < threshold]
    above = [one for one in outlooks if one.threshold > threshold]
    fresh = [*_fresh(above), *_fresh(below)]
    return sorted(fresh, key=lambda step: (abs(step[0].threshold - threshold), -step[0].threshold))


def _fresh(outlooks: Iterable[Outlook]) -> Iterable[tuple[Outlook, tuple[Change, ...]]]:
    made: frozenset[Change] = frozenset()
    for one in outlooks:
        yield one, tuple(change for change in one.changes if change not in made)
        made = frozenset(one.changes)


class _Words:
    """Changes in words; a cluster goes by its number in the report."""

    def __init__(self, clusters: Sequence[Cluster]) -> None:
        self._number = {one.id: place for place, one in enumerate(clusters, 1)}
        self._members: Members = {one.id: frozenset(member.id for member in one.members) for one in clusters}

    def of(self, change: Change) -> str:
        """What becomes of which clusters."""
        before: frozenset[str] = frozenset().union(*(self._members[one] for one in change.before))
        after: frozenset[str] = frozenset().union(*change.after)
        gained, lost = after - before, before - after
        clusters = self._clusters(change.before)
        match len(change.before), len(change.after):
            case 0, _:
                return f"a new cluster: {_records(after)}"
            case _, 0:
                return f"{clusters} falls apart: {_records(before)}"
            case 1, 1:
                return f"{clusters} " + " and ".join([*_listed("gains", gained), *_listed("loses", lost)])
            case _, 1:
                return ", ".join([f"{clusters} become one", *_listed("with", gained), *_listed("without", lost)])
        becomes = "splits into" if len(change.before) == 1 else "become"
        return ", ".join([f"{clusters} {becomes} {' | '.join(map(_records, change.after))}", *_listed("without", lost)])

    def _clusters(self, ids: Iterable[str]) -> str:
        numbers = [str(number) for number in sorted(self._number[one] for one in ids)]
        return f"cluster{'s' if len(numbers) > 1 else ''} {' and '.join(numbers)}"


def _listed(word: str, records: frozenset[str]) -> list[str]:
    return [f"{word} {_records(records)}"] if records else []


def _records(records: Iterable[str]) -> str:
    return listed(sorted(records), RECORDS_SHOWN)
