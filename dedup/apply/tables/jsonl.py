"""JSON Lines rewritten: what stays, stays byte for byte.

Blank and unusable lines are lines like others. A line that goes, goes with its end; the others keep theirs, and so a
last line without an end stays without one.
"""

import codecs
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, cast

from dedup.apply.tables.packing import Packing
from dedup.apply.tables.table import Note, Notes, check_free, told
from dedup.read.fields import look_up
from dedup.read.jsonl import parse
from dedup.read.lines import Line, WholeLines


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One object a line, the file packed so."""

    packing: Packing

    def check(self, stream: BinaryIO) -> int:
        """Never holds more than a line."""
        lines = WholeLines(self.packing.unpacked(stream))
        return sum(isinstance(line, bytes) and _is_blank(line) for line in lines)

    def copy(self, stream: BinaryIO, out: BinaryIO, dropped: Collection[int]) -> None:
        """Never holds more than a line."""
        with self.packing.packed(out) as packed:
            for number, line in self._lines(stream):
                if number not in dropped:
                    packed.writelines((line,) if isinstance(line, bytes) else line)

    def annotate(self, stream: BinaryIO, out: BinaryIO, note: Notes) -> None:
        """The fields come after those that a row has."""
        with self.packing.packed(out) as packed:
            for number, line in self._lines(stream):
                if not isinstance(line, bytes):
                    packed.writelines(line)
                elif _is_blank(line) or (added := note(number)) is None:
                    packed.write(line)
                else:
                    packed.write(_annotated(line, number, added))

    def values(self, stream: BinaryIO, field: str, lines: Collection[int]) -> dict[int, object]:
        """As the reader parses them: of several fields of one name, the last."""
        found: dict[int, object] = {}
        for number, line in self._lines(stream):
            if isinstance(line, bytes) and number in lines:
                found[number] = look_up(_row(line), field)
        return told(found)

    def _lines(self, stream: BinaryIO) -> Iterator[tuple[int, Line]]:
        return enumerate(WholeLines(self.packing.unpacked(stream)), start=1)


def _is_blank(line: bytes) -> bool:
    return not line.removeprefix(codecs.BOM_UTF8).strip()


def _row(line: bytes) -> Mapping[str, object]:
    """The row of a line that a reader made a record of."""
    return cast(Mapping[str, object], parse(line.removeprefix(codecs.BOM_UTF8).strip()))


def _annotated(line: bytes, number: int, note: Note) -> bytes:
    """The line with further fields before the brace that closes its object, and no other byte changed."""
    check_free(_row(line), f"line {number}")
    fields = json.dumps(note._asdict(), ensure_ascii=False)[1:-1].encode()
    content = line.rstrip()
    values = content[:-1].rstrip()
    return values + b", " + fields + line[len(values) :]
