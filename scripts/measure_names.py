"""What share of a text's names is missing in a translation, in an edited copy, and in the nearest other article.

    python scripts/measure_names.py --data CORPORA --cache FOLDER

Of the calibration articles of each corpus (as for ``calibrate.py``), pairs in one script: of the text that is asked
(:mod:`dedup.names`), if it states ``FEWEST`` names or more, the share that the other lacks; quartiles over the pairs.
"""

import random
from collections import defaultdict

import numpy as np
from calibrate import CORPORA, pools_for

from dedup.calibration import SAME_LANGUAGE
from dedup.calibration.pairs import copied, neighbouring, translated
from dedup.evidence import shared_names, sort_of

FEWEST = 4
CASES = ("translation", "edited", "neighbour", "name twin")


def main() -> None:
    """Read, pair, compare, print."""
    _, pools = pools_for(__doc__.split("\n")[0], CORPORA)
    for pool in pools:
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
            print(f"{pool.corpus:8} {case:12} {where:14} {len(some):6,} pairs  missing: quartiles {quartiles}")


if __name__ == "__main__":
    main()
