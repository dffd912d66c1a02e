import os
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedup import Record, Relation, Settings, Skipped, WholeReport, find_clusters
from dedup.encoders import HashingEncoder
from dedup.model import CandidatePair, Finder, Vectors
from dedup.pipeline import report_of, run_stages, works_of
from dedup.prepare import prepare
from dedup.progress import Stage
from dedup.report.json_file import to_json

from . import stages

ROOT = Path(__file__).parent.parent
PAGE = "https://example.org/news/commune-report-1842.html"

ENGLISH = """The commune now has only 96 of its 113 staff left after the reform of July.
In July alone it received 402 new files and solved 317 of them within the month.
The office opens its doors at seven and closes them late every single evening."""
GERMAN = """Gemeinde jetzt hat nur 96 von ihre 113 Angestellte uebrig nach Reform im Juli.
Im Juli allein sie bekam 402 neue Akten und erledigte 317 davon binnen Monat.
Amt oeffnet seine Tueren um sieben und schliesst sie spaet jeden einzelnen Abend."""
BEES = """Bees live in hives and make honey from the nectar of flowers all summer long.
A large hive of 20000 bees needs 15 kilos of honey to come through the winter.
The keeper looks after 8 hives that stand near the old mill behind the church."""

WORDS = dict(
    re.findall(
        r"(\w+):(\w+)",
        "gemeinde:commune jetzt:now hat:has nur:only von:of ihre:its angestellte:staff uebrig:left nach:after "
        "allein:alone bekam:received neue:new akten:files und:and erledigte:solved binnen:within monat:month "
        "amt:office oeffnet:opens seine:its tueren:doors um:at sieben:seven schliesst:closes spaet:late jeden:every "
        "einzelnen:single abend:evening juli:july im:in",
    )
)
ENCODER = HashingEncoder(WORDS)

RECORDS: list[Record | Skipped] = [
    Record("a-en", f"{ENGLISH}\nSource: {PAGE}"),
    Record("b-de", f"{GERMAN}\nQuelle: {PAGE}"),
    Record("c-bees", BEES),
    Record("d-copy", f"{ENGLISH.upper()}\n\nVia https://other.example/x-77812.html"),
    Record("e-edit", ENGLISH.replace("late ", "later "), language="en"),
    Record("f-wrong", f"A new bridge over the river opens next spring, the builders say.\nSource: {PAGE}"),
    Skipped("z.jsonl", 3, "no text"),
]

pytestmark = pytest.mark.usefixtures("calibrated_by_hand")


def declared(records: Sequence[Record | Skipped]) -> list[Record | Skipped]:
    """With languages, so that nothing hangs on what a few words look like."""
    codes = {"b-de": "de", "c-de": "de"}
    return [replace(r, language=codes.get(r.id, "en")) if isinstance(r, Record) else r for r in records]


def run(records: Sequence[Record | Skipped], chosen: Settings | None = None) -> WholeReport:
    return find_clusters(declared(records), chosen, encoder=ENCODER)


def clusters_of(report: WholeReport) -> list[set[str]]:
    return [{report.articles[i].id for i in c.members} for c in report.clusters]


def relations_of(report: WholeReport) -> dict[tuple[str, str], Relation]:
    ids = [a.id for a in report.articles]
    return {(ids[one.left], ids[one.right]): one.relation for c in report.clusters for one in c.links}


# --- the whole run


def test_copies_edits_and_translations_of_one_article_are_one_cluster() -> None:
    report = run(RECORDS)
    assert clusters_of(report) == [{"a-en", "b-de", "d-copy", "e-edit"}]
    assert relations_of(report) == {
        ("a-en", "b-de"): Relation.TRANSLATION,
        ("a-en", "d-copy"): Relation.EXACT,
        ("a-en", "e-edit"): Relation.NEAR_DUPLICATE,
        ("b-de", "e-edit"): Relation.TRANSLATION,
    }


def test_links_say_how_they_were_found() -> None:
    report = run(RECORDS)
    found_by = {(one.left, one.right): one.found_by for one in report.clusters[0].links}
    assert found_by[0, 1] == (Finder.SOURCE_URL, Finder.FACTS, Finder.VECTORS)
    assert found_by[0, 3] == (Finder.EXACT,)


def test_a_wrong_citation_is_a_conflict_and_no_link() -> None:
    (conflict,) = run(RECORDS).conflicts
    assert conflict.source_url == PAGE
    assert conflict.members == (0, 1, 5)
    assert "2 different articles cite it; the probability" in conflict.reason


