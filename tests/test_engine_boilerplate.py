"""The boilerplate found in parts is that found in one piece, whatever the parts."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import Settings
from dedup.boilerplate import LEAST_HOLDERS, SAMPLE, discount, find_boilerplate
from dedup.encoders import HashingEncoder
from dedup.fingerprints import fingerprint
from dedup.index.sketches import packed
from dedup.model import Confirmed, Fingerprint
from dedup.pipeline import Models

from .stages import article, calibration
from .test_boilerplate import ABOVE, FURNITURE, corpora, hashed, page, prints, sentences, syndicated

pa: Any = pytest.importorskip("pyarrow")

from dedup.engines.boilerplate import (  # noqa: E402 - they need pyarrow
    COUNTS,
    HELD,
    HOLDERS,
    LENT,
    PASSAGES,
    SAMPLED,
    SAMPLES,
    TO_COMPARE,
    boilerplate_of,
)
from dedup.engines.columns import texts as column  # noqa: E402
from dedup.engines.run import Run  # noqa: E402
from dedup.engines.stage import Desk, Notes, Stage, Workshop  # noqa: E402
from dedup.engines.stages import STAGES  # noqa: E402
from dedup.engines.subjects import SUBJECTING, SUBJECTS, Subjects  # noqa: E402
from dedup.engines.works import TEXTS  # noqa: E402


class InOneProcess:
    """Does parts one after the other, in any order."""

    def __init__(self, stages: Mapping[str, Stage]) -> None:
        self._stages = stages

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        for part in Random(len(parts)).sample(parts, len(parts)):  # noqa: S311
            Workshop(root).do(self._stages[stage], part)
            yield part


def texts_stage(made: Sequence[Fingerprint], languages: Sequence[str], span: int) -> Stage:
    def texts_part(desk: Desk) -> Notes:
        here = range(desk.part * span, min(len(made), (desk.part + 1) * span))
        some = [made[work] for work in here]
        columns = {"work": list(here), "language": column(languages[work] for work in here)}
        columns |= {"digest": column(f.digest for f in some), "print": pa.array(map(packed, some), pa.large_binary())}
        columns["keys"] = pa.array([[] for _ in here], pa.large_list(pa.large_binary()))
        desk.write(pa.table(columns))
        return {}

    return Stage(TEXTS, texts_part)


def made_in_parts(folder: Path, texts: Sequence[str], languages: Sequence[str], span: int) -> tuple[Run, list[int]]:
    texting, parts = texts_stage(prints(texts, languages), languages, span), -(-len(texts) // span)
    run = Run(Workshop(str(folder)), Settings(), InOneProcess({**STAGES, TEXTS: texting}))
    run.begin()
    run.stage(texting, parts)
    return run, boilerplate_of(run, span, parts).tolist()


def in_parts(texts: Sequence[str], languages: Sequence[str], span: int) -> list[int]:
    with TemporaryDirectory() as folder:
        return made_in_parts(Path(folder), texts, languages, span)[1]


Kept = Callable[[Sequence[str], Sequence[str], int], Run]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """Makes runs whose files stay."""
    monkeypatch.setattr(Run, "drop", lambda *_: None)
    return lambda texts, languages, span: made_in_parts(tmp_path, texts, languages, span)[0]


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
    assert in_parts(texts, languages, span) == sorted(whole)


@settings(max_examples=25, deadline=None)
@given(corpora(), st.integers(1, 9))
def test_it_is_that_of_one_piece_for_any_texts(corpus: tuple[list[str], list[str]], span: int) -> None:
    texts, languages = corpus
    assert in_parts(texts, languages, span) == sorted(find_boilerplate(languages, prints(texts, languages)))


def quoting(line: str, number: int) -> str:
    """A copy of one article, with nothing of its own but a few words, and a line that stands in many texts."""
    return "\n".join([f"Copy {number}.", *sentences("agency", 24), line])


def posting(line: str, number: int) -> str:
    """An article by itself, with that line."""
    return "\n".join([*sentences(f"post {number}", 3), line])


@st.composite
def crowds(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Texts of several languages and their languages. Some lines stand in more texts than are compared, copies of one
    article and others, so that it depends on the sample whether they are boilerplate.
    """
    texts = []
    for line in ABOVE[: draw(st.integers(1, 3))]:
        texts += [quoting(line, n) for n in range(draw(st.integers(0, 14)))]
        texts += [posting(line, n) for n in range(draw(st.integers(LEAST_HOLDERS, 14)))]
    languages = draw(st.lists(st.sampled_from(["de", "en", "fr"]), min_size=1, max_size=4))
    order = draw(st.permutations(range(len(texts))))
    return [texts[n] for n in order], [languages[n % len(languages)] for n in range(len(texts))]


@settings(max_examples=25, deadline=None)
@given(crowds(), st.integers(4, 40))
def test_it_is_that_of_one_piece_where_it_depends_on_who_is_compared(
    corpus: tuple[list[str], list[str]], span: int
) -> None:
    texts, languages = corpus
    assert in_parts(texts, languages, span) == sorted(find_boilerplate(languages, prints(texts, languages)))


