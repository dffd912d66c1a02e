"""``hf://`` by the client of Hugging Face itself, and a server that answers as much of the hub's API as that asks."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from fsspec.config import conf

from dedup.errors import InputError

from .elsewhere import read

REPOSITORY = "/api/datasets/owner/name"
COMMIT = "c" * 40


class Hub(BaseHTTPRequestHandler):
    """One data set, owner/name."""

    files: ClassVar[dict[str, bytes]] = {
        "README.md": b"What the data set holds.",
        "data/a.jsonl": b'{"id": "1", "text": "one"}\n{"id": "2", "text": "two"}\n',
        "data/b.jsonl": b'{"id": "3", "text": "three"}\n',
        "data/texts/c.txt": b"Some text.",
    }

    def log_message(self, *_args: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        resolved = "/datasets/owner/name/resolve/main/"
        if path in (REPOSITORY, f"{REPOSITORY}/revision/main"):
            self._answer({"id": "owner/name", "sha": COMMIT})
        elif path.startswith(f"{REPOSITORY}/tree/main"):
            self._list(path.removeprefix(f"{REPOSITORY}/tree/main").strip("/"), "recursive=true" in query.lower())
        elif path.startswith(resolved):
            self._give(self.files[path.removeprefix(resolved)])
        else:
            self._answer({"error": "not found"}, 404, X_Error_Code="RepoNotFound")

    def _list(self, folder: str, deep: bool) -> None:
        entries: dict[str, dict[str, object]] = {}
        for name, data in self.files.items():
            if name.startswith(f"{folder}/" if folder else ""):
                parts = name.split("/")
                depth = len(folder.split("/")) if folder else 0
                for end in range(depth + 1, len(parts) if deep else min(len(parts), depth + 2)):
                    inner = "/".join(parts[:end])
                    entries[inner] = {"type": "directory", "oid": COMMIT, "size": 0, "path": inner}
                if deep or len(parts) == depth + 1:
                    entries[name] = {"type": "file", "oid": COMMIT, "size": len(data), "path": name}
        if entries:
            self._answer(list(entries.values()))
        else:
            self._answer({"error": "no such entry"}, 404, X_Error_Code="EntryNotFound")

    def _give(self, data: bytes) -> None:
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        part = data[int(first) : int(last) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def _answer(self, said: object, status: int = 200, **headers: str) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of the hub."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _hub(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsspec is told where the hub is, as its environment tells it; the client may ask, even where a CI says no."""
    monkeypatch.setitem(conf, "hf", {"endpoint": server, "token": False})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("data/*.jsonl", ["1", "2", "3"]),
        ("data/a.jsonl", ["1", "2"]),
        ("data/", ["texts/c.txt"]),
        ("**/*.txt", ["c.txt"]),
        ("", ["README.md", "data/texts/c.txt"]),
    ],
)
def test_data_set_is_read_by_file_folder_and_pattern(path: str, ids: list[str]) -> None:
    assert read(f"hf://datasets/owner/name/{path}") == (ids, [])
    assert read(f"hf://datasets/owner/name@main/{path}") == (ids, [])


@pytest.mark.parametrize(
    "path", ["owner/name/gone.jsonl", "owner/name/gone/", "owner/name/gone/*.jsonl", "owner/gone/a.jsonl"]
)
def test_what_is_not_there_is_an_error_of_one_line(path: str) -> None:
    with pytest.raises(InputError) as raised:
        read(f"hf://datasets/{path}")
    assert str(raised.value).startswith(f"cannot read 'hf://datasets/{path}': ")
    assert "\n" not in str(raised.value)
    assert "Error" not in str(raised.value)
