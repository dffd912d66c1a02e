import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from dedup import Record, Settings
from dedup import check as check_module
from dedup import consult as module
from dedup.candidates import Candidates
from dedup.check import check, known_from
from dedup.confirm import Confirmation, confirm, judge
from dedup.consult import OPEN, Consultation, consult
from dedup.embed import Lens
from dedup.encoders import HashingEncoder
from dedup.evidence import Subject
from dedup.index import write as write_module
from dedup.model import CandidatePair, Confirmed, Finder, Link, Vectors
from dedup.pipeline import Models, report_of, run_stages

from . import stages
from .conftest import Cli

Pair = tuple[int, int]
SYLLABLES = (
    "bak bal bam ban bar bat bek bel bem ben bes bet bil bim bin bis bit bok bol bon bor bos bum bun "
    "dak dal dam dan dar dat dek dem den des dil dim dir don dos dot duk dul dun dur dut fak fal fam"
)
"""None falls into the place of another in the vectors, nor with an x behind it."""
WORDS = SYLLABLES.split()
SETTINGS = Settings()


class Model(HashingEncoder):
    """Takes numbered words for their plain ones, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__({f"{word}x": word for word in WORDS})
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return super().encode(texts)


class Unusable:
    """A model for runs that need none."""

    name = digest = "unusable"

    def encode(self, texts: object) -> Vectors:
        raise AssertionError(f"no model is needed, but was asked for {texts}")


def text(topic: int, told: int) -> str:
    """Twelve words of a topic, so many of which only the model understands."""
    words = WORDS[12 * topic : 12 * topic + 12]
    return " ".join([f"{word}x" for word in words[:told]] + words[told:])


TEXTS = [text(0, 0), text(0, 5), text(0, 9), text(1, 0), text(1, 8), text(2, 0), text(3, 12), text(3, 0)]
"""Pairs of a topic are open to the table where some of the words differ, and one to the model; the last two texts share
nothing but what the model sees."""

LANGUAGES = ["en", "de", "fr", "en", "de", "en", "en", "de"]


def by_table(pairs: Sequence[Pair]) -> tuple[list[Subject], Candidates, Confirmation]:
    subjects = stages.subjects(TEXTS, LANGUAGES)
    candidates = Candidates.of(CandidatePair(*pair, (Finder.VECTORS,)) for pair in pairs)
    return subjects, candidates, confirm(candidates, subjects, stages.calibration(), Confirmed.TABLE)


ALL = list(combinations(range(len(TEXTS)), 2))
OPEN_PAIRS = [(0, 1), (0, 2), (1, 2), (3, 4)]


def consulted(model: Model | Unusable, pairs: Sequence[Pair] = ALL) -> tuple[Consultation, Confirmation]:
    subjects, candidates, confirmation = by_table(pairs)
    return consult(confirmation, candidates, subjects, Lens(model, stages.calibration()), SETTINGS), confirmation


def funnel(said: Consultation) -> dict[str, int]:
    return {stage.stage: stage.pairs for stage in said.funnel}


def is_open(link: Link) -> bool:
    return OPEN[0] < link.probability < OPEN[1]


def test_all_open_pairs_of_a_small_run_are_asked_and_no_other_text_is_encoded() -> None:
    model = Model()
    said, table = consulted(model)
    assert [(link.left, link.right) for link in table.links if is_open(link)] == OPEN_PAIRS
    assert sorted(said.subjects) == [0, 1, 2, 3, 4]
    assert sorted(model.seen) == sorted(TEXTS[i] for i in said.subjects)
    assert funnel(said)["asked of the model"] == len(OPEN_PAIRS)
    assert funnel(said)["left open to the table"] == 0


def test_among_encoded_texts_the_models_judgement_stands_and_elsewhere_the_tables() -> None:
    said, table = consulted(Model())
    links = {(link.left, link.right): link for link in said.links}
    assert list(links) == sorted(links)
    for pair in OPEN_PAIRS:
        left, right = (said.subjects[position] for position in pair)
        assert links[pair] == judge(CandidatePair(*pair, (Finder.VECTORS,)), left, right, stages.calibration())
        assert links[pair].probability > OPEN[1]
    for link in table.links:
        if not (link.left in said.subjects and link.right in said.subjects):
            assert links[link.left, link.right] == link
    among = {pair for pair in links if set(pair) <= set(said.subjects)}
    assert {links[pair].confirmed_by for pair in among} == {Confirmed.MODEL}
    assert {link.confirmed_by for pair, link in links.items() if pair not in among} <= {Confirmed.TABLE}


def test_pairs_that_only_the_model_sees_are_proposed_among_encoded_texts() -> None:
    said, _ = consulted(Model(), [(0, 1), (1, 2), (3, 4)])
    assert {(link.left, link.right) for link in said.links} >= {(0, 1), (0, 2), (1, 2), (3, 4)}


def test_the_funnel_adds_up() -> None:
    said, table = consulted(Model())
    counts = funnel(said)
    assert counts["open by the table"] == sum(map(is_open, table.links))
    assert counts["open by the table"] == counts["asked of the model"] + counts["left open to the table"]
    before = {(link.left, link.right): link.probability >= 0.5 for link in table.links}
    after = {(link.left, link.right): link.probability >= 0.5 for link in said.links}
    assert counts["changed by the model"] == sum(before[pair] != after[pair] for pair in OPEN_PAIRS) > 0


def test_where_nothing_is_open_the_model_is_not_asked() -> None:
    said, table = consulted(Unusable(), [(0, 3), (5, 6)])
    assert (said.subjects, said.links) == ({}, table.links)
    assert set(funnel(said).values()) == {0}


def test_open_pairs_that_do_not_matter_are_left_to_the_table() -> None:
    subjects, candidates, confirmation = by_table(ALL)
    model = Model()
    lens = Lens(model, stages.calibration())
    said = consult(confirmation, candidates, subjects, lens, SETTINGS, matters=lambda link: link.left == 3)
    assert sorted(said.subjects) == [3, 4]
    assert sorted(model.seen) == sorted(TEXTS[i] for i in (3, 4))
    assert (funnel(said)["asked of the model"], funnel(said)["left open to the table"]) == (1, len(OPEN_PAIRS) - 1)


# --- rounds


def in_rounds(monkeypatch: pytest.MonkeyPatch, worth: int) -> tuple[Model, list[tuple[int, int]], Consultation]:
    """A round for each pair with a text that is new; how far each round came; and the outcome."""
    monkeypatch.setattr(module, "ROUND", 1)
    monkeypatch.setattr(module, "WORTH", worth)
    model, told = Model(), list[tuple[int, int]]()
    subjects, candidates, confirmation = by_table(ALL)
    lens = Lens(model, stages.calibration())
    said = consult(confirmation, candidates, subjects, lens, SETTINGS, lambda done, total: told.append((done, total)))
    return model, told, said


def test_the_most_doubt_a_segment_is_asked_about_first(monkeypatch: pytest.MonkeyPatch) -> None:
    model, told, _ = in_rounds(monkeypatch, worth=0)
    _, _, table = by_table(ALL)
    sizes = [len(subject.embedding.norms) for subject in by_table(ALL)[0]]

    def doubt(link: Link) -> float:
        return min(link.probability, 1 - link.probability) / (sizes[link.left] + sizes[link.right])

    first = max(filter(is_open, table.links), key=doubt)
    assert told[0] == (0, len(OPEN_PAIRS))
    assert 0 < told[1][0] < told[1][1] == len(OPEN_PAIRS)
    assert set(model.seen[:2]) == {TEXTS[first.left], TEXTS[first.right]}


@pytest.mark.parametrize("worth", [0, 10_000])
def test_a_round_that_changes_too_little_is_the_last(worth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, told, said = in_rounds(monkeypatch, worth)
    counts = funnel(said)
    if worth == 0:  # nothing is worth another round
        assert told == [(0, 4), (1, 4)]
    else:  # the first two pairs change, and the third does not
        assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]
        assert counts["changed by the model"] == 2
    assert counts["asked of the model"] == told[-1][0]
    assert counts["asked of the model"] + counts["left open to the table"] == len(OPEN_PAIRS)


def test_a_text_is_encoded_in_one_round_only(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _, _ = in_rounds(monkeypatch, worth=10_000)
    assert len(model.seen) == len(set(model.seen))


# --- in a run


RECORDS = [Record(f"{i}", made, language=code) for i, (made, code) in enumerate(zip(TEXTS, LANGUAGES, strict=True))]


def models(closer: Model | Unusable) -> Models:
    calibration = stages.calibration()
    table = HashingEncoder(dimensions=stages.DIMENSIONS)
    return Models(table, calibration, Confirmed.TABLE, Lens(closer, calibration))


def test_a_run_links_what_the_model_says_and_names_both_models() -> None:
    made = run_stages(RECORDS, SETTINGS, models=models(Model()))
    report = report_of(made, SETTINGS)
    assert [cluster.members for cluster in report.clusters] == [(0, 1, 2), (3, 4)]
    assert {link.confirmed_by for cluster in report.clusters for link in cluster.links} == {Confirmed.MODEL}
    assert report.first_encoder is not None
    assert (report.first_encoder.digest, report.encoder.digest) == (HashingEncoder().digest, Model().digest)
    counts = {stage.stage: stage.pairs for stage in report.funnel}
    assert counts["open by the table"] == counts["asked of the model"] + counts["left open to the table"] > 0
    assert set(made.judge.closer) == {0, 1, 2, 3, 4}
    for left, right in combinations(range(len(TEXTS)), 2):
        judged = made.judge(CandidatePair(left, right, ()))
        assert judged.confirmed_by is (Confirmed.MODEL if {left, right} <= set(made.judge.closer) else Confirmed.TABLE)
        total = math.fsum(one.weight for one in judged.evidence)
        assert judged.probability == pytest.approx(1 / (1 + math.exp(-total)))


def test_a_run_in_which_all_is_clear_needs_no_model() -> None:
    clear = [replace(RECORDS[i], id=f"{i} {copy}") for i in (0, 3, 5) for copy in range(2)]
    report = report_of(run_stages(clear, SETTINGS, models=models(Unusable())), SETTINGS)
    assert [cluster.members for cluster in report.clusters] == [(0, 1), (2, 3), (4, 5)]


Check = Callable[..., tuple[list[tuple[str, list[str]]], Model]]


@pytest.fixture
def check_with_model(monkeypatch: pytest.MonkeyPatch) -> Check:
    """Checks new records against known ones: which partners each new record is told of, and the model that was there
    to be asked.
    """

    def checked(
        new: Sequence[Record], known: Sequence[Record], settings: Settings = SETTINGS, *, thorough: bool = False
    ) -> tuple[list[tuple[str, list[str]]], Model]:
        model = Model()
        made = models(model)
        monkeypatch.setattr(check_module, "models_of", lambda *_: made)
        monkeypatch.setattr(write_module, "models_of", lambda *_: made)
        with known_from(known, settings) as index:
            outcome = check(new, index, settings, thorough=thorough)
        return [(f.record.id, [m.partner.id for m in f.matches]) for f in outcome.findings], model

    return checked


def test_a_check_asks_the_model_only_of_new_texts_that_are_not_found_without_it(check_with_model: Check) -> None:
    known = [RECORDS[0], RECORDS[3]]
    for new, asked in ((RECORDS[1], True), (replace(RECORDS[1], id="copy", text=TEXTS[0].upper()), False)):
        told, model = check_with_model([new], known)
        assert told == [(new.id, [RECORDS[0].id])]
        assert bool(model.seen) is asked


HALF = text(0, 8)
"""As likely another article as that of ``TEXTS[0]`` to the table, though not to the model."""

HALF_TURNED = " ".join(reversed(HALF.split()))
"""Its very words, in another order."""


def test_a_new_text_that_goes_with_another_new_one_is_put_to_the_model_all_the_same(check_with_model: Check) -> None:
    new = [Record("one", HALF, language="de"), Record("two", HALF_TURNED, language="fr")]
    told, _ = check_with_model(new, [RECORDS[0]])
    assert {(id_, *sorted(partners)) for id_, partners in told} == {("one", "0"), ("two", "0", "one")}


def test_a_thorough_check_puts_a_text_that_is_found_to_the_model_too(check_with_model: Check) -> None:
    new = [Record("one", HALF, language="de")]
    known = [Record("sure", HALF_TURNED, language="fr"), RECORDS[0]]
    assert check_with_model(new, known)[0] == [("one", ["sure"])]
    ((_, partners),), _ = check_with_model(new, known, thorough=True)
    assert sorted(partners) == ["0", "sure"]


def test_a_text_that_is_sure_but_below_the_threshold_is_put_to_the_model(check_with_model: Check) -> None:
    eleven = " ".join(HALF.split()[:11])
    new, sure = Record("one", HALF, language="de"), Record("sure", f"{eleven} vux", language="fr")
    strict = Settings(threshold=0.997)
    assert check_with_model([new], [sure])[0] == [("one", ["sure"])]
    assert check_with_model([new], [sure, RECORDS[0]], strict)[0] == [("one", ["0"])]


def test_below_the_default_threshold_the_model_is_asked_as_in_a_run(check_with_model: Check) -> None:
    new = Record("one", text(0, 9), language="de")
    assert check_with_model([new], [RECORDS[0]])[0] == []
    low = Settings(threshold=0.3)
    assert check_with_model([new], [RECORDS[0]], low)[0] == [("one", ["0"])]
    report = report_of(run_stages([new, RECORDS[0]], low, models=models(Model())), low)
    assert [cluster.members for cluster in report.clusters] == [(0, 1)]


def test_a_text_that_others_keep_from_the_one_it_surely_goes_with_is_put_to_the_model(check_with_model: Check) -> None:
    words = WORDS[:12]
    new = [
        Record("one", f"{' '.join(words)} 8111 8999", language="en"),
        Record("two", f"{' '.join(reversed(words))} 8999 vux", language="en"),
    ]
    sure = Record("sure", f"{' '.join(words[:11])} 8111 vax", language="en")
    assert check_with_model(new[:1], [sure])[0] == [("one", ["sure"])]
    assert check_with_model(new, [sure])[0] == [("two", ["one"])]  # whose figures are not those of the sure one
    told, _ = check_with_model(new, [sure, Record("open", f"{HALF} 8111", language="de")])
    assert ("one", ["open", "sure"]) in told


def test_a_check_with_a_baseline_is_thorough(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check_module, "models_of", lambda *_: models(Model()))
    monkeypatch.setattr(write_module, "models_of", lambda *_: models(Model()))

    def table(name: str, **rows: tuple[str, str]) -> None:
        lines = (json.dumps({"id": id_, "text": said, "lang": code}) for id_, (said, code) in rows.items())
        Path(name).write_text("\n".join(lines), encoding="utf-8")

    table("new.jsonl", one=(HALF, "de"))
    table("known.jsonl", sure=(HALF_TURNED, "fr"))
    asked = ("check", "new.jsonl", "--against", "known.jsonl", "--baseline", "accepted.json")
    assert cli(*asked, "--update-baseline")[0] == 0
    assert cli(*asked)[0] == 0
    table("known.jsonl", sure=(HALF_TURNED, "fr"), other=(TEXTS[0], "en"))
    code, out, _ = cli(*asked, "--format", "json")
    (finding,) = json.loads(out)["findings"]
    assert code == 1
    assert {match["partner"]["id"]: match["accepted"] for match in finding["matches"]} == {"other": False, "sure": True}
