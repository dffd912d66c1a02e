"""Compute the calibration of the bundled model or of its token table: centroids, norms, weights of evidence, levels.

    python scripts/calibrate.py --data ../shared/data --cache /tmp/dedup-vectors [--model table]

writes ``dedup/calibration/<digest>.json`` and ``.npz``. Only articles that :func:`corpora.for_calibration` admits are
read, and none of XQuAD; NTREX, TICO-19, course pages and Kubernetes documentation are.

Beside them stand parts (:func:`inputs.parts`): NTREX articles cut, in all languages at the same places, into texts of 1
to 5 lines. The hardest neighbours of such a text are the other parts of its article. What is computed is told in
:mod:`dedup.calibration.compute`, how the pairs are made in :mod:`dedup.calibration.pairs`, how they are fitted in
:mod:`dedup.calibration.fit`, how their sums become probabilities in :mod:`dedup.calibration.levels`.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from corpora import MAIN_LANGUAGES, Labelled, for_calibration, one_per_language, rank, read_corpus
from inputs import parts
from vector_cache import CachedEncoder

from dedup.calibration import Calibration, Weights
from dedup.calibration.compute import (
    Outcome,
    Prepared,
    norms,
    outcomes,
    pool_of,
    understand,
    weights_of,
    with_partner_similarity,
)
from dedup.calibration.levels import candidates_of, levels_of, scored
from dedup.calibration.pairs import Pool, Sample, samples_of
from dedup.calibration.store import write
from dedup.encoders import load_encoder
from dedup.model import Record

CORPORA = ("ntrex", "tico", "k8sdocs", "courses")
PACKAGE = Path(__file__).parent.parent / "dedup" / "calibration"
CENTROID_ARTICLES = 24
"""NTREX articles behind the centroid of a language outside the main ones: about 400 segments."""


def main() -> None:
    """Read, embed, compute, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    parser.add_argument("--model", default="bundled", choices=("bundled", "table"))
    parser.add_argument("--out", type=Path, default=PACKAGE)
    parser.add_argument(
        "--leave-out", nargs="+", default=[], choices=CORPORA, help="also fit without each of these, into OUT/<corpus>"
    )
    options = parser.parse_args()
    if options.leave_out and options.out == PACKAGE:
        parser.error("--leave-out is for measuring: name a folder with --out")
    encoder = CachedEncoder(load_encoder(options.model, 64), options.cache)
    read = {name: selected(options.data, name) for name in CORPORA}
    read["parts"] = parts(read["ntrex"])
    prepared = {name: prepare(rows, encoder) for name, rows in read.items()}
    calibration = norms(prepared["ntrex"], [part for name, part in prepared.items() if name != "parts"])
    pools = [pool_of(name, part, calibration) for name, part in prepared.items() if name != "ntrex"]
    # The other languages of NTREX only lend their centroid.
    pools.append(pool_of("ntrex", prepared["ntrex"].only(MAIN_LANGUAGES), calibration))
    rng = random.Random(1)
    calibration = with_partner_similarity(pools, calibration, rng)
    samples = [s for pool in pools for s in samples_of(pool, calibration, rng)]
    print(f"{len(samples)} pairs; per corpus, sort and case:")
    candidates = {p.corpus: list(candidates_of(p, calibration, rng)) for p in pools if p.corpus != "parts"}
    name = f"{options.model} {date.today().isoformat()}"
    for corpus in ["", *options.leave_out]:
        unseen = with_parts(corpus)
        weights = weights_without(unseen, samples)
        levels = levels_of(
            one
            for other, some in candidates.items()
            if other not in unseen
            for one in scored(some, weights_without(unseen | with_parts(other), samples))
        )
        fitted = replace(calibration, name=name, weights=weights, levels=levels)
        found = outcomes(samples, fitted)
        describe(found, fitted)
        folder = options.out / corpus
        folder.mkdir(parents=True, exist_ok=True)
        write(fitted, provenance(found, encoder.digest, options.model), encoder.digest, folder)


