"""A property with the inputs to begin from, and the texts that several of them begin from."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HANDMADE: Final = Path(__file__).parent.parent / "handmade" / "articles.jsonl"

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


def mixed() -> Iterator[bytes]:
    """Texts in which there is something to see to."""
    yield from handmade()
    yield "1億2000万円と3万5000人 १,२३४.५ 17 786 419 37만 5,000 1 करोड़ 20 लाख".encode()
    yield "Ｆｕｌｌ　ｗｉｄｔｈ ½ ﬁne ǅ Ⅻ ẞ İstanbul می\u200cروم क्\u200dष e\u0301\u0302 \ufe0f".encode()
    yield b"A. B! C? \xff\xed\xa0\x80 \x00\x1b[2J"
