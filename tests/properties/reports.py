"""What every form of a report promises, whatever stands in ids, paths, URLs, reasons and texts: it is valid in its
format, says the same values to who reads it back, and commands nothing.

The signs of a text that are parted by U+001E stand in its places, over and over.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
from pyarrow import parquet
from rich.console import Console

from dedup.errors import ReportError
from dedup.model import Cluster, Conflict, Evidence, Finder, Link, Record, Relation, Skipped, WholeReport
from dedup.read.characters import encodable
from dedup.report.assignment import GUARD, Row, assignment, table_of
from dedup.report.document import document_of
from dedup.report.html.collect import page_data
from dedup.report.html.page import page_of
from dedup.report.json_file import load_report, to_json
from dedup.report.terminal import render_summary
from tests.properties.pages import text_of
from tests.properties.seeds import Target
from tests.report.conftest import VALIDATOR, article, report_of
from tests.report.gate import test_as_github, test_as_json, test_as_text
from tests.report.gate.conftest import HOSTILE, hostile
from tests.report.gate.test_as_junit import suite_of
from tests.report.gate.test_as_sarif import run_of
from tests.report.html import conftest as pages
from tests.report.html.test_page import Elements, unpacked

SEPARATOR = "\x1e"


def _pieces(data: bytes) -> Iterator[str]:
    return cycle(text_of(data).split(SEPARATOR))


def report(data: bytes) -> WholeReport:
    """A report of five records, one of them in no cluster, in which these pieces stand wherever a record, a file or a
    message can put them.
    """
    piece = _pieces(data)
    names = sorted(encodable(f"{next(piece)}{number}") for number in range(5))
    articles = [
        article(name, "A text.", "en", next(piece) or None, next(piece) or None, 3 if number % 2 else None)
        for number, name in enumerate(names)
    ]
    evidence = (Evidence("new-kind", 1.5, 1.0, next(piece)), Evidence("shared-figures", 2.0, -1.0, next(piece)))
    links = [Link(a, b, Relation.PARTIAL, 0.75, (Finder.FACTS,), evidence) for a, b in ((0, 1), (0, 2), (1, 2))]
    return report_of(
        articles,
        [Cluster((0, 1, 2), tuple(links), 0.75, weakest=links[2], flags=(next(piece),), agreement=(0.75, 0.75, 0.75))],
        [Conflict(next(piece), (3, 4), next(piece))],
        [Skipped(next(piece) or "-", 17, next(piece)), Skipped(next(piece) or "-", None, next(piece))],
    )


def json_report(data: bytes) -> None:
    """What is written keeps to the schema and is read back as it was; equal reports give equal bytes."""
    given = report(data)
    written = to_json(given)
    VALIDATOR.validate(json.loads(written))
    with TemporaryDirectory() as folder:
        path = Path(folder, "r.json")
        path.write_bytes(written)
        assert load_report(path) == document_of(given)
        # Bytes that are no report, or nearly one, are refused in one line.
        at = len(data) * 7 % len(written)
        for content in (data, written[:at] + data[:9] + written[at + 9 :]):
            path.write_bytes(content)
            try:
                found = load_report(path)
            except ReportError as error:
                assert "\n" not in str(error)
            else:
                assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
    assert to_json(given) == written


def summary(data: bytes) -> None:
    """No text commands a terminal or a runner, at any width and in any encoding."""
    given = report(data)
    for width, encoding in ((12, "utf-8"), (80, "utf-8"), (200, "ascii")):
        held = io.BytesIO()
        file = io.TextIOWrapper(held, encoding=encoding, newline="")
        render_summary(given, 1.0, Console(file=file, width=width))
        file.flush()
        shown = held.getvalue().decode(encoding)
        assert all(test_as_github.parsed(line) is None for line in shown.split("\n"))
        assert not set(shown) & {"\x1b", "\x00", "\x07", "\r", "\x85", "\u2028", "\u2029", "\u202e", "\x9b"}


_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"


def _guarded(plain: str) -> str:
    """A guard before each sign that begins a cell, or what is one where another sign separates cells; and before a tab
    or a line end that begins one. Character by character: what the writer does by a pattern.
    """
    made = ""
    begins = True  # a cell may begin here
    for place, sign in enumerate(plain):
        number = plain[place + 1 :].split(".") if sign in "+-" else [""]
        is_number = len(number) <= 2 and all(map(str.isdecimal, number))
        if (place == 0 and sign in "\t\r\n") or (begins and sign in _SIGNS and not is_number):
            made += GUARD
        made += sign
        begins = sign in ";,|\t\r\n" or (begins and place > 0 and sign in ' "')
    return made


def tables(data: bytes) -> None:
    """Every form of the assignment gives back the rows, and of separated values no cell is a formula."""
    rows = assignment(report(data))
    expected = [msgspec.structs.asdict(row) for row in rows]
    lines = table_of(rows, Path("a.jsonl")).data.splitlines()
    assert [msgspec.json.decode(line, type=Row) for line in lines] == list(rows)
    assert parquet.read_table(io.BytesIO(table_of(rows, Path("a.parquet")).data)).to_pylist() == expected
    for name, separator in (("a.csv", ","), ("a.tsv", "\t")):
        table = table_of(rows, Path(name))
        head, *body = csv.reader(io.StringIO(table.data.decode(), newline=""), delimiter=separator)
        assert head == list(Row.__struct_fields__)
        guarded = 0
        for cells, row in zip(body, expected, strict=True):
            for cell, value in zip(cells, row.values(), strict=True):
                plain = "" if value is None else str(value)
                assert not cell.startswith(("=", "@", "\t", "\r"))
                assert not cell.startswith(("+", "-")) or cell[1:].replace(".", "", 1).isdecimal()
                assert cell == _guarded(plain)
                guarded += cell != plain
        assert table.guarded == guarded


def gate(data: bytes) -> None:
    """Every form of a check is valid, as the tests of each form have it."""
    for text in islice(_pieces(data), 2):
        assert test_as_json.decoded(hostile(text))["unaccepted"] == 2
        assert len(suite_of(hostile(text)).findall("testcase")) == 5
        assert len(run_of(hostile(text))["results"]) == 4
        test_as_github.harmless(text)
        test_as_text.harmless(text, 30)


def page(data: bytes) -> None:
    """The page holds its data as they are, and no sign of a record is markup."""
    piece = _pieces(data)
    records: list[Record | Skipped] = [
        Record(
            encodable(f"{next(piece)}{number}"),
            f"{next(piece)}\n{' '.join(pages.SENTENCES)}",
            next(piece) or None,
            path=next(piece) or None,
        )
        for number in range(3)
    ]
    made = pages.run([*records, Skipped(next(piece) or "-", 3, next(piece))])
    shown = page_data(*made, 0.5)
    elements = Elements(page_of(shown))
    said = json.loads(msgspec.json.encode(shown))
    assert unpacked(elements, "index") == [said["index"]]
    assert [row for block in unpacked(elements, "texts") for row in block] == said["texts"]
    assert [row for block in unpacked(elements, "details") for row in block] == said["details"]
    assert [tag for tag in elements.tags if tag != "script"] == _tags_of_an_empty_page()


@cache
def _tags_of_an_empty_page() -> list[str]:
    elements = Elements(page_of(page_data(*pages.run([]), 0.5)))
    return [tag for tag in elements.tags if tag != "script"]


# --- what it is fuzzed from


def _hostile() -> Iterator[bytes]:
    told = [
        text.encode("utf-8", "backslashreplace") for text in (*HOSTILE, *pages.HOSTILE, "=cmd()", "+1", "\t=x", "-2.5")
    ]
    yield from told
    yield b"\x1e".join(told)


TARGETS: Final[Mapping[str, Target]] = {
    "json-report": Target(json_report, _hostile),
    "summary": Target(summary, _hostile),
    "tables": Target(tables, _hostile),
    "gate": Target(gate, _hostile),
    "html": Target(page, _hostile),
}
