"""The command line: thin over the library.

Whatever goes wrong ends in :func:`main` as one line on standard error and exit code 2. Exit code 1 belongs to findings
(of ``dedup check``), so nothing else may end with it: click's own ``main``, which uses it for an interrupt and for a
closed pipe, is passed by.

What needs more than click is imported within the commands: ``dedup --help`` must not wait for numpy, let alone torch.
"""

import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from dedup import __version__
from dedup.errors import DedupError, InputError
from dedup.settings import CONFIRM, Settings

if TYPE_CHECKING:
    from rich.console import Console

    from dedup.encoders import Encoder
    from dedup.model import EncoderInfo, Report, Skipped
    from dedup.progress import Progress
    from dedup.read import Fields

UNUSABLE = 2
INTERRUPTED = 130
"""128 + SIGINT, as a shell says it."""
BROKEN_PIPE = 141
"""128 + SIGPIPE: what ``cat`` ends with when ``head`` has seen enough. Silent, for nothing is wrong."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The program. ``arguments`` are those of the process if not given."""
    _replace_closed_streams()
    with _notes_on_standard_error():
        code = _run(sys.argv[1:] if arguments is None else arguments)
    sys.exit(code)


def _run(arguments: Sequence[str]) -> int:
    """The exit code of a call."""
    context = None
    try:
        with dedup.make_context("dedup", list(arguments)) as context:
            dedup.invoke(context)
        sys.stdout.flush()  # a fault in writing belongs here, not to the end of the process
    except click.exceptions.Exit as end:  # --help, --version
        return end.exit_code
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        _complain("interrupted: nothing was written; a run that is started again keeps the vectors that the model made")
        return INTERRUPTED
    except Exception as error:
        if context is not None and context.params["debug"]:
            traceback.print_exc()
        _complain(_in_one_line(error))
        _discard_output()
        return UNUSABLE
    return 0


def _in_one_line(error: Exception) -> str:
    match error:
        case click.UsageError(ctx=click.Context() as context):
            return f"{error.format_message()} See '{context.command_path} --help'."
        case click.ClickException():
            return error.format_message()
        case DedupError():
            return str(error)
        case MemoryError():
            return "out of memory"
        case OSError():
            return str(error)
        case _:
            return f"internal error: {type(error).__name__}: {error} (--debug shows where)"


def _complain(message: str) -> None:
    """One line on standard error, if there still is one."""
    from dedup.report.console import visible

    with suppress(OSError):
        click.echo(f"dedup: {visible(' '.join(message.split()))}", err=True)


def _replace_closed_streams() -> None:
    """Started with ``>&-``, Python has no stream there, and whatever prints would fail."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
            setattr(sys, name, stream)


def _discard_output() -> None:
    """Let output that cannot be written go nowhere, or the interpreter complains of it when it ends, and exits as it
    likes.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _notes_on_standard_error() -> Iterator[None]:
    """What the library logs, such as that it unpacks the model, on standard error."""

    class OnStandardError(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            sys.stderr.write(f"dedup: {record.getMessage()}\n")  # click.echo would write across the progress line

    log, handler = logging.getLogger("dedup"), OnStandardError()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)


class _InOrder(click.Group):
    """Commands in the order in which they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the name that click gives it
        return list(self.commands)


@click.group(
    cls=_InOrder,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  dedup run articles/ -o report.json
  dedup explain articles/a.txt articles/b.txt
  dedup evaluate report.json --gold gold.jsonl
  dedup calibrate parallel.jsonl --model NAME -o calibration/

Exit codes: 0 done; 2 the call or the input is unusable, or the program failed.""",
)
@click.version_option(__version__, prog_name="dedup", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="DEDUP_DEBUG", help="On failure, show the traceback too.")
def dedup(debug: bool) -> None:
    """Find the records that carry the same article: copied, edited, or translated."""


