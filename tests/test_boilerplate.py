import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import Record, Settings, find_clusters
from dedup.boilerplate import LEAST_HOLDERS, WEIGHT, discount, find_boilerplate, find_boilerplate_again, longest_run
from dedup.encoders import HashingEncoder
from dedup.fingerprints import fingerprint, hashes_of, jaccard
from dedup.model import Fingerprint
from dedup.report.json_file import to_json

from . import stages

SETTINGS = Settings()


def sentences(name: str, count: int) -> list[str]:
    """Sentences of 9 words that nothing else holds, each a segment."""
    rng = random.Random(name)  # noqa: S311
    return [f"{' '.join(''.join(rng.choices('abcdefgh', k=8)) for _ in range(9)).capitalize()}." for _ in range(count)]


ABOVE, BELOW = (
    sentences("above", 4),
    [*sentences("below", 9), "Call the newsroom at 5550199 on any day of the week but Sunday, please."],
)


def hashed(passages: Iterable[str]) -> frozenset[int]:
    return frozenset(hashes_of(passages).tolist())


FURNITURE = hashed(ABOVE + BELOW)


def page(number: int, size: int = 6) -> str:
    """A page of the site: 70 per cent furniture."""
    return "\n".join([*ABOVE, *sentences(f"article {number}", size), *BELOW])


def prints(texts: Sequence[str], languages: Sequence[str] | str = "en") -> list[Fingerprint]:
    return fingerprint([stages.article(*pair) for pair in _labelled(texts, languages)], SETTINGS)


def _labelled(texts: Sequence[str], languages: Sequence[str] | str) -> list[tuple[str, str]]:
    codes = [languages] * len(texts) if isinstance(languages, str) else languages
    return list(zip(texts, codes, strict=True))


def found(texts: Sequence[str], languages: Sequence[str] | str = "en") -> frozenset[int]:
    articles = [stages.article(*pair) for pair in _labelled(texts, languages)]
    return find_boilerplate([a.language for a in articles], fingerprint(articles, SETTINGS))


def discounted(texts: Sequence[str], boilerplate: frozenset[int] = FURNITURE) -> list[Fingerprint]:
    return discount(prints(texts), boilerplate, SETTINGS)


# --- what is found


def test_what_all_pages_of_a_site_hold_is_boilerplate_and_their_articles_are_not() -> None:
    assert found([page(n) for n in range(12)]) == FURNITURE


def test_pages_of_long_and_short_articles_have_one_furniture() -> None:
    assert found([page(n, size) for n, size in enumerate((1, 2, 5, 9, 14, 3))]) == FURNITURE


def test_what_few_texts_hold_is_not_boilerplate() -> None:
    pages = [page(n) for n in range(LEAST_HOLDERS)]
    assert found(pages) == FURNITURE
    assert found(pages[1:]) == frozenset()


def test_copies_of_a_page_are_no_further_pages() -> None:
    shared = [page(1), page(2), *(page(3).replace("Call", word) for word in ("Phone", "Ring", "Dial", "Try", "Ask"))]
    assert found(shared) == frozenset()


def test_a_line_between_the_paragraphs_of_each_article_is_boilerplate() -> None:
    (line,) = sentences("newsletter", 1)
    texts = ["\n".join([*sentences(f"top {n}", 5), line, *sentences(f"end {n}", 5)]) for n in range(6)]
    assert found(texts) == hashed([line])


def test_translations_of_one_page_that_hold_the_same_code_make_no_boilerplate() -> None:
    languages = ["cs", "de", "en", "fr", "it", "pl", "sv"]
    texts = ["\n".join([*sentences("code", 4), *sentences(language, 6)]) for language in languages]
    assert found(texts, languages) == frozenset()
    assert found(texts) == hashed(sentences("code", 4))


def edited(lines: Sequence[str], rng: random.Random) -> list[str]:
    """One line in ten lost, a letter changed in one of four."""
    kept = [line for line in lines if rng.random() >= 0.1]
    return [line[:20] + "x" + line[21:] if rng.random() < 0.25 else line for line in kept]


