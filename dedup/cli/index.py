"""``dedup index``: known records kept on disk, so that a check need not read them again."""

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dedup.cli.options import (
    FILE,
    InOrder,
    calibration_option,
    confirm_option,
    encoder_of,
    fields_of,
    format_option,
    memory_option,
    model_option,
    record_options,
    settings_of,
    strict_option,
    threshold_option,
    workers_option,
)
from dedup.cli.terminal import progress_shown, standard_output
from dedup.errors import InputError
from dedup.memory import workers_for
from dedup.skipped import first_skipped

if TYPE_CHECKING:
    from dedup.index import Change, Info
    from dedup.model import Record, Skipped
    from dedup.report.console import Printer

SKIPPED_SHOWN: Final = 10
NAMES_SHOWN: Final = 10
LANGUAGES_SHOWN: Final = 10
STDIN: Final = "-"

_MEGABYTE: Final = 1e6

_index_argument = click.argument("folder", type=FILE, metavar="INDEX")
_paths_argument = click.argument("paths", nargs=-1, required=True, metavar="PATH...")


@click.group(
    cls=InOrder,
    no_args_is_help=False,
    epilog="""\b
Examples:
  dedup index build known.index articles/ archive.jsonl.gz
  dedup index add known.index new/
  dedup index remove known.index articles/old.txt
  dedup index info known.index""",
)
def index() -> None:
    """Keep known records on disk, for dedup check --against INDEX.

    An index is a folder. It holds what is known of each record, its text too. A command that is stopped, or that finds
    another one writing, leaves it as it was.
    """


@index.command()
@_index_argument
@_paths_argument
@threshold_option
@model_option
@confirm_option
@calibration_option
@workers_option
@memory_option()
@record_options
@strict_option
def build(
    folder: Path,
    paths: tuple[str, ...],
    threshold: float | None,
    model: str | None,
    confirm: str | None,
    calibration: str | None,
    workers: int | None,
    strict: bool,
    **field_names: str,
) -> None:
    """Make an index of the records that PATH holds.

    PATH is a folder (its .txt and .md files, at any depth), a .txt, .md, .jsonl, .csv, .tsv, .parquet, .warc or
    .wet file (also as .gz or .zst), or - for JSON Lines on standard input. Where there is an index already, the new
    one takes its place. The settings are kept in it, and a check uses them.

    \b
    Example:
      dedup index build known.index articles/ archive.jsonl.gz
    """  # noqa: D301 - click reads the backspace
    settings = settings_of(
        {},
        threshold=threshold,
        model=model,
        confirm=confirm,
        calibration=calibration,
        workers=workers_for(workers),
    )
    with progress_shown() as progress:
        from dedup.index import build_index
        from dedup.read import read_records

        records = _unless_empty(folder, read_records(paths, fields_of(**field_names)))
        change = build_index(folder, records, settings, encoder=encoder_of(settings), progress=progress)
    _tell(folder, change, strict)


def _unless_empty(folder: Path, records: "Iterator[Record | Skipped]") -> "Iterator[Record | Skipped]":
    """The same. Raises :class:`InputError` at their end if there was no record but something that should have been one,
    or an index that an empty one would replace: a wrong field or a pipe that broke must not cost what is known.
    """
    from dedup.index import is_index
    from dedup.model import Skipped
    from dedup.skipped import nothing_to_compare

    skipped: list[Skipped] = []
    is_empty = True
    for one in records:
        if isinstance(one, Skipped):
            skipped.append(one)
        else:
            is_empty = False
        yield one
    if is_empty and (skipped or is_index(folder)):
        raise InputError(nothing_to_compare(skipped))


@index.command()
@_index_argument
@_paths_argument
@workers_option
@memory_option()
@record_options
@strict_option
def add(folder: Path, paths: tuple[str, ...], workers: int | None, strict: bool, **field_names: str) -> None:
    """Add the records that PATH holds, or update them.

    A record whose id the index has is updated where its content is another, and left alone where it is not. Another
    file of the same name is another record. PATH is as in dedup index build.

    \b
    Example:
      dedup index add known.index new/
    """  # noqa: D301
    with progress_shown() as progress:
        from dedup.index import add_records, describe
        from dedup.read import read_records

        records = read_records(paths, fields_of(**field_names))
        settings = settings_of(describe(folder).settings, workers=workers_for(workers))
        encoder = encoder_of(settings, fetch=False)
        change = add_records(folder, records, workers=settings.workers, encoder=encoder, progress=progress)
    _tell(folder, change, strict)


