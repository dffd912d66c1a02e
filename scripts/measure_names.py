"""What share of a text's names is missing in a translation, in an edited copy, and in the nearest other article.

    python scripts/measure_names.py --data CORPORA --cache FOLDER

Of the calibration articles of each corpus (as for ``calibrate.py``), pairs in one script: of the text that is asked
(:mod:`dedup.names`), if it states ``FEWEST`` names or more, the share that the other lacks; quartiles over the pairs.
"""

import argparse
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
from calibrate import CORPORA, prepare, selected
from corpora import MAIN_LANGUAGES
from vector_cache import CachedEncoder

from dedup.calibration import SAME_LANGUAGE
from dedup.calibration.compute import norms, pool_of
from dedup.calibration.pairs import copied, neighbouring, translated
from dedup.encoders import load_encoder
from dedup.evidence import shared_names, sort_of

FEWEST = 4
CASES = ("translation", "edited", "neighbour", "name twin")


def main() -> None:
    """Read, pair, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    options = parser.parse_args()
    encoder = CachedEncoder(load_encoder("bundled", 64), options.cache)
    prepared = {name: prepare(selected(options.data, name), encoder) for name in CORPORA}
    calibration = norms(prepared["ntrex"], prepared.values())
    for name, part in prepared.items():
        pool = pool_of(name, part.only(MAIN_LANGUAGES) if name == "ntrex" else part, calibration)
        rng = random.Random(1)
        shares: dict[tuple[str, str], list[float]] = defaultdict(list)
        for case, _, left, right in (*translated(pool, rng), *copied(pool, rng), *neighbouring(pool, rng)):
            names = shared_names(left, right)
            asked = len(names.shared) + len(names.missing)
            if case in CASES and asked >= FEWEST and left.fingerprint.script == right.fingerprint.script:
                where = "one language" if sort_of(left, right) == SAME_LANGUAGE else "two languages"
                shares[case, where].append(len(names.missing) / asked)
        for (case, where), some in sorted(shares.items()):
            quartiles = "  ".join(f"{share:.2f}" for share in np.quantile(some, (0.25, 0.5, 0.75)))
            print(
                f"{name:8} {case:12} {where:14} {len(some):6,} pairs  missing at the quartiles {quartiles}", flush=True
            )


if __name__ == "__main__":
    main()
