from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, permutations
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measure_figures import ANY, EXCUSED, Counts

from dedup import figures as module
from dedup.calibration import Calibration
from dedup.figures import Figures, abbreviated, afternoon, at_rate, compare_figures, converted, retold, same_year
from dedup.model import Fingerprint
from dedup.names import Names

from . import stages

DIGITS = st.from_regex(r"0|[1-9][0-9]{0,9}", fullmatch=True)
LONG = st.integers(5_000, 6_000).map(lambda size: "9" * size)  # int() refuses more than 4,300 digits

COMMON = {"10": 500, "20": 400, "300": 250}


def text(*passages: Sequence[str], beyond: Sequence[str] = ()) -> Fingerprint:
    """A text whose passages state these figures, and ``beyond`` those of no passage."""
    return Fingerprint(
        digest="",
        signature=np.zeros(1, np.uint32),
        numbers=tuple(dict.fromkeys((*chain.from_iterable(passages), *beyond))),
        segments=("",) * len(passages),
        passages=np.zeros(len(passages), np.uint64),
        widths=np.ones(len(passages), np.float32),
        figures=tuple(map(tuple, passages)),
        beyond=(),
        width=float(len(passages)),
        script="LATIN",
        names=Names(),
    )


def compared(
    left: Fingerprint,
    right: Fingerprint,
    paired: Sequence[Sequence[int]] = ((0, 0),),
    figure_documents: Mapping[str, int] = COMMON,
) -> Figures:
    return compare_figures(left, right, paired, stages.calibration(figure_documents))


# --- shared and missing


def test_figures_of_the_text_with_fewer_are_shared_or_missing() -> None:
    found = compared(text(["402", "96", "317"]), text(["96", "402", "11", "12", "13", "14"]))
    assert (found.shared, found.missing) == (("402", "96"), ("317",))


def test_fewer_is_by_rarity_not_by_number() -> None:
    found = compared(text(["10", "20", "300"]), text(["4711"]))
    assert (found.shared, found.missing) == ((), ("10", "20", "300"))


@pytest.mark.parametrize(("one", "other"), [("12", "1200000"), ("120", "12"), ("5", "50")])
def test_a_rescaled_figure_is_neither_shared_nor_missing_and_clashes_with_nothing(one: str, other: str) -> None:
    assert compared(text([one]), text([other, "4711"])) == Figures((), (), (), 0.0)


def test_figures_are_shared_whatever_passages_they_stand_in() -> None:
    found = compared(text(["402"], ["96"]), text(["96"], ["402"]), [])
    assert (found.shared, found.missing, found.clashes) == (("402", "96"), (), ())


def test_what_a_paired_passage_tells_otherwise_is_not_missing() -> None:
    assert compared(text(["1953"]), text(["53", "4711"])).missing == ()
    assert compared(text(["1953"]), text(["53"], ["4711"]), [(0, 1)]).missing == ("1953",)


def test_figures_in_no_passage_are_known_all_the_same() -> None:
    found = compared(text(["402"]), text(["96"], beyond=["402", "13"]))
    assert (found.shared, found.missing, found.clashes) == (("402",), (), ())


def test_a_figure_that_joined_lines_make_does_not_clash_with_itself() -> None:
    """ "5", "300" on two lines are one figure in the passage that these become, in both texts."""
    left, right = (replace(text(["5300", word]), numbers=("5", "300", word)) for word in ("41", "42"))
    assert compared(left, right).clashes == (("41", "42"),)


