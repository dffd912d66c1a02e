from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedup import spool as module
from dedup.spool import Spool

PIECES = st.lists(st.text(st.characters().filter(lambda c: c != "\n"), max_size=20), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=8), st.sampled_from([1, 40, 2**20]))
def test_pieces_come_back_as_they_were_put(
    monkeypatch: pytest.MonkeyPatch, texts: Sequence[list[str]], memory: int
) -> None:
    monkeypatch.setattr(module, "MEMORY", memory)
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
