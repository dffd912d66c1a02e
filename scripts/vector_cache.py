"""An encoder that remembers, so that a measurement can be repeated without embedding a corpus again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xxhash

from dedup.encoders import Encoder
from dedup.model import Vectors

CHUNK = 4_000
"""Texts that are encoded and put on disk at a time: what an interrupted run keeps."""


class CachedEncoder:
    """Another encoder's vectors, kept in ``folder`` as 16-bit floats, one .npz a chunk, keyed by the text's XXH3."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self._encoder = encoder
        self._folder = folder / encoder.digest[:12]
        self._folder.mkdir(parents=True, exist_ok=True)
        self._known: dict[int, np.ndarray[tuple[int], np.dtype[np.float16]]] = {}
        for path in sorted(self._folder.glob("*.npz")):
            arrays = np.load(path, allow_pickle=False)
            self._known.update(zip(arrays["keys"].tolist(), arrays["vectors"], strict=True))

    @property
    def name(self) -> str:
        """Of the encoder behind."""
        return self._encoder.name

    @property
    def digest(self) -> str:
        """Of the encoder behind."""
        return self._encoder.digest

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, computed at most once."""
        keys = [xxhash.xxh3_64_intdigest(text.encode()) for text in texts]
        missing = [(key, text) for key, text in zip(keys, texts, strict=True) if key not in self._known]
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            vectors = self._encoder.encode([text for _, text in chunk]).astype(np.float16)
            names = np.array([key for key, _ in chunk], np.uint64)
            np.savez(self._folder / f"{xxhash.xxh3_64_hexdigest(names.tobytes())}.npz", keys=names, vectors=vectors)
            self._known.update(zip(names.tolist(), vectors, strict=True))
            print(f"  encoded {start + len(chunk):,} of {len(missing):,} new segments", flush=True)
        return np.stack([self._known[key] for key in keys]).astype(np.float32)
