import logging
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def spoil(file: Path, how: str) -> None:
    """Make a file of vectors into something else."""
    content = file.read_bytes()
    file.unlink()
    if how == "other columns":
        with closing(sqlite3.connect(file)) as other, other:
            other.execute("CREATE TABLE vectors (word TEXT)")
        return
    spoilt = {"other content": b"no database" * 1_000, "cut": content[:9_000], "empty": b""}
    file.write_bytes(spoilt.get(how, content[:9_000] + bytes(6_000) + content[15_000:]))


@pytest.mark.parametrize("how", ["other content", "cut", "empty", "lost", "other columns"])
def test_a_broken_file_is_made_anew_with_one_note(how: str, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    texts = [f"text {n}" for n in range(2_000)]
    before = RememberingEncoder(CountingEncoder()).encode(texts)
    spoil(RememberingEncoder(CountingEncoder()).file, how)
    (folder / "vectors-of-mine").touch()
    encoder = RememberingEncoder(counting := CountingEncoder())
    with caplog.at_level(logging.WARNING, "dedup"):
        assert all(encoder.encode(texts).tobytes() == before.tobytes() for _ in range(2))
    assert len(caplog.records) == (0 if how == "empty" else 1), caplog.text
    assert counting.seen
    again = CountingEncoder()
    assert RememberingEncoder(again).encode(texts).tobytes() == before.tobytes()
    assert again.seen == []


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_whichever_bit_is_another_the_vectors_are_the_same(data: st.DataObject) -> None:
    with TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEDUP_CACHE", place)
        before = RememberingEncoder(CountingEncoder()).encode(TEXTS)
        file = RememberingEncoder(CountingEncoder()).file
        content = bytearray(file.read_bytes())
        used = [at for at, byte in enumerate(content) if byte]
        content[data.draw(st.sampled_from(used) | st.integers(0, len(content) - 1))] ^= 1 << data.draw(
            st.integers(0, 7)
        )
        file.write_bytes(content)
        for _ in range(2):
            assert RememberingEncoder(CountingEncoder()).encode(TEXTS).tobytes() == before.tobytes()


def test_a_spoilt_entry_is_made_again_and_told(caplog: pytest.LogCaptureFixture) -> None:
    encoder = RememberingEncoder(CountingEncoder())
    before = encoder.encode(TEXTS)
    with closing(sqlite3.connect(encoder.file)) as file, file:
        (key,) = file.execute("SELECT key FROM vectors LIMIT 1").fetchone()
        file.execute("UPDATE vectors SET vector = zeroblob(length(vector)) WHERE key = ?", (key,))
    again = RememberingEncoder(counting := CountingEncoder())
    with caplog.at_level(logging.WARNING, "dedup"):
        assert again.encode(TEXTS).tobytes() == before.tobytes()
    assert len(counting.seen) == 1
    assert caplog.messages == [f"1 of the vectors in {again.file} are not what was written, and are made again"]
    assert RememberingEncoder(counting).encode(TEXTS).tobytes() == before.tobytes()
    assert len(counting.seen) == 1


@pytest.mark.parametrize("how", ["no folder", "a folder"])
def test_a_cache_that_cannot_be_used_is_passed_over_with_one_note(
    how: str, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = RememberingEncoder(CountingEncoder())
    if how == "no folder":
        (folder / "file").touch()
        monkeypatch.setenv("DEDUP_CACHE", str(folder / "file" / "cache"))
    else:
        encoder.file.mkdir()
    with caplog.at_level(logging.WARNING, "dedup"):
        vectors = [encoder.encode(TEXTS) for _ in range(2)]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["vectors are not kept"]
    monkeypatch.setenv("DEDUP_CACHE", str(folder / "fresh"))
    fresh = RememberingEncoder(CountingEncoder()).encode(TEXTS)
    assert {some.tobytes() for some in vectors} == {fresh.tobytes()}


def test_a_file_that_may_only_be_read_gives_what_it_has(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = RememberingEncoder(CountingEncoder()).encode(TEXTS)
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda file, **more: connect(f"{Path(file).as_uri()}?mode=ro", uri=True, **more)
    )
    encoder = RememberingEncoder(counting := CountingEncoder())
    with caplog.at_level(logging.WARNING, "dedup"):
        vectors = [encoder.encode([*TEXTS, "new"]) for _ in range(2)]
    assert counting.seen == ["new"] * 2
    assert all(some[:-1].tobytes() == before.tobytes() for some in vectors)
    assert [message.split(":")[0] for message in caplog.messages] == ["vectors are not kept"]


def test_writers_at_once_lose_nothing() -> None:
    texts = [f"text {n}" for n in range(400)]

    def write(start: int) -> None:
        encoder = RememberingEncoder(CountingEncoder())
        for at in range(start, len(texts), 80):
            encoder.encode(texts[at : at + 120])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(0, 80, 20)))
    counting = CountingEncoder()
    found = RememberingEncoder(counting).encode(texts)
    assert counting.seen == []
    assert found.tobytes() == RememberingEncoder(CountingEncoder()).encode(texts).tobytes()
