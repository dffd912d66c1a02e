"""How big the page of a run is, and how long a browser takes to load it, search it and open what is in it.

    python scripts/measure_page.py RECORDS... --confirm never [--out page.html]
    python scripts/measure_page.py --page page.html

Prints the bytes of the JSON report, of the page and of the page compressed; the seconds that collecting the page's data
took, beside those of the run; and in headless Chromium, medians of five: milliseconds from asking for the file until
something is painted, until the first view stands, until the first search is answered (for which all texts are read) and
a later one, until the first cluster of the list and its first pair are shown; MiB of the JavaScript heap with the first
view and after the searches, without what is garbage.
"""

import argparse
import gzip
import statistics
import tempfile
import time
from pathlib import Path

import chromium
from chromium import Page

from dedup.pipeline import report_of, run_stages
from dedup.read import Fields, read_records
from dedup.report.html.collect import page_data
from dedup.report.html.page import page_of
from dedup.report.json_file import to_json
from dedup.settings import Settings

TIMES = 5
READY = "document.querySelector('main h1') && !document.querySelector('[aria-busy=true]')"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
SEARCH = (
    "const q = document.querySelector('[name=q]'); q.focus(); q.value = '{}'; q.dispatchEvent(new Event('input', {}));"
)
WAITED = 150
"""Milliseconds that a search waits for more letters; they are part of what is printed."""


def main() -> None:
    """Run, write the page, open it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--page", type=Path, help="a page that is there already")
    parser.add_argument("--confirm", default="auto")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "page.html")
    called = parser.parse_args()
    if called.page is None:
        write(called.paths, Settings(confirm=called.confirm, workers=called.workers), called.out)
    loads((called.page or called.out).resolve())


def write(paths: list[str], settings: Settings, out: Path) -> None:
    """Write the page of a run, and print what that takes."""
    started = time.monotonic()
    stages = run_stages(read_records(paths, Fields()), settings)
    report = report_of(stages, settings)
    ran = time.monotonic()
    page = page_of(page_data(stages, report, settings.threshold))
    print(f"run {ran - started:.1f} s, page {time.monotonic() - ran:.1f} s more")
    print(f"{len(report.articles):,} records, {len(report.clusters):,} clusters")
    print(f"JSON report {len(to_json(report)):,} bytes, page {len(page):,}, compressed {len(gzip.compress(page)):,}")
    out.write_bytes(page)


def loads(file: Path) -> None:
    """Print what a browser takes."""
    folder = Path(tempfile.mkdtemp(prefix="dedup-page-"))
    with chromium.browser(folder) as page:
        seen = [looked_at(page, file) for _ in range(TIMES)]
        if page.complaints:
            raise SystemExit("\n".join(page.complaints))
    print("; ".join(f"{name} {statistics.median(one[name] for one in seen):,.0f}" for name in seen[0]))


def looked_at(page: Page, file: Path) -> dict[str, float]:
    """The milliseconds and MiB of one visit."""
    page.open(Path("/dev/null"))
    page.open(file)
    taken = {"usable": number(page, until(READY) + "return performance.now()")}
    taken = {"painted": number(page, f"return {PAINTED}")} | taken
    taken["heap"] = page.heap()
    page.go("#/clusters")
    nothing = "/^0 of/.test(document.querySelector('#count').textContent)"
    for name in ("first search", "later search"):
        taken[name] = timed(page, SEARCH.format("no such word", "{bubbles: true}") + until(nothing))
        timed(page, SEARCH.format("", "{bubbles: true}") + until(f"!{nothing}"))
    taken["heap after searches"] = page.heap()
    opened = "await new Promise(done => addEventListener('hashchange', done, {once: true}));" + until(READY)
    for name in ("cluster", "pair"):
        taken[name] = timed(page, f"document.querySelector('a.open').click(); {opened}")
    return taken


def until(condition: str) -> str:
    """Statements that wait for a condition."""
    return f"while (!({condition})) await new Promise(done => setTimeout(done, 1));"


def timed(page: Page, statements: str) -> float:
    """How many milliseconds the statements take, and the frame that they lead to."""
    frame = "await new Promise(requestAnimationFrame);"
    return number(page, f"const began = performance.now(); {statements} {frame} return performance.now() - began")


def number(page: Page, statements: str) -> float:
    """What the statements return."""
    return float(str(page.run(f"(async () => {{ {statements} }})()")))


if __name__ == "__main__":
    main()
