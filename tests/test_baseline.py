import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedup.baseline import Baseline, accepted_by, load_baseline, updated, write_baseline
from dedup.errors import InputError
from dedup.findings import Checked, Finding, StaleEntry
from dedup.model import Entry, Relation

from .report.gate.conftest import HOSTILE, checked_of, entry, match, one_finding


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Paths are given from here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pair_of(one: Entry, *others: Entry) -> Checked:
    return one_finding(one, *map(match, others))


def accepting(checked: Checked, path: str = "baseline.json") -> Baseline:
    """The baseline that accepts all of ``checked``, as it is read back from the disk."""
    write_baseline(updated(Baseline.empty(Path(path)), checked), Path(path))
    return load_baseline(Path(path))


def written(baseline: Baseline) -> str:
    write_baseline(baseline, Path("written.json"))
    return Path("written.json").read_text(encoding="utf-8")


def baseline_of(text: str) -> Baseline:
    Path("given.json").write_text(text, encoding="utf-8")
    return load_baseline(Path("given.json"))


def with_pairs(*pairs: dict[str, object]) -> Baseline:
    return baseline_of(json.dumps({"version": 1, "pairs": pairs}))


def listed(left: str, right: str, **more: object) -> dict[str, object]:
    return {"left": left, "right": right, "relation": "translation", "languages": ["ar", "hi"], **more}


ARABIC, HINDI, THIRD = entry("000.txt", "ar"), entry("004.txt", "hi"), entry("001.txt", "fa")


def test_one_pair_a_line_sorted_and_readable() -> None:
    row = entry("17", "en", path="more.jsonl", line=3)
    named = entry("x", "fa", path="seeds/خبر.txt")
    checked = checked_of([HINDI, row], [Finding(row, (match(named),)), Finding(HINDI, (match(ARABIC), match(row)))])
    assert written(updated(Baseline.empty(Path("written.json")), checked)) == (
        "{\n"
        '  "version": 1,\n'
        '  "pairs": [\n'
        '    {"left": "id:17", "right": "seeds/004.txt", "relation": "translation", "languages": ["en", "hi"]},\n'
        '    {"left": "id:17", "right": "seeds/خبر.txt", "relation": "translation", "languages": ["en", "fa"]},\n'
        '    {"left": "seeds/000.txt", "right": "seeds/004.txt", "relation": "translation", '
        '"languages": ["ar", "hi"]}\n'
        "  ]\n"
        "}\n"
    )


def test_baseline_that_accepts_nothing_is_written_and_read() -> None:
    assert written(Baseline.empty(Path("written.json"))) == '{\n  "version": 1,\n  "pairs": []\n}\n'
    assert load_baseline(Path("written.json")).pairs == {}


def test_accepted_pair_is_marked_and_others_are_not() -> None:
    both = pair_of(HINDI, ARABIC, THIRD)
    (finding,) = accepted_by(accepting(pair_of(HINDI, ARABIC)), both).findings
    assert [one.accepted for one in finding.matches] == [True, False]
    assert not finding.accepted
    assert accepted_by(accepting(both), both).unaccepted == ()


def test_either_of_the_two_may_be_the_new_one() -> None:
    assert accepted_by(accepting(pair_of(HINDI, ARABIC)), pair_of(ARABIC, HINDI)).unaccepted == ()


def test_only_the_names_decide() -> None:
    changed = replace(ARABIC, language="fa", characters=1, content=b"other")
    checked = one_finding(HINDI, match(changed, 0.51, Relation.PARTIAL, copies=3))
    assert accepted_by(accepting(pair_of(HINDI, ARABIC)), checked).unaccepted == ()


def test_update_renews_what_was_found_keeps_the_note_and_leaves_the_rest() -> None:
    before = with_pairs(
        listed("seeds/000.txt", "seeds/004.txt", note="أصل: a parallel text"),
        listed("seeds/008.txt", "seeds/009.txt", note="not checked"),
        listed("seeds/001.txt", "seeds/004.txt", note="no longer so"),
    )
    found = one_finding(HINDI, match(ARABIC, relation=Relation.PARTIAL))
    after = updated(before, found, ["seeds/000.txt", "seeds/001.txt"])
    assert json.loads(written(after))["pairs"] == [
        listed("seeds/000.txt", "seeds/004.txt", relation="partial", note="أصل: a parallel text"),
        listed("seeds/008.txt", "seeds/009.txt", note="not checked"),
    ]