# --- told otherwise


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("53", "1953"),
        ("80", "1980"),
        ("17", "1730"),
        ("30", "1730"),
        ("859", "859292"),
        ("5", "17"),
        ("530", "1730"),
        ("5", "1730"),
        ("1145", "2345"),
        ("60", "97"),  # miles, km
        ("250", "400"),
        ("15", "24"),  # 1.5 and 2.4: the separator is not read
        ("80", "24"),  # feet, m
        ("100", "305"),
        ("27", "80"),  # Celsius, Fahrenheit
        ("37", "99"),
        ("2567", "2024"),  # Buddhist era
        ("1402", "2023"),  # Solar Hijri
        ("1402", "2024"),
    ],
)
def test_one_thing_in_two_ways_is_retold(one: str, other: str) -> None:
    assert retold(one, other)
    assert retold(other, one)
    assert compared(text([one, "4711"]), text([other, "4711"])).clashes == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("11", "418"),  # inches and things
        ("2", "3"),  # too coarse for miles and km
        ("1015", "842"),
        ("19", "53"),  # neither end of 1953 alone
        ("95", "1953"),  # in the middle
        ("5", "25"),  # too short to be shortened
        ("60", "98"),
        ("0", "12"),  # no hour of the afternoon
        ("577", "1777"),  # no minutes
        ("12", "24"),  # noon is no hour later
        ("6", "15"),  # inches, cm
    ],
)
def test_figures_that_no_convention_relates_clash(one: str, other: str) -> None:
    assert not retold(one, other)
    assert not retold(other, one)
    assert compared(text([one]), text([other])).clashes == ((one, other),)


def test_a_shortened_figure_is_the_beginning_or_end_of_one_of_three_digits_or_more() -> None:
    assert abbreviated("12", "123")
    assert abbreviated("23", "123")
    assert not abbreviated("2", "12")
    assert not abbreviated("123", "123")


def test_hours_of_the_afternoon_are_told_on_the_other_clock() -> None:
    assert [list(afternoon(figure)) for figure in ("1", "11", "530", "1159")] == [["13"], ["23"], ["1730"], ["2359"]]
    assert not any(list(afternoon(figure)) for figure in ("0", "12", "13", "560", "1200", "1300", "10530"))


def test_a_conversion_is_rounded_as_it_is_written() -> None:
    """13,000 miles are 20,921.47 km."""
    assert all(converted("13000", written) for written in ("20921", "20920", "20900", "21000", "2092", "2100"))
    assert not any(converted("13000", written) for written in ("20922", "20910", "20800", "22000"))
    assert not converted("13000", "20000")  # one digit tells nothing


def test_a_rate_holds_in_both_directions() -> None:
    assert at_rate("100", "62", 1.609344)
    assert at_rate("62", "998", 1.609344)
    assert not at_rate("100", "63", 1.609344)


def test_figures_of_more_than_seven_digits_are_no_measurements() -> None:
    assert converted("1000000", "1609344")
    assert not converted("10000000", "16093440")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2024", "2567", True),
        ("2057", "2600", True),
        ("2058", "2601", False),
        ("1300", "1921", True),
        ("1300", "1922", True),
        ("1299", "1920", False),
        ("1403", "2023", False),
        ("100", "643", False),
        ("12024", "12567", False),
    ],
)
def test_years_of_other_calendars(one: str, other: str, same: bool) -> None:
    assert same_year(one, other) == same_year(other, one) == same


@given(st.one_of(DIGITS, LONG), st.one_of(DIGITS, LONG))
def test_any_two_figures_can_be_compared_and_the_order_is_of_no_account(one: str, other: str) -> None:
    assert retold(one, other) == retold(other, one)
    found = compared(text([one]), text([other]))
    if one != other:
        assert bool(found.clashes) == (not retold(one, other) and one.rstrip("0") != other.rstrip("0"))
    else:
        assert (found.shared, found.missing, found.clashes) == ((one,), (), ())


# --- clashes


def test_only_figures_of_paired_passages_clash() -> None:
    left, right = text(["1015"], ["41"]), text(["842"], ["96"])
    assert compared(left, right, []).clashes == ()
    assert compared(left, right, [(0, 0)]).clashes == (("1015", "842"),)
    assert compared(left, right, [(0, 1)]).clashes == (("1015", "96"),)
    assert compared(left, right, [(0, 0), (1, 1)]).clashes == (("1015", "842"), ("41", "96"))


def test_a_figure_that_the_other_text_states_elsewhere_does_not_clash() -> None:
    assert compared(text(["1015"], ["842"]), text(["842"], ["7"])).clashes == ()


def test_a_figure_alone_in_its_passage_does_not_clash() -> None:
    assert compared(text(["1015", "96"]), text(["96"])).clashes == ()


