"""What scripts/bench_accuracy.py measures, and what it measures on."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import mistakes
import oracle
import outcome as outcomes
import pytest
import reliability
from corpora import MAIN_LANGUAGES, Labelled
from hypothesis import given
from hypothesis import strategies as st
from inputs import (
    SITE_ARTICLES,
    SITE_LANGUAGES,
    SITES,
    TEASERS,
    boilerplate,
    cuts,
    family,
    name_twins,
    parts,
    sparse,
    twins,
)
from noise import noisy, typing_errors, without_punctuation, wrong_encoding
from outcome import Outcome, confusion_of

from dedup.calibration import CJK, OTHER_SCRIPT, SAME_LANGUAGE, SAME_SCRIPT
from dedup.candidates import Candidates, Proposal
from dedup.clusters import Clustering
from dedup.encoders import HashingEncoder
from dedup.evidence import sort_of
from dedup.model import CandidatePair, Finder
from dedup.pipeline import report_of
from dedup.settings import Settings
from dedup.text import numbers

from . import stages

ENCODER = HashingEncoder()

HARVEST = "The harvest of apples in the valley was larger than any harvest that the farmers remember at all."
BRIDGE = "A new bridge over the river opens next spring, the builders told the mayor on a rainy Monday morning."
SCHOOL = "Pupils of the old school painted their classrooms yellow and planted forty trees along the fence."


def row(name: str, text: str, language: str, gold: str) -> Labelled:
    return Labelled("test", name, text, language, gold)


ROWS = [
    row("a-de", HARVEST + " Ernte", "de", "harvest"),
    row("a-en", HARVEST, "en", "harvest"),
    row("a-fr", HARVEST + " Recolte pommes", "fr", "harvest"),
    row("b-de", BRIDGE + " Bruecke", "de", "bridge"),
    row("b-en", BRIDGE, "en", "bridge"),
    row("c-en", SCHOOL, "en", "school"),
]
"""Equal words are one article in the eyes of the hashing encoder, whatever the language is said to be."""


def run(rows: Sequence[Labelled] = ROWS, chosen: Settings | None = None) -> Outcome:
    return outcomes.run(rows, chosen or Settings(), ENCODER, stages.calibration())


def clustered(outcome: Outcome, *clusters: Sequence[int]) -> Outcome:
    """As if the run had found these."""
    return replace(outcome, clusters=outcomes.numbers(clusters, len(outcome.rows)))


def proposing(outcome: Outcome, *pairs: CandidatePair) -> Outcome:
    """As if the finders had proposed these."""
    changed = replace(outcome.stages, proposal=Proposal(Candidates.of(pairs), ()))
    return replace(outcome, stages=changed, proposed={(p.left, p.right): p.found_by for p in pairs})


# --- reliability


def test_the_calibration_error_is_the_mean_distance_between_probability_and_share_of_right_pairs() -> None:
    found = reliability.reliability([0.95, 0.95, 0.55, 0.15], [True, False, True, False])
    assert found.expected_calibration_error == pytest.approx((2 * abs(0.95 - 0.5) + abs(0.55 - 1) + 0.15) / 4)
    assert found.brier == pytest.approx((0.05**2 + 0.95**2 + 0.45**2 + 0.15**2) / 4)
    assert [b.pairs for b in found.bins] == [0, 1, 0, 0, 0, 1, 0, 0, 0, 2]


def test_errors_in_two_bins_do_not_cancel_but_those_in_one_do() -> None:
    assert reliability.reliability([0.5, 0.5], [True, False]).expected_calibration_error == 0.0
    assert reliability.reliability([0.2, 0.8], [True, False]).expected_calibration_error == pytest.approx(0.8)


def test_certainty_falls_into_the_outer_bins() -> None:
    found = reliability.reliability([0.0, 1.0], [False, True])
    assert (found.bins[0].pairs, found.bins[-1].pairs) == (1, 1)
    assert found.expected_calibration_error == found.brier == 0.0


def test_no_pairs_make_no_error() -> None:
    found = reliability.reliability([], [])
    assert (found.pairs, found.expected_calibration_error, found.brier) == (0, 0.0, 0.0)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_every_pair_is_in_one_bin_and_errors_stay_within_bounds(pairs: list[tuple[float, bool]]) -> None:
    found = reliability.reliability([p for p, _ in pairs], [right for _, right in pairs])
    assert sum(b.pairs for b in found.bins) == len(pairs)
    assert all(b.mean is None or b.low - 1e-9 <= b.mean <= b.high + 1e-9 for b in found.bins)
    assert 0 <= found.expected_calibration_error <= 1
    assert (
        abs(sum(p - right for p, right in pairs) / len(pairs)) <= found.expected_calibration_error + 1e-9
    )  # the error of the mean is the least that bins can show


@pytest.mark.parametrize(("segments", "name"), [(1, "1-2"), (2, "1-2"), (3, "3-5"), (6, "6-15"), (16, "16+")])
def test_lengths_have_names(segments: int, name: str) -> None:
    assert reliability.length_of(segments) == name


def test_candidates_and_links_are_judged_by_gold() -> None:
    outcome = run()
    candidates = list(reliability.candidates(outcome))
    assert len(candidates) == len(outcome.stages.links)
    assert sum(one.right for one in candidates) == 4
    links = list(reliability.links(outcome))
    assert [one.right for one in links] == [True] * 4
    assert reliability.breakdown(links).all.pairs == sum(
        part.pairs for part in reliability.breakdown(links).by_kind.values()
    )


# --- candidates


def test_candidate_recall_counts_true_pairs_records_and_finders() -> None:
    outcome = proposing(
        run(),
        CandidatePair(0, 1, (Finder.FACTS, Finder.VECTORS)),
        CandidatePair(0, 5, (Finder.VECTORS,)),
        CandidatePair(1, 2, (Finder.VECTORS,)),
    )
    found = oracle.candidate_recall([outcome])
    assert (found.true_pairs, found.pairs) == (4, 2 / 4)
    assert (found.pairs_by_finder["facts"], found.pairs_by_finder["vectors"]) == (1 / 4, 2 / 4)
    assert (found.records, found.reached, found.reached_in_20) == (5, 3 / 5, 3 / 5)
    assert (found.candidates_per_record, found.most_candidates) == (2 * 3 / 6, 2)


def test_candidate_recall_of_a_run_is_that_of_its_pairs() -> None:
    outcome = run(chosen=Settings(neighbours=1))
    proposed = {(p.left, p.right) for p in outcome.stages.proposal.pairs}
    true = {(0, 1), (0, 2), (1, 2), (3, 4)}
    assert oracle.candidate_recall([outcome]).pairs == len(true & proposed) / len(true)


def test_copies_of_one_text_are_reached_without_a_finder() -> None:
    outcome = proposing(run([row("x", HARVEST, "en", "harvest"), row("y", HARVEST, "en", "harvest")]))
    found = oracle.candidate_recall([outcome])
    assert (found.pairs, found.pairs_by_finder["exact"], found.reached_in_20) == (1.0, 1.0, 1.0)


def test_candidates_of_more_finders_come_first_and_only_twenty_count() -> None:
    others = [row(f"z{i:02}", f"{BRIDGE} Number{i} differs{i} here{i}.", "fr", f"other {i}") for i in range(20)]
    outcome = run([*ROWS[:2], *others])
    pairs = [CandidatePair(0, 1, (Finder.VECTORS,))]
    pairs += [CandidatePair(0, i, (Finder.FACTS, Finder.VECTORS)) for i in range(2, 22)]
    found = oracle.candidate_recall([proposing(outcome, *pairs)])
    assert (found.records, found.reached) == (2, 1.0)
    assert found.reached_in_20 == 1 / 2  # a-en has one candidate, a-de has 21 with the right one last


def test_judging_every_pair_finds_what_the_finders_left_out() -> None:
    whole = run()
    blind = replace(whole.stages, links=(), clustering=Clustering((), 0))
    settings = Settings()
    report = report_of(blind, settings)
    alone = outcomes.numbers((), len(ROWS))
    outcome = proposing(replace(whole, stages=blind, report=report, clusters=alone))
    found = oracle.loss([outcome], 100, settings)
    assert (found.records, found.judged) == (6, 15)
    assert (found.unproposed, found.unproposed_right) == (4, 4)
    assert found.run.recall == pytest.approx((3 * 1 / 3 + 2 * 1 / 2 + 1) / 6)
    assert found.exhaustive.recall == 1.0
    assert found.differing == 5


def test_a_run_that_proposes_all_pairs_loses_nothing() -> None:
    found = oracle.loss([run()], 100, Settings())
    assert (found.unproposed, found.differing) == (0, 0)
    assert found.run == found.exhaustive


def test_a_sample_of_articles_takes_all_that_was_made_of_one() -> None:
    rows = [row(f"{g}{n}{i}", "text", "en", f"{g}/{n}") for g in "abc" for n in range(2) for i in range(3)]
    chosen = oracle.some_articles(rows, 12)
    assert len(chosen) == 12
    assert all(sum(family(r.gold) == name for r in chosen) == 6 for name in {family(r.gold) for r in chosen})


# --- pairs


def test_a_wrong_pair_is_told_by_what_the_two_are_and_by_their_writing() -> None:
    left, right = (stages.subjects([text], code)[0] for text, code in ((HARVEST, "en"), (BRIDGE, "de")))
    russian, chinese = stages.subjects(["Урожай яблок", "苹果丰收"], ["ru", "zh"])
    assert sort_of(left, left) == SAME_LANGUAGE
    assert sort_of(left, right) == SAME_SCRIPT
    assert sort_of(left, russian) == OTHER_SCRIPT
    assert sort_of(russian, chinese) == sort_of(chinese, left) == CJK
    assert confusion_of("bbc.1", "bbc.1 twin") == "twin"
    assert confusion_of("bbc.1/0", "bbc.1/4") == confusion_of("a28-p0", "a28-p3") == "neighbour"
    assert confusion_of("a28-p0", "a2-p0") == confusion_of("bbc.1", "bbc.12") == "other"


def test_false_merges_are_counted_pair_by_pair() -> None:
    merged = clustered(run(), (0, 1, 3), (2,), (4, 5))
    assert outcomes.false_merges_by_kind([merged]) == {"other, same language": 2, "other, same script": 1}


def test_recall_by_languages_counts_each_pair_under_both() -> None:
    by_pair, by_language = outcomes.recall_by_languages([clustered(run(), (0, 1), (3, 4))])
    assert {name: (r.pairs, r.together) for name, r in by_pair.items()} == {
        "de-fr": (1, 0), "en-fr": (1, 0), "de-en": (2, 2),
    }  # fmt: skip
    assert {name: (r.pairs, r.together) for name, r in by_language.items()} == {
        "fr": (2, 0),
        "de": (3, 2),
        "en": (3, 2),
    }
    assert list(by_pair) == ["de-fr", "en-fr", "de-en"]


def test_draws_count_as_one_input() -> None:
    draws = [run([replace(r, id=f"{n}: {r.id}", gold=f"{n}: {r.gold}") for r in ROWS]) for n in (1, 2)]
    one, both = outcomes.evaluation(draws[:1]), outcomes.evaluation(draws)
    assert (both.records, both.gold_clusters) == (2 * one.records, 2 * one.gold_clusters)
    assert both.b_cubed == one.b_cubed


def test_an_unusable_record_stops_the_measurement() -> None:
    with pytest.raises(ValueError, match="unusable"):
        run([*ROWS, row("z", " ", "en", "nothing")])


# --- mistakes


def test_mistakes_are_the_worst_and_of_different_records() -> None:
    torn = clustered(run(), (0, 1), (3,), (4,))
    missed = mistakes.missed_pairs([torn], 10)
    assert sorted(torn.rows[m.pair[0]].gold for m in missed) == ["bridge", "harvest"]  # a-fr misses two: shown once
    probabilities = [m.link.probability for m in missed]
    assert probabilities == sorted(probabilities)


def test_a_mistake_shows_its_evidence_and_the_beginning_of_both_texts() -> None:
    torn = clustered(run(), (0, 1), (2,), (3, 4))
    (missed,) = mistakes.missed_pairs([torn], 10)
    shown = "\n".join(mistakes.lines(missed))
    assert all(evidence.name in shown for evidence in missed.link.evidence)
    assert shown.count(HARVEST[: mistakes.SHOWN]) == 2


def test_a_right_run_holds_no_mistake() -> None:
    assert mistakes.wrong_links([run()], 10) == mistakes.missed_pairs([run()], 10) == []


# --- inputs

STORY = [
    "Kapoor visited Rochdale on 14 May with 325 guests.",
    "The mayor, Lindqvist, spoke for 45 minutes.",
    "Rochdale will build 12 new schools.",
    "Kapoor left at night.",
    "No one knows why.",
]

OTHER_STORY = ["Brandt met Okonkwo in Tampere.", "Virtanen was not there."]


def story(gold: str, languages: Sequence[str] = MAIN_LANGUAGES, lines: Sequence[str] = STORY) -> list[Labelled]:
    """One article in several languages, each line marked with its language."""
    return [row(f"{gold}-{c}", "\n".join(f"{line} <{c}>" for line in lines), c, gold) for c in languages]


def test_twins_differ_in_all_figures_and_agree_in_all_languages() -> None:
    made = twins(story("one"))
    figures = {gold: {numbers(r.text) for r in made if r.gold == gold} for gold in ("one", "one twin")}
    assert [len(some) for some in figures.values()] == [1, 1]
    assert len(made) == len(MAIN_LANGUAGES)
    assert figures["one"].isdisjoint(figures["one twin"])


def test_an_article_with_few_figures_makes_no_twin() -> None:
    assert twins(story("one", lines=["It has 14 rooms."])) == []


def test_name_twins_replace_each_name_by_one_other_with_its_ending() -> None:
    languages = ["cs", "de", "en"]
    made = name_twins(story("one", languages) + story("two", languages, OTHER_STORY))
    changed = [r for r in made if r.gold == "one twin"]
    assert [r.language for r in changed] == ["de"]
    words = changed[0].text.split()
    assert not {"Kapoor", "Rochdale", "Lindqvist,"} & set(words)
    assert words[0] == words[words.index("left") - 1]
    assert "The" in words  # too short for a name
    assert [r.text for r in made if r.gold == "one"] == [r.text for r in story("one", ["cs", "en"])]


def test_a_word_that_is_also_written_small_is_no_name() -> None:
    lines = ["Will Kapoor visit Rochdale?", "Lindqvist will not.", "Home is home, Kapoors and ROCHDALE say."]
    made = name_twins(story("one", ["de", "en", "fr"], lines) + story("two", ["de", "en", "fr"], OTHER_STORY))
    (changed,) = (r for r in made if r.gold == "one twin" and r.language == "en")
    words = changed.text.split()
    assert words[0] == "Will"
    assert "Home" in words
    assert "Kapoors" not in words
    assert "ROCHDALE" not in words


def test_parts_are_the_same_lines_in_all_languages() -> None:
    made = parts(story("one", ["de", "en"]))
    golds = sorted({r.gold for r in made}, key=lambda gold: int(gold.split("/")[1]))
    for language in ("de", "en"):
        texts = {r.gold: r.text for r in made if r.language == language}
        assert "\n".join(texts[gold] for gold in golds) == story("one", [language])[0].text
    assert all(confusion_of(a, b) == "neighbour" for a in golds for b in golds if a != b)


def test_pages_of_a_site_hold_the_same_lines_around_each_article() -> None:
    before = {
        r.id: r
        for n in range(SITE_ARTICLES + 10)
        for r in story(f"a{n}", SITE_LANGUAGES, [f"{line} (a{n})" for line in STORY * 3])
    }
    after = boilerplate(before.values())
    golds = {r.gold for r in after}
    assert len(golds) == SITE_ARTICLES
    assert all((r.gold, r.language) == (before[r.id].gold, before[r.id].language) for r in after)
    for language in SITE_LANGUAGES:
        versions = [r for r in after if r.language == language]
        around = {tuple(r.text.split(before[r.id].text)) for r in versions}
        assert len(around - {("", "")}) == len(SITES)
        assert not any(gold in line for parts in around for line in parts for gold in (f"({g})" for g in golds))


def test_cuts_change_half_of_the_languages_and_no_gold() -> None:
    before = [r for n in range(12) for r in story(f"a{n}", lines=[f"{line} (a{n})" for line in STORY * 3])]
    after = {r.id: r for r in cuts(before)}
    kept = [r for r in before if r.id in after]
    changed = [r for r in kept if after[r.id].text != r.text]
    assert all((r.gold, r.language) == (after[r.id].gold, after[r.id].language) for r in kept)
    assert len({r.gold for r in kept}) == 12 - TEASERS
    assert len(changed) == (12 - TEASERS) * (len(MAIN_LANGUAGES) // 2)
    shorter = [r for r in changed if after[r.id].text in r.text]
    assert any(not r.text.startswith(after[r.id].text) for r in shorter)
    assert all(0.3 < len(after[r.id].text) / len(r.text) < 0.9 for r in shorter)


def test_teasers_are_the_beginnings_of_articles_that_are_not_in_the_input() -> None:
    before = [r for n in range(12) for r in story(f"a{n}", lines=[f"{line} (a{n})" for line in STORY * 3])]
    texts = {r.id: r.text for r in before}
    made = cuts(before)
    golds = {r.gold for r in made}
    added = [r.text.removeprefix(texts[r.id]) for r in made if len(r.text) > len(texts[r.id])]
    assert len(added) > len(golds)
    assert all(0 < text.count("\n") <= len(STORY * 3) // 2 for text in added)
    assert not any(f"({gold})" in text for gold in golds for text in added)


def test_sparse_leaves_most_articles_without_a_partner() -> None:
    rows = [r for n in range(20) for r in story(f"article {n}", ["de", "en", "fr"])]
    made = sparse(rows, "sparse 1")
    sizes = Counter(r.gold for r in made)
    assert sorted(sizes.values()) == [1] * 14 + [2] * 6
    assert len({(r.gold, r.language) for r in made}) == len(made)
    assert made != sparse(rows, "sparse 2")
    assert made == sparse(list(reversed(rows)), "sparse 1")


def drawn(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - noise, not cryptography


@given(st.text(min_size=1), st.integers(0, 1_000))
def test_noise_is_drawn_by_its_seed_alone(text: str, seed: int) -> None:
    assert noisy(text, drawn(seed)) == noisy(text, drawn(seed))


def test_noise_leaves_figures_alone() -> None:
    text = "Im Jahr 2019 kamen 1.234,5 Tonnen Äpfel an: so viele wie nie.\n" * 20
    for change in (typing_errors, without_punctuation, wrong_encoding):
        changed = change(text, drawn(1))
        assert changed != text
        assert numbers(changed) == numbers(text)
