"""Which passages are taken for boilerplate, and which should be: where the constants of ``dedup.boilerplate`` are from.

    python scripts/measure_boilerplate.py --data CORPORA --cache FOLDER

All on calibration articles:

sites        pages of sites as in the input ``boilerplate`` (``inputs.py``): share of the furniture (passages on several
             pages of a site, by width) that is found, for several values of each constant
syndicated   an article in 20 newspapers. Each copy loses a line in ten and has typing errors in a line in five, and
             each newspaper puts lines of its own around it, as many as make the given share of the copy: half above
             and half below (first number), or all below (second). Share of the copies (by width) that is taken for
             boilerplate: none should
corpora      passages of the corpora as they are: found, and of these how many stand in one article only (wrong)
alike        share of the 9-character shingles of a text that another holds, percentiles: texts on other articles in its
             language, and copies with typing errors in every line
weight       what a run makes of the sites, for several values of ``WEIGHT``
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from corpora import MAIN_LANGUAGES, Labelled, for_calibration, one_per_language, rank, read_corpus
from inputs import SITE_LANGUAGES, Rows, boilerplate, by_article
from noise import typing_errors
from outcome import evaluation, run
from vector_cache import CachedEncoder

from dedup import Record, Settings
from dedup import boilerplate as detector
from dedup.encoders import load_encoder
from dedup.fingerprints import fingerprint
from dedup.model import Article, Fingerprint
from dedup.prepare import prepare
from dedup.settings import ALWAYS

VALUES = {
    "LEAST_HOLDERS": (4, 5),
    "OWN_PART": (0.15, 0.2, 0.25, 0.3),
    "LEAST_OWN_PART": (0.05, 0.1),
    "ALIKE": (0.1, 0.15, 0.2, 0.3),
    "UNLIKE_PAIRS": (0.5, 2 / 3, 0.8),
    "SAMPLE": (8, 12),
}
WEIGHTS = (0.01, 0.02, 0.05, 0.1, 0.2, 1.0)
FRAMES = (0.0, 0.1, 0.2, 0.3, 0.4)
"""Shares of a copy that are the newspaper's own."""
NEWSPAPERS = 20
SYNDICATED = 4
"""Articles that are syndicated, each by itself."""
CORPORA = ("ntrex", "tico", "k8sdocs", "courses")
CHEAP = Settings(permutations=1, bands=1)
"""Signatures are not looked at."""

Batch = tuple[list[Article], list[Fingerprint]]


