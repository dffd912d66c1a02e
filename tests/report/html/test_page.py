import base64
import hashlib
import json
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from dedup.model import Report
from dedup.pipeline import Stages
from dedup.report.html import page as page_module
from dedup.report.html.collect import page_data
from dedup.report.html.data import PageData, Text
from dedup.report.html.page import SCRIPTS, blocks_of, page_of, script_of_page


class Elements(HTMLParser):
    """The elements of a page in their order, and what the style and the scripts hold."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.kinds: list[str] = []
        self.held: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.kinds += [value or "" for name, value in attrs if (tag, name) == ("script", "class")]
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
    held = unpacked(page, "texts"), unpacked(page, "details"), unpacked(page, "index")
    said = json.loads(msgspec.json.encode(data))
    texts, details = ([row for block in blocks for row in block] for blocks in held[:2])
    assert (texts, details, held[2]) == (said["texts"], said["details"], [said["index"]])


def unpacked(page: Elements, kind: str) -> list[list[object]]:
    """The blocks of a kind, in order."""
    blocks = zip(page.kinds, page.of("script")[: len(page.kinds)], strict=True)
    return [json.loads(zlib.decompress(base64.b64decode(held))) for one, held in blocks if one == kind]


@pytest.mark.parametrize("sizes", [[], [1], [10], [1, 1, 1, 10, 1, 1, 1], [10, 10], [3] * 7])
def test_blocks_hold_every_row_once_and_name_their_first(sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedup.report.html.page.BLOCK", 50)
    rows = [Text((str(number) * 10 * size,), 0, 0, ()) for number, size in enumerate(sizes)]
    read: list[object] = []
    for block in blocks_of("texts", rows):
        assert block.first == len(read)
        read += json.loads(zlib.decompress(base64.b64decode(block.held)))
    assert read == json.loads(msgspec.json.encode(rows))


def test_no_text_of_a_record_is_markup(page: Elements) -> None:
    assert page.tags.count("script") == len(page.kinds) + 1
    assert {"img", "b", "i", "u", "svg"}.isdisjoint(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js")
@pytest.mark.parametrize("name", SCRIPTS)
def test_each_part_of_the_script_can_be_parsed_by_itself(name: str) -> None:
    file = Path(page_module.__file__).parent / "script" / name
    checked = subprocess.run(["node", "--check", file], capture_output=True, check=False)
    assert checked.stderr == b""


def test_every_part_of_the_script_is_in_the_page() -> None:
    folder = Path(page_module.__file__).parent / "script"
    assert sorted(path.name for path in folder.iterdir()) == sorted(SCRIPTS)
    assert all((folder / name).read_text(encoding="utf-8") in script_of_page() for name in SCRIPTS)


def test_policy_allows_this_script_and_this_style_and_nothing_else(page: Elements) -> None:
    (policy,) = (value for tag, name, value in page.attributes if (tag, name) == ("meta", "content") and "src" in value)
    (style,), (*_, script) = page.of("style"), page.of("script")
    assert policy == (
        f"default-src 'none'; script-src {source(script)}; style-src {source(style)}; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_page_names_no_other_file(page: Elements) -> None:
    assert not [value for _, name, value in page.attributes if name in {"src", "srcset", "action", "data"}]
    assert [value for _, name, value in page.attributes if name == "href"] == ["#main"]


def test_same_data_give_the_same_bytes(data: PageData) -> None:
    assert page_of(data) == page_of(data)
