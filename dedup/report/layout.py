"""How every JSON document of the program is laid out."""

import msgspec


def laid_out(document: msgspec.Struct) -> bytes:
    """UTF-8, two spaces of indentation, a newline at the end; equal documents, equal bytes."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
