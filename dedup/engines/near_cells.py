"""Meetings in the cells of the index of neighbours, over parts (:mod:`dedup.neighbours`).

    vectors -cells-> in which cells each work lies and looks
                     how many there are of each part -sizes-> how many of all; the places of those in large cells
    vectors, cells -sent-> to where those of a cell, or of a piece of a large one, meet
                           -met-> what each finds, sent to its part -found-> the nearest so far

A cell that is too large is cut by position, so that each part must know how many of the cell the parts before it hold.
That is told of large cells only.

A work's vector is sent to where it lies, and to where it looks: twice for each table. So much is not kept of all tables
at once: they are done in *waves*, and what a wave has sent is deleted when it is done.
"""

from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.engines.columns import all_rows_from_bytes, numbers_of, rows_of_bytes
from dedup.engines.near_space import STEPS, TRAINED
from dedup.engines.run import Run
from dedup.engines.stage import Desk, Given, Notes, Stage
from dedup.neighbours import tables
from dedup.neighbours.finds import gathered, none_found
from dedup.neighbours.meetings import Found, Members, comparisons, found_in, part_of, parts_of
from dedup.neighbours.steps import Whole
from dedup.neighbours.tables import cell_count, nearest_cells

CELLS: Final = "near-cells"
SIZES: Final = "near-sizes"
SENT: Final = "near-sent"
MET: Final = "near-met"
FOUND: Final = "near-found"

COUNTS: Final = "counts"
PLACES: Final = "places"
VECTORS: Final = "vectors"
FINDS: Final = "finds"

AT_ONCE: Final = 2**33
"""Bytes of vectors that a wave sends, unless one table is more."""

MOST_RANGES: Final = 256
"""Parts in which the sizes of cells are added, at most: whoever plans reads what each of them writes."""


def of_wave(name: str, wave: int) -> str:
    """The stage of a wave."""
    return f"{name}-{wave:02d}"


