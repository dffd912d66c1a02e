"""What a check found, in the forms that people, programs and CI systems read.

    Checked --document--> CheckDocument --as_text-->    for a person at a terminal
                                        --as_json-->    for programs (its shape: check.schema.json, from schema)
                                        --as_github-->  annotations of a GitHub workflow
                                        --as_sarif-->   SARIF 2.1.0, for code scanning
                                        --as_junit-->   JUnit XML, for GitLab, Jenkins and others

What records say is material: no form lets it command a terminal, a runner or a parser. The forms for machines hold no
time, so that equal checks give equal bytes.
"""

from typing import TYPE_CHECKING, Final

from dedup.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dedup.findings import Checked

FORMS: Final = ("text", "json", "github", "sarif", "junit")
"""What :func:`render` writes; which function writes which, :mod:`dedup.report.gate.forms` says."""


def render(checked: "Checked", form: str, seconds: float, console: "Console") -> None:
    """Write to ``console`` what a check found, and in the text that it took ``seconds``.

    The forms for machines are written to the console's file as they are, in UTF-8 whatever its encoding is. Raises
    :class:`InputError` for a form that is none of :data:`FORMS`.
    """
    if form not in FORMS:
        raise InputError(f"no form of output is named {form!r}: there are {', '.join(FORMS)}")
    from dedup.report.gate.document import check_document
    from dedup.report.gate.forms import RENDERERS  # what names the forms need not import what writes them

    RENDERERS[form](check_document(checked), seconds, console)
