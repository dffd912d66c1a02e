"""What is computed for whole texts at once is what :mod:`tests.definitions` computes piece by piece."""

import sys
import unicodedata
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup import boilerplate, language, names, page, text

from . import definitions

SEEDS = Path(__file__).parent.parent / "seeds"
REAL = [path.read_text(encoding="utf-8") for path in sorted(SEEDS.glob("*.txt"))]
SENTENCES = [
    *(line for whole in REAL for line in whole.splitlines() if line),
    "Im Juli hatte die Gemeinde 96 von 113 Angestellten. „Das genügt“, sagte Ministerin Ağaoğlu-Ñandú. (Reuters)",
    "Председник је рекао: «OK», а Đoković – ništa. 17 786 419 of 1.234,5.",
    "Ｆｕｌｌ　ｗｉｄｔｈ ①②③ ½ ﬁne ǅ Ⅻ ẞ İstanbul ΑΛΦΑΣ",
    "七月，该公社共有九十六名工作人员。1億2000万円と3万5000人！カタカナ한국어 37만 5,000",
    "ในเดือนกรกฎาคมตำบลมีเจ้าหน้าที่เก้าสิบหกคนและได้รับเอกสารสี่ร้อยสองฉบับ" * 3,
    "នៅខែកក្កដា\u200bឃុំមានបុគ្គលិក می\u200cروم क्\u200dष",
    "Share on Facebook | Tweet",
    "Source: https://example.org/a-b-c.html",
    "Bình luận (0)",
    "Nguồn: example.org/tin-tuc",
    "wWw.Example.org",
]
PIECES = [
    *SENTENCES,
    *(word for sentence in SENTENCES for word in sentence.split()),
    "\n",
    "\r\n",
    " ",
    "\u0301",
    "\x00",
]
ANY = st.characters(exclude_categories=[])
MIXED = st.lists(st.sampled_from(PIECES) | st.text(ANY, max_size=4) | st.just(" "), max_size=40).map("".join)
ENCODABLE = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=60).map("".join)
LANGUAGES = st.sampled_from(["en", "de", "th", "zh", "ja", "hi", "ar", "und", "xx-no-such"])

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]
MANY = {"Lo", "So", "Cn", "Co", "Cs"}
"""Categories of a million characters, none of which is treated in a way of its own."""
IN_WORDS = "".join(f"a{character}b " for character in EVERY)


@given(MIXED)
def test_normalised(mixed: str) -> None:
    assert text.normalise(mixed) == definitions.normalise(mixed)
    assert text.is_empty(mixed) == (not definitions.normalise(mixed))


def test_every_character_is_normalised_as_defined() -> None:
    assert text.normalise(IN_WORDS) == definitions.normalise(IN_WORDS)


def test_every_character_is_empty_or_not_as_defined() -> None:
    empty = {character for character in EVERY if not definitions.normalise(character)}
    assert len(empty) > 400
    assert text.is_empty("".join(sorted(empty)))
    assert not [c for c in EVERY if unicodedata.category(c) not in MANY and c not in empty and text.is_empty(c)]


@given(st.text(st.sampled_from(" \n\t\x00\x85\u200b\ufe0f\ud800\udc00\u0301\u00a0"), max_size=6))
def test_text_of_which_little_is_seen(odd: str) -> None:
    assert text.normalise(odd) == definitions.normalise(odd)
    assert text.is_empty(odd) == (not definitions.normalise(odd))


def test_the_width_of_every_character() -> None:
    assert text.text_widths(EVERY).tolist() == [definitions.width(character) for character in EVERY]


@given(st.lists(MIXED, max_size=5))
def test_widths(texts: list[str]) -> None:
    assert text.text_widths(texts).tolist() == [definitions.text_width(one) for one in texts]


@given(ENCODABLE, LANGUAGES)
def test_segments_and_their_widths(mixed: str, code: str) -> None:
    found, widths = text.measured_segments(mixed, code)
    assert found == text.segments(mixed, code) == definitions.segments(mixed, code)
    assert list(widths) == [definitions.text_width(text.in_one_line(segment)) for segment in found]


@given(MIXED | st.text("0123456789٣९., \u00a0\u202f'’٫٬x\n万億"))
def test_figures(mixed: str) -> None:
    assert text.numbers(mixed) == definitions.numbers(mixed)


@given(MIXED)
def test_the_script(mixed: str) -> None:
    assert language.script_of(mixed) == definitions.script_of(mixed)


def test_the_script_of_every_kind_of_letter() -> None:
    letters = [c for c in EVERY if c.isalpha() and (ord(c) < 0x3400 or ord(c) % 16 == 0)]
    assert len(letters) > 10_000
    assert [language.script_of(c) for c in letters] == [definitions.script_of(c) for c in letters]


CLOSERS = st.text("\"'“” «(¿.!\n-–*aÁ", max_size=8)


@given(
    st.lists(MIXED | st.tuples(CLOSERS, st.sampled_from(["Name", "NAME", "name", "Ñandú"])).map("".join), max_size=4),
    st.sampled_from(["LATIN", "CYRILLIC", ""]),
)
def test_names(segments: list[str], script: str) -> None:
    assert names.names_of(segments, script) == definitions.names_of(segments, script)


@given(MIXED | st.text(ANY, max_size=10))
def test_stems(word: str) -> None:
    assert names.stem(word) == definitions.stem(word)


def test_the_letters_of_a_word_are_those_of_its_pattern() -> None:
    letters = [character for character in EVERY if names._letter_kind(character)]
    assert letters == [character for character in EVERY if names.WORD.fullmatch(3 * character)]


@given(MIXED)
def test_lines_of_a_page(line: str) -> None:
    assert page._folded(line) == definitions.folded(line)
    assert page._visible(line) == definitions.visible(line)
    for least in (1, 2):
        assert page._is_furniture(line, least) == definitions.is_furniture(line, least)


def test_every_character_is_folded_as_defined() -> None:
    assert page._folded(IN_WORDS) == definitions.folded(IN_WORDS)


@given(MIXED)
def test_a_line_without_the_marks_of_a_url_cites_none(line: str) -> None:
    assert page._URL.search(line) is None or page._may_hold_url(line)
    assert page._read_line(line).url is None or page._may_hold_url(line)


@given(MIXED)
def test_the_shingles_of_wordings(mixed: str) -> None:
    every = definitions.hashed_shingles(mixed)
    sampled = every[every >> np.uint64(64 - boilerplate.SAMPLED_BITS) == 0]
    assert np.array_equal(boilerplate.hashed_shingles(mixed), sampled)


def test_real_texts() -> None:
    for whole in REAL:
        found = text.segments(whole, "ar")
        script = language.script_of(whole)
        assert found == definitions.segments(whole, "ar")
        assert script == definitions.script_of(whole)
        assert text.normalise(whole) == definitions.normalise(whole)
        assert text.numbers(whole) == definitions.numbers(whole)
        assert names.names_of(found, script) == definitions.names_of(found, script)
