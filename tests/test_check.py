import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedup import InputError, Record, Relation, Settings, Skipped, tell
from dedup.check import check, known_from
from dedup.encoders import HashingEncoder
from dedup.errors import UnusableIndexError
from dedup.findings import Checked
from dedup.index import Index, build_index
from dedup.model import Finder
from dedup.pipeline import report_of, run_stages
from dedup.read import read_records

from . import stages
from .test_pipeline import BEES, ENGLISH, GERMAN, PAGE, WORDS

ENCODER = HashingEncoder(WORDS, dimensions=stages.DIMENSIONS)
CALIBRATION = stages.calibration()
SETTINGS = Settings()

KNOWN: list[Record | Skipped] = [
    Record("en", f"{ENGLISH}\nSource: {PAGE}", language="en", path="seeds/en.txt"),
    Record("bees", BEES, language="en", path="seeds/bees.txt"),
    Skipped("seeds/empty.txt", None, "empty text"),
]
TRANSLATION = Record("de", f"{GERMAN}\nQuelle: {PAGE}", language="de", path="new/de.txt")
BRIDGE = "A new bridge over the river opens next spring, the builders say."
UNRELATED = Record("bridge", BRIDGE, language="en", path="new/bridge.txt")


def checked(
    new: Sequence[Record | Skipped],
    known: Sequence[Record | Skipped] = KNOWN,
    *,
    gone: Sequence[str] = (),
    settings: Settings = SETTINGS,
) -> Checked:
    with known_from(known, settings, encoder=ENCODER, calibration=CALIBRATION) as index:
        return check(new, index, settings, gone=gone, encoder=ENCODER, calibration=CALIBRATION)


def told(outcome: Checked) -> list[tuple[str, list[str]]]:
    return [(f.record.id, [m.partner.id for m in f.matches]) for f in outcome.findings]


def test_a_new_translation_of_a_known_text_is_found_and_its_partner_named() -> None:
    outcome = checked([TRANSLATION, UNRELATED])
    assert told(outcome) == [("de", ["en"])]
    (match,) = outcome.findings[0].matches
    assert match.known
    assert match.relation is Relation.TRANSLATION
    assert match.probability > 0.5
    assert match.shared_source == PAGE
    assert Finder.SOURCE_URL in match.found_by
    assert outcome.unaccepted == outcome.findings
    assert [entry.id for entry in outcome.records] == ["bridge", "de"]
    assert (outcome.known, outcome.replaced, outcome.gone) == (2, 0, 0)
    assert [one.path for one in outcome.known_skipped] == ["seeds/empty.txt"]


def test_an_unrelated_text_is_not_found() -> None:
    outcome = checked([UNRELATED, Skipped("new/x.txt", None, "empty text")])
    assert not outcome.findings
    assert not outcome.shared_pages
    assert [one.path for one in outcome.skipped] == ["new/x.txt"]


def test_nothing_new_is_nothing_found() -> None:
    outcome = checked([])
    assert not outcome.findings
    assert not outcome.records
    assert outcome.known == 2


def test_nothing_known_leaves_the_new_ones_among_themselves() -> None:
    copy = Record("z-copy", TRANSLATION.text, language="de", path="new/z.txt")
    assert told(checked([TRANSLATION, copy], [])) == [("z-copy", ["de"])]


def test_two_new_records_of_one_article_are_told_once_at_the_later_one() -> None:
    english = Record("new-en", ENGLISH, language="en", path="new/en.txt")
    outcome = checked([english, TRANSLATION, UNRELATED], [])
    assert told(outcome) == [("new-en", ["de"])]
    assert not outcome.findings[0].matches[0].known


def test_a_copy_of_a_known_text_is_exact_and_further_copies_are_counted() -> None:
    copies = [
        replace(KNOWN[1], id=f"bees-{n}", path=f"seeds/b{n}.txt") for n in range(3) if isinstance(KNOWN[1], Record)
    ]
    outcome = checked([Record("again", BEES.upper(), language="en", path="new/again.txt")], [*KNOWN, *copies])
    assert told(outcome) == [("again", ["bees"])]
    (match,) = outcome.findings[0].matches
    assert match.relation is Relation.EXACT
    assert match.copies == 3


