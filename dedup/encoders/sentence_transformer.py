"""Any sentence-transformers model as an :class:`dedup.encoders.Encoder`."""

import hashlib
import importlib
import logging
import os
import re
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dedup.encoders import bundled
from dedup.encoders.model_folder import DATA, check_model_folder, files_in
from dedup.errors import ModelError, let_shortage_pass
from dedup.events import tell
from dedup.model import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_LOG = logging.getLogger(__name__)

E5_PREFIX = "query: "
"""Both sides of a symmetric task carry it: model card of intfloat/multilingual-e5-small, FAQ 1."""


class SentenceTransformerEncoder:
    """A model loaded at its first use.

    Texts are batched with others of exactly their number of tokens. No row is padded then, and with nothing padded
    a vector is the same to the last bit whatever the batch around it: that, and not speed, is why.
    """

    def __init__(
        self, name: str, source: str, digest: str | None, prefix: str, batch_size: int, *, fetch: bool = False
    ) -> None:
        self.name = name
        self._source = source
        self._known_digest = digest
        self._prefix = prefix
        self._batch_size = batch_size
        self._fetch = fetch

    @classmethod
    def bundled(cls, batch_size: int) -> "SentenceTransformerEncoder":
        """The embedded model, expanded into the cache on first use."""
        return cls(bundled.NAME, "", bundled.WEIGHTS_SHA256, E5_PREFIX, batch_size)

    @classmethod
    def from_hub_or_folder(cls, name: str, batch_size: int, *, fetch: bool = True) -> "SentenceTransformerEncoder":
        """A folder on disk, or a name on a hub: in the hub's cache, or, with ``fetch``, asked for."""
        folder = Path(name)
        if _is_path(name) and not any((folder / known).is_file() for known in ("modules.json", "config.json")):
            raise ModelError(f"{name or repr(name)} is not the folder of a sentence-transformers model")
        prefix = E5_PREFIX if "e5" in re.split(r"[^a-z0-9]", folder.name.lower()) else ""
        digest = _folder_digest(folder, prefix) if folder.is_dir() else None
        return cls(folder.name or name, name, digest, prefix, batch_size, fetch=fetch)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights and configuration in a folder, and of the prefix that its name brings; for a name on
        a hub, of the name and the revision (commit) in the hub's cache. A model that is not there yet is loaded to
        know it; one that is stays at this revision, whatever the hub has by now.

        The precision in which a processor multiplies is not part of it: its vectors are near enough to be compared
        with those of another (see ``_precision``), and one calibration serves both.
        """
        if self._known_digest is not None:
            return self._known_digest
        if self._revision is None:
            _ = self._model
        return hashlib.sha256(f"{self._source}@{_cached_revision(self._source)}".encode()).hexdigest()

    @cached_property
    def _revision(self) -> str | None:
        """Of a model on a hub, the one that its cache holds when it is first asked for."""
        return _cached_revision(self._source) if self._known_digest is None else None

    @cached_property
    def _model(self) -> "SentenceTransformer":
        bundled_folder = None if self._source else bundled.model_folder()
        began = time.monotonic()
        # Whatever may go wrong in a model's files goes wrong in one of four libraries, and each has errors of its own.
        try:
            with _quiet():
                from sentence_transformers import SentenceTransformer

                folder = bundled_folder or self._folder()
                check_model_folder(folder)
                model = SentenceTransformer(
                    str(folder),
                    device=None if _cuda() else "cpu",
                    trust_remote_code=False,
                    local_files_only=True,  # all that it needs is there by now
                    model_kwargs={"use_safetensors": True, "dtype": _precision()},
                )
        except Exception as error:
            let_shortage_pass(error)
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ModelError(f"cannot load the model {self.name}: {reason}") from error
        seconds = round(time.monotonic() - began, 3)
        told = f"loaded the model {self.name} from {folder}, in {_precision()} on {model.device}: {seconds} s"
        tell(_LOG, "model-loaded", told, model=self.name, source=str(folder), precision=_precision(), seconds=seconds)
        return model

    def _folder(self) -> Path:
        """Where the user's model lies; that of a hub is fetched now, unless it is there."""
        if Path(self._source).is_dir():
            return Path(self._source)
        if not self._fetch and self._revision is None:
            raise ModelError("not on this machine, and only what --model names is fetched")
        from huggingface_hub import snapshot_download

        return Path(
            snapshot_download(
                _repository(self._source),
                revision=self._revision,
                cache_dir=os.environ.get("SENTENCE_TRANSFORMERS_HOME"),
                allow_patterns=list(DATA),
                local_files_only=not self._fetch,
            )
        )

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text; see :class:`dedup.encoders.Encoder`. Tokens beyond the model's limit are cut off."""
        dimensions = self._model.get_embedding_dimension() or 0
        prefixed = [self._prefix + text for text in texts]
        by_length: dict[int, list[int]] = {}
        for position, length in enumerate(self._token_counts(prefixed)):
            by_length.setdefault(length, []).append(position)
        vectors: Vectors = np.empty((len(texts), dimensions), np.float32)
        for length in sorted(by_length):
            group = by_length[length]
            vectors[group] = self._encode_group([prefixed[i] for i in group])
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(norms, np.float32(1e-12))
        return vectors

    def _encode_group(self, texts: list[str]) -> Vectors:
        encoded = self._model.encode(
            texts, batch_size=self._batch_size, show_progress_bar=False, convert_to_numpy=False, convert_to_tensor=True
        )
        array: Vectors = encoded.float().cpu().numpy()
        return array

    def _token_counts(self, texts: list[str]) -> list[int]:
        tokenizer: Any = self._model.tokenizer
        if not texts or not callable(tokenizer):  # a static model, of token vectors alone: it pads nothing
            return [0] * len(texts)
        ids = tokenizer(texts, add_special_tokens=True, truncation=True, max_length=self._model.max_seq_length)
        return [len(row) for row in ids["input_ids"]]


