"""The corpus that a report is applied to: its files, and where in the output each of them belongs.

Of one file the output is a file. Of a folder, or of several paths, it is a folder: the tree below the deepest folder
that holds all given paths. So no two files can meet there, whatever they are called.

A corpus is what a run reads of the paths. Other files of a given folder are not part of it; they are counted.
"""

import os
import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from dedup.apply.tables import Table, table_of
from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.read import Fields
from dedup.read.fields import Origin
from dedup.read.formats import is_read_in_folders, is_table
from dedup.read.jsonl import read_jsonl
from dedup.read.paths import Source
from dedup.read.records import STDIN, open_input, read_file
from dedup.read.remote import is_remote, local_path, without_secrets
from dedup.spool import temporary_file, written_aside

_PIPED: Final = ".jsonl"
"""What the name of standard input would end in."""

_DEFAULT_FIELDS: Final = Fields()


class Spooled:
    """All of a stream that can be read only once, in a file without a name, which goes with this value."""

    def __init__(self, stream: BinaryIO) -> None:
        self._file = temporary_file()
        weakref.finalize(self, self._file.close)
        with written_aside():
            shutil.copyfileobj(stream, self._file)
            self._file.flush()

    def from_beginning(self) -> BinaryIO:
        """The file, to be read by one at a time."""
        self._file.seek(0)
        return self._file


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file of the corpus.

    ``source`` is what to open and how to speak of it, ``name`` its place below OUT, ``table`` what rewrites it where it
    holds many records. ``turn`` is the place of the path that led to it among those that were given. ``spool`` holds
    what came by standard input.
    """

    source: Source
    name: str
    table: Table | None
    turn: int
    spool: Spooled | None = None

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The file, at its beginning. Raises :class:`OSError`."""
        if self.spool is not None:
            yield self.spool.from_beginning()
        else:
            with Path(self.source.path).open("rb") as stream:
                yield stream

    def stamp(self) -> tuple[int, ...]:
        """What changes when somebody writes to the file, or puts another one into its place."""
        if self.spool is not None:
            return ()
        stat = Path(self.source.path).stat()
        return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns

    def read(self, fields: Fields) -> Iterator[Record | Skipped]:
        """The records of the file, as a run reads them."""
        if self.spool is None:
            return read_file(self.source, fields)
        return read_jsonl(self.spool.from_beginning(), self.source.origin, fields)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What the paths of a call lead to.

    ``single``: the output is a file; else it is a folder. ``skipped`` is what could not be followed, ``others`` are the
    files in given folders that a run does not read. ``folders`` are the given folders, as given.
    """

    files: tuple[CorpusFile, ...]
    fields: Fields
    single: bool
    folders: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    others: tuple[str, ...]


def open_corpus(
    paths: Sequence[str | Path], fields: Fields = _DEFAULT_FIELDS, *, stdin: BinaryIO | None = None
) -> Corpus:
    """Look at the paths, which are those of :func:`dedup.read.read_records`. Of standard input, all is read.

    Raises :class:`InputError` where a path is wrong or a URL, a file is of a format that cannot be written, or standard
    input is not the only path: what came there has no name in a folder.
    """
    names = [local_path(str(path)) for path in paths]
    for name in filter(is_remote, names):
        raise InputError(f"{without_secrets(name)}: only files of this machine can be rewritten: copy it here first")
    if STDIN in names and len(names) > 1:
        raise InputError("standard input (-) is applied by itself, or from a file")
    found = open_input(names, stdin=stdin)
    if found.piped is not None:
        piped = Source(STDIN, Origin(STDIN, STDIN))
        file = CorpusFile(piped, _PIPED, table_of(_PIPED), 0, Spooled(found.piped))
        return Corpus((file,), fields, True, (), (), ())
    if not found.sources:
        why = f", the first: {found.skipped[0].path}: {found.skipped[0].reason}" if found.skipped else ""
        raise InputError(f"nothing to apply the report to: {len(found.skipped):,} skipped{why}")
    folders = tuple(name for name in names if Path(name).is_dir())
    base = _common_folder(names)
    turns = {Path(_absolute(name)): turn for turn, name in reversed(list(enumerate(names)))}
    files = tuple(
        CorpusFile(
            source,
            os.path.relpath(_absolute(source.path), base),
            table_of(source.path) if is_table(source.path) else None,
            _turn(source.path, turns),
        )
        for source in found.sources
    )
    _check_distinct(files)
    return Corpus(
        files=files,
        fields=fields,
        single=len(names) == 1 and not folders,
        folders=folders,
        skipped=found.skipped,
        others=_others(folders, {_absolute(source.path) for source in found.sources}),
    )


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - no link is to be resolved


def _common_folder(paths: Sequence[str]) -> str:
    """The deepest folder that holds all of the paths, or is the only one."""
    try:
        return os.path.commonpath([_absolute(p) if Path(p).is_dir() else os.path.dirname(_absolute(p)) for p in paths])  # noqa: PTH120
    except ValueError:  # on several drives of Windows
        raise InputError("the paths have no folder in common: apply the report to a copy on one drive") from None


def _turn(path: str, turns: Mapping[Path, int]) -> int:
    """Which of the given paths comes first that leads to this one."""
    place = Path(_absolute(path))
    return min(turns[one] for one in (place, *place.parents) if one in turns)


def _check_distinct(files: Sequence[CorpusFile]) -> None:
    """Paths with ``..`` behind links may lead to two files that seem to be one."""
    seen: dict[str, CorpusFile] = {}
    for file in files:
        if (other := seen.setdefault(file.name, file)) is not file:
            raise InputError(f"{file.source.origin.path} and {other.source.origin.path} would be written to one file")


def _others(folders: Sequence[str], read: set[str]) -> tuple[str, ...]:
    """The files in these folders that are not read, but for hidden ones; sorted."""
    found: set[str] = set()
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner[:] = [name for name in inner if not name.startswith(".")]
            shown = (os.path.join(place, n) for n in names if not n.startswith(".") and not is_read_in_folders(n))  # noqa: PTH118
            found.update(path for path in shown if _absolute(path) not in read)
    return tuple(sorted(found))
