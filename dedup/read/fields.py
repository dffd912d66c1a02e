"""What a reader is told besides the bytes: how fields are named, and where the bytes come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "url": ("metadata.url", "meta.url", "warc_headers.warc-target-uri", "meta.warc_headers.warc-target-uri"),
    "lang": (
        "language",
        "metadata.language",
        "metadata.lang",
        "meta.language",
        "metadata.identification.label",
        "meta.identification.label",
    ),
}
"""Default name of a field -> where else its value is, in the layouts that corpora come in; the first that is there.

Those of datatrove (``metadata``), FineWeb and FineWeb-2 (``url`` and ``language`` at the top), RedPajama (``meta``) and
OSCAR (``warc_headers``, ``identification``), by their dataset cards. There are no other names for the text or the id:
another text would be compared, and of records with one id all but one are passed over.
"""


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields of a table. Only the text's must be there, and that of the gold where one is named.

    A dot leads into an object or a column of fields: ``metadata.url``. A field with that very name goes first.
    """

    id: str = "id"
    text: str = "text"
    url: str = "url"
    language: str = "lang"
    gold: str | None = None

    def names(self) -> frozenset[str]:
        """All names under which any of them can be."""
        given = filter(None, (self.id, self.text, self.url, self.language, self.gold))
        return frozenset(one for name in given for one in (name, *ALSO.get(name, ())))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file stands (``path``, for people) and what names its records (``name``, for ids)."""

    path: str
    name: str


MISSING: Final = object()
"""Stands for the value of a field that is not there; ``None`` is a value."""


def look_up(row: Mapping[str, object], name: str) -> object:
    """The value of the field of that name, which may lead into objects; :data:`MISSING` where there is none."""
    if name in row:
        return row[name]
    outer, dot, inner = name.partition(".")
    within = row.get(outer) if dot else None
    return look_up(within, inner) if isinstance(within, Mapping) else MISSING


def look_up_any(row: Mapping[str, object], name: str) -> str | None:
    """The string of that field; a default name that is missing, or holds none, has others (:data:`ALSO`)."""
    for one in (name, *ALSO.get(name, ())):
        value = look_up(row, one)
        if isinstance(value, str) and value.strip():
            return value
    return None
