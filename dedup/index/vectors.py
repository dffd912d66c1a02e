"""The document vectors of an index, in files that are mapped, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.index.digests import digest_of
from dedup.index.folder import broken

OWNER = np.dtype([("row", np.int64), ("writing", np.int32), ("rank", np.uint64)])
"""Of a vector: the row of its work, the code of its writing, and a number that depends on the text alone, by which
equally near texts are ordered."""

Owners = NDArray[np.void]


class Part:
    """The vectors of a file, mapped, shape (texts, dimensions)."""

    def __init__(self, file: Path, mapped: NDArray[np.int16], digest: bytes) -> None:
        self._file = file
        self._mapped = mapped
        self._digest = digest

    @property
    def dimensions(self) -> int:
        """Of each vector."""
        dimensions: int = self._mapped.shape[1]
        return dimensions

    @cached_property
    def vectors(self) -> NDArray[np.int16]:
        """All of them. Raises :class:`UnusableIndexError` where they are not what was written."""
        if digest_of(self._mapped) != self._digest:
            raise broken(self._file.parent, f"not what was written: {self._file.name}")
        return self._mapped


@dataclass(frozen=True, slots=True)
class Vectors:
    """All vectors with an owner, by the rank of their texts: ``owners`` has shape (texts,), ``places`` (2, texts): part
    and place in it.
    """

    parts: Sequence[Part]
    places: NDArray[np.int64]
    owners: Owners

    def take(self, positions: NDArray[np.integer]) -> NDArray[np.int16]:
        """Some of them, shape (positions, dimensions)."""
        part, place = self.places[:, positions]
        dimensions = self.parts[0].dimensions if self.parts else 0
        taken = np.empty((len(positions), dimensions), np.int16)
        for number, of_file in enumerate(self.parts):
            here = np.flatnonzero(part == number)
            taken[here] = of_file.vectors[place[here]]
        return taken
