"""``dedup evaluate``: a report, or an assignment, against the truth."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dedup.cli.options import FILE, FILE_OR_URL, format_option

if TYPE_CHECKING:
    from dedup.read.remote import File


@click.command()
@click.argument("report_file", type=FILE_OR_URL, metavar="REPORT")
@click.option("--gold", type=FILE, required=True, metavar="FILE", help="Record ids and their true clusters.")
@format_option
def evaluate(report_file: "File", gold: Path, form: str) -> None:
    """Measure a report against gold clusters: the JSON report of a run, what --assignment wrote, or the folder of
    --tables.

    The gold file names each record's cluster: .jsonl with the fields id and gold, .json with one object from id to
    cluster, or .tsv or .csv with two columns.

    \b
    Example:
      dedup evaluate report.json --gold gold.jsonl
      dedup evaluate clusters.parquet --gold gold.jsonl
    """  # noqa: D301
    from dedup.evaluate import as_json, load_gold, render
    from dedup.evaluate import evaluate as evaluate_report
    from dedup.report.assigned import is_assignment, load_assignment
    from dedup.report.json_file import load_report

    found = load_assignment(report_file) if is_assignment(report_file) else load_report(report_file)
    evaluation = evaluate_report(found, load_gold(gold))
    click.echo(as_json(evaluation) if form == "json" else render(evaluation), nl=False)
