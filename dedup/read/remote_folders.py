"""Remote folders and patterns: from URLs to the files to read.

- A folder gives its .txt and .md files at any depth, hidden ones aside, as one on this machine does. Links are not
  followed. A web server (``http``, ``https``) has no folders: each of its files is named.
- ``*`` and ``**`` stand for what is there, as fsspec has it: as if all of that had been given, hidden ones aside.
- Every folder and file is read once, as :mod:`dedup.read.paths` has it.
- URLs that differ only in what is not shown of them cannot be given together: a report could not tell them apart.
- Looking at the paths lists, and reads no file.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dedup.errors import InputError
from dedup.model import Skipped
from dedup.read.characters import encodable
from dedup.read.formats import is_read_in_folders, reader_of
from dedup.read.remote import BUCKETS, WEB, RemoteFile, connected, reason

_FLAT: Final = BUCKETS | {"az", "abfs", "hf"}
"""Where one listing gives all that is below a folder, or fails as a whole; elsewhere each folder is listed."""

_Info = Mapping[str, Any]
"""What a file system says of an entry: at least ``name`` and ``type`` (``file``, ``directory``, ``link``, others)."""


@dataclass(frozen=True, slots=True)
class RemoteFound:
    """A file to read. ``path`` is its URL as shown, ``name`` its path within the given folder; none if itself given."""

    path: str
    name: str | None
    file: RemoteFile


def find_remote(urls: Sequence[str]) -> tuple[list[RemoteFound], list[Skipped]]:
    """The files that the URLs stand for, and what of them cannot be used, in no particular order.

    Each is read once: of a folder within another one, or of a file that was found in a folder, a note is left.

    Raises :class:`InputError` for a URL that leads to nothing, that cannot be looked at, that no reader takes, or whose
    scheme needs a package that is not installed; and where two of them would be shown alike.
    """
    files = [connected(url) for url in urls]  # all of them first: this forgets what was listed before
    places = [place for url, file in zip(urls, files, strict=True) for place in _reached(url, file)]
    _refuse_look_alikes(places)
    search = _Search()
    for place in sorted(places, key=_Place.precedence):
        search.take(place)
    return search.files, search.skipped


def holds_file(url: str, name: str) -> bool:
    """Whether the folder at ``url`` holds a file of that name; not of a web server, which has no folders."""
    folder = connected(url)
    if folder.scheme in WEB:
        return False
    try:
        return folder.system.exists(f"{folder.path.rstrip('/')}/{name}")
    except Exception:  # of any library; whoever reads the folder will say what is wrong
        return False


@dataclass(frozen=True, slots=True)
class _Place:
    """A file or folder that a given URL leads to."""

    file: RemoteFile
    is_folder: bool

    @property
    def shown(self) -> str:
        """Its URL without secrets."""
        return self.file.shown

    @property
    def path(self) -> str:
        """What its file system calls it."""
        return self.file.path

    def precedence(self) -> tuple[bool, str, str]:
        """Folders before files, outer folders before inner ones."""
        return not self.is_folder, self.path, self.shown

    def identity(self) -> tuple[Hashable, str]:
        """Equal for the same thing, however it was given."""
        return self.file.identity()

    def below(self, name: str, *, is_folder: bool = False) -> "_Place":
        """What the file system calls ``name``, which is somewhere within this folder."""
        within = _within(self.path, name)
        if within is None:  # it is called otherwise there
            shown = self.file.system.unstrip_protocol(name)
        else:
            shown = self.shown + within if self.shown.endswith("://") else f"{self.shown.rstrip('/')}/{within}"
        return _Place(RemoteFile(shown, self.file.system, name), is_folder)


def _reached(url: str, file: RemoteFile) -> list[_Place]:
    """What there is at a URL: one place, or all that a pattern stands for."""
    if file.scheme in WEB:
        if file.shown.endswith("/") or "*" in file.shown:
            raise InputError(f"cannot read {file.shown!r}: a web server has no folders: name each file")
        reader_of(file.shown)
    try:
        if "*" in file.path:
            return _matching(file)
        is_folder = file.system.info(file.path)["type"] == "directory" or file.shown.endswith("/")
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"cannot read {file.shown!r}: {reason(error, url)}") from error
    if not is_folder:
        reader_of(file.shown)
    return [_Place(file, is_folder)]


def _matching(pattern: RemoteFile) -> list[_Place]:
    """The files and folders that a pattern stands for; after a last ``**`` only files, which are at any depth."""
    fixed = _fixed_part(pattern.path)
    base = _Place(RemoteFile(_fixed_part(pattern.shown), pattern.system, fixed), is_folder=True)
    with_hidden = "/." in f"/{pattern.path[len(fixed) :]}"
    places = []
    for name, info in pattern.system.glob(pattern.path, detail=True).items():
        place = base.below(name.rstrip("/"), is_folder=info["type"] == "directory")
        if _is_meant(place, pattern) and (with_hidden or not _is_hidden(_within(fixed, place.path) or "")):
            if not place.is_folder:
                reader_of(place.shown)
            places.append(place)
    if not places:
        raise InputError(f"cannot read {pattern.shown!r}: nothing there has such a name")
    return places


def _is_meant(place: _Place, pattern: RemoteFile) -> bool:
    """Only folders by a pattern that ends in a slash, only files by one that ends in ``**``."""
    return not pattern.shown.endswith("**") if place.is_folder else not pattern.shown.endswith("/")


def _fixed_part(pattern: str) -> str:
    """The folder of a pattern in which its first ``*`` may stand for something."""
    folder = pattern[: pattern.index("*")].rpartition("/")[0]
    return f"{folder}/" if folder.endswith(":/") else folder


def _refuse_look_alikes(places: Iterable[_Place]) -> None:
    seen: dict[str, _Place] = {}
    for place in places:
        if seen.setdefault(place.shown, place).identity() != place.identity():
            raise InputError(
                f"{place.shown}: given twice, with another query or user, which reports do not keep: read one at a time"
            )


class _Search:
    """Goes through folders, and keeps in mind what it has seen."""

    def __init__(self) -> None:
        self.files: list[RemoteFound] = []
        self.skipped: list[Skipped] = []
        self._folders: list[_Place] = []
        self._seen: dict[tuple[Hashable, str], str] = {}

    def take(self, place: _Place) -> None:
        """Take a given file, or all of a given folder."""
        if not place.is_folder:
            self._take_file(place, None)
        elif first := self._seen_folder(place):
            self._skip(place.shown, f"the same folder as {encodable(first)}")
        else:
            self._folders.append(place)
            listed = self._flat(place) if place.file.scheme in _FLAT else self._tree(place)
            for name, info in listed:
                self._take_entry(place, name, info)

    def _seen_folder(self, place: _Place) -> str | None:
        """How this folder is shown where it is, or is part of, one that was taken before."""
        for outer in self._folders:
            if outer.file.system == place.file.system:
                if outer.identity() == place.identity():
                    return outer.shown
                within = _within(outer.path, place.path)
                if within is not None and not _is_hidden(within):
                    return outer.below(place.path).shown
        return None

    def _flat(self, folder: _Place) -> Iterator[tuple[str, _Info]]:
        """All files at any depth."""
        try:
            yield from folder.file.system.find(folder.path, detail=True).items()
        except Exception as error:
            raise InputError(f"cannot read {folder.shown!r}: {reason(error, folder.path)}") from error

    def _tree(self, folder: _Place) -> Iterator[tuple[str, _Info]]:
        """All files at any depth, folder by folder; one within the given one that cannot be listed costs itself."""
        pending = [folder]
        while pending:
            here = pending.pop()
            try:
                entries = here.file.system.ls(here.path, detail=True)
            except Exception as error:
                if here is folder:
                    raise InputError(f"cannot read {here.shown!r}: {reason(error, here.path)}") from error
                self._skip(here.shown, f"cannot be read: {reason(error, here.path)}")
                continue
            for info in entries:
                name = str(info["name"])
                if info["type"] != "directory":
                    yield name, info
                elif (within := _within(here.path, name)) and not _is_hidden(within):  # it may be the folder itself
                    pending.append(here.below(name.rstrip("/"), is_folder=True))

    def _take_entry(self, folder: _Place, name: str, info: _Info) -> None:
        """Take a file that was found in a folder."""
        within = _within(folder.path, name)
        place = folder.below(name)
        if within is not None and _is_hidden(within):
            return
        if info["type"] == "link":
            self._skip(place.shown, "a link, which is not followed in remote folders")
        elif not is_read_in_folders(name):
            return
        elif info["type"] != "file":
            self._skip(place.shown, "not a regular file")
        elif within is None:
            self._skip(place.shown, f"not below {encodable(folder.path)}, where its server lists it")
        else:
            self._take_file(place, within)

    def _take_file(self, place: _Place, name: str | None) -> None:
        if first := self._seen.get(place.identity()):
            self._skip(place.shown, f"the same file as {encodable(first)}")
            return
        self._seen[place.identity()] = place.shown
        self.files.append(RemoteFound(place.shown, name, place.file))

    def _skip(self, shown: str, reason: str) -> None:
        self.skipped.append(Skipped(encodable(shown), None, reason))


def _within(folder: str, name: str) -> str | None:
    """The path of something within a folder, both as their file system calls them; none for all else."""
    folder, name = folder.strip("/"), name.strip("/")
    if not folder:
        return name or None
    return name[len(folder) + 1 :] or None if name.startswith(f"{folder}/") else None


def _is_hidden(within: str) -> bool:
    return any(part.startswith(".") for part in within.split("/"))
