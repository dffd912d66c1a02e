import re
import sys
import unicodedata
from time import process_time

import pytest
import sentencex
from hypothesis import given
from hypothesis import strategies as st

from dedup import text as module
from dedup.text import (
    MAX_CHARACTERS,
    MAX_SEGMENT,
    MIN_SEGMENT,
    UNITS,
    in_one_line,
    normalise,
    numbers,
    segments,
    text_widths,
)

LANGUAGES = st.sampled_from(["en", "th", "zh", "ja", "km", "hi", "ar", "my", "und", "xx-no-such", ""])


def without_spaces(text: str) -> str:
    return "".join(text.split())


# --- normalise


@pytest.mark.parametrize(
    "variant",
    [
        "  Straße 12\tkm  ",
        "STRASSE 12 KM",
        "strasse\u00a012\r\n\r\nkm",
        "\ufeffstrasse 12 km",
        "stra\u00adsse 12 km",  # soft hyphen
        "s\u200btra\u200dsse 12 k\u200cm",
        "\u202astrasse\u202c 12\u200f km\u200e",
        "ｓｔｒａｓｓｅ　１２　ｋｍ",
        "strasse 12 ㎞",
        "strasse\x0012 km",
        "strasse 1\ufe0f2\ufe0e km",
    ],
)
def test_texts_that_look_the_same_are_normalised_to_the_same(variant: str) -> None:
    assert normalise(variant) == "strasse 12 km"


def test_a_mark_composed_or_not_is_the_same() -> None:
    assert normalise("Nguo\u0302\u0300n") == normalise("Nguồn") == normalise("Nguo\u0302\u200d\u0300n")


@pytest.mark.parametrize("other", ["strasse 13 km", "strasse 1 2 km", "strasse 12 km.", "strässe 12 km"])
def test_texts_that_differ_stay_different(other: str) -> None:
    assert normalise(other) != normalise("strasse 12 km")


@pytest.mark.parametrize("blank", ["", " \n\t", "\u200b\ufeff\u200f", "\x00\x01", "\u3000\u2028"])
def test_what_cannot_be_seen_is_nothing(blank: str) -> None:
    assert normalise(blank) == ""


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert "  " not in once
    assert once == once.strip()


# --- numbers


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("96 of 113", ("96", "113")),
        ("٩٦ من ١١٣", ("96", "113")),
        ("۹۶ از ۱۱۳", ("96", "113")),
        ("११३ में से ९६", ("113", "96")),
        ("๙๖ จาก ๑๑๓", ("96", "113")),
        ("９６／１１３", ("96", "113")),
        ("96/113", ("96", "113")),
        ("2025-2030", ("2025", "2030")),
        ("21/7/2025", ("21", "7", "2025")),
        ("21.7.2025", ("2172025",)),
        ("3.5%", ("35",)),
        ("3,5 %", ("35",)),
        ("v2", ("2",)),
        ("", ()),
        ("none", ()),
    ],
)
def test_figures_in_the_digits_of_any_script(text: str, figures: tuple[str, ...]) -> None:
    assert numbers(text) == figures


@pytest.mark.parametrize(
    "written",
    [
        "1234567.5",
        "1,234,567.5",
        "1.234.567,5",
        "12,34,567.5",  # India
        "1'234'567.5",  # Switzerland
        "1’234’567.5",
        "1\u00a0234\u00a0567,5",
        "1 234 567,5",
        "1\u202f234\u202f567,5",
        "1\u2009234\u2009567,5",
        "١٬٢٣٤٬٥٦٧٫٥",
        "१२,३४,५६७.५",
    ],
)
def test_separators_of_many_locales_make_no_difference(written: str) -> None:
    assert numbers(f"about {written}, they say.") == ("12345675",)


def test_a_separator_at_the_end_is_punctuation() -> None:
    assert numbers("in 2025. 317, 402") == ("2025", "317", "402")


def test_leading_zeros_are_dropped_but_zero_itself_stays() -> None:
    assert numbers("007 0 000 07") == ("7", "0")


def test_each_figure_comes_once_in_order() -> None:
    assert numbers("5 3 5 1 ٣") == ("5", "3", "1")


@pytest.mark.parametrize("text", ["m²", "①", "½", "Ⅻ", "五", "𝟙2"])
def test_signs_that_are_no_decimal_digits_do_no_harm(text: str) -> None:
    assert all(figure.isascii() and figure.isdigit() for figure in numbers(text))


def test_every_digit_that_the_pattern_knows_has_a_value() -> None:
    digits = re.findall(r"\d", "".join(map(chr, range(sys.maxunicode + 1))))
    assert len(digits) > 600
    assert all(0 <= unicodedata.decimal(digit) <= 9 for digit in digits)
    assert len(numbers(" ".join(digits))) == 10


