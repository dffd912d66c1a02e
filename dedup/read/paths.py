"""From the paths of a call to the files to read, and the ids that their names give.

- A folder gives its .txt and .md files at any depth. Hidden files and folders (``.git``) are passed over
  silently, unless they are given themselves.
- Every real folder and file is read once: by its own name rather than through a link, and as part of an
  outer folder rather than by itself. Where it is met again, that is skipped. This also ends link loops.
- What is not on this machine is given as a URL: see :mod:`dedup.read.remote_folders`.
- A file is named by its path within the given folder. Where several files would so get one name, all of
  them are named by their path as given.

Nothing here depends on the order in which the paths were given.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from dedup.errors import InputError
from dedup.model import Skipped
from dedup.read.characters import encodable
from dedup.read.fields import Origin
from dedup.read.formats import is_read_in_folders, reader_of
from dedup.read.remote import File, RemoteFile, is_remote, local_path
from dedup.read.remote_folders import RemoteFound, find_remote

_SPECIAL_FILES = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read: its path, and how to speak of it. Of one elsewhere, the path is the URL as it is shown, without
    secrets, and ``remote`` is what to open.
    """

    path: str
    origin: Origin
    remote: RemoteFile | None = None

    @property
    def file(self) -> File:
        """What is opened."""
        return Path(self.path) if self.remote is None else self.remote

    def open(self) -> BinaryIO:
        """The bytes of the file, from its beginning. This and reading raise :class:`OSError`."""
        return Path(self.path).open("rb") if self.remote is None else self.remote.open()


def find_files(paths: Sequence[str]) -> tuple[list[Source], list[Skipped]]:
    """The files that the paths stand for, sorted by path, and what of them cannot be used.

    Raises :class:`InputError` for a path that does not exist or that no reader takes.
    """
    here = [local_path(path) for path in paths if not is_remote(path)]
    for path in here:
        _check(path)
    elsewhere, skipped = find_remote([path for path in paths if is_remote(path)])
    walk = _Walk()
    walk.run([_Reached(path=Path(path).as_posix(), name=None) for path in here])
    files: list[_Found | RemoteFound] = sorted([*walk.files, *elsewhere], key=lambda found: found.path)
    sources = [
        Source(
            found.path,
            Origin(encodable(found.path), encodable(name)),
            found.file if isinstance(found, RemoteFound) else None,
        )
        for found, name in zip(files, _distinct_names(files), strict=True)
    ]
    return sources, sorted([*walk.skipped, *skipped], key=lambda skipped: (skipped.path, skipped.reason))


def _check(path: str) -> None:
    try:
        os.lstat(path)  # not Path(path).lstat(): to pathlib, an empty path is the current folder
        is_folder = Path(path).is_dir()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path!r}: {_why(error)}") from None
    if not is_folder:
        reader_of(path)


@dataclass(frozen=True, slots=True)
class _Reached:
    """A path on the way, perhaps a link. ``name`` is its part within the given folder; none if itself given."""

    path: str
    name: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What a path leads to. ``real`` is the path without links: what has the same is the same."""

    path: str
    name: str | None
    real: str
    mode: int

    def precedence(self) -> tuple[bool, bool, str, str]:
        """Own names before links, folders before files, outer folders before inner ones."""
        is_linked = str(Path(self.path).absolute()) != self.real
        return is_linked, not stat.S_ISDIR(self.mode), self.real, self.path


class _Walk:
    """Goes through folders, links last, and keeps in mind what it has seen."""

    def __init__(self) -> None:
        self.files: list[_Found] = []
        self.skipped: list[Skipped] = []
        self._links: list[_Reached] = []
        self._seen: dict[str, str] = {}

    def run(self, given: Iterable[_Reached]) -> None:
        """Take all that the given paths lead to, then all that links found there lead to, and so on."""
        batch = list(given)
        while batch:
            self._links = []
            found = [found for reached in batch if (found := self._resolve(reached))]
            for start in sorted(found, key=_Found.precedence):
                self._take(start)
            batch = self._links

    def _resolve(self, reached: _Reached) -> _Found | None:
        try:
            real = os.path.realpath(reached.path, strict=True)
            return _Found(reached.path, reached.name, real, Path(real).lstat().st_mode)
        except FileNotFoundError:
            self._skip(reached.path, "a broken link")
        except OSError as error:
            self._skip(reached.path, f"cannot be read: {_why(error)}")
        return None

    def _take(self, start: _Found) -> None:
        """Take a file, or all of a folder. Not recursive: folders may be nested deeper than calls."""
        pending = [start]
        while pending:
            found = pending.pop()
            if stat.S_ISDIR(found.mode):
                pending += self._entries(found)
            elif found.name is None or is_read_in_folders(found.path):
                self._take_file(found)

    def _entries(self, folder: _Found) -> list[_Found]:
        if self._is_seen(folder, "folder"):
            return []
        try:
            children = [child for child in Path(folder.path).iterdir() if not child.name.startswith(".")]
        except OSError as error:
            self._skip(folder.path, f"cannot be read: {_why(error)}")
            return []
        return [entry for child in children if (entry := self._entry(folder, child))]

    def _entry(self, folder: _Found, child: Path) -> _Found | None:
        """The child, unless it is a link: these wait."""
        path = child.as_posix()
        name = str(PurePosixPath(folder.name or "", child.name))
        try:
            mode = child.lstat().st_mode
        except OSError as error:
            self._skip(path, f"cannot be read: {_why(error)}")
            return None
        if stat.S_ISLNK(mode):
            self._links.append(_Reached(path, name))
            return None
        return _Found(path, name, str(Path(folder.real, child.name)), mode)

    def _take_file(self, file: _Found) -> None:
        if not stat.S_ISREG(file.mode):
            kind = _SPECIAL_FILES.get(stat.S_IFMT(file.mode), "special")
            self._skip(file.path, f"{kind}, not a regular file")
        elif not self._is_seen(file, "file"):
            self.files.append(file)

    def _is_seen(self, found: _Found, kind: str) -> bool:
        """Whether this has been taken before, by this or another path; from now on it has."""
        if first := self._seen.get(found.real):
            self._skip(found.path, f"the same {kind} as {encodable(first)}")
            return True
        self._seen[found.real] = found.path
        return False

    def _skip(self, path: str, reason: str) -> None:
        self.skipped.append(Skipped(encodable(path), None, reason))


def _distinct_names(files: Sequence[_Found | RemoteFound]) -> list[str]:
    """A name for each file: the short one where only that file has it, else its path as given."""
    names = [file.name or PurePosixPath(file.path).name for file in files]
    while True:
        uses = Counter(names)
        clashes = [at for at, file in enumerate(files) if uses[names[at]] > 1 and names[at] != file.path]
        if not clashes:
            return names
        for at in clashes:  # a path may in turn be another file's short name: look again
            names[at] = files[at].path


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
