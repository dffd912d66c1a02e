"""The main job on real input: five machine translations of Vietnamese local news, two of them of one article."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from dedup import Record, Relation, Report, find_clusters
from dedup.encoders import Encoder, load_encoder
from dedup.page import split_page
from dedup.read import read_records
from dedup.report.json_file import to_json

from .stages import OnceEach

SEEDS = Path(__file__).parent.parent / "seeds"

ARABIC, PERSIAN, OTHER_ARABIC, ROMANIAN, HINDI = sorted(path.name for path in SEEDS.glob("*.txt"))


@cache
def bundled() -> Encoder:
    """Loaded once for all tests here, of which most have texts in common: each is encoded once."""
    return OnceEach(load_encoder("bundled", 64))


@cache
def texts() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in SEEDS.glob("*.txt")}


@pytest.fixture(scope="module", autouse=True)
def models_are_let_go() -> Iterator[None]:
    """Half a gigabyte each."""
    yield
    bundled.cache_clear()
    in_threes.cache_clear()


def report_of(changed: dict[str, str]) -> Report:
    """The report of the seeds, with some texts changed or added."""
    return find_clusters([Record(*item) for item in {**texts(), **changed}.items()], encoder=bundled())


def clusters_of(report: Report) -> list[set[str]]:
    return [{report.articles[m].id for m in cluster.members} for cluster in report.clusters]


def relations_of(report: Report) -> dict[frozenset[str], Relation]:
    return {
        frozenset(report.articles[m].id for m in (link.left, link.right)): link.relation
        for cluster in report.clusters
        for link in cluster.links
    }


def without_source(name: str) -> str:
    page = split_page(texts()[name])
    assert page.source_url
    return page.text


def test_the_arabic_and_the_hindi_version_are_one_article_and_nothing_else_is() -> None:
    report = find_clusters(read_records([SEEDS]), encoder=bundled())
    assert clusters_of(report) == [{ARABIC, HINDI}]
    (link,) = report.clusters[0].links
    assert link.relation is Relation.TRANSLATION
    assert link.probability > 0.9
    assert not report.conflicts
    assert not report.skipped


def test_the_evidence_names_the_figures_that_both_state() -> None:
    (link,) = find_clusters(read_records([SEEDS]), encoder=bundled()).clusters[0].links
    details = {evidence.name: evidence.detail for evidence in link.evidence}
    assert {"402", "317", "113", "96"} <= set(details["shared-figures"].split())
    assert "source-url" in details


def test_content_alone_finds_the_translation() -> None:
    report = report_of({name: without_source(name) for name in (ARABIC, HINDI)})
    assert clusters_of(report) == [{ARABIC, HINDI}]
    assert report.clusters[0].links[0].probability > 0.9


def test_a_wrong_source_line_is_a_conflict_and_merges_nothing() -> None:
    wrong = split_page(texts()[OTHER_ARABIC]).source_url
    report = report_of({ARABIC: f"{without_source(ARABIC)}\nالمصدر: {wrong}"})
    assert clusters_of(report) == [{ARABIC, HINDI}]
    (conflict,) = report.conflicts
    assert {report.articles[m].id for m in conflict.members} == {ARABIC, OTHER_ARABIC}


def test_a_lightly_edited_copy_joins_as_a_near_duplicate() -> None:
    paragraphs = texts()[HINDI].split("\n")
    edited = "\n".join(paragraphs[:4] + paragraphs[5:]).replace("रिपोर्ट के अनुसार", "ताज़ा रिपोर्ट के मुताबिक")
    report = report_of({"edited.txt": edited})
    assert clusters_of(report) == [{ARABIC, HINDI, "edited.txt"}]
    relations = relations_of(report)
    assert relations[frozenset({HINDI, "edited.txt"})] is Relation.NEAR_DUPLICATE


def test_the_first_sixty_per_cent_without_source_still_join() -> None:
    text = without_source(ARABIC)
    report = report_of({ARABIC: text[: len(text) * 6 // 10], HINDI: without_source(HINDI)})
    assert clusters_of(report) == [{ARABIC, HINDI}]


def other_figures(text: str) -> str:
    """Every figure replaced by another of as many digits."""
    return re.sub(r"\d+", lambda m: "".join(str((int(d) + 3 + i) % 9 + 1) for i, d in enumerate(m[0])), text)


@pytest.mark.parametrize("kept", [ARABIC, OTHER_ARABIC, HINDI])
def test_a_template_with_other_figures_is_another_article(kept: str) -> None:
    report = report_of(
        {name: without_source(name) for name in (ARABIC, HINDI)} | {HINDI: other_figures(without_source(HINDI))}
    )
    assert clusters_of(report) == []
    twin = report_of(
        {name: without_source(name) for name in texts()} | {"twin.txt": other_figures(without_source(kept))}
    )
    assert not any("twin.txt" in cluster for cluster in clusters_of(twin))


@cache
def in_threes() -> Encoder:
    """The same model with other batches; it knows no vector from before."""
    return load_encoder("bundled", 3)


@pytest.mark.parametrize("arranged", [list, lambda r: list(reversed(r)), lambda r: r[2:] + r[:2]])
def test_the_order_of_the_input_does_not_change_a_byte(arranged: Callable[[list[Record]], Iterable[Record]]) -> None:
    records = [Record(*item) for item in sorted(texts().items())]
    expected = to_json(find_clusters(records, encoder=bundled()))
    assert to_json(find_clusters(arranged(records), encoder=in_threes())) == expected
