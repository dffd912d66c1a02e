"""A calibration of its own for any model, out of corpora that may be small and of one kind.

The bundled model's was computed from four corpora in over a hundred languages. What a user brings is less, so each part
of it is an estimate shrunk towards what is known already:

* centroids: each language's mean, towards the mean of all languages (or, where the model has a calibration, towards
  its centroid of the language), by as much as the records say: empirical Bayes (Efron and Morris 1973);
* length norms: towards the shipped ones, which are of texts and not of a model;
* how common figures are: counted in the corpora, and added to the shipped counts;
* weights of evidence: the fit of :mod:`dedup.calibration.fit`, its penalty on the way from the shipped weights.

``scripts/bench_adapt.py`` measures the constants.
"""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dedup.calibration import Calibration, Level, Weights, for_bundled, shipped
from dedup.calibration.compute import (
    LEAST_STATED,
    Prepared,
    figure_shapes,
    pool_of,
    stated_figures,
    with_partner_similarity,
)
from dedup.calibration.fit import fit
from dedup.calibration.levels import Scored, scored_candidates, shrunk_levels
from dedup.calibration.pairs import Sample, samples_of
from dedup.embed import rows_by_language
from dedup.errors import InputError

SEED = 1
"""Of the choice of pairs."""

LENGTH_ARTICLES = 5
"""Articles whose lengths say as much of a language's norm as the shipped norm does: the variance of an article's ratio
within a language over that of a language's norm between corpora, 2.0 to 7.8 in three corpora (--lengths)."""

STRENGTH = 0.1
"""The penalty on the way from the shipped weights, times the articles: a prior counts less, the more is seen. Of three
corpora, 5 to 100 articles and two models no other value in steps of three does better throughout; 0.3 is as good."""


LEVEL_STRENGTH = 10.0
"""The same for the levels of sorts of pair. On TICO-19 and course pages, 5 to 24 articles, levels of their own are no
better than those to start from, and worse the weaker they are shrunk (``scripts/bench_adapt.py --levels``)."""

Parts = Mapping[str, Prepared]
"""Corpora by name."""


def adapted(parts: Parts, digest: str) -> tuple[Calibration, list[Sample]]:
    """A calibration, without a name yet, of the model with this digest; and the pairs that its weights were fitted to.

    All articles of ``parts`` may be used. Raises :class:`InputError` where no sort of pair has both answers.
    """
    known = shipped(digest)
    calibration = without_weights(list(parts.values()), known or for_bundled(), known)
    pools = [pool_of(name, part, calibration) for name, part in sorted(parts.items())]
    calibration = with_partner_similarity(pools, calibration, random.Random(SEED))
    samples = pairs_of(parts, calibration, SEED)
    if len({s.same for s in samples}) < 2:
        raise InputError("too small a corpus: it must hold two articles or more, and two versions of one")
    weights = fitted(samples, parts, calibration)
    return replace(calibration, weights=weights, levels=own_levels(parts, calibration)), samples


def fitted(samples: Sequence[Sample], parts: Parts, start: Calibration) -> dict[str, Weights]:
    """The weights of each sort of pair, fitted to pairs of the articles of ``parts`` and shrunk towards the weights to
    start from; those themselves for a sort that the corpora hold no pairs of, or only of one answer.
    """
    articles = sum(len(set(part.golds)) for part in parts.values())
    weights = {}
    for sort, towards in start.weights.items():
        pairs = [s for s in samples if s.kind == sort]
        weights[sort] = fit(pairs, towards, STRENGTH / articles) if len({s.same for s in pairs}) == 2 else towards
    return weights


def own_levels(parts: Parts, start: Calibration, strength: float = LEVEL_STRENGTH) -> dict[str, Level]:
    """The level of each sort of pair (:mod:`dedup.calibration.levels`), shrunk towards that of ``start``: what runs
    over one half of the articles propose is judged by weights that were fitted to the other half.
    """
    rng = random.Random(SEED)
    scored: list[Scored] = []
    for learned_half, judged_half in ((_even, _odd), (_odd, _even)):
        learned = _where(parts, learned_half)
        unseen = replace(start, weights=fitted(pairs_of(learned, start, SEED), learned, start), levels={})
        for name, judged in _where(parts, judged_half).items():
            scored += scored_candidates(pool_of(name, judged, unseen), unseen, rng)
    articles = sum(len(set(part.golds)) for part in parts.values())
    return shrunk_levels(scored, start.levels, strength / articles)


def _where(parts: Parts, chosen: Callable[[str], bool]) -> Parts:
    """The corpora with their chosen articles only, by name; without those that lose all."""
    kept = {name: part.where(chosen) for name, part in sorted(parts.items())}
    return {name: part for name, part in kept.items() if part.golds}


def _even(gold: str) -> bool:
    """Whether the article is in the first of two halves."""
    return hashlib.sha256(f"half {gold}".encode()).digest()[0] % 2 == 0


def _odd(gold: str) -> bool:
    """Whether it is in the second."""
    return not _even(gold)


def pairs_of(parts: Mapping[str, Prepared], calibration: Calibration, seed: int) -> list[Sample]:
    """Pairs of the articles of corpora, by name, with their answers."""
    rng = random.Random(seed)
    pools = [pool_of(name, part, calibration) for name, part in sorted(parts.items())]
    return [s for pool in pools for s in samples_of(pool, calibration, rng)]


