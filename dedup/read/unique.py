"""One record an id: which of several is kept depends on what they say, not on which came first."""

import json
from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256

from dedup.model import Record, Skipped


def unique_records(items: Iterable[Record | Skipped]) -> tuple[list[Record], list[Skipped]]:
    """The records, one an id, sorted by id; and what was skipped, sorted by place.

    Any order of the items gives the same. Of several records with one id, the one with the smallest
    digest of its text stays (then the smallest path and line), the others are skipped.
    """
    by_id: defaultdict[str, list[Record]] = defaultdict(list)
    skipped: list[Skipped] = []
    for item in items:
        if isinstance(item, Record):
            by_id[item.id].append(item)
        else:
            skipped.append(item)
    kept = []
    for id_ in sorted(by_id):
        first, *others = _ranked(by_id[id_])
        kept.append(first)
        skipped += [_duplicate(other, first) for other in others]
    return kept, sorted(skipped, key=lambda item: (item.path, item.line or 0, item.reason))


def _ranked(records: list[Record]) -> list[Record]:
    return records if len(records) == 1 else sorted(records, key=_rank)


def _rank(record: Record) -> tuple[str, str, int, str]:
    """Two records that differ at all differ in this."""
    digest = sha256(record.text.encode("utf-8", "surrogatepass")).hexdigest()
    rest = repr((record.path, record.line, record.url, record.language, record.gold))
    return digest, record.path or "", record.line or 0, rest


def _duplicate(record: Record, kept: Record) -> Skipped:
    id_ = json.dumps(record.id, ensure_ascii=False)
    return Skipped(_path(record), record.line, f"duplicate id {id_} (kept: {_place(kept)})")


def _place(record: Record) -> str:
    return _path(record) if record.line is None else f"{_path(record)}:{record.line}"


def _path(record: Record) -> str:
    """Where the record stands; those that a program made stand nowhere."""
    return record.path or "<memory>"
