import gzip
import io
import json
import os
from pathlib import Path

import pytest

from dedup.changes import changed_since
from dedup.errors import InputError
from dedup.incoming import called_alike, only_changed, read_new
from dedup.model import Record, Skipped
from dedup.read import Fields
from dedup.read.records import Input, open_input, read_input

from .repository import Repository


def table(*rows: object) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def changed_input(*paths: str) -> Input:
    return only_changed(open_input(paths), changed_since("HEAD", paths))


def new_items(*paths: str, fields: Fields | None = None) -> list[Record | Skipped]:
    changes = changed_since("HEAD", paths)
    return list(read_new(only_changed(open_input(paths), changes), fields or Fields(), changes))


def new_texts(*paths: str, fields: Fields | None = None) -> list[str]:
    return [item.text if isinstance(item, Record) else item.reason for item in new_items(*paths, fields=fields)]


# Which files


def test_only_changed_files_are_read_under_the_names_they_have_in_their_folder(repository: Repository) -> None:
    repository.commit(**{"in/a.txt": "a", "in/sub/a.txt": "a", "in/sub/b.txt": "b", "c.txt": "c"})
    for name in ("in/sub/a.txt", "in/sub/new.txt", "in/picture.png", "in/.hidden.txt", "c.txt"):
        repository.write(name, "changed")
    items = new_items("in")
    assert [(item.id, item.path) for item in items if isinstance(item, Record)] == [
        ("sub/a.txt", "in/sub/a.txt"),
        ("sub/new.txt", "in/sub/new.txt"),
    ]
    assert len(items) == 2


def test_of_what_cannot_be_used_only_what_was_changed_is_told(repository: Repository) -> None:
    (repository.folder / "in").mkdir()
    (repository.folder / "in" / "old.txt").symlink_to("nowhere")
    repository.commit()
    (repository.folder / "in" / "new.txt").symlink_to("nowhere")
    repository.write("in/empty.txt", " ")
    assert sorted((item.path, item.reason) for item in new_items("in") if isinstance(item, Skipped)) == [
        ("in/empty.txt", "empty text"),
        ("in/new.txt", "a broken link"),
    ]


def test_file_behind_a_link_is_changed_where_the_link_or_the_file_is(repository: Repository) -> None:
    repository.commit(**{"files/a.txt": "a", "files/b.txt": "b", "files/c.txt": "c"})
    for name in "abc":
        repository.write(f"links/{name}.txt").unlink()
        (repository.folder / "links" / f"{name}.txt").symlink_to(f"../files/{name}.txt")
    (repository.folder / "folder").symlink_to("files")
    repository.commit()
    repository.write("files/a.txt", "changed")
    (repository.folder / "links" / "b.txt").unlink()
    (repository.folder / "links" / "b.txt").symlink_to("../files/c.txt")
    (repository.folder / "links" / "c.txt").unlink()
    assert new_texts("links") == ["changed", "c"]
    assert new_texts("folder") == ["changed"]


def test_files_with_undecodable_names_are_found(repository: Repository) -> None:
    name = os.fsdecode(b"in/\xff.txt")
    try:
        repository.write(name, "old")
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    repository.commit()
    repository.write(name, "changed")
    repository.write(os.fsdecode(b"in/empty \xff.txt"), " ")
    assert new_texts("in") == ["empty text", "changed"]


def test_standard_input_has_no_history(repository: Repository) -> None:
    repository.commit()
    with pytest.raises(InputError, match=r"standard input \(-\) has no history"):
        only_changed(open_input(["-"], stdin=io.BytesIO()), changed_since("HEAD", ["."]))


def test_all_of_a_repository_within_that_moved_is_new(repository: Repository) -> None:
    Repository(repository.folder / "in" / "inner").commit(**{"a.txt": "a"})
    repository.commit()
    assert new_texts("in") == []
    repository.write("in/inner/a.txt", "changed")
    repository.write("in/b.txt", "b")
    assert new_texts("in") == ["b", "changed"]


# Which rows


def test_only_rows_that_the_old_table_lacks_are_new(repository: Repository) -> None:
    one, two, three = (
        {"id": str(n), "text": f"text {n}", "url": f"https://e.org/{n}", "lang": "en"} for n in (1, 2, 3)
    )
    repository.commit(**{"t.jsonl": table(one, two, three)})
    repository.write(
        "t.jsonl",
        table(
            {"id": "0", "text": "text 0"},
            three,
            {**one, "text": "text 1, changed"},
            {**two, "extra": "says nothing"},
            {**two, "id": "4"},
            {**two, "id": "5", "url": None},
        ),
    )
    items = new_items("t.jsonl")
    assert [(item.id, item.line) for item in items if isinstance(item, Record)] == [
        ("0", 1),
        ("1", 3),
        ("4", 5),
        ("5", 6),
    ]


def test_rows_without_ids_may_move(repository: Repository) -> None:
    repository.commit(**{"t.jsonl": table({"text": "one"}, {"text": "two"})})
    repository.write("t.jsonl", table({"text": "zero"}, {"text": "two"}, {"text": "one"}))
    (item,) = new_items("t.jsonl")
    assert isinstance(item, Record)
    assert (item.id, item.text) == ("t.jsonl:1", "zero")