def test_copies_among_the_new_are_told_of_the_known_and_of_the_first_of_them() -> None:
    new = [Record(f"n{n}", BEES, language="en", path=f"new/{n}.txt") for n in range(3)]
    assert told(checked(new)) == [("n0", ["bees"]), ("n1", ["bees", "n0"]), ("n2", ["bees", "n0"])]
    assert [f.matches[-1].copies for f in checked(new).findings] == [0, 0, 1]


def test_of_equal_matches_the_known_one_is_told_first() -> None:
    new = [Record(f"a{n}", BEES, language="en", path=f"new/{n}.txt") for n in range(2)]
    outcome = checked(new, [Record("z", BEES, language="en", path="known/z.txt")])
    assert told(outcome) == [("a0", ["z"]), ("a1", ["z", "a0"])]


@pytest.mark.parametrize("path", ["seeds/en.txt", "./seeds/../seeds/en.txt", str(Path("seeds/en.txt").absolute())])
def test_a_file_is_not_its_own_duplicate_however_its_path_is_spelled(path: str) -> None:
    changed = Record(path, f"{ENGLISH} One more sentence.", language="en", path=path)
    outcome = checked([changed])
    assert not outcome.findings
    assert (outcome.known, outcome.replaced) == (1, 1)


def test_another_file_of_the_same_name_is_a_duplicate() -> None:
    assert told(checked([Record("en", ENGLISH, language="en", path="new/en.txt")])) == [("en", ["en"])]


KNOWN_ROW = Record("17", ENGLISH, language="en", path="known.jsonl", line=4)


def row(id_: str, text: str, path: str = "new.jsonl", line: int = 1) -> Record:
    return Record(id_, text, language="en", path=path, line=line)


def test_a_row_of_a_known_id_in_its_table_takes_the_place_of_the_known_one() -> None:
    for path in ("known.jsonl", "./x/../known.jsonl", str(Path("known.jsonl").absolute())):
        outcome = checked([row("17", f"{ENGLISH} More.", path)], [KNOWN_ROW])
        assert (outcome.findings, outcome.same_id, outcome.replaced, outcome.known) == ((), (), 1, 0)
    moved = [row("17", BRIDGE, "known.jsonl"), row("18", ENGLISH, "known.jsonl", 2)]
    assert not checked(moved, [KNOWN_ROW]).findings
    assert told(checked([row("18", ENGLISH, line=4)], [KNOWN_ROW])) == [("18", ["17"])]


@pytest.mark.parametrize("path", ["new.jsonl", "-"])
def test_a_row_of_a_known_id_elsewhere_hides_no_known_row_but_from_itself(path: str) -> None:
    new = [row("17", BRIDGE, path), row("18", ENGLISH, path, 2)]
    outcome = checked(new, [KNOWN_ROW])
    assert told(outcome) == [("18", ["17"])]
    assert outcome.findings[0].matches[0].partner.path == "known.jsonl"
    assert (outcome.replaced, outcome.known, outcome.same_id) == (0, 1, ())


@pytest.mark.parametrize("text", [ENGLISH, f"{ENGLISH} More."])
def test_a_row_that_has_the_id_and_the_article_of_a_known_one_elsewhere_is_its_version_and_named(text: str) -> None:
    outcome = checked([row("17", text)], [KNOWN_ROW])
    assert not outcome.findings
    (one,) = outcome.same_id
    assert (one.record.path, one.known.path) == ("new.jsonl", "known.jsonl")
    assert (one.relation is Relation.EXACT) == (text == ENGLISH)
    copy = row("copy", ENGLISH.upper(), "more.jsonl")
    outcome = checked([row("17", text)], [KNOWN_ROW, copy])
    assert told(outcome) == [("17", ["copy"])]
    assert len(outcome.same_id) == 1


