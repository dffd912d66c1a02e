import re

import pytest

from dedup.progress import Stage
from dedup.report.bars import bars

ERASED = "\x1b[2K"


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What is on standard error after some stages were told; nothing is on standard output."""
    with bars() as progress:
        progress(Stage.SKETCH)
        progress(Stage.SKETCH, 1_234)
        progress(Stage.BOILERPLATE)
        progress(Stage.CONFIRM, 0, 50)
        progress(Stage.CONFIRM, 50, 50)
    out, err = capsys.readouterr()
    assert out == ""
    return err


def test_a_bar_a_stage_is_shown_on_a_terminal_and_gone_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    shown = told(capsys)
    last = re.sub(r"\x1b\[[\d;]*m", "", shown[shown.rindex(Stage.SKETCH) :])
    sketched, boilerplate, confirmed = last.splitlines()[:3]
    assert "1234/1234" in sketched
    assert (Stage.BOILERPLATE in boilerplate, "1/1" in boilerplate) == (True, True)
    assert (Stage.CONFIRM in confirmed, "50/50" in confirmed) == (True, True)
    assert shown[shown.rindex("50/50") :].count(ERASED) >= 3  # a line each


def test_nothing_is_shown_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert told(capsys).strip() == ""
