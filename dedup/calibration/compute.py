"""A calibration from labelled records: centroids, length norms, how common figures are, when a passage has a partner.

What is fitted to pairs of articles, the weights of evidence, comes last: :mod:`dedup.calibration.pairs` makes the
pairs, :mod:`dedup.calibration.fit` the weights.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dedup.calibration import SORTS, Calibration, Weights, shape
from dedup.calibration.fit import fit, importance_of, probability
from dedup.calibration.pairs import Pool, Sample, other_articles, translations
from dedup.embed import embed, encode_segments, rows_by_language
from dedup.encoders import Encoder
from dedup.evidence import Subject, align
from dedup.fingerprints import fingerprint
from dedup.model import Fingerprint, Record, Skipped
from dedup.prepare import prepare
from dedup.settings import Settings

URL_PRECISION = 0.945
"""Share of document pairs with one URL (but for the language code) that are translations: El-Kishky et al. 2020,
CCAligned, arXiv:1911.06154. A citation that two records share is at least as much; its weight is the log-odds."""

LEAST_STATED = 3
"""Articles that state a figure, from which its own count is used rather than that of its shape."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A corpus with all that does not need the calibration that is being computed.

    Position ``i`` of the first three belongs to record ``i``; ``encoded`` is what
    :func:`dedup.embed.encode_segments` gives for the fingerprints, or for more than these.
    """

    golds: list[str]
    languages: list[str]
    fingerprints: list[Fingerprint]
    encoded: tuple[list[str], NDArray[np.float32]]

    def only(self, languages: Iterable[str]) -> "Prepared":
        """The records in these languages."""
        wanted = frozenset(languages)
        return self._at([i for i, code in enumerate(self.languages) if code in wanted])

    def where(self, chosen: Callable[[str], bool]) -> "Prepared":
        """The records of the articles whose gold is chosen."""
        return self._at([i for i, gold in enumerate(self.golds) if chosen(gold)])

    def _at(self, kept: Sequence[int]) -> "Prepared":
        golds, codes = [self.golds[i] for i in kept], [self.languages[i] for i in kept]
        return Prepared(golds, codes, [self.fingerprints[i] for i in kept], self.encoded)


def understand(records: Sequence[Record], encoder: Encoder) -> tuple[Prepared, tuple[Skipped, ...]]:
    """Records with gold through the stages of a run, up to the segment vectors; and those that have no text."""
    articles, skipped = prepare([record for record in records if record.gold is not None])
    prints = fingerprint(articles, Settings())
    golds = [a.record.gold or "" for a in articles]
    prepared = Prepared(golds, [a.language for a in articles], prints, encode_segments(prints, encoder))
    return prepared, tuple(skipped)


def norms(news: Prepared, counted: Iterable[Prepared]) -> Calibration:
    """All but the weights: centroids and length norms from ``news``, how common figures are from ``counted``."""
    vectors, languages = rows_by_language(news.fingerprints, news.languages, news.encoded)
    codes = np.asarray(languages)
    centroids = {code: vectors[codes == code].mean(axis=0) for code in sorted(set(languages))}
    documents, articles = stated_figures(counted)
    return Calibration(
        name="",
        centroids=centroids,
        default_centroid=np.mean(list(centroids.values()), axis=0),
        length_norms=length_norms(news),
        figure_documents={figure: n for figure, n in sorted(documents.items()) if n >= LEAST_STATED},
        figure_shapes=figure_shapes(documents),
        articles=articles,
        weights={},
        source_url_weight=round(float(np.log(URL_PRECISION / (1 - URL_PRECISION))), 2),
        partner_similarity=0.0,
    )


def stated_figures(parts: Iterable[Prepared]) -> tuple[Counter[str], int]:
    """Figure -> articles that state it, one version an article; and the number of articles."""
    documents: Counter[str] = Counter()
    articles = 0
    for part in parts:
        one_version = dict(zip(part.golds, part.fingerprints, strict=True))
        documents.update(figure for f in one_version.values() for figure in f.numbers)
        articles += len(one_version)
    return documents, articles


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


def pool_of(corpus: str, part: Prepared, calibration: Calibration) -> Pool:
    """The corpus with its vectors centred."""
    embeddings = embed(part.fingerprints, part.languages, part.encoded, calibration)
    subjects = [Subject(*parts) for parts in zip(part.languages, part.fingerprints, embeddings, strict=True)]
    return Pool(corpus, subjects, part.golds)


def with_partner_similarity(pools: Iterable[Pool], calibration: Calibration, rng: random.Random) -> Calibration:
    """The similarity from which a segment has a partner: the cut with the least balanced error between the best
    similarities of segments in translations and those in neighbouring other articles.
    """
    pools = list(pools)
    matched: list[float] = []
    unmatched: list[float] = []
    for left, right in (pair for pool in pools for pair in translations(pool, 500, rng)):
        matched += align(left, right).best_left.tolist()
    for pool in pools:
        others = list(other_articles(pool))
        for left, right in rng.sample(others, min(500, len(others))):
            unmatched += align(left, right).best_left.tolist()
    return replace(calibration, partner_similarity=best_cut(unmatched, matched))


def best_cut(low: Sequence[float], high: Sequence[float]) -> float:
    """The value with the least sum of: share of ``low`` at or above it, share of ``high`` below it."""
    values = np.unique(np.round(np.concatenate([low, high]), 2))
    below = np.searchsorted(np.sort(high), values) / len(high)
    above = 1 - np.searchsorted(np.sort(low), values) / len(low)
    return float(values[np.argmin(below + above)])


def weights_of(samples: Sequence[Sample]) -> dict[str, Weights]:
    """The weights of each kind of pair."""
    return {kind: fit([s for s in samples if s.kind == kind]) for kind in SORTS}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many pairs of one corpus, kind and case come out right at a probability of 0.5: a share, 0 to 1."""

    kind: str
    case: str
    corpus: str
    pairs: int
    right: float


def outcomes(samples: Sequence[Sample], calibration: Calibration) -> list[Outcome]:
    """What the calibration makes of the pairs, sorted by kind, case and corpus."""
    groups: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for s in samples:
        groups[s.kind, s.case, s.corpus].append((probability(s, calibration.weights[s.kind]) >= 0.5) == s.same)
    return [Outcome(*group, len(right), round(float(np.mean(right)), 4)) for group, right in sorted(groups.items())]


BINS = 10
"""Of equal width, over which a calibration error is taken."""


def calibration_error(samples: Sequence[Sample], calibration: Calibration) -> float:
    """Expected calibration error (Naeini, Cooper and Hauskrecht 2015), 0 to 1: the mean over pairs, weighing as in the
    fit, of how far the mean probability in their bin is from the share of one article.
    """
    chance = np.array([probability(s, calibration.weights[s.kind]) for s in samples])
    weights = importance_of(samples)
    excess = weights * (chance - [s.same for s in samples])
    bins = np.minimum((chance * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(bins, excess, BINS)).sum())
