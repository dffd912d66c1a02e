"""The whole run, as :mod:`dedup.pipeline` has it, stage by stage over parts.

files -read-> records -sketch-> sketches -unique, works, numbered-> who is where -placed, texts-> works by number
-boilerplate-> -subjects-> what is compared -candidates-> pairs -asked, brought, confirmed-> judged pairs
-consulted-> links -components, labels, members, inside-> -clusters-> clusters -> report
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dedup.engines.boilerplate import boilerplate_of
from dedup.engines.clustering import Clustered, clustered
from dedup.engines.confirming import confirmed
from dedup.engines.consulting import Consulted, consulted
from dedup.engines.near import NEAR, near
from dedup.engines.proposing import SORTED, proposed
from dedup.engines.reading import READ, READING, partitions_of, reading_of, skipped_of
from dedup.engines.run import Run
from dedup.engines.sketching import SKETCH, SKETCHING
from dedup.engines.stage import MOST_BUCKETS
from dedup.engines.subjects import SUBJECTING
from dedup.engines.works import GROUPING, NUMBERING, PLACED, PLACING, TEXTING, UNIQUES, cuts_of, starts_of
from dedup.errors import InputError
from dedup.model import FunnelStage, Skipped
from dedup.read.fields import Fields
from dedup.read.records import Input
from dedup.read.unique import in_order
from dedup.skipped import nothing_to_compare

PARTITION: Final = 4_096
"""Records that are worked on together."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found, but for what the report says of each record."""

    parts: int
    span: int
    buckets: int
    proposed: tuple[FunnelStage, ...]
    """The funnel up to the candidates."""
    consulted: Consulted
    clustered: Clustered


def find(run: Run, given: Input, fields: Fields, partition: int = PARTITION) -> Found:
    """Do the stages up to the clusters. Raises :class:`InputError` where there is nothing to compare."""
    reading = reading_of(given, fields, partition)
    read = run.stage(READING, reading.parts, reading.given)
    places = [(r.part, number) for r in read for number in range(partitions_of(r))]
    if not places:
        raise InputError(nothing_to_compare(_skipped(run, given)))
    partitions = len(places)
    buckets = min(partitions, MOST_BUCKETS)
    at = np.array(places, np.int64)
    run.stage(SKETCHING, partitions, {"read_by": at[:, 0], "number": at[:, 1], "buckets": np.array(buckets)})
    unique = run.stage(UNIQUES, buckets, {"buckets": np.array(buckets)})
    cuts = np.array([cut.hex() for cut in cuts_of(unique, buckets)], np.str_)
    run.stage(GROUPING, buckets, {"cuts": cuts})
    ranges = len(cuts) + 1
    numbered = run.stage(NUMBERING, ranges, {"partitions": np.array(partitions)})
    starts = starts_of(numbered)
    works = int(starts[-1])
    if not works:
        raise InputError(nothing_to_compare(_skipped(run, given)))
    parts = -(-works // partition)
    span = -(-works // parts)
    shape = {"span": np.array(span), "parts": np.array(parts)}
    run.stage(PLACING, partitions, {"starts": starts, **shape})
    run.stage(TEXTING, parts)
    run.drop(PLACED)
    run.stage(SUBJECTING, parts, {"boilerplate": boilerplate_of(run, span, parts)})
    funnel = proposed(run, span, parts, near(run, span, parts))
    run.drop(*SORTED, NEAR)
    confirmed(run, span, parts)
    asked = consulted(run, span, parts)
    return Found(parts, span, buckets, funnel, asked, clustered(run, asked, span, parts))


def _skipped(run: Run, given: Input) -> list[Skipped]:
    """What was skipped of an input of which nothing can be used."""
    tables = [run.table(READ, part) for part in range(run.done[READ].parts)]
    if SKETCH in run.done:
        tables += [run.more(SKETCH, part, 0) for part in range(run.done[SKETCH].parts)]
    return in_order((*given.skipped, *(one for table in tables for one in skipped_of(table))))