def test_a_figure_clashes_once_however_often_it_is_stated() -> None:
    found = compared(text(["1015"], ["1015"]), text(["842"], ["77"]), [(0, 0), (1, 1)])
    assert found.clashes == (("1015", "842"),)
    assert found.clash_rarity == pytest.approx(stages.calibration(COMMON).rarity("1015"))


def test_the_rarer_side_of_a_clash_counts_no_more_than_the_other() -> None:
    rarity = stages.calibration(COMMON).rarity
    assert compared(text(["10"]), text(["842"])).clash_rarity == pytest.approx(rarity("10"))
    assert compared(text(["842"]), text(["10"])).clash_rarity == pytest.approx(rarity("10"))
    found = compared(text(["10", "842"], ["300"]), text(["4711"], ["96"]), [(0, 0), (1, 1)])
    assert found.clashes == (("10", "4711"), ("300", "96"))
    assert found.clash_rarity == pytest.approx(rarity("4711") + rarity("300"))


def test_clashes_come_in_the_order_of_the_left_text() -> None:
    found = compared(text(["41"], ["42"], ["43"]), text(["51"], ["52"], ["53"]), [(0, 2), (1, 1), (2, 0)])
    assert [one for one, _ in found.clashes] == ["41", "42", "43"]


def test_passages_paired_crosswise_clash_alike_from_both_sides() -> None:
    """ "1015" stands in both left passages: it must not hang on the side in which of them it clashes."""
    left, right, paired = text(["1015"], ["1015", "41"]), text(["842", "43"], ["77"]), [(0, 1), (1, 0)]
    here, there = compared(left, right, paired), compared(right, left, paired)
    assert said(swapped(there)) == said(here)
    assert there.clash_rarity == pytest.approx(here.clash_rarity)


# --- what holds of any texts

POOL = ("0", "1", "10", "20", "300", "7", "19", "53", "1953", "41", "96", "842", "1015", "2215", "60", "97", "4711")
PASSAGES = st.lists(st.lists(st.sampled_from(POOL), unique=True, max_size=4), min_size=1, max_size=5)


@st.composite
def paired_texts(draw: st.DrawFn) -> tuple[Fingerprint, Fingerprint, list[tuple[int, int]]]:
    left, right = draw(PASSAGES), draw(PASSAGES)
    places = draw(st.permutations(range(len(right))))
    paired = list(zip(range(len(left)), places, strict=False))
    return text(*left), text(*right), [pair for pair in paired if draw(st.booleans())]


def said(found: Figures) -> tuple[set[str], set[str], set[tuple[str, str]]]:
    return set(found.shared), set(found.missing), set(found.clashes)


def swapped(found: Figures) -> Figures:
    return replace(found, clashes=tuple((other, one) for one, other in found.clashes))


@given(paired_texts())
def test_it_does_not_matter_which_text_is_the_left_one(
    texts: tuple[Fingerprint, Fingerprint, list[tuple[int, int]]],
) -> None:
    left, right, paired = texts
    there = compared(right, left, sorted((j, i) for i, j in paired))
    here = compared(left, right, paired)
    assert said(swapped(there)) == said(here)
    assert there.clash_rarity == pytest.approx(here.clash_rarity)
    rarity = stages.calibration(COMMON).rarity
    for one, other in ((here.shared, there.shared), (here.missing, there.missing)):
        assert sum(map(rarity, one)) == pytest.approx(sum(map(rarity, other)))


@given(paired_texts())
def test_no_figure_is_two_things_at_once(texts: tuple[Fingerprint, Fingerprint, list[tuple[int, int]]]) -> None:
    left, right, paired = texts
    found = compared(left, right, paired)
    clashing = list(chain.from_iterable(found.clashes))
    assert len(set(clashing)) == len(clashing)
    assert not set(clashing) & set(found.shared)
    assert not set(found.missing) & set(found.shared)
    assert bool(found.clashes) == (found.clash_rarity > 0)
    for one, other in found.clashes:
        assert not retold(one, other)
        assert any(one in left.figures[i] and other in right.figures[j] for i, j in paired)


