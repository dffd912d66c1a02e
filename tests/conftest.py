import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dedup import calibration as calibrations
from dedup.cli import main

from . import stages
from .repository import ENVIRONMENT, Repository

# The suite runs in a process a core: threads of the model would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def calibrated_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs with an encoder of their own use weights that do not change with the next fit."""
    monkeypatch.setattr(calibrations, "for_bundled", stages.calibration)


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    """Calls the program in this process: exit code, standard output, standard error."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        assert isinstance(end.value.code, int)
        return end.value.code, *capfd.readouterr()

    return call


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A git repository without a commit, as the working folder."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    return repository
