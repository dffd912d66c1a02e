"""A sketch as the bytes that an index keeps of it, and back: nothing is lost, and no code is in it (no pickle)."""

import zlib

import msgspec
import numpy as np

from dedup.embed import document_vector
from dedup.fingerprints import hashes_of
from dedup.model import Embedding, Fingerprint
from dedup.names import Names

_COMPRESSION = 1
"""The fastest: it halves the text."""


class _Kept(msgspec.Struct, array_like=True):
    """Of a fingerprint all that is not computed from the rest in no time."""

    digest: str
    signature: bytes
    numbers: tuple[str, ...]
    segments: tuple[str, ...]
    beyond: tuple[str, ...]
    widths: bytes
    figures: tuple[tuple[str, ...], ...]
    width: float
    script: str
    stated: tuple[str, ...]
    capitals: tuple[str, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Kept)


def packed(f: Fingerprint) -> bytes:
    """A fingerprint as bytes."""
    kept = _Kept(
        digest=f.digest,
        signature=f.signature.astype("<u4").tobytes(),
        numbers=f.numbers,
        segments=tuple(f.segments),
        beyond=tuple(f.beyond),
        widths=f.widths.astype("<f4").tobytes(),
        figures=f.figures,
        width=f.width,
        script=f.script,
        stated=f.names.stated,
        capitals=tuple(sorted(f.names.capitals)),
    )
    return zlib.compress(_encoder.encode(kept), _COMPRESSION)


def unpacked(data: bytes) -> Fingerprint:
    """The fingerprint again. Raises :class:`ValueError` where the bytes are none."""
    try:
        kept = _decoder.decode(zlib.decompress(data))
    except zlib.error as error:
        raise ValueError(str(error)) from error
    return Fingerprint(
        digest=kept.digest,
        signature=np.frombuffer(kept.signature, "<u4").astype(np.uint32),
        numbers=kept.numbers,
        segments=kept.segments,
        passages=hashes_of(kept.segments),
        widths=np.frombuffer(kept.widths, "<f4").astype(np.float32),
        figures=kept.figures,
        beyond=kept.beyond,
        width=kept.width,
        script=kept.script,
        names=Names(kept.stated, frozenset(kept.capitals)),
    )


def embedding_of(steps: bytes, norms: bytes, f: Fingerprint) -> Embedding:
    """The embedding of a fingerprint again, of the bytes of its steps and norms."""
    lengths = np.frombuffer(norms, "<f4").astype(np.float32)
    vectors = np.frombuffer(steps, np.int8).reshape(len(lengths), -1)
    return Embedding(vectors, lengths, document_vector(vectors, lengths, f.widths))
