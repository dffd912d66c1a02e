"""What all forms have in common."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from dedup.errors import InputError
from dedup.findings import Checked
from dedup.report.gate import FORMS, render
from dedup.report.gate.forms import RENDERERS

from .conftest import checked_of, hostile, many, written

FOR_MACHINES = [form for form in FORMS if form != "text"]
ROOT = Path(__file__).parents[3]


def test_every_form_that_is_named_is_written() -> None:
    assert tuple(RENDERERS) == FORMS


def test_form_that_is_none_is_one_line() -> None:
    with pytest.raises(InputError, match="named 'html': there are text, json, github, sarif, junit"):
        render(checked_of(), "html", 1.0, Console(file=io.StringIO()))


@pytest.mark.parametrize("form", FORMS)
def test_equal_checks_in_any_order_give_equal_output(form: str, seeds: Checked) -> None:
    turned = replace(
        seeds,
        records=seeds.records[::-1],
        findings=seeds.findings[::-1],
        shared_pages=seeds.shared_pages[::-1],
        skipped=seeds.skipped[::-1],
        settings=dict(reversed(list(seeds.settings.items()))),
    )
    assert written(turned, form) == written(seeds, form)


@pytest.mark.parametrize("form", FOR_MACHINES)
def test_form_for_machines_tells_no_time_and_knows_no_width(form: str, seeds: Checked) -> None:
    assert written(seeds, form, width=20, seconds=77.7) == written(seeds, form, width=200, seconds=1.0)


@pytest.mark.parametrize("form", FOR_MACHINES)
def test_form_for_machines_is_utf_8_on_any_console(form: str) -> None:
    binary = io.BytesIO()
    file = io.TextIOWrapper(binary, encoding="ascii")
    render(hostile("ملف"), form, 1.0, Console(file=file))
    assert binary.getvalue().decode() == written(hostile("ملف"), form)
    assert "ملف" in binary.getvalue().decode()


def test_what_was_printed_before_stays_before() -> None:
    binary = io.BytesIO()
    file = io.TextIOWrapper(binary, encoding="utf-8")
    file.write("first\n")
    render(checked_of(), "github", 1.0, Console(file=file))
    assert binary.getvalue().startswith(b"first\nNo new record")


@pytest.mark.parametrize("form", FORMS)
def test_empty_check_is_written(form: str) -> None:
    assert written(checked_of(), form)


@pytest.mark.parametrize("form", ["text", "github", "sarif", "junit"])
def test_outcome_names_the_partner_and_how_sure_that_is(form: str) -> None:
    told = written(many(1), form, width=200)
    assert "A translation of " in told
    assert "seeds/k000.txt" in told
    assert " (ar, known): probability 0.998" in told
    assert "passages align 0.66, figures shared: 402 317 113 96, same source URL; against it: lengths" in told


def test_naming_the_forms_imports_nothing_that_writes_them() -> None:
    program = "import dedup.report.gate, sys; sys.exit(any(name in sys.modules for name in ('rich', 'msgspec', 'xml')))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0
