"""``dedup explain``: one pair of records."""

from typing import TYPE_CHECKING

import click

from dedup.cli.options import (
    FILE_OR_URL,
    calibration_option,
    encoder_of,
    fields_of,
    format_option,
    model_option,
    record_options,
    settings_of,
    threshold_option,
)
from dedup.cli.terminal import progress_shown, standard_output, warn_if_uncalibrated

if TYPE_CHECKING:
    from dedup.read.remote import File


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--report", "report_file", type=FILE_OR_URL, metavar="FILE", help="A report that names A or B.")
@click.option("--in", "inputs", multiple=True, metavar="PATH", help="Input that holds A or B; repeatable.")
@click.option("--full", is_flag=True, help="Show every passage, and all of it.")
@format_option
@threshold_option
@model_option
@calibration_option
@record_options
def explain(
    a: str,
    b: str,
    report_file: "File | None",
    inputs: tuple[str, ...],
    full: bool,
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
    with progress_shown() as progress:
        from dedup.explain import explain as explain_pair
        from dedup.lookup import find_records
        from dedup.report.explanation import explanation_json, render_explanation
        from dedup.report.json_file import load_report

        report = None if report_file is None else load_report(report_file)
        of_report = report.settings if report else {}
        settings = settings_of(of_report, threshold=threshold, model=model, calibration=calibration)
        progress("reading")
        left, right = find_records((a, b), fields_of(**field_names), inputs, report)
        progress("comparing")
        encoder = encoder_of(settings, fetch=report is None or model is not None)
        explanation = explain_pair(left, right, settings, encoder=encoder)
    if explanation.encoder is not None:
        warn_if_uncalibrated(explanation.encoder)
    if form == "json":
        click.echo(explanation_json(explanation), nl=False)
    else:
        render_explanation(explanation, standard_output(), full=full)
