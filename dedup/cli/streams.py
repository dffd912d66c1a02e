"""The standard streams of the process: closed ones, another encoding than UTF-8, output that cannot be written."""

import io
import os
import sys
from pathlib import Path
from typing import Any, Final

NAME: Final = "standard output"


def speak_utf8() -> None:
    """Start the program anew, in this process, where Python would read names of files as the locale has it: then a
    report would name the same file otherwise under another locale. What is printed stays in the locale's encoding.
    """
    cannot = sys.flags.ignore_environment or "utf8" in sys._xoptions or not sys.executable or os.name != "posix"
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get("PYTHONUTF8") == "1" or cannot:
        return
    streams = f"{sys.stdout.encoding}:{sys.stdout.errors}" if sys.stdout is not None else ""
    environment = {"PYTHONIOENCODING": streams, **os.environ, "PYTHONUTF8": "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606 - this very program


def replace_closed() -> None:
    """Started with ``>&-``, Python has no stream there, and whatever prints would fail."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
            setattr(sys, name, stream)


def name_output() -> None:
    """Have a fault in writing standard output say so: Python does not tell of which file an error is."""
    was = sys.stdout
    if isinstance(was, io.TextIOWrapper):
        was.flush()
        raw = _Output(was.fileno(), "w", closefd=False)
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw),
            was.encoding,
            was.errors,
            line_buffering=was.line_buffering,
            write_through=was.write_through,
        )


class _Output(io.FileIO):
    """Standard output."""

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever has bytes
        """Raises :class:`OSError` with the name of the stream."""
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, NAME) from None


def discard_output() -> None:
    """Let output that cannot be written go nowhere, or the interpreter complains of it when it ends, and exits as it
    likes.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