def with_parts(corpus: str) -> set[str]:
    """The corpus and what is made of it."""
    return {corpus, "parts"} if corpus == "ntrex" else {corpus}


def weights_without(corpora: set[str], samples: Sequence[Sample]) -> dict[str, Weights]:
    """Weights that have seen nothing of the corpora."""
    return weights_of([s for s in samples if s.corpus not in corpora])


def selected(data: Path, name: str) -> list[Labelled]:
    """The records of a corpus that calibration uses."""
    rows = [row for row in read_corpus(data, name) if for_calibration(row.gold)]
    if name == "courses":  # long pages in 51 languages: under half of them say as much
        return [row for row in rows if rank(row.id) % 100 < 45]
    if name != "ntrex":
        return rows
    golds = sorted({row.gold for row in rows}, key=rank)
    for_centroids = set(golds[:CENTROID_ARTICLES])
    others = one_per_language(iter(rows), lambda r: r.language not in MAIN_LANGUAGES and r.gold in for_centroids)
    return [row for row in rows if row.language in MAIN_LANGUAGES] + others  # main languages with their variants


def prepare(rows: Sequence[Labelled], encoder: CachedEncoder) -> Prepared:
    """A corpus through the stages of a run, up to the segment vectors."""
    records = [Record(r.id, r.text, language=r.language, gold=r.gold) for r in rows]
    prepared, skipped = understand(records, encoder)
    if skipped:
        sys.exit(f"unusable records: {skipped}")
    print(f"{rows[0].corpus}: {len(rows)} records", flush=True)
    return prepared


def pools_for(description: str, corpora: Sequence[str]) -> tuple[Calibration, list[Pool]]:
    """What scripts that measure on the articles of the fit begin with: their command line, read and embedded; a
    calibration without weights, and the articles in the main languages, centred by it.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    options = parser.parse_args()
    encoder = CachedEncoder(load_encoder("bundled", 64), options.cache)
    prepared = {name: prepare(selected(options.data, name), encoder) for name in corpora}
    calibration = norms(prepared["ntrex"], prepared.values())
    main_ones = {name: part.only(MAIN_LANGUAGES) if name == "ntrex" else part for name, part in prepared.items()}
    return calibration, [pool_of(name, part, calibration) for name, part in main_ones.items()]


def describe(found: Sequence[Outcome], calibration: Calibration) -> None:
    """Print how many pairs of each corpus, sort and case come out right at 0.5, and the curves."""
    for row in found:
        print(f"{row.kind:15} {row.case:12} {row.corpus:8} {row.pairs:6} pairs, {row.right:.4f} right")
    for kind, weights in calibration.weights.items():
        print(f"{kind}: prior {weights.prior}")
        for name, curve in weights.curves.items():
            drawn = zip(curve.at, curve.weight, strict=True)
            print(f"  {name:16}", "  ".join(f"{at:.3f}: {weight:+.2f}" for at, weight in drawn))
    for sort, level in calibration.levels.items():
        print(f"level of {sort}: slope {level.slope}, offset {level.offset}")
    print("partner similarity", calibration.partner_similarity)


def provenance(found: Sequence[Outcome], digest: str, model: str) -> dict[str, object]:
    """Where the numbers come from."""
    return {
        "command": f"python scripts/calibrate.py --model {model} --data ../shared/data --cache FOLDER",
        "data": {
            "ntrex": "NTREX-128, CC BY-SA 4.0, MicrosoftTranslator/NTREX",
            "tico": "TICO-19, CC0 and CC BY-SA",
            "k8sdocs": "kubernetes/website, CC BY 4.0",
            "courses": "Microsoft course repositories, MIT",
        },
        "split": "articles whose name hashes below 60 of 100 (scripts/corpora.py); none of XQuAD",
        "model": digest,
        "right at 0.5 on the pairs of the fit": [asdict(row) for row in found],
    }


if __name__ == "__main__":
    main()
