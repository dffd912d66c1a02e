"""What may be in the folder of a model that a user names.

A model is data: weights as safetensors, configuration as JSON, a vocabulary. Yet the libraries that load one would do
more, if its files ask for it: run Python that lies beside the weights, import whatever class is named, read weights out
of a pickle, fetch compiled code or a second model from a hub. So a folder is looked at before any library sees it, and
refused where it asks for that; and of a model on a hub only such files are fetched as are data.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dedup.errors import ModelError

DATA: Final = ("*.safetensors", "*.json", "*.txt", "*.model")
"""What makes a model, as patterns of names: weights, configuration, vocabularies. All else is not fetched."""

_PICKLE: Final = "pytorch_model.bin"
"""The name under which sentence-transformers looks for weights where there are none as safetensors."""

_MODULE: Final = re.compile(r"sentence_transformers(\.\w+)*\.(models|modules|tokenizer)(\.\w+)*\.[A-Z]\w*", re.ASCII)
"""The classes that a model is made of; the package holds others, which load a model by rules of their own."""

_FROM_HUB: Final = re.compile(r"_?(attn|experts)_implementation")
"""Settings whose value may be the name of compiled code on a hub: ``owner/name``."""


def files_in(folder: Path) -> list[Path]:
    """The files of a folder at any depth, also behind links, sorted. Devices and pipes are none."""
    found: list[Path] = []
    seen: set[str] = set()
    for place, inner, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        found += (path for path in (Path(place, name) for name in names) if path.is_file())
    return sorted(found)


def check_model_folder(folder: Path) -> None:
    """Raises :class:`ModelError` where loading the model in this folder could run code of others."""
    for path in files_in(folder):
        if path.name == _PICKLE and not any(path.parent.glob("*.safetensors")):
            raise ModelError(f"{path.name} holds weights as a pickle, which can run code: only safetensors are read")
        if path.name == "modules.json" or path.name.endswith("config.json"):
            _check_content(path)


def _check_content(path: Path) -> None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return  # the library that wants it says what is wrong with it
    for name, value in _settings_in(content):
        if not isinstance(value, str):
            continue
        is_class = name == "type" or ("." in value and name == "tokenizer_class")
        if is_class and path.name in _NAMING_CLASSES and not _MODULE.fullmatch(value):
            raise ModelError(f"{path.name} names the class {value}, which is none of sentence-transformers' modules")
        if _FROM_HUB.fullmatch(name) and "/" in value:
            raise ModelError(f"{path.name} wants compiled code from a hub ({value})")


_NAMING_CLASSES: Final = frozenset({"modules.json", "router_config.json", "wordembedding_config.json"})


def _settings_in(content: object) -> Iterator[tuple[str, object]]:
    """The names and values of all objects within; what ``types`` maps names to counts as a ``type`` each."""
    pending = [content]
    while pending:
        match pending.pop():
            case dict() as settings:
                yield from settings.items()
                types = settings.get("types")
                yield from (("type", value) for value in (types.values() if isinstance(types, dict) else ()))
                pending += settings.values()
            case list() as values:
                pending += values
