"""Model folders that would have code run, weights unpickled or a hub asked: refused, and nothing of it happens."""

import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dedup.encoders import bundled, load_encoder
from dedup.encoders.model_folder import check_model_folder, files_in
from dedup.errors import ModelError

from . import parallel
from .conftest import Cli

STATIC = "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding"
BERT = {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": 8, "num_attention_heads": 1}


class Payload:
    """What touches a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """The file that every payload would make."""
    return tmp_path / "pwned"


@pytest.fixture
def folder(tmp_path: Path, trace: Path) -> Path:
    """An empty model folder, with Python beside it that would make the trace."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "modeling_evil.py").write_text(
        f"from pathlib import Path\nPath({str(trace)!r}).touch()\n"
        "class Evil:\n    def __init__(self, *_, **__): pass\n    load = classmethod(lambda cls, *_, **__: cls())\n"
    )
    return folder


def put(folder: Path, name: str, content: object) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))


def modules(*types: str) -> list[dict[str, object]]:
    return [{"idx": i, "name": str(i), "path": f"{i}_Part", "type": name} for i, name in enumerate(types)]


def refused(folder: Path, trace: Path) -> str:
    """Why the model cannot be loaded; one line, and no payload has run."""
    with pytest.raises(ModelError) as error:
        load_encoder(str(folder), 4).encode(["one text"])
    assert not trace.exists()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_payload_would_make_the_trace_if_it_were_unpickled(trace: Path) -> None:
    pickle.loads(pickle.dumps(Payload(trace)))  # noqa: S301 - our own, to know that the tests below can fail
    assert trace.exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "0_Part/pytorch_model.bin"])
def test_weights_that_are_a_pickle_are_refused(folder: Path, trace: Path, name: str) -> None:
    put(folder, "modules.json", modules(STATIC))
    put(folder, "config.json", BERT)
    (folder / "0_Part").mkdir()
    (folder / name).write_bytes(pickle.dumps({"embedding.weight": Payload(trace)}))
    assert "holds weights as a pickle" in refused(folder, trace)


def test_even_a_harmless_pickle_is_not_read(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    parallel.save_model(tmp_path)
    (weights,) = tmp_path.rglob("model.safetensors")
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    assert load_encoder(str(tmp_path), 4).encode(["one text"]).shape == (1, parallel.DIMENSIONS)
    weights.unlink()
    assert "holds weights as a pickle" in refused(tmp_path, tmp_path / "pwned")


def test_pickle_behind_a_linked_folder_is_found(folder: Path, trace: Path, tmp_path: Path) -> None:
    put(folder, "modules.json", modules(STATIC))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "pytorch_model.bin").write_bytes(pickle.dumps({"embedding.weight": Payload(trace)}))
    (folder / "0_Part").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "round").symlink_to(folder)
    assert "holds weights as a pickle" in refused(folder, trace)
    assert [path.name for path in files_in(folder)] == ["pytorch_model.bin", "modeling_evil.py", "modules.json"]


FOREIGN = [
    "modeling_evil.Evil",
    "os.system",
    "subprocess.Popen",
    "sentence_transformers.SentenceTransformer",
    "sentence_transformers.util.misc.import_from_string",
    "sentence_transformers_evil.models.Pooling",
    "sentence_transformers.models.os.system",
]


@pytest.mark.parametrize("name", FOREIGN)
def test_module_that_is_none_of_the_librarys_is_refused(folder: Path, trace: Path, name: str) -> None:
    put(folder, "modules.json", modules(name))
    assert f"names the class {name}, which is none of" in refused(folder, trace)


def test_class_named_by_a_part_of_the_model_is_refused(folder: Path, trace: Path) -> None:
    put(folder, "modules.json", modules("sentence_transformers.base.modules.router.Router"))
    put(folder, "0_Part/router_config.json", {"types": {"query": "modeling_evil.Evil"}, "structure": {}})
    assert "router_config.json names the class modeling_evil.Evil" in refused(folder, trace)
    (folder / "0_Part" / "router_config.json").unlink()
    put(folder, "modules.json", modules("sentence_transformers.models.WordEmbeddings"))
    put(folder, "0_Part/wordembedding_config.json", {"tokenizer_class": "sentence_transformers.SentenceTransformer"})
    assert "wordembedding_config.json names the class sentence_transformers.Sen" in refused(folder, trace)


