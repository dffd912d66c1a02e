"""The program asks no network for anything: its commands run where every socket is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from .test_hostile_models import TEXTS

ROOT = Path(__file__).parents[1]
PROBE = "urllib3/util/connection.py:_has_ipv6"
"""What comes with requests, which tldextract imports, looks whether this machine has an address ::1 when it is
imported; nothing is sent, and where that is refused there is none."""

COMMANDS = """
import sys
from pathlib import Path
from dedup.cli import main
from tests import parallel

parallel.save_model(Path("model"))
for call in (
    "run texts --confirm always --workers 2 --html page.html -o report.json --assignment a.csv --sweep",
    "run texts --model model -o other.json",
    "index build known.index texts",
    "index add known.index texts",
    "index info known.index",
    "check texts --against known.index --format sarif",
    "check texts --against texts --baseline accepted.json --update-baseline",
    "apply report.json texts -o clean --removed removed.jsonl",
    "explain texts/a.txt texts/b.txt --full",
    "explain a.txt b.txt --report report.json",
    "evaluate report.json --gold gold.tsv",
):
    try:
        main(call.split())
    except SystemExit as end:
        assert end.code == 0 or (end.code == 1 and call.startswith("check")), (call, end.code)
import torch, transformers, sentence_transformers  # so it was all there to ask the network
print(torch.__name__ in sys.modules)
"""

ANSWER = """
import socket
try:
    socket.create_connection(("127.0.0.1", 9))
except PermissionError as error:
    print(error)
"""


def run(script: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], list[tuple[str, str]]]:
    """A Python to which every socket is refused, and who tried what."""
    log = folder / "sockets"
    log.touch()
    offline = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if name not in offline},
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "no_network"), str(ROOT)]),
            "SOCKET_LOG": str(log),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    tried = (json.loads(line) for line in log.read_text().splitlines())
    return done, [(event, who) for event, who, _ in tried]


def test_the_commands_need_no_socket_even_where_the_model_is_asked(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    new = uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))  # so that no cache knows the vectors
    for name, text in zip("ab", TEXTS, strict=True):
        (tmp_path / "texts" / f"{name}.txt").write_text(f"{text} {new} https://example.org/news/{name}.html")
    (tmp_path / "gold.tsv").write_text("a.txt\tg\nb.txt\tg\n")
    done, tried = run(COMMANDS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("True\n")
    assert {who for _, who in tried} <= {PROBE}
    assert {event for event, _ in tried} <= {"socket.__new__"}
    assert all((tmp_path / name).exists() for name in ("page.html", "report.json", "clean", "removed.jsonl"))


def test_sockets_are_refused_and_noticed_there(tmp_path: Path) -> None:
    done, tried = run(ANSWER, tmp_path)
    assert done.stdout.startswith("no network: socket.")
    assert len(tried) == 1
