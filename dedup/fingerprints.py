"""What can be said of an article without a model: digest, MinHash signature, figures, segments."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dedup.language import script_of
from dedup.model import Article, Fingerprint
from dedup.names import names_of
from dedup.settings import Settings
from dedup.text import normalise, numbers, segments, text_width

SIGNATURE_SCHEME = "datasketch 2 affine32, xxh32"
"""Permutations and hash of the signatures, stamped into reports: datasketch 2 changed both the values and the sizes."""


def fingerprint(articles: Sequence[Article], settings: Settings) -> list[Fingerprint]:
    """One fingerprint an article, in the same order."""
    normal = [normalise(article.text) for article in articles]
    signatures = minhash_signatures([shingles(text, settings.shingle_size) for text in normal], settings)
    return [_of(*parts, settings) for parts in zip(articles, normal, signatures, strict=True)]


def _of(article: Article, normal: str, signature: NDArray[np.uint32], settings: Settings) -> Fingerprint:
    pieces = segments(article.text, article.language)
    script = script_of(article.text)
    widths = np.array([max(1.0, text_width(piece)) for piece in pieces], np.float32)
    return Fingerprint(
        digest=hashlib.sha256(normal.encode("utf-8", "surrogatepass")).hexdigest(),
        signature=signature,
        numbers=numbers(article.text),
        segments=pieces[: settings.max_segments],
        passages=hashes_of(pieces[: settings.max_segments]),
        widths=widths[: settings.max_segments],
        figures=tuple(map(numbers, pieces[: settings.max_segments])),
        beyond=pieces[settings.max_segments :],
        width=float(widths.sum()),
        script=script,
        names=names_of(pieces[: settings.max_segments], script),
    )


def hashes_of(segments: Iterable[str]) -> NDArray[np.uint64]:
    """A hash of each segment (XXH3), shape (segments,)."""
    import xxhash

    return np.array([xxhash.xxh3_64_intdigest(s.encode("utf-8", "surrogatepass")) for s in segments], np.uint64)


def shingles(text: str, size: int) -> set[bytes]:
    """The character n-grams of a text (Broder 1997), the text itself where it is shorter than one.

    Characters, not words: Chinese, Japanese and Thai have no spaces to split at.
    """
    return {text[i : i + size].encode("utf-8", "surrogatepass") for i in range(max(1, len(text) - size + 1))}


def minhash_signatures(sets: Sequence[set[bytes]], settings: Settings) -> NDArray[np.uint32]:
    """MinHash signatures (Broder 1997) by datasketch, shape (len(sets), permutations)."""
    if not sets:
        return np.empty((0, settings.permutations), np.uint32)
    import xxhash
    from datasketch import MinHash

    hashed = MinHash.bulk(
        sets, num_perm=settings.permutations, seed=settings.seed, hashfunc=xxhash.xxh32_intdigest, scheme="affine32"
    )
    return np.stack([m.hashvalues for m in hashed]).astype(np.uint32)


def jaccard(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> float:
    """The estimate of two shingle sets' Jaccard similarity, 0 to 1: the share of equal values in their signatures."""
    return float(np.mean(left == right))
