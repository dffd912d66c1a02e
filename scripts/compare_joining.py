"""Measure what is asked of a group's mean judgement: the threshold whatever its size, or less of more judgements.

    python scripts/compare_joining.py --data ../shared/data --cache /tmp/dedup-vectors --corpora tico parts sparse

prints B-cubed and false merges of each input (``inputs.py``; articles held out from calibration) for each rebate
(:data:`dedup.clusters.MOST_CORROBORATION`; 1 is plain average linkage).
"""

import argparse
from pathlib import Path
from unittest.mock import patch

from inputs import INPUTS, draws_of
from outcome import evaluation, run
from vector_cache import CachedEncoder

from dedup import Settings
from dedup.encoders import load_encoder
from dedup.settings import ALWAYS

REBATES = (1.0, 2.0, 3.0, 5.0)


def main() -> None:
    """Run each input once for each rebate."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    parser.add_argument("--corpora", nargs="+", default=["tico"], choices=INPUTS)
    options = parser.parse_args()
    settings = Settings(confirm=ALWAYS)
    encoder = CachedEncoder(load_encoder(settings.model, settings.batch_size), options.cache)
    for name in options.corpora:
        draws = draws_of(options.data, name)
        for rebate in REBATES:
            with patch("dedup.clusters.MOST_CORROBORATION", rebate):
                found = evaluation([run(rows, settings, encoder) for rows in draws])
            b = found.b_cubed
            print(
                f"{name:10} odds asked / {rebate:.0f}: B-cubed P {b.precision:.4f} R {b.recall:.4f} F1 {b.f1:.4f}",
                end="",
            )
            print(f"  exact F1 {found.exact_clusters.f1:.4f}  false merges {found.false_merges}", flush=True)


if __name__ == "__main__":
    main()
