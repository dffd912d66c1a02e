"""Tables of comma or tab separated values rewritten, to the byte."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dedup.apply import Choice, parse_policies, write_corpus
from dedup.apply.tables.delimited import Delimited
from dedup.apply.tables.packing import PACKINGS
from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.read import lines, read_records

from .corpora import content, in_folder, planned, removed_ids, report_on

ENDINGS = st.sampled_from([".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst"])
CELL = st.sampled_from(["", "7", " x ", 'say "so"', "line\nbreak", "a\r\nb", "مجلس, 402", "\t", "=1+1", "-3", "'", '"'])
COLUMNS = ("id", "text", "lang")


def separator_of(ending: str) -> str:
    return "," if ending.startswith(".csv") else "\t"


@st.composite
def rows(draw: st.DrawFn, cells: list[str], separator: str) -> bytes:
    """A row as somebody may have written it: quotes where they are needed, and some where they are not."""

    def written(cell: str) -> str:
        needed = any(sign in cell for sign in (separator, '"', "\n", "\r"))
        return '"' + cell.replace('"', '""') + '"' if needed or draw(st.booleans()) else cell

    return separator.join(map(written, cells)).encode()


@st.composite
def unusable(draw: st.DrawFn, width: int, separator: str) -> bytes:
    """What is no record: blank, too short, too long (by as many cells as annotating adds, too), no UTF-8, malformed."""
    of_width = separator.encode() * (width - 1)
    kinds = [b"", b"one", b"1" + of_width * 2, of_width + separator.encode() * 3, b"\xff\xfe" + of_width, b"a\rb"]
    return draw(st.sampled_from([*kinds, b"\r", b'"a\n"\rb', b'""']))


@st.composite
def tables(draw: st.DrawFn, ending: str) -> tuple[list[bytes], dict[int, str], list[str]]:
    """The rows of a table with their ends, the ids of those that are records by their position, and a cluster."""
    separator = separator_of(ending)
    further = [f"column {n}" for n in range(draw(st.integers(0, 2)))]
    header = draw(st.permutations([*COLUMNS, *further]))
    found = [draw(rows(header, separator))]
    ids = {}
    for number in range(draw(st.integers(2, 6))):
        found += draw(st.lists(unusable(len(header), separator), max_size=2))
        text = f"words of {number}{draw(CELL)}"
        known = {"id": f"r{number}", "text": text, "lang": "en"}
        ids[len(found)] = known["id"]
        found.append(draw(rows([known.get(name) or draw(CELL) for name in header], separator)))
    ends = [draw(st.sampled_from([b"\n", b"\r\n", b"\r\r\n"])) for _ in found]
    tail = draw(st.sampled_from(["", "cut", "unclosed"]))
    if tail == "cut":
        ends[-1] = draw(st.sampled_from([b"", b"\r"]))
    whole = [row + end for row, end in zip(found, ends, strict=True)]
    if tail == "unclosed":
        whole.append(f'x{separator}"never\nends,\t'.encode())
    if draw(st.booleans()):
        whole[0] = b"\xef\xbb\xbf" + whole[0]
    cut = draw(st.integers(2, len(ids)))
    return whole, ids, sorted(draw(st.permutations(list(ids.values())))[:cut])


@settings(max_examples=150, deadline=None)
@given(st.data(), ENDINGS)
def test_rows_that_stay_are_the_same_to_the_byte(data: st.DataObject, ending: str) -> None:
    whole, ids, group = data.draw(tables(ending))
    with TemporaryDirectory() as folder:
        path, out = in_folder(folder, b"".join(whole), ending), Path(folder, f"out{ending}")
        plan = planned(report_on([path], [group]), path)
        assert plan.standing.records == len(ids)
        write_corpus(plan, out)
        gone = set(removed_ids(plan))
        assert len(gone) == len(group) - 1
        assert content(out) == b"".join(row for at, row in enumerate(whole) if ids.get(at) not in gone)


@settings(max_examples=150, deadline=None)
@given(st.data(), ENDINGS)
def test_annotated_rows_have_three_cells_more_and_are_read_as_before(data: st.DataObject, ending: str) -> None:
    whole, ids, group = data.draw(tables(ending))
    separator = separator_of(ending)
    with TemporaryDirectory() as folder:
        path, out = in_folder(folder, b"".join(whole), ending), Path(folder, "out", f"t{ending}")
        out.parent.mkdir()
        report = report_on([path], [group])
        plan = planned(report, path)
        write_corpus(plan, out, annotate=True)
        assert without_place(read_records([out])) == without_place(read_records([path]))
        marked = content(out)
    (cluster,) = report.clusters
    keep = ({*ids.values()} & {*group} - {*removed_ids(plan)}).pop()

    def added(at: int) -> bytes:
        if at == 0:
            cells = ["dedup_cluster", "dedup_role", "dedup_size"]
        elif at not in ids:
            cells = ["", "", ""]
        elif ids[at] not in group:
            cells = ["", "single", "1"]
        else:
            cells = [cluster.id, "keep" if ids[at] == keep else "copy", str(len(group))]
        return "".join(separator + cell for cell in cells).encode()

    expected = []
    for at, row in enumerate(whole):
        bare = row.rstrip(b"\r\n")
        is_open = row.endswith(b"ends,\t")
        expected.append(row if not bare or is_open else bare + added(at) + row[len(bare) :])
    assert marked == b"".join(expected)


def without_place(items: Iterable[Record | Skipped]) -> list[object]:
    """What was read, but for the file and for what is said of how many cells a row has."""
    return [(item.line, getattr(item, "id", None), getattr(item, "text", None)) for item in items]


@pytest.mark.parametrize("extra", [-1, 1, 2, 3])
def test_row_with_too_many_or_too_few_cells_stays_so_when_annotated(tmp_path: Path, extra: int) -> None:
    path, out = tmp_path / "t.csv", tmp_path / "out.csv"
    path.write_text("id,text\na,A\n" + ",".join("x" * (2 + extra)) + "\n")
    write_corpus(planned(report_on([path], []), path), out, annotate=True)
    header, _, other = csv.reader(io.StringIO(out.read_text()))
    assert len(other) - len(header) == extra
    (skipped,) = (item for item in read_records([out]) if isinstance(item, Skipped))
    assert skipped.line == 3


@pytest.mark.parametrize(
    "table",
    [
        "id,body\na,A\n".encode("utf-16"),
        b"id,body\na,A\n",
        b"text,text\na,A\n",
        b"id\r,text\na,A\n",
        b'"text\na,A\n',
        b"",
        b"\n\r\n",
    ],
)
def test_table_whose_header_the_run_could_not_use_stays_as_it_is(tmp_path: Path, table: bytes) -> None:
    path, other = tmp_path / "t.csv", tmp_path / "other.jsonl"
    path.write_bytes(table)
    other.write_text('{"id": "x", "text": "one"}\n')
    write_corpus(planned(report_on([path, other], []), path, other), tmp_path / "out", annotate=True)
    assert (tmp_path / "out" / "t.csv").read_bytes() == table


def test_column_that_is_there_already_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text('\ntext\t" dedup_role"\none\tx\n')
    plan = planned(report_on([path], []), path)
    with pytest.raises(InputError, match=r"t\.tsv: line 2 has a field 'dedup_role' already$"):
        write_corpus(plan, tmp_path / "out.tsv", annotate=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.tsv"]


def test_annotating_twice_is_refused(tmp_path: Path) -> None:
    path, out = tmp_path / "t.csv", tmp_path / "out.csv"
    path.write_text("text\none\n")
    write_corpus(planned(report_on([path], []), path), out, annotate=True)
    assert out.read_text() == "text,dedup_cluster,dedup_role,dedup_size\none,,single,1\n"
    with pytest.raises(InputError, match="'dedup_cluster' already"):
        write_corpus(planned(report_on([out], []), out), tmp_path / "again.csv", annotate=True)


def test_greatest_value_of_a_column_is_a_number_not_a_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("score,text,id, score \nx,one,a,9\nx,one,b,10.0\nx,one,c,\nx,two,d,99\n")
    plan = planned(report_on([path], [["a", "b", "c"]]), path, choice=Choice(parse_policies(["max:score"])))
    assert removed_ids(plan) == ["a", "c"]
    assert plan.without_value == {"score": 1}
    with pytest.raises(InputError, match="in a field 'no'"):
        planned(report_on([path], [["a", "b"]]), path, choice=Choice(parse_policies(["max:no"])))


@pytest.mark.parametrize("line", [b"c,C\n", b"\n", b"c" * 2000])
def test_what_cannot_be_told_apart_is_copied_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    path = tmp_path / "t.csv"
    rest = b'x,"B\n' + line * 2000
    path.write_bytes(b"id,text\na,A\nb,A\n" + rest)
    plan = planned(report_on([path], [["a", "b"]]), path)
    write_corpus(plan, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == b"id,text\na,A\n" + rest
    write_corpus(plan, tmp_path / "marked.csv", annotate=True)
    header, first, second, unmarked = (tmp_path / "marked.csv").read_bytes().split(b"\n", 3)
    assert (header.count(b","), first.endswith(b",keep,2"), second.endswith(b",copy,2")) == (4, True, True)
    assert unmarked == rest


PIECE = st.sampled_from([b'"', b",", b"\n", b"\r", b"\r\n", b"a", b"\xff", b"\0", b"text", b"id"])


@given(st.binary() | st.lists(PIECE).map(b"".join), st.integers(0, 3))
@example(b'"', 0)
@example(b'a\r\n"b\n\n"\rc', 1)
def test_any_bytes_at_all_are_copied(data: bytes, repeats: int) -> None:
    data = b"text\n" + data * (repeats + 1)
    out = io.BytesIO()
    Delimited(",", PACKINGS[""]).copy(io.BytesIO(data), out, ())
    assert out.getvalue() == data


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECE).map(b"".join))
def test_any_bytes_at_all_are_annotated_so_that_the_same_records_are_read(data: bytes) -> None:
    with TemporaryDirectory() as folder:
        path, out = in_folder(folder, b"id,text\n" + data, ".csv"), Path(folder, "out.csv")
        write_corpus(planned(report_on([path], []), path), out, annotate=True)
        before, after = list(read_records([path])), list(read_records([out]))
    assert [item.line for item in before] == [item.line for item in after]
    texts = [[item.text for item in items if isinstance(item, Record)] for items in (before, after)]
    assert texts[0] == texts[1]
