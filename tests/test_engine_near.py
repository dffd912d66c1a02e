"""The nearest works found in parts are those found in one piece, whatever the parts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dedup import Settings
from dedup.neighbours import Neighbours, meetings, nearest, space, tables

pa: Any = pytest.importorskip("pyarrow")

from dedup.engines import near_cells  # noqa: E402 - they need pyarrow
from dedup.engines.columns import numbers_of, rows_of_bytes, texts  # noqa: E402
from dedup.engines.near import NEAR, PAIRS, near  # noqa: E402
from dedup.engines.near_cells import CELLS, FOUND, MET, SENT, of_wave  # noqa: E402
from dedup.engines.near_space import STEPS  # noqa: E402
from dedup.engines.run import Run  # noqa: E402
from dedup.engines.stage import Desk, Notes, Stage, Workshop  # noqa: E402
from dedup.engines.stages import STAGES  # noqa: E402
from dedup.engines.store import Store  # noqa: E402
from dedup.engines.subjects import SUBJECTS  # noqa: E402
from dedup.errors import InputError  # noqa: E402

Pairs = set[tuple[int, int]]


@dataclass(frozen=True)
class Works:
    """Document vectors, shape (works, dimensions), and the writing of each."""

    documents: NDArray[np.float32]
    writings: Sequence[str]


def made(total: int, seed: int, equal: int = 0) -> Works:
    """Works around a few topics, many in some writings and one in another; the vectors of ``equal`` are the same."""
    rng = np.random.default_rng(seed)
    topics = rng.normal(size=(max(1, total // 6), 12))
    vectors = topics[rng.integers(0, len(topics), total)] + 0.3 * rng.normal(size=(total, 12))
    vectors[rng.permutation(total)[:equal]] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    writings = rng.choice(["de Latn", "en Latn", "zh Hans"], total, p=[0.2, 0.7, 0.1])
    writings[total // 3] = "ar Arab"
    return Works(vectors.astype(np.float32), writings.tolist())


def subjects_stage(works: Works, span: int) -> Stage:
    """The works in the place of what is compared of records."""

    def subjects_part(desk: Desk) -> Notes:
        here = slice(desk.part * span, (desk.part + 1) * span)
        numbers, documents = np.arange(len(works.writings))[here], works.documents[here]
        columns = {"work": numbers, "writing": texts(works.writings[here]), "document": rows_of_bytes(documents)}
        desk.write(pa.table(columns))
        there = works.writings[here]
        return {"writings": {writing: there.count(writing) for writing in there}}

    return Stage(SUBJECTS, subjects_part)


@dataclass
class InOneProcess:
    """Does parts one after the other, in any order; where ``broken`` names a stage, it ends in the middle of it."""

    stages: Mapping[str, Stage]
    broken: str = ""

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        for place, part in enumerate(np.random.default_rng(len(stage)).permutation(parts).tolist()):
            if stage == self.broken and place == 2:
                raise InputError(f"{stage}: no space left")
            Workshop(root).do(self.stages[stage], part)
            yield part


class Made:
    """A run in parts of ``span`` works up to the nearest."""

    def __init__(
        self, folder: Path, works: Works, span: int, exact_limit: int, count: int = 3, broken: str = ""
    ) -> None:
        self.parts = -(-len(works.writings) // span)
        subjects = subjects_stage(works, span)
        self.said: list[str] = []
        executor = InOneProcess({**STAGES, SUBJECTS: subjects}, broken)
        self.run = Run(Workshop(str(folder)), Settings(neighbours=count), executor, say=self.said.append)
        self.run.begin()
        self.run.stage(subjects, self.parts, {"span": np.array(span)})
        self.not_compared = near(self.run, span, self.parts, exact_limit=exact_limit)
        self.span = span

    def pairs(self) -> Pairs:
        found: Pairs = set()
        for part in range(self.parts):
            table = Desk(self.run.workshop, "", part).gather(NEAR, PAIRS)
            left, right = numbers_of(table, "left").tolist(), numbers_of(table, "right").tolist()
            pairs = list(zip(left, right, strict=True))
            assert all(one // self.span == part and one < other for one, other in pairs)
            assert all(pairs.count(pair) <= 2 for pair in pairs)
            found.update(pairs)
        return found


def pairs_of(whole: Neighbours) -> Pairs:
    return set(zip(whole.left.tolist(), whole.right.tolist(), strict=True))


def same(made: Made, works: Works, exact_limit: int, count: int = 3) -> bool:
    """Whether the run found what the search in one piece finds."""
    whole = nearest(works.documents, works.writings, count, exact_limit=exact_limit)
    return made.pairs() == pairs_of(whole) and made.not_compared == whole.not_compared


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are of some works only, cells are cut, and what is sent at once is little."""
    monkeypatch.setattr(space, "SAMPLE", 30)
    monkeypatch.setattr(tables, "TABLES", 4)
    monkeypatch.setattr(tables, "TRAINING", 3)
    monkeypatch.setattr(meetings, "LARGE_CELL", 1)
    monkeypatch.setattr(near_cells, "AT_ONCE", 2 * 100 * 12 * 2 * 2)


