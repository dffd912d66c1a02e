"""Text files: one record a file, in whatever encoding."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from dedup.model import Record, Skipped
from dedup.read.characters import is_blank, is_nonsense, readable
from dedup.read.fields import Fields, Origin

MAX_TEXT_BYTES = 64 * 2**20
"""A larger file is no article; it is skipped without being read to the end."""

_GUESS_FROM_BYTES = 2**18

# UTF-32 first: its mark in little-endian order begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# In an older encoding, some pairs of bytes are UTF-8 by chance, but not ten for each that is not.
_GOOD_FOR_ONE_BAD = 10


def read_text(stream: BinaryIO, origin: Origin, _fields: Fields) -> Iterator[Record | Skipped]:
    """The one record of a .txt or .md file. May raise :class:`OSError`."""
    data = stream.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        yield Skipped(origin.path, None, f"larger than {MAX_TEXT_BYTES:,} bytes")
        return
    decoded = decode(data)
    if decoded is None:
        yield Skipped(origin.path, None, "not text in a known encoding")
        return
    text = readable(decoded)
    if is_blank(text):
        yield Skipped(origin.path, None, "empty text")
        return
    yield Record(id=origin.name, text=text, path=origin.path)


def decode(data: bytes) -> str | None:
    """The text that the bytes stand for; ``None`` where they seem to stand for none."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _unless_nonsense(data[len(mark) :].decode(encoding, "replace"))
    text = _unless_nonsense(_as_utf8(data))
    return _guess(data) if text is None else text


def _as_utf8(data: bytes) -> str | None:
    """The bytes as UTF-8; ``None`` where they are not.

    A few faults, such as a character cut in two at the end, are forgiven and become U+FFFD: any guess
    at another encoding would turn every other character into a wrong one.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    faults = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - faults
    return text if good >= _GOOD_FOR_ONE_BAD * faults else None


def _guess(data: bytes) -> str | None:
    from charset_normalizer import from_bytes  # most runs never need it

    sample = data[:_GUESS_FROM_BYTES]
    if len(sample) < len(data):  # a line end is where no character is cut in two
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    best = from_bytes(sample).best()
    text = None if best is None else data.decode(best.encoding, "replace")
    return None if text is None or is_blank(text) else _unless_nonsense(text)  # some encoding has a blank for any byte


def _unless_nonsense(text: str | None) -> str | None:
    return None if text is None or is_nonsense(text) else text
