"""Files of a web server, which may give ranges, or only whole files, or break off."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from dedup.errors import InputError
from dedup.read import read_records
from dedup.read.remote import connected

from .elsewhere import read

pytest.importorskip("aiohttp")

ROWS = 120
LARGE = "".join(
    json.dumps({"id": str(number), "text": f"{number} " * (60_000 // len(f"{number} "))}) + "\n"
    for number in range(ROWS)
).encode()
"""More than fsspec reads at once, which is 5 MiB."""


class Handler(BaseHTTPRequestHandler):
    """``/WAY/name?query`` gives a file in that way."""

    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, bytes]] = {"large.jsonl": LARGE, "small.txt": "Größe.".encode(), "empty.jsonl": b""}
    asked: ClassVar[list[tuple[str, str]]] = []

    def log_message(self, *_args: object) -> None:
        """Nothing."""

    def do_HEAD(self) -> None:
        if self._way in ("chunked", "broken-chunks"):
            self._begin(200)
        elif self._is_allowed() and self._way != "signed":
            self._begin(200, len(self._data))
        else:
            self._begin(403, 0)

    def do_GET(self) -> None:
        Handler.asked.append((self.path, self.headers.get("Range", "")))
        if not self._is_allowed():
            self._begin(403, 0)
        elif self._way == "ranges" and "Range" in self.headers:
            self._give_range()
        elif self._way in ("chunked", "broken-chunks"):
            self._give_chunks()
        else:
            self._begin(200, len(self._data))
            self._send(self._data)

    @property
    def _way(self) -> str:
        return self.path.split("/")[1]

    @property
    def _data(self) -> bytes:
        return self.files[self.path.split("/")[2].partition("?")[0]]

    def _is_allowed(self) -> bool:
        if self._way in ("signed", "secret"):
            return self.path.endswith("?key=SECRET")
        return self._way != "gone"

    def _begin(self, status: int, length: int | None = None, **headers: str) -> None:
        if self._way == "gone":
            status = 404
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, data: bytes) -> None:
        if self._way == "broken":
            data = data[: len(data) // 2]
            self.close_connection = True
        self.wfile.write(data)

    def _give_range(self) -> None:
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        part = self._data[int(first) : int(last) + 1]
        end = int(first) + len(part) - 1
        self._begin(206, len(part), Content_Range=f"bytes {first}-{end}/{len(self._data)}")
        self.wfile.write(part)

    def _give_chunks(self) -> None:
        self._begin(200)
        for start in range(0, len(self._data), 100_000):
            if self._way == "broken-chunks" and start > len(self._data) // 2:
                self.close_connection = True
                return
            piece = self._data[start : start + 100_000]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


class Server(ThreadingHTTPServer):
    def handle_error(self, *_args: object) -> None:
        """Nothing: clients hang up when they have enough."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a web server."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _nothing_asked_yet() -> None:
    Handler.asked.clear()


@pytest.mark.parametrize("way", ["ranges", "whole", "chunked"])
def test_a_file_is_read_to_its_end_however_the_server_gives_it(server: str, way: str) -> None:
    assert read(f"{server}/{way}/large.jsonl") == ([str(number) for number in range(ROWS)], [])
    (record,) = read_records([f"{server}/{way}/small.txt"])
    assert getattr(record, "text", record) == "Größe."
    assert read(f"{server}/{way}/empty.jsonl") == ([], [])


@pytest.mark.parametrize("way", ["ranges", "whole", "chunked"])
def test_a_reader_may_go_to_and_fro_however_the_server_gives_the_file(server: str, way: str) -> None:
    with connected(f"{server}/{way}/large.jsonl").open() as stream:
        assert stream.seekable()
        assert stream.read(5) == LARGE[:5]
        assert stream.seek(-1_000, 2) == len(LARGE) - 1_000
        assert stream.read() == LARGE[-1_000:]
        assert stream.seek(10) == 10
        assert stream.read(20) == LARGE[10:30]
        assert stream.seek(5, 1) == 35
        assert stream.read(20) == LARGE[35:55]
        assert stream.read() == LARGE[55:]


