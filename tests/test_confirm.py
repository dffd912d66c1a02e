import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.calibration import SAME_SCRIPT, SORTS, Calibration, Curve, Level, Weights
from dedup.confirm import LISTED, confirm, judge
from dedup.model import CandidatePair, Evidence, Finder, Link

from . import stages

TEXTS = (
    "The commune received 402 files in July and solved 317 of them, says the office at 10:15.",
    "The commune received 402 files in July and solved 371 of them, says the office at 08:42.",
)
CURVES = {
    "alignment": Curve((0.0, 1.0), (-3.0, 5.0)),
    "shared-figures": Curve((0.0, 3.0), (0.0, 2.0)),
    "clashing-figures": Curve((0.0, 1.0), (0.0, -4.0)),
}
FOUND = CandidatePair(0, 1, (Finder.VECTORS,))
CITED = CandidatePair(0, 1, (Finder.SOURCE_URL,))


def calibration(levels: Mapping[str, Level] | None = None) -> Calibration:
    weights = dict.fromkeys(SORTS, Weights(-1.5, CURVES))
    return replace(stages.calibration(), weights=weights, levels=levels or {})


def judged(
    levels: Mapping[str, Level] | None = None, pair: CandidatePair = FOUND, languages: tuple[str, str] = ("en", "de")
) -> Link:
    left, right = stages.subjects(TEXTS, languages)
    return judge(pair, left, right, calibration(levels))


def named(link: Link) -> dict[str, Evidence]:
    return {one.name: one for one in link.evidence}


def log_odds(link: Link) -> float:
    return math.log(link.probability / (1 - link.probability))


# --- levels


def test_a_level_scales_what_the_evidence_weighs_and_moves_the_prior() -> None:
    plain, levelled = named(judged()), named(judged({SAME_SCRIPT: Level(1.5, -0.25)}))
    assert levelled.keys() == plain.keys() == {"prior", *CURVES}
    assert levelled["prior"].weight == pytest.approx(1.5 * -1.5 - 0.25)
    for name in CURVES:
        assert plain[name].weight != 0
        assert levelled[name].weight == pytest.approx(1.5 * plain[name].weight)
        assert (levelled[name].value, levelled[name].detail) == (plain[name].value, plain[name].detail)


def test_a_shared_source_url_weighs_the_same_on_any_level() -> None:
    cited = named(judged({SAME_SCRIPT: Level(1.5, -0.25)}, CITED))
    assert cited["source-url"].weight == stages.calibration().source_url_weight


def test_a_pair_stays_as_it_was_fitted_where_its_sort_has_no_level() -> None:
    others = {sort: Level(3.0, 7.0) for sort in SORTS if sort != SAME_SCRIPT}
    assert judged(others) == judged()
    assert judged({SAME_SCRIPT: Level(3.0, 7.0)}, languages=("en", "en")) == judged(languages=("en", "en"))


@given(st.floats(0.1, 3.0), st.floats(-3.0, 3.0), st.sampled_from((FOUND, CITED)))
def test_the_evidence_sums_to_the_log_odds_on_any_level(slope: float, offset: float, pair: CandidatePair) -> None:
    link = judged({SAME_SCRIPT: Level(slope, offset)}, pair)
    assert log_odds(link) == pytest.approx(math.fsum(one.weight for one in link.evidence))
    plain = math.fsum(one.weight for one in judged().evidence)
    cited = stages.calibration().source_url_weight if pair is CITED else 0.0
    assert log_odds(link) == pytest.approx(slope * plain + offset + cited)


def test_pairs_are_judged_in_their_order_each_by_its_own_level() -> None:
    subjects = stages.subjects([*TEXTS, TEXTS[0] + " So it is."], ["en", "de", "en"])
    pairs = [CandidatePair(1, 2, ()), CandidatePair(0, 2, ()), CandidatePair(0, 1, ())]
    links = confirm(pairs, subjects, calibration({SAME_SCRIPT: Level(1.0, 0.5)})).links
    assert [(link.left, link.right) for link in links] == [(1, 2), (0, 2), (0, 1)]
    assert [named(link)["prior"].weight for link in links] == pytest.approx([-1.0, -1.5, -1.0])


# --- what clashes


def test_clashing_figures_are_told_side_by_side() -> None:
    evidence = named(judged())["clashing-figures"]
    assert evidence.detail == "317/371 10/8 15/42"
    assert 0 < evidence.value < 1
    assert evidence.weight == pytest.approx(-4 * evidence.value)


def test_a_long_list_of_clashes_is_cut_and_the_cut_is_stated() -> None:
    texts = [", ".join(str(n) for n in range(start, start + 31, 3)) for start in (601, 602)]
    left, right = stages.subjects(texts, ["en", "de"])
    shown = named(judge(FOUND, left, right, calibration()))["clashing-figures"].detail
    assert shown.startswith("601/602 604/605 ")
    assert shown.endswith(f" and {11 - LISTED} more")
    assert shown.count("/") == LISTED
