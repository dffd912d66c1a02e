"""A Ray cluster of several nodes on this machine: raylets of their own, each with so many processors.

    with ray_nodes(2) as cluster:
        ...  # cluster.address is for --ray; cluster.lose() kills the last node, as a machine that fails

Nodes of one machine share its disk, as those of a real cluster share a bucket or a network folder.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

RAY: Final = str(Path(sys.executable).with_name("ray"))

OBJECTS: Final = 200_000_000
"""Bytes of each node's object store, through which nothing but numbers of parts goes."""

TOKEN: Final = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
"""Clusters of Ray 2.59 want a token, which ``ray start`` makes; all that connects needs this setting."""


@dataclass(slots=True)
class Cluster:
    """Nodes that run."""

    address: str
    raylets: list[int] = field(default_factory=list)
    """The process of each node, the head's first."""

    def lose(self) -> None:
        """Kill the last node with all that runs there."""
        os.kill(self.raylets.pop(), signal.SIGKILL)


@contextmanager
def ray_nodes(count: int, processors: int = 1) -> Iterator[Cluster]:
    """So many nodes with so many processors each, for as long as the context lasts. All raylets of this machine are
    stopped, before and after.
    """
    _ray("stop", "--force")
    try:
        port = _free_port()
        _ray("start", "--head", f"--port={port}", "--include-dashboard=false", *_size(processors))
        cluster = Cluster(f"{_own_address()}:{port}", _raylets())
        for _ in range(count - 1):
            _ray("start", f"--address={cluster.address}", *_size(processors))
            cluster.raylets += [process for process in _raylets() if process not in cluster.raylets]
        yield cluster
    finally:
        _ray("stop", "--force")


def _size(processors: int) -> list[str]:
    return [f"--num-cpus={processors}", f"--object-store-memory={OBJECTS}", "--disable-usage-stats"]


def _ray(*arguments: str) -> None:
    environment = {**os.environ, **TOKEN}
    done = subprocess.run([RAY, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"ray {' '.join(arguments)}: {done.stdout}{done.stderr}")


def _raylets() -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                program = (folder / "cmdline").read_bytes().partition(b"\0")[0]
            except OSError:
                continue
            found += [int(folder.name)] if program.endswith(b"raylet/raylet") else []
    return found


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("", 0))
        port: int = some.getsockname()[1]
        return port


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
        some.connect(("192.0.2.1", 9))  # sends nothing: asks which of its addresses this machine would use
        address: str = some.getsockname()[0]
        return address
