import csv
import gzip
import io
import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from dedup import InputError, Record, Settings, find_clusters
from dedup.confirm import SAME_TEXT_WEIGHT
from dedup.encoders import HashingEncoder
from dedup.explain import Explanation, Passage, Side, explain
from dedup.lookup import find_records
from dedup.model import EncoderInfo, Entry, Evidence, Finder, Link, Relation
from dedup.read import Fields, read_records
from dedup.report.document import document_of
from dedup.report.explanation import explanation_json, render_explanation

from . import stages

pytestmark = pytest.mark.usefixtures("calibrated_by_hand")

COUNCIL = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there."
BUDGET = "Its budget of 96 million pays for two bridges, a school and the long road along the river to the old harbour."
WEATHER = "Heavy showers are expected over the northern hills tonight, clearing slowly from the west by 1130 tomorrow."
URL = "https://example.org/2025/council-elects-committee.html"


class Unusable:
    """An encoder for pairs that need none."""

    name = digest = "unusable"

    def encode(self, texts: object) -> None:
        raise AssertionError(f"no model is needed, but was asked for {texts}")


def explained(left: str, right: str, url: str | None = None) -> Explanation:
    records = Record("a", left, url, "en"), Record("b", right, url, "en")
    return explain(*records, encoder=HashingEncoder())


def shown(explanation: Explanation, width: int = 80, full: bool = False) -> str:
    file = io.StringIO()
    render_explanation(explanation, Console(file=file, width=width), full=full)
    return file.getvalue()


def made_by_hand() -> Explanation:
    """Like the explanation of an Arabic article and a Hindi one."""
    arabic = Entry("خبر.txt", "in/خبر.txt", None, "ar", URL, None, 3_893, b"")
    hindi = Entry("b\x1b[2J", "in/t.jsonl", 7, "hi", None, None, 4_423, b"")
    evidence = (
        Evidence("prior", 1.0, -6.204),
        Evidence("alignment", 0.66, 4.104),
        Evidence("shared-figures", 2.9, 4.104, "402 317"),
    )
    probability = 1 / (1 + math.exp(-math.fsum(one.weight for one in evidence)))
    return Explanation(
        left=Side(arabic, 3, 0, ("وكان برفقة الوفد " * 9,), (0.314,), ()),
        right=Side(hindi, 2, 5, (), (), ("12",)),
        link=Link(0, 1, Relation.TRANSLATION, probability, (), evidence),
        threshold=0.5,
        passages=(Passage("بلغ العدد 402", "402 संख्या", 0.831),),
        shared_figures=("402", "317"),
        clashing_figures=(("11", "12"),),
        encoder=EncoderInfo("e", "d", "c"),
    )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("width", [34, 80])
def test_no_passage_commands_a_runner_however_it_is_folded(full: bool, width: int) -> None:
    text = "Some words ::error::broken and more ##[error]of them ::warning file=a::b"
    passage = Passage(text, text, 0.8)
    given = replace(made_by_hand(), passages=(passage,))
    given = replace(given, right=replace(given.right, unmatched=(text,), nearest=(0.1,)))
    lines = shown(given, width, full).splitlines()
    assert any("##" in line or "::" in line for line in lines)
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


# The judgement


def test_pair_gets_the_judgement_that_it_gets_in_a_run() -> None:
    records = Record("a", f"{COUNCIL}\n{BUDGET}", URL, "en"), Record("b", f"{COUNCIL}\n{BUDGET} Soon.", URL, "en")
    report = find_clusters(records, encoder=HashingEncoder())
    ((link,),) = (cluster.links for cluster in report.clusters)
    alone = explain(*records, encoder=HashingEncoder())
    assert alone.link.evidence == link.evidence
    assert (alone.link.probability, alone.link.relation) == (link.probability, link.relation)
    assert alone.same_article


def test_weights_add_up_to_the_log_odds() -> None:
    link = explained(f"{COUNCIL}\n{BUDGET}", f"{BUDGET}\n{WEATHER}").link
    log_odds = math.log(link.probability / (1 - link.probability))
    assert math.fsum(one.weight for one in link.evidence) == pytest.approx(log_odds)


def test_shared_source_url_is_evidence_only_where_it_names_an_article() -> None:
    for url, expected in ((URL, (Finder.SOURCE_URL,)), ("https://example.org/", ()), (None, ())):
        assert explained(COUNCIL, BUDGET, url).link.found_by == expected


