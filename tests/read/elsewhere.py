"""File systems of fsspec that need no network: one that works, and one that fails where it is told to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, ClassVar, cast
from urllib.parse import unquote

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

from dedup.model import Record, Skipped
from dedup.read import read_records

Read = tuple[list[str], list[tuple[str, int | None, str]]]


def read(*paths: str) -> Read:
    """Ids of what was read; path, line and reason of what was skipped."""
    items = list(read_records(paths))
    ids = [item.id for item in items if isinstance(item, Record)]
    return ids, [(item.path, item.line, item.reason) for item in items if isinstance(item, Skipped)]


def write(url: str, content: bytes | str = "Some text.") -> str:
    """A file at a URL of fsspec."""
    system, path = fsspec.url_to_fs(url)
    system.pipe_file(path, content.encode() if isinstance(content, str) else content)
    return url


class StrangeError(Exception):
    """No OSError: libraries raise what they like."""


@dataclass
class Faults:
    """What goes wrong: with folders that are listed, with files that are opened, and after so many bytes of them.

    ``sizes`` are those that a file system tells, ``types`` are of what it calls neither a file nor a folder, and
    ``astray`` are files that it lists with each folder.
    """

    listing: dict[str, Exception] = field(default_factory=dict)
    opening: dict[str, Exception] = field(default_factory=dict)
    reading: dict[str, tuple[int, Exception]] = field(default_factory=dict)
    writing: dict[str, Exception] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    astray: list[str] = field(default_factory=list)

    def clear(self) -> None:
        for one in (self.listing, self.opening, self.reading, self.writing, self.sizes, self.types, self.astray):
            one.clear()


class Trickle(BytesIO):
    """Gives a few bytes at a time, as a network does, until it breaks off."""

    def __init__(self, data: bytes, size: int | None, ends: tuple[int, Exception] | None) -> None:
        super().__init__(data)
        self.size = size
        self._ends = ends

    def read(self, size: int | None = -1) -> bytes:
        if self._ends is not None and self.tell() >= self._ends[0]:
            raise self._ends[1]
        return super().read(7 if size is None or size < 0 else min(size, 7))


class Faulty(MemoryFileSystem):  # type: ignore[misc]
    """``faulty://``: what is kept in memory, with faults."""

    protocol = "faulty"
    store: ClassVar[dict[str, object]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    faults: ClassVar[Faults] = Faults()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return cast(str, super()._strip_protocol(path.removeprefix("faulty://")))

    def ls(self, path: str, detail: bool = True, **options: object) -> Sequence[Any]:
        path = self._strip_protocol(path)
        if path in self.faults.listing:
            raise self.faults.listing[path]
        entries = super().ls(path, detail=True, **options)
        if detail:
            astray = [{"name": name, "type": "file", "size": 0} for name in self.faults.astray]
            return [{**e, "type": self.faults.types.get(e["name"], e["type"])} for e in entries] + astray
        return [entry["name"] for entry in entries]

    def open(self, path: str, mode: str = "rb", **options: object) -> object:
        if mode != "rb":
            return super().open(path, mode, **options)
        path = self._strip_protocol(path)
        if path in self.faults.opening:
            raise self.faults.opening[path]
        data = self.store[path].getvalue()  # type: ignore[attr-defined]
        return Trickle(data, self.faults.sizes.get(path, len(data)), self.faults.reading.get(path))

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: object) -> None:
        if path in self.faults.writing:
            raise self.faults.writing[path]
        super().pipe_file(path, value, mode, **options)


@contextmanager
def empty_file_systems() -> Iterator[Faults]:
    """``memory://`` and ``faulty://`` with nothing in them, before and after; the faults of the second."""
    fsspec.register_implementation("faulty", Faulty, clobber=True)
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    _empty()
    try:
        yield Faulty.faults
    finally:
        _empty()


def _empty() -> None:
    for system in (MemoryFileSystem, Faulty):
        system.store.clear()
        system.pseudo_dirs[:] = [""]
    Faulty.faults.clear()


class Refusing(MemoryFileSystem):  # type: ignore[misc]
    """``refusing://``: complains of what it was called with."""

    protocol = "refusing"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        _, _, place = path.partition("://")
        raise StrangeError(f"no such place as {place}, {unquote(place)}, {path}, or {place.partition('?')[2]}")
