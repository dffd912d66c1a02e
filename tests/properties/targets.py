"""The properties by name. Each is imported when it is asked for: most of them need little."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.properties.seeds import Target

FOUND: Final = Path(__file__).parent / "found"
"""Inputs that once broke a property, one a file, in a folder of the property's name."""

ROOMS: Final[Mapping[str, tuple[str, ...]]] = {
    "reading": ("texts", "jsonl", "delimited", "packed", "parquet", "parquet-pages", "warc"),
    "pages": ("source-line", "url-key"),
    "texts": ("normalise", "figures", "segments", "names", "fingerprint", "sketch"),
    "reports": ("json-report", "summary", "tables", "gate", "html"),
}
"""Module -> the names of its properties (its ``TARGETS``)."""

NAMES: Final = tuple(name for names in ROOMS.values() for name in names)


def target_of(name: str) -> Target:
    """The property of that name. Raises :class:`KeyError` where there is none."""
    room = {name: room for room, names in ROOMS.items() for name in names}[name]
    found: Target = import_module(f"tests.properties.{room}").TARGETS[name]
    return found
