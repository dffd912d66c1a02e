"""The accuracy gate: the detector as users get it, on articles written by hand to be hard. See handmade/README.md."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from handmade import (
    FOLDER,
    TEMPTING,
    CaseFloor,
    Floors,
    Measured,
    Row,
    measure,
    read_floors,
    read_rows,
    run,
    shortfalls,
)
from msgspec.structs import replace
from pin_floors import pin, table, wrong_pairs

from dedup.encoders import BUNDLED, RememberingEncoder, load_encoder
from dedup.model import Relation
from dedup.page import split_page
from dedup.report.document import Document
from dedup.report.document import document_of as said_by
from dedup.settings import Settings
from dedup.source_url import source_key
from dedup.text import normalise

from .test_evaluate import document_of

ROWS = read_rows()
CASES = sorted({row.case for row in ROWS})
SCORES = ("b_cubed_precision", "b_cubed_recall", "b_cubed_f1", "exact_cluster_f1", "false_merges")


# --- the gate


class MadeAnew(RememberingEncoder):
    """Takes no vector from an earlier run, which could be of other code, and leaves them to the tests of engines."""

    def _recall(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        assert keys
        return {}


@pytest.fixture(scope="module")
def found() -> Document:
    """What this checkout finds."""
    return said_by(run(ROWS, MadeAnew(load_encoder(BUNDLED, Settings().batch_size))))


@pytest.fixture(scope="module")
def problems(found: Document) -> dict[str, str]:
    """Where it falls short of the pinned floors."""
    floors = read_floors()
    assert floors
    return shortfalls(measure(ROWS, found), floors)


@pytest.mark.parametrize("name", [*SCORES, *CASES])
def test_no_score_and_no_case_falls_short_of_its_floor(name: str, problems: dict[str, str]) -> None:
    assert name not in problems, f"{name}: {problems[name]}"


def test_whole_versions_are_hardly_ever_called_parts_and_parts_mostly_are(found: Document) -> None:
    row_of = {row.id: row for row in ROWS}
    called: dict[bool, list[bool]] = {True: [], False: []}
    for link in (link for cluster in found.clusters for link in cluster.links):
        left, right = row_of[link.left], row_of[link.right]
        if left.gold == right.gold:
            called["partial" in (left.case, right.case)].append(link.relation == Relation.PARTIAL)
    shares = {is_part: sum(some) / len(some) for is_part, some in called.items()}
    assert shares[False] < 0.04
    assert shares[True] > 0.85


def test_every_floor_is_of_a_score_or_a_case_of_the_set(problems: dict[str, str]) -> None:
    assert problems.keys() <= {*SCORES, *CASES}


# --- the set


def test_ids_and_texts_are_all_different() -> None:
    assert len({row.id for row in ROWS}) == len({normalise(row.text) for row in ROWS}) == len(ROWS)


def test_the_readme_of_the_set_tells_of_every_case() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([a-z-]+)` .* \| (same|different) \|$", readme, re.MULTILINE)
    assert sorted(name for name, _ in told) == CASES
    assert {name for name, truth in told if truth == "different"} == TEMPTING


def test_what_is_said_to_carry_an_article_has_a_partner() -> None:
    carried = defaultdict(list)
    for row in ROWS:
        carried[row.gold].append(row.id)
    assert [row.id for row in ROWS if row.case not in TEMPTING and len(carried[row.gold]) == 1] == []


def test_a_twin_stands_beside_the_article_that_it_resembles() -> None:
    articles = {row.gold for row in ROWS}
    twins = [row for row in ROWS if row.case.startswith("twin-")]
    assert all(row.gold.endswith("-twin") for row in twins)
    assert [row.id for row in twins if row.gold.removesuffix("-twin") not in articles] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.case.endswith("-source")], ids=lambda row: row.id)
def test_a_cited_source_is_the_source_of_the_article_or_of_another_as_the_case_says(row: Row) -> None:
    own, others = (
        {cited(one) for one in ROWS if one.id != row.id and (one.gold == row.gold) is same} for same in (True, False)
    )
    assert cited(row) is not None
    assert cited(row) in (own if row.case == "right-source" else others - own)


def cited(row: Row) -> str | None:
    url = split_page(row.text).source_url or row.url
    key = source_key(url) if url else None
    return key.key if key else None


# --- how it is measured


FEW = [
    Row("a-en", "One.", "en", "a", "translation"),
    Row("a-de", "Eins.", "de", "a", "translation"),
    Row("a-cut", "On.", "en", "a", "partial"),
    Row("b-en", "Two.", "en", "b", "twin-names"),
    Row("c-en", "Three.", "en", "c", "translation"),
]


def measured(*clusters: list[str]) -> Measured:
    return measure(FEW, document_of(clusters, records=len(FEW)))


RIGHT = measured(["a-en", "a-de", "a-cut"])


def test_a_right_run_finds_all_and_merges_nothing() -> None:
    everything = CaseFloor(found=1.0, wrong=0)
    cases = dict.fromkeys(["partial", "translation", "twin-names"], everything)
    assert RIGHT.reached == Floors(1.0, 1.0, 1.0, 1.0, 0, cases)
    assert list(wrong_pairs(RIGHT.cases)) == []


def test_a_miss_counts_where_the_difficulty_is() -> None:
    cases = measured(["a-en", "a-de"]).cases
    assert cases["partial"].missed == (("a-en", "a-cut"), ("a-de", "a-cut"))
    assert (cases["partial"].found, cases["translation"].found) == (0.0, 1.0)


def test_a_wrong_pair_counts_for_the_case_that_tempts_to_it() -> None:
    cases = measured(["a-en", "a-de", "a-cut", "b-en"]).cases
    assert cases["twin-names"].wrong == (("a-en", "b-en"), ("a-de", "b-en"), ("a-cut", "b-en"))
    assert cases["partial"].wrong == cases["translation"].wrong == ()


def test_two_plain_articles_that_are_merged_count_for_the_plain_case() -> None:
    assert measured(["a-en", "c-en"]).cases["translation"].wrong == (("a-en", "c-en"),)


def test_a_shortfall_names_the_case_and_the_records() -> None:
    problems = shortfalls(measured(["a-en", "a-de", "b-en"]), RIGHT.reached)
    assert problems["partial"] == "found 0.0000 is below the floor of 1.0000; missed: a-en + a-cut, a-de + a-cut"
    assert problems["twin-names"] == "2 wrong pairs are above the ceiling of 0: a-en + b-en, a-de + b-en"
    assert problems["false_merges"] == "2 pairs are above the ceiling of 0"
    assert "translation" not in problems
    assert set(SCORES) < problems.keys()


def test_a_run_that_reaches_its_floors_or_more_falls_short_of_nothing() -> None:
    low = measured(["a-en", "a-de", "b-en"])
    assert shortfalls(low, low.reached) == shortfalls(RIGHT, low.reached) == {}


def test_a_case_without_a_floor_and_a_floor_without_a_case_are_shortfalls() -> None:
    others = {"generic" if name == "partial" else name: floor for name, floor in RIGHT.reached.cases.items()}
    problems = shortfalls(RIGHT, replace(RIGHT.reached, cases=others))
    assert problems == {"generic": "has a floor but no records", "partial": "has no floor: run scripts/pin_floors.py"}


# --- pinning


def test_floors_are_written_where_there_are_none_and_raised(tmp_path: Path) -> None:
    path = tmp_path / "floors.json"
    for reached in (measured(["a-en", "a-de", "b-en"]), RIGHT):
        assert pin(reached, path, lower=False)
        assert read_floors(path) == reached.reached


def test_no_floor_is_lowered_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "floors.json"
    worse = measured(["a-en", "a-de"])
    pin(RIGHT, path, lower=False)
    assert not pin(worse, path, lower=False)
    assert read_floors(path) == RIGHT.reached
    assert "would have to be lowered: partial: found 0.0000 is below" in capsys.readouterr().out
    assert pin(worse, path, lower=True)
    assert read_floors(path) == worse.reached
    assert "lowered: partial: found 0.0000 is below" in capsys.readouterr().out


def test_a_new_case_is_pinned_without_asking_and_a_lost_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "floors.json"
    some = {name: floor for name, floor in RIGHT.reached.cases.items() if name != "partial"}
    pin(RIGHT, path, lower=False)
    assert not pin(Measured(replace(RIGHT.reached, cases=some), {n: RIGHT.cases[n] for n in some}), path, lower=False)
    path.unlink()
    pin(Measured(replace(RIGHT.reached, cases=some), RIGHT.cases), path, lower=False)
    assert pin(RIGHT, path, lower=False)
    assert read_floors(path) == RIGHT.reached


def test_the_table_shows_every_case() -> None:
    lines = list(table(measured(["a-en", "a-de", "b-en"])))
    assert lines[2:] == [
        "partial                  2  0.0000      0",
        "translation              1  1.0000      0",
        "twin-names               0  1.0000      2",
    ]
