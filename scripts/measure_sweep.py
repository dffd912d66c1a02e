"""How near the outlooks of ``dedup run --sweep`` come to runs with those thresholds.

    python scripts/measure_sweep.py tests/handmade/articles.jsonl --confirm never

Runs once with the threshold of the settings and sweeps, then runs again with each other threshold. Prints for each the
clusters that the sweep expects and those that the run finds, how many are the same, and how many records are in a
cluster that differs; and the seconds of the first run and of the sweep.
"""

import argparse
import time
from dataclasses import replace

from dedup.model import Outlook, Report
from dedup.pipeline import Stages, report_of, run_stages
from dedup.read import read_records
from dedup.settings import CONFIRM, Settings
from dedup.sweep import Group, changes, sweep


def main() -> None:
    """Sweep, then run at each threshold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--confirm", choices=CONFIRM, default="auto")
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95])
    called = parser.parse_args()
    settings = Settings(confirm=called.confirm, workers=2)
    started = time.monotonic()
    stages, report = run(called.paths, settings)
    ran = time.monotonic()
    outlooks = sweep(stages, settings.threshold, called.thresholds)
    print(f"run {ran - started:.1f} s, sweep {time.monotonic() - ran:.1f} s")
    print(f"{'threshold':>9}  {'expected':>8}  {'found':>8}  {'same':>8}  records in others")
    now = groups_of(report)
    for outlook in outlooks:
        expected = expected_of(now, outlook)
        found = groups_of(run(called.paths, replace(settings, threshold=outlook.threshold))[1])
        differ = sum(len({i for group in (*one.before, *one.after) for i in group}) for one in changes(expected, found))
        same = len(expected & found)
        print(f"{outlook.threshold:>9g}  {len(expected):>8,}  {len(found):>8,}  {same:>8,}  {differ:>17,}", flush=True)


def run(paths: list[str], settings: Settings) -> tuple[Stages, Report]:
    """The stages of a run, and its report."""
    stages = run_stages(read_records(paths), settings)
    return stages, report_of(stages, settings)


def groups_of(report: Report) -> frozenset[Group]:
    """The clusters of a report."""
    return frozenset(tuple(sorted(one.members)) for one in report.clusters)


def expected_of(now: frozenset[Group], outlook: Outlook) -> frozenset[Group]:
    """The clusters that an outlook expects."""
    gone = (group for change in outlook.changes for group in change.before)
    return now.difference(gone).union(group for change in outlook.changes for group in change.after)


if __name__ == "__main__":
    main()
