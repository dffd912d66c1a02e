"""What taking a page apart promises, and the key of a URL."""

from collections.abc import Iterator, Mapping
from typing import Final

from dedup import source_url
from dedup.page import Page, _visible, split_page
from dedup.read.characters import readable
from dedup.source_url import source_key, subdomain_of
from tests.properties import seeds
from tests.properties.seeds import Target


def text_of(data: bytes) -> str:
    """A text of these bytes; those that are not UTF-8 become lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def page(data: bytes) -> None:
    """Lines are only taken whole, and each is accounted for; blank lines around a text change nothing."""
    for text in {text_of(data), readable(text_of(data))}:
        found = split_page(text)
        assert bool(found.text) == bool(text.strip())
        _check_lines(text, found)
        if found.source_url is None and not found.furniture:
            assert found.text == text.strip()
        if found.source_url is not None:
            assert found.source_url in text.replace("\u200b", "") or not text.isprintable()
        assert split_page(f"\n \n{text}\n\n") == found


def _check_lines(text: str, found: Page) -> None:
    """Every line that shows something is the article's, furniture, or the one that cites the source."""
    shown = [line for line in map(_visible, text.splitlines()) if line]
    kept = [line for line in map(_visible, found.text.splitlines()) if line]
    rest = iter(shown)
    assert all(line in rest for line in kept), "what is left are lines of the text, in their order"
    gone = len(shown) - len(kept)
    cited = found.source_url is not None and gone > 0
    assert gone == len(found.furniture) + cited
    rest = iter(shown)
    assert all(line in rest for line in found.furniture)


def url(data: bytes) -> None:
    """A key is a URL again and has itself for its key; what does not change the page does not change the key."""
    found = source_key(text_of(data))
    if found is None:
        return
    key = found.key
    key.encode("ascii")
    assert key.startswith("//")
    host = key[2:].partition("/")[0].partition("?")[0].partition("#")[0]
    for spelling in (
        key,
        f"http:{key}",
        f"HTTPS:{key}",
        f"\u00a0https:{key} ",
        f"https://{host.upper()}{key[2 + len(host) :]}",
    ):
        assert source_key(spelling) == found, spelling
    if "#" not in key:
        more = "&" if "?" in key else "?"
        for end in ("#place", "#:~:text=a", f"{more}utm_source=x", f"{more}fbclid=1&gclid=2", f"{more}amp=1"):
            assert source_key(f"https:{key}{end}") == found, end
    if "?" not in key and "#" not in key:
        assert source_key(f"https:{key}/") == found
        if not _is_amp_cache(host, key.split("/")[3:4]):  # there, it would be the name of a host
            assert source_key(f"https:{key}/index.html") == found
    if _has_registered_domain(host):
        assert source_key(f"https://www.{key[2:]}") == found
        assert source_key(f"https://m.{key[2:]}") == found


def _is_amp_cache(host: str, kind: list[str]) -> bool:
    return bool(kind) and source_url._is_amp_cache(host, kind[0])


def _has_registered_domain(host: str) -> bool:
    """Whether what stands before the host is a subdomain, and the key would not change by what was before already."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return bool(subdomain_of(f"www.{name}")) and len(name) < 240


# --- what it is fuzzed from


def _pages() -> Iterator[bytes]:
    for text in seeds.handmade():
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


TARGETS: Final[Mapping[str, Target]] = {
    "source-line": Target(page, _pages),
    "url-key": Target(url, _urls),
}
