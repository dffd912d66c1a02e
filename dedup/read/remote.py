"""Remote files: what is named by a URL, read and written through fsspec (https://filesystem-spec.readthedocs.io).

A path with a scheme (``s3://``, ``hf://``, ``gs://``, ``https://``) is one; ``file://`` and ``local://`` stand before a
path of this machine. How to connect, and as whom, is said in the environment (``AWS_*``, ``HF_TOKEN``, ``FSSPEC_*``).

- Nothing is ever asked for but what a person gave as a path: not what a text, a report or a web page refers to.
- A URL is shown without its user, password and query (``?X-Amz-Signature=...``), whatever speaks of it.
- fsspec and the libraries behind it raise what they like. Here all of it becomes :class:`OSError`, or
  :class:`InputError` where it is the call that is wrong.

What is in folders: :mod:`dedup.read.remote_folders`.
"""

import io
import os
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final, Protocol, cast
from urllib.parse import unquote

from dedup.errors import InputError, let_shortage_pass

EXTRA: Final = "'dedup[remote]'"

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+._-]+)://(.*)", re.DOTALL)
_LOCAL: Final = frozenset({"file", "local"})
WEB: Final = frozenset({"http", "https"})

BUCKETS: Final = frozenset({"s3", "s3a", "gs", "gcs"})
"""Where what comes first in a path must be there before anything is written below it."""

_NAME_BEFORE_AT: Final = frozenset({"abfs", "abfss", "az", "adl", "wasb", "wasbs", "github", "git", "hf"})
"""Where no user but a container or a repository stands before an ``@``."""

_IN_EXTRA: Final = frozenset({"fsspec", "s3fs", "aiohttp", "yarl", "huggingface_hub"})

_SECRETS_IN_TEXT: Final = re.compile(r"(?<=://)[^/\s@]+@|\?\S+")
_LONGEST_REASON: Final = 200

_SILENCE: Final = 120.0
"""Seconds that a web server may say nothing. fsspec's own limit is for a whole file, which may take longer to read."""


class FileSystem(Hashable, Protocol):
    """What is used of ``fsspec.AbstractFileSystem``."""

    def info(self, path: str) -> Mapping[str, Any]:
        """Name, type and size; raises where there is nothing."""

    def ls(self, path: str, detail: bool) -> Sequence[Mapping[str, Any]]:
        """What a folder holds."""

    def find(self, path: str, *, detail: bool) -> Mapping[str, Mapping[str, Any]]:
        """The files at any depth of a folder."""

    def glob(self, path: str, *, detail: bool) -> Mapping[str, Mapping[str, Any]]:
        """The files and folders of that pattern."""

    def open(self, path: str, mode: str, **options: object) -> BinaryIO:
        """The bytes of a file."""

    def exists(self, path: str) -> bool:
        """Whether there is something."""

    def pipe_file(self, path: str, value: bytes) -> object:
        """Write a file at once."""

    def unstrip_protocol(self, name: str) -> str:
        """The URL of a path."""

    def invalidate_cache(self) -> None:
        """Forget what was listed before."""


def is_remote(path: str) -> bool:
    """Whether a path is a URL, but not one of this machine."""
    found = _URL.fullmatch(path)
    return found is not None and found[1].lower() not in _LOCAL


def local_path(path: str) -> str:
    """The path without ``file://`` or ``local://``, as fsspec reads these: what follows is taken as it is."""
    found = _URL.fullmatch(path)
    return found[2] if found is not None and found[1].lower() in _LOCAL else path


