from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from handmade import read_rows
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup import calibration as calibrations
from dedup.calibration import Calibration
from dedup.candidates import Candidates
from dedup.confirm import confirm, judge
from dedup.encoders import HashingEncoder, load_encoder
from dedup.evidence import Subject, align, figures_of, measure
from dedup.model import CandidatePair, Embedding, Finder
from dedup.screen import LEAST, Screen, paired_with, possible

from . import stages

TEXTS = 44


def shipped(model: str) -> Calibration:
    found = calibrations.shipped(load_encoder(model, 1).digest)
    assert found is not None
    return found


@cache
def hard_texts() -> tuple[Subject, ...]:
    """Articles written to be hard, in many languages: the vectors of each share what words they share."""
    rows = read_rows()[:TEXTS]
    made = stages.subjects([r.text for r in rows], [r.lang for r in rows], HashingEncoder(dimensions=stages.DIMENSIONS))
    return tuple(made)


@pytest.mark.parametrize("model", ["bundled", "table"])
def test_no_pair_that_reaches_the_least_is_ruled_out(model: str) -> None:
    subjects, calibration = hard_texts(), shipped(model)
    pairs = [CandidatePair(left, right, (Finder.VECTORS,)) for left, right in combinations(range(len(subjects)), 2)]
    judged = {pair: judge(pair, subjects[pair.left], subjects[pair.right], calibration) for pair in pairs}
    likely = set(possible(pairs, subjects, calibration))
    reaching = {pair for pair, link in judged.items() if link.probability >= LEAST}
    assert reaching <= likely
    assert 0 < len(reaching) <= len(likely) < len(pairs) / 2  # and it rules out most of the others

    confirmation = confirm(Candidates.of(pairs), subjects, calibration)
    assert list(confirmation.links) == [judged[pair] for pair in pairs if pair in likely]
    assert confirmation.ruled_out == len(pairs) - len(likely)
    screen = Screen(subjects, calibration)
    assert {pair for pair in pairs if screen.possible((pair.left, pair.right))} == likely


def test_a_pair_that_shares_a_source_url_is_always_judged() -> None:
    subjects, calibration = hard_texts(), shipped("table")
    pairs = [CandidatePair(left, right, (Finder.SOURCE_URL,)) for left, right in combinations(range(12), 2)]
    assert list(possible(pairs, subjects, calibration)) == pairs


def test_several_processes_judge_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dedup.confirm.AT_ONCE", 50)
    subjects, calibration = hard_texts()[:20], shipped("table")
    pairs = Candidates.of(CandidatePair(left, right, ()) for left, right in combinations(range(len(subjects)), 2))
    told: list[int] = []
    one = confirm(pairs, subjects, calibration, workers=1, progress=told.append)
    assert told == [50, 100, 150, 190]
    assert confirm(pairs, subjects, calibration, workers=2) == one


ROW = st.lists(st.integers(-2, 2), min_size=3, max_size=3)
PASSAGES = st.lists(st.tuples(ROW, st.sampled_from([1.0, 2.0, 7.5])), min_size=1, max_size=7)


def placed(passages: Sequence[tuple[list[int], float]]) -> Subject:
    """A text whose passages have these vectors and widths; few values, so that many are equally near."""
    steps: NDArray[np.int8] = np.array([row for row, _ in passages], np.int8)
    lengths = np.sqrt((steps.astype(np.float64) ** 2).sum(axis=1))
    norms = (np.minimum(lengths, 1.0) / np.maximum(lengths, 1.0)).astype(np.float32)
    (blank,) = stages.subjects(["text"])
    widths = np.array([width for _, width in passages], np.float32)
    f = replace(blank.fingerprint, widths=widths, figures=((),) * len(passages))
    return replace(blank, fingerprint=f, embedding=Embedding(steps, norms, np.zeros(3, np.float32)))


@given(PASSAGES, st.lists(PASSAGES, min_size=1, max_size=5))
def test_passages_pair_as_in_the_evidence_also_where_several_are_equally_near(
    one: Sequence[tuple[list[int], float]], several: Sequence[Sequence[tuple[list[int], float]]]
) -> None:
    here, others, calibration = placed(one), [placed(passages) for passages in several], stages.calibration()
    for other, paired in zip(others, paired_with(here, others), strict=True):
        aligned = align(here, other)
        measured = measure(here, other, aligned, figures_of(here, other, aligned, calibration), calibration)
        assert paired.passages.tolist() == aligned.pairs.tolist()
        assert paired.smaller == pytest.approx(measured["alignment"], abs=1e-6)
        assert paired.larger == pytest.approx(measured["containment"], abs=1e-6)
        assert paired.order() == pytest.approx(measured["order"], abs=1e-6)
