"""The table that says what became of each record."""

import csv
import gzip
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from dedup import InputError, Record, Settings, find_clusters
from dedup.encoders import HashingEncoder
from dedup.model import Cluster, Role, WholeReport
from dedup.report.assignment import Row, Table, assignment, check_assignment_file, table_of

from .conftest import article, link, report_of

parquet: Any = pytest.importorskip("pyarrow.parquet")

TEXT = "The council elected seventeen members to the new committee on Monday, all 402 of its delegates being there."
EDITED = f"{TEXT} Its budget of 96 million pays for two bridges, a school and the long road along the river."
OTHER = "Heavy showers are expected over the northern hills tonight, clearing slowly from the west by 1130 tomorrow."


@pytest.fixture
def report() -> WholeReport:
    """Two records of one text, one alone; two texts that agree with 0.75, and a third that agrees with them less."""
    articles = [article(name, f"Text {size}" * size, path="t.csv", line=i + 2) for i, (name, size) in enumerate(SIZES)]
    some = Cluster((1, 2, 5), (link(1, 2, 0.75),), 0.5, agreement=(0.75, 0.5, 0.625))
    copies = Cluster((0, 4), (link(0, 4, 1.0),), 1.0, agreement=(1.0, 1.0))
    return report_of(articles, [copies, some])


SIZES = (("a", 3), ("b", 1), ("c", 2), ("d", 3), ("e", 3), ("f", 1))


def values(rows: tuple[Row, ...]) -> list[tuple[str, str, int, float | None]]:
    return [(row.id, str(row.role), row.size, row.probability) for row in rows]


def test_every_record_has_a_row_that_says_what_became_of_it(report: WholeReport) -> None:
    rows = assignment(report)
    assert values(rows) == [
        ("a", "keep", 2, 1.0),
        ("b", "copy", 3, 0.75),
        ("c", "keep", 3, 0.5),
        ("d", "single", 1, None),
        ("e", "copy", 2, 1.0),
        ("f", "copy", 3, 0.625),
    ]
    clusters = [row.cluster for row in rows]
    assert clusters[3] is None
    assert (clusters[0], clusters[1], clusters[1]) == (clusters[4], clusters[2], clusters[5])
    assert clusters[0] != clusters[1]
    assert [(row.path, row.line) for row in rows] == [("t.csv", i) for i in range(2, 8)]


@pytest.mark.usefixtures("calibrated_by_hand")
def test_probability_is_the_mean_over_the_other_texts_of_the_cluster() -> None:
    records = [
        Record("a", TEXT),
        Record("b", EDITED),
        Record("c", OTHER),
        Record("d", TEXT),
        Record("e", EDITED + " Soon."),
    ]
    report = find_clusters(records, Settings(), encoder=HashingEncoder())
    (cluster,) = report.clusters
    of = {(one.left, one.right): one.probability for one in cluster.links}
    rows = {row.id: row for row in assignment(report)}
    assert set(rows) == set("abcde")
    assert rows["c"].role == Role.SINGLE
    assert rows["a"].probability == rows["d"].probability == pytest.approx((of[0, 1] + of[0, 4]) / 2, abs=1e-3)
    assert rows["b"].probability == pytest.approx((of[0, 1] + of[1, 4]) / 2, abs=1e-3)
    assert min(row.probability or 1 for row in rows.values()) == pytest.approx(cluster.confidence, abs=1e-3)


def decoded(table: Table, name: str) -> list[dict[str, Any]]:
    """What a reader of such a file finds in it, a dictionary a row; numbers of separated values as text."""
    data = table.data
    if name.endswith(".gz"):
        data = gzip.decompress(data)
    elif name.endswith(".zst"):
        data = zstandard.ZstdDecompressor().decompress(data)
    if ".parquet" in name:
        return parquet.read_table(io.BytesIO(data)).to_pylist()  # type: ignore[no-any-return]
    lines = data.decode().splitlines()
    if ".jsonl" in name:
        return [json.loads(line) for line in lines]
    return [
        {name: value or None for name, value in row.items()}
        for row in csv.DictReader(lines, delimiter="," if ".csv" in name else "\t")
    ]


