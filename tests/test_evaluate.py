import gzip
import itertools
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.errors import ReportError
from dedup.evaluate import Evaluation, FalseMerge, Score, as_json, evaluate, load_gold, render
from dedup.report.document import Cluster, Document, Encoder, Input, Member, Tool
from dedup.report.schema import report_schema


def document_of(clusters: Iterable[Sequence[str]], records: int = 1_000) -> Document:
    """A report that put ``clusters`` together and read ``records`` in all."""
    return Document(
        schema_version=1,
        tool=Tool(name="dedup", version="0"),
        encoder=Encoder(name="none", digest="", calibration=""),
        settings={},
        input=Input(records=records, skipped=0, languages={}, dropped_segments=0, shortened=()),
        funnel=(),
        clusters=tuple(cluster_of(number, ids) for number, ids in enumerate(clusters)),
        conflicts=(),
        skipped=(),
    )


def cluster_of(number: int, ids: Sequence[str]) -> Cluster:
    members = (Member(id=one, path=None, line=None, language="und", source_url=None, characters=1) for one in ids)
    return Cluster(
        id=f"{number:016x}",
        languages=("und",),
        source_url=None,
        confidence=1.0,
        keep=ids[0],
        members=tuple(members),
        links=(),
    )


def test_documents_of_these_tests_are_reports() -> None:
    report = json.loads(msgspec.json.encode(document_of([["a", "b"], ["c", "d", "e"]])))
    jsonschema.validate(report, report_schema())


def ratio(part: int, whole: int, otherwise: bool) -> float:
    return part / whole if whole else float(otherwise)


def harmonic(precision: float, recall: float) -> Score:
    both = precision + recall
    return Score(precision, recall, 2 * precision * recall / both if both else 0.0)


def brute_force(predicted: Mapping[str, int], gold: Mapping[str, str]) -> dict[str, Score | int]:
    """The definitions, record by record and pair by pair."""
    records = list(gold)
    together = {one: {two for two in records if predicted[two] == predicted[one]} for one in records}
    belong = {one: {two for two in records if gold[two] == gold[one]} for one in records}
    pairs = list(itertools.combinations(records, 2))
    claimed = {pair for pair in pairs if pair[1] in together[pair[0]]}
    true = {pair for pair in pairs if pair[1] in belong[pair[0]]}
    clusters = {frozenset(members) for members in together.values() if len(members) > 1}
    gold_clusters = {frozenset(members) for members in belong.values() if len(members) > 1}

    def score(right: int, whole_claimed: int, whole_true: int) -> Score:
        return harmonic(ratio(right, whole_claimed, not whole_true), ratio(right, whole_true, not whole_claimed))

    shared = {one: len(together[one] & belong[one]) for one in records}
    return {
        "b_cubed": harmonic(
            sum(shared[one] / len(together[one]) for one in records) / len(records),
            sum(shared[one] / len(belong[one]) for one in records) / len(records),
        ),
        "pairs": score(len(claimed & true), len(claimed), len(true)),
        "exact_clusters": score(len(clusters & gold_clusters), len(clusters), len(gold_clusters)),
        "predicted_clusters": len({frozenset(members) for members in together.values()}),
        "gold_clusters": len({frozenset(members) for members in belong.values()}),
        "false_merges": len(claimed - true),
        "missed_pairs": len(true - claimed),
    }


def clusters_of(predicted: Mapping[str, int]) -> list[list[str]]:
    """The clusters of two or more, as a report lists them."""
    members: dict[int, list[str]] = {}
    for record, number in predicted.items():
        members.setdefault(number, []).append(record)
    return [ids for ids in members.values() if len(ids) > 1]


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("ABCD")), min_size=1, max_size=12))
def test_figures_are_those_of_the_definitions(labels: list[tuple[int, str]]) -> None:
    predicted = {f"r{number}": cluster for number, (cluster, _) in enumerate(labels)}
    gold = {f"r{number}": name for number, (_, name) in enumerate(labels)}
    found = evaluate(document_of(clusters_of(predicted)), gold)
    for name, expected in brute_force(predicted, gold).items():
        value = getattr(found, name)
        if isinstance(expected, Score):
            expected_figures = (expected.precision, expected.recall, expected.f1)
            assert (value.precision, value.recall, value.f1) == pytest.approx(expected_figures), name
        else:
            assert value == expected, name
    assert found.false_merges == sum(merge.pairs for merge in found.merged_clusters)
    assert found.records == len(labels)


