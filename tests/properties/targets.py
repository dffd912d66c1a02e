"""The properties by name, with inputs to begin from."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zstandard

from tests.properties import pages, reading, reports, texts
from tests.report.gate.conftest import HOSTILE
from tests.report.html.conftest import HOSTILE as MARKUP

HANDMADE: Final = Path(__file__).parent.parent / "handmade" / "articles.jsonl"

FOUND: Final = Path(__file__).parent / "found"
"""Inputs that once broke a property, one a file, in a folder of the property's name."""

SHORT: Final = 600
"""Bytes of a text to begin from, at most."""


@dataclass(frozen=True, slots=True)
class Target:
    """A property, and the inputs from which others are made."""

    check: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]


def handmade() -> Iterator[bytes]:
    """The beginnings of some hand-made texts: one a language."""
    seen = set()
    with HANDMADE.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["lang"] not in seen:
                seen.add(row["lang"])
                yield row["text"].encode()[:SHORT].decode("utf-8", "ignore").encode()


def _mixed() -> Iterator[bytes]:
    yield from handmade()
    yield "1億2000万円と3万5000人 १,२३४.५ 17 786 419 37만 5,000 1 करोड़ 20 लाख".encode()
    yield "Ｆｕｌｌ　ｗｉｄｔｈ ½ ﬁne ǅ Ⅻ ẞ İstanbul می\u200cروم क्\u200dष e\u0301\u0302 \ufe0f".encode()
    yield b"A. B! C? \xff\xed\xa0\x80 \x00\x1b[2J"


def _files() -> Iterator[bytes]:
    yield from (b"A text.", "Một bài.".encode("utf-16"), "Статья, и ещё одна.".encode("cp1251"), "記事".encode("gb18030"))
    yield from handmade()


def _lines() -> Iterator[bytes]:
    yield reading.ROW + b"\n"
    yield b'\xef\xbb\xbf{"text": "A text.", "id": 7}\n\n{"text": null}\r\n[NaN, 1e999]\n'
    yield b'{"id": "\\ud800", "text": "\\u0000 a\tb", "metadata": {"url": "https://x.org/1"}}\n{"text": "cut off'
    yield from (json.dumps({"text": text.decode()}).encode() for text in handmade())


def _rows() -> Iterator[bytes]:
    yield b'a,"A ""quoted"", text\nof two lines"\r\nb,Another.\n'
    yield b"a\tA text.\n\nb\t\xff\n\tWithout an id.\n"
    yield b"id,text\nc,one,too many\n"


def _packed() -> Iterator[bytes]:
    yield b"\x09\x00\x10" + reading.ROW
    yield b"\x40\x00\xff" + b"Text. " * 99
    for pack in (lambda data: gzip.compress(data, mtime=0), zstandard.compress):
        yield pack(reading.ROW) + pack(b"") + pack(b"Text. " * 99)


def _parquet() -> Iterator[bytes]:
    yield reading.parquet_file()
    yield b"\x04\x00\x00" * 4


def _parquet_pages() -> Iterator[bytes]:
    yield from (bytes((group, at, 0, 1 << group)) for group in range(4) for at in (0, 9, 99))


def _archives() -> Iterator[bytes]:
    yield reading.warc_record(1, "One.") + reading.warc_record(2, "Two.")
    yield gzip.compress(reading.warc_record(1, "One."), mtime=0) + gzip.compress(b"x", mtime=0)
    yield zstandard.compress(reading.warc_record(1, "One."))
    yield reading.warc_record(1, "One.").replace(b"conversion", b"response").replace(b"Length: 4", b"Length: 99")


def _pages() -> Iterator[bytes]:
    for text in handmade():
        yield text + "\nNguồn: https://example.org/a-b-c.html\nBình luận (0)\n".encode()
    yield "Chia sẻ Facebook\nTitle\n[Source](https://example.org/a)\nText.\nSource:\nhttps://example.org/b".encode()
    yield "المصدر: https://example.org/\u200e\nتعليق (12)\nwww.example.org/x\nSource: example.org/x".encode()


def _urls() -> Iterator[bytes]:
    yield from (
        b"https://www.example.co.uk:443/2024/05/a-title-of-three.html/amp?utm_source=x&id=7&amp;b=%C3%A9#!/route",
        b"//cdn.ampproject.org/c/s/m.example.org/a/index.html?page=2#:~:text=a",
        b"example.org/%zz/../b;c?q=1&q=2", b"http://[::1]:80/", b"https://xn--bcher-kva.example/", b"http://0x7f.1/",
        "https://en.m.wikipedia.org/wiki/Đà_Nẵng".encode(), b"https://google.com/amp/s/example.org/x",
    )  # fmt: skip


def _records() -> Iterator[bytes]:
    for text in _mixed():
        yield b"\x1e".join((text, b"https://example.org/a?id=1", b"pt-BR"))


def _hostile() -> Iterator[bytes]:
    told = [text.encode("utf-8", "backslashreplace") for text in (*HOSTILE, *MARKUP, "=cmd()", "+1", "\t=x", "-2.5")]
    yield from told
    yield b"\x1e".join(told)


TARGETS: Final[Mapping[str, Target]] = {
    "texts": Target(reading.text_file, _files),
    "jsonl": Target(reading.jsonl, _lines),
    "delimited": Target(reading.delimited, _rows),
    "packed": Target(reading.packed, _packed),
    "parquet": Target(reading.parquet, _parquet),
    "parquet-pages": Target(reading.parquet_page, _parquet_pages),
    "warc": Target(reading.warc, _archives),
    "source-line": Target(pages.page, _pages),
    "url-key": Target(pages.url, _urls),
    "normalise": Target(texts.normalising, _mixed),
    "figures": Target(texts.figures, _mixed),
    "segments": Target(texts.cutting, _mixed),
    "names": Target(texts.naming, _mixed),
    "fingerprint": Target(texts.fingerprints, _mixed),
    "sketch": Target(texts.sketching, _records),
    "json-report": Target(reports.json_report, _hostile),
    "summary": Target(reports.summary, _hostile),
    "tables": Target(reports.tables, _hostile),
    "gate": Target(reports.gate, _hostile),
    "html": Target(reports.page, _hostile),
}
