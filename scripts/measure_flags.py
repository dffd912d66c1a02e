"""How many clusters are flagged, and how many of those are wrong.

    python scripts/measure_flags.py --data CORPORA --cache FOLDER

The calibration articles of NTREX, TICO-19, Kubernetes documentation and course pages are one input, as for
``calibrate.py``. A cluster is wrong if it holds records of more than one article.
"""

import argparse
from collections import Counter
from pathlib import Path

from calibrate import CORPORA, selected
from vector_cache import CachedEncoder

from dedup import Record, Settings, find_clusters
from dedup.encoders import load_encoder
from dedup.settings import ALWAYS


def main() -> None:
    """Run, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    options = parser.parse_args()
    encoder = CachedEncoder(load_encoder("bundled", Settings().batch_size), options.cache)
    rows = [row for name in CORPORA for row in selected(options.data, name)]
    gold = {f"{row.corpus}/{row.id}": f"{row.corpus}/{row.gold}" for row in rows}
    records = [Record(f"{row.corpus}/{row.id}", row.text, None, row.language) for row in rows]
    report = find_clusters(records, Settings(confirm=ALWAYS), encoder=encoder)
    clusters, wrong = Counter[str](), Counter[str]()
    for cluster in report.clusters:
        ids = [report.articles[member].id for member in cluster.members]
        several = len({gold[one] for one in ids}) > 1
        for flag in cluster.flags or ("not flagged",):
            kind = flag.split(":")[0]
            clusters[kind] += 1
            wrong[kind] += several
            if flag != kind:
                print(f"{'wrong' if several else 'right'}: {len(ids)} records, {flag}")
    print(f"{len(records)} records, {len(report.clusters)} clusters")
    for kind in sorted(clusters):
        print(f"{kind}: {clusters[kind]}, of them wrong {wrong[kind]}")


if __name__ == "__main__":
    main()
