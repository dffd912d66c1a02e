"""Reading as a whole: paths in, records out."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dedup.errors import InputError, let_shortage_pass
from dedup.model import Record, Skipped
from dedup.read.ahead import read_ahead
from dedup.read.fields import Fields, Origin
from dedup.read.formats import SUPPORTED, reader_of
from dedup.read.jsonl import read_jsonl
from dedup.read.paths import Source, find_files

STDIN = "-"

SourceReader = Callable[[Source, Fields], Iterator[Record | Skipped]]
_DEFAULT_FIELDS = Fields()


def read_records(
    paths: Sequence[str | Path], fields: Fields = _DEFAULT_FIELDS, *, stdin: BinaryIO | None = None
) -> Iterator[Record | Skipped]:
    """All records that the paths hold, and a note on each thing there that is none.

    A path is a folder (its .txt and .md files at any depth), a file (see :data:`dedup.read.formats.READERS`),
    a URL of one of these (see :mod:`dedup.read.remote`; as ``str``, since ``Path`` takes a slash from it), or ``-``
    for JSON Lines on standard input (``stdin``, where one is passed). Ids may repeat:
    see :func:`dedup.read.unique.unique_records`. A folder without texts gives nothing.

    The call itself looks at the paths, and raises :class:`InputError` where it is wrong; the files are
    read while the result is iterated. What comes, and in which order, does not depend on the order of the paths.
    """
    return read_input(open_input(paths, stdin=stdin), fields)


@dataclass(frozen=True, slots=True)
class Input:
    """What the paths of a call lead to: a stream, files to read, and what cannot be used."""

    piped: BinaryIO | None
    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...]


def open_input(paths: Sequence[str | Path], *, stdin: BinaryIO | None = None) -> Input:
    """Look at the paths, and read no file yet. Raises :class:`InputError` as :func:`read_records` does."""
    names = [str(path) for path in paths]
    if not names:
        raise InputError(f"nothing to read: give {SUPPORTED}")
    if names.count(STDIN) > 1:
        raise InputError("standard input (-) can be read only once")
    piped = (stdin or _standard_input()) if STDIN in names else None
    sources, skipped = find_files([name for name in names if name != STDIN])
    return Input(piped, tuple(sources), tuple(skipped))


def _standard_input() -> BinaryIO:
    if sys.stdin is None:  # so it is where a program is started without one
        raise InputError("standard input (-) is closed")
    return sys.stdin.buffer


def read_input(given: Input, fields: Fields, reader: SourceReader | None = None) -> Iterator[Record | Skipped]:
    """What the input holds. ``reader`` reads a file in the place of :func:`read_file`, perhaps in another thread."""
    read = reader or read_file
    yield from given.skipped
    if given.piped is not None:
        yield from read_jsonl(given.piped, Origin(STDIN, STDIN), fields)
    yield from read_ahead(given.sources, lambda source: read(source, fields))


def read_file(source: Source, fields: Fields) -> Iterator[Record | Skipped]:
    """The records of one file."""
    try:
        with source.open() as stream:
            yield from _read(stream, source, fields)
    except OSError as error:
        let_shortage_pass(error)
        yield _unreadable(source, error)


def read_version(stream: BinaryIO, source: Source, fields: Fields) -> Iterator[Record | Skipped]:
    """The records of another version of a file, whose bytes ``stream`` gives, named like those of the file."""
    try:
        yield from _read(stream, source, fields)
    except OSError as error:
        let_shortage_pass(error)
        yield _unreadable(source, error)


def _read(stream: BinaryIO, source: Source, fields: Fields) -> Iterator[Record | Skipped]:
    return reader_of(source.path)(stream, source.origin, fields)


def _unreadable(source: Source, error: OSError) -> Skipped:
    return Skipped(source.origin.path, None, f"cannot be read: {error.strerror or error}")
