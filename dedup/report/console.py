"""What all text for people has in common: printing what records say without obeying it, and the wording of numbers."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.table import Table
from rich.text import Text

JOINERS: Final = "\u200c\u200d"
"""Characters that Persian and Indic words need, though they print nothing of their own."""

RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"
"""Between them the direction of a text is its own affair, and the line around it keeps its order (UAX #9, FSI, PDI)."""

_BEGINS_COMMAND: Final = re.compile(r"^(\s*):(?=:)")


def visible(text: str) -> str:
    """``text`` with all that would print nothing, or command the terminal, spelled out as an escape."""
    return "".join(
        character if character.isprintable() or character in JOINERS else ascii(character)[1:-1] for character in text
    )


def isolated(text: str) -> str:
    """``text``, kept from turning the line around it, where it holds writing from right to left."""
    if not any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in text):
        return text
    return f"{ISOLATE}{text}{END_OF_ISOLATE}"


def without_commands(line: str) -> str:
    r"""``line``, in which a GitHub runner, which obeys what a step prints, finds no command: the sign is spelled out.

    A line is a command where it begins with ``::`` (after spaces) or holds ``##[`` anywhere (``TryParseV2`` and
    ``TryParse`` in the runner's ``src/Runner.Common/ActionCommand.cs``).
    """
    return _BEGINS_COMMAND.sub(r"\g<1>\\x3a", line).replace("##[", "#\\x23[")


class Printer:
    """Lines on a console. Every string goes through ``text``, so that no record can command the terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """One line, continued below its own beginning where the console is too narrow for it."""
        self.pieces([text], style, indent)

    def pieces(self, pieces: Iterable[str], style: str = "", indent: int = 0) -> None:
        """One line made of pieces, none of which turns the others where it is written from right to left."""
        width = max(self.console.width - indent, 1)
        joined = Text().join(self.text(piece, style) for piece in pieces)
        for part in joined.wrap(self.console, width, overflow="fold"):
            part.rstrip()
            self.put(Text(" " * indent).append_text(part), style)

    def table(self, table: Table) -> None:
        """A table whose cells went through ``text``."""
        for segments in self.console.render_lines(table, pad=False):
            self.put(Text.assemble(*((segment.text, segment.style or "") for segment in segments)))

    def put(self, line: Text, style: str = "") -> None:
        """A line as it is, however long, made of what ``text`` gave; in ``style`` if a runner would obey it."""
        self.console.print(_harmless(line, style), soft_wrap=True)

    def text(self, text: str, style: str = "") -> Text:
        """``text`` without markup; what the console cannot show, or would obey, is spelled out as an escape."""
        return Text(self._isolated(self._showable(text)), style)

    def excerpt(self, text: str, width: int) -> Text:
        """As much of ``text`` as fits into ``width`` columns, without markup."""
        shown = self._showable(text)
        if cell_len(shown) > width:
            cut = self._encodable("…")
            shown = chop_cells(shown, max(width - cell_len(cut), 1))[0].rstrip() + cut
        return Text(self._isolated(shown))

    def _showable(self, text: str) -> str:
        return self._encodable(visible(text))

    def _encodable(self, text: str) -> str:
        encoding = self.console.encoding
        return text.encode(encoding, "backslashreplace").decode(encoding)

    def _isolated(self, text: str) -> str:
        """``text``, kept from turning the line around it, where it holds writing from right to left."""
        encoding = self.console.encoding  # an Arabic code page has the letters but not these two
        return isolated(text).encode(encoding, "ignore").decode(encoding)


def _harmless(line: Text, style: str) -> Text:
    plain = without_commands(line.plain)
    return line if plain == line.plain else Text(plain, style)


def listed(items: Iterable[str], most: int) -> str:
    """The first ``most`` of ``items``, and how many more there are."""
    shown = list(items)
    more = [f"… {len(shown) - most:,} more"] if len(shown) > most else []
    return ", ".join(shown[:most] + more)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def shown_probability(probability: float) -> str:
    """Three decimals, but never 1.000 or 0.000 for what is neither."""
    if 0.9995 <= probability < 1.0:
        return ">0.999"
    if 0.0 < probability < 0.0005:
        return "<0.001"
    return f"{probability:.3f}"
