"""The summary of a run: what was read, what was found, what it took, in counts; small, however large the run.

The classes below are the contract with every program that reads a summary; ``summary.schema.json`` is generated from
them (:mod:`dedup.report.schema`). What the report of a run says record by record lies beside it in tables.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from dedup import __version__, model
from dedup.read.unique import in_order
from dedup.report import layout
from dedup.report.document import Count, Encoder, Skipped, Stage, Tool, skipped_of, writable

SCHEMA_VERSION: Final = 1
"""Raised when a program that reads summaries would have to change; a further field is no such change."""

SKIPPED_TOLD: Final = 100
"""Pieces of input that are named, and kinds of reasons."""


class SummaryInput(Struct, frozen=True, kw_only=True):
    """What was read."""

    records: Annotated[Count, Meta(description="Records compared; skipped ones are not among them.")]
    texts: Annotated[Count, Meta(description="Different texts among them.")]
    skipped: Annotated[Count, Meta(description="Pieces of input that could not be used.")]
    languages: Annotated[dict[str, Count], Meta(description="ISO 639 code, or 'und', to number of records.")]
    shortened: Annotated[Count, Meta(description="Records whose end was not compared by meaning, as they are long.")]
    dropped_segments: Annotated[Count, Meta(description="Segments left out of them, in all.")]
    boilerplate_passages: Annotated[Count, Meta(description="Different passages that counted little.")]


class Size(Struct, frozen=True, kw_only=True):
    """How many clusters have so many records."""

    records: Annotated[int, Meta(ge=2)]
    clusters: Annotated[int, Meta(ge=1)]


class Clusters(Struct, frozen=True, kw_only=True):
    """The clusters, counted."""

    clusters: Count
    records: Annotated[Count, Meta(description="Records in clusters.")]
    links: Annotated[Count, Meta(description="Pairs of these that reach the threshold, exact copies among them.")]
    flagged: Annotated[Count, Meta(description="Clusters to look at before anything is removed.")]
    sizes: Annotated[tuple[Size, ...], Meta(description="All of them, ascending.")]


class Conflicts(Struct, frozen=True, kw_only=True):
    """The conflicts, counted."""

    pages: Annotated[Count, Meta(description="Pages that are cited by records whose contents disagree.")]
    records: Annotated[Count, Meta(description="These records.")]


class Reason(Struct, frozen=True, kw_only=True):
    """How many pieces of input were skipped for one kind of reason."""

    reason: Annotated[str, Meta(description="The beginning that such reasons have in common.")]
    pieces: Annotated[int, Meta(ge=1)]


class AllSkipped(Struct, frozen=True, kw_only=True):
    """What was skipped, counted, and the first of it."""

    pieces: Count
    reasons: Annotated[tuple[Reason, ...], Meta(description="The most frequent first.", max_length=SKIPPED_TOLD)]
    for_other_reasons: Annotated[Count, Meta(description="Pieces skipped for a reason that is not listed.")]
    first: Annotated[tuple[Skipped, ...], Meta(description="By path and line.", max_length=SKIPPED_TOLD)]


class StageDone(Struct, frozen=True, kw_only=True):
    """What a stage took, in all its parts."""

    stage: str
    parts: Count
    rows: Annotated[Count, Meta(description="Rows of the tables that it made.")]
    read: Annotated[Count, Meta(description="Bytes read of what earlier stages made, unpacked.")]
    written: Annotated[Count, Meta(description="Bytes of the tables that it made.")]
    shuffled: Annotated[Count, Meta(description="Bytes that it sent to the parts of later stages.")]
    seconds: Annotated[float, Meta(ge=0.0, description="Of the processor.")]


class Summary(Struct, frozen=True, kw_only=True):
    """Summary of a run of dedup: what was found, in counts."""

    schema_version: Literal[1]
    tool: Tool
    encoder: Encoder
    first_encoder: Annotated[
        Encoder | None,
        Meta(description="What every record met, where 'encoder' was only asked about what that left open."),
    ]
    settings: Annotated[dict[str, str | int | float | bool], Meta(description="All settings that can change a result.")]
    input: SummaryInput
    funnel: Annotated[tuple[Stage, ...], Meta(description="In the order of the flow.")]
    clusters: Clusters
    conflicts: Conflicts
    skipped: AllSkipped
    stages: Annotated[tuple[StageDone, ...], Meta(description="Of a run in stages, in their order.")]


def tool() -> Tool:
    """dedup, in this version."""
    return Tool(name="dedup", version=__version__)


def clusters_counted(sizes: Counter[int], links: int, flagged: int) -> Clusters:
    """The clusters: ``sizes`` tells for each number of records how many have it."""
    return Clusters(
        clusters=sizes.total(),
        records=sum(size * count for size, count in sizes.items()),
        links=links,
        flagged=flagged,
        sizes=tuple(Size(records=size, clusters=count) for size, count in sorted(sizes.items())),
    )


def all_skipped(skipped: Iterable[model.Skipped]) -> AllSkipped:
    """What was skipped, in any order."""
    ordered = in_order(skipped)
    kinds = Counter(writable(kind_of(one.reason)) for one in ordered)
    told = sorted(kinds.items(), key=lambda one: (-one[1], one[0]))[:SKIPPED_TOLD]
    return AllSkipped(
        pieces=len(ordered),
        reasons=tuple(Reason(reason=reason, pieces=pieces) for reason, pieces in told),
        for_other_reasons=len(ordered) - sum(pieces for _, pieces in told),
        first=skipped_of(ordered[:SKIPPED_TOLD]),
    )


_PARTICULAR: Final = re.compile(r"[\"(:].*", re.DOTALL)
"""From where on a reason speaks of one piece of input only."""


def kind_of(reason: str) -> str:
    """What reasons of one kind have in common."""
    return _PARTICULAR.sub("", reason).strip() or reason


def summary_json(summary: Summary) -> bytes:
    """The summary as JSON, laid out like a report."""
    return layout.laid_out(summary)
