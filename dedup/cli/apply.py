"""``dedup apply``: the corpus without the copies."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dedup.cli.options import FILE, FILE_OR_URL, fields_of, record_options
from dedup.cli.terminal import progress_shown, standard_output
from dedup.errors import InputError

if TYPE_CHECKING:
    from dedup.read.remote import File


@click.command()
@click.argument("report_file", type=FILE_OR_URL, metavar="REPORT")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="OUT",
    help="Write here: a file for a file, a folder for all else. Must be new.",
)
@click.option(
    "--keep",
    multiple=True,
    default=("longest",),
    show_default=True,
    metavar="POLICY",
    help="Which record of a cluster stays: longest, first (in the input), central (most probable to the others), "
    "source-language (a language of the cited site), prefer:LANG,LANG..., max:FIELD (a number or date). Repeatable: "
    "the next one decides ties, at last the id.",
)
@click.option(
    "--relations",
    metavar="NAME,...",
    help="Remove only what is this to a record that stays: exact, near-duplicate, translation, partial.",
)
@click.option("--per-language", is_flag=True, help="Keep one record of each language of a cluster.")
@click.option("--threshold", type=float, metavar="P", help="Remove only what is a copy with at least this probability.")
@click.option("--flagged", is_flag=True, help="Take flagged clusters, too, which else are left whole.")
@click.option("--removed", type=FILE, metavar="FILE", help="Write what is removed here, and why, as JSON Lines.")
@click.option("--annotate", is_flag=True, help="Remove nothing: add dedup_cluster, dedup_role, dedup_size to each row.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@record_options
def apply(
    report_file: "File",
    paths: tuple[str, ...],
    output: Path | None,
    keep: tuple[str, ...],
    relations: str | None,
    per_language: bool,
    threshold: float | None,
    flagged: bool,
    removed: Path | None,
    annotate: bool,
    dry_run: bool,
    **field_names: str,
) -> None:
    """Write the corpus without the copies that a report names.

    PATH and the names of fields are those of the run, as the report does not hold the corpus. What stays is as it was,
    to the byte (in Parquet: to the value); nothing is overwritten. An input that has changed since is refused.

    \b
    Examples:
      dedup apply report.json articles.jsonl.gz -o clean.jsonl.gz --removed removed.jsonl
      dedup apply report.json articles/ --keep source-language --keep longest --dry-run
      dedup apply report.json articles.jsonl --annotate -o marked.jsonl
    """  # noqa: D301
    if output is None and not dry_run:
        raise InputError("say where to write with -o, or --dry-run")
    with progress_shown() as progress:
        from dedup.apply import (
            Choice,
            check_places,
            make_plan,
            open_corpus,
            parse_policies,
            parse_relations,
            write_corpus,
        )
        from dedup.apply.summary import render_plan
        from dedup.report.json_file import load_report

        choice = Choice(
            keep=parse_policies(keep),
            relations=None if relations is None else parse_relations(relations),
            threshold=threshold,
            per_language=per_language,
            flagged=flagged,
        )
        report = load_report(report_file)
        corpus = open_corpus(paths, fields_of(**field_names))
        check_places(corpus, output, removed, annotate=annotate)
        planned = make_plan(report, corpus, choice, progress)
        if output is not None and not dry_run:
            write_corpus(planned, output, removed=removed, annotate=annotate, progress=progress)
    render_plan(planned, standard_output(), annotate=annotate, in_detail=dry_run)
