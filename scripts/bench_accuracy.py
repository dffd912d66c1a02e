"""Measure accuracy on articles that calibration has not seen.

    python scripts/bench_accuracy.py --data ../shared/data --cache /tmp/dedup-vectors --corpora all --json figures.json

Each input (``inputs.py`` tells what they are) goes through the stages of ``find_clusters`` with its declared languages
and then through ``evaluate``. One row of the table an input:

=============  =======================================================================================================
B-cubed, pair, exact   scores of :mod:`dedup.evaluate`
false merges   pairs of records that were put together wrongly; in brackets their share of all pairs of different
               articles, of twins of all pairs of an article and its twin; what they are in the last column
proposed       share of the true pairs that a finder proposes
reached, in 20 share of the records with a partner that have a right one among their candidates, among the first 20
ECE            expected calibration error of the candidate pairs (``reliability.py``)
>= 0.9         of the links in clusters given 0.9 or more, the share that is right
encoded        records that the model looked at after the token table
=============  =======================================================================================================

Below the table, where asked: ``--candidates`` recall by finder, ``--oracle N`` what judging every pair would change
(``oracle.py``; the articles of up to N records), ``--reliability`` tables of probabilities, ``--by-language-pair`` the
worst recall, ``--mistakes N`` the worst N with their evidence. ``--json FILE`` writes all figures (mistakes, which show
texts, apart; the oracle where it ran).

``--write FOLDER`` leaves each input there as JSONL with gold, for the same by hand:

    dedup run FOLDER/xquad.jsonl -o report.json
    dedup evaluate report.json --gold FOLDER/xquad.jsonl

``--confirm`` says which records the model looks at, as of dedup run; ``encoded`` in the table counts those it did where
the token table saw them first. ``--cache`` keeps segment vectors of both between runs (as 16-bit floats, so that
figures can differ in the last digit from the command's).
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import mistakes
import msgspec
import oracle
import reliability
from corpora import Labelled
from inputs import INPUTS, Rows, draws_of
from outcome import Outcome, Recall, evaluation, false_merges_by_kind, recall_by_languages, run
from vector_cache import CachedEncoder

from dedup import Settings
from dedup.calibration import load
from dedup.encoders import load_encoder
from dedup.evaluate import Score
from dedup.pipeline import Models, models_of
from dedup.settings import CONFIRM

LEAST_RECALLS = 15
"""Pairs of languages that ``--by-language-pair`` shows."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is measured of one input; see the modules that the values are from."""

    records: int
    languages: int
    articles: int
    draws: int
    b_cubed: Score
    pairs: Score
    exact_clusters: Score
    false_merges: int
    false_merge_share: float
    false_merges_by_kind: dict[str, int]
    missed_pairs: int
    candidates: oracle.CandidateRecall
    candidate_reliability: reliability.Breakdown
    link_reliability: reliability.Breakdown
    recall_by_language_pair: dict[str, Recall]
    recall_by_language: dict[str, Recall]
    loss: oracle.Loss | None
    encoded: int
    """Records that the model looked at after the token table."""
    seconds: float


def main() -> None:
    """Run each input, print its row, and what else was asked for."""
    options = parse()
    settings = Settings(threshold=options.threshold, model=options.model, confirm=options.confirm)
    models = models_with(options, settings)
    print(HEADER)
    figures: dict[str, Figures] = {}
    for name in INPUTS if "all" in options.corpora else options.corpora:
        draws = draws_of(options.data, name)
        if options.write:
            write(draws, options.write, name)
        outcomes = [run(rows, settings, models=models, identify=options.identify) for rows in draws]
        loss = oracle.loss(outcomes, options.oracle, settings) if options.oracle else None
        figures[name] = figures_of(draws, outcomes, loss)
        print(row_of(name, figures[name]), flush=True)
        for text in details(figures[name], outcomes, options):
            print(f"  {text}", flush=True)
    if options.json:
        write_json(figures, settings, options, options.json)


def models_with(options: argparse.Namespace, settings: Settings) -> Models:
    """Those that the settings ask for, with the calibration and the cache of the call."""
    encoder = load_encoder(settings.model, settings.batch_size)
    calibration = load(options.calibration, encoder.digest) if options.calibration else None
    models = models_of(settings, encoder, calibration)
    if not options.cache:
        return models
    closer = models.closer and replace(models.closer, encoder=CachedEncoder(models.closer.encoder, options.cache))
    return replace(models, first=CachedEncoder(models.first, options.cache), closer=closer)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, help="folder that keeps segment vectors between runs")
    parser.add_argument("--model", default=Settings().model, help="as of dedup run")
    parser.add_argument("--confirm", default=Settings().confirm, choices=CONFIRM, help="as of dedup run")
    parser.add_argument(
        "--corpora", nargs="+", default=list(INPUTS[:2]), choices=[*INPUTS, "all"], help="the inputs, or all of them"
    )
    parser.add_argument("--threshold", type=float, default=Settings().threshold)
    parser.add_argument("--identify", action="store_true", help="leave out the declared languages")
    parser.add_argument("--calibration", type=Path, help="folder with another calibration than the shipped one")
    parser.add_argument("--write", type=Path, help="folder for the inputs as JSONL")
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--candidates", action="store_true", help="recall of the candidates by finder")
    parser.add_argument("--oracle", type=int, metavar="N", help="judge all pairs of the articles of up to N records")
    parser.add_argument("--reliability", action="store_true", help="tables of probabilities")
    parser.add_argument("--by-language-pair", action="store_true", help="the worst recall by languages")
    parser.add_argument("--mistakes", type=int, metavar="N", default=0, help="the N worst of each sort, with texts")
    return parser.parse_args()


