import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.source_url import source_key

SAME_PAGE = {
    "scheme": ["http://example.org/a", "https://example.org/a", "HTTPS://example.org/a"],
    "missing scheme": ["https://www.example.org/a", "www.example.org/a", "example.org/a", "//example.org/a"],
    "space around it": ["https://example.org/a", "  https://example.org/a\n"],
    "www": ["https://www.example.org/a", "https://example.org/a"],
    "mobile host": ["https://m.example.org/a", "https://mobile.example.org/a", "https://example.org/a"],
    "amp host": ["https://amp.example.org/a", "https://example.org/a"],
    "both": ["https://www.m.example.org/a", "https://m.www.example.org/a", "https://example.org/a"],
    "mobile host of a subdomain": ["https://m.news.example.co.uk/a", "https://news.example.co.uk/a"],
    "mobile Wikipedia": ["https://vi.m.wikipedia.org/wiki/Hu%E1%BA%BF", "https://vi.wikipedia.org/wiki/Huế"],
    "amp path": ["https://example.org/a/amp", "https://example.org/a/amp/", "https://example.org/a"],
    "amp parameter": ["https://example.org/a?amp", "https://example.org/a?amp=1", "https://example.org/a"],
    "amp output": ["https://example.org/a?outputType=amp", "https://example.org/a"],
    "amp cache": ["https://cdn.ampproject.org/c/s/www.example.org/a", "https://www.example.org/a"],
    "amp cache, plain http": ["https://cdn.ampproject.org/c/example.org/a?id=3", "http://example.org/a?id=3"],
    "amp cache with its own host": [
        "https://www-example-org.cdn.ampproject.org/c/s/www.example.org/a-1.html/amp?amp_js_v=0.1&utm_source=x",
        "https://example.org/a-1.html?amp_js_v=0.1",
    ],
    "amp viewer": ["https://www.google.com/amp/s/example.org/a", "google.co.uk/amp/s/example.org/a", "example.org/a"],
    "default port": ["http://example.org:80/a", "https://example.org:443/a", "https://example.org/a"],
    "fragment": ["https://example.org/a#top", "https://example.org/a#", "https://example.org/a"],
    "text fragment": ["https://example.org/a#:~:text=some%20words", "https://example.org/a"],
    "text fragment in a route": ["https://example.org/#!/a:~:text=words", "https://example.org/#!/a"],
    "utm": ["https://example.org/a?utm_source=x&utm_medium=y&utm_brandnew=z", "https://example.org/a"],
    "trackers": ["https://example.org/a?id=1&fbclid=x&gclid=y&yclid=z&mc_cid=1&igshid=2", "https://example.org/a?id=1"],
    "Zalo": ["https://example.org/a.html?zarsrc=30&gidzl=x", "https://example.org/a.html"],
    "encoded or upper-case tracker": ["https://example.org/a?utm%5Fsource=x&FBCLID=1", "https://example.org/a"],
    "order of parameters": ["https://example.org/a?b=2&a=1", "https://example.org/a?a=1&b=2"],
    "parameters copied from HTML": ["https://example.org/a?a=1&amp;b=2", "https://example.org/a?a=1&b=2"],
    "empty parameters": ["https://example.org/a?", "https://example.org/a?&&", "https://example.org/a"],
    "parameter without a value": ["https://example.org/a?print", "https://example.org/a?print="],
    "space in a parameter": ["https://example.org/a?t=x+y", "https://example.org/a?t=x%20y"],
    "case of percent-encoding": ["https://example.org/%c3%a9", "https://example.org/%C3%A9", "https://example.org/é"],
    "needless encoding": ["https://example.org/%7Ejoe/%61%2Db", "https://example.org/~joe/a-b"],
    "brackets": ["https://example.org/wiki/X_%28y%29", "https://example.org/wiki/X_(y)"],
    "normal form": [
        "https://example.org/cafe\u0301",
        "https://example.org/caf\u00e9",
        "https://example.org/cafe%CC%81",
    ],
    "international host": ["https://сайт.рф/a", "https://xn--80aswg.xn--p1ai/a", "https://САЙТ.рф/a"],
    "case of the host": ["https://Example.ORG/a", "https://example.org/a"],
    "trailing slash": ["https://example.org/a/", "https://example.org/a", "https://example.org/a//"],
    "home page": ["https://example.org", "https://example.org/", "https://www.example.org/index.html"],
    "trailing dot": ["https://example.org./a", "https://example.org/a"],
    "index file": ["https://example.org/a/index.html", "https://example.org/a/index.php", "https://example.org/a/"],
    "default file": ["https://example.org/a/Default.aspx?id=1", "https://example.org/a?id=1"],
    "credentials": ["https://joe:secret@example.org/a", "https://example.org/a"],
    "dot segments": ["https://example.org/b/../a/./", "https://example.org/a"],
    "backslashes": ["https:\\\\example.org\\a", "https://example.org/a"],
}

