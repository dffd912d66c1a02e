"""What git says was added or changed since a revision.

The working tree is compared with the commit from which the present one branched off the revision (their merge base), so
that what the other branch got meanwhile does not count as a change. Files that git neither tracks nor ignores count as
added.

git is called as a program, without a shell. Of what the user says only the revision reaches it, and never as an option.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, BinaryIO

from dedup.errors import InputError
from dedup.read.remote import is_remote, local_path, without_secrets

_FETCH = "a shallow clone lacks most of it: git fetch --unshallow, or fetch-depth: 0 of actions/checkout"


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from a revision. All paths are absolute, without links in their folders, and sorted.

    ``changed`` are files that were added or changed, and folders with repositories of their own that were: all in them
    counts as changed. ``gone`` are files that are no longer there, be it under another name. ``base`` is the commit
    that was compared with, ``root`` the folder of the repository, and ``before`` says of a changed file how it was
    called there, where it was.
    """

    revision: str
    base: str
    root: str
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    before: Mapping[str, str] = field(repr=False)

    @contextmanager
    def old_version(self, path: str) -> Iterator[BinaryIO | None]:
        """The bytes of a changed file as the base has them, as a checkout would write them; None of an added one."""
        if path not in self.before:
            yield None
            return
        with TemporaryFile() as file:
            blob = b":".join((self.base.encode(), os.fsencode(self.before[path])))
            _git(self.root, "cat-file", "--filters", blob, output=file)
            file.seek(0)
            yield file


def changed_since(revision: str, paths: Sequence[str]) -> Changes:
    """What was added or changed since ``revision`` in the repository that holds ``paths``.

    All of it: what a path leads to may be elsewhere, and so may a known file that is gone.

    Raises :class:`InputError` where git is not installed, the paths are not in one repository, it has no commit yet,
    or the revision is not one of it, or not related to the present state.
    """
    for path in filter(is_remote, paths):
        raise InputError(f"{without_secrets(path)}: git knows nothing of it: leave out --changed-since")
    root = _root_of([local_path(path) for path in paths])
    head = _commit(root, "HEAD")
    if head is None:
        raise InputError(f"{_shown(root)}: the repository has no commit yet that the files could be compared with")
    base = _merge_base(root, revision, head)
    changed, before, deleted = _differences(root, base)
    for path in _untracked(root):
        changed.add(path)
        if path in deleted:  # only git has forgotten it
            before[path] = path
    absolute = {path: str(Path(root, path)) for path in changed | deleted}
    return Changes(
        revision=revision,
        base=base,
        root=root,
        changed=tuple(sorted(absolute[path] for path in changed)),
        gone=tuple(sorted(absolute[path] for path in deleted if not Path(absolute[path]).is_file())),
        before={absolute[path]: name for path, name in before.items()},
    )


class Places:
    """A set of absolute paths, each with all that is below it."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._folders: dict[Path, bool] = {}

    def __contains__(self, path: str) -> bool:
        if path in self._paths:
            return True
        folder = Path(path).parent
        if folder not in self._folders:
            self._folders[folder] = any(str(above) in self._paths for above in (folder, *folder.parents))
        return self._folders[folder]


def places_of(paths: Iterable[str]) -> list[str]:
    """Each as an absolute path with no links in its folders; it may itself be that of a link, as git sees it."""
    folders: dict[Path, str] = {}
    places = []
    for path in map(Path, paths):
        if path.parent not in folders:
            folders[path.parent] = os.path.realpath(path.parent)
        places.append(str(Path(folders[path.parent], path.name)))
    return places


def _root_of(paths: Sequence[str]) -> str:
    """The folder of the repository that holds all of the paths."""
    folders = {os.path.realpath(path if Path(path).is_dir() else (Path(path).parent)) for path in paths}
    roots = sorted({_root_at(folder) for folder in folders})
    if len(roots) != 1:
        raise InputError(
            f"changes since a revision are those of one repository, not of {len(roots)}: "
            + ", ".join(_shown(root) for root in roots)
        )
    return roots[0]


def _root_at(folder: str) -> str:
    try:
        return os.path.realpath(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel")[:-1]))
    except _GitError as error:
        if "not a git repository" in error.said:
            raise InputError(f"{_shown(folder)}: not in a git repository, which alone knows what was changed") from None
        raise


def _merge_base(root: str, revision: str, head: str) -> str:
    commit = _commit(root, revision)
    if commit is None:
        raise InputError(f"no revision {revision!r} in {_shown(root)}{_hint(root)}")
    try:
        return _git(root, "merge-base", commit, head).decode().strip()
    except _GitError as error:
        if error.said:
            raise
        raise InputError(f"{revision!r} and the present commit have no common history{_hint(root)}") from None


def _commit(root: str, revision: str) -> str | None:
    """The commit that a revision names, if it does."""
    if revision.startswith("-") or "\0" in revision:  # never an option; and no branch is called so
        return None
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
    except _GitError:
        return None


def _hint(root: str) -> str:
    is_shallow = _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true"
    return f" ({_FETCH})" if is_shallow else ""


def _differences(root: str, base: str) -> tuple[set[str], dict[str, str], set[str]]:
    """Paths within the repository: the changed ones; what of them was called how; the deleted ones."""
    options = ("--no-ext-diff", "--no-textconv", "--no-relative", "--find-renames", "--name-status", "-z")
    told = iter(_names(_git(root, "diff", *options, base, "--")))
    changed: set[str] = set()
    deleted: set[str] = set()
    before: dict[str, str] = {}
    for status in told:
        path = next(told)
        if status == "D":
            deleted.add(path)
        elif status[0] in "RC":
            if status[0] == "R":
                deleted.add(path)
            path, old = next(told), path
            changed.add(path)
            before[path] = old
        else:
            changed.add(path)
            if status != "A":
                before[path] = path
    return changed, before, deleted


def _untracked(root: str) -> list[str]:
    return _names(_git(root, "ls-files", "--others", "--exclude-standard", "-z"))


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0")[:-1]]


class _GitError(InputError):
    """git refused; ``said`` is what it said, which may be nothing."""

    def __init__(self, said: str) -> None:
        super().__init__(f"git: {said}")
        self.said = said


def _git(folder: str, *arguments: str | bytes, output: IO[bytes] | None = None) -> bytes:
    """What git says, asked in a folder; into ``output``, if given. Raises :class:`_GitError` where it refuses."""
    # Which repository it is, the folder says: hooks are told of theirs in a way that holds in its root alone.
    environment = {name: value for name, value in os.environ.items() if name not in {"GIT_DIR", "GIT_WORK_TREE"}}
    environment.update(LC_ALL="C", GIT_OPTIONAL_LOCKS="0")
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and no argument from outside but a revision
            ["git", "-C", folder, *arguments],  # noqa: S607 - the user's own git
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    except OSError as error:
        raise InputError(f"git, which knows what was changed, cannot be started: {error.strerror}") from None
    if done.returncode:
        raise _GitError(_said(done.stderr))
    return done.stdout or b""


def _said(complaint: bytes) -> str:
    return " ".join(complaint.decode("utf-8", "backslashreplace").split()).removeprefix("fatal: ")


def _shown(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