def test_entry_is_stale_where_one_was_checked_and_the_pair_was_not_found() -> None:
    baseline = with_pairs(
        listed("seeds/000.txt", "seeds/004.txt"),
        listed("seeds/001.txt", "seeds/004.txt"),
        listed("seeds/008.txt", "seeds/009.txt"),
    )
    compared = ["seeds/000.txt", "seeds/001.txt", "seeds/008.txt", "seeds/009.txt"]
    stale = (StaleEntry("seeds/001.txt", "seeds/004.txt"),)
    assert accepted_by(baseline, pair_of(HINDI, ARABIC), compared).stale == stale
    assert accepted_by(baseline, checked_of([HINDI, ARABIC, THIRD])).stale != ()
    assert accepted_by(baseline, checked_of(), compared).stale == ()


def test_entry_is_left_in_peace_where_the_other_record_was_not_there_to_be_compared() -> None:
    baseline = with_pairs(listed("seeds/001.txt", "seeds/004.txt"))
    checked = pair_of(HINDI, ARABIC)
    assert accepted_by(baseline, checked, ["seeds/000.txt"]).stale == ()
    assert ("seeds/001.txt", "seeds/004.txt") in updated(baseline, checked, ["seeds/000.txt"]).pairs


def test_entry_of_a_record_with_copies_that_are_not_listed_is_left_in_peace() -> None:
    baseline = with_pairs(listed("seeds/001.txt", "seeds/004.txt"), listed("seeds/002.txt", "seeds/007.txt"))
    checked = one_finding(HINDI, match(ARABIC, copies=1))
    checked = replace(checked, records=(HINDI, entry("007.txt")))
    compared = ["seeds/001.txt", "seeds/002.txt"]
    assert accepted_by(baseline, checked, compared).stale == (StaleEntry("seeds/002.txt", "seeds/007.txt"),)
    assert ("seeds/001.txt", "seeds/004.txt") in updated(baseline, checked, compared).pairs


def test_file_has_one_name_however_its_path_is_given(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "ci").mkdir()
    checked = pair_of(entry("a", path="seeds/a.txt"), entry("b", path=str(here / "seeds" / "b.txt")))
    baseline = accepting(checked, "ci/baseline.json")
    assert list(baseline.pairs) == [("../seeds/a.txt", "../seeds/b.txt")]
    monkeypatch.chdir(here / "ci")
    again = pair_of(entry("a", path="../seeds/./x/../a.txt"), entry("b", path="../seeds/b.txt"))
    assert accepted_by(load_baseline(Path("baseline.json")), again).unaccepted == ()


def test_no_link_is_followed(here: Path) -> None:
    (here / "real").mkdir()
    (here / "link").symlink_to("real")
    baseline = accepting(pair_of(entry("a", path="link/a"), entry("b", path="real/a")))
    assert list(baseline.pairs) == [("link/a", "real/a")]


def test_no_file_has_the_name_of_a_row() -> None:
    name = Baseline.empty(Path("baseline.json")).name
    assert name(entry("x", path="t.jsonl", line=4)) == name(entry("x", path="")) == "id:x"
    assert name(entry("seeds/a.txt", path="t.jsonl", line=4)) == "id:seeds/a.txt"
    assert name(entry("a", path="id:x")) == "./id:x"
    assert name(entry("-:4", path="-", line=4)).startswith("id:-#")


def test_row_keeps_its_name_where_it_moves() -> None:
    row, moved = entry("17", path="t.jsonl", line=3), entry("17", path="other.jsonl", line=9)
    assert accepted_by(accepting(pair_of(HINDI, row)), pair_of(HINDI, moved)).unaccepted == ()


@pytest.mark.parametrize("path", ["t.jsonl", "-"])
def test_row_without_an_id_is_accepted_by_its_text_and_not_by_its_line(path: str) -> None:
    row = entry(f"{path}:3", path=path, line=3)
    baseline = accepting(pair_of(HINDI, row))
    moved = replace(row, id=f"{path}:9", line=9)
    assert accepted_by(baseline, pair_of(HINDI, moved)).unaccepted == ()
    assert accepted_by(baseline, pair_of(HINDI, replace(row, content=b"another text"))).unaccepted != ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (entry("-:1", path="-", line=1), entry("-:1", path="-", line=1)),
        (entry("17", "en", path="en.jsonl", line=1), entry("17", "hi", path="hi.jsonl", line=1)),
    ],
)
def test_two_rows_of_one_name_are_a_pair(one: Entry, other: Entry) -> None:
    assert accepted_by(accepting(pair_of(one, other)), pair_of(one, other)).unaccepted == ()


