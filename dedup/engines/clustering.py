"""Clustering: the links that reach the threshold make components, and each component is clustered by itself.

Only the two numbers of each such link reach whoever plans. The judged pairs inside a component, and the subjects of its
works, come together in one part, where further pairs are judged as clustering asks for them.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.clusters import cluster_component, components
from dedup.engines.columns import numbers_of
from dedup.engines.consulting import LINKED, Consulted, encoded_in
from dedup.engines.links import clusters_of, clusters_table, links_of
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Given, Notes, Stage
from dedup.engines.subjects import COMPARED, SUBJECTS, Subjects
from dedup.model import Cluster
from dedup.pipeline import Judge

MEMBERS: Final = "members"
INSIDE: Final = "inside"
CLUSTERED: Final = "clusters"
BY_COMPONENT: Final = "by-component"


@dataclass(frozen=True, slots=True)
class Clustered:
    """In how many parts the clusters of works are, and how many further pairs were judged."""

    parts: int
    judged: int


def clustered(run: Run, consulted: Consulted, parts: int) -> Clustered:
    """Make the clusters of works."""
    left, right = _strong_links(run, parts)
    given = _components(left, right, parts)
    count = int(given["parts"])
    if not count:
        return Clustered(0, 0)
    run.stage(MEMBERING, parts, given)
    run.stage(INSIDING, parts, given)
    encoded = [encoded_in(i) for i in range(consulted.rounds)]
    after = (MEMBERS, INSIDE, *encoded)
    receipts = run.stage(replace(CLUSTERING, after=after), count, {"rounds": np.array(consulted.rounds)})
    return Clustered(count, sum(int(str(r.notes["judged"])) for r in receipts))


def clusters_found(run: Run, clustered: Clustered) -> tuple[Cluster, ...]:
    """The clusters of works, in the order of their first members."""
    clusters = [one for part in range(clustered.parts) for one in clusters_of(run.table(CLUSTERED, part))]
    return tuple(sorted(clusters, key=lambda c: c.members))


def _strong_links(run: Run, parts: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sides: list[list[NDArray[np.int64]]] = [[], []]
    for part in range(parts):
        table = run.table(LINKED, part, ["left", "right", "probability"])
        table = table.filter(pa.array(table["probability"].to_numpy() >= run.settings.threshold))
        for side, name in zip(sides, ("left", "right"), strict=True):
            side.append(numbers_of(table, name))
    return np.concatenate(sides[0]), np.concatenate(sides[1])


def _components(left: NDArray[np.int64], right: NDArray[np.int64], parts: int) -> Given:
    """The works that have links, ascending, the component of each, and in which part that is clustered."""
    works, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    names = components(places[: len(left)], places[len(left) :], len(works))
    labels, sizes = np.unique(names, return_inverse=True, return_counts=True)[1:]
    # The largest first, to the part with the least to do so far.
    count = min(parts, len(sizes))
    part_of, load = np.zeros(len(sizes), np.int64), np.zeros(max(count, 1), np.int64)
    for component in np.lexsort((np.arange(len(sizes)), -sizes)).tolist():
        part = int(load.argmin())
        part_of[component] = part
        load[part] += int(sizes[component]) ** 2
    return {"works": works, "component": labels.astype(np.int64), "part": part_of[labels], "parts": np.array(count)}


def members_part(desk: Desk) -> Notes:
    """The subjects of works that have links, sent to where their component is clustered."""
    part = desk.part
    given = desk.given()
    table = desk.table(SUBJECTS, part, COMPARED)
    place, chosen = _looked_up(given["works"], numbers_of(table, "work"))
    rows = table.filter(pa.array(chosen)).append_column("component", pa.array(given["component"][place[chosen]]))
    desk.scatter(BY_COMPONENT, rows, given["part"][place[chosen]].astype(np.int64), int(given["parts"]))
    return {}


def inside_part(desk: Desk) -> Notes:
    """The judged pairs inside a component, sent to where it is clustered."""
    part = desk.part
    given = desk.given()
    table = desk.table(LINKED, part)
    left, has_left = _looked_up(given["works"], numbers_of(table, "left"))
    right, has_right = _looked_up(given["works"], numbers_of(table, "right"))
    inside = has_left & has_right & (given["component"][left] == given["component"][right])
    rows = table.filter(pa.array(inside)).append_column("component", pa.array(given["component"][left[inside]]))
    desk.scatter(BY_COMPONENT, rows, given["part"][left[inside]].astype(np.int64), int(given["parts"]))
    return {}


def _looked_up(works: NDArray[np.generic], some: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each of some works is among others, which ascend, and whether it is."""
    place = np.minimum(np.searchsorted(works, some), len(works) - 1)
    return place, works[place] == some


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
    judged = 0
    can_be = judge.possible()
    for component, works in sorted(works_of.items()):
        links = links_of(pairs.take(links_by[component]))
        writings = {work: subjects[work].writing for work in works}
        found = cluster_component(sorted(works), links, writings, judge, desk.settings.threshold, can_be)
        clusters += found.clusters
        judged += found.judged
    desk.write(clusters_table(clusters))
    return {"judged": judged}


def _judge(desk: Desk, subjects: Subjects) -> Judge:
    models = desk.models
    keys = {work: subjects.keys_of(work) for work in subjects}
    if models.calibration is None:
        raise AssertionError("a run without a calibration is not distributed")
    rounds = int(desk.given()["rounds"])
    tables = [desk.table(encoded_in(i), 0) for i in range(rounds)]
    if not tables or models.closer is None:
        return Judge(keys, subjects, models.calibration, models.kind)
    closer = Subjects(tables)
    return Judge(keys, subjects, models.calibration, models.kind, closer, models.closer.calibration)


MEMBERING: Final = Stage(MEMBERS, members_part, after=(SUBJECTS, LINKED), light=True)
INSIDING: Final = Stage(INSIDE, inside_part, after=(LINKED,), light=True)

CLUSTERING: Final = Stage(CLUSTERED, clustered_part, after=(MEMBERS, INSIDE), settings=("threshold",))
