from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.calibration import CJK, OTHER_SCRIPT, SAME_LANGUAGE, SAME_SCRIPT, SORTS
from dedup.evidence import Subject, align, figures_of, measure, sort_of

from . import definitions, stages

LETTERS = {
    ("en", "LATIN"): "The commune received many files in July and solved nearly all of them.",
    ("de", "LATIN"): "Die Gemeinde bekam im Juli viele Akten und erledigte fast alle davon.",
    ("sr", "LATIN"): "Opština je u julu primila mnogo predmeta i rešila skoro sve.",
    ("sr", "CYRILLIC"): "Општина је у јулу примила много предмета и решила скоро све.",
    ("ru", "CYRILLIC"): "В июле община получила много дел и решила почти все.",
    ("hi", "DEVANAGARI"): "जुलाई में कम्यून को कई फाइलें मिलीं और लगभग सभी हल हो गईं।",
    ("ja", "CJK"): "七月にその社は多くの書類を受け取り、ほとんどすべてを解決した。",
    ("zh", "CJK"): "七月，该公社收到许多文件，并解决了其中几乎全部。",
    ("ko", "HANGUL"): "7월에 그 사는 많은 서류를 받았고 거의 모두 해결했다.",
}


def subject(language: str, script: str) -> Subject:
    return stages.subjects([LETTERS[language, script]], language)[0]


@pytest.mark.parametrize(
    ("one", "other", "sort"),
    [
        (("en", "LATIN"), ("en", "LATIN"), SAME_LANGUAGE),
        (("ja", "CJK"), ("ja", "CJK"), SAME_LANGUAGE),
        (("ko", "HANGUL"), ("ko", "HANGUL"), SAME_LANGUAGE),
        (("ja", "CJK"), ("zh", "CJK"), CJK),
        (("ja", "CJK"), ("ko", "HANGUL"), CJK),
        (("zh", "CJK"), ("en", "LATIN"), CJK),
        (("ko", "HANGUL"), ("hi", "DEVANAGARI"), CJK),
        (("en", "LATIN"), ("de", "LATIN"), SAME_SCRIPT),
        (("sr", "CYRILLIC"), ("ru", "CYRILLIC"), SAME_SCRIPT),
        (("sr", "LATIN"), ("sr", "CYRILLIC"), OTHER_SCRIPT),
        (("en", "LATIN"), ("hi", "DEVANAGARI"), OTHER_SCRIPT),
    ],
)
def test_sort_of_a_pair_is_by_language_and_script_and_the_same_from_both_sides(
    one: tuple[str, str], other: tuple[str, str], sort: str
) -> None:
    left, right = subject(*one), subject(*other)
    assert (sort_of(left, right), sort_of(right, left)) == (sort, sort)


def test_every_pair_is_of_a_named_sort() -> None:
    everyone = [subject(*writing) for writing in LETTERS]
    assert {sort_of(left, right) for left in everyone for right in everyone} == set(SORTS)


def test_texts_without_letters_are_of_one_script() -> None:
    left, right = (replace(one, language=code) for one, code in zip(stages.subjects(["402", "96"]), "ab", strict=True))
    assert sort_of(left, right) == SAME_SCRIPT


SENTENCES = [
    f"Sentence {n} of the {word} says what no other one of them says, at its own length{' and more' * (n % 4)}."
    for n, word in enumerate(("council", "river", "bridge", "harvest", "school", "festival", "election", "road"))
]
TEXTS = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)  # the machine may be busy
@given(TEXTS, TEXTS, st.sampled_from(["en", "de"]))
def test_numbers_of_a_pair_are_those_of_the_definition(left: list[str], right: list[str], language: str) -> None:
    calibration = stages.calibration()
    one, other = stages.subjects(["\n".join(left), "\n".join(right)], ["en", language])
    aligned = align(one, other)
    found = measure(one, other, aligned, figures_of(one, other, aligned, calibration), calibration)
    expected = definitions.measured(one, other, calibration)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-5)
