"""Tables rewritten, in the format that they have: without some of their rows, or with a note on each.

    table.py      what every table can do            packing.py    .gz, .zst
    jsonl.py      .jsonl                             parquet.py    .parquet
    delimited.py  .csv, .tsv

A new format is one more line in ``TABLES``: where it differs only in how its bytes are packed, one in ``PACKINGS``.
"""

from collections.abc import Mapping
from typing import Final

from dedup.apply.tables.delimited import Delimited
from dedup.apply.tables.jsonl import JsonLines
from dedup.apply.tables.packing import PACKINGS
from dedup.apply.tables.parquet import ParquetTable
from dedup.apply.tables.table import Note, Table
from dedup.errors import InputError

__all__ = ["TABLES", "Note", "Table", "table_of"]

TABLES: Final[Mapping[str, Table]] = {
    **{f".jsonl{ending}": JsonLines(packing) for ending, packing in PACKINGS.items()},
    **{f".csv{ending}": Delimited(",", packing) for ending, packing in PACKINGS.items()},
    **{f".tsv{ending}": Delimited("\t", packing) for ending, packing in PACKINGS.items()},
    ".parquet": ParquetTable(),
}
"""Ending of a table's name -> what rewrites it."""


def table_of(file_name: str) -> Table:
    """What rewrites a table of that name. Raises :class:`InputError` where nothing does."""
    for ending, table in TABLES.items():
        if file_name.lower().endswith(ending):
            return table
    raise InputError(f"cannot write {file_name!r} without its copies: a table must be one of {', '.join(TABLES)}")
