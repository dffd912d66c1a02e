"""How fast each format is read, and in how much memory: one corpus, written in each of them.

    python scripts/measure_formats.py --data CORPORA --corpus ntrex --group-mib 900

Each file is read in a process of its own, which makes records of it and keeps none. Rates are by CPU time, as other
work on the machine should not tell; the memory is the peak of the process, Python and all (``VmHWM`` of Linux, as
``ru_maxrss`` begins with that of the parent). ``--group-mib`` adds a Parquet file of that size in one row group, of
the corpus over and over.
"""

import argparse
import csv
import gzip
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow
import pyarrow.parquet
import zstandard
from corpora import Labelled, read_corpus
from fastwarc.warc import WarcRecord, WarcRecordType

from dedup.model import Record
from dedup.read import read_records

_MIB = 2**20


def main() -> None:
    """Print a line a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the corpora")
    parser.add_argument("--corpus", default="ntrex")
    parser.add_argument("--group-mib", type=int, default=0, metavar="N", help="size of a row group of Parquet")
    parser.add_argument("--read", type=Path, metavar="FILE", help="only read this file")
    given = parser.parse_args()
    if given.read is not None:
        print(_measured(given.read))
        return
    records = list(read_corpus(given.data, given.corpus))
    print(f"{'file':<16}{'MiB':>8}{'records':>10}{'records/s':>12}{'MB/s':>8}{'peak MiB':>10}")
    with TemporaryDirectory() as folder:
        for path in _written(records, Path(folder), given.group_mib):
            command = [sys.executable, __file__, "--read", str(path)]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="", flush=True)  # noqa: S603
            path.unlink()


def _measured(path: Path) -> str:
    _warm(path)
    start = time.process_time()
    count = characters = 0
    for item in read_records([path]):
        if not isinstance(item, Record):
            raise SystemExit(f"{item}")
        count += 1
        characters += len(item.text.encode())
    seconds = time.process_time() - start
    size = path.stat().st_size / _MIB
    rate, speed = count / seconds, characters / seconds / 1e6
    return f"{path.name:<16}{size:>8.1f}{count:>10,}{rate:>12,.0f}{speed:>8.0f}{_peak():>10.0f}"


def _warm(path: Path) -> None:
    """Import what the format needs: that is not reading. Nothing but the first record is read."""
    next(iter(read_records([path])))


def _peak() -> float:
    """In MiB."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024


def _written(records: Sequence[Labelled], folder: Path, group_mib: int) -> list[Path]:
    files = {"t.jsonl": _jsonl(records), "t.csv": _delimited(records, ","), "t.tsv": _delimited(records, "\t")}
    for name, content in list(files.items()):
        files[f"{name}.gz"] = gzip.compress(content, 6)
        files[f"{name}.zst"] = zstandard.compress(content)
    files["t.wet"] = b"".join(_archived(records))
    files["t.wet.gz"] = b"".join(map(gzip.compress, _archived(records)))
    files["t.wet.zst"] = b"".join(map(zstandard.compress, _archived(records)))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    paths = [folder / name for name in sorted(files)]
    table = pyarrow.table({"id": [one.id for one in records], "text": [one.text for one in records]})
    paths.append(folder / "t.parquet")
    pyarrow.parquet.write_table(table, paths[-1])
    if group_mib:
        times = max(1, group_mib * _MIB // table.nbytes)
        paths.append(folder / "group.parquet")
        repeated: Any = pyarrow.concat_tables([table] * times)
        options = {"row_group_size": repeated.num_rows, "use_dictionary": False, "compression": "none"}
        pyarrow.parquet.write_table(repeated, paths[-1], **options)
    return paths


def _row(one: Labelled) -> dict[str, str]:
    return {"id": one.id, "text": one.text, "lang": one.language}


def _jsonl(records: Sequence[Labelled]) -> bytes:
    return "".join(json.dumps(_row(one), ensure_ascii=False) + "\n" for one in records).encode()


def _delimited(records: Sequence[Labelled], separator: str) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["id", "text", "lang"], delimiter=separator)
    writer.writeheader()
    writer.writerows(map(_row, records))
    return out.getvalue().encode()


def _archived(records: Sequence[Labelled]) -> list[bytes]:
    """The records as a WET file has them."""
    archived = []
    for one in records:
        made = WarcRecord()
        made.init_headers(record_type=WarcRecordType.conversion)
        made.headers["Content-Type"] = "text/plain"
        made.headers["WARC-Identified-Content-Language"] = one.language
        made.set_bytes_content(one.text.encode())
        out = io.BytesIO()
        made.write(out)
        archived.append(out.getvalue())
    return archived


if __name__ == "__main__":
    main()
