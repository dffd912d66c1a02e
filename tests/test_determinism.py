"""The same records and settings give the same bytes, whatever the program runs under (``scripts/compare_runs.py`` tries
more conditions, each by itself, on more records).
"""

import json
from pathlib import Path

import pytest
from compare_runs import ARTICLES, CONDITIONS, LEFT_OUT, ORDINARY, conditions, different, digests, made, outcome

FEW = 30
"""Records: some in clusters, in conflict, and in several languages."""

TOGETHER = {
    "hash seed": "4242",
    "locale": "POSIX, no UTF-8",
    "time zone": "Pacific/Kiritimati",
    "processes": "2",
    "worked on together": "7",
    "threads": "4",
    "optimised": "-OO",
    "order of paths": "reversed",
    "umask": "077",
    "working folder": "another",
}


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The hand-made records, from those whose source lines are wrong on."""
    rows = ARTICLES.read_text(encoding="utf-8").splitlines()
    odd = [line for line in rows if json.loads(line)["case"] in {"wrong-source", "digest"}]
    return (odd + [line for line in rows if line not in odd])[:FEW]


@pytest.fixture(scope="module")
def ordinary(lines: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an ordinary run writes."""
    return made(tmp_path_factory.mktemp("ordinary"), lines, ORDINARY, "never")


def test_what_is_written_is_the_same_under_all_conditions_at_once(
    lines: list[str], ordinary: Path, tmp_path: Path
) -> None:
    condition = ORDINARY
    for name, value in TOGETHER.items():
        condition |= CONDITIONS[name][value]
    assert different(dict(digests(ordinary)), outcome(tmp_path, lines, condition, "never")) == []


def test_there_is_something_of_each_kind_in_what_is_compared(ordinary: Path) -> None:
    report = json.loads((ordinary / "r.json").read_bytes())
    assert min(len(report[part]) for part in ("clusters", "conflicts", "skipped")) > 0
    assert (ordinary / "removed.jsonl").stat().st_size > 0


def test_a_changed_byte_is_told(ordinary: Path) -> None:
    before = dict(digests(ordinary))
    for name in ("r.json", "p.html", "a.csv", "check.json", "check.sarif", "check.xml", "check.github", "check.txt"):
        file = ordinary / name
        data = file.read_bytes()
        file.write_bytes(data.replace(b"a", b"b", 1))
        told = different(before, dict(digests(ordinary)))
        file.write_bytes(data)
        assert set(told) - {LEFT_OUT} == {name}
    (ordinary / "clean" / "more.txt").touch()
    assert different(before, dict(digests(ordinary))) == ["clean"]
    (ordinary / "clean" / "more.txt").unlink()


def test_every_value_of_every_condition_is_tried_by_itself_and_with_others() -> None:
    tried = list(conditions(combinations=5))
    assert [(name, value) for name, value, _ in tried if name != "all"] == [
        (name, value) for name, values in CONDITIONS.items() for value in values
    ]
    assert all(condition != ORDINARY for _, _, condition in tried)
    assert len({value for name, value, _ in tried if name == "all"}) == 5
