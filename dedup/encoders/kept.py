"""What dedup keeps on disk because it takes time to make: where that lies, and how a folder of it is made and checked.

A folder is written beside its place and renamed when it is whole. Every file in it is listed with a digest in a
manifest, and all are read at every start: one that is not what was written is made anew. Whoever is killed while it
writes leaves a hidden folder, which the next one that writes here removes.

Where nothing can be written, a folder of this process alone serves, which goes with it.
"""

import atexit
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dedup.errors import ModelError
from dedup.events import NOTICE, tell
from dedup.held import alone_in, held_folder

MANIFEST: Final = "manifest.json"

PLACE: Final = "DEDUP_CACHE"
"""The variable of the environment that names the cache."""

_TEMPORARY: Final = "dedup-cache-"
"""What the names of folders begin with that serve one process."""

_READ_AT_ONCE: Final = 2**20

_LOG = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where dedup keeps what it can make again: ``$DEDUP_CACHE``, ``$XDG_CACHE_HOME/dedup`` or ``~/.cache/dedup``; for
    a user without a home a folder that ends with this process.
    """
    if chosen := os.environ.get(PLACE):
        return Path(chosen)
    if above := os.environ.get("XDG_CACHE_HOME"):
        return Path(above) / "dedup"
    try:
        return Path.home() / ".cache" / "dedup"
    except RuntimeError as error:
        return _temporary(str(error))


def kept_folder(name: str, what: str, write: Callable[[Path], None]) -> Path:
    """The folder of this name in the cache, whole; where it is not, ``write`` makes it anew. ``what`` is it in words.

    Where the cache cannot be written, it is made for this process and those that it starts, with a note. Raises
    :class:`ModelError` where that cannot be written either.
    """
    folder = cache_folder() / name
    if is_whole(folder):
        return folder
    why = "not what was written" if os.path.lexists(folder) else "first use"
    tell(_LOG, "model-unpacked", f"{why}: unpacking {what} into {folder}", level=NOTICE, folder=str(folder))
    try:
        write_beside(folder, write)
    except OSError as error:
        why = f"{folder} cannot be written ({error.strerror or error})"
        folder = _temporary(why) / name
        try:
            if not is_whole(folder):
                write_beside(folder, write)
        except OSError as again:
            raise ModelError(
                f"cannot write {what} to {folder} ({again.strerror or again}), and {why}; set {PLACE}"
            ) from again
    return folder


def is_whole(folder: Path) -> bool:
    """Whether every file of the manifest is there with the digest it was written with.

    XXH3 rather than SHA-256: this guards against a torn or rotten cache, and 0.25 GB are read at every start.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return bool(manifest) and all(_digest(folder / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError, AttributeError):
        return False


def write_beside(folder: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a new folder beside ``folder``, add the manifest, and rename it into place.

    Several processes may do so at once: those that come later find the place taken by an equal folder. What stopped
    ones left is removed. Raises :class:`OSError` where it cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh, hold = held_folder(f".{folder.name}-", folder.parent)
    try:
        write(fresh)
        files = sorted(p for p in fresh.rglob("*") if p.is_file())
        manifest = {p.relative_to(fresh).as_posix(): _digest(p) for p in files}
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        fresh.chmod(0o755)  # mkdtemp's are the owner's alone; a cache may be shared
        with alone_in(folder.parent):
            _put(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        os.close(hold)


def _put(fresh: Path, folder: Path) -> None:
    """Give a whole folder its name, unless another whole one has it by now."""
    if is_whole(folder):
        return
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)
    try:
        fresh.rename(folder)
    except OSError:
        if not is_whole(folder):  # of a process that did not wait
            raise


def _digest(path: Path) -> str:
    import xxhash

    total = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        while data := file.read(_READ_AT_ONCE):
            total.update(data)
    return total.hexdigest()


# --- where there is no cache


def _temporary(why: str) -> Path:
    """A folder that serves this process and those that it starts, and goes with it. Raises :class:`ModelError` where
    there can be none.
    """
    try:
        held, _ = held_folder(_TEMPORARY, Path(tempfile.gettempdir()))  # until the process ends
        folder = held / "cache"  # not the folder that is held, in which no other could put anything
        folder.mkdir()
    except OSError as error:
        raise ModelError(f"{why}, nor can a temporary folder ({error.strerror or error}); set {PLACE}") from error
    _LOG.warning("nothing is kept for the next run: %s; set %s", why, PLACE)
    os.environ[PLACE] = str(folder)
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # not one that was forked
            shutil.rmtree(held, ignore_errors=True)

    atexit.register(remove)
    return folder
