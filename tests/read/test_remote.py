"""Remote files: how they are spoken of, read and written, whatever goes wrong."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.errors import InputError
from dedup.files import write_atomically
from dedup.read import read_records
from dedup.read.remote import check_remote, connected, is_remote, without_secrets

from .elsewhere import Faults, StrangeError, read, write

ROOT = Path(__file__).parents[2]


# What is shown of a URL


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a/x.jsonl.gz?X-Amz-Signature=0f&X-Amz-Date=1", "https://example.org/a/x.jsonl.gz"),
        ("https://me:word@example.org:8080/x.txt#part", "https://example.org:8080/x.txt"),
        ("https://token@example.org/x.txt?", "https://example.org/x.txt"),
        ("HTTPS://example.org/x.txt?a", "HTTPS://example.org/x.txt"),
        ("sftp://me:word@host/a@b/x.txt", "sftp://host/a@b/x.txt"),
        ("s3://key:secret@bucket/x.txt", "s3://bucket/x.txt"),
        ("s3://bucket/x.txt?versionId=7", "s3://bucket/x.txt"),
        ("s3://bucket/why?.txt", "s3://bucket/why?.txt"),
        ("s3://bucket/a#1.txt", "s3://bucket/a#1.txt"),
        ("abfs://container@account.dfs.core.windows.net/x.txt", "abfs://container@account.dfs.core.windows.net/x.txt"),
        ("hf://owner/name@main/x.txt", "hf://owner/name@main/x.txt"),
        ("a/b.txt?x=1", "a/b.txt?x=1"),
    ],
)
def test_a_url_is_shown_without_user_and_query(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
    assert without_secrets(shown) == shown


_word = st.text("abcXYZ0189%=&+;:~-", min_size=6, max_size=12).map(lambda text: f"S{text}S")


@given(st.sampled_from(["http", "https", "ftp", "sftp", "webdav", "s3"]), _word, _word, _word)
def test_no_user_password_or_query_is_ever_shown(scheme: str, user: str, password: str, value: str) -> None:
    shown = without_secrets(f"{scheme}://{user}:{password}@host/x.txt?key={value}")
    assert shown == f"{scheme}://host/x.txt"


@pytest.mark.parametrize(
    "path", ["a.txt", "-", "C:\\a.txt", "c://a", "./s3://b", "file:///a", "local://a", "/a://b", ""]
)
def test_what_is_no_url_of_another_machine_is_none(path: str) -> None:
    assert not is_remote(path)


# Reading


def test_a_file_that_comes_in_small_pieces_is_read_to_its_end(faults: Faults) -> None:  # noqa: ARG001
    rows = "".join(f'{{"id": "{number}", "text": "text {number}"}}\n' for number in range(300))
    write("faulty://rows.jsonl", rows)
    write("faulty://rows.jsonl.gz", gzip.compress(rows.encode()))
    write("faulty://text.txt", "ü" * 1_000)
    assert read("faulty://rows.jsonl") == ([str(number) for number in range(300)], [])
    assert read("faulty://rows.jsonl.gz") == ([str(number) for number in range(300)], [])
    (record,) = read_records(["faulty://text.txt"])
    assert getattr(record, "text", "") == "ü" * 1_000


@pytest.mark.parametrize("error", [StrangeError("gone away"), OSError("gone away"), TimeoutError("gone away")])
def test_a_fault_in_the_middle_costs_the_rest_of_a_table_and_all_of_a_text(faults: Faults, error: Exception) -> None:
    row = '{"text": "one"}\n'  # 16 bytes; tables are read 65,536 bytes at a time
    write("faulty://rows.jsonl", row * 10_000)
    write("faulty://text.txt", "text " * 10)
    faults.reading["/rows.jsonl"] = (100_000, error)
    faults.reading["/text.txt"] = (20, error)
    ids, skipped = read("faulty://rows.jsonl", "faulty://text.txt")
    assert ids == [f"rows.jsonl:{number}" for number in range(1, 4_097)]
    assert skipped == [
        ("faulty://rows.jsonl", 4_097, "the rest cannot be read: gone away"),
        ("faulty://text.txt", None, "cannot be read: gone away"),
    ]


def test_a_file_that_ends_too_early_is_told(faults: Faults) -> None:
    write("faulty://rows.jsonl", '{"text": "one"}\n' * 5_000)
    faults.sizes["/rows.jsonl"] = 90_000
    ids, skipped = read("faulty://rows.jsonl")
    assert len(ids) == 4_096
    assert skipped == [("faulty://rows.jsonl", 4_097, "the rest cannot be read: it ends after 80,000 of 90,000 bytes")]


def test_a_reader_may_go_anywhere_in_a_file(faults: Faults) -> None:  # noqa: ARG001
    write("faulty://numbers.txt", bytes(range(100)))
    with connected("faulty://numbers.txt").open() as stream:
        assert stream.seekable()
        assert stream.seek(-10, os.SEEK_END) == 90
        assert stream.read(5) == bytes(range(90, 95))
        assert stream.seek(-45, os.SEEK_CUR) == stream.tell() == 50
        assert stream.read() == bytes(range(50, 100))
        assert stream.seek(3) == 3
        buffer = bytearray(20)
        assert stream.readinto(buffer) == 20  # type: ignore[attr-defined]
        assert bytes(buffer) == bytes(range(3, 23))
    assert stream.closed


@pytest.mark.parametrize(
    "told",
    [
        "403, message='Forbidden', url='https://host/x.txt?X-Amz-Signature=SECRET&a=b'",
        "https://me:SECRET@host/x.txt is wrong",
        "cannot go to sftp://SECRET@host",
    ],
)
def test_no_fault_tells_the_secrets_of_a_url(faults: Faults, told: str) -> None:
    write("faulty://a.txt")
    faults.opening["/a.txt"] = StrangeError(told)
    ((_, _, reason),) = read("faulty://a.txt")[1]
    assert "host" in reason
    assert "SECRET" not in reason


def test_no_error_tells_the_secrets_of_the_url_that_was_given(faults: Faults) -> None:  # noqa: ARG001
    with pytest.raises(InputError) as raised:
        read("refusing://me:SECRET%21@host/a.txt?X-Amz-Signature=SECRET%21&a=b")
    assert "no such place" in str(raised.value)
    assert "SECRET" not in str(raised.value)


# Packages


@pytest.mark.parametrize(
    ("url", "package"),
    [("s3://bucket/a.txt", "s3fs"), ("https://host/a.txt", "aiohttp"), ("hf://a/b", "huggingface_hub")],
)
def test_a_missing_package_is_named_with_what_installs_it(
    url: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["fsspec.registry"], "_registry", {})
    for name in [name for name in sys.modules if name.startswith(f"{package}.") or "implementations.http" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError) as raised:
        read(url)
    assert str(raised.value) == (f"cannot open '{url}': it needs {package}: pip install 'dedup[remote]' (or {package})")


@pytest.mark.parametrize("url", ["nowhere://a.txt", "s3://a::memory://b.txt", "http://host/", "http://host/*.txt"])
def test_what_cannot_be_opened_at_all_is_an_error_of_one_line(url: str) -> None:
    if url.startswith("http"):
        pytest.importorskip("aiohttp")
    with pytest.raises(InputError) as raised:
        read(url)
    assert repr(url) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_without_a_url_no_fsspec_is_imported(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Some text.")
    script = (
        "import sys\n"
        "from dedup.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "run", tmp_path, f"file://{tmp_path}/a.txt", "-o", tmp_path / "r.json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1 record in 1 language" in done.stdout
    imported = set(done.stderr.split())
    assert "dedup.read.remote" in imported
    assert not {name for name in imported if name.partition(".")[0] in {"fsspec", "s3fs", "aiohttp", "huggingface_hub"}}


@pytest.mark.parametrize(
    ("name", "value"), [("HF_ENDPOINT", "http://127.0.0.1:1"), ("HF_HUB_OFFLINE", "1")], ids=["unreachable", "offline"]
)
@pytest.mark.parametrize("url", ["hf://datasets/owner/name/data/*.jsonl", "hf://datasets/owner/name/a.jsonl"])
def test_hugging_face_without_a_network_is_one_line(url: str, name: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dedup", "run", url],
        env={**os.environ, "PYTHONPATH": str(ROOT), name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"dedup: cannot read '{url}': ")
    assert done.stderr.count("\n") == 1


# Writing


def test_what_is_written_replaces_the_file(faults: Faults) -> None:  # noqa: ARG001
    write("memory://out/report.json", "old and longer")
    write_atomically(connected("memory://out/report.json"), b"new")
    assert fsspec.filesystem("memory").cat_file("/out/report.json") == b"new"


def test_what_cannot_be_written_is_an_error_of_one_line(faults: Faults) -> None:
    faults.writing["/report.json"] = StrangeError("denied: https://host/report.json?sig=SECRET")
    with pytest.raises(InputError) as raised:
        write_atomically(connected("faulty://report.json"), b"new")
    assert str(raised.value) == "faulty://report.json: cannot be written: denied: https://host/report.json"


@pytest.mark.parametrize("url", ["memory://out/", "memory://"])
def test_a_folder_is_nothing_to_write_to(url: str) -> None:
    with pytest.raises(InputError, match="it names a folder"):
        check_remote(connected(url))
