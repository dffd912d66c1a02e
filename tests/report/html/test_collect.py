from dataclasses import replace
from itertools import combinations

import msgspec
import pytest

from dedup.model import Conflict, Record, Report
from dedup.pipeline import Stages
from dedup.report.document import document_of
from dedup.report.html.collect import Limits, page_data
from dedup.report.html.data import PageData
from dedup.sweep import sweep

from .conftest import OTHERS, SENTENCES, records, run

Made = tuple[Stages, Report]


@pytest.fixture(scope="module")
def data(made: Made) -> PageData:
    return page_data(*made, 0.5)


def test_clusters_are_those_of_the_report_in_its_order(made: Made, data: PageData) -> None:
    said = document_of(made[1])
    assert len(said.clusters) == 2
    for row, cluster in zip(data.index.clusters, said.clusters, strict=True):
        assert (row.id, row.confidence, row.flags) == (cluster.id, cluster.confidence, cluster.flags)
        assert [data.index.records[place].id for place in row.members] == [member.id for member in cluster.members]
        assert data.index.records[row.keep].id == cluster.keep
        pairs = [data.index.pairs[place] for place in row.links]
        listed = {(data.index.records[pair.left].id, data.index.records[pair.right].id) for pair in pairs}
        assert listed == {(link.left, link.right) for link in cluster.links}
        assert row.all_links == len(cluster.links)


def test_evidence_is_that_of_the_report(made: Made, data: PageData) -> None:
    said = {(link.left, link.right): link for c in document_of(made[1]).clusters for link in c.links}
    for pair in data.index.pairs:
        link = said.get((data.index.records[pair.left].id, data.index.records[pair.right].id))
        if link is not None and pair.detail is not None:
            written = [
                (data.index.evidence[name], value, weight, words)
                for name, value, weight, words in data.details[pair.detail].evidence
            ]
            assert written == [(one.name, one.value, one.weight, one.detail) for one in link.evidence]


def test_passages_join_the_sentences_that_say_the_same_whichever_record_comes_first() -> None:
    whole, turned = "\n".join(SENTENCES), "\n".join(reversed(SENTENCES))
    data = page_data(*run([Record("a", whole, language="en"), Record("b", turned, language="fr")]), 0.5)
    (pair,) = data.index.pairs
    (detail,) = data.details
    left, right = (data.texts[data.index.records[side].text].segments for side in (pair.left, pair.right))
    assert detail.passages
    for i, j, similarity in detail.passages:
        one, other = set(left[i].split()), set(right[j].split())
        assert len(one & other) > min(len(one), len(other)) / 2
        assert 50 <= similarity <= 100
    assert {"402", "317", "96", "113", "1250"} <= set(detail.shared)


def test_copies_share_one_text_and_are_their_own_partners(data: PageData) -> None:
    by_id = {record.id: record for record in data.index.records}
    assert by_id["a"].text == by_id["copy of a"].text
    (pair,) = (p for p in data.index.pairs if data.index.confirmed[p.confirmed_by] == "text")
    assert pair.detail is not None
    segments = data.texts[by_id["a"].text].segments
    assert data.details[pair.detail].passages == tuple((i, i, 100) for i in range(len(segments)))


def test_two_copies_alone_have_a_text_though_no_model_was_asked() -> None:
    data = page_data(*run([Record("a", SENTENCES[0]), Record("b", SENTENCES[0])]), 0.5)
    assert [text.segments for text in data.texts] == [(SENTENCES[0],)]


def test_texts_are_shown_without_the_lines_that_were_joined() -> None:
    headed = [Record(id_, f"{id_}\n{SENTENCES[0]}\nThat is all") for id_ in ("One", "Two")]
    data = page_data(*run(headed), 0.5)
    assert [text.segments for text in data.texts] == [(f"{r.id} {SENTENCES[0]} That is all",) for r in headed]


def test_what_the_limits_leave_out_is_counted(made: Made, data: PageData) -> None:
    cut = page_data(*made, 0.5, Limits(characters=30, links=2, outside=0, detailed=1)).index.cut
    whole = data.index.cut
    assert (whole.texts_cut, whole.links_shown, whole.pairs_detailed) == (0, whole.links, whole.pairs)
    assert (cut.characters, cut.texts_cut) == (30, cut.texts)
    assert (cut.links, cut.links_shown) == (whole.links, 2)
    assert cut.pairs_detailed == 1
    assert (cut.outside, cut.outside_shown) == (whole.outside, 0)


@pytest.mark.parametrize("most", [1, 30, 200, 10_000])
def test_text_is_cut_at_the_limit_and_the_rest_counted(made: Made, data: PageData, most: int) -> None:
    cut = page_data(*made, 0.5, Limits(characters=most))
    by_id = {record.id: record for record in data.index.records}
    for record in cut.index.records:
        whole = "".join(data.texts[by_id[record.id].text].segments)
        shown = cut.texts[record.text]
        assert "".join(shown.segments) == whole[:most]
        assert shown.cut_characters == max(0, len(whole) - most)