def test_a_home_page_that_many_cite_is_a_conflict_and_no_evidence() -> None:
    home = "https://example.org/"
    report = run([Record("a", ENGLISH, home), Record("b", BEES, home)])
    assert report.clusters == ()
    assert "lists or introduces" in report.conflicts[0].reason
    assert next(s.pairs for s in report.funnel if s.stage == "source-url") == 0


def test_the_funnel_follows_the_flow() -> None:
    report = run(RECORDS)
    stages = [s.stage for s in report.funnel]
    assert stages == [
        *("source-url", "bands", "facts", "vectors", "candidates"),
        *("source-url alone", "bands alone", "facts alone", "vectors alone"),
        *("ruled out early", "judged", "confirmed", "in clusters", "exact copies"),
    ]
    counts = {s.stage: s.pairs for s in report.funnel}
    assert counts["exact copies"] == 1
    assert counts["judged"] + counts["ruled out early"] >= counts["candidates"]
    assert counts["judged"] >= counts["confirmed"] >= counts["in clusters"] == 3


# --- any order, any batch: the same bytes


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(RECORDS))
def test_records_in_any_order_give_the_same_bytes(order: list[Record | Skipped]) -> None:
    assert to_json(run(order)) == to_json(run(RECORDS))


def many_records(count: int) -> list[Record]:
    """Articles of random words with copies, edits and shared figures among them."""
    rng = random.Random(11)  # noqa: S311
    vocabulary = [f"w{n}" for n in range(300)]
    records: list[Record] = []
    for number in range(count):
        if records and rng.random() < 0.5:
            words = rng.choice(records).text.split(" ")
            words[rng.randrange(len(words))] = rng.choice(vocabulary)
        else:
            words = [rng.choice(vocabulary) for _ in range(60)] + [str(rng.randrange(100, 9_999)) for _ in range(4)]
        url = f"https://example.org/{rng.randrange(10_000, 10_030)}.html" if rng.random() < 0.5 else None
        records.append(Record(f"{number:03}", " ".join(words), url, rng.choice(["en", "fr", "de"])))
    return records


def test_larger_runs_give_the_same_bytes_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    records = many_records(120)
    report = to_json(find_clusters(records, encoder=ENCODER))
    records = records[60:] + records[59::-1]
    monkeypatch.setattr("dedup.neighbours.blocks.SIMILARITIES", 1_000)
    assert to_json(find_clusters(records, encoder=ENCODER)) == report
    assert report.count(b'"members"') > 10


