"""Small reports made by hand, and checks that a document keeps to the published schema."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from dedup.model import (
    Cluster,
    Conflict,
    EncoderInfo,
    Entry,
    Evidence,
    Finder,
    FunnelStage,
    Link,
    Relation,
    Report,
    Skipped,
    WholeReport,
)
from dedup.report.document import Document, document_of

SCHEMA_FILE = Path(__file__).parents[2] / "dedup" / "report" / "schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_bytes()))


def article(
    record_id: str,
    text: str = "A text.",
    language: str = "en",
    url: str | None = None,
    path: str | None = None,
    line: int | None = None,
) -> Entry:
    content = hashlib.sha256(text.encode()).digest()[:16]
    return Entry(record_id, path, line, language, url, None, len(text), content)


def link(left: int, right: int, probability: float = 0.9, evidence: Sequence[Evidence] = ()) -> Link:
    return Link(left, right, Relation.TRANSLATION, probability, (Finder.SOURCE_URL, Finder.FACTS), tuple(evidence))


def report_of(
    articles: Sequence[Entry],
    clusters: Sequence[Cluster] = (),
    conflicts: Sequence[Conflict] = (),
    skipped: Sequence[Skipped] = (),
) -> WholeReport:
    return WholeReport(
        articles=tuple(articles),
        languages=Counter(article.language for article in articles),
        clusters=tuple(clusters),
        conflicts=tuple(conflicts),
        funnel=(FunnelStage("source-url", 1), FunnelStage("vectors", 1_234)),
        skipped=tuple(skipped),
        encoder=EncoderInfo("bundled", "d1", "ntrex"),
        settings={"threshold": 0.5, "model": "bundled", "seed": 1},
        dropped_segments={},
    )


@pytest.fixture
def seeds() -> WholeReport:
    """Like the five seeds: one Arabic article and its Hindi translation among five."""
    url = "https://example.vn/cai-cach.html"
    evidence = (
        Evidence("prior", 1.0, -4.2),
        Evidence("source-url", 1.0, 3.0),
        Evidence("alignment", 0.66, 4.1),
        Evidence("shared-figures", 2.86, 3.9, "402 317 113 96"),
        Evidence("length", 0.3365, -0.5),
        Evidence("missing-figures", 0.0, 0.0),
    )
    report = report_of(
        [
            article("000.txt", "نص " * 900, "ar", url, path="seeds/000.txt"),
            article("001.txt", "متن " * 700, "fa", path="seeds/001.txt"),
            article("002.txt", "نص آخر " * 500, "ar", path="seeds/002.txt"),
            article("003.txt", "Un text " * 400, "ro", path="seeds/003.txt"),
            article("004.txt", "पाठ " * 900, "hi", url, path="seeds/004.txt"),
        ],
        [Cluster((0, 4), (link(0, 4, 0.998_163_4, evidence),), 0.998_163_4)],
        [Conflict("https://example.vn/", (1, 3), "a home page")],
        [Skipped("seeds/notes.txt", None, "empty"), Skipped("seeds/more.jsonl", 17, "not JSON")],
    )
    return replace(report, dropped_segments={"003.txt": 12})


def checked(report: bytes) -> dict[str, Any]:
    """The JSON report, decoded, if it keeps to the published schema."""
    decoded: dict[str, Any] = json.loads(report)
    VALIDATOR.validate(decoded)
    return decoded


def checked_document(report: Report) -> Document:
    """The document of ``report``, if it keeps to the published schema."""
    document = document_of(report)
    checked(msgspec.json.encode(document))
    return document