def test_one_more_copy_of_a_row_is_new(repository: Repository) -> None:
    repository.commit(**{"t.jsonl": table({"text": "one"}, {"text": "one"})})
    repository.write("t.jsonl", table({"text": "one"}, {"text": "one"}, {"text": "one"}))
    (item,) = new_items("t.jsonl")
    assert isinstance(item, Record)
    assert item.line == 3


def test_row_that_cannot_be_used_is_told_once_it_is_new(repository: Repository) -> None:
    repository.commit(**{"t.jsonl": table({"text": "one"}, "null", {"text": " "})})
    repository.write("t.jsonl", table({"text": "one"}, "null", {"text": " "}, {"text": "two"}))
    assert new_texts("t.jsonl") == ["two"]
    repository.write("t.jsonl", table({"text": "one"}, "null", {"text": " "}, "null", "{"))
    assert [text.split(":")[0] for text in new_texts("t.jsonl")] == [
        "null, not an object with fields",
        "malformed JSON",
    ]


def test_compressed_and_renamed_tables_are_compared_with_what_they_were(repository: Repository) -> None:
    rows = [{"id": str(n), "body": f"the text of row number {n}"} for n in range(40)]
    repository.write("t.jsonl.gz", gzip.compress(table(*rows).encode()))
    repository.commit(**{"u.jsonl": table(*rows)})
    repository.write("t.jsonl.gz", gzip.compress(table({"id": "new", "body": "of t"}, *rows).encode()))
    repository.git("mv", "u.jsonl", "v.jsonl")
    repository.write("v.jsonl", table(*rows, {"id": "newer", "body": "of v"}))
    repository.git("add", "--all")
    assert new_texts("t.jsonl.gz", "v.jsonl", fields=Fields(text="body")) == ["of t", "of v"]


def test_added_table_is_new_as_a_whole(repository: Repository) -> None:
    repository.commit()
    repository.write("t.jsonl", table({"text": "one"}, {"text": "two"}))
    assert new_texts("t.jsonl") == ["one", "two"]


def test_broken_old_version_makes_all_that_it_lacks_new(repository: Repository) -> None:
    whole = gzip.compress("".join(table({"text": f"{n} {os.urandom(40).hex()}"}) for n in range(5_000)).encode())
    repository.commit(**{"t.jsonl.gz": whole[: len(whole) // 2]})
    repository.write("t.jsonl.gz", whole)
    changes = changed_since("HEAD", ["t.jsonl.gz"])
    items = list(read_new(open_input(["t.jsonl.gz"]), Fields(), changes))
    assert 1_000 < len(items) < 4_000
    assert all(isinstance(item, Record) for item in items)


def test_without_changes_all_is_new(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(table({"text": "one"}, "null"))
    given = open_input([str(path)])
    assert list(read_new(given, Fields())) == list(read_input(given, Fields()))


# How they are called


def called(new: list[str], known: list[str]) -> list[str]:
    return [source.origin.name for source in called_alike(open_input(new), open_input(known)).sources]


def test_file_is_called_as_among_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("known/a.txt", "known/sub/a.txt", "new/a.txt", "new/b.txt", "known/t.jsonl"):
        Path(name).parent.mkdir(exist_ok=True, parents=True)
        Path(name).write_text("text")
    assert called(["known/sub/a.txt"], ["known"]) == ["sub/a.txt"]
    assert called(["known/sub", "known/a.txt"], ["known"]) == ["a.txt", "sub/a.txt"]
    assert called([str(tmp_path / "known" / "sub" / "a.txt")], ["known"]) == ["sub/a.txt"]
    assert called(["new"], ["known"]) == ["new/a.txt", "b.txt"]
    assert called(["new/a.txt", "known/a.txt"], ["known"]) == ["a.txt", "new/a.txt"]
    assert called(["known/t.jsonl"], ["known"]) == ["t.jsonl"]
    monkeypatch.chdir(tmp_path / "known" / "sub")
    assert called(["a.txt"], [".."]) == ["sub/a.txt"]


def test_no_two_new_files_get_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("known/a.txt", "known/x/a.txt", "x/a.txt", "z/x/a.txt", "z/b.txt"):
        Path(name).parent.mkdir(exist_ok=True, parents=True)
        Path(name).write_text("text")
    assert called(["x/a.txt", "known/x"], ["known"]) == ["x/a.txt", str(tmp_path / "x" / "a.txt")]
    assert called(["x/a.txt", "z"], ["known/a.txt"]) == ["x/a.txt", "b.txt", "z/x/a.txt"]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_of_a_table_with_a_header_only_the_new_rows_are_read(repository: Repository, name: str) -> None:
    def table(*rows: str) -> bytes:
        content = "\n".join(("text,url", *rows)).encode()
        return gzip.compress(content) if name.endswith(".gz") else content

    repository.commit(**{name: table("one,", '"two\nlines",https://x.org/2')})
    repository.write(name, table("new,", "one,", '"two\nlines",https://x.org/2'))
    assert new_texts(name) == ["new"]
