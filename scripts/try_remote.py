"""Does a corpus in a bucket give what the same corpus gives from a folder?

    python -m venv --system-site-packages remote && remote/bin/pip install 's3fs' 'moto[server]'
    remote/bin/python scripts/try_remote.py

Starts moto, which speaks S3 on this machine, puts a small corpus into a bucket (the hand-made articles of
``tests/handmade`` as texts in folders, and a table of them many times over) and calls ``dedup`` as a user would: on the
bucket, on a pattern, on a signed web address; with the report and the page written to the bucket; ``check`` against the
bucket; and wrongly: no such bucket, no such folder, no credentials. Every report must be that of the folder but for the
paths, every wrong call one line and exit code 2. Says what was called, and ends with 1 where anything differs.

``--delay SECONDS`` makes each request wait that long, as a distant server would: it times reading the texts of the
folder with as many requests at once as dedup makes, and one at a time. Nothing leaves this machine.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from handmade import read_rows
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from dedup.read import ahead
from dedup.read.records import read_records

BUCKET = "corpus"
TABLE_COPIES = 8
"""Of the hand-made articles in the table: with the texts more than 1,024 records, from where processes sketch."""

ROOT = Path(__file__).parent.parent
App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def main() -> None:
    """Try it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="Of every request.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _server(options.delay) as address:
        os.environ.update(
            AWS_ENDPOINT_URL=address,
            AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY="testing",  # noqa: S106 - moto takes any
            AWS_DEFAULT_REGION="us-east-1",
        )
        here = Path(folder, "corpus")
        _write_corpus(here)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        for file in sorted(path for path in here.rglob("*") if path.is_file()):
            client.upload_file(str(file), BUCKET, file.relative_to(here).as_posix(), {"ACL": "public-read"})
        if options.delay:
            _time_reading(options.delay)
            return
        trial = Trial(here, client)
        for part in (trial.folders, trial.patterns, trial.signed, trial.outputs, trial.checks, trial.wrong_calls):
            part()
    sys.exit(1 if trial.differing else 0)


