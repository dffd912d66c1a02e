"""Components: which works links of at least the threshold connect, over parts. Each goes by its smallest work.

    links, few of them -components---------------------------------> labels -sizes-> how large each component is
    links, more -strong-> (-large-star-> -small-star->) by round --> labels

Up to :data:`LINKS_HERE` links are joined in one part, by whoever plans. More are joined by all, by alternating stars
(Kiveris et al. 2014, Connected Components in MapReduce and Beyond). A round does twice a thing of the kind:

* *large star*: each work ties its larger neighbours to the smallest of its neighbours and itself;
* *small star*: each work ties itself and its smaller neighbours to the smallest of these.

Neither changes what is connected, and neither makes links more. When every work that has a smaller neighbour has no
other one, each component is a star around its smallest work. Chains take longest: of 1,000, 10,000, 100,000 and
1,000,000 works in any order 8, 11, 13 and 16 rounds; groups of up to 12 works take one
(``scripts/measure_components.py``).

A row is two numbers, a work and a neighbour, and lies where the work is: works are dealt out by their numbers, those of
several parts together where there are many parts, so that a round does not make more pieces than rows. A large star
sends one row a link, a small star two, for both ends ask next. Of the links that lie in one part only so many are sent
as keep their works connected. What a round has sent is deleted when it is read.

*A work with many neighbours*, such as the smallest of a large component, has its rows in one place: 16 bytes for each
other work of the component. They are read whole, so that a component of ten million works costs 160 MB there, and a few
times that while they are sorted. Clustering such a component, which is done in one part, too, takes far more.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.clusters import components
from dedup.engines.columns import numbers_of
from dedup.engines.consulting import LINKED
from dedup.engines.run import Run
from dedup.engines.stage import MOST_BUCKETS, Desk, Given, Notes, Receipt, Stage, noted
from dedup.errors import DedupError

COMPONENTS: Final = "components"
STRONG: Final = "strong"
LARGE_STAR: Final = "large-star"
SMALL_STAR: Final = "small-star"
LABELS: Final = "labels"
SIZES: Final = "sizes"

ENDS: Final = "ends"
"""Rows ``node`` and ``neighbour``, where the node is; of what labels are read from, so that the smallest of a
node and its neighbours is its component."""

COUNTS: Final = "counts"

LARGE: Final = 256
"""Works of a component that is told of by itself: few are, and all pairs of one are 32,640."""

LINKS_HERE: Final = 2**24
"""Links that are joined in one part: up to 3 GB and a minute (``scripts/measure_components.py --here``)."""

MOST_ROUNDS: Final = 64
"""Each is two stages, whose names workers must know. A chain of a million works takes 16."""

Numbers = NDArray[np.int64]


def labelled(run: Run, span: int, parts: int) -> list[Receipt]:
    """Give each work that has a link of at least the threshold its component: do the stages up to :data:`LABELS` (see
    :func:`labels_at`) and :data:`SIZES`, whose receipts say how large the components are.

    Raises :class:`DedupError` if :data:`MOST_ROUNDS` are not enough.
    """
    each = -(-parts // MOST_BUCKETS)
    buckets = -(-parts // each)
    shape = {"span": np.array(span * each), "buckets": np.array(buckets)}
    links = noted(run.done[LINKED].receipts, "confirmed")
    if links <= LINKS_HERE:
        run.stage(JOINING, 1, shape)
        source = COMPONENTS
    else:
        source = _joined_by_all(run, shape, parts)
    run.stage(labelling(source), buckets, {**shape, "each": np.array(each), "source": np.array(source)})
    run.drop(source)
    return run.stage(SIZING, buckets)


def of_round(name: str, number: int) -> str:
    """The stage of a round."""
    return f"{name}-{number:02d}"


def _joined_by_all(run: Run, shape: Given, parts: int) -> str:
    """Make stars of the components: the stage that has sent them."""
    run.stage(STRENGTH, parts, shape)
    source, buckets = STRONG, int(shape["buckets"])
    for number in range(MOST_ROUNDS):
        large, small = stages_of(number)
        told = {**shape, "round": np.array(number)}
        open_ = noted(run.stage(large, buckets, told), "open")
        if not open_:
            run.drop(large.name)
            return source
        run.stage(small, buckets, told)
        run.drop(source, large.name)
        source = small.name
    raise DedupError(
        f"components: after {MOST_ROUNDS} rounds {open_:,} works are still tied to more than the first of theirs; "
        "with a higher threshold there are fewer links"
    )


# --- the stages


def components_part(desk: Desk) -> Notes:
    """The component of each work that has a link, sent to where the work is."""
    strong = [_strong(desk, part) for part in range(desk.parts_of(LINKED))]
    left, right = (np.concatenate(ends) for ends in zip(*strong, strict=True))
    works, first = _joined(left, right)
    return {"sent": _send(desk, works, first)}


def strong_part(desk: Desk) -> Notes:
    """The links of this part that reach the threshold, or as many as connect the same works, sent to both ends."""
    works, first = _joined(*_strong(desk, desk.part))
    return {"sent": _send_both(desk, works[first < works], first[first < works])}


def _strong(desk: Desk, part: int) -> tuple[Numbers, Numbers]:
    table = desk.table(LINKED, part, ["left", "right", "probability"])
    table = table.filter(pa.array(table["probability"].to_numpy() >= desk.settings.threshold))
    return numbers_of(table, "left"), numbers_of(table, "right")


def _joined(left: Numbers, right: Numbers) -> tuple[Numbers, Numbers]:
    """The works of some links, ascending, and the smallest that each is connected to by them."""
    works, ends = np.unique(np.concatenate([left, right]), return_inverse=True)
    return works, works[components(ends[: len(left)], ends[len(left) :], len(works))]


def large_star_part(desk: Desk) -> Notes:
    """Larger neighbours tied to the smallest; ``open`` are works that keep their component from being a star."""
    stars = _Stars(desk.gather(_before(int(desk.given()["round"])), ENDS))
    open_ = int(((stars.least < stars.nodes) & (stars.sizes > 1)).sum())
    larger = stars.neighbour > stars.node
    sent = _send(desk, *_once(stars.neighbour[larger], stars.least_of_row[larger]))
    return {"open": open_, "sent": sent}


def small_star_part(desk: Desk) -> Notes:
    """Works and their smaller neighbours tied to the smallest."""
    stars = _Stars(desk.gather(of_round(LARGE_STAR, int(desk.given()["round"])), ENDS))  # only smaller ones are sent
    others = stars.neighbour > stars.least_of_row
    node = np.concatenate([stars.nodes, stars.neighbour[others]])
    least = np.concatenate([stars.least, stars.least_of_row[others]])
    return {"sent": _send_both(desk, *_once(node, least))}


def _before(number: int) -> str:
    """What a round reads."""
    return of_round(SMALL_STAR, number - 1) if number else STRONG


class _Stars:
    """Nodes with their neighbours, from rows in any order, some perhaps there twice."""

    def __init__(self, table: "pa.Table") -> None:
        self.node, self.neighbour = _once(numbers_of(table, "node"), numbers_of(table, "neighbour"))
        """Each row once, in the order of both."""
        begins = np.flatnonzero(np.diff(self.node, prepend=-1))
        self.nodes = self.node[begins]
        """Each node once, ascending; of each,"""
        self.sizes = np.diff(begins, append=len(self.node))
        """how many neighbours it has, and"""
        self.least = np.minimum(self.nodes, self.neighbour[begins])
        """the smallest of them and itself."""
        self.least_of_row: Numbers = np.repeat(self.least, self.sizes)
        """The same for each row's node."""