@index.command()
@_index_argument
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--from", "listed", metavar="FILE", help="Names, one a line; - for standard input.")
def remove(folder: Path, names: tuple[str, ...], listed: str | None) -> None:
    """Remove records.

    NAME is the id of a record, or the path of a file, all of whose records go. Where the index does not know one of
    the names, nothing is removed.

    \b
    Examples:
      dedup index remove known.index articles/old.txt
      dedup index remove known.index --from gone.txt
    """  # noqa: D301
    if not names and listed is None:
        raise click.UsageError("Missing argument 'NAME...', or --from FILE.", click.get_current_context())
    from dedup.index import remove_records

    named = [*names, *(_names_in(listed) if listed is not None else ())]
    _tell(folder, remove_records(folder, named), strict=False)


@index.command()
@_index_argument
@format_option
def info(folder: Path, form: str) -> None:
    """Show what an index holds, and what it was made with.

    \b
    Example:
      dedup index info known.index --format json
    """  # noqa: D301
    from dedup.index import describe

    described = describe(folder)
    if form == "json":
        click.echo(_as_json(described), nl=False)
    else:
        _show(folder, described)


def _names_in(listed: str) -> list[str]:
    """The lines of a file or of standard input, but empty ones: as file names are spelled, whatever their bytes."""
    try:
        if listed != STDIN:
            data = Path(listed).read_bytes()
        elif sys.stdin is None:
            raise InputError("standard input (-) is closed")
        else:
            data = sys.stdin.buffer.read()
    except OSError as error:
        raise InputError(f"{listed}: cannot be read: {error.strerror}") from None
    lines = (line.removesuffix(b"\r") for line in data.split(b"\n"))
    return [line.decode("utf-8", "surrogateescape") for line in lines if line]


def _tell(folder: Path, change: "Change", strict: bool) -> None:
    """What became of the index, and what of the input could not be used."""
    from dedup.report.console import Printer, counted

    page = Printer(standard_output())
    counts = {name: getattr(change, name) for name in ("added", "updated", "unchanged", "removed")}
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing changed"
    page.line(f"{folder}: {told}; {counted(change.records, 'record')} now.")
    _list_names(page, change)
    _list_skipped(page, change.skipped)
    if strict and change.skipped:
        raise InputError(f"{first_skipped(change.skipped)} (--strict)")


def _list_names(page: "Printer", change: "Change") -> None:
    """Records that share a name with others."""
    from dedup.report.console import counted, listed

    if change.renamed:
        names = listed((f"{now} (not {was})" for was, now in change.renamed), NAMES_SHOWN)
        called = f"{counted(len(change.renamed), 'record')} called otherwise"
        page.line(f"{called}, for another record has the name: {names}", indent=3)
    if change.elsewhere:
        stood = f"{counted(len(change.elsewhere), 'updated record')} stood in another file before"
        ids = listed(change.elsewhere, NAMES_SHOWN)
        page.line(f"{stood} ({ids}): if those were other records, they are lost, for their ids repeat", indent=3)


def _list_skipped(page: "Printer", skipped: Sequence["Skipped"]) -> None:
    from dedup.report.console import counted

    for one in skipped[:SKIPPED_SHOWN]:
        place = one.path if one.line is None else f"{one.path}:{one.line}"
        page.line(f"skipped {place}: {one.reason}", indent=3)
    if len(skipped) > SKIPPED_SHOWN:
        page.line(f"… and {counted(len(skipped) - SKIPPED_SHOWN, 'more piece')} of input skipped", indent=3)


def _show(folder: Path, described: "Info") -> None:
    from dedup.report.console import Printer, counted, listed

    page = Printer(standard_output())
    by_size = sorted(described.languages, key=lambda code: (-described.languages[code], code))
    languages = listed((f"{code} {described.languages[code]:,}" for code in by_size), LANGUAGES_SHOWN)
    among = f" in {counted(len(by_size), 'language')} ({languages})" if by_size else ""
    records, texts = counted(described.records, "record"), counted(described.texts, "different text")
    page.line(f"{folder}: {records}{among}, {texts}, {described.size / _MEGABYTE:,.1f} MB")
    page.line(f"{counted(described.boilerplate, 'passage')} of boilerplate")
    page.line(f"Encoder: {described.encoder.name}, calibration: {described.encoder.calibration}")
    page.line("Settings: " + ", ".join(f"{name} {value}" for name, value in described.settings.items()))
    page.line(f"Made by dedup {described.tool_version}, format {described.format_version}")


def _as_json(described: "Info") -> bytes:
    from dedup.report import layout

    return layout.json_of(_plain(described))


def _plain(described: "Info") -> dict[str, object]:
    """The description by name: mappings as plain dictionaries, which alone every encoder takes."""
    values = {field.name: getattr(described, field.name) for field in dataclasses.fields(described)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}