def test_a_line_in_copies_and_in_other_texts_is_boilerplate_or_not_by_who_is_compared() -> None:
    """Else the test above would prove little."""
    (line,) = ABOVE[:1]
    found = set()
    for number in range(12):
        others = [posting(line, n) for n in range(number * 20, number * 20 + 12)]
        texts = [*(quoting(line, n) for n in range(4)), *others]
        found.add(hashed([line]) <= find_boilerplate(["en"] * len(texts), prints(texts)))
    assert found == {False, True}


@pytest.mark.parametrize("span", [1, 4, 100])
def test_who_is_compared_are_the_least_digests_and_each_is_lent_once_to_who_compares(span: int, kept: Kept) -> None:
    texts = [*(page(n) for n in range(20)), *syndicated(10), *(posting(ABOVE[0], n) for n in range(5))]
    languages = ["de" if n % 3 == 0 else "en" for n in range(len(texts))]
    run = kept(texts, languages, span)
    expected = samples_of(texts, languages)
    assert {len(sample) for _, sample in expected} > {SAMPLE}
    found = []
    for bucket in range(run.done[LENT].parts):
        samples = gathered(run, SAMPLED, SAMPLES, bucket)
        found += [(row["passage"], tuple(row["sample"])) for row in samples]
        lent = [row["work"] for row in gathered(run, LENT, TO_COMPARE, bucket)]
        assert sorted(lent) == sorted({work for row in samples for work in row["sample"]})
    assert sorted(found) == sorted(expected)


def samples_of(texts: Sequence[str], languages: Sequence[str]) -> list[tuple[int, tuple[int, ...]]]:
    """The slow way."""
    made = prints(texts, languages)
    holders: dict[tuple[int, str], list[int]] = defaultdict(list)
    for work in sorted(range(len(texts)), key=lambda work: made[work].digest):
        for passage in set(made[work].passages.tolist()):
            holders[passage, languages[work]].append(work)
    return [(passage, tuple(some[:SAMPLE])) for (passage, _), some in holders.items() if len(some) >= LEAST_HOLDERS]


def test_a_passage_that_all_texts_hold_costs_no_more_than_a_sample_of_each_part(kept: Kept) -> None:
    run = kept(list(map(page, range(90))), ["en"] * 90, 30)
    assert len(sent(run, PASSAGES, COUNTS)) == 3 * len(FURNITURE) + 6 * 90  # one a part, and their own
    assert len(sent(run, HELD, HOLDERS)) == 3 * SAMPLE * len(FURNITURE)
    assert len(sent(run, LENT, TO_COMPARE)) == SAMPLE  # who are compared are the same for all


def test_what_was_sent_is_deleted_when_it_is_used(tmp_path: Path) -> None:
    run, found = made_in_parts(tmp_path, list(map(page, range(9))), ["en"] * 9, 3)
    assert found == sorted(FURNITURE)
    assert not list(Path(run.workshop.store.root).rglob("*.arrow"))


def test_a_run_that_goes_on_finds_the_same(tmp_path: Path) -> None:
    texts, languages = list(map(page, range(9))), ["en"] * 9
    first, found = made_in_parts(tmp_path, texts, languages, 3)
    again, found_again = made_in_parts(tmp_path, texts, languages, 3)
    assert found_again == found == sorted(FURNITURE)
    assert again.taken == list(first.done)


def sent(run: Run, stage: str, name: str) -> list[dict[str, Any]]:
    return [row for bucket in range(run.done[stage].parts) for row in gathered(run, stage, name, bucket)]


def gathered(run: Run, stage: str, name: str, bucket: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = Desk(run.workshop, "", 0).gather(stage, name, bucket).to_pylist()
    return rows


def test_a_text_by_itself_has_none(tmp_path: Path) -> None:
    assert made_in_parts(tmp_path, ["One text."], ["en"], 5)[1] == []


@pytest.mark.parametrize("known", [FURNITURE, hashed(["Not in any text."]), frozenset()])
def test_what_is_compared_is_without_boilerplate_even_of_passages_beyond_the_compared(
    known: frozenset[int], tmp_path: Path
) -> None:
    few = Settings(max_segments=5)
    made = fingerprint([article(page(n), "en") for n in range(3)], few)
    texting = texts_stage(made, ["en"] * 3, 3)
    workshop = Workshop(str(tmp_path), Models(HashingEncoder(), calibration(), Confirmed.TABLE))
    run = Run(workshop, few, InOneProcess({TEXTS: texting}))
    run.begin()
    run.stage(texting, 1)
    run.stage(SUBJECTING, 1, {"boilerplate": np.array(sorted(known), np.uint64)})
    found = Subjects([run.table(SUBJECTS, 0)])
    expected = discount(made, known, few)
    assert any(f.widths.tolist() != whole.widths.tolist() for f, whole in zip(expected, made, strict=True)) == (
        known == FURNITURE
    )
    for place, f in enumerate(expected):
        compared = found[place].fingerprint
        assert compared.numbers == f.numbers
        assert compared.width == f.width
        assert compared.widths.tolist() == f.widths.tolist()
        assert compared.signature.tolist() == f.signature.tolist()
