import hashlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.encoders import Encoder, bundled, table
from dedup.encoders.kept import cache_folder, is_whole
from dedup.encoders.table import TableEncoder, TableMap, read_map

ROOT = Path(__file__).parent.parent
COUNCIL = {
    "ar": "صوت المجلس يوم الاثنين على ميزانية المدارس الجديدة في المدينة.",
    "hi": "परिषद ने सोमवार को शहर के नए स्कूलों के बजट पर मतदान किया।",
}
FLOOD = {
    "ar": "دمرت الفيضانات الجسر فوق النهر وغادر السكان منازلهم.",
    "hi": "बाढ़ ने नदी पर बना पुल तोड़ दिया और निवासियों ने अपने घर छोड़ दिए।",
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """With the table that is unpacked already, if there is one: that a rotten one is made anew is a test of its own."""
    folder = tmp_path_factory.mktemp("cache")
    unpacked = cache_folder() / f"token-table-{TableEncoder().digest[:12]}-v{table.TABLE_VERSION}"
    if is_whole(unpacked):
        shutil.copytree(unpacked, folder / unpacked.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEDUP_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def encoder(cache: Path) -> Encoder:
    assert cache.is_dir()
    return TableEncoder()


def shipped_map() -> bytes:
    return (files("dedup.encoders") / table.MAP_FILE).read_bytes()


def other_map() -> bytes:
    arrays = dict(np.load(io.BytesIO(shipped_map()), allow_pickle=False))
    arrays["linear"] = arrays["linear"] * np.float16(0.5)
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def test_a_translation_is_nearer_than_another_article(encoder: Encoder) -> None:
    vectors = encoder.encode([COUNCIL["ar"], COUNCIL["hi"], FLOOD["ar"], FLOOD["hi"]])
    similar = vectors @ vectors.T
    assert similar[0, 1] > similar[0, 3]
    assert similar[0, 1] > similar[1, 2]
    assert similar[2, 3] > similar[0, 3]
    assert similar[2, 3] > similar[1, 2]


def test_vectors_are_unit_rows_and_zero_where_there_is_no_token(encoder: Encoder) -> None:
    vectors = encoder.encode(["Bees make honey.", "", "好"])
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1], atol=1e-6)
    assert encoder.encode([]).shape == (0, 384)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_neither_batch_nor_order_changes_a_bit(encoder: Encoder, data: st.DataObject) -> None:
    text = st.text(max_size=40) | st.sampled_from([*COUNCIL.values(), *FLOOD.values(), "word " * 700])
    texts = data.draw(st.lists(text, min_size=1, max_size=8))
    order = data.draw(st.permutations(range(len(texts))))
    together = encoder.encode(texts)
    assert np.array_equal(encoder.encode([texts[i] for i in order]), together[order])
    assert np.array_equal(np.concatenate([encoder.encode([text]) for text in texts]), together)


def test_blocks_of_texts_change_nothing(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*COUNCIL.values(), "", *FLOOD.values()]
    together = encoder.encode(texts)
    monkeypatch.setattr(table, "_TEXTS", 2)
    assert np.array_equal(encoder.encode(texts), together)


def test_a_text_is_the_sum_of_its_tokens(encoder: Encoder, cache: Path) -> None:
    """Against the slow way: each token's row mapped in 64 bits, weighted, added up."""
    packed = bundled.PackedModel(bundled.wheel_file())
    rows = table.centred_table(packed)
    arrays = read_map(shipped_map())
    exact = TableMap(**{name: getattr(arrays, name).astype(np.float64) for name in TableMap.__slots__})
    total = np.zeros(384)
    for token in bundled.tokenizer_of(packed).encode("Bees make honey.", add_special_tokens=False).ids:
        probability = np.exp(packed.pieces[token][1])
        total += exact(rows[token : token + 1])[0] * table.SMOOTHING / (table.SMOOTHING + probability)
    assert encoder.encode(["Bees make honey."])[0] @ total / np.linalg.norm(total) > 0.999
    assert np.load(next(cache.glob("token-table-*")) / "rows.npy", mmap_mode="r").dtype == np.int16


def test_the_digest_changes_with_the_map(encoder: Encoder) -> None:
    assert TableEncoder(other_map()).digest != encoder.digest == TableEncoder(shipped_map()).digest
    assert encoder.digest == hashlib.sha256(bundled.WEIGHTS_SHA256.encode() + shipped_map()).hexdigest()


def test_a_rotten_table_is_made_anew(encoder: Encoder, cache: Path) -> None:
    before = encoder.encode(["Bees make honey."])
    (folder,) = cache.glob("token-table-*")
    (folder / table.PIECES_FILE).write_bytes(b"rotten")
    assert not is_whole(folder)
    assert np.array_equal(TableEncoder().encode(["Bees make honey."]), before)
    assert [path.name for path in cache.iterdir()] == [folder.name]
    assert is_whole(folder)


def test_a_whole_table_is_used_as_it_is(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = encoder.encode(["Bees make honey."])
    monkeypatch.setattr(table, "_write_table", lambda *_: pytest.fail("made anew"))
    assert np.array_equal(TableEncoder().encode(["Bees make honey."]), before)


def test_encoding_imports_no_transformer(cache: Path) -> None:
    program = (
        "from dedup import Record, Settings, find_clusters\n"
        "texts = 'Bees make honey all day.', 'Die Bienen machen den ganzen Tag Honig.'\n"
        "find_clusters([Record(t[:3], t) for t in texts], Settings(model='table'))\n"
        "import sys; print(*(m for m in sys.modules if '.' not in m))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "DEDUP_CACHE": str(cache), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(done.stdout.split())
    assert not modules & {"torch", "transformers", "sentence_transformers", "safetensors", "tokenizers"}
    assert {"sentencepiece", "numpy"} <= modules


def test_the_shipped_map_is_small_and_of_finite_numbers() -> None:
    assert len(shipped_map()) < 2_000_000
    arrays = read_map(shipped_map())
    assert all(np.isfinite(getattr(arrays, name)).all() for name in TableMap.__slots__)
    assert arrays.linear.shape == (384, 384)
