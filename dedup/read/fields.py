"""What a reader is told besides the bytes: how fields are named, and where the bytes come from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the fields of a table. Only the text's must be there, and that of the gold where one is named."""

    id: str = "id"
    text: str = "text"
    url: str = "url"
    language: str = "lang"
    gold: str | None = None

    def columns(self) -> frozenset[str]:
        """The columns of a table in which any of them can be: a field within a column goes by both names, with a dot
        between them.
        """
        names = filter(None, (self.id, self.text, self.url, self.language, self.gold))
        return frozenset(part for name in names for part in (name, name.partition(".")[0]))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file stands (``path``, for people) and what names its records (``name``, for ids)."""

    path: str
    name: str
