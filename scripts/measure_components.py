"""What it takes to join links to components over parts (:mod:`dedup.engines.components`), round by round.

    python scripts/measure_components.py
    python scripts/measure_components.py --graphs random --here --links 16777216 --parts 500
    python scripts/measure_components.py --chains 1000 10000 100000 1000000

Joins 1,000,000 links in 50 parts, of each graph: *random*, as many works as links, most of them in one component;
*clusters*, groups of 2 to 12 works with all links between them, numbered anyhow; *chain*, works in any order in one
line; *star*, all works tied to one of them. Prints for each stage the rows and bytes that it sent, also by link, and
its processor time. Then how large the largest part is in which components are clustered, in squares of their sizes,
against the mean. With ``--here`` the links are joined in one part; with ``--chains``
only the rounds are, of chains of so many works, in order and in any order. All is done by this process with one
thread. That the components are those of :func:`dedup.clusters.components` is checked.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import cast
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.clusters import components as joined_in_one_piece
from dedup.engines import components
from dedup.engines.clustering import places_of, placing
from dedup.engines.columns import numbers_of
from dedup.engines.components import SIZES, labelled, labels_at
from dedup.engines.consulting import LINKED
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Notes, Stage, Workshop
from dedup.engines.stages import STAGES
from dedup.settings import Settings
from dedup.workers import one_thread_each

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Graph:
    """Links between works: their smaller and their larger ends, each pair once."""

    works: int
    left: Numbers
    right: Numbers


@dataclass(slots=True)
class Here:
    """Does parts one after the other."""

    stages: Mapping[str, Stage]

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        """See :class:`dedup.engines.run.Executor`."""
        workshop = Workshop(root)
        for part in parts:
            workshop.do(self.stages[stage], part)
            yield part


# --- graphs


def graph_of(works: int, one: Numbers, other: Numbers) -> Graph:
    """A graph of these links, without loops and repetitions."""
    left, right = np.minimum(one, other), np.maximum(one, other)
    pairs = np.unique(left[left < right] * works + right[left < right])
    return Graph(works, pairs // works, pairs % works)


def random_graph(links: int) -> Graph:
    """As many works as links."""
    ends = np.random.default_rng(1).integers(0, links, (2, links))
    return graph_of(links, *ends)


def clusters(links: int) -> Graph:
    """Groups of 2 to 12 works, all pairs of which are links."""
    rng = np.random.default_rng(2)
    sizes = rng.integers(2, 13, links)
    ends = np.cumsum(sizes * (sizes - 1) // 2)
    sizes = sizes[: int(np.searchsorted(ends, links)) + 1]
    starts = np.cumsum(sizes) - sizes
    works = int(sizes.sum())
    number = rng.permutation(works)
    one, other = [], []
    for size in np.unique(sizes).tolist():
        first, second = np.triu_indices(size, 1)
        begin = starts[sizes == size][:, None]
        one.append((begin + first).ravel())
        other.append((begin + second).ravel())
    return graph_of(works, number[np.concatenate(one)], number[np.concatenate(other)])


def chain(links: int) -> Graph:
    """One line through all works, in any order."""
    return line(np.random.default_rng(3).permutation(links + 1))


def line(works: Numbers) -> Graph:
    """One line through works in this order."""
    return graph_of(len(works), works[:-1], works[1:])


def star(links: int) -> Graph:
    """All works tied to the one in the middle."""
    works = np.arange(links + 1)
    return graph_of(links + 1, works, np.full(links + 1, links // 2))


GRAPHS: Mapping[str, Callable[[int], Graph]] = {
    "random": random_graph,
    "clusters": clusters,
    "chain": chain,
    "star": star,
}


# --- runs


def linked_stage(graph: Graph, span: int) -> Stage:
    """The links in the place of those that are judged: each in the part of its left work."""

    def linked_part(desk: Desk) -> Notes:
        here = slice(*np.searchsorted(graph.left, [desk.part * span, (desk.part + 1) * span]).tolist())
        left, right = graph.left[here], graph.right[here]
        desk.write(pa.table({"left": left, "right": right, "probability": np.ones(len(left))}))
        return {"confirmed": len(left)}

    return Stage(LINKED, linked_part)


def joined(graph: Graph, parts: int, folder: str, *, here: bool = False) -> Run:
    """The stages from the links to the sizes of components. Raises SystemExit where a component is wrong."""
    at_first = memory()
    span = -(-graph.works // parts)
    linked = linked_stage(graph, span)
    run = Run(Workshop(folder), Settings(), Here({**STAGES, LINKED: linked}))
    run.begin()
    run.stage(linked, parts)
    before = time.process_time()
    with patch.object(components, "LINKS_HERE", len(graph.left) if here else -1):
        labelled(run, span, parts)
    seconds = time.process_time() - before
    print(f"{seconds:.1f} s of a processor in all; memory at most {memory():,.0f} MiB, and {at_first:,.0f} before")
    check(run, graph)
    return run


def memory() -> float:
    """What this process has taken at most, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def labels(run: Run) -> "pa.Table":
    """The component of each work."""
    return pa.concat_tables([labels_at(Desk(run.workshop, "", part)) for part in range(run.done[LINKED].parts)])