@pytest.mark.parametrize("span", [1, 7, 40, 100])
@pytest.mark.parametrize("total", [1, 2, 41])
def test_an_exact_search_in_parts_finds_what_it_finds_in_one_piece(total: int, span: int, tmp_path: Path) -> None:
    works = made(total, total, total // 4)
    assert same(Made(tmp_path, works, span, 100), works, 100)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("total", "equal", "span"),
    [
        (2, 0, 1),
        (2, 0, 2),
        (9, 3, 4),
        (26, 0, 1),
        (26, 14, 1),
        (100, 0, 7),
        (100, 60, 7),
        (100, 60, 33),
        (100, 60, 100),
    ],
)
def test_an_index_in_parts_finds_what_it_finds_in_one_piece(total: int, equal: int, span: int, tmp_path: Path) -> None:
    works = made(total, total + equal, equal)
    made_of = Made(tmp_path, works, span, 1)
    assert same(made_of, works, 1)
    assert total < 100 or of_wave(FOUND, 1) in made_of.run.done


@pytest.mark.parametrize("count", [1, 10])
def test_an_index_of_the_shipped_sizes_finds_the_same_in_parts(count: int, tmp_path: Path) -> None:
    works = made(400, 5, 150)
    assert same(Made(tmp_path, works, 90, 100, count), works, 100, count)


@pytest.mark.parametrize("seed", [1, 19, 27])  # in which a cell is cut because many look there, though few lie there
def test_a_cell_where_many_look_and_few_lie_is_cut_alike(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "TABLES", 1)
    rng = np.random.default_rng(seed)
    vectors = np.concatenate([np.tile(np.eye(1, 3), (150, 1)), rng.normal(size=(50, 3))])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order = rng.permutation(200)
    works = Works(vectors[order].astype(np.float32), ["en Latn" if place < 150 else "de Latn" for place in order])
    assert same(Made(tmp_path, works, 30, 1), works, 1)


# --- what is sent is removed, and a run that stopped goes on


def data_of(folder: Path, stage: str) -> list[str]:
    """The tables and rows of a stage."""
    return [path.name for path in (folder / stage).iterdir() if path.suffix in {".parquet", ".arrow"}]


@pytest.mark.usefixtures("small")
def test_what_a_wave_has_sent_is_removed_and_is_not_made_again(tmp_path: Path) -> None:
    works = made(60, 1, 20)
    first = Made(tmp_path, works, 16, 1)
    waves = sum(name.startswith(FOUND) for name in first.run.done)
    assert waves > 1
    for name in [STEPS, *(of_wave(name, wave) for name in (CELLS, SENT, MET, FOUND) for wave in range(waves))]:
        assert not data_of(tmp_path, name)
    again = Made(tmp_path, works, 16, 1)
    assert again.run.taken == list(first.run.done)
    assert same(again, works, 1)


@pytest.mark.usefixtures("small")
def test_what_was_removed_is_made_again_where_it_is_needed(tmp_path: Path) -> None:
    works = made(60, 2, 20)
    Made(tmp_path, works, 16, 1)
    again = Made(tmp_path, works, 16, 1, count=2)
    assert same(again, works, 1, 2)
    assert of_wave(SENT, 0) in again.run.taken
    assert len([line for line in again.said if "was removed, and is needed" in line]) == 1
    assert not data_of(tmp_path, STEPS)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("broken", [STEPS, of_wave(CELLS, 0), of_wave(MET, 1), of_wave(FOUND, 1)])
def test_a_run_that_ended_goes_on(broken: str, tmp_path: Path) -> None:
    works = made(60, 3, 20)
    for count in (3, 2):  # at first; and when what was removed is made again
        with pytest.raises(InputError, match=broken):
            Made(tmp_path, works, 16, 1, count, broken)
        assert same(Made(tmp_path, works, 16, 1, count), works, 1, count)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kept", range(0, 36, 5))
def test_a_run_that_ended_while_files_were_removed_goes_on(
    kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = made(40, 4, 20)
    Made(tmp_path, works, 16, 1)
    removed = 0
    remove = Store.remove_file

    def cut_off(store: Store, name: str) -> None:
        nonlocal removed
        removed += 1
        if removed > kept:
            raise InterruptedError
        remove(store, name)

    monkeypatch.setattr(Store, "remove_file", cut_off)
    with pytest.raises(InterruptedError):
        Made(tmp_path, works, 16, 1, 2)
    monkeypatch.setattr(Store, "remove_file", remove)
    assert same(Made(tmp_path, works, 16, 1, 2), works, 1, 2)
