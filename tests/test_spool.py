from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import spool as module
from dedup.spool import Arena, Spool

PIECES = st.lists(st.text(st.characters().filter(lambda c: c != "\x1e"), max_size=20), max_size=6)


@given(st.lists(PIECES, max_size=8))
def test_pieces_come_back_as_they_were_put(texts: Sequence[list[str]]) -> None:
    spool = Spool()
    put = [spool.put(pieces) for pieces in texts]
    for pieces, back in reversed(list(zip(texts, put, strict=True))):
        assert list(back) == pieces
        assert len(back) == len(pieces)


def test_putting_and_reading_take_turns() -> None:
    spool = Spool()
    first = spool.put(["one", "two"])
    assert list(first) == ["one", "two"]
    second = spool.put(["three"])
    assert (list(first), list(second), list(first)) == (["one", "two"], ["three"], ["one", "two"])


def test_an_empty_list_is_not_a_list_of_an_empty_piece() -> None:
    spool = Spool()
    none, blank, blanks = spool.put([]), spool.put([""]), spool.put(["", ""])
    assert [list(some) for some in (none, blank, blanks)] == [[], [""], ["", ""]]


def test_pieces_are_a_sequence() -> None:
    pieces = Spool().put(["a", "b\ud800", "\u2028c\r", ""])
    assert pieces[1] == "b\ud800"
    assert pieces[-1] == ""
    assert pieces[:2] == ("a", "b\ud800")
    assert "\u2028c\r" in pieces
    with pytest.raises(IndexError):
        pieces[4]


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([np.int8, np.uint32, np.float32])), max_size=8))
def test_arrays_come_back_as_they_were_put_and_stay_apart(shapes: Sequence[tuple[int, type[np.generic]]]) -> None:
    arena = Arena()
    given_ = [(np.arange(rows * 3) % 100).reshape(rows, 3).astype(kind) for rows, kind in shapes]
    put = [arena.put(array) for array in given_]
    for array, there in zip(given_, put, strict=True):
        assert there.dtype == array.dtype
        assert np.array_equal(there, array)


def test_an_array_longer_than_a_block_has_a_block_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 256)
    arena = Arena()
    first, long, last = (arena.put(np.full(size, size, np.int32)) for size in (4, 1_000, 5))
    assert (set(first.tolist()), set(long.tolist()), set(last.tolist())) == ({4}, {1_000}, {5})
