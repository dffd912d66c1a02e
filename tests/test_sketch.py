import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from dedup import Record, Settings, Skipped, prepare
from dedup import sketch as module
from dedup.embed import Lens
from dedup.encoders import HashingEncoder
from dedup.errors import InputError
from dedup.language import language_of
from dedup.model import Confirmed
from dedup.pipeline import Models, report_of, run_stages
from dedup.report.json_file import to_json
from dedup.sketch import Sketch, sketches_of
from dedup.spool import Arena, Spool

from . import stages

LENS = Lens(HashingEncoder(dimensions=stages.DIMENSIONS), stages.calibration())
MODELS = Models(LENS.encoder, LENS.calibration, Confirmed.TABLE)


def items(count: int) -> list[Record | Skipped]:
    """Articles and edited copies of them, with what was skipped, what cannot be used, and ids that come twice."""
    rng = random.Random(5)  # noqa: S311
    words = ["".join(rng.choices("abcdefghij", k=6)) for _ in range(400)]
    made: list[Record | Skipped] = []
    for number in range(count):
        text = ". ".join(" ".join(rng.choices(words, k=12)).capitalize() for _ in range(3))
        made.append(Record(f"r{number:03}", f"{text}.", language="en", path="t.jsonl", line=2 * number + 1))
        if number % 3 == 0:
            made.append(Record(f"copy {number:03}", f"{text} {words[number % 400]}.", language="de"))
        if number % 20 == 0:
            made.append(Skipped("t.jsonl", 2 * number + 1, "no text"))
            made.append(
                Record(f"r{number:03}", f"Another text under the same id. {text}.", path="u.jsonl", line=number + 1)
            )
            made.append(Record(f"blank {number}", " \n", path="v.jsonl", line=number + 1))
    return made


ITEMS = items(240)


def report(records: Sequence[Record | Skipped], workers: int = 1) -> bytes:
    chosen = Settings(workers=workers)
    return to_json(report_of(run_stages(records, chosen, models=MODELS), chosen))


@cache
def in_one_piece() -> bytes:
    """The report of all of them, with nothing changed."""
    return report(ITEMS)


@cache
def contents_in_one_piece() -> list[object]:
    return [content(one) for some in sketched(ITEMS[:100]) for one in some if isinstance(one, Sketch)]


def sketched(
    records: Sequence[Record | Skipped], workers: int = 1, lens: Lens | None = LENS
) -> list[list[Sketch | Skipped]]:
    return list(sketches_of(iter(records), Settings(workers=workers), lens, Spool(), Arena()))


def whole(one: Sketch | Skipped) -> object:
    return one if isinstance(one, Skipped) else (one.entry, one.rank, one.fingerprint.digest, one.embedding is None)


def content(one: Sketch | Skipped) -> object:
    if isinstance(one, Skipped):
        return one
    f, e = one.fingerprint, one.embedding
    assert e is not None
    arrays = [a.tobytes() for a in (f.signature, f.passages, f.widths, e.steps, e.norms, e.document)]
    rest = (one.entry, one.rank, f.digest, f.numbers, f.figures, f.width, f.script, f.names)
    return (*rest, *arrays, tuple(f.segments), tuple(f.beyond))


def test_long_texts_are_worked_on_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [content(one) for some in sketched(ITEMS[:50]) for one in some if isinstance(one, Sketch)]
    monkeypatch.setattr(module, "CHARACTERS", 400)
    batches = list(sketched(ITEMS[:50]))
    assert [content(one) for some in batches for one in some if isinstance(one, Sketch)] == expected
    assert max(map(len, batches)) < 10


@pytest.mark.parametrize(("batch", "few", "workers"), [(7, 1_024, 1), (1_000, 1_024, 1), (16, 40, 2)])
def test_neither_batches_nor_processes_change_a_sketch_or_a_byte_of_the_report(
    batch: int, few: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, whole = contents_in_one_piece(), in_one_piece()
    monkeypatch.setattr(module, "BATCH", batch)
    monkeypatch.setattr(module, "FEW", few)
    found = [content(one) for some in sketched(ITEMS[:100], workers) for one in some if isinstance(one, Sketch)]
    assert found == expected
    assert report(ITEMS, workers) == whole
    assert whole.count(b'"members"') > 50


def test_what_is_skipped_and_what_cannot_be_used_travels_along() -> None:
    skipped = [one for some in sketched(ITEMS) for one in some if isinstance(one, Skipped)]
    given = [one for one in ITEMS if isinstance(one, Skipped)]
    assert [one for one in skipped if one.reason == "no text"] == given
    assert sum(one.reason == "empty text" for one in skipped) == len(given) == 12
    assert len(skipped) == 24


def test_of_several_records_with_one_id_the_same_is_kept_in_any_order() -> None:
    expected = in_one_piece()
    assert expected.count(b"duplicate id") == 12
    for seed in range(3):
        shuffled = ITEMS.copy()
        random.Random(seed).shuffle(shuffled)  # noqa: S311
        assert report(shuffled) == expected


def test_a_fault_in_a_process_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 10)
    broken = Lens(HashingEncoder(dimensions=8), LENS.calibration)  # vectors of another size than the calibration's
    with pytest.raises(InputError, match="is for vectors of 256 dimensions, not of 8"):
        sketched(ITEMS[:40], 2, broken)


class PanicError(BaseException):
    """Like what a library in Rust raises where it panics (``PanicException`` of pyo3)."""


@pytest.mark.parametrize("failing", [RuntimeError, RecursionError, PanicError])
def test_a_record_that_makes_a_library_fail_costs_itself_only(
    failing: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(text: str, stated: str | None) -> str:
        if "poison" in text:
            raise failing("a library\ngave up")
        return language_of(text, stated)

    monkeypatch.setattr(prepare, "language_of", fails)
    poison = Record("x", "A text with poison in it.", path="x.jsonl", line=7)
    good: list[Record | Skipped] = [Record("a", "Some text."), Record("b", "Another text.")]
    records = [good[0], poison, good[1]]
    for lens in (LENS, None):
        (first, *others) = sketched(records, lens=lens)[0]
        assert first == Skipped("x.jsonl", 7, f"cannot be worked on: {failing.__name__}: a library gave up")
        assert list(map(whole, others)) == list(map(whole, sketched(good, lens=lens)[0]))
    assert sketched([poison] * 3, lens=None) == [[first] * 3]


def test_a_sketch_holds_no_text_but_can_read_its_segments() -> None:
    text = "\n".join(f"Line {n} of a text that goes on and on without ever saying anything new." for n in range(3))
    ((one,),) = sketched([Record("a", text, language="en")])
    assert isinstance(one, Sketch)
    assert list(one.fingerprint.segments) == text.split("\n")
    assert text not in repr(one)
    assert (one.id, one.entry.characters) == ("a", len(text))


def test_without_a_lens_there_are_no_vectors() -> None:
    ((one,),) = sketched([Record("a", "Some text.")], lens=None)
    assert isinstance(one, Sketch)
    assert one.embedding is None
    ((seen,),) = sketched([Record("a", "Some text.")])
    assert isinstance(seen, Sketch)
    assert seen.embedding is not None
    assert np.linalg.norm(seen.embedding.document) == pytest.approx(1)
    assert replace(seen, embedding=None).entry == one.entry


def test_who_wants_a_run_to_end_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "language_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sketched([Record("a", "Some text.")])