def _record_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say how a table is read. They arrive as ``id_field`` and so on: see :func:`_fields`."""
    defaults = {"id": "id", "text": "text", "url": "url", "language": "lang"}
    for what, default in reversed(defaults.items()):
        option = click.option(
            f"--{what}-field", default=default, show_default=True, metavar="NAME", help=f"Field with the {what}."
        )
        command = option(command)
    return command


def _fields(id_field: str, text_field: str, url_field: str, language_field: str) -> "Fields":
    from dedup.read import Fields

    return Fields(id=id_field, text=text_field, url=url_field, language=language_field)


_FILE = click.Path(path_type=Path)
_format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="What is printed."
)
_threshold_option = click.option(
    "--threshold",
    type=float,
    metavar="P",
    help=f"Probability from which two records count as one article.  [default: {Settings().threshold}]",
)
_model_option = click.option(
    "--model",
    metavar="NAME|FOLDER",
    help="A sentence-transformers model, or table: no transformer.  [default: the bundled one]",
)
_calibration_option = click.option(
    "--calibration", metavar="FOLDER", help="What dedup calibrate wrote for this model.  [default: what is shipped]"
)


@dedup.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", type=_FILE, metavar="FILE", help="Write the JSON report here, too.")
@_format_option
@_threshold_option
@_model_option
@click.option(
    "--confirm",
    type=click.Choice(CONFIRM),
    help="Which records the model sees: those that the token table leaves open, all, none.  [default: auto]",
)
@_calibration_option
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes.  [default: one for each processor]"
)
@_record_options
@click.option("--strict", is_flag=True, help="Exit with 2 if anything had to be skipped.")
def run(
    paths: tuple[str, ...],
    output: Path | None,
    form: str,
    threshold: float | None,
    model: str | None,
    confirm: str | None,
    calibration: str | None,
    workers: int | None,
    strict: bool,
    **field_names: str,
) -> None:
    """Find the records that carry the same article.

    PATH is a folder (its .txt and .md files, at any depth), a .txt, .md, .jsonl or .jsonl.gz file, or - for JSON Lines
    on standard input.

    \b
    Examples:
      dedup run articles/ -o report.json
      zcat crawl.jsonl.gz | dedup run - --text-field body --format json > report.json
    """  # noqa: D301 - click reads the backspace
    settings = _settings(
        {},
        threshold=threshold,
        model=model,
        confirm=confirm,
        calibration=calibration,
        workers=workers or _processors(),
    )
    if output is not None and not output.parent.is_dir():  # rather now than after hours
        raise InputError(f"{output}: cannot be written: there is no folder {str(output.parent)!r}")
    with _progress() as progress:
        from dedup.pipeline import find_clusters
        from dedup.read import read_records

        started = time.monotonic()
        records = read_records(paths, _fields(**field_names))
        report = find_clusters(records, settings, encoder=_encoder(settings), progress=progress)
        seconds = time.monotonic() - started
    if not report.articles:
        raise InputError(f"nothing to compare: 0 records read, {_skipped(report.skipped)}")
    _warn_if_uncalibrated(report.encoder)
    _publish(report, seconds, form, output)
    if strict and report.skipped:
        raise InputError(f"{_skipped(report.skipped)} (--strict)")


def _publish(report: "Report", seconds: float, form: str, output: Path | None) -> None:
    from dedup.report.json_file import to_json, write_atomically
    from dedup.report.terminal import render_summary

    data = to_json(report)
    try:
        if output is not None:
            write_atomically(output, data)
    finally:  # what could not be written can still be read
        if form == "json":
            click.echo(data, nl=False)
        else:
            render_summary(report, seconds, _console())


@dedup.command()
@click.argument("a")
@click.argument("b")
@click.option("--report", "report_file", type=_FILE, metavar="FILE", help="A report that names A or B.")
@click.option("--in", "inputs", multiple=True, metavar="PATH", help="Input that holds A or B; repeatable.")
@_format_option
@_threshold_option
@_model_option
@_calibration_option
@_record_options
def explain(
    a: str,
    b: str,
    report_file: Path | None,
    inputs: tuple[str, ...],
    form: str,
    threshold: float | None,
    model: str | None,
    calibration: str | None,
    **field_names: str,
) -> None:
    """Explain one pair: the decision, all evidence, aligned passages.

    A and B are each the id of a record, looked up in --in and --report, or a file that holds one record. The settings
    are those of the report, where one is given.

    \b
    Examples:
      dedup explain articles/a.txt articles/b.txt
      dedup explain a.txt b.txt --report report.json
      dedup explain 17 42 --in crawl.jsonl
    """  # noqa: D301
    with _progress() as progress:
        from dedup.explain import explain as explain_pair
        from dedup.lookup import find_records
        from dedup.report.explanation import explanation_json, render_explanation
        from dedup.report.json_file import load_report

        report = None if report_file is None else load_report(report_file)
        of_report = report.settings if report else {}
        settings = _settings(of_report, threshold=threshold, model=model, calibration=calibration)
        progress("reading")
        left, right = find_records((a, b), _fields(**field_names), inputs, report)
        progress("comparing")
        explanation = explain_pair(left, right, settings, encoder=_encoder(settings))
    if explanation.encoder is not None:
        _warn_if_uncalibrated(explanation.encoder)
    if form == "json":
        click.echo(explanation_json(explanation), nl=False)
    else:
        render_explanation(explanation, _console())


@dedup.command()
@click.argument("report_file", type=_FILE, metavar="REPORT")
@click.option("--gold", type=_FILE, required=True, metavar="FILE", help="Record ids and their true clusters.")
@_format_option
def evaluate(report_file: Path, gold: Path, form: str) -> None:
    """Measure a report against gold clusters.

    The gold file names each record's cluster: .jsonl with the fields id and gold, .json with one object from id to
    cluster, or .tsv or .csv with two columns.

    \b
    Example:
      dedup evaluate report.json --gold gold.jsonl
    """  # noqa: D301
    from dedup.evaluate import as_json, load_gold, render
    from dedup.evaluate import evaluate as evaluate_report
    from dedup.report.json_file import load_report

    evaluation = evaluate_report(load_report(report_file), load_gold(gold))
    click.echo(as_json(evaluation) if form == "json" else render(evaluation), nl=False)


@dedup.command()
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@click.option("-o", "--output", type=_FILE, required=True, metavar="FOLDER", help="Where the calibration is written.")
@_model_option
@click.option("--licence", default="not stated", metavar="TEXT", help="Of the corpora, for the record.")
@click.option("--text-field", default="text", show_default=True, metavar="NAME", help="Field with the text.")
@click.option("--language-field", default="lang", show_default=True, metavar="NAME", help="Field with the language.")
@click.option("--gold-field", default="gold", show_default=True, metavar="NAME", help="Field that names the article.")
def calibrate(
    corpora: tuple[str, ...],
    output: Path,
    model: str | None,
    licence: str,
    text_field: str,
    language_field: str,
    gold_field: str,
) -> None:
    """Compute a model's own calibration from a parallel corpus.

    CORPUS is a .jsonl or .jsonl.gz file of records that say which article they carry: those of one gold are versions of
    one article. About 60 % of the articles are fitted to, the others measured on.

    \b
    Examples:
      dedup calibrate parallel.jsonl.gz --model NAME -o calibration/ --licence "CC BY 4.0"
      dedup run articles/ --model NAME --calibration calibration/
    """  # noqa: D301
    if not (output if output.exists() else output.parent).is_dir():
        raise InputError(f"{output}: not a folder, and cannot become one")
    with _progress() as progress:
        from dedup.calibration.calibrate import calibrate as compute
        from dedup.calibration.calibrate import provenance, render
        from dedup.calibration.corpus import read_corpora
        from dedup.calibration.store import today, write
        from dedup.encoders import load_encoder
        from dedup.read import Fields

        progress("reading")
        read = read_corpora(corpora, Fields(text=text_field, language=language_field, gold=gold_field))
        settings = _settings({}, model=model)
        encoder = load_encoder(settings.model, settings.batch_size)
        on = today()
        made = compute(read, encoder, on, progress)
    output.mkdir(exist_ok=True)
    write(made.calibration, provenance(made, read, encoder, on, licence), encoder.digest, output)
    click.echo(render(made, read), nl=False)
    click.echo(f"{output}: {made.calibration.name}")


def _settings(of_report: Mapping[str, Any], **called: float | str | None) -> Settings:
    """The settings that a report is stamped with, or else the defaults; but what the call says goes first."""
    given = {name: value for name, value in called.items() if value is not None}
    stamped = {name: of_report[name] for name in Settings().stamped() if name in of_report}
    chosen: dict[str, Any] = {**stamped, **given}
    return Settings(**chosen)


def _encoder(settings: Settings) -> "Encoder":
    """The model that the settings name; what it makes of a text is kept, and the same in all commands."""
    from dedup.encoders import TABLE, RememberingEncoder, load_encoder

    encoder = load_encoder(settings.model, settings.batch_size)
    return encoder if settings.model == TABLE else RememberingEncoder(encoder)


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Tells a person at a terminal which stage a run is in, how far it has come, how fast, and what remains."""
    from dedup.progress import silent

    if not sys.stderr.isatty():
        yield silent
        return
    from dedup.report.bars import bars

    with bars() as progress:
        yield progress


def _console() -> "Console":
    from rich.console import Console

    class OnStandardOutput(Console):
        def on_broken_pipe(self) -> None:
            raise  # rich calls this from its ``except``; its own would exit with 1

    return OnStandardOutput()


def _warn_if_uncalibrated(encoder: "EncoderInfo") -> None:
    from dedup.calibration import UNCALIBRATED

    if encoder.calibration == UNCALIBRATED:
        _complain(
            f"warning: no calibration for {encoder.name}: its probabilities rank pairs, but are not to be trusted; "
            "dedup calibrate makes one"
        )


def _skipped(skipped: Sequence["Skipped"]) -> str:
    if not skipped:
        return "0 skipped"
    first = skipped[0]
    place = first.path if first.line is None else f"{first.path}:{first.line}"
    return f"{len(skipped):,} skipped, the first: {place}: {first.reason}"
