"""What scripts/bench_speed.py found: the values, how they are scored and compared, and the tables."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import msgspec
from metering import Part

from dedup.evaluate import Evaluation, Score, evaluate
from dedup.report.document import Cluster, Document, Encoder, Input, Member, Tool

Clusters = Sequence[Sequence[str]]
"""Ids of records, a sequence a cluster."""


class Row(msgspec.Struct):
    """What the corpus says of a record."""

    id: str
    gold: str
    lang: str


@dataclass(frozen=True, slots=True)
class Scores:
    """Of the clusters of one run."""

    all: Score
    """B-cubed against the gold clusters."""
    one_language: Score
    """B-cubed of each language apart, translations neither asked for nor counted: what MinHash is made for."""
    false_merges: int
    """Pairs of records put together wrongly."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a contender on one corpus. Seconds, bytes."""

    contender: str
    records: int
    wall: float
    cpu: float
    peak: int
    largest: int
    """The largest resident set of any one process."""
    parts: tuple[Part, ...]
    scores: Scores | None
    """None where the contender gives no clusters."""
    derived: bool = False
    """Computed from another run, whose stages are told there."""


@dataclass(frozen=True, slots=True)
class FloorRun:
    """One measured floor: so many units, in so many seconds of wall and of processor time."""

    floor: str
    records: int
    count: int
    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds of alternating runs: importing sentence-transformers, and dedup on the seeds."""

    importing: tuple[float, ...]
    seeds: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Of the medians, seeds to import."""
        return median(self.seeds) / median(self.importing)


def read_rows(corpus: Path) -> list[Row]:
    """The records of a corpus, without their texts."""
    decoder = msgspec.json.Decoder(Row)
    with corpus.open("rb") as lines:
        return [decoder.decode(line) for line in lines]


def scored(clusters: Clusters, rows: Sequence[Row]) -> Scores:
    """How well clusters agree with the gold of the corpus."""
    language = {row.id: row.lang for row in rows}
    whole = _evaluated(clusters, {row.id: row.gold for row in rows})
    apart = _evaluated(by_language(clusters, language), {row.id: f"{row.gold} {row.lang}" for row in rows})
    return Scores(whole.b_cubed, apart.b_cubed, whole.false_merges)


def by_language(clusters: Clusters, language: Mapping[str, str]) -> list[list[str]]:
    """Each cluster cut into the records of each language; single records are dropped."""
    found: list[list[str]] = []
    for cluster in clusters:
        cut: dict[str, list[str]] = defaultdict(list)
        for name in cluster:
            cut[language[name]].append(name)
        found.extend(part for part in cut.values() if len(part) > 1)
    return found


def _evaluated(clusters: Clusters, gold: Mapping[str, str]) -> Evaluation:
    """By ``dedup evaluate``, which wants a report: one that says nothing but the clusters."""
    nothing = Input(records=len(gold), skipped=0, languages={}, dropped_segments=0, shortened=())
    return evaluate(
        Document(
            schema_version=1,
            tool=Tool(name="", version=""),
            encoder=Encoder(name="", digest="", calibration=""),
            settings={},
            input=nothing,
            funnel=(),
            clusters=tuple(_cluster(members) for members in clusters),
            conflicts=(),
            skipped=(),
        ),
        gold,
    )


def _cluster(names: Iterable[str]) -> Cluster:
    members = tuple(
        Member(id=name, path=None, line=None, language="und", source_url=None, characters=0) for name in names
    )
    return Cluster(id="", languages=(), source_url=None, confidence=1.0, keep="", members=members, links=())


def exponent(small: int, large: int, of_small: float, of_large: float) -> float:
    """The k of ``cost ~ size ** k`` between two sizes: the slope on logarithmic axes."""
    return math.log(of_large / of_small) / math.log(large / small)


