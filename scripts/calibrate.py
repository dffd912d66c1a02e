"""Compute the calibration of a model that ships: language centroids, norms, weights of evidence.

    python scripts/calibrate.py --data ../shared/data --cache /tmp/dedup-vectors

writes ``dedup/calibration/<digest>.json`` and ``.npz``; ``--model table`` those of the encoder without a transformer.
Only articles that :func:`corpora.for_calibration` admits are
read, and none of XQuAD; NTREX, TICO-19, course pages and Kubernetes documentation are.

Beside them stand parts: NTREX articles cut, in all languages at the same places, into texts of 1 to 5 lines. The
hardest neighbours of such a text are the other parts of its article. How the pairs are made is told in ``samples.py``,
how they are fitted in ``fit.py``.
"""

import argparse
import hashlib
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from corpora import MAIN_LANGUAGES, Labelled, for_calibration, one_per_language, read_corpus
from fit import fit, probability
from numpy.typing import NDArray
from samples import Pool, Sample, cut, other_articles, samples_of, translations
from vector_cache import CachedEncoder

from dedup.calibration import CROSS_LANGUAGE, SAME_LANGUAGE, Calibration, shape
from dedup.embed import embed, encode_segments, rows_by_language
from dedup.encoders import load_encoder
from dedup.evidence import Subject, align, coverage
from dedup.fingerprints import fingerprint
from dedup.model import Fingerprint, Record
from dedup.pipeline import prepare
from dedup.settings import Settings

CORPORA = ("ntrex", "tico", "k8sdocs", "courses")
PACKAGE = Path(__file__).parent.parent / "dedup" / "calibration"
CENTROID_ARTICLES = 24
"""NTREX articles behind the centroid of a language outside the main ones: about 400 segments."""

URL_PRECISION = 0.945
"""Share of document pairs with one URL (but for the language code) that are translations: El-Kishky et al. 2020,
CCAligned, arXiv:1911.06154. A citation that two records share is at least as much; its weight is the log-odds."""


PART_ARTICLES = 24
"""NTREX articles cut into short texts."""


