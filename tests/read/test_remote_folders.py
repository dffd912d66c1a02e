"""What URLs lead to, held to what the same folders on this machine lead to."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.errors import InputError
from dedup.read import read_records

from .elsewhere import Faults, StrangeError, empty_file_systems, read, write

Place = Callable[[str], str]


@pytest.fixture(params=["here", "memory", "faulty"])
def at(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: Faults) -> Place:  # noqa: ARG001
    """A path by its name: on this machine, in memory, and where few bytes come at a time and each folder is listed."""
    if request.param != "here":
        return lambda name: f"{request.param}://{name}"
    monkeypatch.chdir(tmp_path)
    return str


def put(at: Place, *names: str, content: str = "Some text.") -> None:
    for name in names:
        if "://" in at(name):
            write(at(name), content)
        else:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(content)


# As on this machine


def test_folder_gives_its_texts_at_any_depth_sorted_and_named_by_their_path_within_it(at: Place) -> None:
    put(at, "news/b.txt", "news/a.md", "news/sub/deep/C.TXT", "news/table.jsonl", "news/page.html")
    for path in (at("news"), at("news/")):
        assert read(path) == (["a.md", "b.txt", "sub/deep/C.TXT"], [])
        assert [item.path for item in read_records([path])] == [
            at(f"news/{name}") for name in ("a.md", "b.txt", "sub/deep/C.TXT")
        ]


def test_file_given_by_itself_is_named_by_its_name(at: Place) -> None:
    put(at, "news/a.txt")
    assert read(at("news/a.txt")) == (["a.txt"], [])


def test_hidden_files_are_passed_over_unless_given(at: Place) -> None:
    put(at, "news/.git/a.txt", "news/.b.txt")
    assert read(at("news")) == ([], [])
    for order in permutations(["news", "news/.git", "news/.b.txt"]):
        assert read(*map(at, order)) == ([".b.txt", "a.txt"], [])


def test_names_that_clash_get_the_given_path_in_front_whatever_the_order(at: Place) -> None:
    put(at, "new/a.txt", "old/a.txt", "old/b.txt", "single/a.txt")
    outcomes = [read(*map(at, order)) for order in permutations(["new", "old", "single/a.txt"])]
    assert outcomes == [([at("new/a.txt"), at("old/a.txt"), "b.txt", at("single/a.txt")], [])] * 6


def test_rows_without_id_are_named_by_file_and_line(at: Place) -> None:
    put(at, "new/t.jsonl", "old/t.jsonl", content='\n{"text": "one"}\n{"text": "two"}\n')
    assert read(at("new/t.jsonl"))[0] == ["t.jsonl:2", "t.jsonl:3"]
    assert read(at("new/t.jsonl"), at("old/t.jsonl"))[0] == [
        at(f"{x}/t.jsonl:{n}") for x in ("new", "old") for n in (2, 3)
    ]


def test_same_file_or_folder_given_again_is_read_once_whatever_the_order(at: Place) -> None:
    put(at, "news/sub/a.txt")
    outcomes = {str(read(*map(at, order))) for order in permutations(["news", "news/sub", "news/sub/a.txt", "news"])}
    same = [
        (at("news"), None, f"the same folder as {at('news')}"),
        (at("news/sub"), None, f"the same folder as {at('news/sub')}"),
        (at("news/sub/a.txt"), None, f"the same file as {at('news/sub/a.txt')}"),
    ]
    assert outcomes == {str((["sub/a.txt"], same))}


@pytest.mark.parametrize("name", ["gone", "gone.txt", "table.xls", "news/gone/"])
def test_a_wrong_path_is_an_error_of_one_line_before_anything_is_read(at: Place, name: str) -> None:
    put(at, "table.xls", "good.txt", "news/a.txt")
    with pytest.raises(InputError) as raised:
        read_records([at("good.txt"), at(name)])
    assert repr(at(name)) in str(raised.value)
    assert "\n" not in str(raised.value)


_PARTS = ["a", "b", ".h", "a.txt", "B.MD", ".c.txt", "d.html", "t.jsonl", "a b", "ü.txt", "e[1].txt"]
_trees = st.lists(st.lists(st.sampled_from(_PARTS), min_size=1, max_size=4).map("/".join), min_size=1, max_size=8)


@settings(deadline=None)
@given(tree=_trees, choice=st.data())
def test_any_paths_of_any_tree_lead_to_what_they_lead_to_on_this_machine(
    tree: list[str], choice: st.DataObject
) -> None:
    names = {name for name in tree if not any(other.startswith(f"{name}/") for other in tree)}
    folders = {name.rpartition("/")[0] for name in names} | {"/".join(name.split("/")[:1]) for name in names - {""}}
    readable = {name for name in names if name.lower().endswith((".txt", ".md", ".jsonl"))}
    given_names = choice.draw(st.lists(st.sampled_from(sorted((folders - names) | readable) or [""]), max_size=5))
    with TemporaryDirectory() as here, empty_file_systems():
        for name in names:
            Path(here, name).parent.mkdir(parents=True, exist_ok=True)
            Path(here, name).write_text('{"text": "one"}')
            write(f"memory:///top/{name}", '{"text": "one"}')
            write(f"faulty:///top/{name}", '{"text": "one"}')
        outcomes = {
            base: read(*(f"{base}/{name}".rstrip("/") for name in given_names or [""]))
            for base in (here, "memory:///top", "faulty:///top")
        }
    expected = repr(outcomes[here]).replace(here, "BASE")
    for base in ("memory:///top", "faulty:///top"):
        assert repr(outcomes[base]).replace(base, "BASE") == expected


# Paths of both sorts


def test_paths_of_this_machine_and_urls_are_read_together_in_one_order(
    faults: Faults,  # noqa: ARG001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("here")
    Path("z.txt").write_text("here")
    write("memory://news/a.txt", "elsewhere")
    for order in permutations(["a.txt", "memory://news", "z.txt"]):
        assert [item.path for item in read_records(order)] == ["a.txt", "memory://news/a.txt", "z.txt"]
        assert read(*order)[0] == ["a.txt", "memory://news/a.txt", "z.txt"]


@pytest.mark.parametrize("scheme", ["file://", "local://", "FILE://"])
def test_a_url_of_this_machine_is_the_path(tmp_path: Path, scheme: str) -> None:
    (tmp_path / "a b%20.txt").write_text("here")
    assert read(f"{scheme}{tmp_path}") == (["a b%20.txt"], [])
    assert read(f"{scheme}{tmp_path}/a b%20.txt", str(tmp_path)) == read(f"{tmp_path}/a b%20.txt", str(tmp_path))


# Patterns


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("data/*.jsonl", ["a.jsonl:1", "b.jsonl:1"]),
        ("data/**/*.jsonl", ["a.jsonl:1", "b.jsonl:1", "c.jsonl:1"]),
        ("data/**", ["a.jsonl:1", "b.jsonl:1", "c.jsonl:1", "d.txt"]),
        ("data/*/", ["d.txt"]),
        ("data/in*/c.jsonl", ["c.jsonl:1"]),
        ("*/inner/*.txt", ["d.txt"]),
        ("data/.*", [".h.txt"]),
    ],
)
@pytest.mark.parametrize("scheme", ["memory", "faulty"])
def test_pattern_stands_for_what_is_there(faults: Faults, scheme: str, pattern: str, ids: list[str]) -> None:  # noqa: ARG001
    for name in ("a.jsonl", "b.jsonl", "inner/c.jsonl"):
        write(f"{scheme}://data/{name}", '{"text": "one"}\n')
    write(f"{scheme}://data/inner/d.txt")
    write(f"{scheme}://data/.h.txt")
    assert read(f"{scheme}://{pattern}") == (ids, [])


def test_pattern_for_nothing_or_for_what_cannot_be_read_is_an_error(faults: Faults) -> None:  # noqa: ARG001
    write("memory://data/a.jsonl", '{"text": "one"}\n')
    write("memory://data/page.html")
    with pytest.raises(InputError, match=r"'memory://data/\*\.csv': nothing there has such a name"):
        read("memory://data/*.csv")
    with pytest.raises(InputError, match=r"cannot read 'memory://data/page.html': give"):
        read("memory://data/*")


def test_name_with_brackets_is_no_pattern(faults: Faults) -> None:  # noqa: ARG001
    write("memory://data/a[1]?.txt")
    assert read("memory://data/a[1]?.txt") == (["a[1]?.txt"], [])


# Faults


def test_folder_that_may_not_be_listed_costs_itself_within_another_and_the_call_if_given(faults: Faults) -> None:
    write("faulty://news/a.txt")
    write("faulty://news/closed/b.txt")
    faults.listing["/news/closed"] = PermissionError("Access Denied")
    assert read("faulty://news") == (["a.txt"], [("faulty://news/closed", None, "cannot be read: Access Denied")])
    with pytest.raises(InputError, match="cannot read 'faulty://news/closed': Access Denied"):
        read("faulty://news/closed")


def test_whatever_a_library_raises_is_told_in_one_line(faults: Faults) -> None:
    write("faulty://news/a.txt")
    faults.listing["/news"] = StrangeError("Unable to\nlocate credentials")
    with pytest.raises(InputError) as raised:
        read("faulty://news")
    assert str(raised.value) == "cannot read 'faulty://news': Unable to locate credentials"


def test_links_and_special_files_in_remote_folders_are_skipped(faults: Faults) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "c.sock"):
        write(f"faulty://news/{name}")
    faults.types.update({"/news/b.txt": "link", "/news/c.txt": "other", "/news/c.sock": "other"})
    assert read("faulty://news") == (
        ["a.txt"],
        [
            ("faulty://news/b.txt", None, "a link, which is not followed in remote folders"),
            ("faulty://news/c.txt", None, "not a regular file"),
        ],
    )


def test_what_a_server_lists_outside_of_the_folder_is_skipped(faults: Faults) -> None:
    write("faulty://news/a.txt")
    faults.astray.extend(["/else/b.txt", "/else/c.html"])
    told = "not below /news, where its server lists it"
    assert read("faulty://news") == (["a.txt"], [("faulty:///else/b.txt", None, told)])


def test_looking_at_the_paths_reads_no_file(faults: Faults) -> None:
    write("faulty://news/a.txt")
    faults.opening["/news/a.txt"] = StrangeError("no file is opened yet")
    items = read_records(["faulty://news", "faulty://news/*.txt"])
    assert [getattr(item, "reason", "") for item in items] == [
        "the same file as faulty://news/a.txt",
        "cannot be read: no file is opened yet",
    ]


def test_what_was_written_since_the_last_call_is_seen(faults: Faults) -> None:  # noqa: ARG001
    write("memory://news/a.txt")
    assert read("memory://news")[0] == ["a.txt"]
    write("memory://news/b.txt")
    assert read("memory://news")[0] == ["a.txt", "b.txt"]
    fsspec.filesystem("memory").rm("/news/a.txt")
    assert read("memory://news")[0] == ["b.txt"]
