"""How strongly a small corpus should be shrunk towards the shipped calibration: the constants of dedup calibrate.

    python scripts/bench_adapt.py --data ../shared/data --cache FOLDER --base LEFT-OUT [--model NAME|FOLDER]

For each corpus: a third of its calibration articles to measure on, and of the others the first 10, 30, 100 as the
corpus that a user might have, in ten languages at most. Printed is, for each kind of pair, the log loss (nats) on the
pairs measured with the weights to start from, with weights fitted from nothing, and with weights shrunk towards the
former, by penalty times articles. ``LEFT-OUT/<corpus>`` holds the calibration computed without that corpus
(``scripts/calibrate.py --leave-out``): what to start from must not have seen it. Instead, ``--levels`` prints how
doubtful the pairs are that runs over the articles measured propose, without levels, with those to start from, and with
the corpus' own; ``--lengths`` prints how much the length norms of languages vary between corpora and between articles.
"""

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from corpora import Labelled, for_calibration, one_per_language, rank, read_corpus
from vector_cache import CachedEncoder

from dedup.calibration import AS_FITTED, SORTS, Calibration, Level, Weights, for_bundled, load
from dedup.calibration.adapt import fitted, length_ratios, own_levels, pairs_of, without_weights
from dedup.calibration.compute import Prepared, pool_of, understand
from dedup.calibration.fit import fit, importance_of, probability
from dedup.calibration.levels import Scored, scored_candidates
from dedup.calibration.pairs import Sample, samples_of
from dedup.encoders import Encoder, load_encoder
from dedup.model import Record

CORPORA = ("tico", "courses", "k8sdocs")
SIZES = (5, 10, 30, 100)
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
LEVEL_STRENGTHS = (0.01, 0.1, 1.0, 10.0)
LANGUAGES = 10


def main() -> None:
    """Print one table a corpus."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    parser.add_argument("--base", type=Path, required=True, help="folder with calibrations that left a corpus out")
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--corpora", nargs="+", default=CORPORA)
    parser.add_argument("--lengths", action="store_true")
    parser.add_argument("--levels", action="store_true")
    options = parser.parse_args()
    encoder = CachedEncoder(load_encoder(options.model, 64), options.cache)
    for name in options.corpora:
        rows = chosen(options.data, name)
        golds = sorted({row.gold for row in rows}, key=rank)
        measured = golds[: len(golds) // 3]
        base = load(options.base / name, load_encoder("bundled", 64).digest) or for_bundled()
        if options.lengths:
            lengths(name, prepare(rows, golds, encoder))
            continue
        held = prepare(rows, measured, encoder)
        for size in SIZES:
            rest = golds[len(measured) :][:size]
            if len(rest) > size // 2:
                (compare_levels if options.levels else compare)(name, prepare(rows, rest, encoder), held, base)


def chosen(data: Path, name: str) -> list[Labelled]:
    """The calibration articles of a corpus in its most frequent languages."""
    rows = [row for row in read_corpus(data, name) if for_calibration(row.gold)]
    frequent = {code for code, _ in Counter(row.language for row in rows).most_common(LANGUAGES)}
    return one_per_language(iter(rows), lambda row: row.language in frequent)


def prepare(rows: Sequence[Labelled], golds: Sequence[str], encoder: Encoder) -> Prepared:
    """The records of some articles."""
    wanted = set(golds)
    records = [Record(r.id, r.text, language=r.language, gold=r.gold) for r in rows if r.gold in wanted]
    return understand(records, encoder)[0]


def compare(name: str, small: Prepared, held: Prepared, base: Calibration) -> None:
    """Print the log loss of each way to fit, by kind of pair."""
    calibration = without_weights([small], base, None)
    found = list(samples_of(pool_of(name, small, calibration), calibration, random.Random(1)))
    measured = list(samples_of(pool_of(name, held, calibration), calibration, random.Random(2)))
    articles = len(set(small.golds))
    for kind in SORTS:
        pairs = [s for s in found if s.kind == kind]
        others = [s for s in measured if s.kind == kind]
        towards = base.weights[kind]
        ways = {"start": towards, "from nothing": fit(pairs)}
        ways |= {f"{strength:g}": fit(pairs, towards, strength / articles) for strength in STRENGTHS}
        losses = "  ".join(f"{way} {log_loss(others, weights):.4f}" for way, weights in ways.items())
        print(f"{name:8} {articles:4} articles  {kind:15} {len(pairs):6} pairs  {losses}", flush=True)


def compare_levels(name: str, small: Prepared, held: Prepared, base: Calibration) -> None:
    """Print the log loss and the calibration error of the pairs that runs over other articles propose, by level."""
    calibration = without_weights([small], base, None)
    parts = {name: small}
    weights = fitted(pairs_of(parts, calibration, 1), parts, calibration)
    unlevelled = replace(calibration, weights=weights, levels={})
    pairs = list(scored_candidates(pool_of(name, held, unlevelled), unlevelled, random.Random(2)))
    ways = {"none": {}, "start": base.levels}
    ways |= {f"{strength:g}": own_levels(parts, calibration, strength) for strength in LEVEL_STRENGTHS}
    found = "  ".join(f"{way} {loss:.4f} {error:.4f}" for way, (loss, error) in _doubts(pairs, ways))
    print(f"{name:8} {len(set(small.golds)):4} articles  {len(pairs):6} pairs  {found}", flush=True)


def _doubts(
    pairs: Sequence[Scored], ways: Mapping[str, Mapping[str, Level]]
) -> Iterator[tuple[str, tuple[float, float]]]:
    for way, levels in ways.items():
        yield way, doubt(pairs, levels)


def doubt(pairs: Sequence[Scored], levels: Mapping[str, Level]) -> tuple[float, float]:
    """Log loss and expected calibration error, dense and sparse draws weighing the same."""
    sizes = Counter(pair.draw for pair in pairs)
    weights = np.array([1 / sizes[pair.draw] for pair in pairs]) / len(sizes)
    used = [levels.get(pair.sort, AS_FITTED) for pair in pairs]
    odds = np.array([level.slope * pair.odds + level.offset for level, pair in zip(used, pairs, strict=True)])
    same = np.array([pair.same for pair in pairs])
    chance = 1 / (1 + np.exp(-odds))
    bins = np.minimum((chance * 10).astype(int), 9)
    error = np.abs(np.bincount(bins, weights * (chance - same), 10)).sum()
    return float(weights @ np.logaddexp(0, np.where(same, -odds, odds))), float(error)


def log_loss(samples: Sequence[Sample], weights: Weights) -> float:
    """Mean negative log-likelihood in nats, pairs weighing as in the fit."""
    likelihood = [probability(s, weights) if s.same else 1 - probability(s, weights) for s in samples]
    return float(-importance_of(samples) @ np.log(np.maximum(likelihood, 1e-12)))


def lengths(name: str, corpus: Prepared) -> None:
    """Print the variance of a language's norm between corpora, and of an article's ratio around its language's."""
    ratios = length_ratios([corpus])
    shipped = for_bundled().length_norms
    apart = np.array([np.median(values) - shipped[code] for code, values in ratios.items() if code in shipped])
    within = np.concatenate([np.array(values) - np.median(values) for values in ratios.values()])
    between = float(np.median(np.abs(apart - np.median(apart))) * 1.4826) ** 2
    spread = float(np.median(np.abs(within[within != 0])) * 1.4826) ** 2
    print(f"{name:8} within a language {spread:.4f}, between corpora {between:.4f}, ratio {spread / between:.1f}")


if __name__ == "__main__":
    main()