def test_same_text_needs_no_model() -> None:
    records = Record("a", f"{COUNCIL}\n{BUDGET}"), Record("b", f"{COUNCIL.upper()}\n\n{BUDGET}")
    found = explain(*records, encoder=Unusable())  # type: ignore[arg-type]
    assert (found.link.relation, found.same_article, found.encoder) == (Relation.EXACT, True, None)
    assert [one.weight for one in found.link.evidence] == [0.0, SAME_TEXT_WEIGHT]
    assert (found.passages, found.shared_figures) == ((), ("402", "96"))


def test_decision_is_made_at_the_threshold() -> None:
    records = Record("a", COUNCIL), Record("b", COUNCIL)
    probability = explain(*records).link.probability
    assert not explain(*records, Settings(threshold=math.nextafter(probability, 1.0))).same_article
    assert explain(*records, Settings(threshold=probability)).same_article


def test_record_without_text_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"^b: empty text$"):
        explain(Record("a", COUNCIL), Record("b", "\u200b "))


# What is aligned and what is not


def test_passages_come_in_the_order_of_the_left_text_and_the_rest_is_named() -> None:
    found = explained(f"{COUNCIL}\n{WEATHER}\n{BUDGET}", f"{BUDGET}\n{COUNCIL}")
    assert [(one.left, one.right) for one in found.passages] == [(COUNCIL, COUNCIL), (BUDGET, BUDGET)]
    assert all(one.similarity == pytest.approx(1.0, abs=1e-5) for one in found.passages)
    assert (found.left.unmatched, found.right.unmatched) == ((WEATHER,), ())
    assert (found.left.segments, found.right.segments) == (3, 2)


def test_passages_are_shown_in_one_line() -> None:
    found = explained(f"The vote\n{COUNCIL}\nIn brief\n{WEATHER}", f"The vote {COUNCIL}\nShort\nMonday’s {BUDGET}")
    assert [(one.left, one.right) for one in found.passages] == [(f"The vote {COUNCIL}",) * 2]
    assert (found.left.unmatched, found.right.unmatched) == ((f"In brief {WEATHER}",), (f"Short Monday’s {BUDGET}",))


def test_figures_are_shared_or_missing_on_the_side_that_states_fewer() -> None:
    found = explained(f"{COUNCIL}\n{BUDGET} 1999", f"{COUNCIL} 4711")
    assert found.shared_figures == ("402",)
    assert (found.left.missing_figures, found.right.missing_figures) == ((), ("4711",))


def test_segments_beyond_the_limit_are_counted() -> None:
    records = Record("a", f"{COUNCIL}\n{BUDGET}\n{WEATHER}"), Record("b", BUDGET)
    found = explain(*records, Settings(max_segments=1), encoder=HashingEncoder())
    assert (found.left.segments, found.left.dropped_segments) == (1, 2)


# In text and JSON


def test_explanation_on_80_columns() -> None:
    lines = [line.rstrip() for line in shown(made_by_hand()).splitlines()]
    assert lines == [
        "\u2068A  خبر.txt\u2069",
        "   \u2068in/خبر.txt\u2069",
        f"   {URL}",
        "   ar, 3,893 characters, 3 segments",
        r"B  b\x1b[2J",
        "   in/t.jsonl:7",
        "   hi, 4,423 characters, 2 segments (5 more not compared)",
        "",
        "The same article (translation): probability 0.881, threshold 0.5",
        "For it: passages align 0.66, figures shared: 402 317",
        "",
        "evidence        value  weight  log-odds  probability  detail",
        "prior            1.00   -6.20     -6.20        0.002",
        "alignment        0.66   +4.10     -2.10        0.109",
        "shared-figures   2.90   +4.10     +2.00        0.881  402 317",
        "",
        "1 passage in both, in the order of A, with their similarity",
        "  0.83  A \u2068بلغ العدد 402\u2069",
        "        B 402 संख्या",
        "",
        "Only in A: 1 of 3 segments, with the similarity to the nearest of B",
        "  0.31  A \u2068" + ("وكان برفقة الوفد " * 9)[:69].rstrip() + "…\u2069",
        "",
        "Figures in both (2): 402, 317",
        "Figures of B missing in A (1): 12",
        "Figures that clash, of A and of B (1): 11 and 12",
    ]


