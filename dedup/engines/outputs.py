"""What a distributed run gives its user: files that its workers write, a summary, and a report if one is wanted.

* ``assignment/part-*.parquet``: a row for each record, as in the assignment of a local run (:mod:`.report.assignment`);
* ``links/part-*.parquet``: a row for each link of the report, and the cluster that it is of;
* a summary of counts (:mod:`dedup.report.summary`), which is small whatever the run;
* the report of a local run, byte for byte. It is made in one process, of the records that it speaks of.

Rows are in the order of their ids, from part to part, too: whatever the partitions were, the files in their order hold
the same.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from dedup import calibration as calibrations
from dedup.engines.clustering import clusters_found
from dedup.engines.columns import optional_texts_of, texts_of
from dedup.engines.confirming import CONFIRMED
from dedup.engines.plan import Found
from dedup.engines.reading import READ, skipped_of
from dedup.engines.results import ALONE, CONFLICTS, JOINED, PLACED, TIES, TOLD, Results, members_of
from dedup.engines.run import Run
from dedup.engines.sketching import SKETCH, entries_of
from dedup.engines.stage import Desk, Notes, Receipt, Stage, noted, part_name
from dedup.engines.store import Store
from dedup.engines.subjects import SUBJECTS
from dedup.engines.works import GROUPED, UNIQUE
from dedup.model import Conflict, EncoderInfo, Entry, FunnelStage, Report, Skipped
from dedup.pipeline import clusters_of, encoders_of, later_stages, reported
from dedup.read.unique import in_order
from dedup.report import assignment
from dedup.report.assignment import ASSIGNMENT
from dedup.report.document import encoder_of, settings_of
from dedup.report.document import funnel_of as written_funnel
from dedup.report.summary import (
    SCHEMA_VERSION,
    Conflicts,
    StageDone,
    Summary,
    SummaryInput,
    all_skipped,
    clusters_counted,
    tool,
)

WRITTEN: Final = "written"

LINKS: Final = "links"

_PART: Final = re.compile(r"part-(\d{5,})\.parquet")


# --- files


def write_tables(run: Run, root: str) -> None:
    """Write the assignment and the links below ``root``, a folder or a URL that every worker can reach.

    Files that an earlier run left there under such names, and that are none of this one's, are removed. Raises
    :class:`dedup.errors.InputError` where it cannot be written.
    """
    ranges = len(run.workshop.given(GROUPED)["cuts"]) + 1
    out = Store(root)
    run.stage(WRITING, ranges, {"root": np.array(root)})
    if not all(_parts_in(out, folder) >= set(range(ranges)) for folder in (ASSIGNMENT, LINKS)):
        run.workshop.store.remove(WRITTEN)  # an earlier run has written them, and someone has taken them away
        run.stage(WRITING, ranges, {"root": np.array(root)})
    for folder in (ASSIGNMENT, LINKS):
        for part in _parts_in(out, folder) - set(range(ranges)):
            out.remove_file(f"{folder}/{part_name('part', part, 'parquet')}")


def _parts_in(store: Store, folder: str) -> set[int]:
    return {int(found[1]) for found in map(_PART.fullmatch, store.names(folder)) if found}


class _Named(NamedTuple):
    """A record in no cluster."""

    id: str
    path: str | None
    line: int | None
    language: str


def written_part(desk: Desk) -> Notes:
    """The assignment and the links of a range of ids, written to their files."""
    root = desk.given()["root"].item()
    alone = [assignment.row_of(one, assignment.ALONE) for one in _alone(desk.gather(TOLD, ALONE))]
    rows = pa.concat_tables([assignment.arrow_table(alone), desk.gather(JOINED, PLACED)])
    links = desk.gather(JOINED, TIES)
    name = part_name("part", desk.part, "parquet")
    by_id = [("id", "ascending"), ("path", "ascending"), ("line", "ascending")]
    desk.publish(root, f"{ASSIGNMENT}/{name}", rows.sort_by(by_id))
    desk.publish(root, f"{LINKS}/{name}", links.sort_by([("left", "ascending"), ("right", "ascending")]))
    return {"records": len(rows), "links": len(links)}


def _alone(table: "pa.Table") -> Iterator[_Named]:
    columns = (texts_of(table, "id"), optional_texts_of(table, "path"), table["line"].to_pylist())
    return map(_Named, *columns, texts_of(table, "language"))


WRITING: Final = Stage(WRITTEN, written_part, after=(TOLD, JOINED), light=True)


# --- the report


def report_of(run: Run, found: Found, results: Results, listed: Iterable[Skipped]) -> Report:
    """The report of the run. ``listed`` is what was skipped when the paths were looked at."""
    joined = [run.table(JOINED, part) for part in range(run.done[JOINED].parts)]
    pages = _Pages(run)
    entries = {entry.id: entry for entry in (*pages.entries, *(one for table in joined for one in entries_of(table)))}
    ids = sorted(entries)
    position = {id_: place for place, id_ in enumerate(ids)}
    articles = tuple(entries[id_] for id_ in ids)
    joined_works = sorted(
        (position[id_], work)
        for table in joined
        for id_, work in zip(texts_of(table, "id"), table["work"].to_pylist(), strict=True)
    )
    works = {
        work: tuple(joined_works[place][0] for place in places)
        for work, places in members_of([work for _, work in joined_works]).items()
    }
    encoder, first_encoder = _encoders(run)
    return Report(
        articles=articles,
        languages=results.counts.articles,
        clusters=clusters_of(
            clusters_found(run, found.clustered), works, articles, results.counts.texts, run.settings.threshold
        ),
        conflicts=pages.conflicts(position),
        funnel=funnel_of(run, found, results),
        skipped=tuple(skipped_in(run, listed)),
        encoder=encoder,
        first_encoder=first_encoder,
        settings=reported(run.settings),
        dropped_segments=_shortened(run),
        boilerplate=_boilerplate(run),
    )


class _Pages:
    """Pages that are cited by records whose contents disagree, and these records."""

    def __init__(self, run: Run) -> None:
        self._found: list[tuple[str, str, str, list[str]]] = []
        self.entries: list[Entry] = []
        for part in range(run.done[CONFLICTS].parts):
            entries = entries_of(run.more(CONFLICTS, part, 0))
            table = run.table(CONFLICTS, part)
            members = ([entries[row].id for row in rows] for rows in table["members"].to_pylist())
            columns = (texts_of(table, name) for name in ("key", "source_url", "reason"))
            self._found += zip(*columns, members, strict=True)
            self.entries += entries

    def conflicts(self, position: dict[str, int]) -> tuple[Conflict, ...]:
        """The conflicts in the order of their keys; ``position`` is that of each record's id."""
        return tuple(
            Conflict(url, tuple(position[id_] for id_ in members), reason)
            for _, url, reason, members in sorted(self._found)
        )


