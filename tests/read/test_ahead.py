"""Small remote files are asked for together, and come in their order."""

import threading
from collections.abc import Iterator

import fsspec
import pytest

from dedup.model import Record, Skipped
from dedup.read import Fields, read_records
from dedup.read.ahead import AT_ONCE, THREADS, read_ahead
from dedup.read.paths import Source
from dedup.read.records import open_input, read_file

from .elsewhere import Faults, Faulty, StrangeError, read, write


@pytest.fixture
def shared(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """``faulty://`` may be used by several threads."""
    monkeypatch.setattr(Faulty, "async_impl", True)
    return faults


def test_texts_come_in_their_order_with_the_faults_of_each(shared: Faults) -> None:
    names = [f"{number:03}.txt" for number in range(100)]
    for name in names:
        write(f"faulty://news/{name}", f"Text {name}.")
    write("faulty://news/rows.jsonl", '{"text": "one"}\n')
    shared.opening["/news/050.txt"] = StrangeError("gone")
    ids, skipped = read("faulty://news", "faulty://news/rows.jsonl")
    assert ids == [*names[:50], *names[51:], "rows.jsonl:1"]
    assert skipped == [("faulty://news/050.txt", None, "cannot be read: gone")]
    texts = [item.text for item in read_records(["faulty://news"]) if isinstance(item, Record)]
    assert texts == [f"Text {name}." for name in names if name != "050.txt"]


def sources_of(count: int) -> tuple[Source, ...]:
    for number in range(count):
        write(f"faulty://news/{number:03}.txt", "Text.")
    return open_input(["faulty://news"]).sources


def test_as_many_are_asked_for_at_once_as_are_allowed(shared: Faults) -> None:  # noqa: ARG001
    together = threading.Barrier(AT_ONCE, timeout=30)

    def read_together(source: Source) -> Iterator[Record | Skipped]:
        together.wait()
        yield from read_file(source, Fields())

    assert len(list(read_ahead(sources_of(3 * AT_ONCE), read_together))) == 3 * AT_ONCE


@pytest.mark.parametrize("is_shared", [True, False])
def test_who_stops_early_lets_no_more_than_a_few_be_read(faults: Faults, is_shared: bool) -> None:  # noqa: ARG001
    asked: list[Source] = []

    def counted(source: Source) -> Iterator[Record | Skipped]:
        asked.append(source)
        yield from read_file(source, Fields())

    sources = sources_of(100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Faulty, "async_impl", is_shared)
        items = read_ahead(sources, counted)
        next(items)
        items.close()  # type: ignore[attr-defined]
    assert len(asked) <= 2 * AT_ONCE if is_shared else asked == [sources[0]]
    for thread in threading.enumerate():
        if thread.name == THREADS:
            thread.join(30)
            assert not thread.is_alive()


def test_files_of_this_machine_and_systems_of_one_thread_are_read_where_the_caller_is(faults: Faults) -> None:  # noqa: ARG001
    threads = set()

    def noted(source: Source) -> Iterator[Record | Skipped]:
        threads.add(threading.current_thread())
        yield from read_file(source, Fields())

    assert not getattr(fsspec.filesystem("faulty"), "async_impl", False)
    list(read_ahead(sources_of(5), noted))
    assert threads == {threading.current_thread()}


def test_what_is_raised_in_a_thread_is_raised_here(shared: Faults) -> None:  # noqa: ARG001
    def failing(source: Source) -> Iterator[Record | Skipped]:
        raise RuntimeError(source.path)

    with pytest.raises(RuntimeError, match=r"000\.txt"):
        list(read_ahead(sources_of(100), failing))