def test_a_row_that_has_the_id_of_a_known_one_in_another_language_is_a_translation_of_it() -> None:
    outcome = checked([Record("17", GERMAN, language="de", path="de.jsonl", line=4)], [KNOWN_ROW])
    assert told(outcome) == [("17", ["17"])]
    assert not outcome.same_id


def test_an_id_that_ends_in_its_line_is_an_id_all_the_same() -> None:
    known = [row("doc:4", ENGLISH, "known.jsonl", 4)]
    assert checked([row("doc:4", f"{ENGLISH} More.", "known.jsonl", 4)], known).replaced == 1


def test_the_first_line_of_standard_input_is_not_the_first_line_of_an_earlier_one() -> None:
    known = [Record("-:1", ENGLISH, language="en", path="-", line=1)]
    assert told(checked([Record("-:1", ENGLISH, language="en", path="-", line=1)], known)) == [("-:1", ["-:1"])]


def test_a_row_that_is_only_called_by_its_line_is_itself_where_place_and_text_are_the_same() -> None:
    known = [Record("t.jsonl:1", ENGLISH, language="en", path="t.jsonl", line=1)]
    same = replace(known[0], path="./t.jsonl")
    assert not checked([same], known).findings
    above = Record("t.jsonl:1", f"{ENGLISH} More.", language="en", path="t.jsonl", line=1)
    assert told(checked([above], known)) == [("t.jsonl:1", ["t.jsonl:1"])]
    elsewhere = replace(known[0], id="u.jsonl:1", path="u.jsonl")
    assert told(checked([elsewhere], known)) == [("u.jsonl:1", ["t.jsonl:1"])]


def test_records_of_a_program_are_the_same_by_their_id() -> None:
    assert not checked([Record("a", ENGLISH)], [Record("a", ENGLISH)]).findings


def test_records_of_files_that_are_gone_are_left_out() -> None:
    outcome = checked([TRANSLATION], gone=["seeds/en.txt"])
    assert not outcome.findings
    assert (outcome.known, outcome.gone) == (1, 1)
    assert told(checked([TRANSLATION], gone=["en.txt"])) == [("de", ["en"])]


def test_a_known_text_stays_known_as_long_as_one_of_its_records_does() -> None:
    other = Record("other", f"{ENGLISH}\nSource: {PAGE}", language="en", path="seeds/other.txt")
    outcome = checked([TRANSLATION], [*KNOWN, other], gone=["seeds/en.txt"])
    assert told(outcome) == [("de", ["other"])]
    assert outcome.findings[0].matches[0].copies == 0


def test_a_known_text_is_in_the_language_of_a_record_that_counts() -> None:
    first = Record("a", ENGLISH, language="de", path="seeds/a.txt")
    other = Record("b", ENGLISH, language="en", path="seeds/b.txt")
    edited = Record("new", ENGLISH.replace("late ", "later "), language="en", path="new.txt")
    for known, gone in (([first, other], ["seeds/a.txt"]), ([other], [])):
        ((match,),) = (finding.matches for finding in checked([edited], known, gone=gone).findings)
        assert (match.partner.id, match.relation) == ("b", Relation.NEAR_DUPLICATE)


def test_a_new_record_that_cites_the_page_of_another_article_is_told_apart_from_findings() -> None:
    wrong = replace(UNRELATED, text=f"{BRIDGE}\nSource: {PAGE}")
    outcome = checked([wrong])
    assert not outcome.findings
    (page,) = outcome.shared_pages
    assert page.record.id == "bridge"
    assert [other.id for other in page.others] == ["en"]
    assert page.source_url == PAGE


def test_of_many_records_that_cite_one_page_some_are_named_and_the_others_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tell, "OTHERS_NAMED", 2)
    texts = [BRIDGE, BEES, ENGLISH.replace("commune", "choir").replace("96", "11"), "Potatoes cost 40 crowns by now."]
    texts += ["Storms tore roofs off schools.", "Nobody knows who painted gates red."]
    of_page = [f"{text}\nSource: {PAGE}" for text in texts]
    known = [Record(f"k{n}", text, language="en", path=f"k/{n}.txt") for n, text in enumerate(of_page[:3])]
    new = [Record(f"n{n}", text, language="en", path=f"n/{n}.txt") for n, text in enumerate(of_page[3:])]
    pages = checked(new, known).shared_pages
    assert [page.record.id for page in pages] == ["n0", "n1", "n2"]
    assert [[other.id for other in page.others] for page in pages] == [["k0", "k1"]] * 3
    assert [page.further for page in pages] == [1, 2, 3]


