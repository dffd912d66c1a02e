"""The page: a frame made by jinja2, with style, script and data in it."""

import base64
import hashlib
from importlib import resources
from typing import Final

import msgspec
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from dedup.report.html.data import PageData

_IN_MARKUP: Final = {b"<": b"\\u003c", b">": b"\\u003e", b"&": b"\\u0026"}
"""With these spelled as JSON escapes, no text can end the element that holds the data, nor begin another one."""


def page_of(data: PageData) -> bytes:
    """The page as UTF-8; equal data, equal bytes.

    It may run one script and one style, named by their hashes, and load nothing: whatever got into the page
    besides would be inert (Content Security Policy Level 3).
    """
    style, script = _asset("page.css"), _asset("page.js")
    frame = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    page = frame.from_string(_asset("page.html")).render(
        data=data,
        policy=f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'",
        style=Markup(style),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        json=Markup(json_in_markup(data).decode()),  # noqa: S704 - holds no character that markup knows
    )
    return page.encode()


def json_in_markup(data: PageData) -> bytes:
    """The data as JSON that is safe inside an element."""
    encoded = msgspec.json.encode(data)
    for character, escape in _IN_MARKUP.items():
        encoded = encoded.replace(character, escape)
    return encoded


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
