"""What work on text promises: it does for whole texts what :mod:`tests.definitions` does a character at a time."""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import numpy as np

from dedup import language, names, text
from dedup.code_points import rolling_hashes
from dedup.fingerprints import fingerprint, minhash_signature, shingles
from dedup.model import Article, Record, Skipped
from dedup.read.characters import is_blank, readable
from dedup.settings import Settings
from dedup.sketch import Sketch, sketch
from tests import definitions
from tests.properties import seeds
from tests.properties.pages import text_of
from tests.properties.seeds import Target

CODES = ("en", "de", "da", "th", "zh", "ja", "hi", "ar", "my", "am", "und", "xx-no-such")
SETTINGS = Settings()


def _language(data: bytes) -> str:
    return CODES[len(data) % len(CODES)]


def normalising(data: bytes) -> None:
    """As defined, settled after one time, of what prints something only; and what readers make of a text."""
    given = text_of(data)
    shown = readable(given)
    assert shown == definitions.readable(given) == readable(shown)
    assert is_blank(shown) == is_blank(given)
    normal = text.normalise(given)
    assert normal == definitions.normalise(given)
    assert text.is_empty(given) == (not normal)
    assert not any(unicodedata.category(character) in {"Cc", "Cf"} for character in normal)
    assert normal == normal.strip()
    assert text.normalise(normal) == normal


def figures(data: bytes) -> None:
    """As a scan finds them; each stands where it is said to stand, in order, and in plain digits."""
    given = text_of(data)
    assert text.numbers(given) == definitions.numbers(given)
    end = 0
    for figure, start, stop in text.figures_at(given):
        assert end <= start < stop <= len(given)
        end = stop
        assert figure.isascii()
        assert figure.isdecimal()
        assert figure == str(int(figure)) if len(figure) < 4_000 else figure[0] != "0"
        assert given[start].isdecimal()
    stated = {figure for figure, _, _ in text.figures_at(given)}
    assert stated == set(text.numbers(given))
    assert bool(stated) == any(character.isdecimal() for character in given)


def cutting(data: bytes) -> None:
    """Segments hold all of a text but white space, in order, as defined, and none is out of size."""
    given, code = readable(text_of(data)), _language(data)
    pieces, widths = text.measured_segments(given, code)
    assert pieces == text.segments(given, code)
    assert "".join("".join(pieces).split()) == "".join(given.split())
    assert bool(pieces) == bool(given.strip())
    assert all(piece.strip() for piece in pieces)
    assert list(widths) == [definitions.text_width(text.in_one_line(piece)) for piece in pieces]
    assert max(map(len, pieces), default=0) <= 2 * text.MAX_CHARACTERS
    assert max(widths, default=0) <= 1.25 * text.MAX_SEGMENT + text.MIN_SEGMENT + text.DENSE_WIDTH
    if code not in text.STAND_INS:
        assert pieces == definitions.segments(given, code)


def naming(data: bytes) -> None:
    """Names, scripts, stems and languages are as defined; any text has a language."""
    given = text_of(data)
    assert language.script_of(given) == definitions.script_of(given)
    pieces = given.split("\n")
    for script in ("LATIN", "CYRILLIC", ""):
        assert names.names_of(pieces, script) == definitions.names_of(pieces, script)
    for word in given.split():
        assert names.stem(word) == definitions.stem(word)
    for declared in (None, given[:12], pieces[0]):
        code = language.language_of(given, declared)
        assert 2 <= len(code) <= 3
        assert code.isascii()
        assert code == code.lower()


@lru_cache
def _datasketch() -> type:
    from datasketch import MinHash

    return MinHash  # type: ignore[no-any-return]


def fingerprints(data: bytes) -> None:
    """Shingles are the n-grams, each hashed by itself; signatures are those of datasketch."""
    normal = text.normalise(readable(text_of(data)))
    size = 1 + len(data) % 8
    found = shingles(normal, size)
    grams = {normal[at : at + size] for at in range(max(1, len(normal) - size + 1))}
    assert found.tolist() == sorted({int(shingles(gram, size)[0]) for gram in grams})
    theirs = _datasketch()(SETTINGS.permutations, SETTINGS.seed, hashfunc=int, scheme="affine32")
    theirs.update_batch(found.tolist())
    assert np.array_equal(minhash_signature(found, SETTINGS), theirs.hashvalues)
    assert len(rolling_hashes(np.array([], np.uint32), 3)) == 0
    (one,) = fingerprint([Article(Record("a", normal), normal, None, None, _language(data))], SETTINGS)
    assert len(one.segments) == len(one.widths) == len(one.passages) == len(one.figures)


def sketching(data: bytes) -> None:
    """No library fails at a record: it is sketched, or empty. Fields are parted by the sign U+001E."""
    given, url, code, *_ = (*text_of(data).split("\x1e"), "", "", "")
    record = Record("a", given, url or None, code or None)
    (found,) = sketch([record], SETTINGS, None)
    if isinstance(found, Skipped):
        assert found.reason == "empty text", found.reason
        assert is_blank(given) or text.is_empty(readable(given))
    else:
        assert isinstance(found, Sketch)
        assert found.entry.characters > 0
        found.entry.language.encode("ascii")


# --- what it is fuzzed from


def _records() -> Iterator[bytes]:
    for given in seeds.mixed():
        yield b"\x1e".join((given, b"https://example.org/a?id=1", b"pt-BR"))


TARGETS: Final[Mapping[str, Target]] = {
    "normalise": Target(normalising, seeds.mixed),
    "figures": Target(figures, seeds.mixed),
    "segments": Target(cutting, seeds.mixed),
    "names": Target(naming, seeds.mixed),
    "fingerprint": Target(fingerprints, seeds.mixed),
    "sketch": Target(sketching, _records),
}
