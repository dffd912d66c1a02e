from collections.abc import Iterator

import pytest

from . import elsewhere


@pytest.fixture
def faults() -> Iterator[elsewhere.Faults]:
    """What goes wrong with ``faulty://``; that and ``memory://`` hold nothing."""
    with elsewhere.empty_file_systems() as faults:
        yield faults
