"""Measure what document vectors alone propose: the right partners among a record's nearest.

    python scripts/candidate_recall.py --data ../shared/data --model table --corpora ntrex xquad tico k8sdocs courses

For each record of the articles kept for reporting: the ``Settings.neighbours`` nearest in its own language and as many
in others. ``any`` is the share of records with a right partner among them, ``all`` the mean share of a record's right
partners that are (an article in 35 languages has more partners than a record has candidates), ``either`` the same where
a partner that has the record among its own nearest counts, too: such a pair is proposed.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench_accuracy import held_out
from corpora import Labelled
from numpy.typing import NDArray
from vector_cache import CachedEncoder

from dedup.calibration import shipped
from dedup.embed import embed, encode_segments
from dedup.encoders import Encoder, load_encoder
from dedup.evidence import Subject
from dedup.fingerprints import fingerprint
from dedup.model import Record
from dedup.pipeline import prepare
from dedup.settings import Settings


def main() -> None:
    """One line a corpus."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, help="folder that keeps segment vectors between runs")
    parser.add_argument("--model", default="table", help="as of dedup run; one with a shipped calibration")
    parser.add_argument("--corpora", nargs="+", default=["ntrex", "xquad", "tico", "k8sdocs", "courses"])
    options = parser.parse_args()
    loaded = load_encoder(options.model, Settings().batch_size)
    encoder = CachedEncoder(loaded, options.cache) if options.cache else loaded
    print("corpus     records     any     all  either")
    for name in options.corpora:
        rows = held_out(options.data, name)
        found = candidate_recall(subjects_of(rows, encoder), [r.gold for r in rows], Settings().neighbours)
        print(f"{name:9}{len(rows):9}", "  ".join(f"{share:.4f}" for share in found), flush=True)


def subjects_of(rows: Sequence[Labelled], encoder: Encoder) -> list[Subject]:
    """The records with their vectors centred by the calibration that ships for the encoder."""
    calibration = shipped(encoder.digest)
    if calibration is None:
        raise SystemExit(f"no calibration ships for {encoder.name}")
    articles, _ = prepare([Record(r.id, r.text, None, r.language) for r in rows])
    prints = fingerprint(articles, Settings())
    languages = [a.language for a in articles]
    embeddings = embed(prints, languages, encode_segments(prints, encoder), calibration)
    return [Subject(*parts) for parts in zip(languages, prints, embeddings, strict=True)]


def candidate_recall(subjects: Sequence[Subject], golds: Sequence[str], count: int) -> tuple[float, float, float]:
    """Over the records with a partner: the share that has one among its own nearest, the mean share of a record's
    partners that are, and the mean share that is proposed from either side.
    """
    vectors = np.stack([s.embedding.document for s in subjects])
    codes = np.unique([s.writing for s in subjects], return_inverse=True)[1]
    members: dict[str, set[int]] = defaultdict(set)
    for position, gold in enumerate(golds):
        members[gold].add(position)
    own: list[set[int]] = []
    for row, vector in enumerate(vectors):
        similar = vectors @ vector
        same = codes == codes[row]
        same[row] = False
        own.append({c for mask in (same, codes != codes[row]) for c in ranked(similar, mask, count)})
    either = [found | {other for other in members[golds[row]] if row in own[other]} for row, found in enumerate(own)]
    partners = {row: members[golds[row]] - {row} for row in range(len(own)) if len(members[golds[row]]) > 1}
    shares = [[len(found[row] & right) / len(right) for row, right in partners.items()] for found in (own, either)]
    return float(np.mean(np.array(shares[0]) > 0)), float(np.mean(shares[0])), float(np.mean(shares[1]))


def ranked(similar: NDArray[np.float32], mask: NDArray[np.bool_], count: int) -> list[int]:
    """The positions of the ``count`` highest values under the mask."""
    allowed = np.flatnonzero(mask)
    best: list[int] = allowed[np.argsort(-similar[allowed], kind="stable")[:count]].tolist()
    return best


if __name__ == "__main__":
    main()
