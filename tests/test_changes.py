import os
import subprocess
from pathlib import Path

import pytest

from dedup.changes import Changes, changed_since
from dedup.errors import InputError

from .repository import Repository


@pytest.fixture(name="repository")
def repository_with_a_commit(repository: Repository) -> Repository:
    repository.commit(**{"old.txt": "old\n", "texts/kept.txt": "kept\n", "texts/gone.txt": "a\nb\nc\n"})
    return repository


def names(paths: tuple[str, ...], repository: Repository) -> list[str]:
    """Paths from the repository on."""
    return [os.path.relpath(path, os.path.realpath(repository.folder)) for path in paths]


def changed(repository: Repository, revision: str = "main") -> list[str]:
    return names(changed_since(revision, ["."]).changed, repository)


def old(changes: Changes, name: str) -> bytes | None:
    (path,) = (path for path in changes.changed if path.endswith(f"/{name}"))
    with changes.old_version(path) as stream:
        return None if stream is None else stream.read()


def test_nothing_changed(repository: Repository) -> None:
    changes = changed_since("HEAD", ["."])
    assert (changes.changed, changes.gone) == ((), ())
    assert changes.base == repository.git("rev-parse", "HEAD")


def test_committed_staged_unstaged_and_untracked_files_count(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "branch")
    repository.commit(**{"committed.txt": "1\n", "old.txt": "changed\n"})
    repository.write("staged.txt")
    repository.git("add", "staged.txt")
    repository.write("announced.txt")
    repository.git("add", "--intent-to-add", "announced.txt")
    repository.write("texts/kept.txt", "changed\n")
    repository.write("texts/new/untracked.txt")
    assert changed(repository) == [
        "announced.txt",
        "committed.txt",
        "old.txt",
        "staged.txt",
        "texts/kept.txt",
        "texts/new/untracked.txt",
    ]


def test_ignored_files_do_not_count(repository: Repository) -> None:
    repository.commit(**{".gitignore": "build/\n*.log.txt\n"})
    for name in ("build/a.txt", "b.log.txt", "texts/c.log.txt", "c.txt"):
        repository.write(name)
    assert changed(repository) == ["c.txt"]


def test_what_the_other_branch_got_meanwhile_does_not_count(repository: Repository) -> None:
    branched = repository.git("rev-parse", "HEAD")
    repository.git("switch", "--quiet", "--create", "branch")
    repository.commit(**{"mine.txt": "1\n"})
    repository.git("switch", "--quiet", "main")
    repository.commit(**{"theirs.txt": "2\n", "old.txt": "theirs\n"})
    repository.git("rm", "--quiet", "texts/gone.txt")
    repository.commit()
    repository.git("switch", "--quiet", "branch")
    changes = changed_since("main", ["."])
    assert names(changes.changed, repository) == ["mine.txt"]
    assert changes.gone == ()
    assert changes.base == branched


def test_deleted_files_and_old_names_are_gone(repository: Repository) -> None:
    repository.write("long.txt", "".join(f"line {n}\n" for n in range(50)))
    repository.commit()
    repository.git("switch", "--quiet", "--create", "branch")
    repository.git("rm", "--quiet", "texts/gone.txt")
    repository.git("mv", "long.txt", "texts/renamed.txt")
    (repository.folder / "old.txt").unlink()  # git is not told
    changes = changed_since("main", ["."])
    assert names(changes.changed, repository) == ["texts/renamed.txt"]
    assert names(changes.gone, repository) == ["long.txt", "old.txt", "texts/gone.txt"]
    content = old(changes, "renamed.txt")
    assert content is not None
    assert content.startswith(b"line 0\n")


def test_file_that_only_git_has_forgotten_is_not_gone(repository: Repository) -> None:
    repository.git("rm", "--quiet", "--cached", "old.txt", "texts/kept.txt")
    repository.write(".gitignore", "texts/kept.txt\n")
    changes = changed_since("main", ["."])
    assert names(changes.changed, repository) == [".gitignore", "old.txt"]
    assert changes.gone == ()
    assert old(changes, "old.txt") == b"old\n"


