"""An assignment read back: which records a run put together, as ``--assignment`` and ``--tables`` wrote them
(:mod:`dedup.report.assignment`, :mod:`dedup.engines.outputs`). It takes as much memory as its ids do.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from dedup.errors import ReportError
from dedup.extras import require
from dedup.read import lines
from dedup.read.remote import File
from dedup.report.assignment import ASSIGNMENT, PARQUET, SUMMARY

Pairs = Iterator[tuple[str, str | None]]
"""Record ids, and the ids of their clusters; None for a record in none."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """Of each cluster its id and those of its records, and how many ``records`` there are, in clusters or not."""

    clusters: Sequence[tuple[str, Sequence[str]]]
    records: int
    guarded: bool = False
    """Whether ids stand there as :func:`dedup.report.assignment.guarded_cell` spells them."""


def is_assignment(path: File) -> bool:
    """Whether a name is that of an assignment, or a path leads to a folder, which may hold one."""
    return _form_of(path) is not None or (isinstance(path, Path) and path.is_dir())


def load_assignment(path: File) -> Assigned:
    """The assignment in a table, or in the tables of a folder. Raises :class:`ReportError` where there is none, it is
    not whole, or a record is in it twice.
    """
    members: dict[str, list[str]] = {}
    seen: set[str] = set()
    guarded = False
    for table in _tables_in(path):
        form = _form_of(table)
        if form is None:
            raise ReportError(f"{table}: not an assignment of dedup, by its name")
        guarded |= form.guarded
        try:
            for record, cluster in form.read(table.read_bytes()):
                if record in seen:
                    raise ValueError(f"record {record!r} is in it twice")
                seen.add(record)
                if cluster is not None:
                    members.setdefault(cluster, []).append(record)
        except OSError as error:
            raise ReportError(f"{table}: cannot be read: {error.strerror or error}") from error
        except (ValueError, RecursionError, csv.Error) as error:  # errors of msgspec and pyarrow are ValueErrors
            raise ReportError(f"{table}: not an assignment of dedup: {' '.join(str(error).split())}") from error
    return Assigned(tuple(members.items()), len(seen), guarded)


def _tables_in(path: File) -> list[File]:
    if not (isinstance(path, Path) and path.is_dir()):
        return [path]
    within = path / ASSIGNMENT
    if not within.is_dir():
        raise ReportError(f"{path}: a folder without {ASSIGNMENT}/, which --tables writes")
    if not (path / SUMMARY).is_file():
        raise ReportError(f"{path}: not whole: {SUMMARY} is missing, which is written last")
    return [*sorted(within.glob(f"part-*{PARQUET}"))]


@dataclass(frozen=True, slots=True)
class _Form:
    """How a table is read, and whether ids in it are guarded."""

    read: Callable[[bytes], Pairs]
    guarded: bool = False


def _form_of(path: File) -> _Form | None:
    name = path.name.lower()
    if name.endswith(PARQUET):
        return _Form(_of_parquet)
    for packed, unpack in _UNPACKED.items():
        for ending, reader in _READERS.items():
            if name.endswith(ending + packed):
                return _Form(partial(_unpacked, reader, unpack), guarded=ending in _GUARDED)
    return None


def _unpacked(
    reader: Callable[[Iterable[bytes]], Pairs], unpack: Callable[[io.BytesIO], Iterable[bytes]], data: bytes
) -> Pairs:
    return reader(unpack(io.BytesIO(data)))


class _Row(msgspec.Struct):
    id: str
    cluster: str | None


def _of_lines(chunks: Iterable[bytes]) -> Pairs:
    decoder = msgspec.json.Decoder(_Row)
    for number, line in enumerate(lines.lines_of(chunks), start=1):
        if line is None:
            raise ValueError(f"line {number} is too long")
        try:
            row = decoder.decode(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        yield row.id, row.cluster


def _of_table(delimiter: str) -> Callable[[Iterable[bytes]], Pairs]:
    def read(chunks: Iterable[bytes]) -> Pairs:
        text = io.StringIO("".join(codecs.iterdecode(chunks, "utf-8")), newline="")
        rows = csv.reader(text, delimiter=delimiter, strict=True)
        header = next(rows, [])
        if missing := {"id", "cluster"} - set(header):
            raise ValueError(f"no column {min(missing)!r}")
        record, cluster = header.index("id"), header.index("cluster")
        for row in rows:
            if len(row) != len(header):
                raise ValueError(f"line {rows.line_num}: {len(row)} fields, not {len(header)}")
            yield row[record], row[cluster] or None

    return read


def _of_parquet(data: bytes) -> Pairs:
    parquet = require("pyarrow.parquet", "parquet", "a .parquet file")
    file = parquet.ParquetFile(io.BytesIO(data), page_checksum_verification=True)
    if missing := {"id", "cluster"} - set(file.schema_arrow.names):
        raise ValueError(f"no column {min(missing)!r}")
    for batch in file.iter_batches(columns=["id", "cluster"], use_threads=False):
        yield from zip(batch.column("id").to_pylist(), batch.column("cluster").to_pylist(), strict=True)


_READERS: Final[Mapping[str, Callable[[Iterable[bytes]], Pairs]]] = {
    ".jsonl": _of_lines,
    ".csv": _of_table(","),
    ".tsv": _of_table("\t"),
}
_GUARDED: Final = frozenset({".csv", ".tsv"})
"""Those that spreadsheets open."""

_UNPACKED: Final[Mapping[str, Callable[[io.BytesIO], Iterable[bytes]]]] = {
    "": lines.chunks_of,
    ".gz": lines.inflated,
    ".zst": lines.unzstandard,
}
