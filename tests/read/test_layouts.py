"""Rows as published corpora lay them out."""

import io
import json
from typing import Any

import pytest

from dedup.language import declared_language
from dedup.model import Record, Skipped
from dedup.read import Fields
from dedup.read.fields import Origin
from dedup.read.formats import reader_of


def read(row: object, fields: Fields = Fields(), name: str = "t.jsonl") -> Record | Skipped:  # noqa: B008
    data = json.dumps(row).encode()
    (item,) = reader_of(name)(io.BytesIO(data), Origin(name, name), fields)
    return item


def said(row: object, fields: Fields = Fields()) -> tuple[str, str, str | None, str | None]:  # noqa: B008
    record = read(row, fields)
    assert isinstance(record, Record), record
    return record.id, record.text, record.url, record.language


LAYOUTS: dict[str, tuple[dict[str, Any], Fields]] = {
    "datatrove": (
        {"text": "T.", "id": "x", "metadata": {"url": "https://x.org/1", "language": "vi", "dump": "CC-MAIN-2024-10"}},
        Fields(),
    ),
    "FineWeb-2": (
        {"text": "T.", "id": "x", "dump": "d", "url": "https://x.org/1", "language": "vie", "language_script": "Latn"},
        Fields(),
    ),
    "C4": ({"text": "T.", "timestamp": "2019-04-25T12:57:54Z", "url": "https://x.org/1"}, Fields()),
    "RedPajama": ({"text": "T.", "meta": {"url": "https://x.org/1", "language": "vi"}}, Fields()),
    "OSCAR": (
        {
            "id": 7,
            "content": "T.",
            "warc_headers": {"warc-target-uri": "https://x.org/1", "content-length": 3},
            "metadata": {"identification": {"label": "vi", "prob": 0.9}, "annotation": None},
        },
        Fields(text="content"),
    ),
    "nested text": (
        {"doc": {"body": {"plain": "T."}, "key": 3}, "url": "https://x.org/1"},
        Fields(text="doc.body.plain", id="doc.key"),
    ),
}
EXPECTED = {
    "datatrove": ("x", "T.", "https://x.org/1", "vi"),
    "FineWeb-2": ("x", "T.", "https://x.org/1", "vie"),
    "C4": ("t.jsonl:1", "T.", "https://x.org/1", None),
    "RedPajama": ("t.jsonl:1", "T.", "https://x.org/1", "vi"),
    "OSCAR": ("7", "T.", "https://x.org/1", "vi"),
    "nested text": ("3", "T.", "https://x.org/1", None),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_published_corpora_are_read_without_more_options_than_the_text_needs(layout: str) -> None:
    assert said(*LAYOUTS[layout]) == EXPECTED[layout]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_from_parquet(layout: str) -> None:
    pa: Any = pytest.importorskip("pyarrow")
    pq: Any = pytest.importorskip("pyarrow.parquet")
    row, fields = LAYOUTS[layout]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row]), file)
    (record,) = reader_of("t.parquet")(io.BytesIO(file.getvalue()), Origin("t.jsonl", "t.jsonl"), fields)
    assert isinstance(record, Record), record
    assert (record.id, record.text, record.url, record.language) == EXPECTED[layout]


def test_metadata_of_parquet_may_be_a_map() -> None:
    pa: Any = pytest.importorskip("pyarrow")
    pq: Any = pytest.importorskip("pyarrow.parquet")
    kind = pa.map_(pa.string(), pa.string())
    table = pa.table({"text": ["T."], "metadata": pa.array([[("url", "https://x.org/1"), ("language", "vi")]], kind)})
    file = io.BytesIO()
    pq.write_table(table, file)
    (record,) = reader_of("t.parquet")(io.BytesIO(file.getvalue()), Origin("t", "t"), Fields())
    assert isinstance(record, Record), record
    assert (record.url, record.language) == ("https://x.org/1", "vi")


def test_a_field_of_that_very_name_goes_before_what_a_dot_leads_to() -> None:
    row = {"a.b": "Flat.", "a": {"b": "Nested."}}
    assert said(row, Fields(text="a.b"))[1] == "Flat."
    assert said({"a": {"b": "Nested."}}, Fields(text="a.b"))[1] == "Nested."
    assert said({"a": {"b.c": "Deep."}}, Fields(text="a.b.c"))[1] == "Deep."


def test_the_default_field_goes_before_all_others_unless_it_is_empty() -> None:
    row = {
        "text": "T.",
        "url": "https://x.org/own",
        "lang": "de",
        "language": "fr",
        "metadata": {"url": "https://y.org/"},
    }
    assert said(row)[2:] == ("https://x.org/own", "de")
    assert said({**row, "url": None, "lang": ""})[2:] == ("https://y.org/", "fr")


@pytest.mark.parametrize("nothing", [None, " ", ["vi"], {"code": "vi"}, 3])
def test_a_field_that_holds_no_string_does_not_hide_the_others(nothing: object) -> None:
    row = {"text": "T.", "url": nothing, "lang": nothing, "metadata": {"url": "https://x.org/1", "language": "vi"}}
    assert said(row)[2:] == ("https://x.org/1", "vi")


def test_a_field_that_is_named_has_no_others() -> None:
    row = {"text": "T.", "language": "fr", "metadata": {"url": "https://x.org/1"}}
    assert said(row, Fields(url="link", language="tongue"))[2:] == (None, None)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"a": "x"}, 'no field "a.b" (has: a; use --text-field)'),
        ({"a": None}, 'no field "a.b"'),
        ({"a": {"b": None}}, 'field "a.b" is null, not a string'),
        ({"a": [{"b": "x"}]}, 'no field "a.b"'),
    ],
)
def test_a_dot_that_leads_nowhere_costs_the_row(row: object, reason: str) -> None:
    item = read(row, Fields(text="a.b"))
    assert isinstance(item, Skipped)
    assert item.reason == reason


@pytest.mark.parametrize(
    ("tag", "code"),
    [("vie", "vi"), ("vie_Latn", "vi"), ("arb_Arab", "ar"), ("cmn_Hani", "zh"), ("gaz_Latn", "om"), ("zh-Hans", "zh")],
)
def test_language_tags_of_these_corpora_are_languages_of_the_calibration(tag: str, code: str) -> None:
    assert declared_language(tag) == code
