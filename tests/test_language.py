from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.language import UNKNOWN, language_of, script_of

SEEDS = Path(__file__).parent.parent / "seeds"

ENGLISH = "In July the commune received four hundred files and solved most of them within the month."


def test_the_languages_of_the_seeds() -> None:
    found = [language_of(path.read_text(encoding="utf-8"), None) for path in sorted(SEEDS.glob("*.txt"))]
    assert found == ["ar", "fa", "ar", "ro", "hi"]


@pytest.mark.parametrize(
    ("declared", "language"),
    [
        ("pt-BR", "pt"),
        ("zh_Hant", "zh"),
        ("iw", "he"),
        ("nb", "no"),
        ("prs", "fa"),
        (" AR ", "ar"),
        ("ckb", "ckb"),
        ("eng", "en"),
        ("eng_Latn", "en"),
        ("arb_Arab", "ar"),
        ("ger", "de"),
        ("deu", "de"),
        ("zho_Hans", "zh"),
        ("yue", "yue"),
    ],
)
def test_a_declared_tag_counts_by_its_language(declared: str, language: str) -> None:
    assert language_of(ENGLISH, declared) == language


@pytest.mark.parametrize(
    "declared", [None, "", "  ", "unknown-language", "und", "un", "mul", "zxx", "English", "e", "42", "-", "é"]
)
def test_what_names_no_language_is_passed_over(declared: str | None) -> None:
    assert language_of(ENGLISH, declared) == "en"


@pytest.mark.parametrize("text", ["", " \n", "1234 5678", "!!! ??? —", "🙂🙂", "\u200b\u0301", "€ 12.50", "\x00"])
def test_text_without_letters_is_in_no_language(text: str) -> None:
    assert language_of(text, None) == UNKNOWN


@pytest.mark.parametrize("noise", ["\x00", "\x07\x1b", "\u0378", "\U000e0fff", "\ue000", "\ud800", "\u202e", "\ufffe"])
def test_characters_that_libraries_choke_on_do_no_harm(noise: str) -> None:
    assert language_of(noise + ENGLISH.replace(" ", f" {noise}"), None) == "en"


def test_letters_after_much_else_are_found() -> None:
    assert language_of("1234 | " * 1_000 + ENGLISH, None) == "en"


def test_a_language_that_only_the_second_identifier_knows() -> None:
    maori = (
        "Ko te katoa o nga tangata i te whanaungatanga mai e watea ana i nga here katoa; "
        "e tauriterite ana hoki nga mana me nga tika."
    )
    assert language_of(maori, None) == "mi"


def test_a_script_is_no_language() -> None:
    cuneiform = "𒀀𒈾 𒆳𒆠 𒀭𒂗𒆤 " * 20
    assert language_of(cuneiform, None) not in {"xx", "un"}


@given(st.text(alphabet=st.characters(), max_size=400), st.none() | st.text(max_size=12))
def test_any_text_has_a_code(text: str, declared: str | None) -> None:
    code = language_of(text, declared)
    assert code.isascii()
    assert 2 <= len(code) <= 3
    assert code == code.lower()
    assert language_of(text, code if code != UNKNOWN else None) == code


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Çend antîkogulant li Îtalyayê", "LATIN"),
        ("چەندین دەرمانی دژە خوێن", "ARABIC"),
        ("東京は日本の首都です。カタカナ", "CJK"),
        ("Председник је рекао: OK", "CYRILLIC"),
        ("2026 — 17 %", ""),
        ("", ""),
    ],
)
def test_a_script_is_that_of_most_letters(text: str, script: str) -> None:
    assert script_of(text) == script
