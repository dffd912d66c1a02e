import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dedup.encoders import HashingEncoder, RememberingEncoder, remembering
from dedup.model import Vectors

TEXTS = ["Bees make honey.", "", "Lone \ud800 surrogate", "Bees make honey.", "The mill stands."]


class CountingEncoder(HashingEncoder):
    """Remembers what it was given."""

    def __init__(self, dimensions: int = 8) -> None:
        super().__init__(dimensions=dimensions)
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return super().encode([text.encode("utf-8", "replace").decode() for text in texts])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEDUP_CACHE", str(tmp_path))
    return tmp_path


def test_a_second_run_encodes_nothing_and_finds_the_same_vectors() -> None:
    first, second = CountingEncoder(), CountingEncoder()
    computed = RememberingEncoder(first).encode(TEXTS)
    found = RememberingEncoder(second).encode(TEXTS[::-1])[::-1]
    assert sorted(first.seen) == sorted(set(TEXTS))
    assert second.seen == []
    assert computed.tobytes() == found.tobytes()
    assert computed.dtype == np.float32


def test_what_is_new_is_encoded_once() -> None:
    counting = CountingEncoder()
    encoder = RememberingEncoder(counting)
    alone = encoder.encode(["b"])
    both = encoder.encode(["a", "b", "a"])
    assert counting.seen == ["b", "a"]
    assert both[1].tobytes() == alone[0].tobytes()
    assert both[0].tobytes() == both[2].tobytes()


def test_vectors_are_those_of_the_encoder_behind_but_for_rounding_and_of_length_one_or_zero() -> None:
    vectors, own = RememberingEncoder(CountingEncoder()).encode(TEXTS), CountingEncoder().encode(TEXTS)
    assert np.abs(vectors - own).max() < 0.001
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.linalg.norm(own, axis=1), abs=1e-6)
    assert RememberingEncoder(CountingEncoder()).encode([]).shape == (0, 8)


def test_models_do_not_share_vectors() -> None:
    RememberingEncoder(CountingEncoder(8)).encode(TEXTS)
    other = CountingEncoder(16)
    assert RememberingEncoder(other).encode(TEXTS).shape == (5, 16)
    assert other.seen
    assert len({RememberingEncoder(CountingEncoder(size)).file for size in (8, 16, 8)}) == 2
    encoder = RememberingEncoder(other)
    assert (encoder.name, encoder.digest) == (other.name, other.digest)


def test_a_chunk_that_was_done_before_a_break_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(CountingEncoder):
        def encode(self, texts: Sequence[str]) -> Vectors:
            if "third" in texts:
                raise KeyboardInterrupt
            return super().encode(texts)

    monkeypatch.setattr(remembering, "CHUNK", 2)
    with pytest.raises(KeyboardInterrupt):
        RememberingEncoder(Broken()).encode(["first", "second", "third"])
    again = CountingEncoder()
    RememberingEncoder(again).encode(["first", "second", "third"])
    assert again.seen == ["third"]


def test_the_oldest_are_dropped_beyond_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "MOST", 3)
    for text in "abcde":
        RememberingEncoder(CountingEncoder()).encode([text])
    counting = CountingEncoder()
    RememberingEncoder(counting).encode(list("cde"))
    assert counting.seen == []
    RememberingEncoder(counting).encode(list("ab"))
    assert counting.seen == ["a", "b"]


def unusable(folder: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "corrupt":
        RememberingEncoder(CountingEncoder()).file.write_bytes(b"no database" * 1_000)
    elif how == "cut":
        encoder = RememberingEncoder(CountingEncoder())
        encoder.encode([f"text {n}" for n in range(2_000)])
        encoder.file.write_bytes(encoder.file.read_bytes()[:9_000])
    else:
        (folder / "file").touch()
        monkeypatch.setenv("DEDUP_CACHE", str(folder / "file" / "cache"))


@pytest.mark.parametrize("how", ["corrupt", "cut", "no folder"])
def test_a_cache_that_cannot_be_used_is_passed_over_with_one_note(
    how: str, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unusable(folder, monkeypatch, how)
    encoder = RememberingEncoder(CountingEncoder())
    with caplog.at_level(logging.WARNING, "dedup"):
        vectors = [encoder.encode(TEXTS) for _ in range(2)]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["vectors are not kept"]
    monkeypatch.setenv("DEDUP_CACHE", str(folder / "fresh"))
    fresh = RememberingEncoder(CountingEncoder()).encode(TEXTS)
    assert {some.tobytes() for some in vectors} == {fresh.tobytes()}