def without_secrets(url: str) -> str:
    """The URL without user and password, and without its query.

    A ``?`` begins a query in a web address, and elsewhere where a ``=`` follows; else it belongs to a name.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return url
    scheme, rest = found[1], found[2]
    before, mark, query = rest.partition("?")
    if mark and (scheme.lower() in WEB or "=" in query):
        rest = before
    if scheme.lower() in WEB:
        rest = rest.partition("#")[0]
    authority, slash, path = rest.partition("/")
    if scheme.lower() not in _NAME_BEFORE_AT:
        authority = authority.rpartition("@")[2]
    return f"{scheme}://{authority}{slash}{path}"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file elsewhere. ``shown`` is its URL without secrets, ``path`` what its file system calls it."""

    shown: str
    system: FileSystem = field(repr=False)
    path: str = field(repr=False)

    def __str__(self) -> str:
        return self.shown

    @property
    def scheme(self) -> str:
        """What stands before ``://``, in small letters."""
        return self.shown.partition("://")[0].lower()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.shown).name

    @property
    def suffix(self) -> str:
        """What the name ends in, as :attr:`pathlib.Path.suffix`."""
        return PurePosixPath(self.shown).suffix

    def identity(self) -> tuple[Hashable, str]:
        """Equal for the same file, however it was given."""
        return self.system, self.path.strip("/")

    @property
    def is_shared(self) -> bool:
        """Whether several threads may use its file system: of fsspec's own, that holds for those that are built on one
        thread with an event loop (S3, Google, Azure, web servers). That of Hugging Face makes a request a call.
        """
        return bool(getattr(self.system, "async_impl", False)) or self.scheme == "hf"

    def open(self) -> BinaryIO:
        """The bytes of the file, from its beginning. This and reading raise :class:`OSError`, and nothing else."""
        return cast(BinaryIO, _Stream(self))

    def read_bytes(self) -> bytes:
        """All of the file. Raises :class:`OSError`."""
        with self.open() as stream:
            return stream.read()

    def write_bytes(self, data: bytes) -> None:
        """Write the file at once. Raises :class:`OSError`.

        On an object store (S3, Google, Azure) and on Hugging Face, a reader finds the old file or the new one, never a
        part. Elsewhere (``sftp://``) that is as the file system has it.
        """
        with _faults(self.path):
            self.system.pipe_file(self.path, data)


File = Path | RemoteFile
"""What can be read or written as a whole: ``read_bytes``, ``name``, ``suffix``."""


def identity_of(file: File) -> Hashable:
    """Equal for the same file, however it was given; of one of this machine, links are followed."""
    return file.identity() if isinstance(file, RemoteFile) else os.path.realpath(file)


def connected(url: str) -> RemoteFile:
    """The file or folder that a URL names; whether there is one has not been asked.

    Raises :class:`InputError` where the URL cannot be one, or its scheme needs a package that is not installed.
    """
    shown = without_secrets(url)
    if "::" in url:  # by which fsspec joins URLs, wherever it stands
        raise InputError(f"cannot open {shown!r}: a URL with :: in it is not supported")
    scheme, _, rest = url.partition("://")
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(f"{scheme.lower()}://{rest}", **_patience(scheme.lower()))
        system.invalidate_cache()  # fsspec keeps what an earlier call of this process has seen
    except ImportError as error:
        raise InputError(f"cannot open {shown!r}: {_missing(error)}") from error
    except Exception as error:
        raise InputError(f"cannot open {shown!r}: {reason(error, url)}") from error
    return RemoteFile(shown, system, path)


def _patience(scheme: str) -> dict[str, object]:
    """How long a web server may be silent, where the environment does not say."""
    if scheme not in WEB:
        return {}
    from aiohttp import ClientTimeout
    from fsspec.config import conf

    limit = ClientTimeout(total=None, sock_connect=_SILENCE, sock_read=_SILENCE)
    return {"client_kwargs": {"timeout": limit, **conf.get(scheme, {}).get("client_kwargs", {})}}


def _missing(error: ImportError) -> str:
    """Which package is missing, and how it is installed."""
    cause = error if error.name else error.__cause__
    package = (getattr(cause, "name", None) or "").partition(".")[0]
    if not package:
        return " ".join(str(error).split())
    if package in _IN_EXTRA:
        return f"it needs {package}: pip install {EXTRA} (or {package})"
    return f"it needs {package} ({' '.join(str(error).split())})"


def check_remote(file: RemoteFile) -> None:
    """Complain rather now than after hours. Raises :class:`InputError` where it is known that nothing can be written.

    Nothing is written to find out, so that it is not known whether the user may.
    """
    if file.scheme in WEB:
        raise InputError(f"{file}: cannot be written: a web address is only read")
    if file.shown.endswith("/") or not file.path.strip("/"):
        raise InputError(f"{file}: cannot be written: it names a folder")
    bucket, _, key = file.path.strip("/").partition("/")
    if file.scheme in BUCKETS:
        if not key:
            raise InputError(f"{file}: cannot be written: it names a bucket")
        try:
            file.system.info(bucket)
        except FileNotFoundError:
            raise InputError(f"{file}: cannot be written: there is no bucket {bucket!r}") from None
        except Exception:  # noqa: S110 - a user who may write need not be allowed to look
            pass


