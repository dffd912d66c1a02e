"""A fake encoder: no weights, no imports, the same vectors everywhere."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from dedup.model import Vectors


class HashingEncoder:
    """Words hashed into a vector (the hashing trick, Weinberger et al. 2009, arXiv:0902.2206).

    Texts that share words are near to each other. ``synonyms`` maps words onto one, and so makes translations of
    each other near too: ``HashingEncoder({"hund": "dog", "chien": "dog"})``.
    """

    name = "hashing"

    def __init__(self, synonyms: Mapping[str, str] | None = None, dimensions: int = 256) -> None:
        self._synonyms = dict(synonyms or {})
        self._dimensions = dimensions

    @property
    def digest(self) -> str:
        """Of the dimensions and the synonyms."""
        return hashlib.sha256(repr((self._dimensions, sorted(self._synonyms.items()))).encode()).hexdigest()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text; see :class:`dedup.encoders.Encoder`."""
        vectors: Vectors = np.zeros((len(texts), self._dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.casefold().split():
                plain = word.strip(".,;:!?\"'()")
                slot = hashlib.sha256(self._synonyms.get(plain, plain).encode()).digest()
                row[int.from_bytes(slot[:4], "little") % self._dimensions] += 1.0 if slot[4] & 1 else -1.0
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(norms, np.float32(1e-12))
        return vectors
