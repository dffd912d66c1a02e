"""Digests of what an index holds (XXH3): against them whatever is read is held."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.workers import processors, result_of, unbroken


def digest_of(array: NDArray[Any]) -> bytes:
    """Of an array's bytes, in C order."""
    import xxhash

    return xxhash.xxh3_128_digest(np.ascontiguousarray(array).view(np.uint8).data)


def digest_of_told(told: Mapping[str, str]) -> str:
    """Of what an index says of itself, name by name."""
    import xxhash

    return xxhash.xxh3_128_hexdigest(json.dumps(sorted(told.items())).encode())


class OpenedFiles:
    """Databases that are read beside SQLite, to make their digests.

    A process that closes a file loses all its locks on it, SQLite's too (https://sqlite.org/howtocorrupt.html, 2.2).
    So they are closed when the last index of this process is.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._indexes = 0
        self._handles: dict[tuple[int, int], int] = {}
        self._held: tuple[tuple[int, ...], str] | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._indexes += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._indexes -= 1
            while self._handles and not self._indexes:
                os.close(self._handles.popitem()[1])

    def digest(self, path: Path) -> str:
        """Of a file as it is now. Raises :class:`OSError`."""
        return self._read(path)[1]

    def is_as_written(self, path: Path, digest: str) -> bool:
        """Whether a file has this digest; read at most once while nobody touches it. Raises :class:`OSError`."""
        if self._held == (_state_of(path), digest):
            return True
        state, found = self._read(path)
        if found == digest:
            self._held = state, found
        return found == digest

    def _read(self, path: Path) -> tuple[tuple[int, ...], str]:
        """What a file looks like from outside, and its digest."""
        state = device, number, size, *_ = _state_of(path)
        with self._lock:
            handle = self._handles.get((device, number))
            if handle is None:
                handle = self._handles[device, number] = os.open(path, os.O_RDONLY)
        return state, _digest_of_file(handle, size)


def _state_of(path: Path) -> tuple[int, ...]:
    there = path.stat()
    return there.st_dev, there.st_ino, there.st_size, there.st_mtime_ns, there.st_ctime_ns


def _digest_of_file(handle: int, size: int) -> str:
    """That of the digests of its blocks, which several threads make: one reads 3 GB a second."""
    import xxhash

    def of_block(start: int) -> bytes:
        return xxhash.xxh3_128_digest(os.pread(handle, _BLOCK, start))

    starts = range(0, size, _BLOCK)
    if len(starts) < 2:
        return xxhash.xxh3_128_hexdigest(b"".join(map(of_block, starts)))
    with ThreadPoolExecutor(min(_THREADS, processors())) as pool:
        with unbroken():
            digests = [pool.submit(of_block, start) for start in starts]
        return xxhash.xxh3_128_hexdigest(b"".join(map(result_of, digests)))


_BLOCK = 2**22
_THREADS = 4

opened_files = OpenedFiles()