def test_a_hundred_thousand_figures() -> None:
    assert len(numbers(", ".join(map(str, range(100_000))))) == 100_000


def test_one_figure_of_a_hundred_thousand_groups() -> None:
    assert numbers("1" + ".1" * 100_000) == ("1" * 100_001,)


@given(st.text(alphabet="0123456789٣९.,'/ -ab"))
def test_figures_are_plain_digits_without_leading_zeros(text: str) -> None:
    found = numbers(text)
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"0|[1-9][0-9]*", figure) for figure in found)


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("1億2000万", ("120000000",)),
        ("１億２０００万円", ("120000000",)),
        ("3万5000", ("35000",)),
        ("3億5000万2000", ("350002000",)),
        ("1 करोड़ 20 लाख", ("12000000",)),
        ("१ करोड़ २० लाख", ("12000000",)),
        ("1 crore 20 lakh", ("12000000",)),
        ("37만 5,000", ("375000",)),
        ("1億2000万円と3万5000人", ("120000000", "35000")),
        ("1億0001", ("100000001",)),
    ],
)
def test_sums_of_units_are_one_figure(text: str, figures: tuple[str, ...]) -> None:
    assert numbers(text) == figures


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("2000万", ("2000",)),  # as in "20 million"
        ("20 lakh", ("20",)),
        ("37만 5", ("37", "5")),  # a space, and no four digits
        ("37만 50,000", ("37", "50000")),
        ("5万人 2000", ("5", "2000")),  # a word between them
        ("1億、2000万", ("1", "2000")),
        ("1億\n2億", ("1", "2")),  # not the smaller one
        ("5000万2億", ("5000", "2")),
        ("1.5億", ("15",)),
        ("12345678億2000万", ("12345678", "2000")),  # no addend is so long
    ],
)
def test_figures_with_units_that_are_no_sum_stay_apart(text: str, figures: tuple[str, ...]) -> None:
    assert numbers(text) == figures


def test_a_figure_of_many_thousand_digits_before_a_unit_is_left_as_it_is() -> None:
    assert numbers("9" * 6_000 + "億" + "8" * 6_000 + "万7") == ("9" * 6_000, "8" * 6_000, "7")


@given(st.lists(st.sampled_from(("1", "20", "5000", "٣", "0", ".", ",", " ", "\n", "x", *UNITS)), max_size=30))
def test_figures_stay_plain_digits_whatever_units_follow(pieces: list[str]) -> None:
    assert all(re.fullmatch(r"0|[1-9][0-9]*", figure) for figure in numbers("".join(pieces)))


@given(st.integers(1, 9_999), st.integers(1, 9_999), st.integers(1, 9_999))
def test_a_number_written_in_units_of_ten_thousands_is_that_number(high: int, middle: int, low: int) -> None:
    value = high * 10**8 + middle * 10**4 + low
    assert numbers(f"約{high}億{middle}万{low}人") == numbers(f"{value:,} people") == (str(value),)


# --- segments


@given(st.text(max_size=600), LANGUAGES)
def test_segments_hold_all_of_the_text_in_order(text: str, language: str) -> None:
    assert without_spaces("".join(segments(text, language))) == without_spaces(text)


@given(st.text(max_size=600), LANGUAGES)
def test_a_text_that_is_not_blank_has_a_segment(text: str, language: str) -> None:
    found = segments(text, language)
    assert bool(found) == bool(text.strip())
    assert all(piece.strip() for piece in found)


LATIN = "In July the commune had 96 of 113 staff, received 402 files and solved 317 of them. "
SCRIPTS = {
    "en": LATIN,
    "zh": "七月，该公社共有九十六名工作人员，收到四百零二份文件，并解决了其中三百一十七份。",
    "ja": "七月、その社には職員が九十六人おり、四百二件の書類を受け取って三百十七件を解決した。",
    "th": "ในเดือนกรกฎาคมตำบลมีเจ้าหน้าที่เก้าสิบหกคนและได้รับเอกสารสี่ร้อยสองฉบับ",
    "km": "នៅខែកក្កដាឃុំមានបុគ្គលិកកៅសិបប្រាំមួយនាក់និងបានទទួលឯកសារបួនរយពីរ",
    "hi": "जुलाई में कम्यून में ११३ में से ९६ कर्मचारी थे और ४०२ फाइलें मिलीं। ",
    "ar": "في يوليو كان لدى البلدية ٩٦ من أصل ١١٣ موظفا، وتلقت ٤٠٢ ملفا. ",
}


@pytest.mark.parametrize("language", SCRIPTS)
def test_segments_are_of_even_size_in_any_script(language: str) -> None:
    sizes = text_widths(segments(SCRIPTS[language] * 40, language)).tolist()
    assert len(sizes) >= 5
    assert min(sizes) >= MIN_SEGMENT
    # A part ends at a comma or space up to a quarter before its even share; a short sentence may join what follows.
    assert max(sizes) <= 1.25 * MAX_SEGMENT + MIN_SEGMENT