def medians(runs: Sequence[Run]) -> list[Run]:
    """One run for each contender and size, in the order of the first: medians of the figures; of parts and scores,
    those of the run with the median processor time; of memory, the largest.
    """
    groups: dict[tuple[int, str], list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.records, run.contender].append(run)
    found = []
    for group in groups.values():
        middle = sorted(group, key=lambda run: run.cpu)[len(group) // 2]
        wall, cpu = (median(getattr(run, name) for run in group) for name in ("wall", "cpu"))
        peak, largest = (max(getattr(run, name) for run in group) for name in ("peak", "largest"))
        found.append(
            replace(middle, wall=wall, cpu=cpu, peak=peak, largest=largest),
        )
    return found


def tables(runs: Sequence[Run], cores: int, ours: Sequence[str]) -> Iterator[str]:
    """All tables on some runs, in Markdown; ``ours`` are the contenders that are held against the others."""
    middle = medians(runs)
    yield from _costs(middle, cores)
    yield from _ratios(middle, ours)
    yield from _growth(middle)
    yield from _stages(middle)


COSTS = (
    "records | run | wall s | CPU s | records/s per core | records per CPU s | peak MB | largest process MB"
    " | B-cubed P | R | F1 | F1 in one language | false merges"
)


def _costs(runs: Sequence[Run], cores: int) -> Iterator[str]:
    yield f"| {COSTS} |"
    yield "|" + "---|" * len(COSTS.split("|"))
    for run in runs:
        speed = f"{run.records / run.wall / cores:,.0f} | {run.records / run.cpu:,.0f}"
        costs = f"{run.wall:,.1f} | {run.cpu:,.1f} | {speed} | {_mb(run.peak)} | {_mb(run.largest)}"
        yield f"| {run.records:,} | {run.contender} | {costs} | {_scores(run.scores)} |"


def _scores(found: Scores | None) -> str:
    if found is None:
        return "| | | |"
    whole = found.all
    return (
        f"{whole.precision:.4f} | {whole.recall:.4f} | {whole.f1:.4f} | {found.one_language.f1:.4f} |"
        f" {found.false_merges:,}"
    )


def _ratios(runs: Sequence[Run], ours: Sequence[str]) -> Iterator[str]:
    pairs = [
        (run, other)
        for run in runs
        for other in runs
        if run.contender in ours and other.contender not in ours and run.records == other.records
    ]
    if pairs:
        yield from ("", "| records | ratio | wall | CPU | peak memory |", "|" + "---|" * 5)
    for run, other in pairs:
        ratios = (run.wall / other.wall, run.cpu / other.cpu, run.peak / other.peak)
        shown = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        yield f"| {run.records:,} | {run.contender} / {other.contender} | {shown} |"


GROWTH: dict[str, Callable[[Run], float]] = {
    "wall": lambda run: run.wall,
    "CPU": lambda run: run.cpu,
    "peak": lambda run: run.peak,
}


def _growth(runs: Sequence[Run]) -> Iterator[str]:
    of_contender: dict[str, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.records):
        of_contender[run.contender].append(run)
    if all(len(found) < 2 for found in of_contender.values()):
        return
    yield from ("", "Growth: the k of cost ~ records ** k.", "")
    yield from ("| run | from | to | " + " | ".join(GROWTH) + " |", "|" + "---|" * (3 + len(GROWTH)))
    for name, found in of_contender.items():
        for small, large in pairwise(found):
            slopes = (exponent(small.records, large.records, cost(small), cost(large)) for cost in GROWTH.values())
            shown = " | ".join(f"{slope:.2f}" for slope in slopes)
            yield f"| {name} | {small.records:,} | {large.records:,} | {shown} |"


def _stages(runs: Sequence[Run]) -> Iterator[str]:
    yield from ("", "| records | run | stage | wall s | CPU s | of the CPU | peak MB |", "|" + "---|" * 7)
    for run in runs:
        for part in () if run.derived else run.parts:
            share = part.cpu / max(run.cpu, 1e-9)
            peak = _mb(part.peak) if part.peak else ""
            yield (
                f"| {run.records:,} | {run.contender} | {part.stage} | {part.wall:,.1f} | {part.cpu:,.1f} |"
                f" {share:.0%} | {peak} |"
            )


UNITS = {"bytes": ("MB", 1e6), "records": ("records", 1.0), "tokens": ("tokens", 1.0), "product": ("GFLOP", 1e9)}
"""What each floor is counted in, and how much of it is one."""


def floor_table(floors: Sequence[FloorRun], runs: Sequence[Run], ours: Sequence[str]) -> Iterator[str]:
    """The floors, and how many times the processor time of each our runs took."""
    if not floors:
        return
    names = "".join(f" {name} / floor |" for name in ours)
    yield from ("", f"| records | floor | wall s | CPU s | per s | per CPU s |{names}", "|" + "---|" * (6 + len(ours)))
    cpu = {(run.records, run.contender): run.cpu for run in medians(runs)}
    for floor in floors:
        unit, size = UNITS[floor.floor]
        rates = " | ".join(f"{floor.count / size / s:,.0f} {unit}" for s in (floor.seconds, floor.cpu))
        times = "".join(f" {_times(cpu[floor.records, name], floor)} |" for name in ours)
        yield f"| {floor.records:,} | {floor.floor} | {floor.seconds:,.2f} | {floor.cpu:,.2f} | {rates} |{times}"


def _times(cpu: float, floor: FloorRun) -> str:
    """How many times the floor's processor time; the product is a rate to compare with, no part of a run."""
    return "" if floor.floor == "product" else f"{cpu / floor.cpu:,.1f}"


def start_line(start: Start) -> str:
    """How fast a small run starts, against importing what it must not import."""
    return (
        f"\ndedup run seeds/ {median(start.seeds):.2f} s, python -c 'import sentence_transformers'"
        f" {median(start.importing):.2f} s: {start.ratio:.2f} (medians of {len(start.seeds)} alternating runs each)"
    )


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f}"