@contextmanager
def _server(delay: float) -> Iterator[str]:
    """The address of an S3 that keeps everything in memory."""
    moto: App = DomainDispatcherApplication(create_backend_app)

    def delayed(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        time.sleep(delay)
        return moto(environ, start)

    server = make_server("127.0.0.1", 0, delayed, threaded=True)
    server.RequestHandlerClass.log = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def _write_corpus(folder: Path) -> None:
    """``news/CASE/ID.txt``, each article by itself, a hidden file, a page, and ``tables/*.jsonl.gz``."""
    rows = read_rows()
    for row in rows:
        path = folder / "news" / row.id.partition("-")[0] / f"{row.id}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row.text, encoding="utf-8")
    (folder / "news" / ".hidden").mkdir()
    (folder / "news" / ".hidden" / "a.txt").write_text("Not to be read.")
    (folder / "news" / "page.html").write_text("Not to be read either.")
    (folder / "tables").mkdir()
    for part in range(2):
        copies = [
            json.dumps({"id": f"{row.id}-{part}-{copy}", "text": row.text, "lang": row.lang}, ensure_ascii=False)
            for copy in range(TABLE_COPIES // 2)
            for row in rows
        ]
        (folder / "tables" / f"{part}.jsonl.gz").write_bytes(gzip.compress("\n".join(copies).encode()))


@dataclass(frozen=True, slots=True)
class Call:
    """What a call of dedup ended with."""

    code: int
    out: str
    err: str


class Trial:
    """The calls, and how many of them did not end as they should."""

    def __init__(self, here: Path, client: Any) -> None:  # noqa: ANN401 - boto3 makes its classes as it runs
        self._here = here
        self._client = client
        self.differing = 0

    def folders(self) -> None:
        """Texts and a table; few records, and so many that processes are started."""
        for paths in (["news/"], ["news/", "tables/0.jsonl.gz", "tables/1.jsonl.gz"], ["tables/1.jsonl.gz", "news"]):
            self._same_report(paths, [f"s3://{BUCKET}/{path}" for path in paths])

    def patterns(self) -> None:
        """What a shell makes of a pattern here, fsspec makes of it there."""
        tables = ["tables/0.jsonl.gz", "tables/1.jsonl.gz"]
        self._same_report(tables, [f"s3://{BUCKET}/tables/*.jsonl.gz"])
        self._same_report(tables, [f"s3://{BUCKET}/**/*.gz"])

    def signed(self) -> None:
        """By https (here http), with a signature that must not be told."""
        url = self._client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "tables/0.jsonl.gz"})
        report = self._same_report(["tables/0.jsonl.gz"], [url], f"{os.environ['AWS_ENDPOINT_URL']}/{BUCKET}/")
        self._expect("a signature is not told", "Signature" not in report and "testing" not in report)

    def outputs(self) -> None:
        """Report and page in the bucket are those of the folder."""
        for name in ("r.json", "r.html"):
            option = "--html" if name.endswith("html") else "-o"
            self._dedup("run", "tables/0.jsonl.gz", option, name)
            call = self._dedup("run", "tables/0.jsonl.gz", option, f"s3://{BUCKET}/out/{name}")
            written = self._client.get_object(Bucket=BUCKET, Key=f"out/{name}")["Body"].read()
            self._expect(f"{name} in the bucket", call.code == 0 and written == (self._here / name).read_bytes())

    def checks(self) -> None:
        """New texts here against known ones there, and there against here."""
        there = f"s3://{BUCKET}/news/"
        outcomes = [
            self._dedup("check", *paths, "--confirm", "never", "--format", "json")
            for paths in (("news", "--against", "tables/0.jsonl.gz"), (there, "--against", "tables/0.jsonl.gz"))
        ]
        same = outcomes[0].out == outcomes[1].out.replace(there, "news/")
        self._expect("check of texts there against a table here", same and outcomes[0].code == outcomes[1].code == 1)
        for_all = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "FSSPEC_S3_ANON": "true"}
        outcome = self._dedup("check", there, "--against", "news", "--confirm", "never", environment=for_all)
        self._expect("check of a public bucket without credentials", outcome.code == 1 and not outcome.err)
        outcome = self._dedup("check", there, "--against", there, "--confirm", "never", "--format", "json")
        here = self._dedup("check", "news", "--against", "news", "--confirm", "never", "--format", "json")
        self._expect("check of a folder there against itself", outcome.out.replace(there, "news/") == here.out)

    def wrong_calls(self) -> None:
        """One line, exit code 2, no traceback."""
        nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
        for arguments, environment in (
            (("run", "s3://no-such-bucket/news/"), {}),
            (("run", f"s3://{BUCKET}/no-such-folder/"), {}),
            (("run", f"s3://{BUCKET}/no-such-file.txt"), {}),
            (("run", f"s3://{BUCKET}/*.csv"), {}),
            (("run", f"s3://{BUCKET}/news/page.html"), {}),
            (("run", f"s3://{BUCKET}/news/"), nobody),
            (("run", f"s3://{BUCKET}/news/"), {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}),
            (("run", "news", "-o", "s3://no-such-bucket/r.json"), {}),
            (("apply", "r.json", f"s3://{BUCKET}/news/", "-o", "clean"), {}),
            (("check", "news", "--against", f"s3://{BUCKET}/news/", "--baseline", f"s3://{BUCKET}/b.json"), {}),
        ):
            call = self._dedup(*arguments, environment=environment)
            print(f"    {call.err.strip()}")
            one_line = call.err.startswith("dedup: ") and call.err.count("\n") == 1
            self._expect(" ".join(arguments), call.code == 2 and one_line and not call.out)

    def _same_report(self, here: Sequence[str], there: Sequence[str], base: str = f"s3://{BUCKET}/") -> str:
        arguments = ("--confirm", "never", "--format", "json", "--workers", "2")
        local = self._dedup("run", *here, *arguments)
        remote = self._dedup("run", *there, *arguments)
        shown = " ".join(url.partition("?")[0] for url in there)
        records = json.loads(local.out)["input"]["records"] if local.code == 0 else 0
        same = local.code == remote.code == 0 and not remote.err and remote.out.replace(base, "") == local.out
        self._expect(f"run of {shown}: {records:,} records", same)
        return remote.out

    def _dedup(self, *arguments: str, environment: dict[str, str] | None = None) -> Call:
        done = subprocess.run(  # noqa: S603 - dedup itself
            [sys.executable, "-m", "dedup", *arguments],
            cwd=self._here,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        return Call(done.returncode, done.stdout, done.stderr)

    def _expect(self, what: str, is_so: bool) -> None:
        self.differing += not is_so
        print(f"{'as expected' if is_so else 'DIFFERS':12} {what}", flush=True)


def _time_reading(delay: float) -> None:
    """Reading the texts, with as many requests at once as dedup makes, and one at a time."""
    at_once = ahead.AT_ONCE
    for requests in (1, at_once):
        ahead.AT_ONCE = requests  # type: ignore[misc]
        start = time.perf_counter()
        count = sum(1 for _ in read_records([f"s3://{BUCKET}/news/"]))
        seconds = time.perf_counter() - start
        print(f"{count} texts, {delay * 1_000:.0f} ms a request, {requests} at once: {seconds:.1f} s")


if __name__ == "__main__":
    main()
