import random

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given
from hypothesis import strategies as st

from dedup.fingerprints import (
    fingerprint,
    jaccard,
    minhash_signature,
    minhash_signatures,
    permutations,
    shingles,
)
from dedup.settings import Settings
from dedup.text import normalise

from .stages import article

SETTINGS = Settings()
WORDS = ("the", "commune", "received", "files", "solved", "staff", "district", "reform", "people", "office", "month")


def signature_of(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return fingerprint([article(text)], SETTINGS)[0].signature


@given(
    st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 9), max_size=1_500),
    st.sampled_from([1, 7, 128]),
    st.integers(0, 2**32 - 1),
)
def test_signatures_are_those_of_datasketch(hashes: list[int], permutations: int, seed: int) -> None:
    theirs = MinHash(num_perm=permutations, seed=seed, hashfunc=int, scheme="affine32")
    theirs.update_batch(hashes)
    settings = Settings(permutations=permutations, bands=1, seed=seed)
    ours = minhash_signature(np.array(hashes, np.uint32), settings)
    assert ours.dtype == theirs.hashvalues.dtype
    assert np.array_equal(ours, theirs.hashvalues)


@pytest.mark.parametrize("size", [1_023, 1_024, 1_025, 2_048, 5_000])
def test_signatures_of_large_sets_are_those_of_datasketch(size: int) -> None:
    hashes = np.random.default_rng(size).integers(0, 2**32, size, np.uint32)
    theirs = MinHash(num_perm=128, seed=1, hashfunc=int, scheme="affine32")
    theirs.update_batch(hashes.tolist())
    assert np.array_equal(minhash_signature(hashes, SETTINGS), theirs.hashvalues)


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (128, 1), (128, 2**32 - 1), (1_000, 7)])
def test_permutations_are_those_of_datasketch(count: int, seed: int) -> None:
    theirs = MinHash(num_perm=count, seed=seed, scheme="affine32")
    assert np.array_equal(np.stack(permutations(count, seed)), theirs.permutations)


def test_the_signature_of_a_text_is_that_of_its_normalised_shingles() -> None:
    theirs = MinHash(num_perm=128, seed=1, hashfunc=int, scheme="affine32")
    theirs.update_batch(shingles("in july the commune had 96 of 113 staff.", 5).tolist())
    assert np.array_equal(signature_of("In  July the commune had ９６ of 113 staff."), theirs.hashvalues)


def test_a_signature_has_the_size_that_is_set_and_depends_on_the_seed() -> None:
    sets = [shingles("some text", 5)]
    small = minhash_signatures(sets, Settings(permutations=64))
    assert small.shape == (1, 64)
    assert small.dtype == np.uint32
    assert not np.array_equal(small, minhash_signatures(sets, Settings(permutations=64, seed=2)))
    assert minhash_signatures([], SETTINGS).shape == (0, 128)


@pytest.mark.parametrize("changed", [0.0, 0.05, 0.2, 0.5, 1.0])
def test_the_estimate_is_near_the_true_similarity(changed: float) -> None:
    rng = random.Random(7)  # noqa: S311
    words = [rng.choice(WORDS) + str(rng.randrange(1_000)) for _ in range(600)]
    edited = [word if rng.random() >= changed else f"x{rng.randrange(10**6)}" for word in words]
    one, other = " ".join(words), " ".join(edited)
    left, right = shingles(one, 5), shingles(other, 5)
    true = len(set(left.tolist()) & set(right.tolist())) / len(np.union1d(left, right))
    assert jaccard(signature_of(one), signature_of(other)) == pytest.approx(true, abs=3 * 0.5 / 128**0.5)


def grams(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(max(1, len(text) - size + 1))]


@pytest.mark.parametrize("text", ["", "a", "abcd", "好", "\ud800"])
def test_a_text_shorter_than_a_shingle_is_its_own(text: str) -> None:
    assert shingles(text, 5).tolist() == shingles(text, len(text) or 1).tolist()
    assert len(shingles(text, 5)) == 1


@given(st.text(st.sampled_from("ab好\ud800\U0010ffff"), max_size=30), st.integers(1, 8))
def test_shingles_are_the_character_n_grams_hashed(text: str, size: int) -> None:
    each = {int(shingles(gram, size)[0]) for gram in grams(text, size)}
    assert shingles(text, size).tolist() == sorted(each)
    assert len(each) == len(set(grams(text, size)))


def test_hashes_are_spread_evenly() -> None:
    """As many collisions as random 32-bit numbers have, and no bit more often set than not."""
    hashed = shingles(" ".join(f"{n} {n * n}" for n in range(60_000)), 9)
    texts = set(grams(" ".join(f"{n} {n * n}" for n in range(60_000)), 9))
    expected = len(texts) ** 2 / 2**33
    assert len(texts) - len(hashed) == pytest.approx(expected, abs=5 * expected**0.5)
    shares = [float(np.mean(hashed >> np.uint32(bit) & np.uint32(1))) for bit in range(32)]
    assert shares == pytest.approx([0.5] * 32, abs=5 * 0.5 / len(hashed) ** 0.5)


def test_short_texts_have_signatures_of_their_own() -> None:
    assert jaccard(signature_of("abcd"), signature_of("ABCD ")) == 1.0
    assert jaccard(signature_of("abcd"), signature_of("abce")) < 0.1


SAME = ["The 96 staff.", "THE  96\nstaff.", " the ９６ staff.\u200f", "\ufeffThe 96 sta\u00adff."]
OTHERS = ["The 97 staff.", "The 96 staff", "The staff 96.", "The 96 staff..", "The 9 6 staff.", "Thé 96 staff."]


def test_the_digest_sees_no_case_space_or_width_and_all_else() -> None:
    same = {f.digest for f in fingerprint([article(text) for text in SAME], SETTINGS)}
    others = {f.digest for f in fingerprint([article(text) for text in OTHERS], SETTINGS)}
    assert len(same) == 1
    assert len(others) == len(OTHERS)
    assert not same & others


@given(st.text(min_size=1), st.text(min_size=1))
def test_digests_are_equal_where_normalised_texts_are(one: str, other: str) -> None:
    left, right = fingerprint([article(one), article(other)], SETTINGS)
    assert (left.digest == right.digest) == (normalise(one) == normalise(other))


def test_segments_beyond_the_limit_are_counted_and_still_measured() -> None:
    text = "\n".join(
        f"Line {n} of a long text that goes on and on without ever saying anything new." for n in range(10)
    )
    (whole,) = fingerprint([article(text)], SETTINGS)
    (part,) = fingerprint([article(text)], Settings(max_segments=3))
    assert (len(whole.segments), len(whole.beyond)) == (10, 0)
    assert (part.segments, part.beyond) == (whole.segments[:3], whole.segments[3:])
    assert len(part.widths) == len(part.passages) == 3
    assert part.passages.tolist() == whole.passages.tolist()[:3]
    assert part.width == whole.width == sum(whole.widths)
    assert part.numbers == tuple(map(str, range(10)))


def test_a_segment_without_width_still_weighs_something() -> None:
    (found,) = fingerprint([article("\u0301\u0302")], SETTINGS)
    assert found.width == 1.0


def test_a_batch_gives_what_each_text_alone_gives() -> None:
    texts = [*SAME, *OTHERS, "好", "x" * 3_000]
    for together, text in zip(fingerprint([article(t) for t in texts], SETTINGS), texts, strict=True):
        (alone,) = fingerprint([article(text)], SETTINGS)
        assert np.array_equal(together.signature, alone.signature)
        assert (together.digest, together.segments, together.numbers) == (alone.digest, alone.segments, alone.numbers)
