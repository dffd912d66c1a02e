"""What a run in parts tells is what a run in one piece tells, whatever the parts."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import msgspec
import pytest

from dedup import Settings, WholeReport
from dedup.encoders import HashingEncoder
from dedup.model import Confirmed, Report
from dedup.pipeline import Models, report_of, run_stages
from dedup.read import Fields
from dedup.read.records import open_input, read_records
from dedup.report.assignment import arrow_table, assignment
from dedup.report.document import document_of
from dedup.report.json_file import to_json

from . import stages

pa: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")

from dedup.engines import components, outputs, run  # noqa: E402 - they need pyarrow
from dedup.engines.clustering import MEMBERS  # noqa: E402
from dedup.engines.consulting import LINKED  # noqa: E402
from dedup.engines.plan import find  # noqa: E402
from dedup.engines.results import LINK_ROWS, Results, link_row, results  # noqa: E402
from dedup.engines.run import Run  # noqa: E402
from dedup.engines.stage import Workshop, given_name  # noqa: E402
from dedup.engines.stages import STAGES  # noqa: E402

SETTINGS = Settings(max_segments=4)
MODELS = Models(HashingEncoder(), stages.calibration(), Confirmed.TABLE)
SCHEMA = json.loads((Path(__file__).parent.parent / "dedup" / "report" / "summary.schema.json").read_bytes())
HOME = "https://home.example/"
SYLLABLES = ("ka", "lo", "mi", "nu", "pe", "ri", "so", "tu", "va", "ze")
WORDS = ["".join(three) for three in product(SYLLABLES, repeat=3)]


class InOneProcess:
    """Does parts one after the other, in any order."""

    def __init__(self, random: Random, models: Models) -> None:
        self._random, self._models = random, models

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        for part in self._random.sample(parts, len(parts)):
            Workshop(root, self._models).do(STAGES[stage], part)
            yield part


def sentence(random: Random) -> str:
    return " ".join(random.choices(WORDS, k=9)).capitalize() + "."


def records() -> list[dict[str, Any]]:
    """Copies, edits, texts by themselves; pages cited by articles that agree, by others, and a home page by many."""
    random = Random(7)  # noqa: S311
    rows: list[dict[str, Any]] = []
    for number in range(18):
        text = [sentence(random) for _ in range(3)]
        page = f"https://news.example/{number // 2}/the-long-title-of-an-article-{number // 2}.html"
        rows.append({"text": " ".join(text), "url": page})
        if number % 3 == 0:
            rows.append({"text": " ".join(text), "url": random.choice([page, HOME, None])})
        if number % 4 == 0:
            rows.append({"text": " ".join([*text[:2], text[2][:-5] + "."]), "url": random.choice([page, HOME])})
        if number % 5 == 0:
            rows.append({"text": sentence(random), "url": HOME})
    rows.append({"text": " ".join(sentence(random) for _ in range(40)), "url": None})  # longer than the settings allow
    random.shuffle(rows)
    names = [f"{place:02}" for place in range(len(rows))]
    names[3] = "\udcff-no-unicode"
    names[5] = names[9]
    rows = [{"id": name, "lang": random.choice(["en", "de"]), **row} for name, row in zip(names, rows, strict=True)]
    return [*rows, {"id": "empty", "text": " ", "lang": "en"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records in three files, one of which has lines that are none."""
    folder = tmp_path_factory.mktemp("records")
    rows = records()
    for number in range(3):
        lines = [json.dumps(row) for row in rows[number::3]]
        (folder / f"{number}.jsonl").write_text("\n".join([*lines, *(["not JSON"] if number == 1 else [])]) + "\n")
    return folder


def paths(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.glob("*.jsonl"))]


@pytest.fixture(scope="module")
def local(folder: Path) -> WholeReport:
    """Of a run in one piece."""
    return report_of(run_stages(read_records(paths(folder)), SETTINGS, models=MODELS), SETTINGS)


