"""Sketching: a partition of records by itself, and its records sent to where those with the same id are.

The table has a row for each record that can be used: its entry in the report, its rank among records of one id, and its
fingerprint. Vectors come later, when it is known which records hold a text that no other has.
"""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from dedup.engines.columns import BYTES, buckets_of, optional_texts_of, texts, texts_of
from dedup.engines.reading import READ, records_of, skipped_table
from dedup.engines.stage import Desk, Notes, Stage
from dedup.index.sketches import packed
from dedup.model import Entry, Skipped, SourceKey
from dedup.sketch import Sketch, sketch

SKETCH: Final = "sketch"
SAME_ID: Final = "same-id"
"""What is sent to where records of one id meet."""

SETTINGS: Final = ("shingle_size", "permutations", "seed", "max_segments")
"""Those that a fingerprint depends on."""


def sketch_part(desk: Desk) -> Notes:
    """Sketch the records of one partition."""
    part = desk.part
    given = desk.given()
    records = records_of(desk.more(READ, int(given["read_by"][part]), int(given["number"][part])))
    found = sketch(records, desk.settings, None)
    sketches = [one for one in found if isinstance(one, Sketch)]
    skipped = [one for one in found if isinstance(one, Skipped)]
    table = _table_of(sketches)
    desk.write(table)
    desk.scatter(
        SAME_ID,
        table.select(["id", "rank", "rest", "path", "line", "digest", "article_key"])
        .append_column("partition", pa.array([part] * len(table), pa.int32()))
        .append_column("row", pa.array(range(len(table)), pa.int32())),
        buckets_of(table["id"].to_pylist(), int(given["buckets"])),
        int(given["buckets"]),
    )
    desk.write_more(0, skipped_table(skipped))
    return {"skipped": len(skipped)}


def _table_of(sketches: Sequence[Sketch]) -> "pa.Table":
    entries = [s.entry for s in sketches]
    keys = [e.source_key for e in entries]
    return pa.table(
        {
            "id": texts(e.id for e in entries),
            "path": texts(e.path for e in entries),
            "line": pa.array([e.line for e in entries], pa.int64()),
            "language": texts(e.language for e in entries),
            "source_url": texts(e.source_url for e in entries),
            "key": texts(k.key if k else None for k in keys),
            "article_key": texts(k.key if k and k.names_article else None for k in keys),
            "characters": pa.array([e.characters for e in entries], pa.int64()),
            "content": pa.array([e.content for e in entries], BYTES),
            "rank": texts(s.rank[0] for s in sketches),
            "rest": texts(s.rank[3] for s in sketches),
            "digest": texts(s.fingerprint.digest for s in sketches),
            "beyond": pa.array([len(s.fingerprint.beyond) for s in sketches], pa.int32()),
            "print": pa.array([packed(s.fingerprint) for s in sketches], BYTES),
        }
    )


ENTRY: Final = (
    "id", "path", "line", "language", "source_url", "key", "article_key", "characters", "content", "beyond",
)  # fmt: skip
"""The columns that an entry of the report is made of."""


def entries_of(table: "pa.Table") -> list[Entry]:
    """What a report says of the records in the rows of a table with the columns ``ENTRY``."""
    columns = (
        texts_of(table, "id"),
        optional_texts_of(table, "path"),
        table["line"].to_pylist(),
        texts_of(table, "language"),
        optional_texts_of(table, "source_url"),
        optional_texts_of(table, "key"),
        table["article_key"].to_pylist(),
        table["characters"].to_pylist(),
        table["content"].to_pylist(),
    )
    return [
        Entry(
            id=id_,
            path=path,
            line=line,
            language=language,
            source_url=url,
            source_key=None if key is None else SourceKey(key, names_article=article_key is not None),
            characters=characters,
            content=content,
        )
        for id_, path, line, language, url, key, article_key, characters, content in zip(*columns, strict=True)
    ]


SKETCHING: Final = Stage(SKETCH, sketch_part, after=(READ,), settings=SETTINGS)
