"""Which model looks at which records."""

from pathlib import Path

import pytest

from dedup import Settings
from dedup import calibration as calibrations
from dedup.encoders import HashingEncoder, RememberingEncoder, load_encoder
from dedup.encoders.bundled import WEIGHTS_SHA256
from dedup.model import Confirmed
from dedup.pipeline import models_of

from . import stages

TABLE_DIGEST = load_encoder("table", 1).digest


def test_auto_shows_all_to_the_table_and_what_is_open_to_the_model() -> None:
    models = models_of(Settings(), None, None)
    assert (models.first.digest, models.kind) == (TABLE_DIGEST, Confirmed.TABLE)
    assert models.calibration == calibrations.shipped(TABLE_DIGEST)
    assert models.closer is not None
    assert models.closer.encoder.digest == WEIGHTS_SHA256
    assert models.closer.calibration == calibrations.for_bundled()


def test_always_shows_all_to_the_model() -> None:
    models = models_of(Settings(confirm="always"), None, None)
    assert (models.first.digest, models.kind, models.closer) == (WEIGHTS_SHA256, Confirmed.MODEL, None)
    assert models.calibration == calibrations.for_bundled()


@pytest.mark.parametrize("settings", [Settings(confirm="never"), Settings(model="table", confirm="always")])
def test_without_the_model_the_table_decides(settings: Settings) -> None:
    models = models_of(settings, None, None)
    assert (models.first.digest, models.kind, models.closer) == (TABLE_DIGEST, Confirmed.TABLE, None)
    assert models.calibration == calibrations.shipped(TABLE_DIGEST)


def test_a_model_that_is_not_to_be_asked_brings_no_calibration() -> None:
    given = HashingEncoder(), stages.calibration()
    models = models_of(Settings(confirm="never"), *given)
    assert models.first.digest == TABLE_DIGEST
    assert models.calibration == calibrations.shipped(TABLE_DIGEST)


def test_a_given_encoder_stands_in_for_the_model_that_the_settings_name() -> None:
    encoder, calibration = HashingEncoder(), stages.calibration()
    as_table = models_of(Settings(model="table"), encoder, calibration)
    assert (as_table.first, as_table.calibration, as_table.closer) == (encoder, calibration, None)
    always = models_of(Settings(confirm="always"), encoder, calibration)
    assert (always.first, always.calibration, always.closer) == (encoder, calibration, None)


def test_a_model_other_than_the_bundled_one_looks_at_everything_whatever_its_calibration() -> None:
    encoder, calibration = HashingEncoder(), stages.calibration()
    models = models_of(Settings(confirm="auto"), encoder, calibration)
    assert (models.first, models.calibration, models.kind) == (encoder, calibration, Confirmed.MODEL)
    assert models.closer is None


def test_a_model_without_a_calibration_looks_at_everything() -> None:
    encoder = HashingEncoder()
    models = models_of(Settings(), encoder, None)
    assert (models.first, models.calibration, models.kind, models.closer) == (encoder, None, Confirmed.MODEL, None)


def test_a_model_that_remembers_has_the_calibration_of_the_one_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEDUP_CACHE", str(tmp_path))
    remembering = RememberingEncoder(load_encoder("bundled", 1))
    models = models_of(Settings(), remembering, None)
    assert models.closer is not None
    assert models.closer.encoder is remembering
    assert models.closer.calibration == calibrations.for_bundled()
    assert not list(tmp_path.iterdir())  # choosing opens nothing
