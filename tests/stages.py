"""What the tests of the later stages start from: a calibration made by hand, and subjects out of plain texts."""

from collections.abc import Mapping, Sequence

import numpy as np

from dedup.calibration import SORTS, Calibration, Curve, Weights
from dedup.embed import embed, encode_segments
from dedup.encoders import Encoder, HashingEncoder
from dedup.evidence import Subject
from dedup.fingerprints import fingerprint
from dedup.model import Article, Entry, Finder, Link, Record, Relation, SourceKey, Vectors
from dedup.settings import Settings

DIMENSIONS = 256


_CURVES = {
    "alignment": Curve((-1.0, 1.0), (-10.0, 10.0)),
    "missing-figures": Curve((0.0, 1.0), (0.0, -10.0)),
    "length": Curve((0.0, 2.0), (0.0, -2.0)),
}
"""Numbers that are not named weigh nothing, so that evidence can change without these tests."""

_WEIGHTS = Weights(-4.0, _CURVES)


class OnceEach:
    """An encoder that keeps, bit for bit, what another one has made in this process."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.name = encoder.name
        self.digest = encoder.digest
        self._known: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        missing = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known |= zip(missing, self._encoder.encode(missing), strict=True)
        return np.stack([self._known[text] for text in texts]) if texts else self._encoder.encode([])


def calibration(figure_documents: Mapping[str, int] | None = None) -> Calibration:
    """Weights under which texts of equal words are one article, and others are not."""
    return Calibration(
        name="by hand",
        centroids={},
        default_centroid=np.zeros(DIMENSIONS, np.float32),
        length_norms={},
        figure_documents=figure_documents or {},
        figure_shapes={},
        articles=1_000,
        weights=dict.fromkeys(SORTS, _WEIGHTS),
        source_url_weight=2.0,
        partner_similarity=0.5,
    )


def article(text: str, language: str = "en", name: str = "a") -> Article:
    return Article(Record(name, text), text, None, None, language)


def entry(name: str = "a", language: str = "en", url: str | None = None, key: SourceKey | None = None) -> Entry:
    return Entry(name, None, None, language, url, key, 4, b"")


def subjects(
    texts: Sequence[str], languages: Sequence[str] | str = "en", encoder: Encoder | None = None
) -> list[Subject]:
    """One subject a text; ``languages`` is one for all, or one each."""
    codes = [languages] * len(texts) if isinstance(languages, str) else list(languages)
    prints = fingerprint([article(*pair) for pair in zip(texts, codes, strict=True)], Settings())
    encoded = encode_segments(prints, encoder or HashingEncoder(dimensions=DIMENSIONS))
    embeddings = embed(prints, codes, encoded, calibration())
    return [Subject(*parts) for parts in zip(codes, prints, embeddings, strict=True)]


def link(left: int, right: int, probability: float, found_by: tuple[Finder, ...] = (Finder.VECTORS,)) -> Link:
    return Link(left, right, Relation.TRANSLATION, probability, found_by, ())