def test_the_seed_of_pythons_hashes_changes_nothing() -> None:
    program = """
import sys
from dedup import calibration, find_clusters
from dedup.report.json_file import to_json
from tests import stages, test_pipeline
calibration.for_bundled = stages.calibration
sys.stdout.buffer.write(to_json(find_clusters(test_pipeline.many_records(60), encoder=test_pipeline.ENCODER)))
"""
    one, other = (
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert one == other != b""


class CountingEncoder(HashingEncoder):
    """Remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return super().encode(texts)


def test_every_text_is_encoded_once_however_many_copies_there_are() -> None:
    encoder = CountingEncoder()
    find_clusters([Record(f"{i}{text[0]}", text) for i in range(5) for text in (ENGLISH, BEES)], encoder=encoder)
    assert len(encoder.seen) == len(set(encoder.seen)) > 0


def test_batch_size_changes_nothing() -> None:
    reports = {to_json(run(RECORDS, Settings(batch_size=size))) for size in (1, 3, 64)}
    assert len(reports) == 1


# --- copies


def test_copies_join_at_their_first_whatever_they_cite() -> None:
    urls = [None, PAGE, PAGE, "https://other.example/x-77812.html"]
    report = run([Record(f"{i}", ENGLISH, url) for i, url in enumerate(urls)])
    assert clusters_of(report) == [{"0", "1", "2", "3"}]
    (found,) = report.clusters
    assert [(one.left, one.right, one.relation) for one in found.links] == [(0, i, Relation.EXACT) for i in (1, 2, 3)]
    assert found.confidence > 0.999
    assert report.conflicts == ()


def test_a_copy_lends_its_citation_to_the_text() -> None:
    report = run([Record("a", ENGLISH), Record("b", ENGLISH, PAGE), Record("c-de", GERMAN, PAGE)])
    found_by = {(one.left, one.right): one.found_by for one in report.clusters[0].links}
    assert Finder.SOURCE_URL in found_by[0, 2]
    assert found_by[0, 1] == (Finder.EXACT,)


def test_the_weakest_pair_is_of_two_texts_and_named_by_their_first_records() -> None:
    report = run([Record("a", BEES), Record("b", ENGLISH), Record("c-de", GERMAN), Record("d", ENGLISH)])
    (found,) = report.clusters
    assert found.members == (1, 2, 3)
    assert found.weakest is not None
    assert (found.weakest.left, found.weakest.right) == (1, 2)
    assert found.weakest.probability == min(one.probability for one in found.links)


def test_copies_alone_have_no_weakest_pair() -> None:
    (found,) = run([Record("a", ENGLISH), Record("b", ENGLISH), Record("c", BEES)]).clusters
    assert found.weakest is None


def test_copies_that_cite_one_page_say_so() -> None:
    report = run([Record("a", ENGLISH, PAGE), Record("b", ENGLISH, PAGE)])
    assert report.clusters[0].links[0].found_by == (Finder.EXACT, Finder.SOURCE_URL)


def test_two_articles_with_copies_are_two_clusters() -> None:
    report = run([Record(f"{i}", text) for i, text in enumerate([BEES, ENGLISH, BEES, ENGLISH])])
    assert [c.members for c in report.clusters] == [(0, 2), (1, 3)]


def test_works_are_the_texts_in_the_order_of_their_first_article() -> None:
    from dedup.fingerprints import fingerprint

    from .stages import article

    prints = fingerprint([article(t) for t in ("b", "a", "B ", "c", "a")], Settings())
    assert works_of(prints) == [(0, 2), (1, 4), (3,)]


# --- little input, odd input


def test_no_records_make_an_empty_report() -> None:
    report = run([])
    assert (report.articles, report.clusters, report.conflicts, report.skipped) == ((), (), (), ())
    assert to_json(report)


def test_one_record_needs_no_model() -> None:
    encoder = CountingEncoder()
    report = find_clusters([RECORDS[0]], encoder=encoder)
    assert len(report.articles) == 1
    assert encoder.seen == []
    assert {s.pairs for s in report.funnel} == {0}


def test_records_of_one_text_need_no_model() -> None:
    encoder = CountingEncoder()
    report = find_clusters([Record(f"{i}", ENGLISH) for i in range(100)], encoder=encoder)
    assert [len(c.members) for c in report.clusters] == [100]
    assert len(report.clusters[0].links) == 99
    assert encoder.seen == []


def test_of_records_with_one_id_one_is_kept() -> None:
    report = run([Record("a", ENGLISH, path="x"), Record("a", BEES, path="y"), Record("b", GERMAN, path="x")])
    assert [a.id for a in report.articles] == ["a", "b"]
    assert len(report.skipped) == 1
    assert "duplicate id" in report.skipped[0].reason


def test_what_cannot_be_used_is_carried_into_the_report_in_order() -> None:
    report = run(
        [
            Skipped("b", 2, "later"),
            Record("empty", " \u200b\n", path="b", line=1),
            Skipped("b", None, "whole"),
            Record("blank", "", path="a"),
            Skipped("a", None, "again"),
        ]
    )
    assert [(s.path, s.line, s.reason) for s in report.skipped] == [
        ("a", None, "again"),
        ("a", None, "empty text"),
        ("b", None, "whole"),
        ("b", 1, "empty text"),
        ("b", 2, "later"),
    ]


def test_a_record_that_is_nothing_but_a_source_line_is_compared_as_it_is() -> None:
    report = run([Record("a", f"Source: {PAGE}"), Record("b", f"Source: {PAGE}"), Record("c", BEES)])
    assert report.articles[0].characters == len(f"Source: {PAGE}")
    assert report.articles[0].source_url == PAGE
    assert clusters_of(report) == [{"a", "b"}]


@pytest.mark.parametrize("text", ["x", "好", "...", "42", "\u0301", "Word " * 20_000, "𒀀", "🙂" * 50])
def test_odd_texts_are_compared_like_any_other(text: str) -> None:
    report = find_clusters([Record("a", text), Record("b", BEES), Record("c", text)], encoder=ENCODER)
    assert [c.members for c in report.clusters] == [(0, 2)]


def test_characters_that_no_library_takes_are_made_readable() -> None:
    texts = [f"{ENGLISH}\ud800", f"\x00{ENGLISH}\udfff", BEES]
    report = find_clusters([Record(f"{i}\udc80", text) for i, text in enumerate(texts)], encoder=ENCODER)
    assert to_json(report)
    assert len(report.articles) == 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(alphabet=st.characters(), max_size=80), max_size=5))
def test_no_text_breaks_a_run(texts: list[str]) -> None:
    report = find_clusters([Record(f"{i}", text) for i, text in enumerate(texts)], encoder=ENCODER)
    assert len(report.articles) + len(report.skipped) == len(texts)
    assert to_json(report)


def test_segments_beyond_the_limit_are_counted_by_record() -> None:
    report = run([Record("long", ENGLISH), Record("short", "One line only.")], Settings(max_segments=1))
    assert report.dropped_segments == {"long": 2}


# --- preparing


def test_the_citation_in_the_text_goes_before_the_declared_url() -> None:
    crawled = "https://mirror.example/de/99812.html"
    with_both, without, plain = prepare(
        [Record("a", f"{ENGLISH}\nSource: {PAGE}", crawled), Record("b", ENGLISH, crawled), Record("c", ENGLISH)]
    )[0]
    assert (with_both.source_url, without.source_url, plain.source_url) == (PAGE, crawled, None)
    assert with_both.text == without.text == ENGLISH
    assert plain.source_key is None


def test_a_url_that_is_none_makes_no_key() -> None:
    (article,) = prepare([Record("a", ENGLISH, "not a url")])[0]
    assert (article.source_url, article.source_key) == ("not a url", None)


def test_a_declared_language_counts() -> None:
    german, declared_as_dutch = prepare([Record("a", GERMAN), Record("b", GERMAN, language="nl-BE")])[0]
    assert (german.language, declared_as_dutch.language) == ("de", "nl")


def test_settings_and_model_are_stamped() -> None:
    report = run(RECORDS, Settings(threshold=0.6))
    assert report.settings["threshold"] == 0.6
    assert "datasketch" in str(report.settings["signature"])
    assert "batch_size" not in report.settings
    assert (report.encoder.name, report.encoder.digest) == ("hashing", ENCODER.digest)


def test_the_stages_hold_a_judgement_of_each_candidate_and_make_the_report() -> None:
    stages_of_run = run_stages(declared(RECORDS), Settings(), ENCODER)
    pairs = [(pair.left, pair.right) for pair in stages_of_run.proposal.pairs]
    judged_pairs = [(link.left, link.right) for link in stages_of_run.links]
    assert judged_pairs == [pair for pair in pairs if pair in judged_pairs]
    (ruled_out,) = stages_of_run.confirming
    assert (ruled_out.stage, ruled_out.pairs) == ("ruled out early", len(pairs) - len(judged_pairs))
    assert len(stages_of_run.works) == len(stages_of_run.subjects) < len(stages_of_run.articles)
    for link in stages_of_run.links:
        pair = CandidatePair(link.left, link.right, ())
        judged = stages_of_run.judge(pair)
        assert (judged.probability, judged.evidence) == (link.probability, link.evidence)
    report = report_of(stages_of_run, Settings())
    assert to_json(report) == to_json(run(RECORDS))


def test_progress_is_told_by_stage() -> None:
    told: list[tuple[str, int, int | None]] = []

    def progress(stage: str, done: int = 0, total: int | None = None, /) -> None:
        told.append((stage, done, total))

    report = find_clusters(RECORDS, encoder=ENCODER, progress=progress)
    in_order = tuple(stage for stage in Stage if stage is not Stage.CONSULT)  # the model sees every record here
    assert tuple(dict.fromkeys(stage for stage, _, _ in told)) == in_order
    assert (Stage.SKETCH, len(report.articles), None) in told
    candidates = {stage.stage: stage.pairs for stage in report.funnel}["candidates"]
    assert (Stage.CONFIRM, candidates, candidates) in told


def test_one_language_in_two_scripts_may_be_one_article() -> None:
    encoder = HashingEncoder({"председник": "president", "predsednik": "president", "дошао": "came", "došao": "came"})
    records = [Record("cyrillic", "Председник дошао", None, "sr"), Record("latin", "Predsednik došao", None, "sr")]
    (cluster,) = find_clusters(records, encoder=encoder, calibration=stages.calibration()).clusters
    assert cluster.members == (0, 1)
