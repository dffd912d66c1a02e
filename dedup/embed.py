"""Articles in the space of a model: segments encoded, their language's mean taken out, kept in whole steps.

A segment's vector is kept in 8 bits a component, scaled so that its largest fills them: a cosine is then off by a few
thousandths at most (a test says how far), and the products of two such vectors are whole numbers that 32-bit floats
add up without rounding, so that neither batches nor threads nor processors can change a similarity.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.calibration import Calibration
from dedup.encoders import Encoder
from dedup.errors import InputError
from dedup.model import Embedding, Fingerprint, Steps, Vectors
from dedup.text import in_one_line

MOST_STEPS = 127
"""The largest component of a vector in steps, where it has up to 1,040 dimensions."""

_EXACT = 2**24
"""Whole numbers up to this are exact in 32-bit floats."""

CHUNK = 32_768
"""Segments that are encoded at a time: vectors of 32 bits are held of no more."""


@dataclass(frozen=True, slots=True)
class Lens:
    """A model and how its vectors are to be read."""

    encoder: Encoder
    calibration: Calibration


def encode_segments(fingerprints: Sequence[Fingerprint], encoder: Encoder) -> tuple[list[str], Vectors]:
    """Every different segment once, in one line, sorted, and its vector, shape (segments, dimensions)."""
    distinct = sorted({in_one_line(segment) for f in fingerprints for segment in f.segments})
    return distinct, encoder.encode(distinct)


def rows_by_language(
    fingerprints: Sequence[Fingerprint], languages: Sequence[str], encoded: tuple[Sequence[str], Vectors]
) -> tuple[Vectors, list[str]]:
    """The vector of every segment of every article, shape (segments, dimensions), and the language of each row."""
    distinct, vectors = encoded
    row_of = {segment: row for row, segment in enumerate(distinct)}
    rows = [row_of[in_one_line(segment)] for f in fingerprints for segment in f.segments]
    codes = [language for f, language in zip(fingerprints, languages, strict=True) for _ in f.segments]
    return vectors[rows], codes


def embed_all(
    fingerprints: Sequence[Fingerprint],
    languages: Sequence[str],
    encoder: Encoder,
    calibration: Calibration,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Embedding]:
    """One embedding an article, some thousand segments at a time; ``progress`` is told how many articles are done."""
    embeddings: list[Embedding] = []
    for start, end in _chunks([len(f.segments) for f in fingerprints]):
        part = fingerprints[start:end]
        embeddings += embed(part, languages[start:end], encode_segments(part, encoder), calibration)
        progress(len(embeddings))
    return embeddings


def _chunks(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbours whose sizes come to ``CHUNK`` or a little more."""
    start = held = 0
    for position, size in enumerate(sizes):
        held += size
        if held >= CHUNK:
            yield start, position + 1
            start, held = position + 1, 0
    if start < len(sizes):
        yield start, len(sizes)


def embed(
    fingerprints: Sequence[Fingerprint],
    languages: Sequence[str],
    encoded: tuple[Sequence[str], Vectors],
    calibration: Calibration,
) -> list[Embedding]:
    """One embedding an article.

    Multilingual encoders put a text's language into its vector: with each language's mean taken out, the best
    threshold on document cosines goes from a pair F1 of 0.10 to 0.90 (a preliminary study on NTREX, ten languages;
    the method: Libovicky et al. 2020, arXiv:2004.05160).

    Raises :class:`InputError` where the calibration is for vectors of other dimensions.
    """
    distinct, vectors = encoded
    if len(vectors) and vectors.shape[1] != len(calibration.default_centroid):
        raise InputError(
            f"calibration {calibration.name!r} is for vectors of {len(calibration.default_centroid):,} dimensions, not "
            f"of {vectors.shape[1]:,}"
        )
    row_of = {segment: row for row, segment in enumerate(distinct)}
    embeddings = []
    for f, language in zip(fingerprints, languages, strict=True):
        rows = [row_of[in_one_line(segment)] for segment in f.segments]
        steps, norms = in_steps(vectors[rows] - calibration.centroid(language))
        embeddings.append(Embedding(steps, norms, document_vector(steps, norms, f.widths)))
    return embeddings


def document_vector(steps: Steps, norms: NDArray[np.float32], widths: NDArray[np.float32]) -> NDArray[np.float32]:
    """The normalised mean of the segments, weighted by their widths, shape (dimensions,)."""
    mean: NDArray[np.float32] = unit_rows(((widths * norms) @ steps.astype(np.float32))[None, :])[0]
    return mean


def in_steps(vectors: Vectors) -> tuple[Steps, NDArray[np.float32]]:
    """The rows in whole steps, and one over the length of each; that of a row of zeros is 0."""
    most = min(MOST_STEPS, int((_EXACT / vectors.shape[1]) ** 0.5))
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    steps = np.rint(vectors * (most / np.maximum(largest, np.float32(1e-12)))).astype(np.int8)
    lengths = np.sqrt(np.einsum("ij,ij->i", steps, steps, dtype=np.int32).astype(np.float64))
    return steps, (np.minimum(lengths, 1.0) / np.maximum(lengths, 1.0)).astype(np.float32)


def unit_rows(vectors: NDArray[np.float32]) -> Vectors:
    """The rows at length 1; a row of zeros stays."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit
