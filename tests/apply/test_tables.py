"""Tables rewritten, to the byte."""

import gzip
import io
import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.apply import make_plan, open_corpus, write_corpus
from dedup.apply.tables import TABLES, table_of
from dedup.errors import InputError
from dedup.read import lines, read_records
from dedup.read.formats import READERS, is_table

from .corpora import content, corpus_of, in_folder, planned, report_on

SPACE = st.sampled_from(["", " ", "\t", "  "])
VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.just({"id": 7}),
)
WORDS = st.sampled_from(["a council of 17", "ein Rat", "مجلس 402", "परिषद", "}", '"', "\\", "\u2028", "𝔘", "🜚"])


@st.composite
def rows(draw: st.DrawFn, id_: str) -> str:
    """A usable row as somebody may have written it: any order, white space, escapes, and a key that comes twice."""
    text = f"words {' '.join(draw(st.lists(WORDS, max_size=4)))} of {id_}"
    pairs = [
        ("id", id_),
        ("text", text),
        ("lang", "en"),
        *draw(st.lists(st.tuples(st.text(max_size=3), VALUE), max_size=3)),
    ]
    pairs = [
        (name, value) for name, value in pairs if name not in {"id", "text", "lang", "url"} or isinstance(value, str)
    ]
    if draw(st.booleans()):
        pairs.insert(0, ("text", "an earlier text"))
    elif draw(st.booleans()):
        pairs = draw(st.permutations(pairs))

    def written(value: object) -> str:
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    def space() -> str:
        return draw(SPACE)

    inner = ",".join(f"{space()}{written(n)}{space()}:{space()}{written(v)}{space()}" for n, v in pairs)
    return f"{space()}{{{inner}}}{space()}"


UNUSABLE = st.sampled_from(
    ["", " ", "\t\t", "{", "null", "[1]", '{"text": ""}', '{"id": "x"}', "\ufeff", "\x0c", "nonsense"]
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, list[list[str]]]:
    """A table, and the clusters that a run found in it."""
    count = draw(st.integers(2, 7))
    ids = [f"r{number}" for number in range(count)]
    usable = [draw(rows(id_)) for id_ in ids]
    every = [line for row in usable for line in (*draw(st.lists(UNUSABLE, max_size=2)), row)]
    ends = [draw(st.sampled_from(["\n", "\r\n"])) for _ in every]
    if draw(st.booleans()):
        ends[-1] = draw(st.sampled_from(["", "\r"]))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    table = mark + "".join(line + end for line, end in zip(every, ends, strict=True))
    cut = draw(st.integers(1, count))
    groups = [group for group in (draw(st.permutations(ids))[:cut],) if len(group) > 1]
    return table.encode("utf-8", "surrogatepass"), groups


def kept_bytes(data: bytes, dropped: set[int]) -> bytes:
    """By the definition: the lines that stay, joined again."""
    with_ends = io.BytesIO(data).readlines()
    return b"".join(line for number, line in enumerate(with_ends, 1) if number not in dropped)


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from([".jsonl", ".jsonl.gz", ".jsonl.zst"]))
def test_lines_that_stay_are_the_same_to_the_byte(table: tuple[bytes, list[list[str]]], ending: str) -> None:
    data, groups = table
    with TemporaryDirectory() as folder:
        path, out = in_folder(folder, data, ending), Path(folder, f"out{ending}")
        report = report_on([path], groups)
        write_corpus(planned(report, path), out)
        read = {record.id: record for record in read_records([path]) if not hasattr(record, "reason")}
        dropped: set[int] = set()
        for cluster in report.clusters:
            best = min(cluster.members, key=lambda member: (-member.characters, member.id))
            dropped |= {read[m.id].line or 0 for m in cluster.members if m is not best}
        assert len(dropped) == sum(len(group) - 1 for group in groups)
        assert content(out) == kept_bytes(data, dropped)


ADDED = re.compile(rb', "dedup_cluster": (?:null|"[0-9a-f]{16}"), "dedup_role": "\w+", "dedup_size": \d+')


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from([".jsonl", ".jsonl.gz", ".jsonl.zst"]))
def test_annotated_rows_have_three_fields_more_and_nothing_else(
    table: tuple[bytes, list[list[str]]], ending: str
) -> None:
    data, groups = table
    with TemporaryDirectory() as folder:
        path, out = in_folder(folder, data, ending), Path(folder, f"out{ending}")
        report = report_on([path], groups)
        write_corpus(planned(report, path), out, annotate=True)
        marked = content(out)
    assert ADDED.sub(b"", marked) == data
    assert len(ADDED.findall(marked)) == report.input.records
    keeps = {cluster.keep: cluster for cluster in report.clusters}
    sizes = {member.id: len(cluster.members) for cluster in report.clusters for member in cluster.members}
    for line in filter(ADDED.search, marked.split(b"\n")):
        row = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
        role = "keep" if row["id"] in keeps else "copy" if row["id"] in sizes else "single"
        assert (row["dedup_role"], row["dedup_size"]) == (role, sizes.get(row["id"], 1))
        assert [*row][-3:] == ["dedup_cluster", "dedup_role", "dedup_size"]


@pytest.mark.parametrize("field", ['"dedup_role"', '"dedup\\u005frole"'])
def test_field_that_is_there_already_is_refused(tmp_path: Path, field: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(f'{{"text": "a"}}\n{{"text": "b", {field}: 1}}\n')
    plan = planned(report_on([path], []), path)
    with pytest.raises(InputError, match=r"t\.jsonl: line 2 has a field 'dedup_role' already$"):
        write_corpus(plan, tmp_path / "out.jsonl", annotate=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.jsonl"]


def test_line_too_long_for_a_reader_is_copied_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100)
    path = tmp_path / "t.jsonl"
    rows = ['{"id": "a", "text": "same"}', json.dumps({"text": "x" * 200_000}), '{"id": "b", "text": "same"}']
    path.write_text("\n".join(rows))
    report = report_on([path], [["a", "b"]])
    assert [one.reason for one in report.skipped] == ["line longer than 100 bytes"]
    write_corpus(planned(report, path), tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == f"{rows[0]}\n{rows[1]}\n"
    write_corpus(planned(report, path), tmp_path / "marked.jsonl", annotate=True)
    marked = (tmp_path / "marked.jsonl").read_bytes()
    assert marked.split(b"\n")[1] == rows[1].encode()
    assert ADDED.sub(b"", marked) == path.read_bytes()


HALVES = b'{"id": "a", "text": "same"}\n', b'{"id": "b", "text": "same"}\n{"id": "c", "text": "other"}'


def test_gzip_comes_out_the_same_whenever_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(b"".join(gzip.compress(half, mtime=at) for at, half in enumerate(HALVES, 1)))
    written = written_twice(path)
    assert written[3:8] == bytes(5)  # no name, and no time
    assert gzip.decompress(written) == HALVES[0] + b'{"id": "c", "text": "other"}'


def test_zstandard_comes_out_as_one_frame_with_a_checksum_and_always_the_same(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl.zst"
    path.write_bytes(b"".join(zstandard.ZstdCompressor().compress(half) for half in HALVES))
    written = written_twice(path)
    assert zstandard.get_frame_parameters(written).has_checksum
    frame = zstandard.ZstdDecompressor().decompressobj()
    assert frame.decompress(written) == HALVES[0] + b'{"id": "c", "text": "other"}'
    assert frame.unused_data == b""


def written_twice(path: Path) -> bytes:
    """What comes out of this table without the second of its records, the same bytes each time."""
    report = report_on([path], [["a", "b"]])
    outs = [path.with_name(f"{name}{path.name}") for name in "xy"]
    for out in outs:
        write_corpus(planned(report, path), out)
    first, second = (out.read_bytes() for out in outs)
    assert first == second
    return first


@pytest.mark.parametrize(("ending", "what"), [(".jsonl.gz", "gzip"), (".csv.gz", "gzip"), (".tsv.zst", "Zstandard")])
def test_packed_table_that_breaks_off_is_refused_before_anything_is_written(
    tmp_path: Path, ending: str, what: str
) -> None:
    data = b'{"text": "a"}\n' * 2000 if ending.startswith(".jsonl") else b"text\n" + b"a\n" * 9000
    path = in_folder(str(tmp_path), data, ending)
    path.write_bytes(path.read_bytes()[:-3])
    report = report_on([path], [])
    with pytest.raises(InputError, match=rf"t\{ending}: cannot be copied whole: the {what} data is truncated$"):
        planned(report, path)


@pytest.mark.parametrize("annotate", [False, True])
def test_packed_table_that_breaks_off_later_is_refused(tmp_path: Path, annotate: bool) -> None:
    path = in_folder(str(tmp_path), b'{"text": "a"}\n' * 2000, ".jsonl.gz")
    plan = planned(report_on([path], []), path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"t\.jsonl\.gz: cannot be copied whole: the gzip data is truncated$"):
        write_corpus(plan, tmp_path / "out.jsonl.gz", annotate=annotate)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


BLANK = [
    (".jsonl", b'\n{"text": "a"}\n \t\r\n{"text": "b"}\n\n', 3),
    (".jsonl", b'\xef\xbb\xbf\n{"text": "a"}\n\xef\xbb\xbf', 2),
    (".csv.gz", b'\n\r\ntext,id\n\n"a\n\n",1\n,\n\n', 4),
    (".tsv", b'text\n\n"a\n\n\n', 1),
]


@pytest.mark.parametrize(("ending", "data", "blank"), BLANK)
def test_blank_lines_are_counted(tmp_path: Path, ending: str, data: bytes, blank: int) -> None:
    path = in_folder(str(tmp_path), data, ending)
    assert planned(report_on([path], []), path).standing.blank == blank


def test_standard_input_is_read_once_and_written(tmp_path: Path) -> None:
    data = b'{"id":"a","text":"same"}\r\n\r\n{"id":"b","text":"same"}\r\n{"id":"c","text":"other"}'
    path = tmp_path / "t.jsonl"
    path.write_bytes(data)
    corpus = open_corpus(["-"], stdin=io.BytesIO(data))
    write_corpus(make_plan(report_on([path], [["a", "b"]]), corpus), tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == kept_bytes(data, {3})
    with pytest.raises(InputError, match="by itself"):
        open_corpus(["-", path], stdin=io.BytesIO(data))


def test_every_table_that_is_rewritten_can_be_read() -> None:
    assert all(is_table(f"x{ending}") for ending in TABLES)
    for ending in filter(lambda ending: ending not in TABLES and is_table(f"x{ending}"), READERS):
        with pytest.raises(InputError, match="cannot write"):
            table_of(f"x{ending}")


def test_corpus_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to apply the report to: 0 skipped"):
        corpus_of(tmp_path)
    (tmp_path / "t.jsonl").symlink_to(tmp_path / "gone.jsonl")
    with pytest.raises(InputError, match=r"1 skipped, the first: .*t\.jsonl: a broken link"):
        corpus_of(tmp_path / "t.jsonl")
