"""Results: from clusters of works to what is told of records.

    works by number, clusters -where-> which record of which partition holds which work, and the cluster of that work
        -told-> what a report says of each record, sent
            to where those that cite one page are          -conflicts-> pages cited by articles that disagree
            to where its cluster is, if it is in one       -joined----> clusters of records: their rows and links
            to where ids of its range are, if it is alone  -written---> the same by id (dedup.engines.outputs)
    judged pairs -apart-> those that cite one page, sent to where the page is

The rows of a part go through the functions of a local run. Whoever plans gets counts.

All records that cite one page come to one part: a page that a million records cite takes a worker some 500 MB if their
contents disagree, and nothing is left out.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from dedup.conflicts import Citation, conflicts_of, disputed, highest
from dedup.engines.clustering import CLUSTERED, IN_CLUSTERS
from dedup.engines.columns import BYTES, buckets_of, numbers_of, texts, texts_of
from dedup.engines.confirming import CONFIRMED
from dedup.engines.consulting import LINKED
from dedup.engines.links import clusters_of as clusters_in
from dedup.engines.plan import Found
from dedup.engines.run import Run
from dedup.engines.sketching import ENTRY, SKETCH, entries_of
from dedup.engines.stage import Desk, Notes, Receipt, Stage, noted
from dedup.engines.works import GROUPED, NUMBERED, starts_of
from dedup.pipeline import Counts, Decided, clusters_of
from dedup.report.assignment import arrow_table, places_of, row_of
from dedup.report.document import Link, link_of, writable

WHERE: Final = "where"
HERE: Final = "here"
TOLD: Final = "told"
CITING: Final = "citing"
JOINING: Final = "joining"
ALONE: Final = "alone"
APART: Final = "apart"
BY_PAGE: Final = "by-page"
CONFLICTS: Final = "conflicts"
JOINED: Final = "joined"
PLACED: Final = "placed"
TIES: Final = "ties"

NAMED: Final = ("id", "path", "line", "language")
"""The columns that the assignment takes from a record."""

_TEXT: Final = pa.string()
_EVIDENCE: Final = pa.struct({"name": _TEXT, "value": pa.float64(), "weight": pa.float64(), "detail": _TEXT})
LINK_ROWS: Final = pa.schema(
    {
        "left": _TEXT,
        "right": _TEXT,
        "cluster": _TEXT,
        "relation": _TEXT,
        "probability": pa.float64(),
        "found_by": pa.list_(_TEXT),
        "evidence": pa.list_(_EVIDENCE),
        "confirmed_by": _TEXT,
    }
)
"""The links of the report as a table: those of all clusters."""


@dataclass(frozen=True, slots=True)
class Results:
    """What is counted of the results; the rest is in the stages."""

    counts: Counts
    decided: Decided
    linked: int
    """Links of clusters, between works."""
    links: int
    """The same between records: with the copies."""
    sizes: Counter[int]
    """Records in a cluster -> clusters with so many."""
    flagged: int
    """Clusters with flags."""
    pages: int
    """Those that are cited by records whose contents disagree,"""
    citing: int
    """and these records."""
    shortened: int
    """Records that are longer than the settings allow, and"""
    dropped_segments: int
    """segments left out of them."""


def results(run: Run, found: Found) -> Results:
    """Do the stages after the clusters."""
    partitions, cuts = run.done[SKETCH].parts, run.workshop.given(GROUPED)["cuts"]
    numbered = run.done[NUMBERED]
    run.stage(WHERING, numbered.parts, {"starts": starts_of(numbered.receipts), "partitions": np.array(partitions)})
    counts_of_parts = {"parts": found.parts, "pages": found.buckets, "clustered": found.clustered.parts}
    given = {"cuts": cuts, **{name: np.array(count) for name, count in counts_of_parts.items()}}
    told = run.stage(TELLING, partitions, given)
    run.stage(APARTING, run.done[LINKED].parts)
    pages = run.stage(CONFLICTING, found.buckets)
    counts = sum((_counts(receipt) for receipt in told), Counts())
    by_language = sorted(counts.texts.items())
    in_input = {
        "languages": np.array([language for language, _ in by_language], np.str_),
        "texts": np.array([count for _, count in by_language], np.int64),
    }
    joined = run.stage(JOINING_UP, found.parts, in_input)
    judged = run.done[LINKED].receipts
    return Results(
        counts=counts,
        decided=Decided(
            noted(judged, "judged") + found.clustered.judged, noted(judged, "confirmed"), found.clustered.not_judged
        ),
        linked=noted(joined, "linked"),
        links=noted(joined, "links"),
        sizes=sum((_sizes(receipt) for receipt in joined), Counter()),
        flagged=noted(joined, "flagged"),
        pages=noted(pages, "pages"),
        citing=noted(pages, "records"),
        shortened=noted(told, "shortened"),
        dropped_segments=noted(told, "dropped_segments"),
    )


def _counts(receipt: Receipt) -> Counts:
    notes = cast("dict[str, dict[str, int]]", receipt.notes)
    return Counts(Counter(notes["articles"]), Counter(notes["texts"]))


def _sizes(receipt: Receipt) -> Counter[int]:
    sizes = cast("dict[str, int]", receipt.notes["sizes"])
    return Counter({int(size): count for size, count in sizes.items()})


def _lengths(lists: "pa.ChunkedArray") -> NDArray[np.int64]:
    lengths: NDArray[np.int64] = pa.compute.list_value_length(lists).to_numpy().astype(np.int64)
    return lengths


# --- which record holds which work


def where_part(desk: Desk) -> Notes:
    """The records of the works of a range, sent to the partitions that they are in; ``part`` is where the cluster of
    the work is, or -1, and ``group`` the first work of that cluster, or its own.
    """
    table = desk.table(NUMBERED, desk.part, ["partitions", "rows"])
    sizes = _lengths(table["rows"])
    works = int(desk.given()["starts"][desk.part]) + np.arange(len(table))
    group, part = works.copy(), np.full(len(works), -1, np.int32)
    in_clusters = desk.gather(CLUSTERED, IN_CLUSTERS)
    place = numbers_of(in_clusters, "work") - int(desk.given()["starts"][desk.part])
    group[place], part[place] = numbers_of(in_clusters, "group"), numbers_of(in_clusters, "part")
    is_first = np.zeros(int(sizes.sum()), bool)
    is_first[np.cumsum(sizes) - sizes] = True
    rows = pa.table(
        {
            "row": pa.compute.list_flatten(table["rows"]),
            "work": np.repeat(works, sizes),
            "group": np.repeat(group, sizes),
            "part": np.repeat(part, sizes),
            "first": is_first,
            "copied": np.repeat(sizes > 1, sizes),
        }
    )
    partitions = pa.compute.list_flatten(table["partitions"]).to_numpy().astype(np.int64)
    desk.scatter(HERE, rows, partitions, int(desk.given()["partitions"]))
    return {}


# --- what is told of each record


def told_part(desk: Desk) -> Notes:
    """The records of a partition, sent to where what becomes of them is told."""
    given = desk.given()
    parts = int(given["parts"])
    here = desk.gather(WHERE, HERE)
    works, part_of = numbers_of(here, "work"), numbers_of(here, "part")
    in_cluster, copied = part_of >= 0, here["copied"].to_numpy()
    part_of[~in_cluster] = works[~in_cluster] % parts  # where nothing puts it together with another work
    rows = desk.table(SKETCH, desk.part, ENTRY).take(here["row"])
    rows = rows.append_column("work", here["work"]).append_column("group", here["group"])
    joins = in_cluster | copied
    _send_citing(desk, rows, int(given["pages"]))
    desk.scatter(JOINING, rows.filter(pa.array(joins)), part_of[joins], parts)
    alone = rows.filter(pa.array(~joins)).select(NAMED)
    cuts = _cuts(desk)
    desk.scatter(ALONE, alone, _ranges(map(writable, texts_of(alone, "id")), cuts), len(cuts) + 1)
    beyond = rows.select(["id", "beyond"]).filter(pa.compute.greater(rows["beyond"], 0))
    desk.write(beyond)
    languages = texts_of(rows, "language")
    return {
        "articles": Counter(languages),
        "texts": Counter(one for one, first in zip(languages, here["first"].to_pylist(), strict=True) if first),
        "shortened": len(beyond),
        "dropped_segments": int(numbers_of(beyond, "beyond").sum()),
    }


def _send_citing(desk: Desk, rows: "pa.Table", buckets: int) -> None:
    citing = rows.filter(pa.compute.is_valid(rows["key"]))
    desk.scatter(CITING, citing, buckets_of(citing["key"].to_pylist(), buckets), buckets)


def _cuts(desk: Desk) -> list[bytes]:
    return [bytes.fromhex(cut) for cut in desk.given(TOLD)["cuts"].tolist()]


def _ranges(ids: Iterable[str], cuts: Sequence[bytes]) -> NDArray[np.int64]:
    """The range of each id as it is written, which are the same in all stages."""
    return np.fromiter((bisect_right(cuts, id_.encode()) for id_ in ids), np.int64)


# --- conflicts


def apart_part(desk: Desk) -> Notes:
    """The judged pairs that cite one page, sent to where the page is: whether a cluster holds both is known there."""
    pages: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    cited = desk.more(CONFIRMED, desk.part, 0)
    for left, right, key in zip(*(cited[name].to_pylist() for name in ("left", "right", "key")), strict=True):
        pages[left, right].append(key)
    judged = desk.table(LINKED, desk.part, ["left", "right", "probability"])
    rows = [
        (key, left, right, probability)
        for left, right, probability in zip(*(column.to_pylist() for column in judged.columns), strict=True)
        for key in pages.get((left, right), ())
    ]
    keys, left, right, probability = ([row[column] for row in rows] for column in range(4))
    table = pa.table(
        {
            "key": pa.array(keys, BYTES),
            "left": pa.array(left, pa.int64()),
            "right": pa.array(right, pa.int64()),
            "probability": pa.array(probability, pa.float64()),
        }
    )
    buckets = int(desk.given(TOLD)["pages"])
    desk.scatter(BY_PAGE, table, buckets_of(keys, buckets), buckets)
    return {}


def _apart(desk: Desk, citing: "pa.Table") -> Iterator[tuple[str, float]]:
    """Of each judged pair that cites a page of this bucket and is in no cluster together: the page, the probability.

    A record of each of its works is among those that cite the page.
    """
    group_of = dict(zip(citing["work"].to_pylist(), citing["group"].to_pylist(), strict=True))
    pairs = desk.gather(APART, BY_PAGE)
    sides = (pairs[side].to_pylist() for side in ("left", "right"))
    for key, left, right, probability in zip(
        texts_of(pairs, "key"), *sides, pairs["probability"].to_pylist(), strict=True
    ):
        if group_of[left] != group_of[right]:
            yield key, probability


def conflicts_part(desk: Desk) -> Notes:
    """The pages of a bucket that are cited by records whose contents disagree, and these records."""
    citing = desk.gather(TOLD, CITING)
    keys, groups = texts_of(citing, "key"), citing["group"].to_pylist()
    best = highest(_apart(desk, citing))
    open_ = disputed(zip(keys, groups, strict=True))
    citing = by_id(citing.filter(pa.array([key in open_ for key in keys], pa.bool_())))
    entries = entries_of(citing)
    citations = (
        Citation(row, group, entry.source_key, entry.source_url)
        for row, (entry, group) in enumerate(zip(entries, citing["group"].to_pylist(), strict=True))
        if entry.source_key is not None
    )
    found = conflicts_of(citations, best)
    pages = sorted(found)
    table = pa.table(
        {
            "key": texts(pages),
            "source_url": texts(found[key].source_url for key in pages),
            "reason": texts(found[key].reason for key in pages),
            "members": pa.array([list(found[key].members) for key in pages], pa.large_list(pa.int64())),
        }
    )
    desk.write(table)
    desk.write_more(0, citing.select(ENTRY))
    return {"pages": len(pages), "records": len(citing)}


def by_id(table: "pa.Table") -> "pa.Table":
    """The rows in the order of their ids."""
    return table.take(pa.compute.sort_indices(table["id"]))


# --- clusters of records


def joined_part(desk: Desk) -> Notes:
    """The records of some clusters, and their rows and links sent to where their ids are."""
    part = desk.part
    given = desk.given()
    table = by_id(desk.gather(TOLD, JOINING))
    articles = entries_of(table)
    works = members_of(table["work"].to_pylist())
    in_input = Counter(dict(zip(given["languages"].tolist(), given["texts"].tolist(), strict=True)))
    of_works = clusters_in(desk.table(CLUSTERED, part)) if part < int(desk.given(TOLD)["clustered"]) else []
    clusters = clusters_of(of_works, works, articles, in_input, desk.settings.threshold)
    places = dict(places_of(clusters, articles))
    rows = arrow_table([row_of(article, places[i]) for i, article in enumerate(articles)])
    _send_by_id(desk, PLACED, rows, "id")
    ids = [writable(article.id) for article in articles]
    links = [
        {"cluster": places[cluster.members[0]].cluster, **link_row(link_of(link, ids))}
        for cluster in clusters
        for link in cluster.links
    ]
    _send_by_id(desk, TIES, pa.Table.from_pylist(links, LINK_ROWS), "left")
    desk.write(table.select([*ENTRY, "work"]))
    return {
        "linked": sum(len(found.links) for found in of_works),
        "links": len(links),
        "sizes": Counter(str(len(cluster.members)) for cluster in clusters),
        "flagged": sum(1 for cluster in clusters if cluster.flags),
    }


def members_of(works: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """The places of each work in a sequence, ascending."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, work in enumerate(works):
        places[work].append(place)
    return {work: tuple(its) for work, its in places.items()}


def _send_by_id(desk: Desk, name: str, rows: "pa.Table", column: str) -> None:
    cuts = _cuts(desk)
    desk.scatter(name, rows, _ranges(rows[column].to_pylist(), cuts), len(cuts) + 1)


def link_row(link: Link) -> dict[str, object]:
    """A link as a row, but for its cluster."""
    return {
        "left": link.left,
        "right": link.right,
        "relation": str(link.relation),
        "probability": link.probability,
        "found_by": list(map(str, link.found_by)),
        "evidence": [msgspec.structs.asdict(one) for one in link.evidence],
        "confirmed_by": str(link.confirmed_by),
    }


WHERING: Final = Stage(WHERE, where_part, after=(NUMBERED, CLUSTERED), light=True)
TELLING: Final = Stage(TOLD, told_part, after=(WHERE, SKETCH), light=True)
APARTING: Final = Stage(APART, apart_part, after=(TOLD, LINKED, CONFIRMED), light=True)
CONFLICTING: Final = Stage(CONFLICTS, conflicts_part, after=(TOLD, APART), light=True)
JOINING_UP: Final = Stage(JOINED, joined_part, after=(TOLD, CLUSTERED), settings=("threshold",), light=True)