def without_weights(parts: Sequence[Prepared], start: Calibration, known: Calibration | None) -> Calibration:
    """All but the weights, which stay those of ``start``: centroids, length norms, and how common figures are.

    ``known`` is a calibration of the same model, if there is one.
    """
    centroids = centroids_of(parts, known)
    documents, articles = stated_figures(parts)
    counts = {f: n + start.figure_documents.get(f, 0) for f, n in documents.items()}
    counts = {f: n for f, n in counts.items() if n >= LEAST_STATED}
    shapes = figure_shapes(documents)
    return replace(
        start,
        name="",
        centroids=centroids,
        default_centroid=np.mean(list(centroids.values()), axis=0, dtype=np.float32),
        length_norms=length_norms_of(parts, start.length_norms),
        figure_documents=dict(sorted({**start.figure_documents, **counts}.items())),
        figure_shapes={name: round(start.figure_shapes.get(name, 0.0) + n, 4) for name, n in shapes.items()},
        articles=start.articles + articles,
    )


def centroids_of(parts: Sequence[Prepared], known: Calibration | None) -> dict[str, NDArray[np.float32]]:
    """Language -> centroid, shape (dimensions,), as a file keeps it (16 bits); with those that are known, by language.

    A language's mean is that of its segments, its weight the number of its records; what is known counts as many
    records as the variances of records within a language and of languages among each other say.
    """
    means, counts, within = language_means(parts)
    records = np.array([counts[code] for code in means], np.float64)
    stacked = np.stack(list(means.values()))
    if known is None:
        targets = np.broadcast_to(stacked.mean(axis=0), stacked.shape)
        freedom = max(1, len(means) - 1)
    else:
        targets = np.stack([known.centroid(code).astype(np.float64) for code in means])
        freedom = len(means)
    between = ((stacked - targets) ** 2).sum() / freedom - within * float(np.mean(1 / records))
    share = (records / (records + within / between) if between > 0 else np.zeros_like(records))[:, None]
    shrunk = (share * stacked + (1 - share) * targets).astype(np.float16).astype(np.float32)
    computed = dict(zip(means, shrunk, strict=True))
    return dict(sorted({**(known.centroids if known else {}), **computed}.items()))


def language_means(parts: Sequence[Prepared]) -> tuple[dict[str, NDArray[np.float64]], Counter[str], float]:
    """Of each language the mean segment vector, shape (dimensions,), and the number of its records; and the variance of
    a record's mean around that of its language, summed over the dimensions.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    segments: Counter[str] = Counter()
    of_records: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for part in parts:
        vectors, _ = rows_by_language(part.fingerprints, part.languages, part.encoded)
        ends = np.cumsum([len(f.segments) for f in part.fingerprints])
        for code, rows in zip(part.languages, np.split(vectors, ends[:-1]), strict=True):
            total = rows.sum(axis=0, dtype=np.float64)
            sums[code] = sums.get(code, 0.0) + total
            segments[code] += len(rows)
            of_records[code].append(total / len(rows))
    means = {code: sums[code] / segments[code] for code in sorted(sums)}
    counts = Counter({code: len(rows) for code, rows in of_records.items()})
    squares = sum(float(((np.stack(rows) - means[code]) ** 2).sum()) for code, rows in of_records.items())
    return means, counts, squares / max(1, counts.total() - len(means))


def length_norms_of(parts: Sequence[Prepared], shipped_norms: Mapping[str, float]) -> dict[str, float]:
    """Language -> log of a text's width relative to its English version: the shipped norms, and of the corpora's
    languages what these say, shrunk towards the shipped norm.

    The corpora's ratios are relative to a language of their own; the median difference from the shipped norms brings
    them onto one scale.
    """
    ratios = length_ratios(parts)
    medians = {code: float(np.median(values)) for code, values in ratios.items()}
    differences = [shipped_norms[code] - ratio for code, ratio in medians.items() if code in shipped_norms]
    offset = float(np.median(differences)) if differences else 0.0
    norms = dict(shipped_norms)
    for code, ratio in medians.items():
        share = len(ratios[code]) / (len(ratios[code]) + LENGTH_ARTICLES)
        norms[code] = round(share * (ratio + offset) + (1 - share) * shipped_norms.get(code, ratio + offset), 3)
    return dict(sorted(norms.items()))


def length_ratios(parts: Sequence[Prepared]) -> dict[str, list[float]]:
    """Language -> log of width relative to the version in the language of most articles, one an article that has both.

    Several versions in one language count with the mean of their logs.
    """
    logs: dict[tuple[int, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number, part in enumerate(parts):
        for gold, code, f in zip(part.golds, part.languages, part.fingerprints, strict=True):
            logs[number, gold][code].append(float(np.log(f.width)))
    articles = Counter(code for versions in logs.values() for code in versions)
    reference = min(articles, key=lambda code: (-articles[code], code))
    ratios: dict[str, list[float]] = defaultdict(list)
    for versions in logs.values():
        if reference in versions:
            for code, values in versions.items():
                ratios[code].append(float(np.mean(values) - np.mean(versions[reference])))
    return dict(ratios)