def waves_of(total: int, width: int) -> list[range]:
    """The tables of each wave, for so many works with vectors of so many dimensions."""
    each = total * tables.PROBES * width * np.dtype(np.int16).itemsize
    waves = -(-tables.TABLES // max(1, AT_ONCE // each))
    borders = [wave * tables.TABLES // waves for wave in range(waves + 1)]
    return [range(*some) for some in pairwise(borders)]


def wave_done(run: Run, shape: Given, wave: int, some: range) -> int:
    """Do the stages of a wave, which are those of some tables; how many pairs were compared."""
    total, parts = int(shape["total"]), int(shape["parts"])
    means = np.stack([all_rows_from_bytes(run.table(TRAINED, table), "mean", np.float32) for table in some])
    count = cell_count(total)
    ranges, rooms = min(parts, count, MOST_RANGES), min(parts, count * len(some))
    told = {**shape, "wave": np.array(wave), "tables": np.array(some), "ranges": np.array(ranges)}
    cells, sizing, sending, meeting, finding = stages_of(wave)
    run.stage(cells, parts, {**told, "means": means})
    run.stage(sizing, ranges, told)
    sizes = _sizes(run, sizing.name, ranges, (len(some), min(tables.PROBES, count), count))
    run.stage(sending, parts, {**told, "sizes": sizes, "rooms": np.array(rooms)})
    run.stage(meeting, rooms, told)
    run.stage(finding, parts, told)
    run.drop(cells.name, sending.name, meeting.name)
    if wave:
        run.drop(of_wave(FOUND, wave - 1))
    return sum(comparisons(list(of_table), of_table[0], total) for of_table in sizes)


def _sizes(run: Run, stage: str, parts: int, shape: tuple[int, int, int]) -> Whole:
    """How many look in each cell by each probe: shape (tables, probes, cells)."""
    sizes = np.zeros(shape, np.int64)
    for part in range(parts):
        table = run.table(stage, part)
        sizes.reshape(-1)[numbers_of(table, "cell")] = numbers_of(table, "articles")
    return sizes


# --- the stages


def cells_part(desk: Desk) -> Notes:
    """The cells of the works of this part, and how many are in each."""
    given = desk.given()
    steps = all_rows_from_bytes(desk.table(STEPS, desk.part, ["steps"]), "steps", np.int16)
    cells = np.stack([nearest_cells(steps, means) for means in given["means"]], axis=1)
    desk.write(pa.table({"cells": rows_of_bytes(cells.reshape(len(cells), -1))}))
    count = given["means"].shape[1]
    numbers, articles = np.unique(_numbered(cells, count), return_counts=True)
    rows = pa.table({"cell": numbers, "articles": articles, "part": np.full(len(numbers), desk.part)})
    ranges = int(given["ranges"])
    desk.scatter(COUNTS, rows, numbers % count % ranges, ranges)
    return {}


def _numbered(cells: NDArray[np.int32], count: int) -> Whole:
    """Each cell of each table and probe as one number, of an array of shape (works, tables, probes)."""
    tables_and_probes = np.arange(cells.shape[1] * cells.shape[2]).reshape(cells.shape[1:])
    numbers: Whole = tables_and_probes * count + cells.astype(np.int64)
    return numbers


def sizes_part(desk: Desk) -> Notes:
    """How many are in some cells; and for each part with some of a cell that is cut, how many are before them."""
    given = desk.given()
    total = int(given["total"])
    counts = desk.gather(of_wave(CELLS, int(given["wave"])), COUNTS)
    cells, articles = numbers_of(counts, "cell"), numbers_of(counts, "articles")
    there, places = np.unique(cells, return_inverse=True)
    sizes = np.bincount(places, articles, len(there)).astype(np.int64)
    desk.write(pa.table({"cell": there, "articles": sizes}))
    order = np.argsort(places, kind="stable")  # the rows are in the order of their parts
    before: Whole = np.cumsum(articles[order]) - articles[order]
    begins = np.flatnonzero(np.diff(places[order], prepend=-1))
    before -= np.repeat(before[begins], np.diff(begins, append=len(order)))
    chosen = _cut(there, sizes, total)[places[order]]
    rows = pa.table({"cell": cells[order][chosen], "before": before[chosen]})
    desk.scatter(PLACES, rows, numbers_of(counts, "part")[order][chosen], int(given["parts"]))
    return {}


def _cut(cells: Whole, sizes: Whole, total: int) -> NDArray[np.bool_]:
    """Which cells, ascending by number, are cut for a probe: for their own, or for any if it is where works lie."""
    count = cell_count(total)
    probes = min(tables.PROBES, count)
    table, probe, cell = cells // count // probes, cells // count % probes, cells % count
    lying = (table * probes) * count + cell
    place = np.minimum(np.searchsorted(cells, lying), max(0, len(cells) - 1))
    liers = np.where(cells[place] == lying, sizes[place], 0)
    cut = parts_of(sizes, liers, total) > 1
    by_any = np.isin(cells, lying[cut])
    chosen: NDArray[np.bool_] = cut | ((probe == 0) & by_any)
    return chosen


def sent_part(desk: Desk) -> Notes:
    """The vectors of this part, sent to where those of their cells meet."""
    given = desk.given()
    wave, rooms = int(given["wave"]), int(given["rooms"])
    vectors = desk.table(STEPS, desk.part)
    sizes = given["sizes"]
    cells = all_rows_from_bytes(desk.table(of_wave(CELLS, wave), desk.part), "cells", np.int32)
    cells = cells.reshape(len(cells), *sizes.shape[:2])
    ranks = _ranks(_numbered(cells, sizes.shape[2]), desk.gather(of_wave(SIZES, wave), PLACES))
    sent = [
        _meetings(cells[:, table], ranks[:, table], sizes[table], int(given["total"]), table)
        for table in range(len(sizes))
    ]
    rows, meetings, masks, room = (np.concatenate(columns) for columns in zip(*sent, strict=True))
    order = np.argsort(room % rooms, kind="stable")  # so that vectors are copied once
    rows = rows[order]
    table = pa.table(
        {
            "work": numbers_of(vectors, "work")[rows],
            "code": numbers_of(vectors, "code")[rows].astype(np.int32),
            "meeting": meetings[order],
            "masks": masks[order].astype(np.int32),
            "steps": rows_of_bytes(all_rows_from_bytes(vectors, "steps", np.int16)[rows]),
        }
    )
    desk.scatter(VECTORS, table, room[order] % rooms, rooms)
    return {}


def _ranks(numbers: Whole, before: "pa.Table") -> Whole:
    """The place of each work by position in each of its cells, same shape; in a cell that is not cut, in this part."""
    flat = numbers.reshape(-1)
    order = np.argsort(flat, kind="stable")
    begins = np.flatnonzero(np.diff(flat[order], prepend=-1))
    ranks = np.empty(len(flat), np.int64)
    ranks[order] = np.arange(len(flat)) - np.repeat(begins, np.diff(begins, append=len(flat)))
    large, starts = numbers_of(before, "cell"), numbers_of(before, "before")
    if len(large):
        by_cell = np.argsort(large)
        place = by_cell[np.minimum(np.searchsorted(large, flat, sorter=by_cell), len(large) - 1)]
        ranks += np.where(large[place] == flat, starts[place], 0)
    return ranks.reshape(numbers.shape)


def _meetings(
    cells: NDArray[np.int32], ranks: Whole, sizes: Whole, total: int, table: int
) -> tuple[Whole, Whole, Whole, Whole]:
    """Who goes where for a table: for each row that is sent, which work of the part it is, the number of the meeting,
    by which probes it asks (low bits) and lies there (high bits), and by what number its room is chosen.
    """
    probes, count = sizes.shape
    every = np.arange(len(cells))
    rows, places, masks = [], [], []
    for probe in range(probes):
        parts = parts_of(sizes[probe], sizes[0], total)
        for side, mask in ((probe, 1 << probe), (0, 1 << (probes + probe))):
            cell = cells[:, side]
            there = every[parts[cell] > 0]
            cell = cell[there]
            part = part_of(ranks[there, side], sizes[side][cell], parts[cell])
            rows.append(there)
            places.append(part * count + cell)
            masks.append(np.full(len(there), mask, np.int64))
    row, place, mask = (np.concatenate(columns) for columns in (rows, places, masks))
    order = np.lexsort((place, row))
    row, place = row[order], place[order]
    new = np.diff(row, prepend=-1).astype(np.bool_) | np.diff(place, prepend=-1).astype(np.bool_)
    begins = np.flatnonzero(new)
    row, place, mask = row[begins], place[begins], np.bitwise_or.reduceat(mask[order], begins)
    part, cell = place // count, place % count
    return row, (table * total + part) * count + cell, mask, table * count + cell + part


def met_part(desk: Desk) -> Notes:
    """What the works that meet in this room find, sent to their parts."""
    given = desk.given()
    total, span = int(given["total"]), int(given["span"])
    neighbours = desk.settings.neighbours
    table = desk.gather(of_wave(SENT, int(given["wave"])), VECTORS)
    here = Members(numbers_of(table, "work"), numbers_of(table, "code"), all_rows_from_bytes(table, "steps", np.int16))
    masks, meetings = numbers_of(table, "masks"), numbers_of(table, "meeting")
    probes = min(tables.PROBES, cell_count(total))
    works, finds = [np.empty(0, np.int64)], [none_found(0, neighbours)]
    order = np.argsort(meetings, kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(meetings[order])) + 1):
        for probe in range(probes):
            asking, lying = ((masks[some] >> bit) & 1 == 1 for bit in (probe, probes + probe))
            if asking.any():
                askers, liers = some[asking], some[lying]
                works.append(here.positions[askers])
                finds.append(found_in(_these(here, askers), _these(here, liers), total, neighbours))
    there, places = np.unique(np.concatenate(works), return_inverse=True)
    best = gathered(places, _joined(finds), len(there))
    desk.scatter(FINDS, _finds_table(there, best), there // span, int(given["parts"]))
    return {}


def _these(members: Members, rows: NDArray[np.intp]) -> Members:
    return Members(members.positions[rows], members.codes[rows], members.steps[rows])


def found_part(desk: Desk) -> Notes:
    """The nearest of each work of this part, after this wave."""
    given = desk.given()
    wave = int(given["wave"])
    made = [desk.gather(of_wave(MET, wave), FINDS)]
    if wave:
        made.append(desk.table(of_wave(FOUND, wave - 1), desk.part))
    start = desk.part * int(given["span"])
    articles = min(int(given["span"]), int(given["total"]) - start)
    works = np.concatenate([numbers_of(table, "work") for table in made])
    best = gathered(works - start, _joined([finds_of(table) for table in made]), articles)
    desk.write(_finds_table(np.arange(start, start + articles), best))
    return {}


# --- what was found, as rows


def _joined(finds: list[Found]) -> Found:
    return Found(*(np.concatenate([getattr(one, name) for one in finds]) for name in ("own", "others", "codes")))


def _finds_table(works: Whole, found: Found) -> "pa.Table":
    codes = rows_of_bytes(found.codes.astype(np.int32))
    return pa.table(
        {"work": works, "own": rows_of_bytes(found.own), "others": rows_of_bytes(found.others), "codes": codes}
    )


def finds_of(table: "pa.Table") -> Found:
    """What was found of the works in the rows of a table."""
    own, others = (all_rows_from_bytes(table, name, np.int64) for name in ("own", "others"))
    return Found(own, others, all_rows_from_bytes(table, "codes", np.int32).astype(np.int64))


# --- all of them


def stages_of(wave: int) -> tuple[Stage, Stage, Stage, Stage, Stage]:
    """The stages of a wave, in order."""
    cells, sizes, sent, met, found = (of_wave(name, wave) for name in (CELLS, SIZES, SENT, MET, FOUND))
    before = (of_wave(FOUND, wave - 1),) if wave else ()
    return (
        Stage(cells, cells_part, after=(STEPS, TRAINED)),
        Stage(sizes, sizes_part, after=(cells,), light=True),
        Stage(sent, sent_part, after=(STEPS, cells, sizes)),
        Stage(met, met_part, after=(sent,), settings=("neighbours",)),
        Stage(found, found_part, after=(met, *before), settings=("neighbours",)),
    )


WAVES: Final = tuple(stage for wave in range(tables.TABLES) for stage in stages_of(wave))
