"""The properties of :mod:`tests.properties` hold of any bytes, of meaningful pieces, and of what once broke them."""

from importlib import import_module

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .properties.targets import FOUND, NAMES, ROOMS, target_of
from .test_definitions import PIECES
from .test_page import FURNITURE, SOURCE_LINES, TEXT_LINES
from .test_source_url import PIECES as URL_PIECES

DEAR = {
    "html": 3,
    "parquet": 30,
    "parquet-pages": 20,
    "summary": 10,
    "tables": 20,
    "texts": 15,
    "json-report": 25,
    "fingerprint": 25,
}
"""Examples of those that take long; of others 60."""

SIGNS = {
    "jsonl": [b'"', b"{", b"}", b"\n", b"\\", b"\\u", b"\\ud800", b'{"text": "x"}', b"\xef\xbb\xbf", b"[", b"1e9"],
    "delimited": [b'"', b",", b"\n", b"\r\n", b"\t", b"a", b'""'],
    "packed": [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\0"],
    "warc": [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"WARC/1.0\r\n", b"Content-Length: 9\r\n", b"\r\n\r\n"],
    "source-line": [f"{line}\n".encode() for line in (*SOURCE_LINES, *TEXT_LINES, *FURNITURE, "Zzyzx:", "Source")],
    "url-key": [piece.encode("utf-8", "surrogatepass") for piece in URL_PIECES],
}
TEXT = [piece.encode("utf-8", "surrogatepass") for piece in PIECES]

TRIED = [name for name in NAMES if name != "gate"]
"""Forms of a check are tried by the tests of each form."""


def inputs(name: str) -> st.SearchStrategy[bytes]:
    """Bytes; pieces that mean something to the target; and what is made of a seed by changing some of it."""
    seeds = st.sampled_from(list(target_of(name).seeds()))
    pieces = st.sampled_from(SIGNS.get(name, TEXT)) | st.binary(max_size=3) | st.text(max_size=3).map(str.encode)
    put = st.builds(
        lambda seed, at, cut, piece: seed[:at] + piece + seed[at + cut :],
        seeds, st.integers(0, 700), st.integers(0, 9), pieces,
    )  # fmt: skip
    return st.binary(max_size=200) | st.lists(pieces, max_size=30).map(b"".join) | put


@pytest.mark.parametrize("name", NAMES)
def test_property_holds_of_what_it_is_fuzzed_from(name: str) -> None:
    seeds = list(target_of(name).seeds())
    assert seeds
    for seed in seeds[:: 1 + len(seeds) // 8]:
        target_of(name).check(seed)


@pytest.mark.parametrize("name", TRIED)
def test_property_holds_of_any_bytes(name: str) -> None:
    @settings(max_examples=DEAR.get(name, 60), deadline=None, suppress_health_check=list(HealthCheck))
    @given(inputs(name))
    def holds(data: bytes) -> None:
        target_of(name).check(data)

    holds()


@pytest.mark.parametrize("name", NAMES)
def test_what_broke_a_property_once_does_so_no_more(name: str) -> None:
    for path in sorted((FOUND / name).glob("*")):
        target_of(name).check(path.read_bytes())


def test_every_property_has_its_name() -> None:
    for room, names in ROOMS.items():
        assert tuple(import_module(f"tests.properties.{room}").TARGETS) == names
    assert {folder.name for folder in FOUND.iterdir()} <= set(NAMES)
