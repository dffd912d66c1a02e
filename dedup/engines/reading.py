"""Reading: the files of the input as partitions of records.

A part reads some files, so many that they have about ``FILES_TOGETHER`` bytes, or one that is larger, and writes
partitions of ``partition`` records each. The readers are those of a local run: what is skipped, and how records are
named, is the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Final, cast

import msgspec
import numpy as np
import pyarrow as pa

from dedup.engines.columns import BYTES, optional_texts_of, texts, texts_of, to_bytes, to_text
from dedup.engines.stage import Desk, Given, Notes, Receipt, Stage
from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.read.fields import Fields, Origin
from dedup.read.paths import Source
from dedup.read.records import Input, open_input, read_file
from dedup.read.remote import RemoteFile

FILES_TOGETHER: Final = 2**26
"""Bytes of the files that one part reads."""

READ: Final = "read"


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of the stage: how many, and what they are told."""

    parts: int
    given: Given


def reading_of(found: Input, fields: Fields, partition: int) -> Reading:
    """How the input is read. Raises :class:`InputError` for standard input, which no worker can read."""
    if found.piped is not None:
        raise InputError("standard input (-) cannot be read by several workers, nor again after a stop: name a file")
    files = list(map(_File.of, found.sources))
    starts, held = [0], 0
    for place, file in enumerate(files):
        if held and held + file.size > FILES_TOGETHER:
            starts.append(place)
            held = 0
        held += file.size
    given = {
        "files": np.array([msgspec.json.encode(file) for file in files], np.bytes_),
        "starts": np.array([*starts, len(files)], np.int64),
        "partition": np.array(partition),
        "fields": np.array(msgspec.json.encode(asdict(fields))),
    }
    return Reading(len(starts) if files else 0, given)


class _File(msgspec.Struct, frozen=True):
    """A file as a worker is told of it, and how it looked when the run was planned."""

    path: str
    shown: str
    name: str
    size: int
    version: str
    """Another one when the file has changed; empty where it cannot be looked at."""
    remote: bool

    @classmethod
    def of(cls, source: Source) -> "_File":
        """As it looks now."""
        size, version = _look(Path(source.path)) if source.remote is None else _look_at_remote(source.remote)
        path = source.path if source.remote is not None else str(Path(source.path).absolute())
        return cls(path, source.origin.path, source.origin.name, size, version, remote=source.remote is not None)


def _look(path: Path) -> tuple[int, str]:
    """The size of a file and its version: when it was written. Of one that is gone reading will tell."""
    try:
        look = path.stat()
    except OSError:
        return 0, ""
    return look.st_size, str(look.st_mtime_ns)


def _look_at_remote(file: RemoteFile) -> tuple[int, str]:
    """The size of a file and its version: all that its file system says of it."""
    try:
        info = file.system.info(file.path)
    except Exception:  # whatever library raises what
        return 0, ""
    return int(info.get("size") or 0), blake2b(repr(sorted(info.items())).encode(), digest_size=16).hexdigest()


def read(desk: Desk) -> Notes:
    """Read the files of this part."""
    part = desk.part
    given = desk.given()
    start, end = given["starts"][part : part + 2].tolist()
    fields = Fields(**msgspec.json.decode(given["fields"].item()))
    files = [msgspec.json.decode(data, type=_File) for data in given["files"][start:end].tolist()]
    skipped: list[Skipped] = []
    sizes = []
    for number, records in enumerate(_partitions(_read(desk, files, fields), int(given["partition"]), skipped)):
        desk.write_more(number, _table_of(records))
        sizes.append(len(records))
    desk.write(skipped_table(skipped))
    return {"partitions": sizes}


def partitions_of(receipt: Receipt) -> int:
    """How many partitions a part has made."""
    return len(cast("list[int]", receipt.notes["partitions"]))


def _read(desk: Desk, files: Sequence[_File], fields: Fields) -> Iterator[Record | Skipped]:
    elsewhere = {s.path: s for s in open_input(desk.workshop.plan.urls).sources} if any(f.remote for f in files) else {}
    for file in files:
        source = Source(file.path, Origin(file.shown, file.name))
        if file.remote:
            found = elsewhere.get(file.path)
            if found is None or _File.of(found) != file:
                raise InputError(f"{file.shown}: changed while it was read")
            source = replace(source, remote=found.remote)
        elif _File.of(source) != file:
            raise InputError(f"{file.shown}: changed while it was read")
        yield from read_file(source, fields)


def _partitions(items: Iterator[Record | Skipped], size: int, skipped: list[Skipped]) -> Iterator[list[Record]]:
    """The records by so many; what is skipped goes aside."""

    def records() -> Iterator[Record]:
        for item in items:
            if isinstance(item, Skipped):
                skipped.append(item)
            else:
                yield item

    stream = records()
    while some := list(islice(stream, size)):
        yield some


def _table_of(records: Sequence[Record]) -> "pa.Table":
    return pa.table(
        {
            "id": texts(r.id for r in records),
            "text": texts(r.text for r in records),
            "url": texts(r.url for r in records),
            "language": texts(r.language for r in records),
            "path": texts(r.path for r in records),
            "line": pa.array([r.line for r in records], pa.int64()),
        }
    )


def records_of(table: "pa.Table") -> list[Record]:
    """The records of a partition."""
    columns = (
        texts_of(table, "id"),
        texts_of(table, "text"),
        optional_texts_of(table, "url"),
        optional_texts_of(table, "language"),
        optional_texts_of(table, "path"),
        table["line"].to_pylist(),
    )
    return [Record(*row) for row in zip(*columns, strict=True)]


SKIPPED: Final = pa.schema({"path": BYTES, "line": pa.int64(), "reason": BYTES})


def skipped_table(skipped: Sequence[Skipped]) -> "pa.Table":
    """What was skipped, as a table."""
    rows = [{"path": to_bytes(s.path), "line": s.line, "reason": to_bytes(s.reason)} for s in skipped]
    return pa.Table.from_pylist(rows, SKIPPED)


def skipped_of(table: "pa.Table") -> list[Skipped]:
    """What was skipped, again."""
    return [Skipped(to_text(row["path"]), row["line"], to_text(row["reason"])) for row in table.to_pylist()]


READING: Final = Stage(READ, read)
