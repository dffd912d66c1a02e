"""One run of dedup for scripts/bench_speed.py: what ``dedup run CORPUS -o OUT/report.json`` does, told stage by stage.

    python scripts/speed_dedup.py CORPUS OUT --set confirm=never

As many processes as the command would start, but without its cache of vectors: what the model says is computed anew.
Writes ``OUT/report.json`` and ``OUT/outcome.json``: when each stage began, when the last one ended
(``time.monotonic``).
"""

import argparse
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Clock:
    """When stages began, as the progress of a run tells."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float]] = []

    def __call__(self, stage: str, *_progress: object) -> None:
        """A stage begins, or says how far it is."""
        if not self.stages or self.stages[-1][0] != stage:
            self.stages.append((stage, time.monotonic()))


def settings_of(given: Iterable[str]) -> dict[str, Any]:
    """Of ``NAME=VALUE``, the values in the types of the defaults. Raises :class:`ValueError` for an unknown name."""
    from dedup.settings import Settings

    chosen: dict[str, Any] = {"workers": len(os.sched_getaffinity(0))}
    for one in given:
        name, _, value = one.partition("=")
        default = getattr(Settings(), name, None)
        if default is None:
            raise ValueError(f"no such setting: {name!r}")
        chosen[name] = type(default)(value)
    return chosen


def main() -> None:
    """Run, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting; repeatable")
    options = parser.parse_args()
    clock = Clock()
    clock("importing")
    from dedup import Settings, find_clusters
    from dedup.files import write_atomically
    from dedup.read import read_records
    from dedup.report.json_file import to_json

    settings = Settings(**settings_of(options.set))
    report = find_clusters(read_records([str(options.corpus)]), settings, progress=clock)
    clock("reporting")
    write_atomically(options.out / "report.json", to_json(report))
    outcome = {"stages": clock.stages, "end": time.monotonic()}
    (options.out / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")


if __name__ == "__main__":
    main()