def _once(node: Numbers, neighbour: Numbers) -> tuple[Numbers, Numbers]:
    """Each pair of numbers once, in the order of both."""
    order = np.lexsort((neighbour, node))
    node, neighbour = node[order], neighbour[order]
    new = (np.diff(node, prepend=-1) != 0) | (np.diff(neighbour, prepend=-1) != 0)
    return node[new], neighbour[new]


def _send_both(desk: Desk, node: Numbers, neighbour: Numbers) -> int:
    return _send(desk, np.concatenate([node, neighbour]), np.concatenate([neighbour, node]))


def _send(desk: Desk, node: Numbers, neighbour: Numbers) -> int:
    """Send rows to where their nodes are; how many."""
    given = desk.given()
    rows = pa.table({"node": node, "neighbour": neighbour})
    desk.scatter(ENDS, rows, node // int(given["span"]), int(given["buckets"]))
    return len(rows)


def labels_part(desk: Desk) -> Notes:
    """The component of each work of a bucket that has a link, a table for each part whose works they are; how many of
    each component, sent to where its first work is.
    """
    given = desk.given()
    span, each = int(given["span"]), int(given["each"])
    stars = _Stars(desk.gather(given["source"].item(), ENDS))
    firsts = desk.part * span + np.arange(each + 1) * (span // each)
    for number, (start, end) in enumerate(pairwise(np.searchsorted(stars.nodes, firsts).tolist())):
        desk.write_more(number, pa.table({"work": stars.nodes[start:end], "component": stars.least[start:end]}))
    component, works = np.unique(stars.least, return_counts=True)
    rows = pa.table({"component": component, "works": works})
    desk.scatter(COUNTS, rows, component // span, int(given["buckets"]))
    return {}


def labels_at(desk: Desk) -> "pa.Table":
    """The works of this part that have links, ascending (``work``), and the ``component`` of each."""
    each = int(desk.given(LABELS)["each"])
    return desk.more(LABELS, desk.part // each, desk.part % each)


def labels_in(desk: Desk) -> "pa.Table":
    """The same of the works of this bucket of :data:`LABELS`."""
    each = int(desk.given(LABELS)["each"])
    return pa.concat_tables([desk.more(LABELS, desk.part, number) for number in range(each)])


def bucket_of(desk: Desk, works: Numbers) -> tuple[Numbers, int]:
    """The bucket of :data:`LABELS` that each of some works is in, and how many buckets there are."""
    given = desk.given(LABELS)
    return works // int(given["span"]), int(given["buckets"])


def components_of(labels: "pa.Table", works: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """The component of each of some works among ``labels``, and whether it is in one; if not, it is -1."""
    place, there = looked_up(numbers_of(labels, "work"), works)
    component = np.full(len(works), -1, np.int64)
    component[there] = numbers_of(labels, "component")[place[there]]
    return component, there


def looked_up(works: Numbers, some: Numbers) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each of some works is among others, which ascend, and whether it is."""
    if not len(works):
        return np.zeros(len(some), np.intp), np.zeros(len(some), bool)
    place = np.minimum(np.searchsorted(works, some), len(works) - 1)
    return place, works[place] == some


def sizes_part(desk: Desk) -> Notes:
    """How many components begin in a bucket, the sum of the squares of their sizes, and which are large."""
    counts = desk.gather(LABELS, COUNTS)
    component, place = np.unique(numbers_of(counts, "component"), return_inverse=True)
    sizes = np.bincount(place, numbers_of(counts, "works"), len(component)).astype(np.int64)
    large = sizes >= LARGE
    told = np.stack([component[large], sizes[large]], axis=1).tolist()
    return {"components": len(component), "squares": int((sizes**2).sum()), "large": told}


JOINING: Final = Stage(COMPONENTS, components_part, after=(LINKED,), settings=("threshold",))
STRENGTH: Final = Stage(STRONG, strong_part, after=(LINKED,), settings=("threshold",), light=True)
SIZING: Final = Stage(SIZES, sizes_part, after=(LABELS,), light=True)


def stages_of(number: int) -> tuple[Stage, Stage]:
    """The stages of a round, in order."""
    large, small = of_round(LARGE_STAR, number), of_round(SMALL_STAR, number)
    return (
        Stage(large, large_star_part, after=(_before(number),), light=True),
        Stage(small, small_star_part, after=(large,), light=True),
    )


def labelling(source: str) -> Stage:
    """The stage that reads the components from what another has sent."""
    return Stage(LABELS, labels_part, after=(source,), light=True)


STAGES_OF_COMPONENTS: Final = (
    JOINING,
    STRENGTH,
    *(stage for number in range(MOST_ROUNDS) for stage in stages_of(number)),
    labelling(COMPONENTS),
    SIZING,
)
