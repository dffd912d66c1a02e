"""Normal forms of any text, heaps of marks among them."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup.normal_form import HEAP, Form, normal_form
from dedup.source_url import source_key
from dedup.text import normalise

FORMS: tuple[Form, ...] = ("NFC", "NFKC")
MARKS = [
    "\u0300",  # class 230
    "\u0316",  # 220
    "\u0345",  # 240
    "\u05b0",  # 10
    "\u0344",  # stands for two marks
    "\u0f73",  # likewise, though it is none itself
    "\uff9e",  # stands for one in NFKC alone
]
LETTERS = ["a", "é", "q", "\u1100", "\u1161", "\u11a8", "\u0f40", "\ufb01", "\ufdfa", " ", "\n", "\ud800", "が", "か"]
HEAPS = st.lists(
    st.sampled_from(LETTERS) | st.lists(st.sampled_from(MARKS), max_size=2 * HEAP).map("".join), max_size=8
).map("".join)


@pytest.mark.parametrize("form", FORMS)
@given(HEAPS)
@example("\u0300\u0316" * HEAP)
@example("a" + "\u0f73" * 2 * HEAP + "b")
@example("か" + "\uff9e" + "\u0316\u0300" * HEAP)
def test_the_normal_form_is_that_of_the_standard_library(form: Form, text: str) -> None:
    assert normal_form(form, text) == unicodedata.normalize(form, text)


def _insertions(text: str) -> int:
    """Marks that a normal form has to move over others."""
    classes = list(map(unicodedata.combining, unicodedata.normalize("NFD", text)))
    return sum(before > after > 0 for before, after in pairwise(classes))


def test_marks_come_to_the_standard_library_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    given_: list[str] = []

    def normalize(form: Form, text: str) -> str:
        given_.append(text)
        return unicodedata_normalize(form, text)

    unicodedata_normalize = unicodedata.normalize
    heaps = "a" + "\u0300\u0316" * 500 + "b" + "\u0f73" * 500
    expected = normalise(heaps), source_key(f"https://example.org/2024/{heaps}")
    monkeypatch.setattr(unicodedata, "normalize", normalize)
    found = normalise(heaps), source_key(f"https://example.org/2024/{heaps}")
    monkeypatch.undo()
    assert found == expected
    assert sum(len(text) > HEAP for text in given_) >= 3
    assert all(_insertions(text) == 0 for text in given_)
