"""Fit what tells a part from the whole (:mod:`dedup.relation`), and measure it.

    python scripts/measure_relations.py --data ../shared/data --cache /tmp/dedup-vectors [--model table]

Pairs are two versions of one article, of the calibration articles of NTREX, TICO-19, Kubernetes documentation and
course pages: in two languages, or a text and an edited copy of it (5 to 20 % of its segments dropped). For each, a part
is made of one side: 40 to 80 % of its segments in a row, from the beginning or from anywhere. Printed are the weights
of all corpora, and for each corpus, with the weights of the others, the share of whole pairs that are called parts and
of parts that are called whole; then the same for the weights in use, and for a cut of the smaller coverage
(``--earlier``), as it was used before.
"""

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from calibrate import prepare, selected
from corpora import MAIN_LANGUAGES
from numpy.typing import NDArray
from scipy.optimize import minimize
from vector_cache import CachedEncoder

from dedup import calibration as calibrations
from dedup.calibration import Calibration
from dedup.calibration.compute import pool_of
from dedup.calibration.pairs import Pool, edited, remade, translations
from dedup.encoders import load_encoder
from dedup.evidence import Subject, align, coverage
from dedup.relation import ASYMMETRY, GAP, PRIOR, asymmetry_and_gap

CORPORA = ("ntrex", "tico", "k8sdocs", "courses")
PAIRS = 800
FEWEST = 3
"""Segments of a text that a part can be made of."""

SIGNS = (-1, 1)
"""Of wholes and of parts."""

Rows = NDArray[np.float64]


def main() -> None:
    """Read, embed, fit, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    parser.add_argument("--model", default="bundled", choices=("bundled", "table"))
    parser.add_argument("--earlier", type=float, default=0.69, help="smaller coverage from which a pair was whole")
    called = parser.parse_args()
    encoder = CachedEncoder(load_encoder(called.model, 64), called.cache)
    calibration = calibrations.shipped(encoder.digest) or calibrations.for_bundled()
    prepared = {name: prepare(selected(called.data, name), encoder) for name in CORPORA}
    rng = random.Random(1)
    found: dict[str, tuple[Rows, Rows]] = {}
    for name, part in prepared.items():
        pool = pool_of(name, part.only(MAIN_LANGUAGES) if name == "ntrex" else part, calibration)
        pairs = list(wholes(pool, rng))
        parts = [one for pair in pairs for one in made_parts(*pair, rng)]
        found[name] = numbers(pairs, calibration), numbers(parts, calibration)
    asymmetry, gap, prior = fitted(found, CORPORA).tolist()
    print(f"weights of all: asymmetry {asymmetry:.2f}, gap {gap:.2f}, prior {prior:.2f}")
    in_use = np.array([ASYMMETRY, GAP, PRIOR])
    print(f"{'':8} whole called part, part called whole: left out; in use; earlier")
    for name in CORPORA:
        whole, cut = found[name]
        left_out = fitted(found, [other for other in CORPORA if other != name])
        errors = [((score(whole, some) > 0).mean(), (score(cut, some) <= 0).mean()) for some in (left_out, in_use)]
        errors.append(((whole[:, 2] < called.earlier).mean(), (cut[:, 2] >= called.earlier).mean()))
        print(f"{name:8} {len(whole)} and {len(cut)}: " + "; ".join(f"{one:.3f} {other:.3f}" for one, other in errors))


def wholes(pool: Pool, rng: random.Random) -> Iterator[tuple[Subject, Subject]]:
    """Versions of one article: in two languages, and edited."""
    yield from translations(pool, PAIRS, rng)
    for subject in rng.sample(pool.subjects, min(PAIRS // 2, len(pool.subjects))):
        yield subject, edited(subject, pool.subjects, rng)


def made_parts(left: Subject, right: Subject, rng: random.Random) -> Iterator[tuple[Subject, Subject]]:
    """The pair with a part of its right text, where that has segments enough."""
    count = len(right.fingerprint.segments)
    if count >= FEWEST:
        size = max(1, round(count * rng.uniform(0.4, 0.8)))
        start = rng.choice([0, rng.randint(0, count - size)])
        yield left, remade(right, list(range(start, start + size)))


def numbers(pairs: Sequence[tuple[Subject, Subject]], calibration: Calibration) -> Rows:
    """Asymmetry, gap and smaller coverage of each pair, shape (pairs, 3)."""
    rows = []
    for left, right in pairs:
        aligned = align(left, right)
        smaller = min(coverage(left, right, aligned, calibration))
        rows.append((*asymmetry_and_gap(left, right, aligned, calibration), smaller))
    return np.array(rows)


def score(rows: Rows, weights: Rows) -> Rows:
    """Log-odds that a pair is a whole and a part."""
    result: Rows = rows[:, :2] @ weights[:2] + weights[2]
    return result


def fitted(found: dict[str, tuple[Rows, Rows]], corpora: Sequence[str]) -> Rows:
    """The weights of asymmetry and gap, and the prior, of a logistic regression in which each corpus, and wholes and
    parts in it, weigh the same.
    """
    rows = np.concatenate([rows for name in corpora for rows in found[name]])
    signed = [zip(SIGNS, found[name], strict=True) for name in corpora]
    signs = np.concatenate([np.full(len(some), sign) for pair in signed for sign, some in pair])
    weighing = np.concatenate([np.full(len(rows), 1 / len(rows)) for name in corpora for rows in found[name]])

    def loss(weights: Rows) -> float:
        return float((np.logaddexp(0, -signs * score(rows, weights)) * weighing).sum() / weighing.sum())

    best: Rows = minimize(loss, np.zeros(3)).x
    return best


if __name__ == "__main__":
    main()