def syndicated(newspapers: int) -> list[str]:
    """An article of 20 lines in several newspapers, each with 6 lines of its own around it: a quarter of a copy."""
    rng = random.Random("syndicated")  # noqa: S311
    copies = []
    for number in range(newspapers):
        own = sentences(f"newspaper {number}", 6)
        copies.append("\n".join([*own[:3], *edited(sentences("agency", 20), rng), *own[3:]]))
    return copies


@pytest.mark.parametrize("newspapers", [4, 8, 50])
def test_an_article_in_many_newspapers_is_not_boilerplate(newspapers: int) -> None:
    assert found(syndicated(newspapers)) == frozenset()


def test_an_article_in_many_newspapers_is_not_boilerplate_where_their_other_pages_show_what_is_theirs() -> None:
    texts = []
    furniture: set[str] = set()
    for number in range(6):
        own = sentences(f"newspaper {number}", 20)
        furniture.update(own)
        texts += ["\n".join([*sentences(f"{number} {n}", 12), *own]) for n in range(6)]
        texts.append("\n".join([*sentences("agency", 10), *own]))
    assert found(texts) == hashed(furniture)


def test_shortened_copies_and_a_collection_that_holds_them_make_no_boilerplate() -> None:
    lines = sentences("agency", 20)
    texts = ["\n".join(lines[:end]) for end in range(8, 21)]
    texts.append("\n".join([*sentences("collection above", 20), *lines, *sentences("collection below", 20)]))
    assert found(texts) == frozenset()


def test_nothing_is_boilerplate_in_no_texts() -> None:
    assert find_boilerplate([], []) == frozenset()


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(9)))
def test_the_order_of_the_texts_changes_nothing(order: list[int]) -> None:
    texts = [*(page(n, 2 + 2 * n) for n in range(5)), *syndicated(4)]
    assert found([texts[n] for n in order]) == found(texts) == FURNITURE


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())))
def test_the_longest_run_is_the_best_of_all_stretches(run: list[tuple[int, bool]]) -> None:
    widths = np.array([width for width, _ in run], np.float64)
    chosen = np.array([is_chosen for _, is_chosen in run], np.bool_)
    stretches = ((a, b) for a in range(len(run) + 1) for b in range(a, len(run) + 1) if chosen[a:b].all())
    assert longest_run(widths, chosen) == max(widths[a:b].sum() for a, b in stretches)


# --- again, with some of the verdicts known


