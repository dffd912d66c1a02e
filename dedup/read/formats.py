"""Which reader takes which file. A new format is one more line in ``READERS``."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from dedup.errors import InputError
from dedup.extras import check_installed
from dedup.model import Record, Skipped
from dedup.read import delimited, lines, parquet, warc
from dedup.read.fields import Fields, Origin
from dedup.read.jsonl import read_jsonl, read_jsonl_gz, read_jsonl_zst
from dedup.read.texts import read_text

Reader = Callable[[BinaryIO, Origin, Fields], Iterator[Record | Skipped]]
"""Gives the records of one open file, lazily. An :class:`OSError` that it lets through costs the file."""

WARC = (".warc", ".warc.gz", ".warc.zst", ".wet", ".wet.gz", ".wet.zst")

READERS: dict[str, Reader] = {
    ".txt": read_text,
    ".md": read_text,
    ".jsonl": read_jsonl,
    ".jsonl.gz": read_jsonl_gz,
    ".jsonl.zst": read_jsonl_zst,
    ".csv": delimited.reader(","),
    ".csv.gz": delimited.reader(",", lines.inflated),
    ".csv.zst": delimited.reader(",", lines.unzstandard),
    ".tsv": delimited.reader("\t"),
    ".tsv.gz": delimited.reader("\t", lines.inflated),
    ".tsv.zst": delimited.reader("\t", lines.unzstandard),
    ".parquet": parquet.read_parquet,
    **dict.fromkeys(WARC, warc.read_warc),
}

IN_FOLDERS = (".txt", ".md")
"""What is taken from a folder. Other files must be named: a corpus often has tables of other things beside it."""

SUPPORTED = f"a folder, a file ({', '.join(READERS)}), or - for JSONL on standard input"


EXTRAS = {
    ".parquet": (parquet.PACKAGE, parquet.EXTRA),
    **dict.fromkeys(WARC, (warc.PACKAGE, warc.EXTRA)),
}
"""What a reader needs that a default install does not bring: the package, and the extra that brings it."""


def reader_of(file_name: str) -> Reader:
    """The reader for a file of that name. Raises :class:`InputError` where there is none, or what it needs is not
    installed.
    """
    for ending, reader in READERS.items():
        if file_name.lower().endswith(ending):
            if ending in EXTRAS:
                check_installed(*EXTRAS[ending], f"a {ending} file")
            return reader
    raise InputError(f"cannot read {file_name!r}: give {SUPPORTED}")


def is_table(file_name: str) -> bool:
    """Whether a file of that name holds many records."""
    return reader_of(file_name) is not read_text


def is_read_in_folders(file_name: str) -> bool:
    """Whether a file of that name is taken from a folder that holds it."""
    return file_name.lower().endswith(IN_FOLDERS)
