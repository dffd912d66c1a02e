"""What parts propose is what one process proposes, whatever the parts; and no key costs more than its share."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("pyarrow")

from measure_hot_keys import SENT, Proposed, Works, hot, in_parts

from dedup import candidates
from dedup.candidates import ALONE, COMMON_FIGURES, FINDERS, GROUP_LIMIT, LARGE_GROUPS, NOT_COMPARED, Proposal, propose
from dedup.clusters import components
from dedup.encoders import HashingEncoder
from dedup.engines import proposing
from dedup.engines.proposing import FIGURES, GROUPS, KEYED, KEYS, LARGE, NAMED, PAIRS, STARS
from dedup.errors import InputError
from dedup.model import Confirmed
from dedup.neighbours import nearest
from dedup.pipeline import Models
from dedup.settings import Settings

from . import stages

SETTINGS = Settings(permutations=16, bands=4, neighbours=2)
MODELS = Models(HashingEncoder(), stages.calibration({"2025": 900, "7": 500, "8": 5, "9": 20}), Confirmed.TABLE)


def documents_of(works: Works) -> NDArray[np.float32]:
    vectors = np.random.default_rng(5).normal(size=(len(works.keys), 8))
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def writings_of(works: Works) -> list[str]:
    return [("en Latn", "de Latn", "ru Cyrl")[i % 3] for i in range(len(works.keys))]


def in_one_piece(works: Works) -> Proposal:
    assert MODELS.calibration is not None
    return propose(
        [frozenset(keys) for keys in works.keys],
        works.signatures,
        works.numbers,
        documents_of(works),
        writings_of(works),
        MODELS.calibration,
        SETTINGS,
    )


def in_pieces(works: Works, root: Path | str, span: int) -> Proposed:
    found = nearest(documents_of(works), writings_of(works), SETTINGS.neighbours)
    left, right = found.left.astype(np.int64), found.right.astype(np.int64)
    twice = (np.tile(left, 2), np.tile(right, 2))  # as both of a pair may find it
    return in_parts(works, str(root), span, SETTINGS, MODELS, twice, found.not_compared)


def assert_same(here: Proposed, there: Proposal) -> None:
    assert here.pairs == there.pairs
    assert here.funnel == there.funnel


def mixed(count: int) -> Works:
    """Small and large groups of each kind, which overlap, and some that are equal."""
    random = Random(count)  # noqa: S311
    signatures = np.random.default_rng(count).integers(9, size=(count, SETTINGS.permutations), dtype=np.uint32)
    for band, share in enumerate((2, 2, 5)):  # the first two are equal groups of half of the works
        signatures[::share, band * 4 : band * 4 + 4] = 10
    copies = random.sample(range(count), 20)
    signatures[copies[:10]] = signatures[copies[10:]]
    pages = [f"//example.org/{i}" for i in range(count // 3)]
    return Works(
        [sorted({*random.sample(pages, 1), *(["//home.example/"] if i % 2 else [])}) for i in range(count)],
        signatures,
        [[f"{n}" for n in random.sample(range(40), 6)] + ["2025"] * (i % 4 > 0) for i in range(count)],
    )


@pytest.fixture(scope="module")
def works() -> Works:
    return mixed(230)


@pytest.fixture(scope="module")
def whole(works: Works) -> Proposal:
    return in_one_piece(works)


def test_the_works_have_all_that_is_counted(whole: Proposal) -> None:
    """Else the tests below would prove little."""
    counts = {stage.stage: stage.pairs for stage in whole.funnel}
    assert min(counts[name] for name in (LARGE_GROUPS, COMMON_FIGURES)) > 1000
    assert min(counts[finder] for finder in FINDERS) > 10
    assert min(counts[f"{finder}{ALONE}"] for finder in FINDERS) > 0
    assert NOT_COMPARED not in counts


@pytest.mark.parametrize("span", [20, 64, 229, 230, 1_000])
def test_the_candidates_are_those_of_a_run_in_one_piece(
    span: int, works: Works, whole: Proposal, tmp_path: Path
) -> None:
    assert_same(in_pieces(works, tmp_path, span), whole)


def test_parts_may_be_of_one_work_each(tmp_path: Path) -> None:
    works = mixed(30)
    assert_same(in_pieces(works, tmp_path, 1), in_one_piece(works))


def test_what_an_index_kept_apart_is_told(works: Works, tmp_path: Path) -> None:
    made = in_parts(works, str(tmp_path), 100, SETTINGS, MODELS, not_compared=12_345)
    assert {stage.stage: stage.pairs for stage in made.funnel}[NOT_COMPARED] == 12_345
    left_out = [stage.stage for stage in made.funnel][len(FINDERS) :][:3]
    assert left_out == [LARGE_GROUPS, COMMON_FIGURES, NOT_COMPARED]


@pytest.mark.parametrize("count", [1, 2])
def test_works_without_anything_propose_what_is_near(count: int, tmp_path: Path) -> None:
    works = Works([[]] * count, np.arange(16 * count, dtype=np.uint32).reshape(count, 16), [[]] * count)
    assert_same(in_pieces(works, tmp_path, 1), in_one_piece(works))


def test_values_in_another_band_are_not_the_same(tmp_path: Path) -> None:
    """Nor are others that differ by as much as the numbers of the bands, as a seed for the hash would have it."""
    signatures = np.arange(1000, 1032, dtype=np.uint32).reshape(2, 16)
    signatures[0, 8:12] = 0, 0, 0, 0
    signatures[1, 4:8] = 0, 0, 0, 0
    signatures[1, 12:] = 0, 0, 1, 0
    works = Works([[], []], signatures, [[], []])
    made = in_parts(works, str(tmp_path), 1, SETTINGS, MODELS)
    assert not len(made.pairs)


def test_more_works_than_can_be_told_apart_are_refused(tmp_path: Path) -> None:
    made = in_parts(mixed(30), str(tmp_path), 10, SETTINGS, MODELS)
    with pytest.raises(InputError, match="2,147,483,648 different texts"):
        proposing.proposed(made.run, 2**20 + 1, 2**11, 0)


PAGES = [f"//example.org/{letter}" for letter in "abcdef"]
FIGURES_OF_FEW = [f"{n}" for n in range(12)]


@st.composite
def few(draw: st.DrawFn) -> Works:
    count = draw(st.integers(1, 14))
    values = draw(st.lists(st.lists(st.integers(0, 2), min_size=16, max_size=16), min_size=count, max_size=count))

    def lists(of: Sequence[str]) -> list[list[str]]:
        some = st.lists(st.sampled_from(of), max_size=5, unique=True)
        return draw(st.lists(some, min_size=count, max_size=count))

    return Works(lists(PAGES), np.array(values, np.uint32), lists(FIGURES_OF_FEW))


@examples(max_examples=25, deadline=None)
@given(few(), st.integers(1, 15), st.integers(2, 6), st.integers(1, 8))
def test_small_works_with_small_limits_are_proposed_alike(works: Works, span: int, limit: int, fact_limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as root:
        patch.setattr(candidates, "GROUP_LIMIT", limit)
        patch.setattr(candidates, "FACT_GROUP_LIMIT", fact_limit)
        patch.setattr(proposing, "FACT_GROUP_LIMIT", fact_limit)
        patch.setattr(candidates, "FACT_WEIGHT", 6.0)
        assert_same(in_pieces(works, root, span), in_one_piece(works))


# --- keys that everybody has


@pytest.mark.parametrize("count", [GROUP_LIMIT + 1, 300, 900])
def test_a_key_of_all_costs_each_work_the_same(count: int, tmp_path: Path) -> None:
    works = hot(count, SETTINGS)
    span = 50
    parts = -(-count // span)
    made = in_pieces(works, tmp_path, span)
    rows = made.rows_sent()
    assert set(rows) == set(SENT)
    assert rows[KEYED, KEYS] == count * (1 + SETTINGS.bands)
    assert rows[KEYED, FIGURES] <= 2 * count  # of "2025": those of parts in which it is rare, and a row of the others
    assert rows[GROUPS, NAMED] == 3  # the page, the first band, the last
    assert rows[LARGE, proposing.CHOSEN] == 2  # the bands are one group
    assert rows[STARS, PAIRS] == 2 * (2 * count - 3)
    assert rows[GROUPS, PAIRS] <= parts
    near = {stage.stage: stage.pairs for stage in made.funnel}["vectors"]
    assert len(made.pairs) <= 2 * count - 3 + near


def test_a_figure_that_is_common_in_a_part_is_sent_once(tmp_path: Path) -> None:
    rows = in_pieces(hot(300, SETTINGS), tmp_path, 100).rows_sent()
    assert rows[KEYED, FIGURES] == 300 + 3


def test_keys_of_all_propose_what_they_do_in_one_piece(tmp_path: Path) -> None:
    works = hot(200, SETTINGS)
    assert_same(in_pieces(works, tmp_path, 30), in_one_piece(works))


def test_a_large_group_stays_connected(tmp_path: Path) -> None:
    works = hot(200, SETTINGS)
    pairs = in_parts(works, str(tmp_path), 30, SETTINGS, MODELS).pairs
    assert set(components(pairs.left, pairs.right, 200).tolist()) == {0}