def test_full_explanation_holds_all_of_every_passage() -> None:
    many = tuple(Passage(f"Left passage {i} {'tells ' * 20}{i}.", f"Right {i}.", 0.8) for i in range(50))
    lost = tuple(f"Only here is {i}." for i in range(30))
    made = made_by_hand()
    explanation = replace(made, passages=many, left=replace(made.left, unmatched=lost, nearest=(0.25,) * 30))
    short, full = shown(explanation), shown(explanation, full=True)
    assert "… 30 more (all with --full)" in short
    assert "… 22 more (all with --full)" in short
    assert "more (" not in full
    words = full.split()
    for passage in many:
        assert all(word in words for word in (*passage.left.split(), *passage.right.split()))
    assert sum(line.startswith("  0.25  A Only here is ") for line in full.splitlines()) == 30
    assert max(map(cell_len, full.splitlines())) <= 80


def test_figures_are_marked_where_they_stand() -> None:
    file = io.StringIO()
    passage = Passage("Of 402 people 12 left, 99 stayed.", "B", 0.8)
    console = Console(file=file, width=200, force_terminal=True, color_system="standard", highlight=False)
    render_explanation(replace(made_by_hand(), passages=(passage,)), console)
    assert "Of \x1b[1;32m402\x1b[0m people \x1b[1;31m12\x1b[0m left, 99 stayed." in file.getvalue()


def test_segment_without_a_partner_comes_with_what_is_nearest() -> None:
    side = explained(f"{COUNCIL}\n{WEATHER}", f"{COUNCIL}\n{BUDGET}").left
    assert side.unmatched == (WEATHER,)
    (nearest,) = side.nearest
    assert -1 <= nearest < stages.calibration().partner_similarity


@pytest.mark.parametrize("width", [50, 80, 200])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    assert max(map(cell_len, shown(made_by_hand(), width).splitlines())) <= width


def test_shown_weights_add_up_to_the_shown_sums() -> None:
    table = shown(explained(f"{COUNCIL}\n{BUDGET}", f"{BUDGET}\n{WEATHER}")).split("evidence ")[1].split("\n\n")[0]
    rows = [line.split() for line in table.splitlines()[1:] if len(line.split()) > 4]
    weights, sums = [float(row[2]) for row in rows], [float(row[3]) for row in rows]
    assert len(rows) > 3
    assert weights[1:] == pytest.approx([after - before for before, after in pairwise(sums)])
    assert weights[0] == sums[0]


def test_json_says_what_the_text_says() -> None:
    document = json.loads(explanation_json(made_by_hand()))
    assert (document["same_article"], document["relation"], document["threshold"]) == (True, "translation", 0.5)
    assert document["probability"] == pytest.approx(0.8812, abs=1e-4)
    assert document["evidence"][2] == {"name": "shared-figures", "value": 2.9, "weight": 4.104, "detail": "402 317"}
    assert document["passages"] == [{"left": "بلغ العدد 402", "right": "402 संख्या", "similarity": 0.831}]
    assert (document["left"]["record"]["id"], document["left"]["record"]["characters"]) == ("خبر.txt", 3_893)
    assert document["right"]["missing_figures"] == ["12"]
    assert document["clashing_figures"] == [{"left": "11", "right": "12"}]
    assert document["left"]["nearest"] == [0.314]
    assert json.loads(explanation_json(explain(Record("a", COUNCIL), Record("b", COUNCIL))))["encoder"] is None


# Which records a person means


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text(COUNCIL)
    (folder / "b.txt").write_text(COUNCIL)
    rows = [{"id": 1, "text": COUNCIL}, {"id": "c", "text": COUNCIL, "lang": "en"}, {"id": "d", "text": WEATHER}]
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_id_of_a_report_is_read_again_from_its_place(corpus: Path) -> None:
    report = document_of(find_clusters(read_records([corpus, corpus / "t.jsonl"]), encoder=HashingEncoder()))
    first, second = find_records(["a.txt", "c"], Fields(), report=report)
    assert (first.id, first.text, first.path) == ("a.txt", COUNCIL, str(corpus / "a.txt"))
    assert (second.id, second.line, second.language) == ("c", 2, "en")


def test_record_of_a_report_whose_file_has_changed_or_gone_is_refused(corpus: Path) -> None:
    report = document_of(find_clusters(read_records([corpus, corpus / "t.jsonl"]), encoder=HashingEncoder()))
    (corpus / "a.txt").write_text(WEATHER + COUNCIL)
    (corpus / "b.txt").unlink()
    (corpus / "t.jsonl").write_text('{"id": 1, "body": ""}\n')
    for name, complaint in {
        "a.txt": r"'a\.txt' of the report: .*a\.txt has changed since the report was written",
        "b.txt": r"'b\.txt' of the report: cannot read '.*b\.txt': No such file or directory",
        "1": r"'1' of the report: .*t\.jsonl:1: no field \"text\"",
        "c": r"'c' of the report: .*t\.jsonl has changed since",
    }.items():
        with pytest.raises(InputError, match=complaint):
            find_records([name], Fields(), report=report)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.csv.gz"])