class Made:
    """A run in parts, and what it gives."""

    def __init__(self, folder: Path, store: Path, partition: int, seed: int = 0) -> None:
        models = MODELS
        self.run = Run(Workshop(str(store), models), SETTINGS, InOneProcess(Random(seed), models))  # noqa: S311
        given = open_input(paths(folder))
        self.run.begin()
        self.found = find(self.run, given, Fields(), partition)
        self.listed = given.skipped
        self.results: Results = results(self.run, self.found)

    def report(self) -> Report:
        return outputs.report_of(self.run, self.found, self.results, self.listed)

    def summary(self) -> dict[str, Any]:
        summary = outputs.summary_of(self.run, self.found, self.results, self.listed)
        decoded: dict[str, Any] = json.loads(msgspec.json.encode(summary))
        jsonschema.Draft202012Validator(SCHEMA).validate(decoded)
        return decoded


@pytest.fixture(scope="module")
def made(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(folder, tmp_path_factory.mktemp("store"), 7)


def test_the_records_have_all_that_is_told(local: WholeReport) -> None:
    """Else the tests below would prove little."""
    said = document_of(local)
    reasons = [conflict.reason for conflict in said.conflicts]
    assert len(said.clusters) > 5
    assert {relation for one in said.clusters for relation in (link.relation for link in one.links)} > {"exact"}
    assert any("lists or introduces" in reason for reason in reasons)
    assert any("at most" in reason for reason in reasons)
    assert said.input.shortened
    assert len(said.skipped) >= 3
    assert any("udcff" in member.id for one in said.clusters for member in one.members) or any(
        "udcff" in row.id for row in assignment(local)
    )


@pytest.mark.parametrize("partition", [2, 7, 1_000])
def test_the_report_is_that_of_a_run_in_one_piece(
    partition: int, folder: Path, local: WholeReport, tmp_path: Path
) -> None:
    made = Made(folder, tmp_path, partition, partition)
    report = made.report()
    assert to_json(report) == to_json(local)


def test_the_report_is_that_of_a_run_in_one_piece_where_each_record_is_a_part(tmp_path: Path) -> None:
    """With few records: what a part costs does not depend on what is in it."""
    rows = sorted(records(), key=lambda row: str(row["text"]))[-10:]  # copies and edits beside each other
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    whole = report_of(run_stages(read_records(paths(tmp_path)), SETTINGS, models=MODELS), SETTINGS)
    assert len(whole.clusters) > 1
    assert to_json(Made(tmp_path, tmp_path / "store", 1, 1).report()) == to_json(whole)


@pytest.mark.parametrize("partition", [2, 4, 7])
def test_the_report_is_the_same_when_all_parts_join_the_links(
    partition: int, folder: Path, local: WholeReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(components, "LINKS_HERE", 0)
    monkeypatch.setattr(components, "LARGE", 2)
    monkeypatch.setattr(components, "MOST_BUCKETS", 5)
    monkeypatch.setattr(run, "LITTLE", 0)  # all of it by workers, in any order
    made = Made(folder, tmp_path, partition, partition)
    assert "large-star-00" in made.run.done
    assert len(made.run.workshop.given(MEMBERS)["large"]) > 2
    assert to_json(made.report()) == to_json(local)


def test_no_part_is_told_of_the_works_of_others(tmp_path: Path) -> None:
    random = Random(2)  # noqa: S311
    told: list[dict[str, int]] = []
    for count in (48, 192):
        folder = tmp_path / str(count)
        folder.mkdir()
        texts = [" ".join(sentence(random) for _ in range(4)) for _ in range(count // 3)]
        rows = (
            {"id": f"{place:03}", "lang": "en", "text": f"{texts[place % len(texts)]} {ending.capitalize()}."}
            for place, ending in zip(range(count), WORDS, strict=False)
        )
        (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        made = Made(folder, folder / "store", count // 4)
        assert len(made.report().clusters) == count // 3
        names = list(made.run.done)
        names = names[names.index(LINKED) :]
        files = {name: folder / "store" / given_name(name) for name in names}
        told.append({name: file.stat().st_size for name, file in files.items() if file.exists()})
    assert {"labels", "members", "clusters", "where", "told"} <= set(told[0])
    assert told[0] == told[1]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


@pytest.mark.parametrize("partition", [4, 1_000])
def test_the_files_hold_the_assignment_and_the_links_of_the_report(
    partition: int, folder: Path, local: WholeReport, tmp_path: Path
) -> None:
    made = Made(folder, tmp_path / "store", partition)
    outputs.write_tables(made.run, str(tmp_path / "out"))
    rows = pa.concat_tables([parquet.read_table(path) for path in files(tmp_path / "out" / "assignment")])
    assert rows.schema == arrow_table([]).schema
    assert rows.to_pylist() == arrow_table(assignment(local)).to_pylist()
    links = pa.concat_tables([parquet.read_table(path) for path in files(tmp_path / "out" / "links")])
    expected = [{"cluster": one.id, **link_row(link)} for one in document_of(local).clusters for link in one.links]
    assert links.schema == LINK_ROWS
    assert (
        links.to_pylist()
        == pa.Table.from_pylist(sorted(expected, key=lambda row: (row["left"], row["right"])), LINK_ROWS).to_pylist()
    )
    assert len(files(tmp_path / "out" / "assignment")) == len(files(tmp_path / "out" / "links"))


def test_files_of_another_run_give_way_and_those_that_are_gone_come_again(made: Made, tmp_path: Path) -> None:
    for folder in ("assignment", "links"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part-00999.parquet").write_bytes(b"old")
        (tmp_path / folder / "of-mine.txt").write_bytes(b"stays")
    outputs.write_tables(made.run, str(tmp_path))
    first = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.glob("*/*")}
    assert Path("assignment/part-00999.parquet") not in first
    assert Path("links/of-mine.txt") in first
    (tmp_path / "links" / "part-00001.parquet").unlink()
    outputs.write_tables(made.run, str(tmp_path))
    assert {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.glob("*/*")} == first


def test_the_summary_counts_what_the_report_lists(made: Made, local: WholeReport) -> None:
    summary, said = made.summary(), document_of(local)
    assert summary["input"] == {
        "records": said.input.records,
        "texts": said.input.records - {one.stage: one.pairs for one in said.funnel}["exact copies"],
        "skipped": said.input.skipped,
        "languages": said.input.languages,
        "shortened": len(said.input.shortened),
        "dropped_segments": said.input.dropped_segments,
        "boilerplate_passages": said.input.boilerplate_passages,
    }
    assert summary["funnel"] == [{"stage": one.stage, "pairs": one.pairs} for one in said.funnel]
    sizes = [len(one.members) for one in said.clusters]
    assert summary["clusters"] == {
        "clusters": len(sizes),
        "records": sum(sizes),
        "links": sum(len(one.links) for one in said.clusters),
        "flagged": sum(1 for one in said.clusters if one.flags),
        "sizes": [{"records": size, "clusters": sizes.count(size)} for size in sorted(set(sizes))],
    }
    assert summary["conflicts"] == {
        "pages": len(said.conflicts),
        "records": sum(len(one.members) for one in said.conflicts),
    }
    assert {one["reason"]: one["pieces"] for one in summary["skipped"]["reasons"]}["duplicate id"] == 1
    assert [one["stage"] for one in summary["stages"]] == list(made.run.done)


def test_nothing_in_common_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"id": "a", "text": "One text of its own."}\n{"id": "b", "text": "Other words!"}\n'
    )
    made = Made(tmp_path, tmp_path / "store", 1)
    whole = report_of(run_stages(read_records(paths(tmp_path)), SETTINGS, models=MODELS), SETTINGS)
    assert not whole.clusters
    assert to_json(made.report()) == to_json(whole)
    outputs.write_tables(made.run, str(tmp_path / "out"))
    tables = [parquet.read_table(path) for path in files(tmp_path / "out" / "assignment")]
    assert [row["id"] for row in pa.concat_tables(tables).to_pylist()] == ["a", "b"]