@given(paired_texts())
def test_where_each_figure_stands_once_clashes_weigh_the_lighter_side_of_each_two_passages(
    texts: tuple[Fingerprint, Fingerprint, list[tuple[int, int]]],
) -> None:
    """By the definition, without the order in which passages are gone through."""
    left, right, paired = (*map(stated_once, texts[:2]), texts[2])
    calibration = stages.calibration(COMMON)
    told = {
        figure
        for i, j in paired
        for one in left.figures[i]
        for other in right.figures[j]
        for figure in (one, other)
        if one != other and retold(one, other)
    }
    expected = sum(
        min(
            rarity_of_unstated(left.figures[i], right, told, calibration),
            rarity_of_unstated(right.figures[j], left, told, calibration),
        )
        for i, j in paired
    )
    assert compared(left, right, paired).clash_rarity == pytest.approx(expected)


def stated_once(of: Fingerprint) -> Fingerprint:
    found: set[str] = set()
    passages = []
    for figures in of.figures:
        passages.append([figure for figure in figures if figure not in found])
        found.update(figures)
    return text(*passages)


def rarity_of_unstated(figures: Sequence[str], other: Fingerprint, told: set[str], calibration: Calibration) -> float:
    stated = {one.rstrip("0") for one in other.numbers}
    return sum(calibration.rarity(one) for one in figures if one.rstrip("0") not in stated and one not in told)


def test_the_order_of_figures_in_a_passage_does_not_change_what_clashes_weigh() -> None:
    weights = {
        compared(text(left), text(["41", "10"])).clash_rarity for left in permutations(("842", "1015", "20", "300"))
    }
    assert len({round(weight, 9) for weight in weights}) == 1


# --- the measuring script


def test_a_relation_that_another_one_explains_adds_nothing() -> None:
    """80 acres are 32 ha, and 1,980 are 801; but 80 is 1980."""
    counts = Counts()
    for pair in (("80", "1980"), ("1980", "80"), ("80", "32"), ("2567", "2024"), ("1015", "842")):
        counts.figure_pair(*pair)
    assert counts.figures == 5
    assert counts.held == {"abbreviated": 2, "acre, ha": 3, "543 years apart": 1, ANY: 3}
    assert counts.alone == {"abbreviated": 2, "acre, ha": 1, "543 years apart": 1}
    assert len(counts.different["abbreviated"]) == 1


@given(DIGITS, DIGITS)
def test_what_the_script_marks_as_excused_is_what_is_excused(one: str, other: str) -> None:
    assert retold(one, other) == any(related(one, other) for related in EXCUSED.values())


FIGURE = (
    st.sampled_from(["5", "17", "530", "1730", "53", "1953", "2496", "1332", "60", "97", "966", "97000", "100", "212"])
    | st.sampled_from([*("1" * size for size in (17, 18, 19, 40)), "1" * 18 + "2"])
    | st.integers(0, 10**8).map(str)
)


@given(st.lists(FIGURE, max_size=30), st.lists(FIGURE, max_size=30), st.data())
def test_what_is_looked_up_is_what_all_pairs_of_figures_tell(
    left: list[str], right: list[str], data: st.DataObject
) -> None:
    """The lookup leaves out no pair: related figures are drawn among others."""
    for some, others in ((left, right), (right, left)):
        for figure in data.draw(st.lists(st.sampled_from(some), max_size=5)) if some else []:
            values = [value for value in sorted(module._retellings(figure)) if value >= 0]
            others += map(str, data.draw(st.lists(st.sampled_from(values), max_size=5)) if values else [])
    both = text(left), text(right)
    found = []
    for few in (0, len(left) * len(right)):
        with patch.object(module, "FEW_PAIRS", few):
            found.append(compared(*both))
    assert found[0] == found[1]
    near = [set(module._near_pairs(left, right)), {(a, b) for b, a in module._near_pairs(right, left)}]
    assert {(a, b) for a in left for b in right if a != b and retold(a, b)} <= near[0] | near[1]


def test_long_figures_are_looked_up_in_linear_time() -> None:
    """In the hundred thousand digits of one every end would be looked at."""
    assert len(module._retellings("9" * 100_000)) <= 2 * module.LONG
    assert list(module._near_pairs(["9" * 100_000], ["9" * 50, "99"])) == [
        ("9" * 100_000, "99"),
        ("9" * 100_000, "9" * 50),
    ]
