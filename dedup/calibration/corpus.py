"""The parallel corpora that a calibration is computed from: records that say which article they carry."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dedup.errors import InputError
from dedup.language import declared_language
from dedup.model import Record, Skipped
from dedup.read import Fields, read_records
from dedup.read.formats import is_read_in_folders
from dedup.skipped import first_skipped


@dataclass(frozen=True, slots=True)
class Corpus:
    """Records with text, language and gold, in an order that their contents alone decide.

    Ids play no part: records are as often numbered by article as by text. Of those that agree in all three, one is
    here.
    ``digest`` is a SHA-256 of the contents, the same for any order of the records.
    """

    name: str
    records: tuple[Record, ...]
    skipped: tuple[Skipped, ...]
    digest: str


def read_corpora(paths: Sequence[str], fields: Fields) -> list[Corpus]:
    """The corpora in these tables, sorted by name; ``fields.gold`` must be set.

    A record without text, language or gold costs itself. Raises :class:`InputError` for a path that holds no table,
    for one that is given twice, and for a file without a usable record.
    """
    for path in paths:
        if path == "-" or Path(path).is_dir() or is_read_in_folders(path):
            raise InputError(f"{path}: no table with gold: give .jsonl, .csv, .tsv or .parquet files")
    if len({Path(path).resolve() for path in paths}) < len(paths):
        raise InputError("a corpus is given twice")
    names = [Path(path).name for path in paths]
    if len(set(names)) < len(names):
        raise InputError("two corpora have one file name: rename one, as the calibration names them by it")
    return [_read(path, fields) for path in sorted(paths, key=lambda path: Path(path).name)]


def _read(path: str, fields: Fields) -> Corpus:
    by_content: dict[tuple[str, str, str], Record] = {}
    skipped: list[Skipped] = []
    for item in read_records([path], fields):
        if isinstance(item, Skipped):
            skipped.append(item)
        elif (language := declared_language(item.language)) is None:
            skipped.append(Skipped(item.path or path, item.line, f'no language in field "{fields.language}"'))
        else:
            content = (item.gold or "", language, item.text)
            by_content[content] = min(item, by_content.get(content, item), key=lambda record: record.url or "")
    if not by_content:
        raise InputError(f"{path}: no record with text, language and gold: {first_skipped(skipped)}")
    contents = sorted(by_content)
    total = hashlib.sha256()
    for content in contents:
        total.update(json.dumps(content, ensure_ascii=True).encode("ascii") + b"\n")
    return Corpus(Path(path).name, tuple(by_content[c] for c in contents), tuple(skipped), total.hexdigest())
