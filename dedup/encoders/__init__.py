"""Embedding models: the protocol, and how a model is chosen.

``load_encoder("bundled")`` is the embedded model, ``load_encoder("table")`` its token table without the transformer;
any other word is a sentence-transformers name or folder.
:class:`RememberingEncoder` keeps what another one computed. :class:`HashingEncoder` is the small deterministic fake for
tests, here and in users' projects.
"""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from dedup.encoders.hashing import HashingEncoder
from dedup.encoders.remembering import RememberingEncoder
from dedup.model import Vectors

__all__ = ["Encoder", "HashingEncoder", "RememberingEncoder", "load_encoder"]

BUNDLED = "bundled"
TABLE = "table"


class Encoder(Protocol):
    """What turns texts into vectors."""

    @property
    def name(self) -> str:
        """How reports name the model."""

    @property
    def digest(self) -> str:
        """Changes whenever the vectors can change by more than rounding: calibration and caches are kept per digest."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, shape (len(texts), dimensions).

        A text's vector must not depend on the other texts, nor on their order or number.
        """


def load_encoder(model: str, batch_size: int, *, fetch: bool = True) -> Encoder:
    """The encoder that ``Settings.model`` names. Raises :class:`dedup.errors.ModelError` where there is none.

    ``fetch``: a model that is not on this machine may be asked of a hub. Not so where a report or an index names it:
    nothing is fetched but what a person has named.
    sentence-transformers is imported at the first ``encode``, so that a run which needs no vector does not pay for it.
    """
    if model == TABLE:
        return _table()
    from dedup.encoders.sentence_transformer import SentenceTransformerEncoder

    if model == BUNDLED:
        return SentenceTransformerEncoder.bundled(batch_size)
    return SentenceTransformerEncoder.from_hub_or_folder(model, batch_size, fetch=fetch)


@cache
def _table() -> Encoder:
    """One for the whole process: its tokenizer takes a third of a second to load, and nothing of it changes."""
    from dedup.encoders.table import TableEncoder

    return TableEncoder()
