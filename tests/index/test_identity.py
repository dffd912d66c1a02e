"""Which record of an index a new one is, and which it only shares a name with."""

from pathlib import Path

import pytest

from dedup import Record
from dedup.index import Change, describe
from dedup.index.identity import has_own_id, is_version
from dedup.index.store import Store
from dedup.model import Entry

from .pages import ARTICLES, add, build


def a_file(name: str, folder: str, article: int) -> Record:
    return Record(name, ARTICLES[article], language="en", path=f"{folder}/{name}")


def a_row(id_: str, path: str, article: int, line: int = 1) -> Record:
    return Record(id_, ARTICLES[article], language="en", path=path, line=line)


def ids(folder: Path) -> dict[str, str]:
    """Id -> path, of all records."""
    with Store.reading(folder) as store:
        return dict(store.database.execute("SELECT id, path FROM records"))


def counts(change: Change) -> tuple[int, int, int]:
    return change.added, change.updated, change.unchanged


def test_files_of_one_name_in_two_folders_are_two_records(tmp_path: Path) -> None:
    build(tmp_path / "i", [a_file("x.txt", "a", 0)])
    change = add(tmp_path / "i", [a_file("x.txt", "b", 1), a_file("y.txt", "b", 2)])
    assert (counts(change), change.renamed) == ((2, 0, 0), (("x.txt", "b/x.txt"),))
    assert ids(tmp_path / "i") == {"x.txt": "a/x.txt", "b/x.txt": "b/x.txt", "y.txt": "b/y.txt"}
    again = add(tmp_path / "i", [a_file("x.txt", "b", 1)])
    assert (counts(again), again.renamed) == ((0, 0, 1), ())
    assert counts(add(tmp_path / "i", [a_file("x.txt", "b", 3)])) == (0, 1, 0)
    assert counts(add(tmp_path / "i", [a_file("x.txt", "./a", 3)])) == (0, 1, 0)
    assert ids(tmp_path / "i").keys() == {"x.txt", "b/x.txt", "y.txt"}


def test_a_file_that_is_given_by_another_name_is_the_known_one(tmp_path: Path) -> None:
    build(tmp_path / "i", [a_file("x.txt", "a", 0)])
    change = add(tmp_path / "i", [Record("a/x.txt", ARTICLES[1], language="en", path="a/x.txt")])
    assert (counts(change), change.elsewhere) == ((0, 1, 0), ())
    assert ids(tmp_path / "i") == {"x.txt": "a/x.txt"}


def test_a_file_of_the_same_name_and_text_is_a_record_that_moved(tmp_path: Path) -> None:
    build(tmp_path / "i", [a_file("x.txt", "a", 0)])
    change = add(tmp_path / "i", [a_file("x.txt", "b", 0)])
    assert (counts(change), change.renamed, change.elsewhere) == ((0, 1, 0), (), ())
    assert ids(tmp_path / "i") == {"x.txt": "b/x.txt"}


@pytest.mark.parametrize(("first", "second"), [("a/t.jsonl", "b/t.jsonl"), ("-", "-")])
def test_rows_that_are_called_by_their_line_are_other_records_elsewhere(
    first: str, second: str, tmp_path: Path
) -> None:
    name = f"{Path(first).name}:1"
    build(tmp_path / "i", [a_row(name, first, 0)])
    for expected in ((1, 0, 0), (0, 0, 1)):
        assert counts(add(tmp_path / "i", [a_row(name, second, 1)])) == expected
    assert counts(add(tmp_path / "i", [a_row(name, first, 0)])) == (0, 0, 1)
    assert describe(tmp_path / "i").records == 2


def test_a_row_that_is_called_by_its_line_is_updated_in_its_table(tmp_path: Path) -> None:
    build(tmp_path / "i", [a_row("t.jsonl:1", "a/t.jsonl", 0)])
    assert counts(add(tmp_path / "i", [a_row("t.jsonl:1", "./a/t.jsonl", 1)])) == (0, 1, 0)


def test_rows_of_an_id_that_stood_in_another_file_are_updated_and_told(tmp_path: Path) -> None:
    build(tmp_path / "i", [a_row(f"{n}", "a.jsonl", n, n) for n in (1, 2, 3)])
    change = add(tmp_path / "i", [a_row("1", "b.jsonl", 4), a_row("2", "./a.jsonl", 5), a_row("3", "b.jsonl", 3)])
    assert (counts(change), change.elsewhere) == ((0, 3, 0), ("1",))


def entry(id_: str, path: str | None = None, line: int | None = None, language: str = "en") -> Entry:
    return Entry(id_, path, line, language, None, None, 4, b"")


def test_ids_that_are_made_of_a_place_are_no_ids_of_their_own() -> None:
    for made in (entry("a.txt", "in/a.txt"), entry("in/a.txt", "in/a.txt"), entry("-:3", "-", 3)):
        assert not has_own_id(made)
    assert not has_own_id(entry("in/t.jsonl:3", "t.jsonl", 3))
    for given in (entry("a.txt"), entry("a.txt", "in/ba.txt"), entry("17", "t.jsonl", 3), entry("doc:3", "t.jsonl", 3)):
        assert has_own_id(given)


def test_a_version_is_a_row_of_one_id_and_language() -> None:
    new = entry("17", "new.jsonl", 1)
    assert is_version(new, entry("17", "known.csv", 9))
    for other in (entry("18", "known.csv", 9), entry("17", "known.csv", 9, "de"), entry("17", "17"), entry("17")):
        assert not is_version(new, other)
    assert not is_version(entry("-:1", "-", 1), entry("-:1", "-", 1))
