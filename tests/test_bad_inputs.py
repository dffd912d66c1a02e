"""Bad input costs itself and nothing else: one of every kind, in every format, among good records, by the program.

``tests/bad_inputs`` holds what a repository can hold, and ``expected.json`` what is to be said of it; both are written
by ``scripts/bad_inputs.py --write``. Links, pipes, files that are closed or vanish and odd names are made here. The
script does the same at large.
"""

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bad_inputs
import pytest
from bad_corpus import Bad, Good, good_records
from bad_files import Corpus, Maker
from bad_inputs import EXPECTED, Outcome

COMMITTED: Final = Path(__file__).parent / "bad_inputs"


@dataclass(frozen=True, slots=True)
class Tried:
    """A corpus, what the program ended with, and the ids of what it compared."""

    corpus: Corpus
    outcome: Outcome
    report: Mapping[str, Any]
    compared: Counter[str]


def among(folder: Path) -> Corpus:
    """The committed corpus, and with it what cannot be committed."""
    shutil.copytree(COMMITTED, folder)
    listed = json.loads((folder / EXPECTED).read_bytes())
    made = without_files(folder, with_bad=True)
    return Corpus(
        folder,
        (*listed["paths"], *made.paths),
        (*(Good(id_, "") for id_ in listed["good"]), *made.good),
        (*(Bad(**one) for one in listed["bad"]), *made.bad),
        made.vanishing,
    )


def alone(folder: Path) -> Corpus:
    """The good records of the same."""
    small = bad_inputs.small(folder, with_bad=False)
    made = without_files(folder, with_bad=False)
    return Corpus(folder, small.paths, (*small.good, *made.good), ())


def without_files(folder: Path, *, with_bad: bool) -> Corpus:
    """What a repository cannot hold."""
    maker = Maker(folder, good_records(1), with_bad=with_bad)
    maker.odd_names()
    maker.no_files()
    maker.vanishing()
    if bad_inputs.can_forbid():
        maker.forbidden()
    return maker.corpus()


def tried(corpus: Corpus, table: Path) -> Tried:
    outcome = bad_inputs.call("run", corpus, "--format", "json", "--assignment", str(table))
    return Tried(corpus, outcome, outcome.report, bad_inputs.compared(table))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    folder = tmp_path_factory.mktemp("good")
    return tried(alone(folder / "corpus"), folder / "assignment.jsonl")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    folder = tmp_path_factory.mktemp("mixed")
    return tried(among(folder / "corpus"), folder / "assignment.jsonl")


def test_every_bad_piece_is_reported_where_it_stands_and_why_and_nothing_else(mixed: Tried) -> None:
    assert bad_inputs.unlike(mixed.corpus.bad, mixed.report["skipped"]) == ([], [])
    assert mixed.report["input"]["skipped"] == len(mixed.corpus.bad)


def test_every_good_record_is_compared_however_odd(good: Tried, mixed: Tried) -> None:
    expected = Counter(one.id for one in mixed.corpus.good)
    assert good.compared == mixed.compared == expected
    assert mixed.report["input"]["records"] == expected.total()


def test_good_records_get_the_same_clusters_and_links_as_without_the_bad_ones(good: Tried, mixed: Tried) -> None:
    assert bad_inputs.differences(good.report, mixed.report) == []
    assert len(good.report["clusters"]) > 50


def test_bad_input_is_no_failure_and_nothing_is_written_to_standard_error(good: Tried, mixed: Tried) -> None:
    assert [(one.outcome.code, one.outcome.err) for one in (good, mixed)] == [(0, ""), (0, "")]


def test_the_committed_corpus_has_every_kind_that_the_script_makes(tmp_path: Path) -> None:
    made = bad_inputs.small(tmp_path / "made", with_bad=True)
    listed = json.loads((COMMITTED / EXPECTED).read_bytes())
    assert [Bad(**one) for one in listed["bad"]] == list(made.bad)
    assert [one.id for one in made.good] == listed["good"]


# --- what the checks themselves are worth


def test_what_is_said_elsewhere_otherwise_or_twice_does_not_pass() -> None:
    bad = [Bad("x", "csv", "a.csv", 2, "not UTF-8"), Bad("x", "csv", "a.csv", 3, "empty text")]
    said = [{"path": one.path, "line": one.line, "reason": one.reason} for one in bad]
    assert bad_inputs.unlike(bad, said) == ([], [])
    assert bad_inputs.unlike(bad, said[:1]) == (bad[1:], [])
    assert bad_inputs.unlike(bad, [*said, said[0]]) == ([], ["a.csv:2: not UTF-8"])
    assert bad_inputs.unlike(bad, [said[0], {**said[1], "reason": "empty"}]) == (bad[1:], ["a.csv:3: empty"])
