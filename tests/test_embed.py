"""Vectors in whole steps: near what they stand for, exact to multiply."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.embed import MOST_STEPS, document_vector, in_steps, unit_rows
from dedup.model import Vectors


def drawn(rows: int, dimensions: int, seed: int = 1) -> Vectors:
    return unit_rows(np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32))


@pytest.mark.parametrize("dimensions", [384, 1_024, 4_096])
def test_a_cosine_in_steps_is_off_by_a_few_thousandths_at_most(dimensions: int) -> None:
    vectors = drawn(400, dimensions)
    steps, norms = in_steps(vectors)
    unit = steps * norms[:, None]
    assert np.abs(unit @ unit.T - vectors @ vectors.T).max() < 0.004


@pytest.mark.parametrize("dimensions", [384, 1_040, 4_096])
def test_products_of_steps_are_whole_numbers_that_32_bits_hold(dimensions: int) -> None:
    largest = np.full((1, dimensions), 0.3, np.float32)
    steps, _ = in_steps(largest)
    assert (steps.astype(np.int64) @ steps.astype(np.int64).T).item() <= 2**24
    assert abs(int(steps.min())) <= MOST_STEPS


@given(st.integers(0, 5))
def test_a_row_of_zeros_stays_one_and_has_no_length(zeros: int) -> None:
    vectors = drawn(6, 32)
    vectors[:zeros] = 0
    steps, norms = in_steps(vectors)
    assert not steps[:zeros].any()
    assert (norms[:zeros] == 0).all()
    assert np.linalg.norm(steps * norms[:, None], axis=1)[zeros:] == pytest.approx(np.ones(6 - zeros), abs=1e-5)


def test_a_document_leans_to_its_wide_segments() -> None:
    steps, norms = in_steps(np.eye(2, 8, dtype=np.float32))
    document = document_vector(steps, norms, np.array([3, 1], np.float32))
    assert document == pytest.approx(np.array([3, 1, 0, 0, 0, 0, 0, 0]) / np.sqrt(10), abs=1e-6)
