"""Components joined by all parts are those joined in one piece, and no part is told of the links of others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import Settings
from dedup.clusters import components as joined_in_one_piece

pa: Any = pytest.importorskip("pyarrow")

from dedup.engines import components, run  # noqa: E402 - they need pyarrow
from dedup.engines.clustering import EIGHTH, places_of, placing  # noqa: E402
from dedup.engines.columns import numbers_of  # noqa: E402
from dedup.engines.components import COMPONENTS, LABELS, SIZES, STRONG, labelled, labels_at, stages_of  # noqa: E402
from dedup.engines.consulting import LINKED  # noqa: E402
from dedup.engines.run import Run  # noqa: E402
from dedup.engines.stage import Desk, Notes, Receipt, Stage, Workshop, given_name, packed_arrays  # noqa: E402
from dedup.engines.stages import STAGES  # noqa: E402
from dedup.errors import DedupError, InputError  # noqa: E402

THRESHOLD = 0.5

Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Graph:
    """``works`` that are linked: pairs of them, of which some do not reach the threshold."""

    works: int
    strong: Pairs
    weak: Pairs = ()


@dataclass
class InOneProcess:
    """Does parts one after the other, in any order; where ``broken`` names a stage, it ends in the middle of it."""

    stages: Mapping[str, Stage]
    broken: str = ""

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        for place, part in enumerate(np.random.default_rng(len(parts)).permutation(parts).tolist()):
            if stage == self.broken and place == 2:
                raise InputError(f"{stage}: no space left")
            Workshop(root).do(self.stages[stage], part)
            yield part


def linked_stage(graph: Graph, span: int) -> Stage:
    """The links in the place of those that are judged: each in the part of its left work."""

    def linked_part(desk: Desk) -> Notes:
        both = ((graph.strong, THRESHOLD), (graph.weak, THRESHOLD - 0.01))
        rows = {(*sorted(pair), p) for pairs, p in both for pair in pairs if min(pair) // span == desk.part}
        ordered = sorted(rows)
        columns = ("left", "right", "probability")
        kinds = (pa.int64(), pa.int64(), pa.float64())
        desk.write(
            pa.table(
                {
                    name: pa.array([row[place] for row in ordered], kind)
                    for place, (name, kind) in enumerate(zip(columns, kinds, strict=True))
                }
            )
        )
        return {"confirmed": sum(row[2] >= THRESHOLD for row in ordered)}

    return Stage(LINKED, linked_part, settings=("threshold",))


class Made:
    """The components of a graph in parts of ``span`` works."""

    def __init__(self, folder: Path, graph: Graph, span: int, broken: str = "") -> None:
        self.folder, self.parts = folder, -(-graph.works // span)
        linked = linked_stage(graph, span)
        self.run = Run(
            Workshop(str(folder)),
            Settings(threshold=THRESHOLD),
            InOneProcess({**STAGES, LINKED: linked}, broken),
        )
        self.run.begin()
        self.run.stage(linked, self.parts, {"pairs": np.array(graph.strong, np.int64)})
        self.sizes = labelled(self.run, span, self.parts)

    @property
    def labels(self) -> dict[int, int]:
        """Work -> component, of works that have links."""
        tables = [labels_at(Desk(self.run.workshop, "", part)) for part in range(self.parts)]
        works = [numbers_of(table, "work").tolist() for table in tables]
        assert all(some == sorted(set(some)) for some in works)
        labels = [numbers_of(table, "component").tolist() for table in tables]
        return dict(zip(chain.from_iterable(works), chain.from_iterable(labels), strict=True))

    @property
    def rounds(self) -> int:
        """In which not all was done yet."""
        return sum(name.startswith("small-star") for name in self.run.done)

    def sent(self, stage: str) -> int:
        """Rows that a stage has sent."""
        return sum(cast("int", receipt.notes["sent"]) for receipt in self.run.done[stage].receipts)


def expected(graph: Graph) -> dict[int, int]:
    left, right = (np.array([pair[side] for pair in graph.strong], np.int64) for side in (0, 1))
    names = joined_in_one_piece(left, right, graph.works)
    return {work: int(names[work]) for work in sorted({work for pair in graph.strong for work in pair})}


def random_graph(works: int, links: int, seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, works, (links, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    return Graph(works, [tuple(pair) for pair in np.sort(ends, axis=1).tolist()])


def chained(works: Sequence[int]) -> Graph:
    return Graph(len(works), list(pairwise(works)))


@pytest.fixture
def by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """No links are few, and no stage is little."""
    monkeypatch.setattr(components, "LINKS_HERE", -1)
    monkeypatch.setattr(run, "LITTLE", 0)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    works = draw(st.integers(2, 24))
    pair = st.tuples(st.integers(0, works - 1), st.integers(0, works - 1)).filter(lambda pair: pair[0] < pair[1])
    strong = draw(st.lists(pair, max_size=30, unique=True))
    weak = draw(st.lists(pair.filter(lambda one: one not in strong), max_size=8, unique=True))
    return Graph(works, strong, weak)


@given(graphs(), st.integers(1, 25), st.sampled_from([-1, 2**24]), st.sampled_from([1, 3, 1_024]))
@settings(max_examples=40, deadline=None)
def test_any_graph_in_any_parts_has_the_components_that_it_has_in_one_piece(
    graph: Graph, span: int, here: int, buckets: int
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(components, "LINKS_HERE", here)
        patch.setattr(components, "MOST_BUCKETS", buckets)
        made = Made(Path(folder), graph, span)
        assert made.labels == expected(graph)
        assert len(made.sizes) <= buckets
        assert (STRONG in made.run.done, COMPONENTS in made.run.done) == (here < 0, here > 0)


@pytest.mark.parametrize("span", [17, 100, 300])
@pytest.mark.parametrize("links", [0, 40, 150, 400])
def test_links_few_and_many_are_joined_alike(
    links: int, span: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = random_graph(300, links, links)
    here = Made(tmp_path / "here", graph, span)
    monkeypatch.setattr(components, "LINKS_HERE", len(graph.strong) - 1)
    by_all = Made(tmp_path / "by-all", graph, span)
    assert here.labels == by_all.labels == expected(graph)
    assert [one.notes for one in here.sizes] == [one.notes for one in by_all.sizes]


@pytest.mark.usefixtures("by_all")
@pytest.mark.parametrize("in_order", [True, False])
def test_a_long_chain_takes_few_rounds_and_sends_no_more_than_three_rows_a_link_in_each(
    in_order: bool, tmp_path: Path
) -> None:
    works = list(range(2_000)) if in_order else np.random.default_rng(0).permutation(2_000).tolist()
    made = Made(tmp_path, chained(works), 400)
    assert set(made.labels.values()) == {0}
    assert len(made.labels) == 2_000
    assert 0 < made.rounds <= 11  # log2 of the works
    for number in range(made.rounds):
        large, small = stages_of(number)
        assert 0 < made.sent(large.name) <= 1_999
        assert 0 < made.sent(small.name) <= 2 * 1_999


@pytest.mark.usefixtures("by_all")
@pytest.mark.parametrize("hub", [0, 700, 1_999])
def test_a_work_with_many_neighbours_sends_no_more_than_its_links(hub: int, tmp_path: Path) -> None:
    graph = Graph(2_000, [(work, hub) for work in range(2_000) if work != hub])
    made = Made(tmp_path, graph, 150)
    assert set(made.labels.values()) == {0}
    assert made.rounds <= 2
    assert made.sent(STRONG) <= 2 * 1_999
    for number in range(made.rounds):
        large, small = stages_of(number)
        assert made.sent(large.name) <= 1_999
        assert made.sent(small.name) <= 2 * 1_999


@pytest.mark.usefixtures("by_all")
def test_links_of_one_part_are_sent_as_a_tree(tmp_path: Path) -> None:
    everyone = [(left, right) for right in range(40) for left in range(right)]
    made = Made(tmp_path, Graph(40, everyone), 40)
    assert made.sent(STRONG) == 2 * 39
    assert set(made.labels.values()) == {0}


@pytest.mark.usefixtures("by_all")
def test_what_a_round_has_sent_is_removed(tmp_path: Path) -> None:
    made = Made(tmp_path, random_graph(300, 400, 1), 40)
    assert made.rounds > 1
    names = [name for name in made.run.done if name.startswith((STRONG, "large", "small"))]
    assert len(names) == 2 * made.rounds + 2
    assert not [file for name in names for file in (tmp_path / name).glob("*.arrow")]
    again = Made(tmp_path, random_graph(300, 400, 1), 40)
    assert again.run.taken == list(made.run.done)


@pytest.mark.usefixtures("by_all")
@pytest.mark.parametrize("broken", [STRONG, "large-star-00", "small-star-01", LABELS])
def test_a_run_that_ended_in_a_round_goes_on(broken: str, tmp_path: Path) -> None:
    graph = random_graph(300, 400, 2)
    with pytest.raises(InputError, match=broken):
        Made(tmp_path, graph, 40, broken)
    assert Made(tmp_path, graph, 40).labels == expected(graph)
    fewer = Graph(300, graph.strong[::2])  # what was removed is not taken for theirs
    assert Made(tmp_path, fewer, 40).labels == expected(fewer)


@pytest.mark.usefixtures("by_all")
def test_too_many_rounds_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "MOST_ROUNDS", 2)
    works = np.random.default_rng(0).permutation(500).tolist()
    with pytest.raises(DedupError, match=r"after 2 rounds \d+ works are still tied"):
        Made(tmp_path, chained(works), 50)


@pytest.mark.parametrize("here", [-1, 2**24])
def test_what_parts_are_told_does_not_grow_with_the_links(
    here: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components, "LINKS_HERE", here)
    for links in (40, 1_500):
        made = Made(tmp_path / str(links), random_graph(2_000, links, links), 200)
        files = [made.folder / given_name(name) for name in made.run.done if name not in {LINKED, SIZES}]
        assert len(files) > 1
        assert all(file.stat().st_size < 2_000 for file in files)
        assert len(packed_arrays(placing(made.sizes, made.parts))) < 2_000  # where components are clustered


# --- where components are clustered


def receipt(components: int, squares: int, large: Sequence[tuple[int, int]]) -> Receipt:
    notes: dict[str, object] = {"components": components, "squares": squares, "large": [list(one) for one in large]}
    return Receipt(0, 0, 0, 0, 0, 0.0, notes)


def test_large_components_are_spread_and_small_ones_hashed() -> None:
    large = [(1_000 * number, 300 + number) for number in range(20)]
    squares = sum(size**2 for _, size in large)
    told = placing([receipt(500, squares, large[:7]), receipt(500, squares // 10, large[7:])], 10)
    names = np.array([name for name, _ in large])
    assert np.bincount(places_of(names, told)).tolist() == [2] * 10
    hashed = np.bincount(places_of(np.arange(12, 12_000, 12), told), minlength=10)
    assert hashed.min() > 80
    assert hashed.max() < 120


def test_of_large_components_only_so_many_are_told_of() -> None:
    large = [(number, 256) for number in range(1_000)]
    told = placing([receipt(1_000, 1_000 * 256**2, large)], 10)
    assert len(told["large"]) == 0  # each is a hundredth of what a part has
    told = placing([receipt(1_000, 1_000 * 256**2 + 10**8, [*large, (1_000, 10**4)])], 10)
    assert told["large"].tolist() == [1_000]
    told = placing([receipt(EIGHTH * 10 - 1, (EIGHTH * 10 - 1) * 256**2, large[: EIGHTH * 10 - 1])], 10)
    assert len(told["large"]) == EIGHTH * 10 - 1


def test_no_component_at_all_is_clustered_in_one_part() -> None:
    told = placing([receipt(0, 0, [])], 10)
    assert told["count"] == 1
    assert places_of(np.array([5, 9]), told).tolist() == [0, 0]


def test_sizes_are_counted_over_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "LARGE", 3)
    made = Made(tmp_path, Graph(30, [(1, 29), (5, 17), (17, 28), (2, 3)]), 5)
    assert sum(cast("int", one.notes["components"]) for one in made.sizes) == 3
    assert sum(cast("int", one.notes["squares"]) for one in made.sizes) == 4 + 9 + 4
    assert [one.notes["large"] for one in made.sizes if one.notes["large"]] == [[[5, 3]]]