DIFFERENT_PAGES = [
    ("https://x.org/?gallery=1", "https://x.org/?gallery=2"),
    ("https://x.org/p?uid=7", "https://x.org/p"),
    ("https://x.org/p?id=7", "https://x.org/p?id=8"),
    ("https://x.org/?source=3", "https://x.org/"),
    ("https://x.org/p?ref=3", "https://x.org/p"),
    ("https://x.org/p?reference=abc", "https://x.org/p"),
    ("https://x.org/a?page=2", "https://x.org/a"),
    ("https://x.org/watch?v=abc", "https://x.org/watch?v=abd"),
    ("https://x.org/?p=1", "https://x.org/?p=2"),
    ("https://x.org/a?lang=vi", "https://x.org/a?lang=en"),
    ("https://x.org/a?amp=5kW", "https://x.org/a"),
    ("https://x.org/a?ID=x", "https://x.org/a?ID=X"),
    ("https://x.org/a?t=1&t=2", "https://x.org/a?t=2&t=1"),
    ("https://x.org/a?q=b%26c=d", "https://x.org/a?q=b&c=d"),
    ("https://x.org/a?q=1%2B1", "https://x.org/a?q=1+1"),
    ("https://x.org/a%2Fb", "https://x.org/a/b"),
    ("https://x.org/a%3Fb", "https://x.org/a?b"),
    ("https://x.org/a%23b", "https://x.org/a#b"),
    ("https://x.org/100%25", "https://x.org/100"),
    ("https://x.org/News", "https://x.org/news"),
    ("https://x.org/a//b", "https://x.org/a/b"),
    ("https://m.com/a", "https://com/a"),
    ("https://m.com/a", "https://www.com/a"),
    ("https://amp.dev/a", "https://m.dev/a"),
    ("https://a-m.com/x", "https://a-com/x"),
    ("https://am.example.org/a", "https://example.org/a"),
    ("https://en.example.org/a", "https://example.org/a"),
    ("https://m.github.io/a", "https://www.github.io/a"),
    ("https://a.co.uk/x", "https://b.co.uk/x"),
    ("https://x.org:8080/a", "https://x.org/a"),
    ("https://x.org/#!/a", "https://x.org/#!/b"),
    ("https://x.org/#/a", "https://x.org/"),
    ("https://x.org/tag/amp", "https://x.org/tag"),
    ("https://x.org/wiki/amp", "https://x.org/wiki"),
    ("https://x.org/camp", "https://x.org/c"),
    ("https://x.org/index.html.bak", "https://x.org/"),
    ("https://x.org/%C3%28", "https://x.org/%C4%28"),
    ("https://www.google.com/amp/s/a.org/x", "https://www.google.com/amp/s/b.org/x"),
    ("https://x.org/a.html", "https://x.org/a"),
]

ARTICLES = [
    "https://baolamdong.vn/xa-thuan-an-can-khan-truong-kien-toan-to-chuc-bo-may-can-bo-386659.html",
    "https://huengaynay.vn/chinh-tri-xa-hoi/thao-go-kho-khan-buoc-dau-van-hanh-chinh-quyen-155514.html",
    "https://example.org/2024/05/12/flood",
    "https://example.org/a-long-title-without-any-number",
    "https://example.org/news/articles/c4g9lxyz",
    "https://example.org/article/flood",
    "https://example.org/news/123",
    "https://example.org/?p=123",
    "https://example.org/?20240512",
    "https://example.org/index.php?title=Flood",
    "https://www.youtube.com/watch?v=abcdefghijk",
    "https://en.wikipedia.org/wiki/Hanoi",
    "https://kubernetes.io/docs/concepts/overview/",
    "https://example.org/#!/article/55123",
    "https://example.org/en/news/europe/floods",
]

NO_ARTICLES = [
    "https://example.org",
    "https://example.org/?utm_source=x",
    "https://example.org/?lang=vi",
    "https://example.org/?page=2",
    "https://example.org/?s=flood+2024",
    "https://example.org/vi/",
    "https://example.org/en",
    "https://example.org/zh-hans/",
    "https://example.org/chinh-tri/",
    "https://example.org/chinh-tri-xa-hoi.html",
    "https://example.org/news/politics",
    "https://example.org/news/world/asia",
    "https://example.org/tag/x",
    "https://example.org/vi/tag/a-very-long-tag-with-many-words-2024",
    "https://example.org/category/x",
    "https://example.org/author/jane-doe-the-third-of-many",
    "https://example.org/search?q=flood",
    "https://example.org/news/page/2",
    "https://example.org/2024/",
    "https://example.org/2024/05/",
    "https://example.org/covid-19/",
    "https://example.org/euro-2024",
    "https://en.wikipedia.org/wiki/Category:Floods_in_Asia",
    "https://example.org/#!/",
]

