import pytest

from dedup import calibration as calibrations

from . import stages


@pytest.fixture
def calibrated_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs with an encoder of their own use weights that do not change with the next fit."""
    monkeypatch.setattr(calibrations, "for_bundled", stages.calibration)
