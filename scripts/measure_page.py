"""How big the page of a run is, and how long a browser takes to load it, search it and open a pair.

    python scripts/measure_page.py RECORDS... --confirm never [--out page.html]

Prints the bytes of the JSON report, of the page and of the page compressed; the seconds that collecting the page's data
took, beside those of the run; and milliseconds in headless Chromium, from asking for the file until its first view
stands, until a search is answered, and until a pair is shown, medians of five.
"""

import argparse
import gzip
import statistics
import tempfile
import time
from pathlib import Path

import chromium

from dedup.pipeline import report_of, run_stages
from dedup.read import Fields, read_records
from dedup.report.html.collect import page_data
from dedup.report.html.page import page_of
from dedup.report.json_file import to_json
from dedup.settings import Settings

TIMES = 5
FRAME = "await new Promise(requestAnimationFrame)"
TIMED = "(async () => {{ const t = performance.now(); {act}; {frame}; return performance.now() - t }})()"
ACTS = {
    "search (150 of which it waits for more letters)": "const field = document.querySelector('[name=q]');"
    "const count = document.querySelector('#count'), before = count.textContent; field.value = 'no such word';"
    "field.dispatchEvent(new Event('input', {bubbles: true}));"
    "while (count.textContent === before) await new Promise(done => setTimeout(done, 1))",
    "open a pair": "location.hash = '#/pair/0';"
    "await new Promise(done => addEventListener('hashchange', done, {once: true}))",
}


def main() -> None:
    """Run, write the page, open it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--confirm", default="auto")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "page.html")
    called = parser.parse_args()
    settings = Settings(confirm=called.confirm, workers=called.workers)
    started = time.monotonic()
    stages = run_stages(read_records(called.paths, Fields()), settings)
    report = report_of(stages, settings)
    ran = time.monotonic()
    page = page_of(page_data(stages, report, settings.threshold))
    print(f"run {ran - started:.1f} s, page {time.monotonic() - ran:.1f} s more")
    print(f"{len(report.articles):,} records, {len(report.clusters):,} clusters")
    print(f"JSON report {len(to_json(report)):,} bytes, page {len(page):,}, compressed {len(gzip.compress(page)):,}")
    called.out.write_bytes(page)
    loads(called.out)


def loads(file: Path) -> None:
    """Print how long a browser takes."""
    folder = Path(tempfile.mkdtemp(prefix="dedup-page-"))
    with chromium.browser(folder) as page:
        taken: dict[str, list[float]] = {name: [] for name in ("load", *ACTS)}
        for _ in range(TIMES):
            page.open(Path("/dev/null"))
            started = time.monotonic()
            page.open(file)
            page.run(f"(async () => {{ {FRAME} }})()")
            taken["load"].append(1_000 * (time.monotonic() - started))
            page.go("#/clusters")
            for name, act in ACTS.items():
                taken[name].append(float(str(page.run(TIMED.format(act=act, frame=FRAME)))))
        if page.complaints:
            raise SystemExit("\n".join(page.complaints))
    print("; ".join(f"{name}: {statistics.median(some):,.0f} ms" for name, some in taken.items()))


if __name__ == "__main__":
    main()
