"""One record an id: which of several is kept depends on what they say, not on which came first."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Protocol, TypeVar

from dedup.model import Record, Skipped


class Placed(Protocol):
    """What has an id and a place in the input."""

    @property
    def id(self) -> str:
        """Of the record."""

    @property
    def path(self) -> str | None:
        """The file that it is from."""

    @property
    def line(self) -> int | None:
        """Its line there."""


Rank = tuple[str, str, int, str]

_Item = TypeVar("_Item", bound=Placed)


def unique_records(items: Iterable[Record | Skipped]) -> tuple[list[Record], list[Skipped]]:
    """The records, one an id, sorted by id; and what was skipped, sorted by place.

    Any order of the items gives the same. Of several records with one id, the one with the smallest
    digest of its text stays (then the smallest path and line), the others are skipped.
    """
    records: list[Record] = []
    skipped: list[Skipped] = []
    for item in items:
        if isinstance(item, Record):
            records.append(item)
        else:
            skipped.append(item)
    kept, doubles = unique(records, rank_of)
    return kept, in_order((*skipped, *doubles))


def unique(items: Iterable[_Item], rank: Callable[[_Item], Rank]) -> tuple[list[_Item], list[Skipped]]:
    """The items, one an id, sorted by id: of several the one of the smallest ``rank``. The others are skipped."""
    by_id: defaultdict[str, list[_Item]] = defaultdict(list)
    for item in items:
        by_id[item.id].append(item)
    kept: list[_Item] = []
    skipped: list[Skipped] = []
    for id_ in sorted(by_id):
        same = by_id.pop(id_)
        first, *others = same if len(same) == 1 else sorted(same, key=rank)
        kept.append(first)
        skipped += [_duplicate(other, first) for other in others]
    return kept, skipped


def in_order(skipped: Iterable[Skipped]) -> list[Skipped]:
    """By place, then by reason."""
    return sorted(skipped, key=lambda item: (item.path, item.line or 0, item.reason))


def rank_of(record: Record) -> Rank:
    """Two records that differ at all differ in this."""
    digest = sha256(record.text.encode("utf-8", "surrogatepass")).hexdigest()
    rest = repr((record.path, record.line, record.url, record.language, record.gold))
    return digest, record.path or "", record.line or 0, rest


def _duplicate(item: Placed, kept: Placed) -> Skipped:
    id_ = json.dumps(kept.id, ensure_ascii=False)
    return Skipped(_path(item), item.line, f"duplicate id {id_} (kept: {_place(kept)})")


def _place(item: Placed) -> str:
    return _path(item) if item.line is None else f"{_path(item)}:{item.line}"


def _path(item: Placed) -> str:
    """Where the record stands; those that a program made stand nowhere."""
    return item.path or "<memory>"
