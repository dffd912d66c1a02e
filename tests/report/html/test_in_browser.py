"""The page as a browser shows it. Where there is no Chromium these tests are skipped, and .ci/run says so."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest
from chromium import Page
from msgspec import Struct
from msgspec.structs import replace

from dedup.cli import main
from dedup.model import Report
from dedup.pipeline import Stages
from dedup.report.html.collect import page_data
from dedup.report.html.data import Cluster, Conflict, PageData
from dedup.report.html.page import page_of

from .big import big_page, page_with_cluster_of
from .conftest import HOSTILE

pytestmark = pytest.mark.skipif(chromium.CHROMIUM is None, reason="no Chromium")

SEEDS = Path(__file__).parents[3] / "seeds"
Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, made: tuple[Stages, Report]) -> dict[str, Path]:
    """The pages: of the seeds, of texts that would like to be markup, of 10,000 records, of a large cluster."""
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name} #?%.html" for name in ("seeds", "hostile", "poisoned", "big", "large")}
    with pytest.raises(SystemExit) as end:
        main(["run", str(SEEDS), "--confirm", "never", "--html", str(files["seeds"])])
    assert end.value.code == 0
    files["hostile"].write_bytes(page_of(with_bad_addresses(page_data(*made, 0.5))))
    files["poisoned"].write_bytes(page_of(poisoned(page_data(*made, 0.5))))
    files["big"].write_bytes(page_of(big_page()))
    files["large"].write_bytes(page_of(page_with_cluster_of(320)))
    return files


def with_bad_addresses(data: PageData) -> PageData:
    """The data with addresses that no reader lets through today."""
    urls = ("javascript:window.broken=8//", "java\nscript:window.broken=9//", "data:text/html,<b>", "//x.example", " ")
    records = tuple(replace(record, source_url=url) for record, url in zip(data.index.records, urls, strict=False))
    clusters = tuple(replace(cluster, source_url=urls[0]) for cluster in data.index.clusters)
    conflict = Conflict(urls[0], (0, 1), "<i>why</i>")
    rest = data.index.records[len(records) :]
    return replace(data, index=replace(data.index, records=records + rest, clusters=clusters, conflicts=(conflict,)))


POISON = (
    "javascript:window.__pwned=1//'\"><img src=http://127.0.0.1:9/i onerror=window.__pwned=2>"
    "<svg onload=window.__pwned=3><a href=javascript:window.__pwned=4>x</a>"
    "<iframe srcdoc='<script>parent.__pwned=5</script>'></iframe>"
    "<meta http-equiv=refresh content=0;url=http://127.0.0.1:9/m></script><script>window.__pwned=6</script>"
    "<style>@import 'http://127.0.0.1:9/s'</style>\u2028`${window.__pwned=7}`{{7*7}}&quot;-window.__pwned=8-&quot;"
)
_OWN_WORDS = frozenset({"relations", "finders", "confirmed"})


def poisoned(value: Any) -> Any:  # noqa: ANN401 - whatever a page's data are made of
    """The same data with the payload before every text that the page does not count by itself."""
    match value:
        case str():
            return POISON + value
        case Cluster():  # whose id is ours, and part of addresses
            return replace(_poisoned_fields(value), id=value.id)
        case Struct():
            return _poisoned_fields(value)
        case tuple():
            return tuple(map(poisoned, value))
        case dict():
            return {poisoned(key): poisoned(one) for key, one in value.items()}
        case _:
            return value


def _poisoned_fields(value: Struct) -> Any:  # noqa: ANN401 - a struct of the same class
    fields = ((name, getattr(value, name)) for name in value.__struct_fields__ if name not in _OWN_WORDS)
    return replace(value, **{name: poisoned(one) for name, one in fields})


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium.browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def opened(window: Page, files: dict[str, Path]) -> Iterator[Open]:
    """Opens a page by its name; in the end nothing may have gone wrong, nor been asked of the network."""
    names = []

    def open_page(name: str) -> Page:
        names.append(name)
        window.complaints.clear()
        window.requests.clear()
        window.open(files[name])
        window.settle()
        return window

    yield open_page
    assert window.complaints == []
    assert window.requests == [files[name].as_uri() for name in names]


def texts(page: Page, selector: str) -> list[str]:
    found = page.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")
    assert isinstance(found, list)
    return found


def focused(page: Page) -> object:
    return page.run("document.activeElement.textContent || document.activeElement.id")


def test_seeds_are_told_at_a_glance(opened: Open) -> None:
    page = opened("seeds")
    assert texts(page, "h1") == ["Overview"]
    assert texts(page, ".cards b")[:4] == ["5", "1", "2", "1"]
    page.go("#/clusters")
    assert texts(page, "#count") == ["1 of 1 cluster, 2 records"]
    assert texts(page, "a.open") == ["004_e605c14773b2b594.txt"]


def test_pair_is_laid_out_by_the_direction_of_its_languages(opened: Open) -> None:
    page = opened("seeds")
    page.go("#/pair/0")
    shown = "[...document.querySelectorAll('.sides .text')]"
    found = page.run(f"{shown}.map(e => [e.lang, getComputedStyle(e).direction, e.textContent])")
    assert isinstance(found, list)
    assert [one[:2] for one in found] == [["ar", "rtl"], ["hi", "ltr"]]
    assert "٤٠٢" in found[0][2] or "402" in found[0][2]
    assert {"402", "317", "96", "113"} <= set(texts(page, "mark.shared"))


def test_aligned_passages_show_each_other_on_focus_and_under_the_pointer(opened: Open) -> None:
    page = opened("seeds")
    page.go("#/pair/0")
    assert texts(page, ".chosen") == []
    page.run("document.querySelector('.sides .paired').focus()")
    left, right = texts(page, ".chosen")
    assert left == texts(page, ".sides section:first-child .paired")[0]
    assert right in texts(page, ".sides section:last-child .paired")
    page.press("ArrowDown")
    assert texts(page, ".chosen")[0] == texts(page, ".sides section:first-child .paired")[1]
    page.run("document.activeElement.blur()")
    page.run("document.querySelector('.sides .paired').dispatchEvent(new MouseEvent('mouseenter'))")
    assert texts(page, ".chosen") == [left, right]


def test_evidence_adds_up_to_the_probability(opened: Open) -> None:
    page = opened("seeds")
    page.go("#/pair/0")
    rows = page.run(
        "[...document.querySelectorAll('.evidence tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    )
    assert isinstance(rows, list)
    assert rows[0][0] == "prior"
    weights = [float(row[2].replace("−", "-")) for row in rows]
    assert f"{sum(weights):+.2f}" == rows[-1][3]
    assert texts(page, "h1")[0].endswith(rows[-1][4])


@pytest.mark.parametrize("place", ["#/", "#/clusters", "#/review", "#/thresholds", "#/conflicts", "#/skipped"])
def test_hostile_text_stays_text_in_every_list(opened: Open, place: str) -> None:
    page = opened("hostile")
    page.go(place)
    assert page.run("window.broken") is None
    assert page.run("document.querySelectorAll('main script, main img, main b > *, main i, main u').length") == 0


def test_hostile_text_stays_text_where_it_is_shown_whole(opened: Open) -> None:
    page = opened("hostile")
    page.go("#/clusters")
    shown = page.run("[...document.querySelectorAll('a.open')].map(a => a.getAttribute('href'))")
    assert isinstance(shown, list)
    assert len(shown) == 2
    for cluster in shown:
        page.go(cluster)
        assert texts(page, "h1")[0].startswith("Cluster of")
        assert page.run("window.broken") is None
    page.go("#/clusters")
    page.run("document.getElementById('search').focus()")
    page.type("<i onclick=alert(1)>d")
    assert texts(page, "#count") == ["1 of 2 clusters, 2 records"]
    for _ in ("the cluster", "its pair"):
        page.run("{ document.querySelector('a.open').click(); new Promise(done => setTimeout(done, 50)) }")
        page.settle()
    assert any("</script>" in text and HOSTILE[1].split(" {{")[0] in text for text in texts(page, ".sides .text"))
    assert "{{ 7 * 7 }}" in " ".join(texts(page, ".sides .text"))
    assert page.run("window.broken") is None
    assert page.run("document.querySelectorAll('.sides script, .sides img, .sides svg').length") == 0


def test_only_addresses_of_the_web_are_links_and_names_cannot_turn_around(opened: Open) -> None:
    page = opened("hostile")
    found: set[str] = set()
    page.go("#/clusters")
    clusters = page.run("[...document.querySelectorAll('a.open')].map(a => a.getAttribute('href'))")
    assert isinstance(clusters, list)
    lists = ("#/clusters", "#/review", "#/conflicts", *clusters, "#/pair/0", "#/pair/1")
    for place in (*lists, *(f"#/record/{number}" for number in range(5))):
        page.go(place)
        hrefs = page.run("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
        assert isinstance(hrefs, list)
        found.update(hrefs)
    assert all(href.startswith(("#/", "http://x.example/")) or href == "#main" for href in found), found
    page.go("#/conflicts")
    assert texts(page, ".conflicts td:first-child") == ["javascript:window.broken=8//"]
    page.go("#/review")
    assert any("<b>c</b>U+202E" in text for text in texts(page, "td a.open bdi"))


def test_payload_in_every_field_of_every_view_does_nothing(window: Page, opened: Open) -> None:
    watched = (
        "window.__blocked = []; addEventListener('securitypolicyviolation', e => __blocked.push(e.blockedURI), true)"
    )
    with window.beforehand(watched):
        page = opened("poisoned")
    lists = ["#/", "#/clusters", "#/review", "#/thresholds", "#/conflicts", "#/skipped"]
    places = dict.fromkeys([*lists, *(f"#/record/{number}" for number in range(6)), "#/pair/0", "#/pair/1"])
    hrefs: set[str] = set()
    while left := [place for place, shown in places.items() if not shown]:
        page.go(left[0])
        shown = page.run("document.querySelector('main').textContent")
        assert isinstance(shown, str)
        assert "cannot be shown" not in shown
        places[left[0]] = shown
        links = page.run("[...document.querySelectorAll('a')].map(a => [a.getAttribute('href'), a.target, a.rel])")
        assert isinstance(links, list)
        assert all("noopener" in rel for _, target, rel in links if target)
        hrefs.update(href for href, _, _ in links)
        places |= {
            href: None for href in hrefs if href.startswith(("#/cluster/", "#/threshold/")) and href not in places
        }
        strange = "main :is(script, img, iframe, meta, style, link, object, embed, base, animate)"
        assert page.run(f"document.querySelectorAll({json.dumps(strange)}).length") == 0
        names = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        assert page.run(f"{names}.filter(name => name.startsWith('on'))") == []
    assert sum(POISON.split("\u2028")[0] in shown for shown in places.values() if shown) > len(lists)
    assert page.run("window.__pwned") is None
    assert page.run("window.__blocked") == []  # the policy had nothing to stop
    assert all(href.startswith("#") for href in hrefs), hrefs


def test_figures_that_speak_against_a_pair_are_marked_and_named(opened: Open) -> None:
    page = opened("hostile")
    page.go("#/clusters")
    page.run("document.querySelector('[name=q]').focus()")
    page.type("Thuan An")
    page.run("{ document.querySelector('a.open').click(); new Promise(done => setTimeout(done, 50)) }")
    page.settle()
    pairs = page.run("[...document.querySelectorAll('.pairs a.open')].map(a => a.getAttribute('href'))")
    assert isinstance(pairs, list)
    marked = []
    for pair in pairs:
        page.go(pair)
        marked.append(
            (set(texts(page, ".sides .clash, .sides .missing")), set(texts(page, ".facts .clash, .facts .missing")))
        )
    assert ({"17", "18"}, {"17 ≠ 18", "17"}) in marked or ({"17", "18"}, {"17 ≠ 18", "18"}) in marked


def test_other_thresholds_lead_to_the_clusters_that_they_would_change(opened: Open) -> None:
    page = opened("hostile")
    page.go("#/thresholds")
    places = page.run("[...document.querySelectorAll('a[href^=\"#/threshold/\"]')].map(a => a.getAttribute('href'))")
    assert isinstance(places, list)
    assert places
    for place in places:
        page.go(place)
        assert texts(page, "h1")[0].startswith(f"At {place.rpartition('/')[2]} instead of 0.5")
        (said,) = texts(page, "main > p:nth-of-type(2)")
        assert page.run("document.querySelectorAll('.changes td:nth-child(2) a.open').length") == int(said.split()[0])


def test_large_cluster_is_drawn_up_to_a_limit_that_is_stated_with_its_weakest_pair(opened: Open) -> None:
    page = opened("large")
    page.go("#/cluster/ffffffffffffffff")
    assert "300 of 320 records are drawn" in texts(page, "figcaption")[0]
    assert page.run("document.querySelectorAll('.square .weakest').length") == 2
    assert int(str(page.run("document.querySelectorAll('svg *').length"))) < 1_000
    page.run(
        "{ const spot = document.querySelector('.square .weakest').getBoundingClientRect();"
        "document.querySelector('.square').dispatchEvent(new MouseEvent('click', { clientX: spot.x + spot.width / 2,"
        "clientY: spot.y + spot.height / 2 })); new Promise(done => setTimeout(done, 50)) }"
    )
    page.settle()
    assert texts(page, "h1") == ["Pair: translation 0.200"]
    assert "This is its weakest pair." in texts(page, "main")[0]


def test_browser_that_cannot_read_the_data_is_told_so(window: Page, files: dict[str, Path]) -> None:
    with window.beforehand("delete window.DecompressionStream"):
        window.open(files["seeds"])
        window.settle()
    assert texts(window, "main h1") == ["dedup"]
    assert "too old to read the data" in texts(window, ".flag")[0]


def test_damaged_data_are_told_of(window: Page, files: dict[str, Path], tmp_path: Path) -> None:
    page = files["seeds"].read_text(encoding="utf-8")
    damaged = tmp_path / "damaged.html"
    at = page.index('class="texts"') + 100
    damaged.write_text(page[:at] + ("A" if page[at] != "A" else "B") + page[at + 1 :], encoding="utf-8")
    window.open(damaged)
    window.settle()
    assert texts(window, "h1") == ["Overview"]
    window.go("#/pair/0")
    assert texts(window, "h1") == ["This cannot be shown"]


def test_skipped_input_is_listed_with_its_place(opened: Open) -> None:
    page = opened("hostile")
    page.go("#/skipped")
    assert texts(page, "tbody td") == ["<u>bad</u>.jsonl:7", "not JSON: <script>"]


def test_script_put_into_the_page_is_not_run(window: Page, files: dict[str, Path], tmp_path: Path) -> None:
    tampered = tmp_path / "tampered.html"
    tampered.write_bytes(
        files["seeds"]
        .read_bytes()
        .replace(b"</body>", b"<script>window.broken = 7</script><img src=http://127.0.0.1:9/>")
    )
    window.open(tampered)
    window.settle()
    assert window.run("window.broken") is None
    assert window.run("document.querySelector('h1').textContent") == "Overview"


def test_ten_thousand_records_are_searched_filtered_and_sorted(opened: Open) -> None:
    page = opened("big")
    page.go("#/clusters")
    assert texts(page, "#count") == ["3,000 of 3,000 clusters, 9,000 records"]
    assert len(texts(page, "a.open")) == 50
    page.run("document.getElementById('search').focus()")
    page.type("needle 1234 is said")
    assert texts(page, "#count") == ["1 of 3,000 clusters, 3 records"]
    page.run("[...document.querySelectorAll('button')].find(b => b.textContent == 'Clear').click()")
    filter_by(page, "language", "fa")
    assert texts(page, "#count") == ["1,500 of 3,000 clusters, 4,500 records"]
    filter_by(page, "site", "even.example")
    assert texts(page, "#count") == ["750 of 3,000 clusters, 2,250 records"]
    filter_by(page, "from", "0.99")
    (count,) = texts(page, "#count")
    assert 0 < int(count.split(" ")[0]) < 100


def filter_by(page: Page, name: str, value: str) -> None:
    page.run(
        f"(e => {{ e.value = {json.dumps(value)}; e.dispatchEvent(new Event('input', {{ bubbles: true }})) }})"
        f"(document.querySelector('[name={name}]'))"
    )
    page.run("new Promise(done => setTimeout(done, 200))")
    page.settle()


def test_borderline_clusters_come_first_and_pages_turn(opened: Open) -> None:
    page = opened("big")
    page.go("#/clusters")
    least = [float(text) for text in texts(page, "tbody tr td:last-child")]
    assert least == sorted(least)
    page.run("[...document.querySelectorAll('button')].find(b => b.textContent == 'Last').click()")
    after = [float(text) for text in texts(page, "tbody tr td:last-child")]
    assert min(after) >= max(least)


def test_keyboard_leads_from_the_search_to_a_pair_and_back(opened: Open) -> None:
    page = opened("big")
    page.press("/")
    assert texts(page, "h1") == ["Clusters"]
    page.type("needle 77 is said")
    page.press("ArrowDown")
    assert focused(page) == "record 77 a"
    page.press("Enter")
    assert texts(page, "h1")[0].startswith("Cluster of 3 records")
    page.press("ArrowDown")
    page.press("Enter")
    assert texts(page, "h1")[0].startswith("Pair: translation")
    assert page.run("getComputedStyle(document.querySelector('[lang=ar], [lang=fa]')).direction") == "rtl"
    page.press("Escape")
    assert texts(page, "h1")[0].startswith("Cluster of 3 records")
    page.press("Escape")
    assert texts(page, "#count") == ["1 of 3,000 clusters, 3 records"]
    assert focused(page) == "record 77 a"


def test_pictures_lead_to_the_clusters_that_they_count_and_the_way_back_to_the_same_rows(opened: Open) -> None:
    page = opened("big")
    page.run("[...document.querySelectorAll('a')].find(a => a.textContent == 'Persian (fa)').click()")
    page.wait("document.querySelector('#count')")
    page.settle()
    assert texts(page, "#count") == ["1,500 of 3,000 clusters, 4,500 records"]
    page.run("[...document.querySelectorAll('button')].find(b => b.textContent == 'Next').click()")
    names = texts(page, "a.open")
    page.run("document.querySelectorAll('a.open')[7].click()")
    page.wait("document.querySelector('.members')")
    page.run("history.back()")
    page.wait("document.querySelector('#count')")
    page.settle()
    assert texts(page, "a.open") == names
    assert focused(page) == names[7]


def test_pairs_to_review_show_their_beginnings_and_follow_one_another(opened: Open) -> None:
    page = opened("big")
    page.go("#/review")
    page.wait("document.querySelectorAll('.pairs td:first-child div').length == 100")
    near = [float(text) for text in texts(page, ".pairs td:nth-child(3)")]
    assert near == sorted(near)
    page.run("document.querySelector('a.open').focus()")
    page.press("Enter")
    page.press("ArrowRight")
    assert texts(page, "h1") == [f"Pair: translation {near[1]:.3f}"]
    assert "2 of 9,000" in texts(page, ".pager")[0]
    page.press("Escape")
    assert texts(page, "h1") == ["Pairs to review"]


def test_counts_are_told_to_screen_readers_and_the_parts_of_the_page_named(opened: Open) -> None:
    page = opened("big")
    page.go("#/clusters")
    assert texts(page, "[aria-live]") == ["3,000 of 3,000 clusters, 9,000 records"]
    assert page.run("['header', 'nav', 'main', 'footer'].every(name => document.querySelector(name))")
    unnamed = (
        "[...document.querySelectorAll('main input, main select, header select')].filter(e => !e.labels.length).length"
    )
    assert page.run(unnamed) == 0
    assert texts(page, "nav a[aria-current=page]") == ["Clusters"]


@pytest.mark.parametrize(
    ("system", "chosen", "dark"),
    [("light", "", False), ("dark", "", True), ("dark", "light", False), ("light", "dark", True)],
)
def test_colours_follow_the_system_unless_chosen(opened: Open, system: str, chosen: str, dark: bool) -> None:
    page = opened("seeds")
    page.prefer(system)
    page.run(
        f"(e => {{ e.value = '{chosen}'; e.dispatchEvent(new Event('change')) }})(document.getElementById('theme'))"
    )
    background = page.run("getComputedStyle(document.body).backgroundColor")
    page.run("localStorage.clear()")
    assert (background == "rgb(20, 23, 27)") == dark


def test_narrow_window_needs_no_sideways_scrolling(opened: Open) -> None:
    page = opened("seeds")
    page.prefer("light", width=380)
    for place in ("#/", "#/clusters", "#/pair/0", "#/review", "#/thresholds"):
        page.go(place)
        assert page.run("document.documentElement.scrollWidth") == 380, place
    page.prefer("light")


def test_print_shows_texts_whole_and_no_controls(opened: Open) -> None:
    page = opened("seeds")
    page.go("#/pair/0")
    page.prefer("light", media="print")
    assert page.run("getComputedStyle(document.querySelector('header')).display") == "none"
    assert page.run("getComputedStyle(document.querySelector('.text')).maxHeight") == "none"
    page.prefer("light")
