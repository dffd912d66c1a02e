"""Writing what a plan says: whole or not at all, and never over anything that is there.

All is written beside its place, under names that begin with ``.dedup-``, and takes its name when it is complete; the
corpus last. So nobody meets a part of it, and where it stands, what was removed stands beside it. Whoever is killed in
between leaves such a ``.dedup-`` name, and no other.
"""

import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from dedup.apply.corpus import Corpus, CorpusFile
from dedup.apply.plan import Plan, Removal
from dedup.apply.tables import Note
from dedup.errors import InputError
from dedup.events import tell
from dedup.files import fault_of_folder
from dedup.model import Role
from dedup.progress import Progress, silent
from dedup.read.formats import READERS, is_read_in_folders
from dedup.report.document import writable
from dedup.watch import watched

WRITING: Final = "writing"

_LOG: Final = logging.getLogger(__name__)

_READING_AND_WRITING: Final = 0o666


def check_places(corpus: Corpus, out: Path | None, removed: Path | None = None, *, annotate: bool = False) -> None:
    """Raises :class:`InputError` where the results cannot be written to these places, or must not be.

    Nothing is overwritten, so no spelling and no link can make the output its input. And nothing is written to where
    the next run on the input would read it.
    """
    if annotate:
        _check_tables(corpus)
        if removed is not None:
            raise InputError("annotating removes nothing: there is nothing to write as removed")
    if out is not None:
        _check_out(corpus, out)
    if removed is not None:
        _check_removed(corpus, removed, out)


def _check_tables(corpus: Corpus) -> None:
    if text := next((file for file in corpus.files if file.table is None), None):
        raise InputError(f"{text.source.origin.path} has no fields: only tables can be annotated")


def _check_out(corpus: Corpus, out: Path) -> None:
    _check_parent(out)
    if folder := _folder_around(corpus, out):
        raise InputError(f"{out}: would be written into the input {folder!r}, whose next run would read it")
    if corpus.single:
        _check_ending(corpus.files[0], out)
    elif out.is_dir() and not out.is_symlink():
        if any(out.iterdir()):
            raise InputError(f"{out}: not empty, and nothing is overwritten")
        return
    _check_free(out)


def _check_removed(corpus: Corpus, removed: Path, out: Path | None) -> None:
    _check_parent(removed)
    _check_free(removed)
    if out is not None and (_real(removed) == _real(out) or _real(out) in _real(removed).parents):
        raise InputError(f"{removed}: is the output, or within it")
    if is_read_in_folders(removed.name) and (folder := _folder_around(corpus, removed)):
        raise InputError(f"{removed}: would be written into the input {folder!r}, whose next run would read it")


def _check_parent(path: Path) -> None:
    if fault := fault_of_folder(path.parent):
        raise InputError(f"{path}: cannot be written: {fault}")


def _check_free(path: Path) -> None:
    if os.path.lexists(path):
        raise InputError(f"{path}: exists, and nothing is overwritten")


def _check_ending(file: CorpusFile, out: Path) -> None:
    """The output has the format of the input, and its name must not say otherwise."""
    ending = next(end for end in sorted(READERS, key=len, reverse=True) if file.name.lower().endswith(end))
    if not out.name.lower().endswith(ending):
        raise InputError(f"{out}: the output has the format of the input: give it a name that ends in {ending}")


def _folder_around(corpus: Corpus, path: Path) -> str | None:
    """The given folder that the path is in, or is, links followed."""
    real = _real(path)
    around = {real, *real.parents}
    return next((folder for folder in corpus.folders if _real(Path(folder)) in around), None)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def write_corpus(
    plan: Plan, out: Path, *, removed: Path | None = None, annotate: bool = False, progress: Progress = silent
) -> None:
    """Write the corpus to ``out`` without what the plan removes; with ``annotate`` all of it, each compared row with
    the fields of :class:`dedup.apply.tables.Note` at its end. ``removed`` gets what goes, as JSON Lines.

    Raises :class:`InputError` where that cannot be done (see :func:`check_places`), a row has such a field already, or
    a file has changed since it was planned. Then nothing is left behind.
    """
    check_places(plan.corpus, out, removed, annotate=annotate)
    out = Path(os.path.abspath(out))  # noqa: PTH100 - "." has no name to write beside, and no link is to be resolved
    with ExitStack() as unfinished:
        written = unfinished.enter_context(_beside(out))
        publishing = [(written, out)]
        with _in_one_line(out), watched(progress) as watch:
            _write_corpus(plan, written, annotate, watch)
        if removed is not None:
            told = unfinished.enter_context(_beside(removed))
            publishing.insert(0, (told, removed))
            with _in_one_line(removed):
                _write_removed(plan, told)
        check_places(plan.corpus, out, removed, annotate=annotate)  # it may have taken hours
        for beside, path in publishing:
            with _in_one_line(path):
                beside.rename(path)  # also onto an empty folder, but never onto one that is not
            _tell_written(path)


