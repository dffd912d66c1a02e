import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.names import Names, SharedNames, compare_names, names_of, stem

LATIN, ARABIC, CYRILLIC = "LATIN", "ARABIC", "CYRILLIC"


def stated(*segments: str, script: str = LATIN) -> tuple[str, ...]:
    return names_of(segments, script).stated


def compared(left: str, right: str, left_script: str = LATIN, right_script: str = LATIN) -> SharedNames:
    return compare_names(names_of([left], left_script), names_of([right], right_script), left_script, right_script)


# --- names_of


def test_words_with_a_capital_letter_inside_a_sentence_are_names() -> None:
    assert stated("Yesterday the mayor of Lisbon met Anna Kowalska.") == ("Lisbon", "Anna", "Kowalska")


@pytest.mark.parametrize("before", ["", "It rained. ", "It rained! “", "Who? – ", "«", "• ", "Note: "])
def test_the_first_word_of_a_sentence_is_none_but_may_be_found(before: str) -> None:
    names = names_of([f"{before}Bridges collapsed near the town"], LATIN)
    assert names.stated == ()
    assert stem("Bridges") in names.capitals


def test_each_segment_begins_a_sentence() -> None:
    assert stated("the office", "Opening hours") == ()


def test_each_line_of_a_segment_begins_a_sentence() -> None:
    """As where a heading, which has no full stop, was joined to what follows."""
    assert stated("Opening hours\nVisitors are welcome in Lisbon\n“Mornings only”") == ("Lisbon",)


def test_a_word_that_also_stands_in_small_letters_is_no_name() -> None:
    assert stated("the Council met; a council of five") == ()


def test_short_words_are_no_names() -> None:
    assert stated("the EU and An Li met") == ()


def test_endings_and_accents_make_no_other_name() -> None:
    assert stated("with Trumpa and with Trumpem in Češka or Ceska") == ("Trumpa", "Češka")


def test_latin_words_are_the_names_of_a_text_in_a_script_without_capitals() -> None:
    assert stated("أعلنت شركة Facebook في kubectl ذلك", script=ARABIC) == ("Facebook",)


@given(st.lists(st.text(max_size=40), max_size=4), st.sampled_from([LATIN, ARABIC, CYRILLIC, ""]))
def test_any_text_has_names_of_different_stems_that_are_among_its_capitals(segments: list[str], script: str) -> None:
    names = names_of(segments, script)
    stems = [stem(name) for name in names.stated]
    assert len(set(stems)) == len(stems)
    assert names.capitals.issuperset(stems)


# --- compare_names


def test_names_of_a_translation_are_found_whatever_their_endings() -> None:
    found = compared("the visit of Donald Trump to Warsaw", "wizyta Donalda Trumpa w Warszawie")
    assert found == SharedNames(shared=("Donald", "Trump", "Warsaw"), missing=())


def test_the_text_with_fewer_names_is_asked() -> None:
    german = "das Amt in Hamburg teilte der Presse die Zahlen mit"
    assert compared("the office in Hamburg told the press", german).missing == ()


def test_a_template_with_other_names_misses_them() -> None:
    found = compared("the commune of Huong Tra elected Le Minh", "the commune of Quang Dien elected Pham Hoa")
    assert found.shared == ()
    assert len(found.missing) == 3


def test_of_two_scripts_the_latin_names_of_the_other_text_are_asked_for() -> None:
    left, right = "the shares of Facebook and of Google", "أسهم Facebook و Twitter"
    wanted = SharedNames(shared=("Facebook",), missing=("Twitter",))
    assert compared(left, right, LATIN, ARABIC) == compared(right, left, ARABIC, LATIN) == wanted


def test_cyrillic_names_are_not_asked_of_a_latin_text() -> None:
    assert compared("мэр города Москва Собянин", "the mayor of Moscow", CYRILLIC, LATIN) == SharedNames()


def test_two_scripts_without_latin_are_not_compared() -> None:
    assert compared("мэр Facebook", "شركة Google", CYRILLIC, ARABIC) == SharedNames()


NAMES = st.lists(st.sampled_from(["Anna", "Boris", "Clara", "David", "Emil", "Frida"]), max_size=5, unique=True)


@given(NAMES, NAMES)
def test_either_order_of_the_texts_asks_the_same(left: list[str], right: list[str]) -> None:
    one, other = (Names(tuple(names), frozenset(map(stem, names))) for names in (left, right))
    assert compare_names(one, other, LATIN, LATIN) == compare_names(other, one, LATIN, LATIN)
