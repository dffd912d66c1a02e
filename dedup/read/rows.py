"""One row of a table made a record. The rules are the same for every table format."""

import json
from collections.abc import Mapping

from dedup.model import Record, Skipped
from dedup.read.characters import encodable, is_blank, readable
from dedup.read.fields import MISSING, Fields, Origin, look_up, look_up_any

_HINTS = 5
_HINT_LENGTH = 40


class Unusable(Exception):  # noqa: N818 - not an error of the program
    """A row cannot become a record; the text says why. Ends as a :class:`Skipped`, never leaves this room."""


class Rows:
    """Makes records of the rows of one file. Says once which fields there are where the text's is missing."""

    def __init__(self, origin: Origin, fields: Fields) -> None:
        self._origin = origin
        self._fields = fields
        self._has_hinted = False

    def record(self, row: object, line: int) -> Record | Skipped:
        """The row as a record. ``row`` is whatever stood there: anything but a mapping is skipped."""
        try:
            return self._record(row, line)
        except Unusable as fault:
            return self.skipped(line, str(fault))

    def skipped(self, line: int, reason: str) -> Skipped:
        """The row was no row at all."""
        return Skipped(self._origin.path, line, reason)

    def _record(self, row: object, line: int) -> Record:
        if not isinstance(row, Mapping):
            raise Unusable(f"{_kind(row)}, not an object with fields")
        return Record(
            text=self._text(row),
            id=self._id(row, line),
            url=_declared(look_up_any(row, self._fields.url)),
            language=_declared(look_up_any(row, self._fields.language)),
            path=self._origin.path,
            line=line,
            gold=self._gold(row),
        )

    def _text(self, row: Mapping[str, object]) -> str:
        name = self._fields.text
        value = look_up(row, name)
        if value is MISSING:
            raise Unusable(f"no field {_quoted(name)}{self._hint(row, 'text')}")
        if not isinstance(value, str):
            raise Unusable(f"field {_quoted(name)} is {_kind(value)}, not a string")
        text = readable(value)
        if is_blank(text):
            raise Unusable("empty text")
        return text

    def _id(self, row: Mapping[str, object], line: int) -> str:
        name = self._fields.id
        value = look_up(row, name)
        return f"{self._origin.name}:{line}" if value is None or value is MISSING else _name_in(name, value)

    def _gold(self, row: Mapping[str, object]) -> str | None:
        name = self._fields.gold
        if name is None:
            return None
        value = look_up(row, name)
        if value is MISSING:
            raise Unusable(f"no field {_quoted(name)}{self._hint(row, 'gold')}")
        return _name_in(name, value)

    def _hint(self, row: Mapping[str, object], what: str) -> str:
        candidates = sorted(name for name, value in row.items() if isinstance(value, str) and _is_presentable(name))
        if self._has_hinted or not candidates:
            return ""
        self._has_hinted = True
        return f" (has: {', '.join(candidates[:_HINTS])}; use --{what}-field)"


def _name_in(field: str, value: object) -> str:
    """The value of a field that names something."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise Unusable(f"field {_quoted(field)} is {_kind(value)}, not a string or an integer")
    if is_blank(value):
        raise Unusable(f"field {_quoted(field)} is empty")
    return encodable(value)


def _declared(value: str | None) -> str | None:
    """A URL or a language code."""
    return None if value is None else readable(value).strip() or None


def _is_presentable(name: str) -> bool:
    return name.isprintable() and 0 < len(name) <= _HINT_LENGTH


def _quoted(name: str) -> str:
    return json.dumps(encodable(name), ensure_ascii=False)


def _kind(value: object) -> str:
    """What a person would call the value, with its article."""
    kinds = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    if isinstance(value, list | tuple):
        return "an array"
    return kinds.get(type(value)) or ("an object" if isinstance(value, Mapping) else f"a {type(value).__name__}")