def test_code_beside_a_model_of_transformers_is_not_run(folder: Path, trace: Path) -> None:
    own = {"auto_map": {"AutoConfig": "modeling_evil.Evil", "AutoModel": "modeling_evil.Evil"}}
    put(folder, "config.json", {"model_type": "evil", **own})
    (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    assert "cannot load the model" in refused(folder, trace)
    put(folder, "config.json", {**BERT, **own})  # of a kind that the library has code of its own for
    put(folder, "tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["modeling_evil.Evil", None]}})
    with suppress(ModelError):
        load_encoder(str(folder), 4).encode(["one text"])
    assert not trace.exists()


@pytest.mark.parametrize("place", ["config.json", "sentence_bert_config.json"])
def test_compiled_code_of_a_hub_is_refused(folder: Path, trace: Path, place: str) -> None:
    put(folder, "config.json", BERT)
    put(folder, place, {**BERT, "model_args": {"attn_implementation": "evil/kernel"}})
    assert "wants compiled code from a hub (evil/kernel)" in refused(folder, trace)


def test_models_that_are_data_pass(tmp_path: Path) -> None:
    parallel.save_model(tmp_path)
    check_model_folder(tmp_path)
    put(tmp_path, "x/config.json", {"_attn_implementation": "sdpa", "type": "any", "tokenizer_class": "BertTokenizer"})
    (tmp_path / "y").mkdir()
    for name in ("sentence_transformers.models.Transformer", "sentence_transformers.base.modules.dense.Dense"):
        put(tmp_path / "y", "modules.json", modules(name))
        check_model_folder(tmp_path)


def test_bundled_weights_with_one_changed_byte_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(bundled.wheel_file())
    data[len(data) // 2] ^= 1
    (tmp_path / "e5-small-q4.bin").write_bytes(data)
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path)
    with pytest.raises(ModelError, match=r"has SHA-256 [0-9a-f]{64}, not 1571fc98"):
        bundled.wheel_file()


def test_bundled_model_in_a_cache_that_somebody_has_changed_runs_no_code(
    folder: Path, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "modules.json", modules("modeling_evil.Evil"))
    monkeypatch.setattr(bundled, "model_folder", lambda: folder)
    with pytest.raises(ModelError, match=r"names the class modeling_evil\.Evil"):
        load_encoder("bundled", 4).encode(["one text"])
    assert not trace.exists()


# --- a model that only a report or an index names


def hub_that_must_not_be_asked(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(place))
    monkeypatch.setenv("DEDUP_CACHE", str(place))
    monkeypatch.setattr("huggingface_hub.snapshot_download", asked)


TEXTS = (
    "The council of Thuan An has 96 of 113 staff. It received 402 files and solved 317 of them.",
    "Der Rat von Thuan An hat 96 von 113 Stellen besetzt. Er erhielt 402 Akten und erledigte 317 davon.",
)


def test_model_that_only_a_report_names_is_not_fetched(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in zip("ab", TEXTS, strict=True):
        (tmp_path / f"{name}.txt").write_text(text)
    assert cli("run", tmp_path, "--confirm", "never", "-o", tmp_path / "r.json")[0] == 0
    report = json.loads((tmp_path / "r.json").read_bytes())
    report["settings"] |= {"model": "owner/evil", "confirm": "always"}
    (tmp_path / "r.json").write_text(json.dumps(report))
    hub_that_must_not_be_asked(monkeypatch, tmp_path / "hub")
    texts = (tmp_path / "a.txt", tmp_path / "b.txt")
    reason = "not on this machine, and only what --model names is fetched"
    told = (2, "", f"dedup: cannot load the model evil: {reason}\n")
    assert cli("explain", *texts, "--report", tmp_path / "r.json") == told
    code, _, err = cli("explain", *texts, "--report", tmp_path / "r.json", "--model", "owner/evil")
    assert (code, err) == (2, "dedup: cannot load the model evil: the hub was asked\n")
