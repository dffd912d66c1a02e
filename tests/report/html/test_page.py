import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import msgspec
import pytest

from dedup.model import Report
from dedup.pipeline import Stages
from dedup.report.html.collect import page_data
from dedup.report.html.data import PageData
from dedup.report.html.page import json_in_markup, page_of


class Elements(HTMLParser):
    """The elements of a page in their order, and what the style and the scripts hold."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.held: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in self.held:
            self.held[self.tags[-1]].append(data)

    def of(self, tag: str) -> list[str]:
        return [one for one in self.held[tag] if one.strip()]


@pytest.fixture(scope="module")
def data(made: tuple[Stages, Report]) -> PageData:
    return page_data(*made, 0.5)


@pytest.fixture(scope="module")
def page(data: PageData) -> Elements:
    return Elements(page_of(data))


def test_data_of_the_page_is_all_of_it(data: PageData, page: Elements) -> None:
    held, _ = page.of("script")
    assert json.loads(held) == json.loads(msgspec.json.encode(data))


def test_no_text_of_a_record_is_markup(data: PageData, page: Elements) -> None:
    assert not re.search(rb"[<>&]", json_in_markup(data))
    assert page.tags.count("script") == 2
    assert {"img", "b", "i", "u", "svg"}.isdisjoint(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]


def test_policy_allows_this_script_and_this_style_and_nothing_else(page: Elements) -> None:
    (policy,) = (value for tag, name, value in page.attributes if (tag, name) == ("meta", "content") and "src" in value)
    (style,), (_, script) = page.of("style"), page.of("script")
    assert policy == (
        f"default-src 'none'; script-src {source(script)}; style-src {source(style)}; base-uri 'none'; "
        "form-action 'none'"
    )


def source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_page_names_no_other_file(page: Elements) -> None:
    assert not [value for _, name, value in page.attributes if name in {"src", "srcset", "action", "data"}]
    assert [value for _, name, value in page.attributes if name == "href"] == ["#main"]


def test_same_data_give_the_same_bytes(data: PageData) -> None:
    assert page_of(data) == page_of(data)