def test_figures_of_an_example_worked_by_hand() -> None:
    found = evaluate(document_of([["a1", "a2", "b1"], ["b2", "b3"]]), {f"{c}{n}": c for c in "ab" for n in (1, 2, 3)})
    # a3 is a singleton: a = {a1, a2 | a3}, b = {b1 | b2, b3}.
    assert found.b_cubed.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6)
    assert found.b_cubed.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 3 + 2 / 3 + 2 / 3) / 6)
    assert (found.pairs.precision, found.pairs.recall) == pytest.approx((2 / 4, 2 / 6))
    assert found.exact_clusters == Score(0.0, 0.0, 0.0)
    assert found.merged_clusters == (FalseMerge("0" * 16, records=3, gold_clusters=2, pairs=2),)


PERFECT = Score(1.0, 1.0, 1.0)
NOTHING = Score(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("clusters", "gold", "expected"),
    [
        ([], {}, PERFECT),
        ([], {"a": "1", "b": "2"}, PERFECT),
        ([["a", "b"]], {"a": "1", "b": "1", "c": "2"}, PERFECT),
        ([], {"a": "1", "b": "1"}, NOTHING),
        ([["a", "b"]], {"a": "1", "b": "2"}, NOTHING),
    ],
)
def test_ratios_of_nothing_are_1_only_if_nothing_was_to_find_and_nothing_claimed(
    clusters: list[list[str]], gold: dict[str, str], expected: Score
) -> None:
    found = evaluate(document_of(clusters), gold)
    assert found.pairs == found.exact_clusters == expected


