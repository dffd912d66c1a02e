"""Vectors in whole steps: sums and products of whole numbers are exact, so that no order changes them."""

import numpy as np
from numpy.typing import NDArray

SCALE = 4000
"""Steps per unit of a vector's components, so that every partial sum of a scalar product is a whole number below 2**24
and exact in 32-bit floats: unit vectors of up to 4,096 dimensions stay below (4000 + 0.5 * 64) ** 2 = 16.3 million."""

FARTHEST = 2**24
"""At least every scalar product: distances are this less the product, so never negative."""

SELF = -(2.0**27)
"""Below every scalar product."""

DISTANCE_BITS = 28
"""Bits that hold every distance, that to itself included."""

DISTANCES = 2**DISTANCE_BITS
"""Above every distance, that to itself included."""

NONE = np.iinfo(np.int64).max
"""No article; behind all others."""

Whole = NDArray[np.int64]

Vectors = NDArray[np.floating] | NDArray[np.int16]
"""Unit vectors, or whole steps of them (``int16``), shape (articles, dimensions)."""

Steps = NDArray[np.float32] | NDArray[np.int16]
"""Vectors in whole steps of 1 / ``SCALE``, shape (articles, dimensions)."""


def whole_steps(documents: Vectors) -> NDArray[np.float32]:
    """Unit vectors in whole steps of 1 / ``SCALE``, same shape; of type ``int16`` they are taken to be such steps.

    Cosines are off by about 0.0002.
    """
    if documents.dtype == np.int16:
        return documents.astype(np.float32)
    steps: NDArray[np.float32] = np.rint(documents * np.float32(SCALE)).astype(np.float32)
    return steps


def at_length(vectors: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    """The rows, whole numbers, at this length and in whole numbers again; a row of zeros stays."""
    squares = np.einsum("ij,ij->i", vectors, vectors)  # exact, so in any order: below 2**53
    scaled: NDArray[np.float64] = np.rint(vectors * (length / np.sqrt(np.maximum(squares, 1.0)))[:, None])
    return scaled


def pair_keys(own: NDArray[np.integer], near: NDArray[np.integer], total: int) -> Whole:
    """Pairs of positions below ``total`` as one number each: ``left * total + right``, ``left < right``."""
    keys: Whole = np.minimum(own, near).astype(np.int64) * total + np.maximum(own, near)
    return keys