def test_pair_that_a_person_wrote_in_the_other_order_is_the_same() -> None:
    baseline = with_pairs(listed("seeds/004.txt", "seeds/000.txt", languages=["hi", "ar"]))
    assert accepted_by(baseline, pair_of(HINDI, ARABIC)).unaccepted == ()
    assert (
        '"left": "seeds/000.txt", "right": "seeds/004.txt", "relation": "translation", "languages": ["ar", "hi"]'
        in (written(baseline))
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a baseline of dedup: "),
        ("[]", "not a baseline of dedup: "),
        ('{"version": 1, "pairs": [}', "not a baseline of dedup: "),
        ('{"version": 1}', "not a baseline of dedup: .*`pairs`"),
        ('{"version": 2, "entries": 1}', "a baseline of version 2, and this dedup reads version 1"),
        ('{"version": 1, "pairs": [{"left": "a"}]}', "not a baseline of dedup: .*`right`"),
        (json.dumps({"version": 1, "pairs": [listed("a", "b", notes="x")]}), "unknown field `notes`"),
        (json.dumps({"version": 1, "pairs": [listed("a", "a")]}), "not a pair: 'a' and itself"),
        (json.dumps({"version": 1, "pairs": [listed("a", "b"), listed("b", "a")]}), "named twice: 'a' with 'b'"),
        ('{"version": 1, "pairs": ' + "[" * 100_000, "not a baseline of dedup: "),
    ],
)
def test_anything_but_a_baseline_is_refused_in_one_line(text: str, why: str) -> None:
    with pytest.raises(InputError, match=rf"given\.json: .*{why}") as error:
        baseline_of(text)
    assert "\n" not in str(error.value)


def test_missing_baseline_is_one_line() -> None:
    with pytest.raises(InputError, match=r"none\.json: the baseline cannot be read: No such file"):
        load_baseline(Path("none.json"))


@pytest.mark.parametrize("text", HOSTILE)
def test_reviewer_sees_all_that_the_file_says(text: str) -> None:
    checked = pair_of(entry(text, path=""), entry(f"{text}2", path=""))
    baseline = accepting(checked)
    assert accepted_by(baseline, checked).unaccepted == ()
    shown = written(baseline)
    assert shown.count("\n") == 6
    assert all(character.isprintable() or character == "\n" for character in shown)


NAMES = st.lists(
    st.sampled_from(["a", "b/c", "b/d", "../e", "id:f", "./id:f", "ملف", "g h"]) | st.text(min_size=1, max_size=4),
    min_size=2,
    max_size=2,
    unique=True,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(NAMES, st.text(max_size=5)), max_size=6, unique_by=lambda one: frozenset(one[0])), st.randoms()
)
def test_file_is_the_same_whatever_the_order_and_reads_back_as_it_was(
    pairs: Sequence[tuple[list[str], str]],
    random: Random,
) -> None:
    given_pairs = [listed(*names, **({"note": note} if note else {})) for names, note in pairs]
    first = written(with_pairs(*given_pairs))
    turned = list(reversed(given_pairs))
    random.shuffle(turned)
    assert written(with_pairs(*turned)) == first
    assert load_baseline(Path("written.json")).pairs == baseline_of(first).pairs
    assert len(json.loads(first)["pairs"]) == len(pairs)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(5, 9)), unique=True, max_size=8), st.sets(st.integers(0, 4)))
def test_update_accepts_all_leaves_nothing_stale_and_changes_nothing_twice(
    found: Sequence[tuple[int, int]], checked: set[int]
) -> None:
    records = [entry(f"{number}") for number in range(10)]
    by_record = {new: [match(records[known]) for one, known in found if one == new] for new, _ in found}
    findings = [Finding(records[new], tuple(matches)) for new, matches in by_record.items()]
    everything = checked_of([records[number] for number in {*checked, *by_record}], findings)
    before = with_pairs(listed("seeds/0", "seeds/5"), listed("seeds/1", "seeds/9"), listed("seeds/8", "seeds/9"))
    compared = [f"seeds/{number}" for number in range(10)]
    after = updated(before, everything, compared)
    told = accepted_by(after, everything, compared)
    assert not told.unaccepted
    assert not told.stale
    assert written(updated(after, everything, compared)) == written(after)
    assert ("seeds/8", "seeds/9") in after.pairs
