"""What tells a part from the whole."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.evidence import align
from dedup.model import Relation
from dedup.relation import asymmetry_and_gap, relation_of

from .stages import calibration, subjects

SENTENCES = [
    f"The {thing} of the {place} was {deed} on the {number}th of the month, as everybody there had long expected."
    for thing, place, deed, number in zip(
        ("bridge", "harbour", "market", "school", "council", "library", "railway", "theatre"),
        ("valley", "island", "old town", "north", "river", "coast", "district", "village"),
        ("opened", "closed", "rebuilt", "sold", "painted", "elected", "flooded", "measured"),
        (4, 5, 6, 7, 8, 9, 11, 12),
        strict=True,
    )
]


def relation(left: list[str], right: list[str], languages: tuple[str, str] = ("en", "en")) -> Relation:
    one, other = subjects([" ".join(left), " ".join(right)], languages)
    found = relation_of(one, other, align(one, other), calibration())
    assert found == relation_of(other, one, align(other, one), calibration())
    return found


def test_whole_text_is_no_part_though_a_sentence_of_each_finds_no_partner() -> None:
    assert relation(SENTENCES[:-1], SENTENCES[1:]) == Relation.NEAR_DUPLICATE
    assert relation(SENTENCES[:-1], SENTENCES[1:], ("en", "fr")) == Relation.TRANSLATION


@pytest.mark.parametrize("kept", [slice(0, 5), slice(2, 7), slice(3, 8)])
def test_beginning_middle_and_end_are_parts(kept: slice) -> None:
    assert relation(SENTENCES, SENTENCES[kept]) == Relation.PARTIAL
    assert relation(SENTENCES, SENTENCES[kept], ("en", "fr")) == Relation.PARTIAL


def test_the_shorter_a_part_the_surer_it_is_one() -> None:
    whole = " ".join(SENTENCES)
    measured = []
    for kept in range(8, 1, -1):
        one, other = subjects([whole, " ".join(SENTENCES[:kept])])
        measured.append(asymmetry_and_gap(one, other, align(one, other), calibration()))
    assert measured[0] == (0.0, 0.0)
    assert all(before < after for before, after in pairwise(measured))


@given(left=st.sets(st.sampled_from(SENTENCES), min_size=1), right=st.sets(st.sampled_from(SENTENCES), min_size=1))
def test_order_of_the_two_does_not_matter(left: set[str], right: set[str]) -> None:
    one, other = subjects([" ".join(sorted(left)), " ".join(sorted(right))])
    there = asymmetry_and_gap(one, other, align(one, other), calibration())
    back = asymmetry_and_gap(other, one, align(other, one), calibration())
    assert there == pytest.approx(back)
    assert -1 <= there[0] <= 1
    assert there[1] >= 0