def _precision() -> str:
    """bfloat16 where the processor multiplies it natively (there over twice the speed at a cosine of 0.9999
    or more to float32: scripts/check_bundled.py), float32 elsewhere.
    """
    if _cuda():
        return "float32"
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "float32"
    return "bfloat16" if " avx512_bf16" in flags or " amx_bf16" in flags else "float32"


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _folder_digest(folder: Path, prefix: str) -> str:
    """SHA-256 over the names and contents of a model folder's weights, configuration and vocabulary, and the prefix."""
    total = hashlib.sha256(prefix.encode())
    for path in (file for file in files_in(folder) if any(map(file.match, DATA))):
        total.update(path.relative_to(folder).as_posix().encode("utf-8", "backslashreplace"))
        with path.open("rb") as opened:
            total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()


def _cached_revision(name: str) -> str | None:
    """The commit of the hub's model that lies in the local cache, where there is one; nothing is fetched.

    A name without an owner is of sentence-transformers.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    repository = name if "/" in name else f"{_OWNER}/{name}"
    for file in ("modules.json", "config.json"):
        try:
            cached = try_to_load_from_cache(repository, file, cache_dir=os.environ.get("SENTENCE_TRANSFORMERS_HOME"))
        except HFValidationError:  # no name at all: loading says so
            return None
        if isinstance(cached, str):  # the cache also remembers that a file does not exist
            return Path(cached).parent.name
    return None


_OWNER = "sentence-transformers"
"""Who owns a model on the hub whose name tells no owner."""


def _repository(name: str) -> str:
    """How the hub calls a model. A few that are older than owners have none."""
    from sentence_transformers.util import ORIGINAL_TRANSFORMER_MODELS

    return name if "/" in name or name.lower() in ORIGINAL_TRANSFORMER_MODELS else f"{_OWNER}/{name}"


def _is_path(name: str) -> bool:
    """Whether a model's name can only mean a place on this disk: it is there, or it does not look like OWNER/NAME."""
    return Path(name).exists() or name.startswith((".", "~", "/")) or "\\" in name or name.count("/") > 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Loading prints bars and notes that are no concern of a user of dedup; afterwards all is as it was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers_logging: Any = importlib.import_module("transformers.utils.logging")
        verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
        logger = logging.getLogger("sentence_transformers")
        level = logger.level
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            transformers_logging.set_verbosity(verbosity)
            if bars:
                transformers_logging.enable_progress_bar()
            logger.setLevel(level)
