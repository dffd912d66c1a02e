"""Candidate pairs, judged pairs and clusters as rows of tables, and back."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from dedup.candidates import Candidates
from dedup.engines.columns import BYTES
from dedup.model import Cluster, Confirmed, Evidence, Finder, Link, Relation


class _Kept(msgspec.Struct, array_like=True):
    """Of a judged pair all that no one computes with."""

    relation: Relation
    found_by: tuple[Finder, ...]
    evidence: tuple[tuple[str, float, float, str], ...]
    confirmed_by: Confirmed


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Kept)

LINKS: Final = pa.schema({"left": pa.int64(), "right": pa.int64(), "probability": pa.float64(), "rest": BYTES})
"""Judged pairs: the numbers of the two works, and the probability that they carry one article."""


def links_table(links: Iterable[Link]) -> "pa.Table":
    """Judged pairs as rows."""
    links = list(links)
    return pa.table(
        [
            pa.array([link.left for link in links], pa.int64()),
            pa.array([link.right for link in links], pa.int64()),
            pa.array([link.probability for link in links], pa.float64()),
            pa.array([_encoder.encode(_kept(link)) for link in links], BYTES),
        ],
        schema=LINKS,
    )


def _kept(link: Link) -> _Kept:
    evidence = tuple((e.name, e.value, e.weight, e.detail) for e in link.evidence)
    return _Kept(link.relation, link.found_by, evidence, link.confirmed_by)


def links_of(table: "pa.Table") -> list[Link]:
    """The judged pairs again, in the order of the rows."""
    columns = (table[name].to_pylist() for name in LINKS.names)
    return [_link(*row) for row in zip(*columns, strict=True)]


def _link(left: int, right: int, probability: float, rest: bytes) -> Link:
    kept = _decoder.decode(rest)
    evidence = tuple(Evidence(*one) for one in kept.evidence)
    return Link(left, right, kept.relation, probability, kept.found_by, evidence, kept.confirmed_by)


def candidates_table(pairs: Candidates) -> "pa.Table":
    """Candidate pairs as rows."""
    return pa.table(
        {
            "left": pa.array(pairs.left, pa.int64()),
            "right": pa.array(pairs.right, pa.int64()),
            "found_by": pa.array(pairs.found_by, pa.uint8()),
        }
    )


def candidates_of(table: "pa.Table") -> Candidates:
    """The candidate pairs again."""
    return Candidates(
        table["left"].to_numpy().astype(np.int64),
        table["right"].to_numpy().astype(np.int64),
        table["found_by"].to_numpy().astype(np.uint8),
    )


def clusters_table(clusters: Sequence[Cluster]) -> "pa.Table":
    """Clusters of works, each with its links: those that reach the threshold, and the weakest, which may not."""
    all_links = [(c.weakest, *c.links) for c in clusters]
    tables = [links_table([link for link in some if link is not None]) for some in all_links]
    return pa.table(
        {
            "members": pa.array([list(c.members) for c in clusters], pa.large_list(pa.int64())),
            "confidence": pa.array([c.confidence for c in clusters], pa.float64()),
            "agreement": pa.array([list(c.agreement) for c in clusters], pa.large_list(pa.float64())),
            "links": pa.array([table.to_pylist() for table in tables], pa.large_list(pa.struct(LINKS))),
        }
    )


def clusters_of(table: "pa.Table") -> list[Cluster]:
    """The clusters again. The first of each one's links is its weakest."""
    return [
        Cluster(
            members=tuple(row["members"]),
            links=tuple(_link(**link) for link in row["links"][1:]),
            confidence=row["confidence"],
            weakest=_link(**row["links"][0]),
            agreement=tuple(row["agreement"]),
        )
        for row in table.to_pylist()
    ]
