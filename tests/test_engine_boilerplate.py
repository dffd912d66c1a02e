"""The boilerplate found in parts is that found in one piece, whatever the parts."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import Settings
from dedup.boilerplate import SAMPLE, find_boilerplate
from dedup.index.sketches import packed

from .test_boilerplate import FURNITURE, corpora, page, prints, syndicated

pa: Any = pytest.importorskip("pyarrow")

from dedup.engines.boilerplate import COUNTS, HELD, HOLDERS, PASSAGES, boilerplate_of  # noqa: E402 - they need pyarrow
from dedup.engines.columns import texts as column  # noqa: E402
from dedup.engines.run import Run  # noqa: E402
from dedup.engines.stage import Desk, Notes, Stage, Workshop  # noqa: E402
from dedup.engines.stages import STAGES  # noqa: E402
from dedup.engines.works import TEXTS  # noqa: E402


class InOneProcess:
    """Does parts one after the other, in any order."""

    def __init__(self, stages: Mapping[str, Stage]) -> None:
        self._stages = stages

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        for part in Random(len(parts)).sample(parts, len(parts)):  # noqa: S311
            Workshop(root).do(self._stages[stage], part)
            yield part


def texts_stage(texts: Sequence[str], languages: Sequence[str], span: int) -> Stage:
    made = prints(texts, languages)

    def texts_part(desk: Desk) -> Notes:
        here = range(desk.part * span, min(len(texts), (desk.part + 1) * span))
        some = [made[work] for work in here]
        columns = {"work": list(here), "language": column(languages[work] for work in here)}
        columns |= {"digest": column(f.digest for f in some), "print": pa.array(map(packed, some), pa.large_binary())}
        desk.write(pa.table(columns))
        return {}

    return Stage(TEXTS, texts_part)


def made_in_parts(
    folder: Path, texts: Sequence[str], languages: Sequence[str], span: int
) -> tuple[Run, frozenset[int]]:
    texting, parts = texts_stage(texts, languages, span), -(-len(texts) // span)
    run = Run(Workshop(str(folder)), Settings(), InOneProcess({**STAGES, TEXTS: texting}))
    run.begin()
    run.stage(texting, parts)
    return run, frozenset(boilerplate_of(run, span, parts).tolist())


def in_parts(texts: Sequence[str], languages: Sequence[str], span: int) -> frozenset[int]:
    with TemporaryDirectory() as folder:
        return made_in_parts(Path(folder), texts, languages, span)[1]


@pytest.mark.parametrize("span", [1, 3, 7, 100])
def test_it_is_that_of_one_piece_for_any_parts(span: int) -> None:
    texts = [
        *(page(n, 2 + n) for n in range(12)),
        *syndicated(12),
        *(f"A text by itself, number {n}." for n in range(5)),
    ]
    languages = ["de" if n % 3 == 0 else "en" for n in range(len(texts))]
    whole = find_boilerplate(languages, prints(texts, languages))
    assert whole == FURNITURE
    assert in_parts(texts, languages, span) == whole


@settings(max_examples=25, deadline=None)
@given(corpora(), st.integers(1, 9))
def test_it_is_that_of_one_piece_for_any_texts(corpus: tuple[list[str], list[str]], span: int) -> None:
    texts, languages = corpus
    assert in_parts(texts, languages, span) == find_boilerplate(languages, prints(texts, languages))


def test_a_passage_that_all_texts_hold_costs_no_more_than_a_sample_of_each_part(tmp_path: Path) -> None:
    texts = list(map(page, range(90)))
    run, found = made_in_parts(tmp_path, texts, ["en"] * len(texts), 30)
    assert found == FURNITURE
    assert rows_sent(tmp_path, texts, PASSAGES, COUNTS) == 3 * len(FURNITURE) + 6 * 90  # one a part, and their own
    assert rows_sent(tmp_path, texts, HELD, HOLDERS) == 3 * SAMPLE * len(FURNITURE)
    assert not [path for name in (PASSAGES, HELD) for path in (Path(run.workshop.store.root) / name).glob("*.arrow")]


def rows_sent(folder: Path, texts: Sequence[str], stage: str, name: str) -> int:
    """By a run whose files stay."""
    kept = folder / "kept"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "drop", lambda *_: None)
        run, _ = made_in_parts(kept, texts, ["en"] * len(texts), 30)
    desk = Desk(run.workshop, "", 0)
    return sum(len(desk.gather(stage, name, bucket)) for bucket in range(run.done[stage].parts))


def test_a_text_by_itself_has_none(tmp_path: Path) -> None:
    assert made_in_parts(tmp_path, ["One text."], ["en"], 5)[1] == frozenset()