class _Stream(io.BufferedIOBase):
    """The bytes of a remote file, as readers expect them: reading gives as much as was asked for until the file ends,
    and a file that ends early, or any fault of any library, is an :class:`OSError`.

    A web server may give whole files only. Then the file is read on as it comes; and for a reader that goes to and fro
    (of Parquet) it is copied to a temporary file first.
    """

    def __init__(self, file: RemoteFile) -> None:
        self._remote = file
        self._at = 0
        self._went_elsewhere = False
        self._file = self._opened()
        self._size: int | None = getattr(self._file, "size", None)
        self._comes_whole = file.scheme in WEB and self._size is None

    def _opened(self, **options: object) -> BinaryIO:
        with _faults(self._remote.path):
            return self._remote.system.open(self._remote.path, "rb", **options)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes, of all file systems but those that only give one byte after the other."""
        return self._remote.scheme in WEB or self._file.seekable()

    def tell(self) -> int:
        """Bytes before the next one to be read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere in the file."""
        with _faults(self._remote.path):
            self._went_elsewhere = True
            if self._comes_whole:
                self._copy()
            self._at = self._file.seek(offset, whence) if whence != io.SEEK_CUR else self._file.seek(self._at + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """That many bytes, or all. Fewer only at the end."""
        wanted = -1 if size is None else size
        pieces = bytearray()
        while wanted < 0 or len(pieces) < wanted:
            with _faults(self._remote.path):
                piece = self._piece(wanted - len(pieces) if wanted >= 0 else -1)
            if not piece:
                self._check_end()
                break
            self._at += len(piece)
            pieces += piece
        return bytes(pieces)

    def read1(self, size: int = -1) -> bytes:
        """The same as :meth:`read`."""
        return self.read(size)

    def _piece(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except ValueError:  # so fsspec says that a web server, asked for a part that is not the first, gives all
            if self._comes_whole or self._remote.scheme not in WEB:
                raise
        self._comes_whole = True
        if self._went_elsewhere:
            self._copy()
        else:
            self._file.close()
            self._file = self._opened(block_size=0)
            self._pass_over(self._at)
        return self._file.read(size)

    def _pass_over(self, count: int) -> None:
        while count > 0 and (piece := self._file.read(min(count, 2**20))):
            count -= len(piece)

    def _copy(self) -> None:
        """Go on in a copy on this machine."""
        self._file.close()
        with ExitStack() as unless_copied:
            copy = cast(BinaryIO, unless_copied.enter_context(TemporaryFile()))
            with self._opened(block_size=0) as whole:
                copyfileobj(whole, copy)
            unless_copied.pop_all()
        self._size = copy.tell()
        copy.seek(self._at)
        self._file, self._comes_whole = copy, False

    def _check_end(self) -> None:
        if self._size is not None and self._at < self._size:
            raise OSError(f"it ends after {self._at:,} of {self._size:,} bytes")

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            super().close()
            with suppress(Exception):  # all that was to be read has been
                self._file.close()


@contextmanager
def _faults(path: str) -> Iterator[None]:
    """Whatever is raised here, but an interrupt, is an :class:`OSError` without secrets."""
    try:
        yield
    except Exception as error:
        let_shortage_pass(error)
        raise OSError(reason(error, path)) from error


def reason(error: BaseException, path: str) -> str:
    """One line about a fault, without the secrets of the URL ``path``."""
    told = " ".join(_told(error).split())
    for secret in _secrets_of(path):
        told = told.replace(secret, "")
    return _SECRETS_IN_TEXT.sub("", told)[:_LONGEST_REASON]


def _secrets_of(path: str) -> list[str]:
    """What :func:`without_secrets` leaves out, in both spellings; the longest first."""
    found = _URL.fullmatch(path)
    if found is None:
        return []
    _, _, query = found[2].partition("?")
    password = found[2].partition("/")[0].rpartition("@")[0].partition(":")[2]
    return sorted({part for one in (query, password) if one for part in (one, unquote(one))}, key=len, reverse=True)


def _told(error: BaseException) -> str:
    cause = error.__cause__
    for one in (error, cause):
        status = getattr(one, "status", None)
        if isinstance(status, int):  # of a web server, by aiohttp
            return f"{status} {getattr(one, 'message', '')}".strip()
    if isinstance(error, FileNotFoundError):
        if cause is not None and type(cause).__module__.startswith("aiohttp"):
            return _told(cause)  # fsspec takes any fault of a web server for a missing file
        said = error.strerror or str(error)
        return said if " " in said else "no such file or folder"  # else it is but the path
    if isinstance(error, PermissionError):
        return error.strerror or str(error) or "permission denied"
    if isinstance(error, OSError) or not type(error).__module__.startswith("builtins"):
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{type(error).__name__}: {error}"
