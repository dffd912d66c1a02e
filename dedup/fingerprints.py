"""What can be said of an article without a model: digest, MinHash signature, figures, segments."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dedup.code_points import codes_of, rolling_hashes, sorted_unique
from dedup.language import script_of
from dedup.model import Article, Fingerprint
from dedup.names import names_of
from dedup.settings import Settings
from dedup.text import in_one_line, measured_segments, normalise, numbers

SIGNATURE_SCHEME = "datasketch 2 affine32, polynomial 64 fmix"
"""Permutations and hash of the signatures, stamped into reports: datasketch 2 changed both the values and the sizes."""

Shingles = NDArray[np.uint32]
"""The different shingles of a text, each as its hash, ascending."""


def fingerprint(articles: Sequence[Article], settings: Settings) -> list[Fingerprint]:
    """One fingerprint an article, in the same order."""
    return [_of(article, settings) for article in articles]


def _of(article: Article, settings: Settings) -> Fingerprint:
    normal = normalise(article.text)
    pieces, sizes = measured_segments(article.text, article.language)
    widths = np.maximum(1.0, sizes).astype(np.float32)
    kept = pieces[: settings.max_segments]
    script = script_of(article.text)
    return Fingerprint(
        digest=hashlib.sha256(normal.encode("utf-8", "surrogatepass")).hexdigest(),
        signature=minhash_signature(shingles(normal, settings.shingle_size), settings),
        numbers=numbers(article.text),
        segments=kept,
        passages=hashes_of(kept),
        widths=widths[: settings.max_segments],
        figures=tuple(map(numbers, kept)),
        beyond=pieces[settings.max_segments :],
        width=float(widths.sum()),
        script=script,
        names=names_of(kept, script),
    )


def hashes_of(segments: Iterable[str]) -> NDArray[np.uint64]:
    """A hash of each segment (XXH3), shape (segments,), however it was broken into lines."""
    import xxhash

    lines = map(in_one_line, segments)
    return np.array([xxhash.xxh3_64_intdigest(s.encode("utf-8", "surrogatepass")) for s in lines], np.uint64)


def shingles(text: str, size: int) -> Shingles:
    """The character n-grams of a text (Broder 1997), the text itself where it is shorter than one.

    Characters, not words: Chinese, Japanese and Thai have no spaces to split at. The hash is a polynomial of the
    characters (:func:`dedup.code_points.rolling_hashes`), of which the upper half is kept when the finalizer of
    MurmurHash3 (Appleby) has mixed it.
    """
    codes = codes_of(text)
    mixed = rolling_hashes(codes, min(size, len(codes)))
    for factor in _MIXERS:
        mixed ^= mixed >> _HALF_SHIFT
        mixed *= factor
    return sorted_unique((mixed >> _HALF).astype(np.uint32))


_MIXERS = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_HALF_SHIFT, _HALF = np.uint64(33), np.uint64(32)
"""The last step of the finalizer changes nothing in the upper half, and is left out."""


_BLOCK = 1_024
"""Shingles that are permuted at once: with 128 permutations 0.5 MB, which the second-level cache holds."""


def minhash_signatures(texts: Sequence[Shingles], settings: Settings) -> NDArray[np.uint32]:
    """MinHash signatures (:func:`minhash_signature`), shape (len(texts), permutations)."""
    signatures = np.empty((len(texts), settings.permutations), np.uint32)
    for row, hashed in zip(signatures, texts, strict=True):
        row[:] = minhash_signature(hashed, settings)
    return signatures


def minhash_signature(hashed: Shingles, settings: Settings) -> NDArray[np.uint32]:
    """The MinHash signature (Broder 1997) of a set of hashed shingles, shape (permutations,).

    The values are those of ``datasketch.MinHash(num_perm, seed, scheme="affine32")`` for the same hashes.
    """
    factors, terms = permutations(settings.permutations, settings.seed)
    mixed = _fmix32(hashed)
    signature = np.full(settings.permutations, np.iinfo(np.uint32).max, np.uint32)
    permuted = np.empty((min(_BLOCK, len(mixed)), settings.permutations), np.uint32)
    for start in range(0, len(mixed), _BLOCK):
        block = mixed[start : start + _BLOCK, None]
        values = permuted[: len(block)]
        np.multiply(block, factors, out=values)
        values += terms
        np.minimum(signature, values.min(axis=0), out=signature)
    return signature


def _fmix32(hashed: Shingles) -> NDArray[np.uint32]:
    """The finalizer of MurmurHash3 (Appleby), which datasketch puts before its permutations."""
    mixed = hashed ^ (hashed >> np.uint32(16))
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


@cache
def permutations(count: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The factors and terms of datasketch's permutations ``factor * hash + term`` modulo 2 ** 32, shape (count,) each.

    Drawn here as datasketch draws them, because importing it imports scipy; a test holds the two equal. The
    stream of ``RandomState`` is frozen (NumPy NEP 19).
    """
    generator = np.random.RandomState(seed)
    factors = generator.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, generator.randint(0, 1 << 32, count, dtype=np.uint32)


def jaccard(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> float:
    """The estimate of two shingle sets' Jaccard similarity, 0 to 1: the share of equal values in their signatures."""
    return float(np.mean(left == right))