def test_a_reader_that_goes_to_and_fro_asks_for_parts_where_it_can(server: str) -> None:
    with connected(f"{server}/ranges/large.jsonl").open() as stream:
        stream.seek(-1_000, 2)
        stream.read()
        stream.seek(10)
        stream.read(20)
    assert all(asked for _, asked in Handler.asked)


@pytest.mark.parametrize("way", ["broken", "broken-chunks"])
def test_a_copy_of_what_breaks_off_is_a_fault(server: str, way: str) -> None:
    with connected(f"{server}/{way}/large.jsonl").open() as stream, pytest.raises(OSError, match="not completed"):
        stream.seek(-1_000, 2)
        stream.read()


@pytest.mark.parametrize("way", ["broken", "broken-chunks"])
def test_a_broken_connection_costs_the_rest(server: str, way: str) -> None:
    ids, skipped = read(f"{server}/{way}/large.jsonl")
    assert ids == [str(number) for number in range(len(ids))]
    assert len(ids) < ROWS
    ((path, line, reason),) = skipped
    assert (path, line) == (f"{server}/{way}/large.jsonl", len(ids) + 1)
    assert reason.startswith("the rest cannot be read: ")
    ((_, line, reason),) = read(f"{server}/broken/small.txt")[1]
    assert line is None
    assert reason.startswith("cannot be read: ")


@pytest.mark.parametrize(("way", "reason"), [("gone", "404 Not Found"), ("secret", "403 Forbidden")])
def test_what_is_not_there_or_not_allowed_is_an_error_of_the_call(server: str, way: str, reason: str) -> None:
    with pytest.raises(InputError) as raised:
        read(f"{server}/{way}/small.txt?key=WRONG")
    assert str(raised.value) == f"cannot read '{server}/{way}/small.txt': {reason}"


def test_a_server_that_cannot_be_reached_is_an_error_without_secrets() -> None:
    with pytest.raises(InputError) as raised:
        read("http://me:SECRET@127.0.0.1:1/a.txt?key=SECRET")
    assert str(raised.value) == "cannot read 'http://127.0.0.1:1/a.txt': Connect call failed ('127.0.0.1', 1)"


@pytest.mark.parametrize("way", ["secret", "signed"])
def test_a_signed_address_is_read_and_named_without_its_signature(server: str, way: str) -> None:
    items = list(read_records([f"{server}/{way}/large.jsonl?key=SECRET", f"{server}/{way}/small.txt?key=SECRET"]))
    assert len(items) == ROWS + 1
    assert {item.path for item in items} == {f"{server}/{way}/large.jsonl", f"{server}/{way}/small.txt"}
    assert "SECRET" not in repr(items)
    assert getattr(items[-1], "id", None) == "small.txt"


def test_addresses_that_differ_only_in_what_is_not_shown_are_refused_together(server: str) -> None:
    url = f"{server}/ranges/small.txt"
    with pytest.raises(InputError, match="given twice"):
        read(f"{url}?page=1", f"{url}?page=2")
    assert read(f"{url}?page=1", f"{url}?page=1")[0] == ["small.txt"]


def test_nothing_but_what_was_named_is_asked_for(server: str) -> None:
    Handler.files["page.txt"] = f"See {server}/whole/small.txt and <a href='{server}/whole/'>more</a>.".encode()
    assert read(f"{server}/whole/page.txt")[0] == ["page.txt"]
    assert {path for path, _ in Handler.asked} == {"/whole/page.txt"}


@pytest.mark.parametrize("path", ["", "/", "/whole/", "/whole/*.txt", "/whole/small"])
def test_a_web_server_has_no_folders(server: str, path: str) -> None:
    with pytest.raises(InputError):
        read(f"{server}{path}")
    assert not Handler.asked
