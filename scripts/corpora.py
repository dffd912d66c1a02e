"""The corpora with gold clusters that the scripts measure on, and the split that keeps fitting and reporting apart.

A corpus is a JSONL(.gz) file of ``{"id", "text", "lang", "gold"}`` records; records of one ``gold`` are one article.
The texts stay where they are; only numbers computed from them enter the project.
"""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dedup.calibration.split import for_calibration

__all__ = ["MAIN_LANGUAGES", "Labelled", "for_calibration", "one_per_language", "read_corpus"]

MAIN_LANGUAGES = (
    "ar", "bg", "bn", "cs", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko",
    "ml", "ms", "nl", "pl", "pt", "ro", "ru", "sr", "sv", "sw", "ta", "th", "tr", "uk", "ur", "vi", "zh",
)  # fmt: skip
"""The 35 languages of NTREX that pairs are made of and reported on."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A record with its gold cluster."""

    corpus: str
    id: str
    text: str
    language: str
    gold: str


def read_corpus(folder: Path, name: str) -> Iterator[Labelled]:
    """The records of one corpus in the order of its file."""
    with gzip.open(folder / name / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Labelled(name, row["id"], row["text"], row["lang"], row["gold"])


def one_per_language(records: Iterator[Labelled], chosen: Callable[[Labelled], bool]) -> list[Labelled]:
    """Of each article the first record in each language, in the order of their ids, of those that are chosen."""
    first: dict[tuple[str, str], Labelled] = {}
    for record in sorted(filter(chosen, records), key=lambda r: r.id):
        first.setdefault((record.gold, record.language), record)
    return list(first.values())


def rank(name: str) -> int:
    """A number that orders names without regard to what they are called."""
    return int.from_bytes(hashlib.sha256(b"order " + name.encode()).digest()[:8], "big")
