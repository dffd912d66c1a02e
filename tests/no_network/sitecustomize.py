"""Imported by every Python that starts with this folder on its path: no socket is made or used but those of Unix, which
stay within the machine, and each attempt is written to the file that ``SOCKET_LOG`` names. Forked processes keep this.
"""

import json
import os
import socket
import sys
from pathlib import Path


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    if not event.startswith("socket.") or event == "socket.gethostname":
        return
    if event == "socket.__new__" and arguments[1] == socket.AF_UNIX:
        return
    frame = sys._getframe(1)
    while frame.f_back is not None and Path(frame.f_code.co_filename).name in {"socket.py", "<frozen"}:
        frame = frame.f_back
    who = f"{'/'.join(Path(frame.f_code.co_filename).parts[-3:])}:{frame.f_code.co_name}"
    with Path(os.environ["SOCKET_LOG"]).open("a", encoding="utf-8") as log:
        log.write(json.dumps([event, who, os.getpid()]) + "\n")
    raise PermissionError(f"no network: {event} by {who}")


sys.addaudithook(refuse)
