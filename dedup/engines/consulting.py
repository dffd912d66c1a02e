"""Consulting: the model asked about what the token table leaves open, as in a local run (:mod:`dedup.consult`).

Which pairs are asked about depends on the answers so far, so the rounds are planned one by one. Of each open pair some
forty bytes reach whoever plans, and all of those that are asked about. What the model makes of the texts of a round
lies in the store, so that no round is done twice. Of 100,000 records or more there is one round: no more than some
hundred texts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from dedup.boilerplate import discount
from dedup.calibration import Calibration
from dedup.candidates import Candidates
from dedup.confirm import confirm
from dedup.consult import OPEN, Answers, among_encoded, ask, doubt
from dedup.embed import embed_all
from dedup.engines.columns import numbers_of, texts_of
from dedup.engines.confirming import CANDIDATES, CONFIRMED
from dedup.engines.links import candidates_of, links_of, links_table
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Notes, Stage, noted
from dedup.engines.subjects import SETTINGS, SUBJECTS, Subjects, table_of
from dedup.engines.works import NUMBERED, TEXTS
from dedup.evidence import Subject
from dedup.index.sketches import unpacked
from dedup.model import FunnelStage, Link
from dedup.progress import Stage as Told

ENCODED: Final = "encoded"
AMONG: Final = "among"
LINKED: Final = "links"


@dataclass(frozen=True, slots=True)
class Consulted:
    """What the model was asked: in how many rounds (each is a stage, :func:`encoded_in`), and the funnel."""

    rounds: int
    funnel: tuple[FunnelStage, ...]


def consulted(run: Run, span: int, parts: int) -> Consulted:
    """Ask the model, and make the links of the run, one table a part; whatever is left to the table stays."""
    lens = run.workshop.models.closer
    if lens is None:
        _link(run, np.empty(0, np.int64), [], span, parts)
        return Consulted(0, ())
    questions = _open(run, parts)
    rounds = _Rounds(run, span)
    works = noted(run.done[NUMBERED].receipts, "works")

    def tell(done: int, total: int) -> None:
        run.progress(Told.CONSULT, done, total)

    count = len(questions.part)
    answers = ask(
        questions.links(run), count, questions.segments.__getitem__, rounds.encode, lens.calibration, run.settings,
        works, tell,
    )  # fmt: skip
    numbers = np.array(sorted(answers.subjects), np.int64)
    again = _again(run, answers, numbers, parts, lens.calibration)
    _link(run, numbers, again, span, parts)
    return Consulted(rounds.done, answers.funnel(count))


@dataclass(frozen=True, slots=True)
class _Open:
    """The pairs that the table leaves open, in the order in which they are asked about: in which part each is and in
    which row, each of shape (pairs,). The pairs themselves stay there.
    """

    part: NDArray[np.int64]
    row: NDArray[np.int64]
    segments: dict[int, int] = field(default_factory=dict)
    """How many segments the works have of the pairs that were looked at."""

    def links(self, run: Run) -> Iterator[Link]:
        """Each pair, when it is its turn."""
        for start in range(0, len(self.part), LOOKED_AT):
            some = slice(start, start + LOOKED_AT)
            yield from self._links(run, self.part[some], self.row[some])

    def _links(self, run: Run, parts: NDArray[np.int64], rows: NDArray[np.int64]) -> list[Link]:
        found: dict[tuple[int, int], Link] = {}
        for part in np.unique(parts).tolist():
            chosen = rows[parts == part]
            table = run.table(CONFIRMED, part).take(chosen)
            for side in ("left", "right"):
                self.segments.update(zip(table[side].to_pylist(), table[f"{side}_segments"].to_pylist(), strict=True))
            found |= zip(((part, row) for row in chosen.tolist()), links_of(table), strict=True)
        return [found[place] for place in zip(parts.tolist(), rows.tolist(), strict=True)]


LOOKED_AT: Final = 512
"""Open pairs that are fetched at a time; few are asked about where there are many."""


def _open(run: Run, parts: int) -> _Open:
    columns = ("left", "right", "probability", "left_segments", "right_segments")
    found = []
    for part in range(parts):
        table = run.table(CONFIRMED, part, columns)
        left, right, probability, *segments = (table[name].to_numpy() for name in columns)
        rows = np.flatnonzero((OPEN[0] < probability) & (probability < OPEN[1]))
        certain = -doubt(probability, segments[0] + segments[1])[rows]
        found.append((np.full(len(rows), part), rows, certain, left[rows], right[rows]))
    part_of, row, certain, left, right = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((right, left, certain))
    return _Open(part_of[order], row[order])


class _Rounds:
    """What the model makes of the works that it is asked about, round by round."""

    def __init__(self, run: Run, span: int) -> None:
        self._run, self._span = run, span
        self.done = 0

    def encode(self, works: Sequence[int]) -> Sequence[Subject]:
        """These works as the model sees them."""
        name = encoded_in(self.done)
        given = {"works": np.array(works, np.int64), "span": np.array(self._span)}
        self._run.stage(Stage(name, encoded_part, after=(TEXTS, SUBJECTS), settings=SETTINGS), 1, given)
        self.done += 1
        made = Subjects([self._run.table(name, 0)])
        return [made[work] for work in works]


def encoded_in(number: int) -> str:
    """The stage of a round."""
    return f"encoded-{number:05d}"


def encoded_part(desk: Desk) -> Notes:
    """Some works as the model sees them."""
    lens = desk.models.closer
    if lens is None:
        raise AssertionError("nobody to be asked")
    given = desk.given()
    works = given["works"]
    boilerplate = frozenset(desk.given(SUBJECTS)["boilerplate"].tolist())
    rows = []
    for at in np.unique(works // given["span"]).tolist():
        table = desk.table(TEXTS, at)
        rows.append(table.filter(pa.compute.is_in(table["work"], pa.array(works, pa.int64()))))
    texts = pa.concat_tables(rows)
    prints = discount([unpacked(data) for data in texts["print"].to_pylist()], boilerplate, desk.settings)
    languages = texts_of(texts, "language")
    embeddings = embed_all(prints, languages, lens.encoder, lens.calibration)
    subjects = [Subject(*one) for one in zip(languages, prints, embeddings, strict=True)]
    desk.write(table_of(numbers_of(texts, "work").tolist(), texts["keys"], subjects))
    return {}


def among_part(desk: Desk) -> Notes:
    """The candidates of which the model has encoded both works."""
    part = desk.part
    works = pa.array(desk.given()["works"], pa.int64())
    table = desk.table(CANDIDATES, part)
    both = pa.compute.and_(pa.compute.is_in(table["left"], works), pa.compute.is_in(table["right"], works))
    desk.write(table.filter(both))
    return {}


def _again(
    run: Run, answers: Answers, works: NDArray[np.int64], parts: int, calibration: Calibration
) -> Sequence[Link]:
    """The judgements by the model of all pairs among the texts that it has encoded."""
    run.stage(AMONGING, parts, {"works": works})
    tables = [candidates_of(run.table(AMONG, part)) for part in range(parts)]
    candidates = Candidates(*(np.concatenate(columns) for columns in zip(*map(_columns, tables), strict=True)))
    pairs = among_encoded(candidates, answers.subjects, run.settings)
    return confirm(pairs, answers.subjects, calibration).links


def _columns(one: Candidates) -> tuple[NDArray[np.integer], ...]:
    return one.left, one.right, one.found_by


def _link(run: Run, works: NDArray[np.int64], again: Sequence[Link], span: int, parts: int) -> None:
    table = links_table(again)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    given = {"works": works, "span": np.array(span), "again": np.frombuffer(sink.getvalue(), np.uint8)}
    run.stage(LINKING, parts, given)


def linked_part(desk: Desk) -> Notes:
    """The judgements of this part: those of the model in the place of those of the table among what it encoded."""
    part = desk.part
    given = desk.given()
    works = pa.array(given["works"], pa.int64())
    table = desk.table(CONFIRMED, part, ["left", "right", "probability", "rest"])
    both = pa.compute.and_(pa.compute.is_in(table["left"], works), pa.compute.is_in(table["right"], works))
    again = pa.ipc.open_stream(pa.py_buffer(given["again"].tobytes())).read_all()
    here = pa.array(numbers_of(again, "left") // int(given["span"]) == part)
    links = pa.concat_tables([table.filter(pa.compute.invert(both)), again.filter(here)])
    links = links.sort_by([("left", "ascending"), ("right", "ascending")])
    desk.write(links)
    probability = links["probability"].to_numpy()
    return {"judged": len(links), "confirmed": int((probability >= desk.settings.threshold).sum())}


LINKING: Final = Stage(LINKED, linked_part, after=(CONFIRMED,), settings=("threshold",), light=True)
AMONGING: Final = Stage(AMONG, among_part, after=(CANDIDATES,), light=True)