def test_perfect_clusters_score_exactly_1() -> None:
    ids = [f"r{number}" for number in range(100)]
    found = evaluate(
        document_of([ids[start : start + 7] for start in range(0, 98, 7)]),
        {one: str(number // 7) for number, one in enumerate(ids[:98])},
    )
    assert found.b_cubed == found.pairs == found.exact_clusters == PERFECT


def test_members_without_gold_are_left_out_and_counted() -> None:
    found = evaluate(document_of([["a", "b", "x"], ["y", "z"]]), {"a": "1", "b": "1"})
    assert found.b_cubed == found.exact_clusters == PERFECT
    assert (found.records, found.predicted_clusters, found.without_gold) == (2, 1, 3)


@pytest.mark.parametrize(("records", "expected"), [(2, 3), (4, 1), (5, 0), (9, 0)])
def test_gold_that_the_run_cannot_have_read_is_counted(records: int, expected: int) -> None:
    gold = {"a": "1", "b": "1", "c": "1", "d": "2", "e": "3"}
    found = evaluate(document_of([["a", "b"]], records), gold)
    assert found.not_in_input == expected
    assert found.b_cubed.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)


def test_merged_clusters_come_worst_first() -> None:
    found = evaluate(
        document_of([["a", "b"], ["c", "d", "e"], ["f", "g"]]), dict(zip("abcdefg", "1122333", strict=True))
    )
    assert [(merge.cluster[-1], merge.pairs) for merge in found.merged_clusters] == [("1", 2)]
    found = evaluate(document_of([["a", "b"], ["c", "d", "e"]]), dict(zip("abcde", "12345", strict=True)))
    assert [(merge.cluster[-1], merge.pairs) for merge in found.merged_clusters] == [("1", 3), ("0", 1)]


def test_time_does_not_grow_with_the_pairs() -> None:
    """One cluster of 100,000 records: five thousand million pairs."""
    ids = [f"r{number}" for number in range(100_000)]
    document = document_of([ids])
    start = time.perf_counter()
    found = evaluate(document, {one: str(number % 2) for number, one in enumerate(ids)})
    assert time.perf_counter() - start < 10
    assert found.false_merges == 50_000 * 50_000


def evaluation() -> Evaluation:
    letters = [f"{number}{side}" for number in range(12) for side in "lr"]
    return evaluate(document_of([letters[at : at + 2] for at in range(0, 24, 2)]), {one: one for one in letters})


def test_table_is_aligned() -> None:
    found = evaluate(document_of([["a", "b"], ["c", "d"]], records=3), dict(zip("abcd", "1123", strict=True)))
    assert render(replace(found, missed_pairs=1_234_567)) == (
        "                precision  recall      F1\n"
        "B-cubed            0.7500  1.0000  0.8571\n"
        "pairs              0.5000  1.0000  0.6667\n"
        "exact clusters     0.5000  1.0000  0.6667\n"
        "\n"
        "records                                  4\n"
        "predicted clusters                       2\n"
        "gold clusters                            3\n"
        "false merges (pairs)                     1\n"
        "missed pairs                     1,234,567\n"
        "members without gold                     0\n"
        "gold not in the input, at least          1\n"
        "\n"
        "false merges in cluster  records  gold clusters  pairs\n"
        "0000000000000001               2              2      1\n"
    )


def test_table_lists_ten_clusters_and_counts_the_rest() -> None:
    table = render(evaluation())
    assert table.count("\n00000000") == 10
    assert table.endswith("\n… and 2 more\n")


def test_json_holds_all_of_it() -> None:
    decoded = json.loads(as_json(evaluation()))
    assert decoded["pairs"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert len(decoded["merged_clusters"]) == 12


GOLD = {"a": "1", "b": "1", "ملف, c": "2"}

GOLD_FILES = {
    "g.jsonl": '{"id": "a", "text": "t", "gold": 1}\n\n{"gold": "1", "id": "b"}\n{"id": "ملف, c", "gold": "2"}',
    "g.json": '{"a": 1, "b": "1", "ملف, c": "2"}',
    "g.tsv": "id\tcluster\na\t1\nb\t1\nملف, c\t2\n",
    "g.csv": '\ufeffid,gold\r\na,1\r\nb,1\r\n\r\n"ملف, c",2\r\n',
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", GOLD_FILES)
def test_gold_is_read_from_each_form(name: str, compressed: bool, tmp_path: Path) -> None:
    data = GOLD_FILES[name].encode()
    path = tmp_path / (f"{name}.gz" if compressed else name)
    path.write_bytes(gzip.compress(data, mtime=0) if compressed else data)
    assert load_gold(path) == GOLD


def test_table_without_a_header_is_read_from_its_first_row(tmp_path: Path) -> None:
    path = tmp_path / "g.tsv"
    path.write_text('"a\t1\n')
    assert load_gold(path) == {'"a': "1"}


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("g.txt", b"", r"gold clusters come as \.jsonl, \.json, \.tsv, \.csv"),
        ("g.jsonl", b"", "it names no record"),
        ("g.jsonl", b'{"id": "a", "gold": "1"}\n{"id": "b"}', "line 2: Object missing required field `gold`"),
        ("g.jsonl", b'{"id": "a", "gold": "1"}\n{"id": "a", "gold": "2"}', "'a' is in two clusters, '1' and '2'"),
        ("g.jsonl", b'{"id": "\xff", "gold": "1"}', "line 1: "),
        ("g.jsonl", b'{"id": {}, "gold": "1"}', "line 1: "),
        ("g.jsonl", b'{"x": ' + b"[" * 100_000, "recursion"),
        ("g.json", b'["a"]', "Expected `object`"),
        ("g.tsv", b"a\t1\nb\n", "line 2: expected an id and a cluster, found 1 fields"),
        ("g.csv", b"a,\xff\n", "decode"),
        ("g.csv", b'a,"1\nb,2\nc,3\n', "unexpected end of data"),
        ("g.csv", b'a,"1"x\nb,2\n', "expected after"),
        ("g.csv", b"a," + b"x" * 200_000, "field larger"),
        ("g.jsonl.gz", b"plain", "cannot be read: "),
        ("g.jsonl.gz", gzip.compress(b'{"id": "a", "gold": "1"}\n' * 99, mtime=0)[:-12], "cannot be read: "),
    ],
)
def test_what_is_no_gold_is_refused_in_one_line(name: str, data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ReportError, match=reason) as error:
        load_gold(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_gold_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be read: No such file or directory"):
        load_gold(tmp_path / "g.csv")
