"""How every JSON document of the program is laid out."""

import re
from typing import Final

import msgspec

_COMMANDS: Final = re.compile(rb"##\[|\x7f|\xc2[\x80-\x9f]")
"""What a GitHub runner obeys wherever it is printed (:func:`dedup.report.console.without_commands`), and what some
terminals do: the controls of ASCII and Latin-1 that JSON lets stand as they are."""


def laid_out(document: msgspec.Struct) -> bytes:
    """UTF-8, two spaces of indentation, a newline at the end; equal documents, equal bytes."""
    return json_of(document)


def json_of(value: object) -> bytes:
    """The same for any value. Printed, it commands nobody: such signs are escaped, which JSON reads as themselves."""
    written = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    return _COMMANDS.sub(_escaped, written)


def _escaped(found: re.Match[bytes]) -> bytes:
    """Only within strings can any of them stand."""
    if found[0] == b"##[":
        return b"#\\u0023["
    return f"\\u{ord(found[0].decode()):04x}".encode()
