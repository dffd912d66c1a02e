"""What an index holds, for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dedup.index.folder import FORMAT, broken
from dedup.index.store import Store
from dedup.model import EncoderInfo

_WHILE_READ = "-shm"
"""What the name of a file ends in that is there only while somebody reads."""


@dataclass(frozen=True, slots=True)
class Info:
    """What an index holds and was made with. ``texts`` are the different ones, ``boilerplate`` the passages that count
    little among them, ``size`` the bytes of its files.
    """

    format_version: int
    tool_version: str
    records: int
    texts: int
    languages: Mapping[str, int]
    encoder: EncoderInfo
    settings: Mapping[str, Any]
    boilerplate: int
    size: int


def describe(folder: Path) -> Info:
    """What the index in a folder holds. Raises :class:`dedup.errors.UnusableIndexError` where there is none that this
    version can read.
    """
    with Store.reading(folder) as store:
        stamp = store.stamped()

        def count(table: str) -> int:
            return int(store.database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - no input

        by_size = "SELECT language, count(*) FROM records GROUP BY language ORDER BY count(*) DESC, language"
        languages = dict(store.database.execute(by_size))
        if not all(isinstance(language, str) for language in languages):
            raise broken(folder, "a language that is no text")
        return Info(
            format_version=FORMAT,
            tool_version=stamp.tool,
            records=count("records"),
            texts=count("works"),
            languages=languages,
            encoder=EncoderInfo(**stamp.encoder),
            settings=stamp.settings,
            boilerplate=count("boilerplate"),
            size=sum(_size_of(file) for file in folder.iterdir() if not file.name.endswith(_WHILE_READ)),
        )


def _size_of(file: Path) -> int:
    """Its bytes; none where it was removed in this moment, as a writer does with what it has replaced."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