def main() -> None:
    """Read, embed, compute, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    parser.add_argument("--out", type=Path, default=PACKAGE)
    parser.add_argument("--model", default="bundled", choices=("bundled", "table"))
    parser.add_argument("--leave-out", default="", help="a corpus to fit without, for reporting on it")
    options = parser.parse_args()
    if options.leave_out and options.out == PACKAGE:
        parser.error("--leave-out is for measuring: name a folder with --out")
    encoder = CachedEncoder(load_encoder(options.model, 64), options.cache)
    read = {name: selected(options.data, name) for name in CORPORA}
    read["parts"] = parts(read["ntrex"])
    prepared = {name: understand(rows, encoder) for name, rows in read.items()}
    calibration = norms(prepared)
    pools = [pool_of(name, part, calibration) for name, part in prepared.items() if name != "ntrex"]
    pools.append(pool_of("ntrex", only_main(prepared["ntrex"]), calibration))
    rng = random.Random(1)
    calibration = with_coverage(pools, calibration, rng)
    samples = [s for pool in pools for s in samples_of(pool, calibration, rng)]
    print(f"{len(samples)} pairs; per corpus, kind and case:")
    left_out = {options.leave_out, "parts" if options.leave_out == "ntrex" else ""}
    fitted = [s for s in samples if s.corpus not in left_out]
    weights = {kind: fit([s for s in fitted if s.kind == kind]) for kind in (CROSS_LANGUAGE, SAME_LANGUAGE)}
    calibration = replace(calibration, weights=weights)
    figures = describe(samples, calibration)
    write(calibration, encoder.digest, figures, options.out, options.model)


def rank(name: str) -> int:
    """A number that orders names without regard to what they are called."""
    return int.from_bytes(hashlib.sha256(b"order " + name.encode()).digest()[:8], "big")


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


def parts(news: Iterable[Labelled]) -> list[Labelled]:
    """Short texts: the same lines of an article in all main languages (NTREX has one sentence a line)."""
    articles: dict[str, list[Labelled]] = defaultdict(list)
    for row in news:
        if row.language in MAIN_LANGUAGES:
            articles[row.gold].append(row)
    made = []
    for gold in sorted(articles, key=rank)[:PART_ARTICLES]:
        lines = [row.text.split("\n") for row in articles[gold]]
        rng, start = random.Random(gold), 0
        while start < min(map(len, lines)):
            end = start + rng.randint(1, 5)
            made += [
                replace(
                    row, corpus="parts", id=f"{row.id}/{start}", gold=f"{gold}/{start}", text="\n".join(text[start:end])
                )
                for row, text in zip(articles[gold], lines, strict=True)
            ]
            start = end
    return made


@dataclass(frozen=True, slots=True)
class Prepared:
    """A corpus with all that does not need the calibration that is being computed."""

    golds: list[str]
    languages: list[str]
    fingerprints: list[Fingerprint]
    encoded: tuple[list[str], NDArray[np.float32]]


def understand(rows: Sequence[Labelled], encoder: CachedEncoder) -> Prepared:
    """Through the stages of a run, up to the segment vectors."""
    articles, skipped = prepare([Record(r.id, r.text, None, r.language) for r in rows])
    if skipped:
        sys.exit(f"unusable records: {skipped}")
    print(f"{rows[0].corpus}: {len(rows)} records", flush=True)
    prints = fingerprint(articles, Settings())
    return Prepared([r.gold for r in rows], [a.language for a in articles], prints, encode_segments(prints, encoder))


def norms(prepared: dict[str, Prepared]) -> Calibration:
    """All but the weights: centroids and length norms from NTREX, how common figures are from all corpora."""
    news = prepared["ntrex"]
    vectors, languages = rows_by_language(news.fingerprints, news.languages, news.encoded)
    codes = np.asarray(languages)
    centroids = {code: vectors[codes == code].mean(axis=0) for code in sorted(set(languages))}
    documents: Counter[str] = Counter()
    articles = 0
    for part in (p for name, p in prepared.items() if name != "parts"):
        one_version = dict(zip(part.golds, part.fingerprints, strict=True))
        documents.update(figure for f in one_version.values() for figure in f.numbers)
        articles += len(one_version)
    return Calibration(
        name="",
        centroids=centroids,
        default_centroid=np.mean(list(centroids.values()), axis=0),
        length_norms=length_norms(news),
        figure_documents={figure: n for figure, n in sorted(documents.items()) if n >= 3},
        figure_shapes=figure_shapes(documents),
        articles=articles,
        weights={},
        source_url_weight=round(float(np.log(URL_PRECISION / (1 - URL_PRECISION))), 2),
        partner_similarity=0.0,
        whole_coverage=0.0,
    )


def figure_shapes(documents: Counter[str]) -> dict[str, float]:
    """Shape -> mean number of articles over all figures of that shape, stated or not, of up to five digits.

    Longer ones and those of an unlisted shape count as rarest.
    """
    possible = Counter(shape(str(number)) for number in range(100_000))
    stated: Counter[str] = Counter()
    for figure, count in documents.items():
        stated[shape(figure)] += count
    return {name: round(stated[name] / possible[name], 4) for name in sorted(possible)}


def length_norms(news: Prepared) -> dict[str, float]:
    """Language -> median log of width relative to the English version of the same article."""
    english = {g: f.width for g, c, f in zip(news.golds, news.languages, news.fingerprints, strict=True) if c == "en"}
    ratios: dict[str, list[float]] = defaultdict(list)
    for gold, code, f in zip(news.golds, news.languages, news.fingerprints, strict=True):
        ratios[code].append(float(np.log(f.width / english[gold])))
    return {code: round(float(np.median(values)), 3) for code, values in sorted(ratios.items())}


def only_main(news: Prepared) -> Prepared:
    """NTREX without the languages that only lend their centroid."""
    kept = [i for i, code in enumerate(news.languages) if code in MAIN_LANGUAGES]
    golds, languages = [news.golds[i] for i in kept], [news.languages[i] for i in kept]
    return Prepared(golds, languages, [news.fingerprints[i] for i in kept], news.encoded)


def pool_of(corpus: str, part: Prepared, calibration: Calibration) -> Pool:
    """The corpus with its vectors centred."""
    embeddings = embed(part.fingerprints, part.languages, part.encoded, calibration)
    subjects = [Subject(*parts) for parts in zip(part.languages, part.fingerprints, embeddings, strict=True)]
    return Pool(corpus, subjects, part.golds)


def with_coverage(pools: Iterable[Pool], calibration: Calibration, rng: random.Random) -> Calibration:
    """The similarity from which a segment has a partner, and the coverage that tells a whole from a part.

    Both are the cut with the least balanced error: best similarities of segments in translations against those in
    neighbouring other articles; smaller coverages of whole against cut translations.
    """
    matched: list[float] = []
    unmatched: list[float] = []
    pairs = [pair for pool in pools for pair in translations(pool, 500, rng)]
    for left, right in pairs:
        matched += align(left, right).best_left.tolist()
    for pool in pools:
        others = list(other_articles(pool))
        for left, right in rng.sample(others, min(500, len(others))):
            unmatched += align(left, right).best_left.tolist()
    calibration = replace(calibration, partner_similarity=best_cut(unmatched, matched))
    whole = [min(coverage(a, b, align(a, b), calibration)) for a, b in pairs]
    cuts = [(a, cut(b, rng)) for a, b in pairs]
    part = [min(coverage(a, b, align(a, b), calibration)) for a, b in cuts]
    return replace(calibration, whole_coverage=best_cut(part, whole))


def best_cut(low: Sequence[float], high: Sequence[float]) -> float:
    """The value with the least sum of: share of ``low`` at or above it, share of ``high`` below it."""
    values = np.unique(np.round(np.concatenate([low, high]), 2))
    below = np.searchsorted(np.sort(high), values) / len(high)
    above = 1 - np.searchsorted(np.sort(low), values) / len(low)
    return float(values[np.argmin(below + above)])


def describe(samples: Sequence[Sample], calibration: Calibration) -> list[dict[str, object]]:
    """Print, and return, how many pairs of each corpus, kind and case come out right at 0.5."""
    groups: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for s in samples:
        groups[s.kind, s.case, s.corpus].append((probability(s, calibration) >= 0.5) == s.same)
    rows: list[dict[str, object]] = []
    for (kind, case, corpus), right in sorted(groups.items()):
        rows.append(
            {
                "kind": kind,
                "case": case,
                "corpus": corpus,
                "pairs": len(right),
                "right": round(float(np.mean(right)), 4),
            }
        )
        print(f"{kind:15} {case:12} {corpus:8} {len(right):6} pairs, {np.mean(right):.4f} right")
    for kind, weights in calibration.weights.items():
        print(f"{kind}: prior {weights.prior}")
        for name, curve in weights.curves.items():
            drawn = zip(curve.at, curve.weight, strict=True)
            print(f"  {name:16}", "  ".join(f"{at:.3f}: {weight:+.2f}" for at, weight in drawn))
    print("partner similarity", calibration.partner_similarity, "whole coverage", calibration.whole_coverage)
    return rows


def write(calibration: Calibration, digest: str, figures: list[dict[str, object]], folder: Path, model: str) -> None:
    """The two files of a calibration, with their provenance."""
    content = {
        "name": f"{model} {date.today().isoformat()}",
        "provenance": {
            "command": f"python scripts/calibrate.py --model {model} --data ../shared/data --cache FOLDER",
            "data": {
                "ntrex": "NTREX-128, CC BY-SA 4.0, MicrosoftTranslator/NTREX",
                "tico": "TICO-19, CC0 and CC BY-SA",
                "k8sdocs": "kubernetes/website, CC BY 4.0",
                "courses": "Microsoft course repositories, MIT",
            },
            "split": "articles whose name hashes below 60 of 100 (scripts/corpora.py); none of XQuAD",
            "model": digest,
            "right at 0.5 on the pairs of the fit": figures,
        },
        "articles": calibration.articles,
        "partner_similarity": calibration.partner_similarity,
        "whole_coverage": calibration.whole_coverage,
        "source_url_weight": calibration.source_url_weight,
        "weights": {kind: asdict(weights) for kind, weights in calibration.weights.items()},
        "length_norms": calibration.length_norms,
        "figure_shapes": calibration.figure_shapes,
        "figure_documents": calibration.figure_documents,
    }
    (folder / f"{digest[:12]}.json").write_text(
        json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    codes = sorted(calibration.centroids)
    stacked = np.stack([calibration.centroids[code] for code in codes]).astype(np.float16)
    np.savez_compressed(folder / f"{digest[:12]}.npz", languages=np.array(codes), centroids=stacked)


if __name__ == "__main__":
    main()