def test_repository_is_that_of_the_paths_and_counts_as_a_whole(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write("texts/b.txt")
    repository.write("a.txt")
    repository.git("rm", "--quiet", "old.txt")
    (tmp_path / "link").symlink_to(repository.folder / "texts")
    for folder, paths in (
        (repository.folder, ["."]),
        (repository.folder, ["texts/kept.txt"]),
        (repository.folder / "texts", ["."]),
        (repository.folder / "texts", ["../texts", "kept.txt"]),
        (tmp_path, ["repository"]),
        (tmp_path, ["link"]),
        (tmp_path, ["link/kept.txt"]),
    ):
        monkeypatch.chdir(folder)
        changes = changed_since("main", paths)
        assert names(changes.changed, repository) == ["a.txt", "texts/b.txt"], paths
        assert names(changes.gone, repository) == ["old.txt"], paths


def test_settings_of_the_repository_do_not_matter(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ("diff.relative true", "diff.renames copies", "diff.mnemonicPrefix true", "diff.external false",
                "core.quotePath true", "color.ui always", "diff.noprefix true")  # fmt: skip
    for setting in settings:
        repository.git("config", *setting.split())
    repository.write("é ü.txt")
    repository.write("texts/kept.txt", "changed\n")
    monkeypatch.chdir(repository.folder / "texts")
    assert changed(repository) == ["texts/kept.txt", "é ü.txt"]


def test_a_hook_of_git_may_call(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.write("texts/b.txt")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert names(changed_since("main", ["texts"]).changed, repository) == ["texts/b.txt"]


@pytest.mark.parametrize(
    "name",
    ["a b.txt", "new\nline.txt", '"quoted".txt', "tab\t.txt", "-o.txt", "--output=x.txt", ":(top).txt", "é.txt", "*"],
)
def test_odd_names(name: str, repository: Repository) -> None:
    repository.commit(**{f"sub/{name}": "old\n"})
    repository.write(f"sub/{name}", "new\n")
    repository.write(name, "untracked\n")
    changes = changed_since("HEAD", ["."])
    assert sorted(names(changes.changed, repository)) == sorted([name, f"sub/{name}"])
    assert old(changes, f"sub/{name}") == b"old\n"
    (repository.folder / "sub" / name).unlink()
    assert names(changed_since("HEAD", ["."]).gone, repository) == [f"sub/{name}"]


def test_names_that_are_not_utf_8(repository: Repository) -> None:
    name = os.fsdecode(b"caf\xe9 \xff.txt")
    try:
        repository.write(name, "old\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    repository.commit()
    repository.write(name, "new\n")
    repository.write(f"un{name}")
    changes = changed_since("HEAD", ["."])
    assert names(changes.changed, repository) == [name, f"un{name}"]
    assert old(changes, name) == b"old\n"


def test_old_version_is_what_a_checkout_would_write(repository: Repository) -> None:
    repository.commit(**{".gitattributes": "*.txt text eol=crlf\n", "windows.txt": "a\r\nb\r\n"})
    assert repository.git("cat-file", "-p", "HEAD:windows.txt") == "a\nb"
    repository.write("windows.txt", "a\r\nc\r\n")
    repository.write("added.txt")
    changes = changed_since("HEAD", ["."])
    assert old(changes, "windows.txt") == b"a\r\nb\r\n"
    assert old(changes, "added.txt") is None


def test_repository_within_the_repository_is_changed_as_a_whole(repository: Repository) -> None:
    inner = Repository(repository.folder / "inner")
    inner.commit(**{"a.txt": "1\n"})
    assert changed(repository) == ["inner"]


def test_revision_can_be_a_tag_a_commit_or_relative(repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    repository.git("tag", "--annotate", "--message", "one", "v1")
    repository.commit(**{"a.txt": "1\n"})
    for revision in ("v1", commit, commit[:10], "HEAD~1", "main^", "@~"):
        assert changed(repository, revision) == ["a.txt"], revision


@pytest.mark.parametrize(
    "revision",
    [
        "nope",
        "",
        "-h",
        "--all",
        "--output=pwned.txt",
        "-q",
        "HEAD..main",
        "HEAD:old.txt",
        "HEAD nope",
        "a\0b",
        "$(touch x)",
    ],
)
def test_what_is_no_revision_is_one_line(revision: str, repository: Repository) -> None:
    repository.write("a.txt")
    before = sorted(path.name for path in repository.folder.iterdir())
    with pytest.raises(InputError, match=r"^no revision ") as refused:
        changed_since(revision, ["."])
    assert "\n" not in str(refused.value)
    assert "fetch" not in str(refused.value)
    assert sorted(path.name for path in repository.folder.iterdir()) == before


def test_shallow_clone_says_how_to_get_the_rest(repository: Repository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("switch", "--quiet", "--create", "branch")
    repository.commit(**{"a.txt": "1\n"})
    repository.git("switch", "--quiet", "main")
    repository.commit(**{"b.txt": "1\n"})
    source, clone = repository.folder.as_uri(), tmp_path / "clone"
    repository.git("clone", "--quiet", "--depth", "1", "--no-single-branch", "--branch", "branch", source, clone)
    with pytest.raises(InputError, match=rf"no revision '{first}' .*fetch-depth: 0"):
        changed_since(first, [str(clone)])
    with pytest.raises(InputError, match=r"'origin/main' and the present commit .*git fetch --unshallow"):
        changed_since("origin/main", [str(clone)])
    subprocess.run(["git", "fetch", "--quiet", "--unshallow"], cwd=clone, check=True)
    assert [Path(path).name for path in changed_since("origin/main", [str(clone)]).changed] == ["a.txt"]


def test_unrelated_history_is_one_line(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--orphan", "other")
    repository.commit(**{"a.txt": "1\n"})
    with pytest.raises(InputError, match=r"'main' and the present commit have no common history$"):
        changed_since("main", ["."])


def test_repository_without_a_commit_is_one_line(tmp_path: Path) -> None:
    Repository(tmp_path / "new").write("a.txt")
    with pytest.raises(InputError, match=r"no commit yet"):
        changed_since("HEAD", [str(tmp_path / "new")])


def test_no_repository_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match=r"not in a git repository, which alone knows what was changed$"):
        changed_since("HEAD", [str(tmp_path)])


def test_two_repositories_are_one_line(repository: Repository, tmp_path: Path) -> None:
    Repository(tmp_path / "second")
    with pytest.raises(InputError, match=r"of one repository, not of 2: .*repository, .*second$"):
        changed_since("main", [str(repository.folder), str(tmp_path / "second")])


def test_missing_git_is_one_line(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository.folder))
    with pytest.raises(InputError, match=r"git, which knows what was changed, cannot be started: No such file"):
        changed_since("main", ["."])


def test_refusal_of_git_is_passed_on_in_one_line(repository: Repository) -> None:
    (repository.folder / ".git" / "index").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"^git: .*index") as refused:
        changed_since("main", ["."])
    assert "\n" not in str(refused.value)