NO_URLS = [
    "",
    " ",
    "/a/b",
    "//",
    "http://",
    "https:///",
    "notes.txt",
    "no url at all",
    "hello",
    "1.2/a",
    "joe@example.org",
    "mailto:joe@example.org",
    "javascript:alert(1)",
    "ftp://example.org/a",
    "file:///etc/passwd",
    "data:text/html,x",
    "http://[::1",
    "[::1",
    "http://a b.org/",
    "http://./a",
    "http://a..org/",
    "http://1..",
    "http://exa\0mple.org/",
    "http://example.org/\ud800",
    "\ud800",
    "http://example.org:99999/",
    "http://" + "a." * 1000 + "org/",
    "www." * 100_000,
    "cdn.ampproject.org/c/s/" * 10_000 + "a.org",
]


def key_of(url: str) -> str:
    found = source_key(url)
    assert found is not None, url
    return found.key


@pytest.mark.parametrize("spellings", SAME_PAGE.values(), ids=SAME_PAGE.keys())
def test_all_spellings_of_a_page_have_one_key(spellings: list[str]) -> None:
    assert len({key_of(url) for url in spellings}) == 1


@pytest.mark.parametrize(("left", "right"), DIFFERENT_PAGES)
def test_different_pages_have_different_keys(left: str, right: str) -> None:
    assert key_of(left) != key_of(right)


@pytest.mark.parametrize("url", ARTICLES)
def test_the_address_of_an_article_names_it(url: str) -> None:
    found = source_key(url)
    assert found is not None
    assert found.names_article


@pytest.mark.parametrize("url", NO_ARTICLES)
def test_the_address_of_a_page_that_lists_articles_names_none(url: str) -> None:
    found = source_key(url)
    assert found is not None
    assert not found.names_article


@pytest.mark.parametrize("text", NO_URLS, ids=lambda text: ascii(text)[:30])
def test_what_is_no_http_url_with_a_host_has_no_key(text: str) -> None:
    assert source_key(text) is None


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/a", "http://server.intranet/a", "http://[::1]/a", "http://10.0.0.7/a"]
)
def test_hosts_outside_the_public_suffix_list_have_a_key(url: str) -> None:
    assert key_of(url) == url.removeprefix("http:")


def test_the_key_is_an_address_without_its_scheme() -> None:
    assert key_of("https://www.example.org/b/?utm_source=x&c=%C3%A9&a=1#top") == "//example.org/b?a=1&c=%C3%A9"


def test_a_very_long_path_keeps_its_end() -> None:
    path = "a/" * 5_000
    assert key_of(f"https://example.org/{path}1") != key_of(f"https://example.org/{path}2")


def test_thousands_of_parameters_are_kept() -> None:
    query = "&".join(f"p{number}={number}" for number in range(5_000))
    assert key_of(f"https://example.org/?{query}").count("=") == 5_000


def test_a_long_tail_of_idle_segments_is_dropped() -> None:
    assert key_of("https://example.org/a" + "/amp" * 100_000) == "//example.org/a"


def test_the_libraries_are_not_imported_before_a_url_is_keyed() -> None:
    code = "import sys, dedup.source_url; sys.exit(bool({'ada_url', 'tldextract'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# fmt: off
PIECES = [
    "www.", "m.", "amp.", "example", ".org", ".co.uk", ".github.io", "/", "//", "/amp", "index.html", "?", "&", "=",
    "#", "#!", "#/", ":~:", "%", "%2F", "%C3", "%CC%81", "%zz", "é", "'", "^", "|", "\u037e", "\u1fef", "\u0338",
    "amp;", ":80", "utm_source=1", ":443", "@", "\\", ".", "..", "%2e", "cdn.ampproject.org/c/s/", "google.com/amp/",
    "[::1]", "xn--", "1", "0x7f", "\ud800", "\0", "\u00a0", "http://", "https:", "a", " ",
]
# fmt: on
urls = st.builds(
    lambda start, pieces: start + "".join(pieces),
    st.sampled_from(["", "http://", "https://example.org/", "https://example.org/?", "http://cdn.ampproject.org/c/s/"]),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=10),
)


@given(urls)
@settings(max_examples=400, deadline=None)
def test_the_key_of_a_key_is_the_same_key(url: str) -> None:
    found = source_key(url)
    assert found is None or source_key(found.key) == found


@given(st.text(st.characters(), max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_text_raises(text: str) -> None:
    found = source_key(text)
    assert found is None or found.key.startswith("//")
