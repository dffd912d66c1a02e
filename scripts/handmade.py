"""The hand-made set in tests/handmade: what a run of the detector gets right on it, by case, and the floors under that.

A *pair* is two records. It counts where its difficulty is: for the cases of both records, but for ``translation``, the
plain case, only where both are plain; and a pair of two articles only for those of its cases that resemble another
article (``TEMPTING``), where it has one. Of each case there are

* ``found``: of its pairs of one article, the share that the run put together (0 to 1);
* ``wrong``: of its pairs of two articles, how many the run put together.

``tests/test_handmade.py`` holds every run to ``floors.json``, which ``scripts/pin_floors.py`` writes.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import msgspec

from dedup import Record, Report, find_clusters
from dedup.encoders import Encoder
from dedup.evaluate import evaluate
from dedup.report.document import Document, document_of

FOLDER = Path(__file__).parent.parent / "tests" / "handmade"
ARTICLES = FOLDER / "articles.jsonl"
FLOORS = FOLDER / "floors.json"

PLAIN = "translation"

TEMPTING = frozenset(
    {
        *("twin-figures", "twin-names", "twin-dates", "same-event"),
        *("neighbour", "generic", "boilerplate", "wrong-source"),
    }
)
"""The cases whose records resemble another article."""

Pair = tuple[str, str]
"""Two ids, in the order of the set."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record with the name of its article (``gold``) and what makes it hard (``case``)."""

    id: str
    text: str
    lang: str
    gold: str
    case: str
    url: str | None = None


class CaseFloor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a case must reach: ``found`` at the least, ``wrong`` at the most."""

    found: float
    wrong: int


class Floors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a run must reach: scores at the least, ``false_merges`` (pairs of all cases) at the most."""

    b_cubed_precision: float
    b_cubed_recall: float
    b_cubed_f1: float
    exact_cluster_f1: float
    false_merges: int
    cases: dict[str, CaseFloor]


@dataclass(frozen=True, slots=True)
class Case:
    """The pairs of one case that went right and wrong."""

    together: int
    """Pairs of one article."""
    missed: tuple[Pair, ...]
    """Those of them that the run did not put together."""
    wrong: tuple[Pair, ...]
    """Pairs of two articles that it did put together."""

    @property
    def found(self) -> float:
        """The share of the pairs of one article that were put together; 1.0 where there are none."""
        return 1.0 - len(self.missed) / self.together if self.together else 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run reached on the set, as floors would pin it, and the pairs behind the figures of each case."""

    reached: Floors
    cases: Mapping[str, Case]


def read_rows(path: Path = ARTICLES) -> list[Row]:
    """The records in the order of the file. Raises ``msgspec.ValidationError`` where a line is no record of a set."""
    return msgspec.json.Decoder(Row).decode_lines(path.read_bytes())


def read_floors(path: Path = FLOORS) -> Floors | None:
    """The pinned floors; None where none were pinned yet."""
    return msgspec.json.decode(path.read_bytes(), type=Floors) if path.exists() else None


def write_floors(floors: Floors, path: Path = FLOORS) -> None:
    """Pin ``floors``."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(floors), indent=2) + b"\n")


def run(rows: Iterable[Row], encoder: Encoder | None = None) -> Report:
    """The detector as users get it (bundled model, default settings) on the records with their declared languages;
    ``encoder`` is that model with something around it.
    """
    return find_clusters([Record(row.id, row.text, row.url, row.lang) for row in rows], encoder=encoder)


def measure(rows: list[Row], document: Document) -> Measured:
    """What the run behind ``document`` reached on ``rows``."""
    cases = by_case(rows, document)
    found = evaluate(document, {row.id: row.gold for row in rows})
    reached = Floors(
        b_cubed_precision=_pinned(found.b_cubed.precision),
        b_cubed_recall=_pinned(found.b_cubed.recall),
        b_cubed_f1=_pinned(found.b_cubed.f1),
        exact_cluster_f1=_pinned(found.exact_clusters.f1),
        false_merges=found.false_merges,
        cases={name: CaseFloor(_pinned(case.found), len(case.wrong)) for name, case in cases.items()},
    )
    return Measured(reached, cases)


def measure_now() -> Measured:
    """Run the detector on the set of this checkout."""
    rows = read_rows()
    return measure(rows, document_of(run(rows)))


def _pinned(score: float) -> float:
    """Rounded down: a floor is never above what was reached."""
    return math.floor(score * 10_000 + 1e-6) / 10_000


def by_case(rows: list[Row], document: Document) -> dict[str, Case]:
    """The pairs that went right and wrong, for each case by name."""
    placed = {member.id: cluster.id for cluster in document.clusters for member in cluster.members}
    together = dict.fromkeys(sorted({row.case for row in rows}), 0)
    missed: dict[str, list[Pair]] = {name: [] for name in together}
    wrong: dict[str, list[Pair]] = {name: [] for name in together}
    for left, right in combinations(rows, 2):
        joined = left.id in placed and placed[left.id] == placed.get(right.id)
        same = left.gold == right.gold
        for name in cases_of(left, right):
            together[name] += same
            if joined != same:
                (missed if same else wrong)[name].append((left.id, right.id))
    return {name: Case(together[name], tuple(missed[name]), tuple(wrong[name])) for name in together}


def cases_of(left: Row, right: Row) -> set[str]:
    """The cases that a pair counts for: see above."""
    hard = {left.case, right.case} - {PLAIN}
    if left.gold != right.gold:
        hard = hard & TEMPTING or hard
    return hard or {PLAIN}


def shortfalls(measured: Measured, floors: Floors) -> dict[str, str]:
    """Where a run falls short of ``floors``: what by name (a score, or a case), and in words, with the records."""
    problems = dict(_score_shortfalls(measured.reached, floors))
    for name in sorted(measured.cases.keys() | floors.cases.keys()):
        if words := "; ".join(_case_shortfalls(measured.cases.get(name), floors.cases.get(name))):
            problems[name] = words
    return problems


def _score_shortfalls(reached: Floors, floors: Floors) -> Iterator[tuple[str, str]]:
    scores: tuple[tuple[str, Callable[[Floors], float]], ...] = (
        ("b_cubed_precision", lambda f: f.b_cubed_precision),
        ("b_cubed_recall", lambda f: f.b_cubed_recall),
        ("b_cubed_f1", lambda f: f.b_cubed_f1),
        ("exact_cluster_f1", lambda f: f.exact_cluster_f1),
    )
    for name, score in scores:
        if score(reached) < score(floors):
            yield name, f"{score(reached):.4f} is below the floor of {score(floors):.4f}"
    if reached.false_merges > floors.false_merges:
        yield "false_merges", f"{reached.false_merges} pairs are above the ceiling of {floors.false_merges}"


def _case_shortfalls(case: Case | None, floor: CaseFloor | None) -> Iterator[str]:
    if case is None:
        yield "has a floor but no records"
    elif floor is None:
        yield "has no floor: run scripts/pin_floors.py"
    else:
        if _pinned(case.found) < floor.found:
            yield f"found {case.found:.4f} is below the floor of {floor.found:.4f}; missed: {in_words(case.missed)}"
        if len(case.wrong) > floor.wrong:
            yield f"{len(case.wrong)} wrong pairs are above the ceiling of {floor.wrong}: {in_words(case.wrong)}"


def in_words(pairs: Iterable[Pair]) -> str:
    """All pairs, as ``left + right`` with commas between them."""
    return ", ".join(f"{left} + {right}" for left, right in pairs)