def test_segments_of_known_records_beyond_the_limit_are_counted() -> None:
    short = Settings(max_segments=2)
    outcome = checked([UNRELATED], settings=short)
    with known_from(KNOWN, short, encoder=ENCODER, calibration=CALIBRATION) as index:
        report = report_of(run_stages(KNOWN, short, ENCODER, CALIBRATION), short)
        assert index.shortened == (2, sum(report.dropped_segments.values()))
        assert (outcome.known_shortened, outcome.known_dropped_segments) == index.shortened
    assert (checked([UNRELATED]).known_shortened, checked([UNRELATED]).known_dropped_segments) == (0, 0)


def test_a_page_that_lists_articles_is_no_reason_to_warn() -> None:
    home = "https://example.org/"
    known = [Record("en", f"{ENGLISH}\nSource: {home}", language="en")]
    assert not checked([Record("x", f"{BRIDGE}\nSource: {home}", language="en")], known).shared_pages


def test_an_index_of_other_settings_is_refused_with_the_way_out(tmp_path: Path) -> None:
    build_index(tmp_path / "i", KNOWN, SETTINGS, encoder=ENCODER, calibration=CALIBRATION)
    with Index.open(tmp_path / "i") as index:
        check([UNRELATED], index, Settings(threshold=0.9), encoder=ENCODER, calibration=CALIBRATION)
        with pytest.raises(UnusableIndexError, match=r"shingle_size 5, not 7: .* dedup index build"):
            check([UNRELATED], index, Settings(shingle_size=7), encoder=ENCODER, calibration=CALIBRATION)
        with pytest.raises(UnusableIndexError, match="made with the vectors of hashing"):
            check([UNRELATED], index, SETTINGS, encoder=ENCODER, calibration=replace(CALIBRATION, name="other"))


def test_a_model_without_a_calibration_is_refused() -> None:
    with pytest.raises(InputError, match="dedup calibrate"), known_from(KNOWN, SETTINGS, encoder=ENCODER):
        pass


def test_the_threshold_is_that_of_the_check() -> None:
    probability = checked([TRANSLATION]).findings[0].matches[0].probability
    assert not checked([TRANSLATION], settings=Settings(threshold=(1 + probability) / 2)).findings


SENTENCES = [*ENGLISH.splitlines(), *BEES.splitlines(), BRIDGE, *GERMAN.splitlines()]


