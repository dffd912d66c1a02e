"""How well a report's clusters agree with gold clusters.

Three views of the same question, each as precision, recall and F1:

* *B-cubed* (Bagga & Baldwin 1998, "Algorithms for scoring coreference chains"; Amigó et al. 2009, "A comparison
  of extrinsic clustering evaluation metrics"): for each record, how much of its predicted cluster is of its gold
  cluster, and the reverse; the mean over all records, singletons included;
* *pairs*: of all pairs of records, those put together;
* *exact clusters*: clusters of two or more that are right to the last member.

Records are those of the gold file. A report names only the records that are in a cluster, so every other gold
record counts as a singleton, also one that was skipped: the run did not find its partners. Members without gold
are left out, as nothing can be said of them; both are counted.

0/0 is 1.0 where there was nothing to find and nothing was claimed, else 0.0.
"""

import codecs
import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import comb
from pathlib import Path
from typing import Final, Literal

import msgspec

from dedup.errors import ReportError
from dedup.report import layout
from dedup.report.assigned import Assigned
from dedup.report.assignment import guarded_cell
from dedup.report.console import visible, without_commands
from dedup.report.document import Document

MERGES_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall, and their harmonic mean."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class FalseMerge:
    """A predicted cluster that holds more than one gold cluster."""

    cluster: str
    """Its id in the report."""
    records: int
    gold_clusters: int
    pairs: int
    """Pairs in it that do not belong together."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well a report agrees with gold clusters; clusters are counted with singletons."""

    b_cubed: Score
    pairs: Score
    exact_clusters: Score
    records: int
    predicted_clusters: int
    gold_clusters: int
    false_merges: int
    """Pairs of records that are together in the report but not in gold."""
    missed_pairs: int
    """Pairs of records that are together in gold but not in the report."""
    merged_clusters: tuple[FalseMerge, ...]
    """Where the false merges are: most pairs first, then by id."""
    without_gold: int
    """Members of the report's clusters that gold does not know."""
    not_in_input: int
    """Gold records that the run cannot have read, at the least: those outside its clusters, less the records
    that it read and put in no cluster."""


def evaluate(found: Document | Assigned, gold: Mapping[str, str]) -> Evaluation:
    """How well a report, or an assignment, agrees with ``gold`` (record id -> name of its cluster).

    Raises :class:`ReportError` where ids of gold cannot be told apart in it. Takes time and memory in proportion to the
    records, not to their pairs.
    """
    assigned = found if isinstance(found, Assigned) else _assigned(found)
    if assigned.guarded:
        gold = _guarded(gold)
    predicted = _predicted(assigned)
    # A contingency table: how many records each predicted cluster shares with each gold cluster. A record
    # outside the clusters stands for its own cluster; clusters are numbers, so the two cannot be confused.
    shared = Counter((predicted.get(record, record), name) for record, name in gold.items())
    sizes: Counter[int | str] = Counter()
    gold_sizes: Counter[str] = Counter()
    for (cluster, name), count in shared.items():
        sizes[cluster] += count
        gold_sizes[name] += count

    together = sum(comb(count, 2) for count in shared.values())
    claimed = sum(comb(size, 2) for size in sizes.values())
    to_find = sum(comb(size, 2) for size in gold_sizes.values())
    exact = sum(1 for (cluster, name), count in shared.items() if 1 < count == sizes[cluster] == gold_sizes[name])
    known = sum(1 for record in predicted if record in gold)
    unclustered = assigned.records - len(predicted)
    return Evaluation(
        b_cubed=_score(
            sum(count * count / sizes[cluster] for (cluster, _), count in shared.items()),
            len(gold),
            sum(count * count / gold_sizes[name] for (_, name), count in shared.items()),
            len(gold),
        ),
        pairs=_score(together, claimed, together, to_find),
        exact_clusters=_score(exact, _plural(sizes), exact, _plural(gold_sizes)),
        records=len(gold),
        predicted_clusters=len(sizes),
        gold_clusters=len(gold_sizes),
        false_merges=claimed - together,
        missed_pairs=to_find - together,
        merged_clusters=_merged([name for name, _ in assigned.clusters], shared, sizes),
        without_gold=len(predicted) - known,
        not_in_input=max(0, len(gold) - known - unclustered),
    )


def _guarded(gold: Mapping[str, str]) -> Mapping[str, str]:
    """The same with ids spelled as in CSV."""
    spelled = {guarded_cell(record): cluster for record, cluster in gold.items()}
    if len(spelled) < len(gold):
        raise ReportError("gold has two ids that are one in CSV and TSV: evaluate the report, or .jsonl")
    return spelled


def _assigned(document: Document) -> Assigned:
    """The clusters of a report."""
    clusters = tuple((cluster.id, [member.id for member in cluster.members]) for cluster in document.clusters)
    return Assigned(clusters, document.input.records)


def _predicted(assigned: Assigned) -> dict[str, int]:
    """Record id -> number of its cluster, for the records that are in one."""
    return {member: number for number, (_, members) in enumerate(assigned.clusters) for member in members}


def _score(right: float, claimed: int, found: float, to_find: int) -> Score:
    precision = right / claimed if claimed else float(to_find == 0)
    recall = found / to_find if to_find else float(claimed == 0)
    both = precision + recall
    return Score(precision=precision, recall=recall, f1=2 * precision * recall / both if both else 0.0)


