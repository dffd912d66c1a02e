"""``dedup run``: which of many records carry the same article."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from dedup.cli.distributed import DAFT, Distribution, engine_options
from dedup.cli.options import (
    FILE_OR_URL,
    calibration_option,
    confirm_option,
    encoder_of,
    fields_of,
    format_option,
    memory_option,
    model_option,
    record_options,
    settings_of,
    spare_inputs,
    strict_option,
    threshold_option,
    workers_option,
)
from dedup.cli.record import Place, RunRecord, manifest_options
from dedup.cli.telling import complain, this_call
from dedup.cli.terminal import progress_shown, warn_if_uncalibrated
from dedup.cli.wanted import Wanted
from dedup.errors import InputError
from dedup.memory import is_kept, workers_for
from dedup.settings import Settings
from dedup.skipped import nothing_to_compare

if TYPE_CHECKING:
    from dedup.model import Report, WholeReport
    from dedup.pipeline import Stages
    from dedup.read.fields import Fields
    from dedup.read.remote import File


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-o", "--output", type=FILE_OR_URL, metavar="FILE", help="Write the JSON report here, too.")
@click.option(
    "--html", type=FILE_OR_URL, metavar="FILE", help="Write the report as a page here: one file for a browser."
)
@click.option(
    "--assignment", type=FILE_OR_URL, metavar="FILE", help="Write a table here: record, cluster, role, probability."
)
@manifest_options
@click.option("--sweep", is_flag=True, help="Tell what other thresholds would change, without computing again.")
@format_option
@threshold_option
@model_option
@confirm_option
@calibration_option
@workers_option
@memory_option(", or --engine daft, which works in parts")
@record_options
@strict_option
@engine_options
def run(
    paths: tuple[str, ...],
    output: "File | None",
    html: "File | None",
    assignment: "File | None",
    manifest: "File | None",
    no_manifest: bool,
    sweep: bool,
    form: str,
    threshold: float | None,
    model: str | None,
    confirm: str | None,
    calibration: str | None,
    workers: int | None,
    strict: bool,
    engine: str,
    ray: str | None,
    store: str | None,
    tables: str | None,
    partition: int | None,
    **field_names: str,
) -> None:
    """Find the records that carry the same article.

    PATH is a folder (its .txt and .md files, at any depth), a .txt, .md, .jsonl, .csv, .tsv, .parquet, .warc or
    .wet file (also as .gz or .zst), or - for JSON Lines on standard input. A URL (s3://bucket/folder/,
    hf://datasets/..., https://.../x.jsonl.gz) is read through fsspec; there * and ** stand for what is there.

    \b
    Examples:
      dedup run articles/ -o report.json --html page.html
      zcat crawl.jsonl.gz | dedup run - --text-field body --format json > report.json
      dedup run crawl/*.parquet --engine daft --store stages/ --tables result/
    """  # noqa: D301 - click reads the backspace
    settings = settings_of({}, threshold=threshold, model=model, confirm=confirm, calibration=calibration)
    results = _Results(output, html, assignment)
    distribution = Distribution(engine, ray, store, tables, partition)
    distribution.check(
        {
            "--html": html is not None,
            "--assignment": assignment is not None,
            "--sweep": sweep,
            "--max-memory": is_kept(),
        }
    )
    results.check()
    place = Place.of(manifest, no_manifest, output)
    place.check()
    settings = replace(settings, workers=workers_for(workers))
    record = RunRecord(arguments=this_call().arguments, settings=settings, engine=engine, place=place)
    files = (*results.files, *place.files)
    wanted = Wanted(files=files, report=output, as_json=form == "json", strict=strict, record=record)
    with record.kept():
        if engine == DAFT:
            distribution.run(paths, fields_of(**field_names), settings, workers, wanted)
        else:
            _run_here(paths, fields_of(**field_names), settings, results, wanted, sweep=sweep)


def _run_here(
    paths: Sequence[str], fields: "Fields", settings: Settings, results: "_Results", wanted: Wanted, *, sweep: bool
) -> None:
    with progress_shown() as progress:
        from dedup.pipeline import report_of, run_stages
        from dedup.read.records import open_input, read_input

        record = wanted.record
        record.watch = progress
        started = time.monotonic()
        given = open_input(paths)
        spare_inputs(wanted.files, given)
        record.opened(given)
        record.encoder = encoder_of(settings)
        records = record.counted(read_input(given, fields))
        stages = run_stages(records, settings, record.encoder, progress=progress)
        report = report_of(stages, settings)
        if sweep:
            progress("trying other thresholds")
            report = _with_outlooks(report, stages, settings)
        seconds = time.monotonic() - started
    record.found(report, report.skipped)
    if not report.records:
        raise InputError(nothing_to_compare(report.skipped))
    warn_if_uncalibrated(report.encoder)
    progress("writing")
    try:
        results.write(stages, report, settings, record)
    except Exception:  # what could not be written can still be read; who interrupts wants nothing any more
        wanted.publish(report, seconds)
        raise
    wanted.publish(report, seconds)
    wanted.refuse_skipped(report.skipped)


def _with_outlooks(report: "WholeReport", stages: "Stages", settings: Settings) -> "WholeReport":
    from dedup.sweep import sweep

    return replace(report, outlooks=sweep(stages, settings.threshold))


@dataclass(frozen=True, slots=True)
class _Results:
    """The files to write."""

    report: "File | None"
    html: "File | None"
    assignment: "File | None"

    @property
    def files(self) -> "list[File]":
        """Those that are asked for."""
        return [file for file in (self.report, self.html, self.assignment) if file is not None]

    def check(self) -> None:
        """Complain rather now than after hours of what cannot be written."""
        from dedup.files import check_writable

        for file in self.files:
            check_writable(file)
        if self.assignment is not None:
            from dedup.report.assignment import check_assignment_file

            check_assignment_file(self.assignment)

    def write(self, stages: "Stages", report: "WholeReport", settings: Settings, record: RunRecord) -> None:
        """The page and the assignment; :class:`Wanted` writes the report."""
        if self.html is not None:
            record.write("page", self.html, _page(stages, report, settings))
        if self.assignment is not None:
            _write_assignment(report, self.assignment, record)


def _page(stages: "Stages", report: "Report", settings: Settings) -> bytes:
    from dedup.report.html.collect import page_data
    from dedup.report.html.page import page_of

    return page_of(page_data(stages, report, settings.threshold))


def _write_assignment(report: "WholeReport", file: "File", record: RunRecord) -> None:
    from dedup.report.assignment import GUARD, assignment, table_of

    table = table_of(assignment(report), file)
    record.write("assignment", file, table.data)
    if table.guarded:
        one = "1 cell that a spreadsheet would run as a formula begins"
        several = f"{table.guarded:,} cells that a spreadsheet would run as formulas begin"
        told = f"{one if table.guarded == 1 else several} with {GUARD}"
        complain(f"{file}: {told}; .jsonl and .parquet hold all as they are")
