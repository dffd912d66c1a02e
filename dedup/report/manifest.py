"""The manifest of a run: what ran, on what, how it went, and what it wrote. It lies beside the report.

Where the report is the same for the same records, whenever and wherever it is made, the manifest is of one run: times,
memory, versions, paths. The classes below are the contract with every program that reads one; ``manifest.schema.json``
is generated from them (:mod:`dedup.report.schema`).
"""

import platform
import re
from collections import Counter
from collections.abc import Iterable
from importlib import metadata
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from dedup import model, watch
from dedup.report import layout
from dedup.report.document import Count, Skipped, Stage, Tool, funnel_of
from dedup.report.summary import Clusters, Conflicts, Reason, Summary, all_skipped, clusters_counted, tool
from dedup.workers import processors

SCHEMA_VERSION: Final = 1
"""Raised when a program that reads manifests would have to change; a further field is no such change."""

KIND: Final = "manifest of a run"

FILES_TOLD: Final = 1_000
"""Files of the input that are named; of the others the sums are told."""

Seconds = Annotated[float, Meta(ge=0.0)]
Moment = Annotated[str, Meta(description="UTC, as ISO 8601 has it.", pattern=r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")]


class Environment(Struct, frozen=True, kw_only=True):
    """What ran the program."""

    python: Annotated[str, Meta(description="Implementation and version.")]
    system: Annotated[str, Meta(description="Operating system, its release, and the C library.")]
    machine: str
    processors: Annotated[Count, Meta(description="Those that the process may use.")]
    libraries: Annotated[
        dict[str, str], Meta(description="Packages that dedup asks for, as far as they are installed, and versions.")
    ]
    arithmetic: Annotated[
        tuple[str, ...],
        Meta(description="Loaded libraries that multiply matrices or share out loops, with version and processor."),
    ]


class ModelUsed(Struct, frozen=True, kw_only=True):
    """A model that looked at records."""

    name: str
    digest: Annotated[str, Meta(description="Digest of the model's weights.")]
    calibration: Annotated[str, Meta(description="Whose calibration turned its scores into probabilities.")]
    calibration_digest: Annotated[
        str | None, Meta(description="BLAKE2b (16 bytes) of its files; null where it was made of the run itself.")
    ]


class Vectors(Struct, frozen=True, kw_only=True):
    """Vectors that the model was asked for."""

    found: Annotated[Count, Meta(description="In the cache folder.")]
    made: Count


class InputFile(Struct, frozen=True, kw_only=True):
    """A file that was to be read."""

    path: str
    bytes: Annotated[Count | None, Meta(description="When the run began; null where it is not known.")]
    modified: Moment | None
    records: Annotated[
        Count | None, Meta(description="That were read in it, also those skipped later; null where it is not known.")
    ]
    skipped: Annotated[Count, Meta(description="Pieces of it that could not be used, doubles of an id among them.")]


class FurtherFiles(Struct, frozen=True, kw_only=True):
    """Files that are not named, in sum."""

    files: Count
    bytes: Count
    records: Count
    skipped: Count


class InputRead(Struct, frozen=True, kw_only=True):
    """What was to be read."""

    files: Annotated[tuple[InputFile, ...], Meta(description="By path; '-' is standard input.", max_length=FILES_TOLD)]
    further: FurtherFiles


class Counts(Struct, frozen=True, kw_only=True):
    """What was found."""

    records: Annotated[Count, Meta(description="Records compared; skipped ones are not among them.")]
    languages: Annotated[dict[str, Count], Meta(description="ISO 639 code, or 'und', to number of records.")]
    skipped: Annotated[Count, Meta(description="Pieces of input that could not be used.")]
    reasons: Annotated[
        tuple[Reason, ...], Meta(description="The kinds of reasons why, the most frequent first; at most 100.")
    ]
    first_skipped: Annotated[tuple[Skipped, ...], Meta(description="By path and line; at most 100.")]
    shortened: Annotated[Count, Meta(description="Records whose end was not compared by meaning, as they are long.")]
    dropped_segments: Annotated[Count, Meta(description="Segments left out of them, in all.")]
    boilerplate_passages: Annotated[Count, Meta(description="Different passages that counted little.")]
    funnel: Annotated[tuple[Stage, ...], Meta(description="Pairs, in the order of the flow.")]
    clusters: Clusters
    conflicts: Conflicts


class StageTime(Struct, frozen=True, kw_only=True):
    """A stage of the run."""

    stage: str
    seconds: Annotated[Seconds, Meta(description="Of the clock.")]
    processor_seconds: Annotated[
        Seconds, Meta(description="Of this process and of processes that it started and that had ended by then.")
    ]
    done: Annotated[Count, Meta(description="Pieces of work, as progress was told.")]
    total: Count | None
    counts: Annotated[dict[str, int], Meta(description="What came of it.")]
    memory: Annotated[Count, Meta(description="The most bytes that this process had held when the stage ended.")]
    worker_memory: Annotated[Count, Meta(description="Likewise of any other process; shared pages count for each.")]
    whole: Annotated[bool, Meta(description="False of the stage in which the run broke off.")]


class Result(Struct, frozen=True, kw_only=True):
    """What was written."""

    kind: Annotated[str, Meta(description="report, page, assignment, tables or summary.")]
    path: str
    bytes: Annotated[Count | None, Meta(description="Null of tables, which workers write.")]
    sha256: Annotated[str | None, Meta(description="Of the bytes written; null of tables.")]


class Manifest(Struct, frozen=True, kw_only=True):
    """Manifest of a run of dedup: what ran, on what, how it went, and what it wrote."""

    schema_version: Literal[1]
    kind: Literal["manifest of a run"]
    tool: Tool
    outcome: Annotated[
        Literal["done", "failed", "interrupted"],
        Meta(description="interrupted: by a person or a signal, or as nobody went on to read what was printed."),
    ]
    exit: Annotated[int, Meta(description="The exit code.", ge=0, le=255)]
    error: Annotated[str | None, Meta(description="Why it was not done, in one line.")]
    started: Moment
    ended: Moment
    seconds: Annotated[Seconds, Meta(description="Of the clock.")]
    processor_seconds: Annotated[Seconds, Meta(description="Of the whole process, and as of a stage.")]
    memory: Annotated[Count, Meta(description="The most bytes that this process held.")]
    worker_memory: Annotated[Count, Meta(description="Likewise of any other process; shared pages count for each.")]
    call: Annotated[tuple[str, ...], Meta(description="Arguments, URLs without user, password and query.")]
    engine: str
    settings: Annotated[
        dict[str, str | int | float | bool], Meta(description="All, also those that cannot change a result.")
    ]
    environment: Environment
    encoder: Annotated[ModelUsed | None, Meta(description="Null where the run ended before it was known.")]
    first_encoder: Annotated[
        ModelUsed | None,
        Meta(description="What every record met, where 'encoder' was only asked about what that left open."),
    ]
    vectors: Annotated[Vectors | None, Meta(description="Null where other processes may have asked for some.")]
    input: InputRead | None
    counts: Annotated[Counts | None, Meta(description="Null where the run ended before they were known.")]
    stages: Annotated[tuple[StageTime, ...], Meta(description="In their order; one may come several times.")]
    results: Annotated[tuple[Result, ...], Meta(description="In the order in which they were written.")]


def manifest_json(manifest: Manifest) -> bytes:
    """The manifest as JSON, laid out like a report."""
    return layout.laid_out(manifest)


class _Kind(Struct):
    """By what a manifest of any version is known."""

    kind: str
    tool: Tool


def is_manifest(data: bytes) -> bool:
    """Whether this is a manifest that dedup wrote."""
    try:
        found = msgspec.json.decode(data, type=_Kind)
    except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return False
    return found.kind == KIND and found.tool.name == tool().name


# --- what ran it


def environment() -> Environment:
    """What runs this process."""
    system = (platform.system(), platform.release(), " ".join(platform.libc_ver()))
    return Environment(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=" ".join(part for part in system if part.strip()),
        machine=platform.machine(),
        processors=processors(),
        libraries=libraries(),
        arithmetic=_arithmetic(),
    )


_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_FOR_WORK_ON_DEDUP: Final = re.compile(r"extra\s*==\s*['\"](test|lint|dev)['\"]")


def libraries() -> dict[str, str]:
    """The packages that dedup says it needs, extras for its users among them, that are installed: name -> version."""
    try:
        required = metadata.requires("dedup") or []
    except metadata.PackageNotFoundError:  # run from its source
        required = []
    wanted = (one for one in required if not _FOR_WORK_ON_DEDUP.search(one))
    names = {found[0] for one in wanted if (found := _NAME.match(one))}
    return {name: version for name in sorted(names) if (version := _version(name)) is not None}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _arithmetic() -> tuple[str, ...]:
    from threadpoolctl import threadpool_info

    parts = ("internal_api", "version", "architecture")
    return tuple(sorted({" ".join(str(one[part]) for part in parts if one.get(part)) for one in threadpool_info()}))


# --- what it read and found


def input_read(files: Iterable[InputFile]) -> InputRead:
    """Of all files those that are named, and the sums of the others."""
    ordered = sorted(files, key=lambda one: one.path)
    rest = ordered[FILES_TOLD:]
    further = FurtherFiles(
        files=len(rest),
        bytes=sum(one.bytes or 0 for one in rest),
        records=sum(one.records or 0 for one in rest),
        skipped=sum(one.skipped for one in rest),
    )
    return InputRead(files=tuple(ordered[:FILES_TOLD]), further=further)


def counts_of(told: model.Report | Summary) -> Counts:
    """What a report or a summary says, in counts."""
    return _counts_of_summary(told) if isinstance(told, Summary) else _counts_of_report(told)


def _counts_of_report(report: model.Report) -> Counts:
    skipped = all_skipped(report.skipped)
    sizes = Counter(len(cluster.members) for cluster in report.clusters)
    links = sum(len(cluster.links) for cluster in report.clusters)
    citing = sum(len(conflict.members) for conflict in report.conflicts)
    return Counts(
        records=report.records,
        languages=dict(sorted(report.languages.items())),
        skipped=skipped.pieces,
        reasons=skipped.reasons,
        first_skipped=skipped.first,
        shortened=len(report.dropped_segments),
        dropped_segments=sum(report.dropped_segments.values()),
        boilerplate_passages=report.boilerplate,
        funnel=funnel_of(report.funnel),
        clusters=clusters_counted(sizes, links, sum(bool(cluster.flags) for cluster in report.clusters)),
        conflicts=Conflicts(pages=len(report.conflicts), records=citing),
    )


def _counts_of_summary(summary: Summary) -> Counts:
    return Counts(
        records=summary.input.records,
        languages=summary.input.languages,
        skipped=summary.skipped.pieces,
        reasons=summary.skipped.reasons,
        first_skipped=summary.skipped.first,
        shortened=summary.input.shortened,
        dropped_segments=summary.input.dropped_segments,
        boilerplate_passages=summary.input.boilerplate_passages,
        funnel=summary.funnel,
        clusters=summary.clusters,
        conflicts=summary.conflicts,
    )


def stage_time(taken: watch.StageTaken) -> StageTime:
    """A stage, as written."""
    return StageTime(
        stage=taken.stage,
        seconds=taken.seconds,
        processor_seconds=max(taken.processor_seconds, 0.0),
        done=taken.done,
        total=taken.total,
        counts=dict(taken.counts),
        memory=taken.memory,
        worker_memory=taken.worker_memory,
        whole=taken.whole,
    )
