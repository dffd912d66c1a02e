"""Measure accuracy on articles that calibration has not seen.

    python scripts/bench_accuracy.py --data ../shared/data --cache /tmp/dedup-vectors

For each corpus: the records of the articles that :func:`corpora.for_calibration` keeps for reporting (all of XQuAD,
which calibration never reads), pooled as one input with the declared languages, through ``find_clusters`` and
``evaluate``. ``--write FOLDER`` leaves each input there as JSONL with gold, for the same by hand:

    dedup run FOLDER/xquad.jsonl -o report.json
    dedup evaluate report.json --gold FOLDER/xquad.jsonl

``--cache`` keeps segment vectors between runs (as 16-bit floats, so that figures can differ in the last digit from
the command's).
"""

import argparse
import hashlib
import json
import re
import time
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

from corpora import MAIN_LANGUAGES, Labelled, for_calibration, one_per_language, read_corpus
from vector_cache import CachedEncoder

from dedup import Record, Settings, find_clusters
from dedup.calibration import load
from dedup.encoders import load_encoder
from dedup.evaluate import Evaluation, evaluate
from dedup.report.document import document_of
from dedup.text import numbers

CORPORA = ("ntrex", "xquad", "tico", "courses", "k8sdocs", "twins")


def main() -> None:
    """Run each corpus and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, help="folder that keeps segment vectors between runs")
    parser.add_argument("--model", default="bundled", help="as of dedup run")
    parser.add_argument("--corpora", nargs="+", default=list(CORPORA[:2]), choices=CORPORA)
    parser.add_argument("--threshold", type=float, default=Settings().threshold)
    parser.add_argument("--identify", action="store_true", help="leave out the declared languages")
    parser.add_argument("--calibration", type=Path, help="folder with another calibration than the shipped one")
    parser.add_argument("--write", type=Path, help="folder for the inputs as JSONL")
    options = parser.parse_args()
    loaded = load_encoder(options.model, Settings().batch_size)
    encoder = CachedEncoder(loaded, options.cache) if options.cache else loaded
    calibration = load(options.calibration, encoder.digest) if options.calibration else None
    print(HEADER)
    for name in options.corpora:
        rows = held_out(options.data, name)
        if options.write:
            write(rows, options.write / f"{name}.jsonl")
        records = [Record(r.id, r.text, None, None if options.identify else r.language) for r in rows]
        started = time.perf_counter()
        report = find_clusters(records, Settings(threshold=options.threshold), encoder=encoder, calibration=calibration)
        seconds = time.perf_counter() - started
        print(line(name, rows, evaluate(document_of(report), {r.id: r.gold for r in rows}), seconds), flush=True)


def held_out(data: Path, name: str) -> list[Labelled]:
    """The records of a corpus that calibration has not seen."""
    if name == "xquad":
        return list(read_corpus(data, name))
    if name == "twins":
        return twins(held_out(data, "ntrex"))
    rows = (row for row in read_corpus(data, name) if not for_calibration(row.gold))
    if name == "ntrex":
        return one_per_language(rows, lambda r: r.language in MAIN_LANGUAGES)
    return list(rows)


TWIN_FIGURES = 3
"""An article that states fewer figures of two digits or more makes no twin: nothing in it could be told apart."""

FIGURE = re.compile(r"\d+(?:[.,'’٫٬\u00a0\u202f]\d+)*")


def twins(rows: list[Labelled]) -> list[Labelled]:
    """Templates: half of the languages of an article carry it as it is, half with every figure replaced.

    The replacement is one for one and the same in all languages, digit for digit in the digits of the script.
    """
    english = {r.gold: r.text for r in rows if r.language == "en"}
    usable = {g for g, text in english.items() if len({n for n in numbers(text) if len(n) > 1}) >= TWIN_FIGURES}
    made = []
    for row in rows:
        if row.gold in usable and MAIN_LANGUAGES.index(row.language) % 2:
            made.append(replace(row, text=with_other_figures(row.text, row.gold), gold=f"{row.gold} twin"))
        elif row.gold in usable:
            made.append(row)
    return made


def with_other_figures(text: str, key: str) -> str:
    """The text with every figure replaced."""
    return FIGURE.sub(lambda found: other_figure(found[0], key), text)


def other_figure(figure: str, key: str) -> str:
    """Another figure with as many digits and the same separators, which depends on the digits and on ``key`` only."""
    digits = "".join(str(unicodedata.decimal(c)) for c in figure if c.isdecimal())
    number = int(hashlib.blake2b(f"{key}/{digits}".encode(), digest_size=8).hexdigest(), 16) % 10 ** len(digits)
    other = iter(str(number).zfill(len(digits)))
    return "".join(chr(ord(c) - unicodedata.decimal(c) + int(next(other))) if c.isdecimal() else c for c in figure)


HEADER = "corpus    records langs gold  B-cubed P       R      F1 pair F1 exact F1 false merges  seconds"


def line(name: str, rows: list[Labelled], found: Evaluation, seconds: float) -> str:
    """One row of the table."""
    languages = len({r.language for r in rows})
    b, pairs = found.b_cubed, found.pairs
    sizes = Counter(r.gold for r in rows)
    apart = (len(rows) ** 2 - sum(n * n for n in sizes.values())) // 2
    if name == "twins":  # only an article and its twin can be confused
        apart = sum(sizes[g] * sizes.get(f"{g} twin", 0) for g in sizes)
    scores = f"{b.precision:.4f}  {b.recall:.4f}  {b.f1:.4f}  {pairs.f1:.4f}  {found.exact_clusters.f1:.4f}"
    merged = f"{found.false_merges:5} ({found.false_merges / apart:.3%})"
    return f"{name:9}{len(rows):8}{languages:6}{found.gold_clusters:5}     {scores}  {merged}  {seconds:8.1f}"


def write(rows: list[Labelled], path: Path) -> None:
    """An input with its gold, for the command."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        for row in rows:
            fields = {"id": row.id, "text": row.text, "lang": row.language, "gold": row.gold}
            out.write(json.dumps(fields, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
