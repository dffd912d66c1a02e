"""Small checks made by hand, and strings that would do harm if a form let them."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from rich.console import Console

from dedup.findings import Checked, Finding, Match, SameId, SharedPage, StaleEntry
from dedup.model import (
    Confirmed,
    EncoderInfo,
    Entry,
    Evidence,
    Finder,
    FunnelStage,
    Relation,
    Skipped,
)
from dedup.report.gate import render

HOSTILE = [
    "a\nb\r\nc",
    "::error file=x::y",
    " ::stop-commands::z",
    "x ##[add-mask]y",
    "]]>",
    "<script>alert(1)</script> & 'q' \"q\"",
    "\udcff\ud800",
    "\u202eevil\u202c",
    "\x00\x07\x1b[2J\x9b",
    "\ufffe\uffff\u2028\x85",
    "[here](https://example.org) \\[a\\](1) [",
    "{0} {{1}}",
    "a,line=7:b%0Ac=d",
    "[red]x[/red] :smile:",
    "ملف",
    "id:x",
    "-",
]
ANY_TEXT = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=[]), max_size=12)

EVIDENCE = (
    Evidence("prior", 1.0, -4.2),
    Evidence("source-url", 1.0, 3.0),
    Evidence("alignment", 0.66, 4.1),
    Evidence("shared-figures", 2.86, 3.9, "402 317 113 96"),
    Evidence("length", 0.3365, -0.5),
)
URL = "https://example.vn/cai-cach.html"


def entry(
    record_id: str, language: str = "en", path: str | None = None, line: int | None = None, url: str | None = None
) -> Entry:
    """A file in ``seeds/``, or a row, or what stands nowhere where ``path`` is empty."""
    place = f"seeds/{record_id}" if path is None else path or None
    content = hashlib.sha256(record_id.encode("utf-8", "surrogatepass")).digest()[:16]
    return Entry(record_id, place, line, language, url, None, 3_893, content)


def match(
    partner: Entry,
    probability: float = 0.998_163_4,
    relation: Relation = Relation.TRANSLATION,
    *,
    known: bool = True,
    evidence: tuple[Evidence, ...] = EVIDENCE,
    shared_source: str | None = None,
    copies: int = 0,
    accepted: bool = False,
) -> Match:
    found_by = (Finder.SOURCE_URL, Finder.FACTS)
    return Match(
        partner,
        known,
        relation,
        probability,
        found_by,
        evidence,
        Confirmed.MODEL,
        shared_source,
        copies,
        accepted,
    )


def checked_of(
    records: Sequence[Entry] = (),
    findings: Sequence[Finding] = (),
    pages: Sequence[SharedPage] = (),
    skipped: Sequence[Skipped] = (),
) -> Checked:
    return Checked(
        records=tuple(records),
        known=4,
        replaced=0,
        gone=0,
        findings=tuple(findings),
        same_id=(),
        shared_pages=tuple(pages),
        skipped=tuple(skipped),
        known_skipped=(),
        funnel=(FunnelStage("source-url", 1), FunnelStage("candidates", 3)),
        encoder=EncoderInfo("bundled", "d1", "ntrex"),
        first_encoder=EncoderInfo("table", "d2", "ntrex"),
        settings={"threshold": 0.5, "model": "bundled"},
        dropped_segments={},
        known_shortened=0,
        known_dropped_segments=0,
    )


def one_finding(record: Entry, *matches: Match) -> Checked:
    return checked_of([record], [Finding(record, matches)])


def many(
    number: int, relation: Relation = Relation.TRANSLATION, *, known: bool = True, accepted: bool = False
) -> Checked:
    """``number`` new records, each with one match."""
    records = [entry(f"{place:03d}.txt") for place in range(number)]
    partners = [entry(f"k{place:03d}.txt", "ar") for place in range(number)]
    matches = [match(partner, relation=relation, known=known, accepted=accepted) for partner in partners]
    return checked_of(records, [Finding(record, (one,)) for record, one in zip(records, matches, strict=True)])


def hostile(text: str) -> Checked:
    """A check in which ``text`` stands wherever a record, a file or a message can put it."""
    record, row = entry(text, path=text, url=text), entry(f"{text}2", "en", path=text, line=3)
    nowhere = entry(f"{text}3", path="")
    evidence = (Evidence("new-kind", 1.5, 1.0, text), Evidence("shared-names", 2.0, 1.0, text))
    told = match(row, evidence=evidence, shared_source=text, copies=2)
    accepted = match(nowhere, 0.7, accepted=True)
    skipped = (Skipped(text, 3, text), Skipped(text, None, text))
    check = checked_of(
        [record, row, nowhere],
        [Finding(record, (told, accepted)), Finding(row, (accepted,)), Finding(nowhere, (told,))],
        [SharedPage(record, (row, nowhere), text, text)],
        skipped,
    )
    return replace(
        check,
        known_skipped=skipped,
        same_id=(SameId(row, nowhere, Relation.EXACT, 1.0), SameId(record, row, Relation.PARTIAL, 0.7)),
        settings={"model": text},
        encoder=EncoderInfo(text, "d1", text),
        stale=(StaleEntry(text, f"{text}2"),),
        dropped_segments={text: 2},
    )


def written(checked: Checked, form: str, width: int = 80, seconds: float = 2.13) -> str:
    """What is printed where the output is piped."""
    file = io.StringIO()
    render(checked, form, seconds, Console(file=file, width=width))
    return file.getvalue()


@pytest.fixture
def seeds() -> Checked:
    """Like the seeds with 004 added: it is a translation of 000, which is known; and all else that can be told."""
    arabic, other = entry("000.txt", "ar", url=URL), entry("002.txt", "ar")
    hindi, row = entry("004.txt", "hi", url=URL), entry("17", "en", path="more.jsonl", line=3)
    near = match(other, 0.61, Relation.NEAR_DUPLICATE, evidence=(), copies=1)
    piped = entry("-:9", "ro", path="-", line=9)
    check = checked_of(
        [hindi, row, piped],
        [
            Finding(hindi, (match(arabic, shared_source=URL), near)),
            Finding(row, (match(other, 0.9, accepted=True),)),
            Finding(piped, (match(row, 0.7, Relation.PARTIAL, known=False),)),
        ],
        [SharedPage(row, (other,), "https://example.vn/", "a home page")],
        [Skipped("seeds/empty.txt", None, "empty text"), Skipped("more.jsonl", 4, "not JSON")],
    )
    return replace(
        check,
        known_skipped=(Skipped("old/x.txt", None, "empty text"),),
        replaced=1,
        gone=2,
        stale=(StaleEntry("seeds/001.txt", "seeds/004.txt"),),
        dropped_segments={"004.txt": 12},
    )
