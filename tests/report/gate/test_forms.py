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
from dedup.findings import Checked, SameId
from dedup.model import Relation
from dedup.report.gate import FORMS, render
from dedup.report.gate.forms import RENDERERS

from .conftest import checked_of, entry, hostile, many, written

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


@pytest.mark.parametrize("form", ["text", "github", "sarif", "junit"])
def test_what_was_not_compared_or_not_told_is_said(form: str) -> None:
    new = [entry(f"{n}", path="new.csv", line=n) for n in range(7)]
    known = [entry(f"{n}", path="known.csv", line=n + 1) for n in range(7)]
    pairs = tuple(SameId(one, other, Relation.EXACT, 1.0) for one, other in zip(new, known, strict=True))
    check = replace(checked_of(new), known=0, unchanged=3, same_id=pairs)
    told = " ".join(written(check, form, width=500).split())
    assert "There is nothing known: the new records were compared with one another alone." in told
    assert "3 files of NEW are unchanged, and not known either" in told
    assert "7 new rows have the id and the article of a known row that stands elsewhere" in told
    assert "new.csv:4 (4) of known.csv:5 (4), … 2 more (all with --format json)" in told
    assert "new.csv:5 (5) of" not in told
    for silent in (replace(check, replaced=1, unchanged=0, same_id=()), checked_of(new), replace(check, records=())):
        assert "nothing known" not in written(silent, form)
        assert "unchanged" not in written(silent, form)
