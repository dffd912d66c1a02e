"""The page: a frame made by jinja2, with style, script and data in it.

The data are JSON, compressed (zlib, RFC 1950) and written in base64: the index, which the page reads when it is opened,
and blocks of texts and of details, which it reads when they are asked for. So a text costs a third of its bytes in the
file, and nothing in a browser until somebody wants to see it.
"""

import base64
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

import msgspec
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from dedup.report.console import counted
from dedup.report.html.data import PageData

SCRIPTS: Final = (
    "elements.js",
    "data.js",
    "charts.js",
    "overview.js",
    "clusters.js",
    "graph.js",
    "cluster.js",
    "pair.js",
    "thresholds.js",
    "lists.js",
    "navigation.js",
)
"""The parts of the page's script in their order: the later ones use the earlier ones."""

BLOCK: Final = 128 * 1024
"""Bytes of JSON from which a block is full: read in a few milliseconds, yet compressed as well as a large one, since
deflate looks back 32 KiB at most."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some of the data, as the page holds it: its kind, the number of the first row in it, and the rows."""

    kind: str
    first: int
    held: Markup


def page_of(data: PageData) -> bytes:
    """The page as UTF-8; equal data, equal bytes.

    It may run one script and one style, named by their hashes, and load nothing: whatever got into the page
    besides would be inert (Content Security Policy Level 3). Nor may the script make markup or code of a string
    (Trusted Types, where a browser knows them).
    """
    style, script = _asset("page.css"), script_of_page()
    frame = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    page = frame.from_string(_asset("page.html")).render(
        index=data.index,
        clusters=counted(len(data.index.clusters), "cluster"),
        records=counted(data.index.input.records, "record"),
        policy=f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        style=Markup(style),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        blocks=[
            Block("index", 0, packed(msgspec.json.encode(data.index))),
            *blocks_of("texts", data.texts),
            *blocks_of("details", data.details),
        ],
    )
    return page.encode()


def script_of_page() -> str:
    """The page's script: its parts, in one scope of their own."""
    parts = "\n".join(_asset(f"script/{name}") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}\n}})();\n'


def blocks_of(kind: str, rows: Sequence[Struct]) -> Iterator[Block]:
    """The rows in blocks, each an array."""
    first, held, size = 0, list[bytes](), 0
    for number, row in enumerate(rows):
        held.append(msgspec.json.encode(row))
        size += len(held[-1])
        if size >= BLOCK or number == len(rows) - 1:
            yield Block(kind, first, packed(b"[" + b",".join(held) + b"]"))
            first, held, size = number + 1, [], 0


def packed(data: bytes) -> Markup:
    """Compressed, in base64: no character of it means anything in markup."""
    return Markup(base64.b64encode(zlib.compress(data, 9)).decode())  # noqa: S704 - letters, digits, + / =


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
