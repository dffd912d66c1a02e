"""By what a known text is found: the numbers and words under which an index keeps it."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dedup.embed import document_vector
from dedup.model import Embedding, Fingerprint
from dedup.neighbours import whole_steps

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def band_hashes(signatures: NDArray[np.uint32], bands: int) -> NDArray[np.int64]:
    """A hash of each band of each signature and of its place, shape (texts, bands): equal bands have equal hashes, and
    hardly any others do. ``signatures`` have shape (texts, permutations).
    """
    values = signatures.reshape(len(signatures), bands, -1)
    hashes = np.broadcast_to(np.arange(1, bands + 1, dtype=np.uint64) * _FACTOR, values.shape[:2]).copy()
    for column in np.moveaxis(values, 2, 0):
        hashes = (hashes ^ column) * _FACTOR
        hashes ^= hashes >> _SHIFT
    return hashes.view(np.int64)


def document_steps(prints: Iterable[Fingerprint], embeddings: Iterable[Embedding]) -> NDArray[np.int16]:
    """The document vectors in whole steps, shape (texts, dimensions), each passage counting as the fingerprint says."""
    rows = [document_vector(e.steps, e.norms, f.widths) for f, e in zip(prints, embeddings, strict=True)]
    return whole_steps(np.array(rows, np.float32)).astype(np.int16)


def rank_of_text(digest: str) -> int:
    """Orders texts in a way that depends on nothing but themselves: the first 8 bytes of the digest (hexadecimal)."""
    return int(digest[:16], 16)


def ranks_of(digests: Sequence[str]) -> NDArray[np.uint64]:
    """Of several texts, shape (texts,)."""
    return np.array([rank_of_text(digest) for digest in digests], np.uint64)