NAMES = ("a.csv", "a.CSV.gz", "a.csv.zst", "a.tsv", "a.tsv.gz", "a.jsonl", "a.jsonl.zst", "a.parquet")


@pytest.mark.parametrize("name", NAMES)
def test_every_format_says_the_same(name: str, report: WholeReport) -> None:
    rows = decoded(table_of(assignment(report), Path(name)), name.lower())
    expected = [
        {
            name: getattr(row, name)
            for name in ("id", "path", "line", "language", "cluster", "role", "size", "probability")
        }
        for row in assignment(report)
    ]
    separated = ".jsonl" not in name and ".parquet" not in name
    if separated:
        expected = [{k: None if v is None else str(v) for k, v in row.items()} for row in expected]
    assert rows == expected
    assert [list(row) for row in rows] == [list(row) for row in expected]


@pytest.mark.parametrize("name", NAMES)
def test_equal_reports_give_equal_bytes(name: str, report: WholeReport) -> None:
    turned = replace(report, clusters=report.clusters[::-1])
    assert table_of(assignment(report), Path(name)) == table_of(assignment(turned), Path(name))


def test_parquet_of_no_known_line_and_no_cluster_has_the_same_types(report: WholeReport) -> None:
    whole = parquet.read_schema(io.BytesIO(table_of(assignment(report), Path("a.parquet")).data))
    bare = report_of([article("a")])
    assert parquet.read_schema(io.BytesIO(table_of(assignment(bare), Path("a.parquet")).data)) == whole


HOSTILE = {
    "=cmd()": "'=cmd()",
    "+1+1": "'+1+1",
    "-2-2": "'-2-2",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=x": "'\t'=x",
    "\r=x": "'\r'=x",
    "\nx": "'\nx",
    "=5": "'=5",
    "@5": "'@5",
    "\r5": "'\r5",
    "\uff1d1+1": "'\uff1d1+1",
    "\uff0bx": "'\uff0bx",
    "\uff0dx": "'\uff0dx",
    "\uff20x": "'\uff20x",
    # cells of their own where the separator is another one
    "a;=1+1|' /C calc'!A0": "a;'=1+1|' /C calc'!A0",
    'a; "=x': "a; \"'=x",
    "a,@x;-b": "a,'@x;'-b",
    "a\n-x": "a\n'-x",
}
HARMLESS = ("-12", "+3.5", "a=b", "'=x", 'say "=x"', "a,b\nc", "a;-3", "a; b - c", "x-y.txt", "e+1@x")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_no_cell_is_a_formula_and_each_that_was_changed_is_counted(name: str) -> None:
    report = report_of([article(one) for one in sorted((*HOSTILE, *HARMLESS))])
    table = table_of(assignment(report), Path(name))
    assert table.guarded == len(HOSTILE)
    reader = csv.reader(io.StringIO(table.data.decode(), newline=""), delimiter="," if name == "a.csv" else "\t")
    next(reader)
    assert sorted(row[0] for row in reader) == sorted((*HOSTILE.values(), *HARMLESS))


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_formats_that_no_spreadsheet_runs_hold_ids_as_they_are(name: str) -> None:
    hostile = sorted(one for one in HOSTILE if "\n" not in one)  # decoded() reads a row a line
    report = report_of([article(one) for one in hostile])
    table = table_of(assignment(report), Path(name))
    assert (table.guarded, [row["id"] for row in decoded(table, name)]) == (0, hostile)


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.parquet.gz", "csv"])
def test_other_endings_are_refused_before_the_work(name: str) -> None:
    with pytest.raises(InputError, match=r"no table has such an ending: give \.csv, \.tsv, \.jsonl, \.parquet"):
        check_assignment_file(Path(name))


def test_parquet_without_pyarrow_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedup.extras.find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r"^a \.parquet file needs pyarrow: pip install 'dedup\[parquet\]'$"):
        check_assignment_file(Path("a.parquet"))