@st.composite
def corpora(draw: st.DrawFn) -> tuple[list[Record], list[Record]]:
    """New and known records out of few sentences, so that copies, edits and parts are frequent."""

    def records(name: str, most: int) -> Iterator[Record]:
        for number in range(draw(st.integers(0, most))):
            chosen = draw(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=4, unique=True))
            source = draw(st.sampled_from(["", f"\nSource: {PAGE}", f"\nSource: {PAGE}?id=2"]))
            yield Record(f"{name}{number}", "\n".join(chosen) + source, language=draw(st.sampled_from(["en", "de"])))

    return list(records("n", 4)), list(records("k", 6))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(corpora(), st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_the_order_of_records(
    given_records: tuple[list[Record], list[Record]], chance: random.Random
) -> None:
    new, known = given_records
    mixed = chance.sample(new, len(new)), chance.sample(known, len(known))
    assert checked(new, known) == checked(*mixed)


@st.composite
def versions(draw: st.DrawFn, name: str, most: int) -> list[Record]:
    """Records that each carry one article: whole, without its last sentence, in other letters, or translated."""
    records = []
    for number in range(draw(st.integers(0, most))):
        text = draw(st.sampled_from([ENGLISH, GERMAN, BEES, BRIDGE]))
        lines = text.splitlines()
        kept = lines if draw(st.booleans()) else lines[:2]
        version = "\n".join(kept)
        cased = draw(st.sampled_from([version, version.upper(), version.lower()]))
        records.append(Record(f"{name}{number}", cased, language="de" if text == GERMAN else "en"))
    return records


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(versions("n", 4), versions("k", 6))
def test_a_check_says_of_new_versions_of_articles_what_a_run_over_everything_says(
    new: list[Record], known: list[Record]
) -> None:
    report = report_of(run_stages([*new, *known], SETTINGS, ENCODER, CALIBRATION), SETTINGS)
    clusters = [{report.articles[member].id for member in cluster.members} for cluster in report.clusters]
    outcome = checked(new, known)
    found = {f.record.id for f in outcome.findings}
    found |= {m.partner.id for f in outcome.findings for m in f.matches if not m.known}
    assert found == {one for ids in clusters for one in ids if one.startswith("n")}
    for finding in outcome.findings:
        (ids,) = (ids for ids in clusters if finding.record.id in ids)
        assert {match.partner.id for match in finding.matches} <= ids


def in_tables(records: Sequence[Record], path: str) -> list[Record]:
    """As rows of a table that counts from 1."""
    return [replace(one, id=str(n), path=path, line=n) for n, one in enumerate(records, 1)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(versions("n", 4), versions("k", 6), st.sampled_from(["new.jsonl", "-"]))
def test_ids_that_repeat_in_another_table_hide_nothing(new: list[Record], known: list[Record], path: str) -> None:
    report = report_of(run_stages([*new, *known], SETTINGS, ENCODER, CALIBRATION), SETTINGS)
    clustered = {report.articles[member].id for cluster in report.clusters for member in cluster.members}
    outcome = checked(in_tables(new, path), in_tables(known, "known.jsonl"))
    assert (outcome.replaced, outcome.known) == (0, len(known))
    found = {f.record.id for f in outcome.findings} | {one.record.id for one in outcome.same_id}
    found |= {m.partner.id for f in outcome.findings for m in f.matches if not m.known}
    assert found == {str(n) for n, one in enumerate(new, 1) if one.id in clustered}
    for one in outcome.same_id:
        assert one.record.id == one.known.id


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(corpora(), st.data())
def test_known_records_that_do_not_count_are_as_if_they_were_not_there(
    given_records: tuple[list[Record], list[Record]], data: st.DataObject
) -> None:
    new, known = ([replace(one, path=f"{one.id}.txt") for one in some] for some in given_records)
    fates = [data.draw(st.sampled_from(["stays", "stays", "gone", "replaced"])) for _ in known]
    left = [one for one, fate in zip(known, fates, strict=True) if fate == "stays"]
    gone = [f"{one.path}" for one, fate in zip(known, fates, strict=True) if fate == "gone"]
    again = [one for one, fate in zip(known, fates, strict=True) if fate == "replaced"]
    new += [replace(one, text=f"{data.draw(st.sampled_from(SENTENCES))}\n{one.text}") for one in again]
    outcome = checked(new, known, gone=gone)
    assert (outcome.gone, outcome.replaced) == (len(gone), len(again))
    assert replace(outcome, gone=0, replaced=0, funnel=()) == replace(checked(new, left), funnel=())


def test_new_records_come_from_files_as_in_a_run(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "en.txt").write_text(ENGLISH, encoding="utf-8")
    (folder / "bees.txt").write_text(BEES, encoding="utf-8")
    (tmp_path / "copy.txt").write_text(BEES, encoding="utf-8")
    new = [str(tmp_path / "copy.txt"), str(folder / "bees.txt")]
    with known_from(read_records([folder]), SETTINGS, encoder=ENCODER, calibration=CALIBRATION) as index:
        outcome = check(read_records(new), index, SETTINGS, encoder=ENCODER, calibration=CALIBRATION)
    assert [Path(finding.record.path or "").name for finding in outcome.findings] == ["bees.txt"]
    assert (outcome.known, outcome.replaced) == (1, 1)