def check(run: Run, graph: Graph) -> None:
    """Compare with components of all links at once."""
    names = joined_in_one_piece(graph.left, graph.right, graph.works)
    linked = np.unique(np.concatenate([graph.left, graph.right]))
    tables = labels(run)
    same = np.array_equal(numbers_of(tables, "work"), linked)
    if not same or not np.array_equal(numbers_of(tables, "component"), names[linked]):
        raise SystemExit("the components are wrong")


def main() -> None:
    """Measure each graph."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--parts", type=int, default=50)
    parser.add_argument("--graphs", nargs="+", default=list(GRAPHS), choices=GRAPHS)
    parser.add_argument("--here", action="store_true", help="join all links in one part")
    parser.add_argument("--chains", type=int, nargs="+", default=[], help="tell only the rounds of chains of works")
    called = parser.parse_args()
    with one_thread_each():
        for works in called.chains:
            tell_rounds(works, called.parts)
        for name in [] if called.chains else called.graphs:
            with TemporaryDirectory() as folder:
                graph = GRAPHS[name](called.links)
                print(f"\n{name}: {graph.works:,} works, {len(graph.left):,} links, {called.parts} parts")
                tell(joined(graph, called.parts, folder, here=called.here), len(graph.left))


def tell_rounds(works: int, parts: int) -> None:
    """Of a chain in order, and of one in any order."""
    for told, order in (("in order", np.arange(works)), ("in any order", np.random.default_rng(3).permutation(works))):
        with TemporaryDirectory() as folder:
            run = joined(line(order), parts, folder)
            rounds = sum(name.startswith(components.SMALL_STAR) for name in run.done)
            print(f"chain of {works:,} works {told}: {rounds} rounds", flush=True)


def tell(run: Run, links: int) -> None:
    """A line a stage, then how even the parts are."""
    print("| stage | rows sent | a link | bytes sent | a link | s |\n|---|---|---|---|---|---|")
    for name, done in run.done.items():
        if name != LINKED:
            rows = sum(cast("int", r.notes.get("sent", 0)) for r in done.receipts)
            size, seconds = sum(r.shuffled for r in done.receipts), sum(r.seconds for r in done.receipts)
            print(f"| {name} | {rows:,} | {rows / links:.2f} | {size:,} | {size / links:.1f} | {seconds:.1f} |")
    told = run.done[SIZES].receipts
    names, sizes = np.unique(numbers_of(labels(run), "component"), return_counts=True)
    places = placing(told, run.done[LINKED].parts)
    load = np.bincount(places_of(names, places), sizes.astype(np.float64) ** 2, minlength=int(places["count"]))
    print(
        f"{len(names):,} components, the largest of {sizes.max():,} works; {len(places['large'])} were placed one by "
        f"one; the largest part has {load.max() / load.mean():.2f} times the mean",
        flush=True,
    )


if __name__ == "__main__":
    main()
