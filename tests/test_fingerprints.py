import random

import numpy as np
import pytest
import xxhash
from datasketch import MinHash
from hypothesis import given
from hypothesis import strategies as st

from dedup.fingerprints import fingerprint, jaccard, minhash_signatures, shingles
from dedup.settings import Settings
from dedup.text import normalise

from .stages import article

SETTINGS = Settings()
WORDS = ("the", "commune", "received", "files", "solved", "staff", "district", "reform", "people", "office", "month")


def signature_of(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return fingerprint([article(text)], SETTINGS)[0].signature


def test_signatures_are_those_of_datasketch() -> None:
    text = "In July the commune had 96 of 113 staff."
    theirs = MinHash(num_perm=128, seed=1, hashfunc=xxhash.xxh32_intdigest, scheme="affine32")
    for start in range(len(text) - 4):
        theirs.update(text.casefold()[start : start + 5].encode())
    assert np.array_equal(signature_of(text), theirs.hashvalues)


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
    true = len(left & right) / len(left | right)
    assert jaccard(signature_of(one), signature_of(other)) == pytest.approx(true, abs=3 * 0.5 / 128**0.5)


@pytest.mark.parametrize("text", ["", "a", "abcd", "好"])
def test_a_text_shorter_than_a_shingle_is_its_own(text: str) -> None:
    assert shingles(text, 5) == {text.encode()}


def test_short_texts_have_signatures_of_their_own() -> None:
    assert jaccard(signature_of("abcd"), signature_of("ABCD ")) == 1.0
    assert jaccard(signature_of("abcd"), signature_of("abce")) < 0.1


def test_shingles_run_over_characters() -> None:
    assert shingles("北京天气好", 3) == {"北京天".encode(), "京天气".encode(), "天气好".encode()}


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