def _plural(sizes: Mapping[int | str, int] | Mapping[str, int]) -> int:
    """How many clusters have two records or more."""
    return sum(1 for size in sizes.values() if size > 1)


def _merged(
    clusters: Sequence[str], shared: Mapping[tuple[int | str, str], int], sizes: Mapping[int | str, int]
) -> tuple[FalseMerge, ...]:
    right: Counter[int | str] = Counter()
    parts: Counter[int | str] = Counter()
    for (cluster, _), count in shared.items():
        right[cluster] += comb(count, 2)
        parts[cluster] += 1
    merges = (
        FalseMerge(
            cluster=cluster,
            records=sizes[number],
            gold_clusters=parts[number],
            pairs=comb(sizes[number], 2) - right[number],
        )
        for number, cluster in enumerate(clusters)
        if parts[number] > 1
    )
    return tuple(sorted(merges, key=lambda merge: (-merge.pairs, merge.cluster)))


def render(evaluation: Evaluation) -> str:
    """The evaluation as tables of plain text."""
    scores = {
        "B-cubed": evaluation.b_cubed,
        "pairs": evaluation.pairs,
        "exact clusters": evaluation.exact_clusters,
    }
    counts = {
        "records": evaluation.records,
        "predicted clusters": evaluation.predicted_clusters,
        "gold clusters": evaluation.gold_clusters,
        "false merges (pairs)": evaluation.false_merges,
        "missed pairs": evaluation.missed_pairs,
        "members without gold": evaluation.without_gold,
        "gold not in the input, at least": evaluation.not_in_input,
    }
    merges = evaluation.merged_clusters
    lines = _aligned(
        [
            ("", "precision", "recall", "F1"),
            *((name, f"{one.precision:.4f}", f"{one.recall:.4f}", f"{one.f1:.4f}") for name, one in scores.items()),
        ]
    )
    lines += ["", *_aligned([(name, f"{count:,}") for name, count in counts.items()])]
    if merges:
        rows = (
            (visible(one.cluster), *(f"{n:,}" for n in (one.records, one.gold_clusters, one.pairs))) for one in merges
        )
        header = ("false merges in cluster", "records", "gold clusters", "pairs")
        lines += ["", *_aligned([header, *islice(rows, MERGES_SHOWN)])]
    if len(merges) > MERGES_SHOWN:
        lines.append(f"… and {len(merges) - MERGES_SHOWN:,} more")
    return "".join(f"{without_commands(line)}\n" for line in lines)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """One line a row: the first column to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]


def as_json(evaluation: Evaluation) -> bytes:
    """The evaluation as JSON, laid out like the report."""
    return layout.json_of(evaluation)


def load_gold(path: Path) -> dict[str, str]:
    """Record id -> name of its gold cluster.

    ``.jsonl``: objects with ``id`` and ``gold``. ``.json``: one object, id to cluster. ``.tsv``, ``.csv``: two
    columns, id and cluster, with or without a header whose first cell is ``id``. Each may be ``.gz``.
    Raises :class:`ReportError` where the file is none of these.
    """
    pairs_of = READERS.get(Path(path.name.removesuffix(".gz")).suffix)
    if pairs_of is None:
        raise ReportError(f"{path}: gold clusters come as {', '.join(READERS)}, or one of these with .gz")
    gold: dict[str, str] = {}
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for record, cluster in pairs_of(file):
                if gold.setdefault(record, cluster) != cluster:
                    raise ValueError(f"{record!r} is in two clusters, {gold[record]!r} and {cluster!r}")
    except (OSError, EOFError, zlib.error) as error:
        raise ReportError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except (ValueError, RecursionError, csv.Error) as error:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        raise ReportError(f"{path}: not a gold file: {error}") from error
    if not gold:
        raise ReportError(f"{path}: not a gold file: it names no record")
    return gold


class _Row(msgspec.Struct):
    id: str | int
    gold: str | int


def _of_lines(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    decoder = msgspec.json.Decoder(_Row)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = decoder.decode(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        yield str(row.id), str(row.gold)


def _of_object(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for record, cluster in msgspec.json.decode(b"".join(lines), type=dict[str, str | int]).items():
        yield record, str(cluster)


def _of_tabs(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    return _of_table(lines, "\t", csv.QUOTE_NONE)


def _of_commas(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    return _of_table(lines, ",", csv.QUOTE_MINIMAL)


def _of_table(lines: Iterable[bytes], delimiter: str, quoting: Literal[0, 3]) -> Iterator[tuple[str, str]]:
    decoded = codecs.iterdecode(lines, "utf-8-sig")  # -sig: spreadsheets begin a file with a BOM
    rows = csv.reader(decoded, delimiter=delimiter, quoting=quoting, strict=True)  # else a quote may hide the rest
    for row in rows:
        if not row or (rows.line_num == 1 and row[0] == "id"):
            continue
        if len(row) != 2:
            raise ValueError(f"line {rows.line_num}: expected an id and a cluster, found {len(row)} fields")
        yield row[0], row[1]


READERS: Final[Mapping[str, Callable[[Iterable[bytes]], Iterator[tuple[str, str]]]]] = {
    ".jsonl": _of_lines,
    ".json": _of_object,
    ".tsv": _of_tabs,
    ".csv": _of_commas,
}
