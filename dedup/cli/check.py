"""``dedup check``: the gate. Are new records copies or translations of known ones, or of one another?"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dedup.cli.options import (
    FILE,
    FILE_OR_URL,
    calibration_option,
    confirm_option,
    encoder_of,
    fields_of,
    memory_option,
    model_option,
    record_options,
    settings_of,
    spare_inputs,
    strict_option,
    threshold_option,
    workers_option,
)
from dedup.cli.telling import complain
from dedup.cli.terminal import progress_shown, standard_output, warn_if_uncalibrated
from dedup.errors import InputError
from dedup.memory import workers_for
from dedup.report.gate import FORMS, render
from dedup.skipped import first_skipped

if TYPE_CHECKING:
    from dedup.baseline import Baseline
    from dedup.changes import Changes
    from dedup.encoders import Encoder
    from dedup.findings import Checked
    from dedup.index import Index
    from dedup.model import Record, Skipped
    from dedup.progress import Progress
    from dedup.read import Fields
    from dedup.read.records import Input
    from dedup.read.remote import File
    from dedup.settings import Settings

FOUND: Final = 1
"""The exit code of a check that found something, and of nothing else."""

ENDINGS: Final = {".txt": "text", ".json": "json", ".sarif": "sarif", ".xml": "junit"}
"""What the name of an output file ends in -> the form that is written there."""

_WIDTH: Final = 100
"""Columns of a text in a file."""


@click.command()
@click.argument("new", nargs=-1, metavar="[NEW]...")
@click.option(
    "--against",
    multiple=True,
    required=True,
    metavar="PATH|INDEX",
    help="The known records: a folder or file, repeatable, or one index made by dedup index.",
)
@click.option(
    "--changed-since",
    metavar="REV",
    help="Check only what git says was added or changed since this branch left REV; of a table, only such rows.",
)
@click.option("--baseline", type=FILE, metavar="FILE", help="The pairs that are accepted.")
@click.option("--update-baseline", is_flag=True, help="Accept all that is found: write FILE, exit with 0.")
@click.option(
    "--format", "form", type=click.Choice(FORMS), default="text", show_default=True, help="The form of the report."
)
@click.option(
    "-o",
    "--output",
    "outputs",
    type=FILE_OR_URL,
    multiple=True,
    metavar="FILE",
    help="Write the report here, in the form that the name ends in (.sarif, .json, .txt, .xml for JUnit), else in "
    "that of --format; repeatable. A form that went to a FILE is not printed: the text is.",
)
@threshold_option
@model_option
@confirm_option
@calibration_option
@workers_option
@memory_option()
@record_options
@strict_option
def check(
    new: tuple[str, ...],
    against: tuple[str, ...],
    changed_since: str | None,
    baseline: Path | None,
    update_baseline: bool,
    form: str,
    outputs: "tuple[File, ...]",
    threshold: float | None,
    model: str | None,
    confirm: str | None,
    calibration: str | None,
    workers: int | None,
    strict: bool,
    **field_names: str,
) -> None:
    """Check new records against known ones, and against one another.

    NEW is a folder (its .txt and .md files, at any depth), a .txt, .md, .jsonl, .csv, .tsv, .parquet, .warc or
    .wet file (also as .gz or .zst), or - for JSON Lines on standard input. With --changed-since it may be left out,
    and is the PATH of --against. NEW may be a part of PATH: no record is its own copy. An index brings its settings;
    --threshold and --confirm may be said anew.

    Exit codes: 0 nothing found that is not accepted, or nothing new; 1 found; 2 could not check.

    \b
    Examples:
      dedup check new/ --against articles/
      dedup check --changed-since origin/main --against articles/ --baseline dedup-baseline.json
      dedup check --changed-since origin/main --against articles/ --format github -o dedup.sarif
      zcat crawl.jsonl.gz | dedup check - --against known.index --format json
    """  # noqa: D301 - click reads the backspace
    _refuse_early(baseline, update_baseline, outputs)
    called = {
        "threshold": threshold,
        "model": model,
        "confirm": confirm,
        "calibration": calibration,
        "workers": workers_for(workers),
    }
    with progress_shown() as progress:
        started = time.monotonic()
        accepted = None if baseline is None else _baseline(baseline, update_baseline)
        call = _Call(new, against, changed_since, fields_of(**field_names), called, accepted, update_baseline, outputs)
        checked, accepted = _checked(call, progress)
        seconds = time.monotonic() - started
    warn_if_uncalibrated(checked.encoder)
    if not checked.records and not checked.skipped:
        complain(_nothing_new(changed_since, new))
    _publish(checked, seconds, form, outputs)
    if checked.skipped and not checked.records:
        raise InputError(f"nothing could be checked: {first_skipped(checked.skipped)}")
    if checked.known_skipped and not (checked.known or checked.replaced or checked.gone or checked.unaccepted):
        raise InputError(f"nothing known could be used: {first_skipped(checked.known_skipped)}")
    if accepted is not None and baseline is not None and update_baseline:
        _write(accepted, baseline)
    _judge(checked, strict)


def _refuse_early(baseline: Path | None, update_baseline: bool, outputs: "Sequence[File]") -> None:
    """What cannot be written is noticed before the work."""
    from dedup.files import check_writable
    from dedup.read.remote import identity_of

    if update_baseline and baseline is None:
        raise _wrong_call("--update-baseline writes the file that --baseline names: name one.")
    for output in outputs:
        check_writable(output)
        if baseline is not None and identity_of(output) == identity_of(baseline):
            raise InputError(f"{output}: the baseline; name another file for the report")
    if update_baseline and baseline is not None:
        check_writable(baseline)


def _judge(checked: "Checked", strict: bool) -> None:
    """What was found goes before what was skipped."""
    if checked.unaccepted:
        raise click.exceptions.Exit(FOUND)
    if strict and checked.skipped:
        raise InputError(f"{first_skipped(checked.skipped)} (--strict)")


@dataclass(frozen=True, slots=True)
class _Call:
    """What is checked against what, and how."""

    new: tuple[str, ...]
    against: tuple[str, ...]
    changed_since: str | None
    fields: "Fields"
    settings: Mapping[str, str | float | None]
    baseline: "Baseline | None"
    update: bool
    """Whether the baseline is to accept all that is found."""
    outputs: "tuple[File, ...]"


def _checked(call: _Call, progress: "Progress") -> "tuple[Checked, Baseline | None]":
    """What comes of the new records, and the baseline afterwards."""
    from dedup.check import check as check_records
    from dedup.incoming import known_as, read_new

    index = _index_among(call.against)
    known = None if index else _known_input(call)
    given, changes, unchanged = _new_input(call, known)
    new = read_new(given, call.fields, changes)
    first = next(new, None)  # what is known takes long to read, and is not needed where nothing is new
    with _opened(index, known if first is not None else None, call, progress) as (records, settings, encoder):
        checked = check_records(
            new if first is None else chain([first], new),
            records,
            settings,
            gone=changes.gone if changes else (),
            known_as=known_as(given, known) if known is not None else {},
            thorough=call.baseline is not None,  # which accepts pairs, so each of them counts
            encoder=encoder,
            progress=progress,
        )
        return _accepting(call, replace(checked, unchanged=unchanged), records)


def _index_among(against: Sequence[str]) -> Path | None:
    """The index that holds the known records, where they are not read from files."""
    from dedup.index import is_index, refuse_unfinished
    from dedup.index.folder import POINTER
    from dedup.read.remote import is_remote, local_path, without_secrets
    from dedup.read.remote_folders import holds_file

    for path in against:
        if not is_remote(path):
            refuse_unfinished(local_path(path))
        elif holds_file(path, POINTER):
            raise InputError(f"{without_secrets(path)}: an index is used from a local disk: copy it there first")
    indexes = [path for path in against if is_index(path)]
    if indexes and len(against) > 1:
        raise InputError(f"--against takes one index or any number of paths, not {indexes[0]!r} and more")
    return Path(local_path(indexes[0])) if indexes else None


def _known_input(call: _Call) -> "Input":
    from dedup.read.records import STDIN, open_input

    if (*call.new, *call.against).count(STDIN) > 1:
        raise InputError("standard input (-) can be read only once")
    return open_input(call.against)


def _spare_index(call: _Call) -> None:
    """Raises :class:`InputError` where a result would be written among the files of an index."""
    folders = {Path(path).resolve() for path in call.against}
    for output in call.outputs:
        if isinstance(output, Path) and folders & {*output.resolve().parents}:
            raise InputError(f"{output}: in the folder of the index; name another file for the report")


def _new_input(call: _Call, known: "Input | None") -> "tuple[Input, Changes | None, int]":
    """The new input and, where only what was changed is asked for, what that is, and how many files are left out."""
    from dedup.changes import changed_since
    from dedup.incoming import called_alike, left_out, only_changed
    from dedup.index import is_index
    from dedup.read.records import open_input

    if indexes := [path for path in call.new if is_index(path)]:
        raise InputError(f"{indexes[0]}: an index, which holds known records: NEW is a folder or a file")
    if not call.new and (call.changed_since is None or known is None):
        raise _wrong_call("Missing argument 'NEW...'.")
    given = open_input(call.new or call.against)
    spare_inputs(call.outputs, given, known)
    if known is None:
        _spare_index(call)
    else:
        given = called_alike(given, known)
    if call.changed_since is None:
        return given, None, 0
    changes = changed_since(call.changed_since, call.new or call.against)
    changed = only_changed(given, changes)
    return changed, changes, 0 if known is None else left_out(given, changed, known)


@contextmanager
def _opened(
    index: Path | None, known: "Input | None", call: _Call, progress: "Progress"
) -> "Iterator[tuple[Index, Settings, Encoder]]":
    """The known records of an index or else of an input, none without either; and with what they are compared."""
    from dedup.check import known_from
    from dedup.index import Index
    from dedup.read.records import read_input

    if index is not None:
        with Index.open(index) as opened:
            settings = settings_of(opened.settings, **call.settings)
            yield opened, settings, encoder_of(settings, fetch=call.settings["model"] is not None)
        return
    settings = settings_of({}, **call.settings)
    encoder = encoder_of(settings)
    records: Iterable[Record | Skipped] = read_input(known, call.fields) if known is not None else ()
    with known_from(records, settings, encoder=encoder, progress=progress) as made:
        yield made, settings, encoder


def _baseline(path: Path, update: bool) -> "Baseline":
    from dedup.baseline import Baseline, load_baseline

    return Baseline.empty(path) if update and not path.exists() else load_baseline(path)


def _accepting(call: _Call, checked: "Checked", known: "Index") -> "tuple[Checked, Baseline | None]":
    """What the baseline says of the findings; and the baseline, accepting all if it is to be updated."""
    if call.baseline is None:
        return checked, None
    from dedup.baseline import accepted_by, names_compared, updated

    compared = names_compared(call.baseline, known)
    baseline = updated(call.baseline, checked, compared) if call.update else call.baseline
    return accepted_by(baseline, checked, compared), baseline


def _write(baseline: "Baseline", path: Path) -> None:
    from dedup.baseline import write_baseline

    write_baseline(baseline, path)


def _publish(checked: "Checked", seconds: float, form: str, outputs: "Sequence[File]") -> None:
    from dedup.files import write_atomically

    forms = [ENDINGS.get(output.suffix.lower(), form) for output in outputs]
    try:
        for output, its_form in zip(outputs, forms, strict=True):
            write_atomically(output, _rendered(checked, its_form, seconds))
    finally:  # what could not be written can still be read
        render(checked, "text" if form in forms else form, seconds, standard_output())


def _rendered(checked: "Checked", form: str, seconds: float) -> bytes:
    """The report as a file holds it."""
    from io import StringIO

    from rich.console import Console

    written = StringIO()
    render(checked, form, seconds, Console(file=written, width=_WIDTH, color_system=None, force_terminal=False))
    return written.getvalue().encode("utf-8", "backslashreplace")


def _nothing_new(changed_since: str | None, new: Sequence[str]) -> str:
    if changed_since is not None:
        return f"nothing new: git says that no record was added or changed since {changed_since!r}"
    of_folders = ": of a folder the .txt and .md files are read" if any(Path(path).is_dir() for path in new) else ""
    return f"nothing new: NEW holds no record{of_folders}"


def _wrong_call(complaint: str) -> click.UsageError:
    return click.UsageError(complaint, click.get_current_context())
