"""Whatever the order of additions, updates and removals, an index holds what a new one of the same records holds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kill_index import contents

from dedup import InputError, Record, Settings, Skipped
from dedup.check import check
from dedup.fingerprints import fingerprint
from dedup.index import Index, describe, remove_records, store
from dedup.index.sketches import embedding_of, packed, unpacked
from dedup.model import Entry
from dedup.text import is_empty

from .. import stages
from .pages import (
    ABOUT,
    ARTICLES,
    CALIBRATION,
    COOKIES,
    ENCODER,
    PAGE,
    SETTINGS,
    add,
    build,
    record,
)

IDS = [f"r{number}" for number in range(9)]

FURNITURE = ["", COOKIES, COOKIES, f"{COOKIES}\n{ABOUT}", f"{ABOUT}\nSource: {PAGE}", f"{ARTICLES[5]}\n{COOKIES}"]
"""The last one lies beyond the limit of segments where a text has more than two before it."""

RECORDS = st.builds(
    record,
    st.sampled_from(IDS),
    st.integers(0, len(ARTICLES) - 1),
    st.sampled_from(FURNITURE),
    st.sampled_from(["en", "en", "en", "de"]),
    upper=st.booleans(),
)


def by_id(records: list[Record]) -> list[Record]:
    """One record an id, the last one given."""
    return list({one.id: one for one in records}.values())


Edit = Callable[[Record], Record]

EDITS: list[Edit] = [
    lambda one: replace(one, language="de" if one.language == "en" else "en"),
    lambda one: replace(one, text=one.text.upper()),
    lambda one: one if "SOURCE" in one.text.upper() else replace(one, url=PAGE),  # that in the text goes before
    lambda one: replace(one, path=f"moved/{one.id}.txt"),
    lambda one: replace(one, text=f"{one.text}\n{ABOUT}"),
]

STEPS = st.lists(
    st.one_of(
        st.lists(RECORDS, min_size=1, max_size=6).map(by_id),
        st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True),
        st.dictionaries(st.sampled_from(IDS), st.sampled_from(EDITS), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=6,
)
"""Records to add, ids to remove, what to edit."""


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RECORDS, max_size=8).map(by_id), STEPS)
def test_any_order_of_changes_equals_a_fresh_build(
    first: list[Record], steps: list[list[Record] | list[str] | dict[str, Edit]]
) -> None:
    with TemporaryDirectory() as place:
        changed, fresh = Path(place, "changed"), Path(place, "fresh")
        build(changed, first)
        held = {one.id: one for one in first}
        for step in steps:
            names = [one for one in step if isinstance(one, str) and one in held]
            new = [one for one in step if isinstance(one, Record)]
            if isinstance(step, dict):
                names, new = [], [step[name](held[name]) for name in names]
            if new:
                change = add(changed, new)
                assert change.added == sum(one.id not in held for one in new)
                assert change.unchanged == sum(held.get(one.id) == one for one in new)
                held |= {one.id: one for one in new}
            if names:
                assert remove_records(changed, names).removed == len(names)
                held = {id_: one for id_, one in held.items() if id_ not in names}
        assert build(fresh, held.values()).records == describe(changed).records == len(held)
        assert contents(changed) == contents(fresh)
        digests = {id_: facts[-2] for id_, facts in contents(fresh)["records"].items()}
        assert set(contents(fresh)["works"]) == {min(i for i in digests if digests[i] == d) for d in digests.values()}
        answers = []
        for folder in (changed, fresh):
            with Index.open(folder) as index:
                new = [Record("new", f"{ARTICLES[0]}\n{COOKIES}", language="en"), Record("old", ARTICLES[1])]
                answers.append(check(new, index, SETTINGS, encoder=ENCODER, calibration=CALIBRATION))
        assert answers[0] == answers[1]


def test_passages_become_boilerplate_and_stop_being_it(tmp_path: Path) -> None:
    pages = [record(f"r{number}", number, COOKIES) for number in range(5)]
    build(tmp_path / "i", pages[:3])
    assert describe(tmp_path / "i").boilerplate == 0
    with_three = contents(tmp_path / "i")["vectors"]["r0"]
    add(tmp_path / "i", pages[3:])
    assert describe(tmp_path / "i").boilerplate == 1
    assert contents(tmp_path / "i")["vectors"]["r0"] != with_three
    remove_records(tmp_path / "i", ["r3", "r4"])
    assert describe(tmp_path / "i").boilerplate == 0
    assert contents(tmp_path / "i")["vectors"]["r0"] == with_three


def test_vectors_are_put_together_when_there_are_many_parts_or_many_dead(tmp_path: Path) -> None:
    folder = tmp_path / "i"
    build(folder, [])
    for number, article in enumerate(ARTICLES * 2):
        add(folder, [Record(f"r{number}", f"{article}\n{number} more.", language="en")])
    assert len(list(folder.glob("vectors-*.npy"))) <= store.MOST_PARTS
    remove_records(folder, [f"r{number}" for number in range(1, 12)])
    (left,) = folder.glob("vectors-*.npy")
    assert left.stat().st_size < 2 * stages.DIMENSIONS + 256
    build(tmp_path / "fresh", [Record("r0", f"{ARTICLES[0]}\n0 more.", language="en")])
    assert contents(folder) == contents(tmp_path / "fresh")


def test_boilerplate_beyond_the_limit_is_found_and_forgotten_again(tmp_path: Path) -> None:
    folder, fresh = tmp_path / "i", tmp_path / "fresh"
    long = record("long", 4, f"{ARTICLES[5]}\n{COOKIES}")
    pages = [long, *(record(f"r{number}", number, COOKIES) for number in range(4))]
    build(folder, pages[:4])
    alone = contents(folder)
    add(folder, pages[4:])
    build(fresh, pages)
    assert describe(folder).boilerplate == 1
    assert contents(folder) == contents(fresh)
    assert contents(folder)["works"]["long"] != alone["works"]["long"]
    remove_records(folder, ["r3"])
    assert contents(folder) == alone


def test_ids_that_are_written_alike_are_one(tmp_path: Path) -> None:
    records = [Record("a\udcff.txt", ARTICLES[0], language="en"), Record("a\\udcff.txt", ARTICLES[1], language="en")]
    change = build(tmp_path / "i", records)
    assert (change.added, change.records) == (1, 1)
    assert ["duplicate id" in one.reason for one in change.skipped] == [True]
    build(tmp_path / "again", records[::-1])
    assert contents(tmp_path / "i") == contents(tmp_path / "again")
    assert add(tmp_path / "i", records).unchanged == 1


def test_adding_what_is_there_changes_nothing(tmp_path: Path) -> None:
    records = [record("a", 0), record("b", 1)]
    build(tmp_path / "i", records)
    before = {file.name: file.read_bytes() for file in (tmp_path / "i").iterdir() if file.suffix == ".npy"}
    change = add(tmp_path / "i", records)
    assert (change.added, change.updated, change.unchanged, change.records) == (0, 0, 2, 2)
    assert {f.name: f.read_bytes() for f in (tmp_path / "i").iterdir() if f.suffix == ".npy"} == before


def test_another_text_another_url_and_another_place_are_updates(tmp_path: Path) -> None:
    build(tmp_path / "i", [record("a", 0), record("b", 1), record("c", 2)])
    moved = Record("c", ARTICLES[2], language="en", path="elsewhere/c.txt")
    change = add(tmp_path / "i", [record("a", 3), record("b", 1, f"Source: {PAGE}"), moved])
    assert (change.added, change.updated, change.unchanged) == (0, 3, 0)
    build(tmp_path / "fresh", [record("a", 3), record("b", 1, f"Source: {PAGE}"), moved])
    assert contents(tmp_path / "i") == contents(tmp_path / "fresh")


def test_records_are_removed_by_id_or_path_all_or_none(tmp_path: Path) -> None:
    rows = [Record(f"{n}", ARTICLES[n], path="table.jsonl", line=n + 1) for n in range(3)]
    build(tmp_path / "i", [*rows, record("a", 3), record("b", 4)])
    with pytest.raises(InputError, match=r"no record 'nobody' \(and 1 more\); nothing was removed"):
        remove_records(tmp_path / "i", ["a", "nobody", "texts/nothing.txt"])
    assert describe(tmp_path / "i").records == 5
    assert remove_records(tmp_path / "i", ["table.jsonl", "texts/a.txt"]).removed == 4
    assert list(contents(tmp_path / "i")["records"]) == ["b"]


def test_what_was_skipped_is_told(tmp_path: Path) -> None:
    skipped = Skipped("x.jsonl", 3, "no text")
    assert build(tmp_path / "i", [record("a", 0), skipped]).skipped == (skipped,)  # type: ignore[list-item]
    assert [one.reason for one in add(tmp_path / "i", [Record("e", " ", path="e.txt")]).skipped] == ["empty text"]


def test_describing_counts_records_texts_and_languages(tmp_path: Path) -> None:
    build(tmp_path / "i", [record("a", 0), record("b", 0, upper=True), record("c", 1, language="de")])
    info = describe(tmp_path / "i")
    assert (info.records, info.texts, info.languages) == (3, 2, {"en": 2, "de": 1})
    assert list(info.languages) == ["en", "de"]  # most records first
    assert info.encoder.digest == ENCODER.digest
    assert info.settings["max_segments"] == SETTINGS.max_segments
    assert info.size > 10_000


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400).filter(lambda t: not is_empty(t))
"""Others are no articles (:mod:`dedup.prepare`)."""


@given(TEXTS, st.sampled_from(["en", "th", "und"]))
def test_a_sketch_comes_back_as_it_was(text: str, language: str) -> None:
    assume(not is_empty(text))  # such records are skipped
    (f,) = fingerprint([stages.article(text, language)], SETTINGS)
    (subject,) = stages.subjects([text], language)
    back = unpacked(packed(f))
    for name in ("digest", "numbers", "figures", "width", "script", "names"):
        assert getattr(back, name) == getattr(f, name)
    for name in ("segments", "beyond", "signature", "passages", "widths"):
        assert list(getattr(back, name)) == list(getattr(f, name))
    e = subject.embedding
    embedding = embedding_of(e.steps.tobytes(), e.norms.tobytes(), subject.fingerprint)
    assert embedding.document.tolist() == e.document.tolist()
    assert embedding.steps.tolist() == e.steps.tolist()


@pytest.mark.parametrize("spoil", [lambda data: data[:-4], lambda data: data[:0], lambda data: data[::-1]])
def test_bytes_that_are_no_sketch_are_refused(spoil: Callable[[bytes], bytes]) -> None:
    (f,) = fingerprint([stages.article(ARTICLES[0])], Settings())
    with pytest.raises(ValueError, match=r".+"):
        unpacked(spoil(packed(f)))


def test_gone_and_replaced_records_do_not_hide_their_copies(tmp_path: Path) -> None:
    build(tmp_path / "i", [record("a", 0), record("b", 0, upper=True), record("c", 1)])
    new = [Entry("a", "texts/a.txt", None, "en", None, None, 5, b"")]
    digests = [fingerprint([stages.article(ARTICLES[number])], SETTINGS)[0].digest for number in (0, 1)]
    with Index.open(tmp_path / "i") as index:
        hidden = index.hidden(new, ["texts/c.txt"])
        assert (len(hidden.replaced), len(hidden.gone)) == (1, 1)
        shown = index.with_texts(digests, hidden)
        assert list(shown) == digests[:1]
        (work,) = index.works(shown.values(), hidden)
    assert [entry.id for entry in work.members] == ["b"]