def _tell_written(path: Path) -> None:
    """To the log, where it listens: a folder is gone through for it."""
    if _LOG.isEnabledFor(logging.INFO):
        sizes = [file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
        told = f"written: {path}, {len(sizes):,} files, {sum(sizes):,} bytes"
        tell(_LOG, "written", told, path=str(path), files=len(sizes), bytes=sum(sizes))


@contextmanager
def _in_one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _write_corpus(plan: Plan, place: Path, annotate: bool, progress: Progress) -> None:
    if plan.corpus.single:
        (file,) = plan.corpus.files
        progress(WRITING, 0, 1)
        _write_file(plan, 0, file, place, annotate)
        progress(WRITING, 1, 1)
    else:
        place.mkdir()
        _write_files(plan, place, annotate, progress)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A place beside ``path`` for what will be there; gone in the end, if it still is there."""
    beside = path.with_name(f".dedup-{secrets.token_hex(8)}.tmp")
    try:
        yield beside
    finally:
        if beside.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
        else:
            with suppress(FileNotFoundError):
                beside.unlink()


def _write_files(plan: Plan, folder: Path, annotate: bool, progress: Progress) -> None:
    files = plan.corpus.files
    for at, file in enumerate(files):
        progress(WRITING, at, len(files))
        if file.table is None and None in plan.dropped[at]:
            continue
        place = folder / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        _write_file(plan, at, file, place, annotate)
    progress(WRITING, len(files), len(files))


def _write_file(plan: Plan, at: int, file: CorpusFile, place: Path, annotate: bool) -> None:
    """One file of the corpus, and a look at whether it still is what the plan was made for."""
    path = file.source.origin.path
    try:
        with file.opened() as stream:
            _write_stream(plan, at, file, stream, place, annotate)
        changed = file.stamp() != plan.standing.stamps[at]
    except OSError as error:
        raise InputError(f"{path}: cannot be copied whole: {error.strerror or error}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if changed:
        raise InputError(f"{path}: has changed while this went on: start again, with a new report")


def _write_stream(plan: Plan, at: int, file: CorpusFile, stream: BinaryIO, place: Path, annotate: bool) -> None:
    with _new_file(place, file, stream) as out:
        if file.table is None:
            shutil.copyfileobj(stream, out)
            return
        if annotate:
            file.table.annotate(stream, out, lambda line: _note(plan, at, line))
        else:
            lines = frozenset(line for line in plan.dropped[at] if line is not None)
            file.table.copy(stream, out, lines)
        out.flush()
        os.fsync(out.fileno())


def _new_file(place: Path, file: CorpusFile, stream: BinaryIO) -> BinaryIO:
    """A new file, opened for writing, that nobody may read who may not read the one that it is made of."""
    mode = _READING_AND_WRITING
    if file.spool is None:  # which is what came by standard input, and has no readers of its own
        mode &= os.fstat(stream.fileno()).st_mode
    return os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb")


def _note(plan: Plan, at: int, line: int) -> Note | None:
    """The note for a row; none for one that was not compared."""
    if at in plan.standing.unusable or line in plan.standing.uncompared[at]:
        return None
    mark = plan.marks.get((at, line))
    if mark is None:
        return Note(None, Role.SINGLE, 1)
    return Note(mark.cluster, mark.role, mark.size)


def _write_removed(plan: Plan, place: Path) -> None:
    encode = msgspec.json.Encoder().encode
    with place.open("xb") as out:
        for removal in plan.removals:
            out.write(encode(as_json(removal)) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def as_json(removal: Removal) -> Mapping[str, str | int | float | None]:
    """A removal as ``REMOVED`` has it."""
    return {
        "id": removal.id,
        "path": writable(removal.path),
        "line": removal.line,
        "partner": removal.partner,
        "relation": removal.relation,
        "probability": removal.probability,
        "cluster": removal.cluster,
    }
