"""Reading as a whole: paths in, records out."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.read.fields import Fields, Origin
from dedup.read.formats import SUPPORTED, reader_of
from dedup.read.jsonl import read_jsonl
from dedup.read.paths import Source, find_files

_STDIN = "-"
_DEFAULT_FIELDS = Fields()


def read_records(
    paths: Sequence[str | Path], fields: Fields = _DEFAULT_FIELDS, *, stdin: BinaryIO | None = None
) -> Iterator[Record | Skipped]:
    """All records that the paths hold, and a note on each thing there that is none.

    A path is a folder (its .txt and .md files at any depth), a file (see :data:`dedup.read.formats.READERS`)
    or ``-`` for JSON Lines on standard input (``stdin``, where one is passed). Ids may repeat:
    see :func:`dedup.read.unique.unique_records`. A folder without texts gives nothing.

    The call itself looks at the paths, and raises :class:`InputError` where it is wrong; the files are
    read while the result is iterated. What comes, and in which order, does not depend on the order of the paths.
    """
    names = [str(path) for path in paths]
    if not names:
        raise InputError(f"nothing to read: give {SUPPORTED}")
    if names.count(_STDIN) > 1:
        raise InputError("standard input (-) can be read only once")
    piped = (stdin or _standard_input()) if _STDIN in names else None
    sources, skipped = find_files([name for name in names if name != _STDIN])
    return _read_all(piped, sources, skipped, fields)


def _standard_input() -> BinaryIO:
    if sys.stdin is None:  # so it is where a program is started without one
        raise InputError("standard input (-) is closed")
    return sys.stdin.buffer


def _read_all(
    piped: BinaryIO | None, sources: Iterable[Source], skipped: Iterable[Skipped], fields: Fields
) -> Iterator[Record | Skipped]:
    yield from skipped
    if piped is not None:
        yield from read_jsonl(piped, Origin(_STDIN, _STDIN), fields)
    for source in sources:
        yield from _read_file(source, fields)


def _read_file(source: Source, fields: Fields) -> Iterator[Record | Skipped]:
    try:
        with Path(source.path).open("rb") as stream:
            yield from reader_of(source.path)(stream, source.origin, fields)
    except OSError as error:
        yield Skipped(source.origin.path, None, f"cannot be read: {error.strerror or error}")
