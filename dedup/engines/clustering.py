"""Clustering: the links that reach the threshold make components, and each component is clustered by itself.

    labels, sizes -------------------> in which part each component is clustered
    labels, subjects -members--------> the subjects of its works, there
    labels, judged pairs -asked-> -answered-> -inside-> the judged pairs inside it, there
                                            -clusters-> clusters; of each work in one, which, to its range of numbers

A judged pair lies in the part of its left work, whose component is known there. Whether the right one's is the same is
asked where that is known, with a few numbers; the pair itself travels if it is. A link of at least the threshold needs
no question. Of all this, whoever plans learns counts, and which components are large
(:data:`dedup.engines.components.LARGE`).

A component is clustered in one part, where further pairs are judged as clustering asks for them.
"""

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.clusters import cluster_component
from dedup.engines.columns import numbers_of
from dedup.engines.components import LABELS, bucket_of, components_of, labelled, labels_at, labels_in, looked_up
from dedup.engines.consulting import LINKED, Consulted, encoded_in
from dedup.engines.links import clusters_of, clusters_table, links_of
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Given, Notes, Receipt, Stage, noted
from dedup.engines.subjects import COMPARED, SUBJECTS, Subjects
from dedup.engines.works import NUMBERED, starts_of
from dedup.model import Cluster
from dedup.pipeline import Judge

MEMBERS: Final = "members"
INSIDE_ASKED: Final = "inside-asked"
INSIDE_ANSWERED: Final = "inside-answered"
INSIDE: Final = "inside"
CLUSTERED: Final = "clusters"

BY_COMPONENT: Final = "by-component"
RIGHT: Final = "right"
ROWS: Final = "rows"
IN_CLUSTERS: Final = "in-clusters"
"""Rows ``work``, ``group`` (the first work of its cluster) and ``part`` (where that is), by the range of the work."""