def test_texts_of_the_pairs_nearest_to_the_threshold_come_whole_where_not_all_fit(made: Made) -> None:
    whole = page_data(*made, 0.5)
    first = min(
        (p for p in whole.index.pairs if p.detail is not None and whole.index.confirmed[p.confirmed_by] != "text"),
        key=lambda p: abs(p.probability - 0.5),
    )
    wanted = {whole.index.records[side].text for side in (first.left, first.right)}
    enough = sum(len("".join(whole.texts[text].segments)) for text in wanted)
    others = len(whole.texts) - len(wanted)
    data = page_data(*made, 0.5, Limits(all_characters=enough + 5 * others, beginning=5))
    shown = [len("".join(text.segments)) for text in data.texts]
    assert [number for number, length in enumerate(shown) if length > 5] == sorted(wanted)
    assert sum(shown) <= enough + 5 * others
    assert data.index.cut.texts_begun == others


def test_figures_stand_where_the_page_is_told() -> None:
    text = "\N{CRICKET BAT AND BALL} 1,250 m; 3 \N{TENNIS RACQUET AND BALL} 12億3000万"
    data = page_data(*run([Record("a", text), Record("b", text)]), 0.5)
    (row,) = data.texts
    units = [segment.encode("utf-16-le") for segment in row.segments]
    found = [(units[n][2 * start : 2 * end].decode("utf-16-le"), digits) for n, start, end, digits in row.figures]
    assert found == [("1,250", "1250"), ("3", "3"), ("12億3000万", "1230000000")]


def test_changes_at_other_thresholds_name_the_clusters_and_the_records(made: Made) -> None:
    data = page_data(*made, 0.5)
    outlooks = sweep(made[0], 0.5)
    assert any(outlook.changes for outlook in outlooks)
    articles = made[1].articles
    for row, outlook in zip(data.index.outlooks, outlooks, strict=True):
        assert (row.threshold, row.gone, row.new) == (outlook.threshold, outlook.gone, outlook.new)
        for change, real in zip(row.changes, outlook.changes, strict=True):
            before = [{data.index.records[m].id for m in data.index.clusters[c].members} for c in change.before]
            after = [{data.index.records[m].id for m in group.members} for group in change.after]
            assert before == [{articles[i].id for i in group} for group in real.before]
            assert after == [{articles[i].id for i in group} for group in real.after]
            lost = {data.index.records[m].id for m in change.lost.members}
            assert lost == set().union(*before) - set().union(*after)


def turned(name: str, sentences: tuple[str, ...]) -> list[Record]:
    """A text in three languages, each of which begins with another sentence."""
    texts = (" ".join(sentences[i:] + sentences[:i]) for i in range(3))
    return [Record(f"{name}{code}", text, language=code) for text, code in zip(texts, LANGUAGES, strict=False)]


def test_weakest_pairs_of_all_clusters_come_before_others_where_not_all_fit() -> None:
    made = run([*turned("v", SENTENCES), *turned("o", OTHERS)])
    data = page_data(*made, 0.5, Limits(links=2, outside=0))
    assert [len(cluster.links) for cluster in data.index.clusters] == [1, 1]
    for row, cluster in zip(data.index.clusters, document_of(made[1]).clusters, strict=True):
        least = min(link.probability for link in cluster.links)
        assert data.index.pairs[row.links[0]].probability == least


def test_pairs_below_the_threshold_are_listed_from_the_floor_on_the_nearest_first() -> None:
    pieces = [*SENTENCES, *OTHERS]
    texts = [" ".join(some) for some in combinations(pieces, 3)][:12]
    made, report = run([Record(code, text, language=code) for text, code in zip(texts, LANGUAGES, strict=True)], 0.9)
    data = page_data(made, report, 0.9, Limits(floor=0.2))
    listed = [data.index.pairs[place].probability for place in data.index.outside]
    assert listed == sorted(listed, key=lambda p: abs(p - 0.9))
    linked = {(link.left, link.right) for c in report.clusters for link in c.links}
    judged = {(link.left, link.right): link.probability for link in (*made.links, *made.clustering.further)}
    assert len(listed) == sum(p >= 0.2 and pair not in linked for pair, p in judged.items()) > 0


LANGUAGES = ("en", "de", "fr", "es", "sv", "pt", "it", "nl", "da", "pl", "cs", "fi")


def test_same_records_give_the_same_bytes_in_any_order(data: PageData) -> None:
    again = page_data(*run(reversed(records())), 0.5)
    assert msgspec.json.encode(again) == msgspec.json.encode(data)


def test_report_is_left_as_it_is(made: Made) -> None:
    before = msgspec.json.encode(document_of(made[1]))
    page_data(*made, 0.5)
    assert msgspec.json.encode(document_of(made[1])) == before


def test_conflict_names_records_that_no_cluster_holds(made: Made) -> None:
    report = replace(made[1], conflicts=(Conflict("https://news.example/", (0, 5), "a home page"),))
    (conflict,) = page_data(made[0], report, 0.5).index.conflicts
    assert len(conflict.members) == 2
