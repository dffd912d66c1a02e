"""An index that somebody else has made: nothing in it is run, and nothing in it leads out of its folder."""

import json
import os
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from dedup.check import check
from dedup.errors import UnusableIndexError
from dedup.index import Index, describe, remove_records
from dedup.index.digests import digest_of_told
from dedup.index.folder import FORMAT, LOCK, POINTER

from ..conftest import Cli
from .pages import COOKIES, ENCODER, SETTINGS, add, build, record

PAGES = [record(f"r{number}", number, COOKIES) for number in range(4)]
NEW = [record("n", 5, COOKIES)]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    build(tmp_path / "i", PAGES)
    return tmp_path / "i"


def checked(index: Path) -> object:
    with Index.open(index) as opened:
        return check(NEW, opened, SETTINGS, encoder=ENCODER)


USES: list[Callable[[Path], object]] = [
    describe,
    checked,
    lambda index: add(index, NEW),
    lambda index: remove_records(index, ["r0"]),
]


def refused(index: Path, why: str) -> None:
    """No command takes the index, and each says so in one line."""
    for use in USES:
        with pytest.raises(UnusableIndexError, match=why) as error:
            use(index)
        assert "\n" not in str(error.value)


def changed(index: Path, script: str, *values: str) -> None:
    """The database changed by a script, or by one statement with values."""
    (database,) = index.glob("records-*.sqlite")
    with closing(sqlite3.connect(database)) as opened, opened:
        if values:
            opened.execute(script, values)
        else:
            opened.executescript(script)


def vouch(index: Path) -> None:
    """Give what an index says of itself its digest: whoever makes one can do that, too."""
    (database,) = index.glob("records-*.sqlite")
    with closing(sqlite3.connect(database)) as opened, opened:
        told = dict(opened.execute("SELECT name, value FROM meta WHERE name NOT IN ('change', 'digest')"))
        told["change"] = "another state"
        opened.execute("INSERT OR REPLACE INTO meta VALUES ('change', 'another state')")
        opened.execute("INSERT OR REPLACE INTO meta VALUES ('digest', ?)", (digest_of_told(told),))


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM records; END", "trigger 't'"),
        ("ALTER TABLE verdicts RENAME TO v; CREATE VIEW verdicts AS SELECT sample, verdict FROM v", "table 'v'"),
        ("CREATE VIEW more AS SELECT * FROM records", "view 'more'"),
        ("CREATE INDEX more ON records (lower(id))", "index 'more'"),
        ("DROP TABLE dead", "table 'dead'"),
    ],
)
def test_database_with_more_or_less_than_an_index_has_is_refused(index: Path, script: str, named: str) -> None:
    changed(index, script)
    refused(index, rf"broken \(.*{named} is too much or missing")


@pytest.mark.parametrize("name", ["x/../../elsewhere", "../elsewhere", "/etc/passwd", "a" * 17, ""])
def test_name_of_vectors_that_leads_elsewhere_is_refused(index: Path, name: str, tmp_path: Path) -> None:
    (index / "vectors-x").mkdir()
    for kind in ("vectors", "owners"):
        (file,) = index.glob(f"{kind}-*.npy")
        (tmp_path / "elsewhere.npy").write_bytes(file.read_bytes())
    changed(index, "UPDATE parts SET name = ?", name)
    for use in (describe, checked):
        with pytest.raises(UnusableIndexError, match="it names no vectors"):
            use(index)


def test_what_an_index_says_of_itself_has_types(index: Path) -> None:
    for name, value in (("settings", "[1]"), ("tool", "5"), ("encoder", '{"name": 5}'), ("encoder", "null")):
        (database,) = index.glob("records-*.sqlite")
        before = database.read_bytes()
        changed(index, "UPDATE meta SET value = ? WHERE name = ?", value, name)
        vouch(index)
        refused(index, "broken")
        for log in index.glob("*.sqlite-*"):
            log.unlink()
        database.write_bytes(before)


def test_language_that_is_no_text_is_refused(index: Path) -> None:
    changed(index, "UPDATE records SET language = x'00ff'")
    with pytest.raises(UnusableIndexError, match="broken"):
        describe(index)


def test_vectors_are_never_unpickled(index: Path, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "pwned",)

    (file,) = index.glob("vectors-*.npy")
    np.save(file, np.array([Payload()], object), allow_pickle=True)
    with pytest.raises(UnusableIndexError, match="broken"):
        checked(index)
    file.write_bytes(pickle.dumps(Payload()))
    with pytest.raises(UnusableIndexError, match="broken"):
        checked(index)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("kind", [POINTER, LOCK, "records-*.sqlite", "vectors-*.npy", "owners-*.npy"])
def test_link_in_the_folder_is_refused_and_its_target_stays_as_it_was(index: Path, kind: str, tmp_path: Path) -> None:
    (file,) = index.glob(kind)
    target = tmp_path / "target"
    file.rename(target)
    file.symlink_to(target)
    before = target.read_bytes()
    refused(index, f"{file.name} is no regular file")
    with pytest.raises(UnusableIndexError, match="is no regular file"):
        build(index, PAGES)
    assert target.read_bytes() == before


def test_link_to_a_file_that_is_not_there_makes_none(index: Path, tmp_path: Path) -> None:
    (database,) = index.glob("records-*.sqlite")
    for name in (LOCK, f"{database.name}-wal", f"{database.name}-journal"):
        (index / name).unlink(missing_ok=True)
        (index / name).symlink_to(tmp_path / "new")
        refused(index, "is no regular file")
        (index / name).unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["i"]


def test_pipe_in_the_folder_keeps_nobody_waiting(index: Path) -> None:
    (index / LOCK).unlink(missing_ok=True)
    os.mkfifo(index / LOCK)
    refused(index, "lock is no regular file")


@pytest.mark.parametrize(
    "pointer",
    [
        f'{{"format": {FORMAT}, "database": "../../etc/passwd"}}',
        f'{{"format": {FORMAT}, "database": "records-0123456789abcdef.sqlite?mode=rwc"}}',
        f'{{"format": {FORMAT}, "x": ' + "[" * 100_000,
    ],
)
def test_pointer_that_names_no_database_of_an_index_is_refused(index: Path, pointer: str) -> None:
    (index / POINTER).write_text(pointer)
    refused(index, "broken")


def test_settings_that_are_nested_without_end_are_refused(index: Path) -> None:
    changed(index, "UPDATE meta SET value = ?", "[" * 100_000)
    refused(index, "broken")


@pytest.mark.parametrize("form", ["text", "json"])
def test_names_in_an_index_reach_no_terminal_as_they_are(index: Path, cli: Cli, form: str) -> None:
    stamp = json.dumps({"name": "\x1b]8;;http://x\x07 ##[add-mask]x", "digest": "d", "calibration": "c"})
    changed(index, "UPDATE meta SET value = ? WHERE name = 'encoder'", stamp)
    vouch(index)
    code, out, err = cli("index", "info", index, "--format", form)
    assert (code, err) == (0, "")
    assert "http://x" in out
    assert not any(sign in out for sign in ("\x1b", "\x07", "##["))