def figures_of(draws: Sequence[Rows], outcomes: Sequence[Outcome], loss: oracle.Loss | None) -> Figures:
    """All figures of one input."""
    found = evaluation(outcomes)
    by_pair, by_language = recall_by_languages(outcomes)
    return Figures(
        records=found.records,
        languages=len({row.language for rows in draws for row in rows}),
        articles=found.gold_clusters,
        draws=len(draws),
        b_cubed=found.b_cubed,
        pairs=found.pairs,
        exact_clusters=found.exact_clusters,
        false_merges=found.false_merges,
        false_merge_share=found.false_merges / max(1, sum(map(pairs_to_keep_apart, draws))),
        false_merges_by_kind=false_merges_by_kind(outcomes),
        missed_pairs=found.missed_pairs,
        candidates=oracle.candidate_recall(outcomes),
        candidate_reliability=reliability.breakdown(pair for o in outcomes for pair in reliability.candidates(o)),
        link_reliability=reliability.breakdown(pair for o in outcomes for pair in reliability.links(o)),
        recall_by_language_pair=by_pair,
        recall_by_language=by_language,
        loss=loss,
        encoded=sum(len(outcome.stages.judge.closer) for outcome in outcomes),
        seconds=sum(outcome.seconds for outcome in outcomes),
    )


def pairs_to_keep_apart(rows: Sequence[Labelled]) -> int:
    """Pairs of records that carry different articles; where there are twins, only an article and its twin."""
    sizes = Counter(row.gold for row in rows)
    with_twins = sum(sizes[gold] * sizes[f"{gold} twin"] for gold in list(sizes))
    return with_twins or (len(rows) ** 2 - sum(n * n for n in sizes.values())) // 2


HEADER = (
    f"{'':10} records langs  gold  B-cubed P       R      F1  pair F1 exact F1    false merges   proposed reached"
    "  in 20     ECE  >= 0.9  encoded  seconds  false merges by kind"
)


def row_of(name: str, f: Figures) -> str:
    """One row of the table."""
    c, b, top = f.candidates, f.b_cubed, f.link_reliability.all.bins[-1]
    merges = f"{f.false_merges:6} ({f.false_merge_share:.3%})"
    error = f.candidate_reliability.all.expected_calibration_error
    kinds = "; ".join(f"{kind} {count:,}" for kind, count in f.false_merges_by_kind.items())
    return (
        f"{name:10}{f.records:8}{f.languages:6}{f.articles:6}     {b.precision:.4f}  {b.recall:.4f}  {b.f1:.4f}   "
        f"{f.pairs.f1:.4f}   {f.exact_clusters.f1:.4f}  {merges}     {c.pairs:.4f}"
        f"  {c.reached:.4f} {c.reached_in_20:.4f}  {error:.4f}  {top.right or 0:.4f} {f.encoded:8} {f.seconds:8.1f}"
        f"  {kinds}"
    )


def details(f: Figures, outcomes: Sequence[Outcome], options: argparse.Namespace) -> Iterator[str]:
    """What else was asked for, line by line."""
    if options.candidates:
        yield from oracle.lines(f.candidates)
    if f.loss:
        yield oracle.loss_line(f.loss)
    if options.reliability:
        yield from reliability.lines("candidates", f.candidate_reliability)
        yield from reliability.lines("links in clusters", f.link_reliability)
    if options.by_language_pair:
        yield f"recall of true pairs, least first: {recalls(f.recall_by_language_pair)}"
        yield f"by language: {recalls(f.recall_by_language)}"
    if options.mistakes:
        for wrong in mistakes.wrong_links(outcomes, options.mistakes):
            yield from mistakes.lines(wrong)
        for missed in mistakes.missed_pairs(outcomes, options.mistakes):
            yield from mistakes.lines(missed)


def recalls(found: dict[str, Recall]) -> str:
    """The least recalls."""
    return ", ".join(f"{name} {r.share:.3f} of {r.pairs:,}" for name, r in islice(found.items(), LEAST_RECALLS))


def write(draws: Sequence[Rows], folder: Path, name: str) -> None:
    """An input with its gold, for the command; a file a draw where there are several."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, rows in enumerate(draws, start=1):
        path = folder / (f"{name}.jsonl" if len(draws) == 1 else f"{name}-{number}.jsonl")
        with path.open("w", encoding="utf-8") as out:
            for row in rows:
                fields = {"id": row.id, "text": row.text, "lang": row.language, "gold": row.gold}
                out.write(json.dumps(fields, ensure_ascii=False) + "\n")


def write_json(figures: dict[str, Figures], settings: Settings, options: argparse.Namespace, path: Path) -> None:
    """All figures with what they were measured under."""
    content = {
        "settings": settings.stamped(),
        "calibration": str(options.calibration) if options.calibration else "shipped",
        "languages": "identified" if options.identify else "declared",
        "inputs": figures,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")


if __name__ == "__main__":
    main()