def funnel_of(run: Run, found: Found, results: Results) -> tuple[FunnelStage, ...]:
    """The whole funnel."""
    ruled_out = FunnelStage("ruled out early", noted(run.done[CONFIRMED].receipts, "ruled_out"))
    later = later_stages(results.decided, results.linked, results.counts.copies)
    return (*found.proposed, ruled_out, *found.consulted.funnel, *later)


def skipped_in(run: Run, listed: Iterable[Skipped]) -> list[Skipped]:
    """What was skipped, by place; ``listed`` when the paths were looked at."""
    tables = [run.table(stage, part) for stage in (READ, UNIQUE) for part in range(run.done[stage].parts)]
    tables += [run.more(SKETCH, part, 0) for part in range(run.done[SKETCH].parts)]
    return in_order((*listed, *(one for table in tables for one in skipped_of(table))))


def _shortened(run: Run) -> dict[str, int]:
    tables = (run.table(TOLD, part) for part in range(run.done[TOLD].parts))
    rows = (zip(texts_of(table, "id"), table["beyond"].to_pylist(), strict=True) for table in tables)
    return {id_: segments for some in rows for id_, segments in some}


def _boilerplate(run: Run) -> int:
    return len(run.workshop.given(SUBJECTS)["boilerplate"])


def _encoders(run: Run) -> tuple[EncoderInfo, EncoderInfo | None]:
    models = run.workshop.models
    return encoders_of(models, (models.calibration or calibrations.for_bundled()).name)


# --- the summary


def summary_of(run: Run, found: Found, results: Results, listed: Iterable[Skipped]) -> Summary:
    """The summary of the run so far; ``listed`` as for :func:`report_of`."""
    encoder, first_encoder = _encoders(run)
    skipped = all_skipped(skipped_in(run, listed))
    return Summary(
        schema_version=SCHEMA_VERSION,
        tool=tool(),
        encoder=encoder_of(encoder),
        first_encoder=None if first_encoder is None else encoder_of(first_encoder),
        settings=settings_of(reported(run.settings)),
        input=SummaryInput(
            records=results.counts.articles.total(),
            texts=results.counts.texts.total(),
            skipped=skipped.pieces,
            languages=dict(sorted(results.counts.articles.items())),
            shortened=results.shortened,
            dropped_segments=results.dropped_segments,
            boilerplate_passages=_boilerplate(run),
        ),
        funnel=written_funnel(funnel_of(run, found, results)),
        clusters=clusters_counted(results.sizes, results.links, results.flagged),
        conflicts=Conflicts(pages=results.pages, records=results.citing),
        skipped=skipped,
        stages=tuple(_done(name, done.receipts) for name, done in run.done.items()),
    )


def _done(name: str, receipts: Sequence[Receipt]) -> StageDone:
    return StageDone(
        stage=name,
        parts=len(receipts),
        rows=sum(r.rows for r in receipts),
        read=sum(r.read for r in receipts),
        written=sum(r.written for r in receipts),
        shuffled=sum(r.shuffled for r in receipts),
        seconds=round(sum(r.seconds for r in receipts), 3),
    )
