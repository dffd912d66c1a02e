from collections.abc import Sequence

import pytest

from dedup import Record, Settings, find_clusters
from dedup.encoders import HashingEncoder
from dedup.flags import FEW_TEXTS, flagged
from dedup.model import Cluster, Entry
from dedup.pipeline import counts_of
from dedup.source_url import source_key

from . import stages

WORDS = [f"w{n}" for n in range(40)]


def articles_in(languages: Sequence[str], urls: Sequence[str | None] = ()) -> list[Entry]:
    """One article each; urls for the first ones."""
    cited = [*urls, *([None] * (len(languages) - len(urls)))]
    return [
        stages.entry(f"{i}", language, url, source_key(url) if url else None)
        for i, (language, url) in enumerate(zip(languages, cited, strict=True))
    ]


def flags_of(
    size: int, languages: Sequence[str], urls: Sequence[str | None] = (), copies: int = 1, confidence: float = 0.9
) -> tuple[str, ...]:
    """The flags of a cluster of the first ``size`` texts of an input; each text has so many copies."""
    works = [tuple(range(i, i + copies)) for i in range(0, len(languages), copies)]
    cluster = Cluster(tuple(range(size * copies)), (), confidence)
    articles = articles_in(languages, urls)
    (found,) = flagged([cluster], dict(enumerate(works)), articles, counts_of(articles, works).texts, 0.5)
    assert (found.members, found.confidence) == (cluster.members, confidence)
    return found.flags


# --- giant


def test_more_texts_than_links_at_random_hold_together_are_a_giant() -> None:
    assert flags_of(101, ["en"] * 1_000) == ()
    assert flags_of(102, ["en"] * 1_000) == ("giant: 102 different texts of 1,000 in the input",)


def test_copies_of_one_text_are_one() -> None:
    assert flags_of(1, ["en"] * 2_000, copies=1_000) == ()
    assert flags_of(60, ["en"] * 12_000, copies=200) == ()


def test_translations_repeat_no_language() -> None:
    languages = [f"l{number}" for number in range(120)]
    assert flags_of(120, languages) == ()
    assert flags_of(120, languages * 10) == ()


def test_small_inputs_have_no_giants() -> None:
    assert flags_of(FEW_TEXTS + 1, ["en"] * (FEW_TEXTS + 1)) == ()
    assert flags_of(FEW_TEXTS + 1, ["en"] * 512) == ()
    assert flags_of(FEW_TEXTS + 2, ["en"] * 512) != ()


def test_a_little_of_every_language_can_be_a_giant() -> None:
    languages = [f"l{number}" for number in range(35)]
    assert flags_of(35 * 20, languages * 150) == ("giant: 700 different texts in 35 languages of 5,250 in the input",)


def test_a_small_language_is_not_hidden_by_a_large_one() -> None:
    assert flags_of(200, ["th"] * 1_000 + ["en"] * 20_000) == ("giant: 200 different texts of 1,000 in language th",)
    assert flags_of(200, ["en"] * 21_000) == ()


def test_a_giant_tells_how_many_pages_its_texts_cite() -> None:
    urls = [f"https://example.org/news/council-report-{1_000 + number // 2}.html" for number in range(80)]
    (flag,) = flags_of(80, ["en"] * 80, urls)
    assert flag == "giant: 80 different texts of 80 in the input, citing 40 different pages"
    assert flags_of(80, ["en"] * 80, [*urls[:2], "https://example.org/"])[0].endswith("in the input")


# --- loose


@pytest.mark.parametrize(
    ("confidence", "flag"), [(0.5, ()), (0.49996, ("0.499 on average, below the 0.5 asked of it",))]
)
def test_a_member_that_agrees_too_little_with_the_others_makes_a_cluster_loose(
    confidence: float, flag: tuple[str, ...]
) -> None:
    found = flags_of(3, ["en", "de", "fr"], confidence=confidence)
    assert tuple(one.removeprefix("loose: one text agrees with the others at ") for one in found) == flag


def test_of_a_large_cluster_a_member_may_agree_less() -> None:
    languages = [f"l{number}" for number in range(33)]
    assert flags_of(33, languages, confidence=0.25) == ()
    assert flags_of(33, languages, confidence=0.2) == (
        "loose: one text agrees with the others at 0.200 on average, below the 0.25 asked of it",
    )


# --- whole runs


def run(records: list[Record]) -> list[Cluster]:
    report = find_clusters(records, Settings(), encoder=HashingEncoder(), calibration=stages.calibration())
    return list(report.clusters)


def test_a_run_flags_a_heap_of_different_texts_and_not_the_pair_beside_it() -> None:
    """As pages are that are boilerplate but for a word."""
    heap = [Record(f"a{n:03}", " ".join([*WORDS, f"page{n}"]), None, "en") for n in range(FEW_TEXTS + 2)]
    pair = [Record(f"b{n}", " ".join([*WORDS[::-1][:3], "bees", "honey", "hive"][n:]), None, "en") for n in range(2)]
    giant, small = run(heap + pair)
    assert len(giant.members) == FEW_TEXTS + 2
    assert giant.flags == (f"giant: {FEW_TEXTS + 2} different texts of {FEW_TEXTS + 4} in the input",)
    assert (small.members, small.flags) == ((FEW_TEXTS + 2, FEW_TEXTS + 3), ())


def test_a_run_does_not_flag_two_hundred_copies_of_one_text() -> None:
    copies = [Record(f"{n:03}", " ".join(WORDS), None, "en") for n in range(200)]
    (found,) = run([*copies, Record("edit", " ".join([*WORDS, "more"]), None, "en")])
    assert len(found.members) == 201
    assert found.flags == ()


def test_a_run_does_not_flag_an_article_in_seventy_languages() -> None:
    codes = [a + b for a in "abcdefg" for b in "abcdefghij"]
    (found,) = run([Record(code, " ".join([*WORDS, f"only{code}"]), None, code) for code in codes])
    assert len(found.members) == 70
    assert found.flags == ()
