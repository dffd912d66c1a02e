"""Which function writes which form."""

from collections.abc import Callable, Mapping
from typing import Final

from rich.console import Console

from dedup.report.gate.as_github import github_commands
from dedup.report.gate.as_json import check_json
from dedup.report.gate.as_junit import junit_xml
from dedup.report.gate.as_sarif import sarif_log
from dedup.report.gate.as_text import render_text
from dedup.report.gate.document import CheckDocument

Renderer = Callable[[CheckDocument, float, Console], None]
"""Takes the seconds that the check took, and where to write."""


def _for_machines(written: Callable[[CheckDocument], bytes]) -> Renderer:
    def render(document: CheckDocument, _seconds: float, console: Console) -> None:
        _write(written(document), console)

    return render


def _write(data: bytes, console: Console) -> None:
    """As they are: a console would wrap lines, read markup, and encode in the terminal's encoding."""
    binary = getattr(console.file, "buffer", None)
    if binary is None:  # a file in memory
        console.file.write(data.decode())
        return
    console.file.flush()
    binary.write(data)
    binary.flush()


RENDERERS: Final[Mapping[str, Renderer]] = {
    "text": render_text,
    "json": _for_machines(check_json),
    "github": _for_machines(github_commands),
    "sarif": _for_machines(sarif_log),
    "junit": _for_machines(junit_xml),
}