@st.composite
def corpora(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Texts that share lines, and their languages: few lines, so that what is common changes with every text."""
    lines = [*ABOVE[:2], *BELOW[:2], *(line for n in range(6) for line in sentences(f"article {n}", 2))]
    chosen = st.lists(st.sampled_from(lines), min_size=1, max_size=6).map("\n".join)
    texts = draw(st.lists(chosen | st.integers(0, 7).map(page), max_size=14, unique=True))
    return texts, [draw(st.sampled_from(["en", "en", "de"])) for _ in texts]


@settings(max_examples=60, deadline=None)
@given(st.lists(corpora(), min_size=2, max_size=4))
def test_verdicts_that_are_kept_are_those_that_would_be_found(steps: list[tuple[list[str], list[str]]]) -> None:
    kept: dict[bytes, bool] = {}
    for texts, languages in steps:
        some = prints(texts, languages)
        fresh = find_boilerplate_again(languages, some, {})
        assert find_boilerplate_again(languages, some, kept) == fresh
        assert fresh.passages == find_boilerplate(languages, some)
        kept |= fresh.verdicts


def test_what_was_judged_is_not_looked_at_again() -> None:
    def unreadable(f: Fingerprint) -> Fingerprint:
        return replace(f, segments=())

    some = prints([page(n) for n in range(8)])
    first = find_boilerplate_again(["en"] * 8, some, {})
    assert first.passages == FURNITURE
    assert find_boilerplate_again(["en"] * 8, [unreadable(f) for f in some], first.verdicts) == first
    other = prints([page(n) for n in range(8, 16)])
    more = find_boilerplate_again(
        ["en", "de"] * 8, [f for pair in zip(some, other, strict=True) for f in pair], first.verdicts
    )
    assert first.verdicts.items() <= more.verdicts.items()


# --- what it counts


def test_boilerplate_keeps_a_small_weight_and_the_article_its_own() -> None:
    (whole,), (f,) = prints([page(1)]), discounted([page(1)])
    expected = [
        width * (WEIGHT if passage in FURNITURE else 1)
        for passage, width in zip(whole.passages.tolist(), whole.widths, strict=True)
    ]
    assert f.segments == whole.segments
    assert f.widths == pytest.approx(expected)
    assert f.width == pytest.approx(sum(expected))
    assert f.digest == whole.digest


def test_figures_and_wording_are_those_of_the_article() -> None:
    own = [*sentences("one", 5), "They solved 317 of 402 cases in the first month of the reform, the council said."]
    (alone,), (f,) = prints(["\n".join(own)]), discounted(["\n".join([*ABOVE, *own, *BELOW])])
    assert f.numbers == ("317", "402")
    assert [some for some in f.figures if some] == [("317", "402")]
    assert jaccard(f.signature, alone.signature) == 1.0


def test_a_text_that_is_all_boilerplate_stays_as_it_is() -> None:
    (whole,), (f,) = prints(["\n".join([*ABOVE, *BELOW])]), discounted(["\n".join([*ABOVE, *BELOW])])
    assert f is not whole
    for name in ("numbers", "figures", "width", "segments"):
        assert getattr(f, name) == getattr(whole, name)
    assert f.widths.tolist() == whole.widths.tolist()
    assert f.signature.tolist() == whole.signature.tolist()


def test_texts_without_boilerplate_stay_as_they_are() -> None:
    whole = prints([page(n) for n in range(2)])
    assert all(a is b for a, b in zip(discount(whole, frozenset(), SETTINGS), whole, strict=True))


def test_boilerplate_beyond_the_compared_segments_leaves_figures_and_wording_too() -> None:
    article, few = stages.article(page(1)), Settings(max_segments=5)
    (f,) = discount(fingerprint([article], few), FURNITURE, few)
    (alone,) = prints(["\n".join(sentences("article 1", 6))])
    assert (len(f.segments), len(f.beyond)) == (5, 15)
    assert f.numbers == ()
    assert jaccard(f.signature, alone.signature) == 1.0


# --- the run


def clusters_of(records: Sequence[Record]) -> list[list[str]]:
    report = find_clusters(records, encoder=HashingEncoder(), calibration=None)
    return [[report.articles[i].id for i in c.members] for c in report.clusters]


@pytest.mark.usefixtures("calibrated_by_hand")
def test_pages_of_a_site_are_not_one_article_but_copies_of_one_are() -> None:
    pages = [Record(f"page {n}", page(n), language="en") for n in range(8)]
    elsewhere = Record("elsewhere", "\n".join(sentences("article 3", 6)), language="en")
    assert clusters_of([*pages, elsewhere]) == [["elsewhere", "page 3"]]
    assert len(clusters_of(pages[:3])[0]) == 3  # without enough pages to tell


@pytest.mark.usefixtures("calibrated_by_hand")
def test_an_article_in_fifty_newspapers_is_one_cluster() -> None:
    records = [Record(f"copy {n:02}", text, language="en") for n, text in enumerate(syndicated(50))]
    assert clusters_of(records) == [[f"copy {n:02}" for n in range(50)]]


@pytest.mark.usefixtures("calibrated_by_hand")
def test_copies_of_a_text_are_one_holder_and_the_report_counts_passages() -> None:
    pages = [Record(f"page {n}", page(n), language="en") for n in range(LEAST_HOLDERS)]
    copies = [Record(f"copy {n}", page(0), language="en") for n in range(5)]
    assert find_clusters([*pages, *copies], encoder=HashingEncoder()).boilerplate == len(FURNITURE)
    assert find_clusters([*pages[1:-1], *copies], encoder=HashingEncoder()).boilerplate == 0


@pytest.mark.usefixtures("calibrated_by_hand")
def test_the_same_pages_in_any_order_give_the_same_report() -> None:
    records = [Record(f"page {n}", page(n, 2 + n), language="en") for n in range(6)]
    expected = to_json(find_clusters(records, encoder=HashingEncoder()))
    assert to_json(find_clusters(records[::-1], encoder=HashingEncoder())) == expected
