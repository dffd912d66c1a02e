"""Probabilities that hold: levels from pairs with their answers, and the draws that these come from."""

import math
import random
from collections import Counter
from dataclasses import replace

import pytest

from dedup.calibration import CJK, OTHER_SCRIPT, SAME_LANGUAGE, SAME_SCRIPT, SORTS, Level
from dedup.calibration.levels import (
    ALONE,
    FEWEST,
    SPARSE_DRAWS,
    Scored,
    level_of,
    levels_of,
    scored_candidates,
    sparse,
)
from dedup.calibration.pairs import Pool
from dedup.candidates import propose_among
from dedup.confirm import judge
from dedup.settings import Settings

from . import parallel, stages

TRUE = Level(0.7, -1.2)


def drawn(
    count: int, level: Level = TRUE, corpus: str = "news", draw: str = "dense", sort: str = CJK, seed: int = 1
) -> list[Scored]:
    """Pairs whose answers have the probability that the level gives their log-odds."""
    rng = random.Random(seed)  # noqa: S311
    made = []
    for _ in range(count):
        odds = rng.uniform(-6, 6)
        same = rng.random() < 1 / (1 + math.exp(-(level.slope * odds + level.offset)))
        made.append(Scored(corpus, draw, sort, odds, same))
    return made


def near(one: Level, other: Level, by: float = 0.15) -> bool:
    return abs(one.slope - other.slope) < by and abs(one.offset - other.offset) < by


# --- levels


@pytest.mark.parametrize("level", [TRUE, Level(), Level(1.4, 0.8)])
def test_slope_and_offset_that_made_the_answers_are_found_again(level: Level) -> None:
    assert near(level_of(drawn(6_000, level)), level)


def test_each_sort_gets_its_own() -> None:
    other = Level(1.5, 1.0)
    found = levels_of([*drawn(6_000, sort=CJK), *drawn(6_000, other, sort=OTHER_SCRIPT)])
    assert found.keys() == {CJK, OTHER_SCRIPT}
    assert near(found[CJK], TRUE)
    assert near(found[OTHER_SCRIPT], other)


def test_pairs_of_one_language_get_none() -> None:
    assert SAME_LANGUAGE not in levels_of(pair for sort in SORTS for pair in drawn(1_000, sort=sort))


def test_a_sort_with_few_pairs_or_one_answer_gets_none() -> None:
    few, enough = drawn(FEWEST - 1, sort=CJK), drawn(FEWEST, sort=SAME_SCRIPT)
    one_answer = [replace(pair, same=True) for pair in drawn(1_000, sort=OTHER_SCRIPT)]
    assert levels_of([*few, *enough, *one_answer]).keys() == {SAME_SCRIPT}


def test_corpora_weigh_the_same_whatever_their_size() -> None:
    """Two corpora that pull apart: what one says does not count more for being said nine times."""
    news, pages = drawn(500, Level(1.0, 2.0), "news"), drawn(500, Level(1.0, -2.0), "pages", seed=2)
    even = level_of([*news, *pages])
    assert near(level_of([*news * 9, *pages]), even, by=0.01)
    assert abs(even.offset) < 0.4


def test_the_dense_draw_counts_as_much_as_the_sparse_ones_whatever_their_size() -> None:
    dense, thin = drawn(500, Level(1.0, 2.0)), drawn(500, Level(1.0, -2.0), draw="sparse", seed=2)
    mixed = level_of([*dense, *thin])
    assert near(level_of([*dense, *thin * 7]), mixed, by=0.01)
    as_corpora = [*dense, *(replace(pair, corpus="another", draw="dense") for pair in thin)]
    assert near(level_of(as_corpora), mixed, by=0.01)


def test_a_level_never_turns_the_evidence_round() -> None:
    wrong = [replace(pair, same=not pair.same) for pair in drawn(1_000)]
    assert level_of(wrong).slope == 0.1


# --- draws


def pool(articles: int, languages: tuple[str, ...] = ("de", "en", "fr", "nl")) -> Pool:
    """Each article in each language, and twice in the first."""
    blank = stages.subjects(["text"])[0]
    members = [(f"article {n}", code) for n in range(articles) for code in (*languages, languages[0])]
    return Pool("c", [replace(blank, language=code) for _, code in members], [gold for gold, _ in members])


def test_a_sparse_draw_has_each_article_in_one_language_mostly_and_in_two_otherwise() -> None:
    whole = pool(1_000)
    chosen = sparse(whole, random.Random(1))  # noqa: S311
    assert chosen == sorted(set(chosen))
    counts = Counter(whole.golds[i] for i in chosen)
    assert len(counts) == 1_000
    assert set(counts.values()) == {1, 2}
    assert sum(count == 1 for count in counts.values()) / 1_000 == pytest.approx(ALONE, abs=0.05)
    assert len({(whole.golds[i], whole.subjects[i].language) for i in chosen}) == len(chosen)
    languages = Counter(whole.subjects[i].language for i in chosen)
    assert max(languages.values()) < 1.3 * min(languages.values())


def test_an_article_in_one_language_only_is_alone() -> None:
    assert len(sparse(pool(50, ("en",)), random.Random(1))) == 50  # noqa: S311


def test_the_same_seed_draws_the_same_and_another_seed_does_not() -> None:
    first, again, other = (sparse(pool(50), random.Random(seed)) for seed in (1, 1, 2))  # noqa: S311
    assert first == again != other


def test_scored_candidates_are_what_runs_over_the_draws_propose() -> None:
    rows = parallel.rows(12)
    subjects = stages.subjects([row["text"] for row in rows], [row["lang"] for row in rows])
    whole = Pool("c", subjects, [row["gold"] for row in rows])
    found = list(scored_candidates(whole, stages.calibration(), random.Random(1)))  # noqa: S311

    proposed = propose_among([()] * len(subjects), subjects, stages.calibration(), Settings()).pairs
    links = [judge(pair, subjects[pair.left], subjects[pair.right], stages.calibration()) for pair in proposed]
    dense = [one for one in found if one.draw == "dense"]
    assert [one.odds for one in dense] == pytest.approx([math.log(k.probability / (1 - k.probability)) for k in links])
    assert [one.same for one in dense] == [whole.golds[k.left] == whole.golds[k.right] for k in links]
    assert {one.same for one in dense} == {True, False}

    drawn_alike = random.Random(1)  # noqa: S311
    sizes = [len(sparse(whole, drawn_alike)) for _ in range(SPARSE_DRAWS)]
    thin = [one for one in found if one.draw == "sparse"]
    assert {one.corpus for one in found} == {"c"}
    assert 0 < len(thin) <= sum(size * (size - 1) // 2 for size in sizes)
    assert sum(one.same for one in thin) <= sum(size - 12 for size in sizes)