EIGHTH: Final = 8
"""A large component is given its part by whoever plans if it is more than an eighth of what a part has on the average,
in squares of sizes; so no more than eight for each part are."""

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: its multiples are spread evenly (Knuth 1998, section 6.4)."""


@dataclass(frozen=True, slots=True)
class Clustered:
    """In how many parts the clusters of works are, how many further pairs were judged, and how many pairs of large
    clusters were not.
    """

    parts: int
    judged: int
    not_judged: int


def clustered(run: Run, consulted: Consulted, span: int, parts: int) -> Clustered:
    """Make the clusters of works."""
    given = placing(labelled(run, span, parts), parts)
    run.stage(MEMBERING, parts, given)
    run.stage(ASKING_INSIDE, parts)
    run.stage(ANSWERING_INSIDE, run.done[LABELS].parts, {"parts": np.array(parts)})
    run.stage(INSIDING, parts, given)
    run.drop(INSIDE_ASKED, INSIDE_ANSWERED)
    encoded = [encoded_in(i) for i in range(consulted.rounds)]
    after = (MEMBERS, INSIDE, *encoded)
    starts = starts_of(run.done[NUMBERED].receipts)
    count = int(given["count"])
    told = {"rounds": np.array(consulted.rounds), "starts": starts}
    receipts = run.stage(replace(CLUSTERING, after=after), count, told)
    run.drop(MEMBERS, INSIDE)
    return Clustered(count, noted(receipts, "judged"), noted(receipts, "not_judged"))


def clusters_found(run: Run, clustered: Clustered) -> tuple[Cluster, ...]:
    """The clusters of works, in the order of their first members."""
    clusters = [one for part in range(clustered.parts) for one in clusters_of(run.table(CLUSTERED, part))]
    return tuple(sorted(clusters, key=lambda c: c.members))


# --- in which part a component is clustered


def placing(sizes: Sequence[Receipt], parts: int) -> Given:
    """In how many parts components are clustered, and where some large ones are (:func:`places_of`).

    What a component takes grows with the square of its size, at most. The largest are placed first, where least is so
    far.
    """
    components, squares = noted(sizes, "components"), noted(sizes, "squares")
    count = max(1, min(parts, components))
    told = [one for r in sizes for one in cast("list[tuple[int, int]]", r.notes["large"])]
    large = [(component, size) for component, size in told if size**2 * count * EIGHTH > squares]
    load = [(0, place) for place in range(count)]
    place_of: dict[int, int] = {}
    for component, size in sorted(large, key=lambda one: (-one[1], one[0])):
        least, place = load[0]
        place_of[component] = place
        heapq.heapreplace(load, (least + size**2, place))
    chosen = sorted(place_of)
    return {
        "count": np.array(count),
        "large": np.array(chosen, np.int64),
        "places": np.array([place_of[component] for component in chosen], np.int64),
    }


def places_of(components: NDArray[np.int64], given: Given) -> NDArray[np.int64]:
    """The part in which each component is clustered: by a hash of its name, but for some large ones."""
    high = (components.astype(np.uint64) * _FACTOR) >> np.uint64(32)
    places = ((high * np.uint64(int(given["count"]))) >> np.uint64(32)).astype(np.int64)
    at, is_large = looked_up(given["large"], components)
    places[is_large] = given["places"][at[is_large]]
    return places


def _send(desk: Desk, rows: "pa.Table", components: NDArray[np.int64]) -> None:
    """Send rows to where their components are clustered."""
    given = desk.given()
    rows = rows.append_column("component", pa.array(components))
    desk.scatter(BY_COMPONENT, rows, places_of(components, given), int(given["count"]))


# --- what comes together there


def members_part(desk: Desk) -> Notes:
    """The subjects of works that have links."""
    table = desk.table(SUBJECTS, desk.part, COMPARED)
    component, there = components_of(labels_at(desk), numbers_of(table, "work"))
    _send(desk, table.filter(pa.array(there)), component[there])
    return {}


def inside_asked_part(desk: Desk) -> Notes:
    """Of judged pairs below the threshold whose left work is in a component: is the right one in it?"""
    table = desk.table(LINKED, desk.part, ["left", "right", "probability"])
    component, there = components_of(labels_at(desk), numbers_of(table, "left"))
    row = np.flatnonzero(there & (table["probability"].to_numpy() < desk.settings.threshold))
    right = numbers_of(table, "right")[row]
    by = np.full(len(row), desk.part, np.int32)
    rows = pa.table({"work": right, "component": component[row], "by": by, "row": row.astype(np.int32)})
    desk.scatter(RIGHT, rows, *bucket_of(desk, right))
    return {"asked": len(rows)}


def inside_answered_part(desk: Desk) -> Notes:
    """Those of which it is, sent back."""
    asked = desk.gather(INSIDE_ASKED, RIGHT)
    component, _ = components_of(labels_in(desk), numbers_of(asked, "work"))
    same = asked.filter(pa.array(component == numbers_of(asked, "component")))
    desk.scatter(ROWS, same.select(["row"]), numbers_of(same, "by"), int(desk.given()["parts"]))
    return {"inside": len(same)}


def inside_part(desk: Desk) -> Notes:
    """The judged pairs inside a component."""
    table = desk.table(LINKED, desk.part)
    inside = table["probability"].to_numpy() >= desk.settings.threshold
    inside[numbers_of(desk.gather(INSIDE_ANSWERED, ROWS), "row")] = True
    table = table.filter(pa.array(inside))
    component, _ = components_of(labels_at(desk), numbers_of(table, "left"))
    _send(desk, table, component)
    return {}


def clustered_part(desk: Desk) -> Notes:
    """Cluster some components."""
    members = desk.gather(MEMBERS, BY_COMPONENT)
    subjects = Subjects([members])
    judge = _judge(desk, subjects)
    works_of: dict[int, list[int]] = defaultdict(list)
    for component, work in zip(members["component"].to_pylist(), members["work"].to_pylist(), strict=True):
        works_of[component].append(work)
    pairs = desk.gather(INSIDE, BY_COMPONENT)
    links_by: dict[int, list[int]] = defaultdict(list)
    for row, component in enumerate(pairs["component"].to_pylist()):
        links_by[component].append(row)
    clusters: list[Cluster] = []
    judged = not_judged = 0
    can_be = judge.possible()
    for component, works in sorted(works_of.items()):
        links = links_of(pairs.take(links_by[component]))
        writings = {work: subjects[work].writing for work in works}
        found = cluster_component(sorted(works), links, writings, judge, desk.settings.threshold, can_be)
        clusters += found.clusters
        judged += found.judged
        not_judged += found.not_judged
    desk.write(clusters_table(clusters))
    _tell(desk, clusters)
    return {"judged": judged, "not_judged": not_judged}


def _tell(desk: Desk, clusters: Sequence[Cluster]) -> None:
    """Tell where the numbers of works are which of them are in clusters."""
    starts = desk.given()["starts"]
    works = np.array([work for cluster in clusters for work in cluster.members], np.int64)
    group = np.array([cluster.members[0] for cluster in clusters for _ in cluster.members], np.int64)
    rows = pa.table({"work": works, "group": group, "part": np.full(len(works), desk.part, np.int32)})
    desk.scatter(IN_CLUSTERS, rows, np.searchsorted(starts, works, side="right") - 1, len(starts) - 1)


def _judge(desk: Desk, subjects: Subjects) -> Judge:
    models = desk.models
    keys = {work: subjects.keys_of(work) for work in subjects}
    rounds = int(desk.given()["rounds"])
    tables = [desk.table(encoded_in(i), 0) for i in range(rounds)]
    if not tables or models.closer is None:
        return Judge(keys, subjects, desk.calibration, models.kind)
    closer = Subjects(tables)
    return Judge(keys, subjects, desk.calibration, models.kind, closer, models.closer.calibration)


MEMBERING: Final = Stage(MEMBERS, members_part, after=(SUBJECTS, LABELS), light=True)
ASKING_INSIDE: Final = Stage(
    INSIDE_ASKED, inside_asked_part, after=(LINKED, LABELS), settings=("threshold",), light=True
)
ANSWERING_INSIDE: Final = Stage(INSIDE_ANSWERED, inside_answered_part, after=(INSIDE_ASKED, LABELS), light=True)
INSIDING: Final = Stage(
    INSIDE, inside_part, after=(LINKED, LABELS, INSIDE_ANSWERED), settings=("threshold",), light=True
)
CLUSTERING: Final = Stage(CLUSTERED, clustered_part, after=(MEMBERS, INSIDE), settings=("threshold",), light=True)