def test_row_of_a_table_with_a_header_is_read_again_from_its_place(name: str, tmp_path: Path) -> None:
    def write(rows: list[tuple[str, str]]) -> None:
        file = io.StringIO()
        table = csv.writer(file, delimiter="\t" if "tsv" in name else ",")
        table.writerows([("id", "text"), *rows])
        data = file.getvalue().encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)

    in_lines = COUNCIL.replace(", ", ",\n")
    rows = [("0", WEATHER), ("1", in_lines), ("2", COUNCIL)]
    write(rows)
    report = document_of(find_clusters(read_records([tmp_path / name]), encoder=HashingEncoder()))
    first, second = find_records(["1", "2"], Fields(), report=report)
    assert (first.id, first.text, second.id, second.text) == ("1", in_lines, "2", COUNCIL)
    assert second.line == 4 + in_lines.count("\n")
    write([rows[0], ("3", in_lines), rows[2]])
    with pytest.raises(InputError, match=rf"'1' of the report: .*{name}:3 is record '3': .* has changed since"):
        find_records(["1"], Fields(), report=report)


def test_record_of_a_report_that_came_from_elsewhere_is_to_be_given() -> None:
    records = [Record("a", COUNCIL), Record("b", COUNCIL, path="-", line=1)]
    report = document_of(find_clusters(records, encoder=HashingEncoder()))
    for name in ("a", "b"):
        with pytest.raises(InputError, match="was not read from a file: give the input with --in"):
            find_records([name], Fields(), report=report)


def test_id_is_looked_up_among_given_inputs_first(corpus: Path) -> None:
    fields = Fields()
    first, second = find_records(["d", "a.txt"], fields, [str(corpus), str(corpus / "t.jsonl")])
    assert (first.text, first.line, second.text) == (WEATHER, 3, COUNCIL)


def test_what_is_no_id_is_a_file_with_one_record(corpus: Path) -> None:
    (corpus / "one.jsonl").write_text(json.dumps({"body": COUNCIL, "id": "x"}) + "\n")
    first, second = find_records([str(corpus / "a.txt"), str(corpus / "one.jsonl")], Fields(text="body"))
    assert (first.id, second.id, second.line) == ("a.txt", "x", 1)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("t.jsonl", r"t\.jsonl holds more than one record: give the id of one, and --in .*t\.jsonl"),
        ("empty.txt", r"empty\.txt holds no record: .*empty\.txt: empty text"),
        ("nothing", r"nothing holds no record$"),
        ("image.png", r"cannot read '.*image\.png': give a folder"),
        ("gone.txt", r"no file '.*gone\.txt'; where it is the id of a record, say of what with --report or --in"),
        ("n" * 300, "no file"),
    ],
)
def test_file_that_does_not_hold_one_record_is_refused(name: str, complaint: str, corpus: Path) -> None:
    (corpus / "empty.txt").touch()
    (corpus / "image.png").touch()
    (corpus / "nothing").mkdir()
    with pytest.raises(InputError, match=complaint):
        find_records([str(corpus / name)], Fields())


def test_id_that_is_nowhere_is_refused_with_a_way_out(corpus: Path) -> None:
    report = document_of(find_clusters(read_records([corpus]), encoder=HashingEncoder()))
    with pytest.raises(InputError, match=r"no record and no file 'zz'; a report names only .* --in PATH finds all"):
        find_records(["zz"], Fields(), report=report)
    with pytest.raises(InputError, match=r"no record and no file 'zz'$"):
        find_records(["zz"], Fields(), [str(corpus)])


def test_an_id_that_is_not_found_may_be_among_what_was_skipped(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"id": "a", "text": "One text."}\n{"id": "b", "text": 5}\nnull\n')
    told = (
        r"no record and no file 'b'; of the input, 2 skipped, the first: .*t\.jsonl:2: field \"text\" is a number, .*"
    )
    with pytest.raises(InputError, match=f"^{told}$"):
        find_records(["a", "b"], Fields(), [str(path)])


@pytest.mark.parametrize("blank", ["\ufe0f" * n for n in range(1, 7)])
def test_a_record_without_text_does_not_hide_another_of_its_id(tmp_path: Path, blank: str) -> None:
    """As in a run, whichever digest is the smaller one."""
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"id": "a", "text": text}) + "\n" for text in (blank, "One text.")))
    [record] = find_records(["a"], Fields(), [str(path)])
    assert record.text == "One text."