def main() -> None:
    """Print the parts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    options = parser.parse_args()
    data = options.data
    news = one_per_language(iter(calibration_rows(data, "ntrex")), lambda r: r.language in MAIN_LANGUAGES)
    sites = boilerplate(news)
    pages = batch(sites)
    copies = {(share, below): list(syndicated(news, share, below)) for share in FRAMES for below in (False, True)}
    print(f"{'':22}   sites  syndicated, frame around or below: {'  '.join(f'{share:9.0%}' for share in FRAMES)}")
    for name, values in VALUES.items():
        shipped = getattr(detector, name)
        for value in values:
            setattr(detector, name, value)
            taken = (
                "/".join(f"{np.mean([taken_of(one) for one in copies[share, below]]):.2f}" for below in (False, True))
                for share in FRAMES
            )
            mark = "*" if value == shipped else " "
            print(f"{name:15} {value:5.2f}{mark}  {found_of(pages):.3f} {'':38}{'  '.join(taken)}", flush=True)
        setattr(detector, name, shipped)
    for name in CORPORA:
        print(f"{name}: {in_corpus(calibration_rows(data, name))}")
    for name, shares in alike(news).items():
        print(f"alike, {name}: " + ", ".join(f"{p} % {np.percentile(shares, p):.2f}" for p in (1, 5, 50, 95, 99)))
    encoder = CachedEncoder(load_encoder("bundled", Settings().batch_size), options.cache)
    for weight in WEIGHTS:
        detector.WEIGHT = weight
        scores = evaluation([run(sites, Settings(confirm=ALWAYS), encoder)])
        b = scores.b_cubed
        print(
            f"weight {weight:4.2f}: B-cubed {b.precision:.4f} {b.recall:.4f} {b.f1:.4f}, pairs {scores.pairs.f1:.4f}, "
            f"false merges {scores.false_merges}",
            flush=True,
        )


def calibration_rows(data: Path, corpus: str) -> Rows:
    """The records of the calibration articles."""
    return [row for row in read_corpus(data, corpus) if for_calibration(row.gold)]


def batch(rows: Iterable[Labelled]) -> Batch:
    """The different texts as articles, and their fingerprints."""
    distinct = {row.text: row for row in rows}
    articles, _ = prepare([Record(r.id, r.text, None, r.language) for r in distinct.values()])
    return articles, fingerprint(articles, CHEAP)


def boilerplate_of(texts: Batch) -> frozenset[int]:
    """The hashes of the passages that are found."""
    articles, prints = texts
    return detector.find_boilerplate([article.language for article in articles], prints)


def found_of(pages: Batch) -> float:
    """The share of the passages on several pages of a site, by width, that is found."""
    found = boilerplate_of(pages)
    holders: dict[tuple[str, int], int] = defaultdict(int)
    for article, f in zip(*pages, strict=True):
        for passage in set(f.passages.tolist()):
            holders[article.language, passage] += 1
    widths = [
        (passage in found, width)
        for article, f in zip(*pages, strict=True)
        for passage, width in zip(f.passages.tolist(), f.widths.tolist(), strict=True)
        if holders[article.language, passage] > 1
    ]
    return share_of(widths)


def taken_of(copies: Batch) -> float:
    """The share of the texts, by width, that is taken for boilerplate."""
    found = boilerplate_of(copies)
    return share_of(
        [
            (passage in found, width)
            for f in copies[1]
            for passage, width in zip(f.passages.tolist(), f.widths.tolist(), strict=True)
        ]
    )


def share_of(widths: Sequence[tuple[bool, float]]) -> float:
    """The share of the width that is counted."""
    return sum(width for counts, width in widths if counts) / sum(width for _, width in widths)


def syndicated(rows: Sequence[Labelled], share: float, below: bool) -> Iterator[Batch]:
    """The copies of an article in one language, for some articles and languages."""
    articles = {gold: {r.language: r.text.split("\n") for r in some} for gold, some in by_article(rows).items()}
    whole = [gold for gold in sorted(articles, key=rank) if set(SITE_LANGUAGES) <= set(articles[gold])]
    for number, gold in enumerate(whole[:SYNDICATED]):
        for code in SITE_LANGUAGES[number % 2 :: 2]:
            rng = random.Random(f"syndicated {gold} {code} {share} {below}")
            others = [line for other in whole[SYNDICATED:] for line in articles[other][code]]
            rng.shuffle(others)
            lines = articles[gold][code]
            size = share / (1 - share) * sum(map(len, lines))
            made = [copy_of(lines, own, below, rng) for own in frames(others, size)]
            yield batch(Labelled("syndicated", str(n), text, code, gold) for n, text in enumerate(made))


def frames(lines: Sequence[str], size: float) -> Iterator[list[str]]:
    """For each newspaper other lines, of ``size`` characters or as near to it as whole lines come."""
    ends = np.append(0, np.cumsum([len(line) for line in lines]))
    places = np.rint(np.interp(size * np.arange(NEWSPAPERS + 1), ends, np.arange(len(ends)))).astype(int)
    for start, end in pairwise(places.tolist()):
        yield list(lines[start:end])


def copy_of(lines: Sequence[str], own: Sequence[str], below: bool, rng: random.Random) -> str:
    """An edited copy amid a newspaper's own lines."""
    edited = [typing_errors(line, rng) if rng.random() < 0.2 else line for line in lines if rng.random() >= 0.1]
    above = 0 if below else len(own) // 2
    return "\n".join([*own[:above], *edited, *own[above:]])


def in_corpus(rows: Sequence[Labelled]) -> str:
    """What is found in a corpus as it is."""
    articles, prints = batch(rows)
    gold_of = {row.id: row.gold for row in rows}
    found = boilerplate_of((articles, prints))
    golds: dict[int, set[str]] = defaultdict(set)
    touched = sum(not found.isdisjoint(f.passages.tolist()) for f in prints)
    for article, f in zip(articles, prints, strict=True):
        for passage in found.intersection(f.passages.tolist()):
            golds[passage].add(gold_of[article.record.id])
    wrong = sum(len(some) == 1 for some in golds.values())
    return f"{len(found)} passages in {touched} of {len(prints)} texts, of one article only {wrong}"


def alike(rows: Sequence[Labelled]) -> dict[str, list[float]]:
    """The share of the shingles of a text that the next one in its language holds, and a copy of it with errors."""
    rng = random.Random("alike")
    others, copies = [], []
    for code in SITE_LANGUAGES:
        texts = [row.text for row in rows if row.language == code]
        wordings = [set(detector.hashed_shingles(text).tolist()) for text in texts]
        others += [len(one & other) / len(one) for one, other in pairwise(wordings)]
        for text, wording in zip(texts, wordings, strict=True):
            copy = "\n".join(typing_errors(line, rng) for line in text.split("\n"))
            copies.append(len(set(detector.hashed_shingles(copy).tolist()) & wording) / len(wording))
    return {"other articles": others, "copies": copies}


if __name__ == "__main__":
    main()