def test_a_line_end_ends_a_sentence() -> None:
    first, second = ("A line without a full stop that is as long as a whole sentence " + end for end in ("one", "two"))
    assert segments(f"{first}\n{second}\r\n\r\n", "en") == (first, second)


def test_short_sentences_join_what_follows_and_the_last_what_precedes() -> None:
    long = "This sentence is quite long enough to be a segment all by itself, is it not?"
    assert segments(f"Yes. {long} No.", "en") == (f"Yes.\n{long}\nNo.",)
    assert segments(f"{long} {long} No.", "en") == (long, f"{long}\nNo.")


@pytest.mark.parametrize("text", ["Word", "好", "...", "!", "— ??? —", "\u0301\u0302", "x", "42"])
def test_the_least_text_is_one_segment(text: str) -> None:
    assert tuple(map(in_one_line, segments(text, "en"))) == (text,)


def test_lines_that_were_joined_to_a_segment_can_be_told_apart() -> None:
    text = "Print Ranges\nManages  print\u2003ranges. Only cells within the ranges are printed.\n\nRow\n"
    (found,) = segments(text, "en")
    assert found == "Print Ranges\nManages print ranges.\nOnly cells within the ranges are printed.\nRow"
    assert in_one_line(found) == " ".join(text.split())


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "word " * 200_000, "好" * 330_000, "a, " * 330_000, "!" * 1_000_000, "ก" * 330_000]
)
def test_a_megabyte_on_one_line_is_cut(text: str) -> None:
    found = segments(text, "en")
    assert without_spaces("".join(found)) == without_spaces(text)
    assert max(text_widths(found)) <= 1.25 * MAX_SEGMENT + MIN_SEGMENT


@pytest.mark.parametrize("text", ["a" + "\u0301" * 300_000, "\u200b" * 300_000, "\u0301\n" * 150_000, "\x01" * 300_000])
def test_text_without_width_is_cut_all_the_same(text: str) -> None:
    found = segments(text, "en")
    assert without_spaces("".join(found)) == without_spaces(text)
    assert max(map(len, found)) <= 2 * MAX_CHARACTERS


@pytest.mark.parametrize("language", ["da", "jut", "kl", "ca", "oc", "es", "de", "zh", "hi", "und"])
def test_full_stops_cost_no_language_more_than_a_multiple_of_english(language: str) -> None:
    """By the rules that sentencex has for some, thousands of times as much."""

    def cost(code: str) -> float:
        began = process_time()
        segments("1." * 500, code)
        return process_time() - began

    assert min(cost(language) for _ in range(3)) < 30 * min(cost("en") for _ in range(3))


# --- width


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), ("abc", 3), ("é", 1), ("e\u0301", 1), ("好", 3), ("カ", 3), ("한", 3), ("ไม่", 2), ("\u200f", 0)],
)
def test_width_is_in_latin_letters(text: str, size: float) -> None:
    assert text_widths([text])[0] == size


HOSTILE_LINES = ["“a " * 20_000, "a« " * 20_000, "「a" * 20_000, "a" * 60_000, "a. " * 20_000, "(a. " * 20_000]


@pytest.mark.parametrize("line", HOSTILE_LINES)
def test_a_long_line_is_cut_into_sentences_a_window_at_a_time(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def segment(language: str, text: str) -> list[str]:
        sizes.append(len(text))
        pieces: list[str] = cut(language, text)
        return pieces

    cut = sentencex.segment
    monkeypatch.setattr(sentencex, "segment", segment)
    found = segments(line, "en")
    assert "".join("".join(found).split()) == "".join(line.split())
    assert max(sizes) <= module.WINDOW
    assert sum(sizes) <= 2 * len(line) + module.WINDOW


def test_sentences_are_the_same_whatever_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [f"In the year {year} the council of Mr. Smith met {year % 37} times." for year in range(1000, 1400)]
    line = " ".join(sentences)
    whole = segments(line, "en")
    for window in (200, 1_000, 3_000):
        monkeypatch.setattr(module, "WINDOW", window)
        assert segments(line, "en") == whole


def test_a_sentence_longer_than_a_window_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "word " * 100 + "ends here. The next one begins, and is longer than those before it by a word or two."
    whole = segments(line, "en")
    monkeypatch.setattr(module, "WINDOW", 64)
    assert segments(line, "en") == whole


def test_catalan_is_cut_at_abbreviations_no_more_than_spanish() -> None:
    line = "El Sr. Puig i la Sra. Roca van arribar al poble a les nou del matí amb tots els seus fills i amics. Plovia."
    assert segments(line, "ca") == segments(line, "es")
