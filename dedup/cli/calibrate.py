"""``dedup calibrate``: a calibration for another model."""

from pathlib import Path

import click

from dedup.cli.options import FILE, model_option, settings_of
from dedup.cli.terminal import progress_shown
from dedup.errors import InputError


@click.command()
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@click.option("-o", "--output", type=FILE, required=True, metavar="FOLDER", help="Where the calibration is written.")
@model_option
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

    CORPUS is a table (.jsonl, .csv, .tsv, .parquet) of records that say which article they carry: those of one gold are
    versions of one article. About 60 % of the articles are fitted to, the others measured on.

    \b
    Examples:
      dedup calibrate parallel.jsonl.gz --model NAME -o calibration/ --licence "CC BY 4.0"
      dedup run articles/ --model NAME --calibration calibration/
    """  # noqa: D301
    from dedup.files import fault_of_folder

    if fault := fault_of_folder(output if output.exists() else output.parent):
        raise InputError(f"{output}: cannot be written: {fault}")
    with progress_shown() as progress:
        from dedup.calibration.store import today, write

        on = today()  # before numpy.f2py, which scipy imports, trips over the same variable
        from dedup.calibration.calibrate import calibrate as compute
        from dedup.calibration.calibrate import provenance, render
        from dedup.calibration.corpus import read_corpora
        from dedup.encoders import load_encoder
        from dedup.read import Fields

        progress("reading")
        read = read_corpora(corpora, Fields(text=text_field, language=language_field, gold=gold_field))
        settings = settings_of({}, model=model)
        encoder = load_encoder(settings.model, settings.batch_size)
        made = compute(read, encoder, on, progress)
    output.mkdir(exist_ok=True)
    write(made.calibration, provenance(made, read, encoder, on, licence), encoder.digest, output)
    click.echo(render(made, read), nl=False)
    click.echo(f"{output}: {made.calibration.name}")
