"""Whether a run survives that a machine of its Ray cluster fails: two nodes, one of which is killed in mid-stage.

    python scripts/lose_node.py --file RECORDS.jsonl --folder WORK [--stage sketch] [--partition 50]

The run must end with the report of a run in one process, byte for byte, and parts that were done before stay as they
were. Ray notices a lost node after some seconds, and a stage that begins before that waits a minute for its workers.
"""

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ray_nodes import TOKEN, ray_nodes


def main() -> None:
    """Runs it and prints what it saw."""
    asked = _arguments()
    store, own, other = (asked.folder / name for name in ("store", "local.json", "ray.json"))
    shutil.rmtree(store, ignore_errors=True)
    call = [sys.executable, "-m", "dedup", "run", str(asked.file), "--confirm", "never"]
    with (asked.folder / "log").open("wb") as log:
        subprocess.run([*call, "-o", str(own)], stdout=log, check=True)  # noqa: S603 - our own call
        with ray_nodes(2) as cluster:
            more = ["--engine", "daft", "--ray", cluster.address, "--store", str(store), "-o", str(other)]
            started = time.monotonic()
            run = subprocess.Popen(  # noqa: S603 - likewise
                [*call, *more, "--partition", str(asked.partition)], stdout=log, env={**os.environ, **TOKEN}
            )
            while len(before := _receipts(store, asked.stage)) < asked.parts:
                if run.poll() is not None:
                    raise SystemExit(f"ended before {asked.parts} parts of {asked.stage} were done")
                time.sleep(0.01)
            cluster.lose()
            code = run.wait()
    same = code == 0 and filecmp.cmp(own, other, shallow=False)
    kept = before.items() <= _receipts(store, asked.stage).items()
    print(f"a node was lost when {len(before)} parts of {asked.stage} were done: exit code {code}, ", end="")
    print(
        f"{'the same' if same else 'ANOTHER'} report, parts done before {'stayed' if kept else 'DID NOT STAY'}, ",
        end="",
    )
    print(f"{time.monotonic() - started:.0f} s")
    raise SystemExit(not (same and kept))


def _receipts(store: Path, stage: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (store / stage).glob("receipt-*.json")}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where results lie")
    parser.add_argument("--stage", default="sketch")
    parser.add_argument("--parts", type=int, default=3, help="done when the node is lost")
    parser.add_argument("--partition", type=int, default=50)
    return parser.parse_args()


if __name__ == "__main__":
    main()
