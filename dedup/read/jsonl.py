"""JSON Lines: one object a line, plain or compressed."""

import codecs
import json
import math
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from dedup.errors import let_shortage_pass
from dedup.model import Record, Skipped
from dedup.read import lines
from dedup.read.fields import Fields, Origin
from dedup.read.rows import Rows, Unusable


def _integer(digits: str) -> int | float:
    """A number that no text and no id can be where it has more digits than Python converts (4,300)."""
    try:
        return int(digits)
    except ValueError:
        return math.inf


_decoder = msgspec.json.Decoder()
# Not strict: a raw tab or NUL within a string harms nobody, and readable() deals with it.
_lenient_decoder = json.JSONDecoder(strict=False, parse_int=_integer)


def read_jsonl(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
    """The records of a .jsonl file or of standard input."""
    return _records(lines.chunks_of(stream), origin, fields)


def read_jsonl_gz(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
    """The records of a .jsonl.gz file; of a broken one those before the fault."""
    return _records(lines.inflated(stream), origin, fields)


def read_jsonl_zst(stream: BinaryIO, origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
    """The records of a .jsonl.zst file; of a broken one those before the fault."""
    return _records(lines.unzstandard(stream), origin, fields)


def _records(chunks: Iterable[bytes], origin: Origin, fields: Fields) -> Iterator[Record | Skipped]:
    rows = Rows(origin, fields)
    number = 0
    try:
        for number, line in enumerate(lines.lines_of(chunks), start=1):
            if line is None:
                yield rows.skipped(number, f"line longer than {lines.MAX_LINE_BYTES:,} bytes")
            elif content := line.removeprefix(codecs.BOM_UTF8).strip():
                yield _record(content, number, rows)
    except OSError as error:
        let_shortage_pass(error)
        yield rows.skipped(number + 1, f"the rest cannot be read: {error.strerror or error}")


def _record(line: bytes, number: int, rows: Rows) -> Record | Skipped:
    try:
        value = parse(line)
    except Unusable as fault:
        return rows.skipped(number, str(fault))
    except RecursionError:
        return rows.skipped(number, "malformed JSON: nested too deeply")
    return rows.record(value, number)


def parse(line: bytes) -> object:
    """The value of a line. msgspec is fast and strict; what it refuses, the standard library may take.

    Raises :class:`Unusable` where neither does, and :class:`RecursionError`.
    """
    try:
        return _decoder.decode(line)
    except ValueError:
        return _parse_leniently(line)


def _parse_leniently(line: bytes) -> object:
    """Takes NaN, lone surrogates, control characters in strings, and integers of any length."""
    try:
        return _lenient_decoder.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unusable(f"not UTF-8 (byte {error.start + 1} of the line)") from None
    except json.JSONDecodeError as error:
        is_nul = error.doc[error.pos : error.pos + 1] == "\0"
        fault = "a NUL character" if is_nul else error.msg.removesuffix(" at")
        raise Unusable(f"malformed JSON: {fault} at column {error.colno}{' (UTF-16?)' if is_nul else ''}") from None
