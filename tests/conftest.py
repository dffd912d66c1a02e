import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import hypothesis
import jsonschema
import msgspec
import pytest

import dedup
from dedup import calibration as calibrations
from dedup.cli import main
from dedup.report import layout

from . import stages
from .repository import ENVIRONMENT, Repository

# How long an example takes depends on what else the machine does: no test is about that.
hypothesis.settings.register_profile("dedup", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("dedup")

# The suite runs in a process a core: threads of the model would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

Cli = Callable[..., tuple[int, str, str]]


LONGEST: Final = (
    "test_handmade",  # whose vectors those of engines find in the cache
    "test_engine_faults",
    "test_engines",
    "test_cli",
    "index/test_store",
    "test_seeds",
    "test_action",
    "test_engine_results",
    "test_encoders",
    "test_workers",
    "test_check",
    "report/html/test_in_browser",
    "test_readme_gate",
    "test_no_network",
    "test_engine_boilerplate",
    "test_left_over",
    "test_table_encoder",
    "test_sketch",
    "test_clusters",
    "read/test_parquet",
)
"""Modules whose tests go first, so that at the end no process is left alone with one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of the tests within a module stays."""
    place = {Path(__file__).parent / f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


PUBLISHED: Final = (
    "report/schema.json",
    "report/explanation.schema.json",
    "report/summary.schema.json",
    "report/manifest.schema.json",
    "report/gate/check.schema.json",
)


@pytest.fixture(scope="session", autouse=True)
def documents_keep_to_the_published_schemas() -> Iterator[None]:
    """Every JSON document that any test has the program write in this process is held to its schema."""
    validators = {}
    for name in PUBLISHED:
        schema = json.loads((Path(dedup.__file__).parent / name).read_bytes())
        validators[schema["$ref"].rpartition("/")[2]] = jsonschema.Draft202012Validator(schema)
    write = layout.laid_out

    def laid_out(document: msgspec.Struct) -> bytes:
        written = write(document)
        validators[type(document).__name__].validate(json.loads(written))
        return written

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "laid_out", laid_out)
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_waits_for_the_disk() -> Iterator[None]:
    """No test pulls the plug: what a process has written is there for others, and stays when it is killed, without
    ``fsync``, which takes much of the time of a test that makes a small index.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


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
