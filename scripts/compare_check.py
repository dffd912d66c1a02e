"""What a check says of new records beside what a run over everything says of them.

    python scripts/compare_check.py --data CORPORA --cache FOLDER --corpora ntrex xquad sparse
    python scripts/compare_check.py --data CORPORA --cache FOLDER --fitted --doubt 0.1 --corpora tico sparse handmade

Of each input a tenth of the records, drawn by a hash of their ids, is new and the rest known; the input is one of those
of ``bench_accuracy.py``. Printed are, for the check and for a run over all records:

* new records of which it says that their article is there already, against what the gold says: precision, recall, F1;
* pairs of a new record and another one that it puts together, and how many of them are wrong;
* and of how many new records the two say something different.

With ``--fitted`` the articles are those of the fit instead (``sparse`` then draws from four corpora of them, and
``handmade`` are the articles in ``tests/handmade``), for choosing :data:`dedup.check.DOUBT`.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from calibrate import selected
from compare_confirm import fitted
from corpora import Labelled, rank
from inputs import INPUTS, SPARSE_CORPORA, SPARSE_DRAWS, Rows, draws_of, sparse
from outcome import run
from vector_cache import CachedEncoder

from dedup import Record, Settings
from dedup.check import DOUBT, check, known_from
from dedup.encoders import Encoder, load_encoder
from dedup.settings import AUTO, CONFIRM, NEVER

HANDMADE = "handmade"
HANDMADE_FILE = Path(__file__).parent.parent / "tests" / "handmade" / "articles.jsonl"

SHARE = 0.1
"""Of the records that are new."""

Pairs = frozenset[tuple[str, str]]
"""Ids of a new record and of another one; of two new ones both ways."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of the new records: the pairs that were put together, and the seconds that it took."""

    pairs: Pairs
    seconds: float

    @property
    def found(self) -> set[str]:
        """The new records whose article is there already."""
        return {new for new, _ in self.pairs}


def main() -> None:
    """Compare the two on each input."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    parser.add_argument(
        "--corpora", nargs="+", default=["ntrex", "xquad", "tico", "sparse"], choices=(*INPUTS, HANDMADE)
    )
    parser.add_argument("--fitted", action="store_true", help="the articles of the fit")
    parser.add_argument("--doubt", type=float, default=DOUBT, help="probability from which the model is asked")
    parser.add_argument("--confirm", choices=CONFIRM, default=AUTO)
    options = parser.parse_args()
    settings = Settings(confirm=options.confirm)
    encoder = CachedEncoder(load_encoder("bundled", settings.batch_size), options.cache)
    asked = None if options.confirm == NEVER else encoder
    print("| input | new | known | by | P | R | F1 | pairs | wrong | disagree | s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    draws = fitted_draws if options.fitted else draws_of
    for name in options.corpora:
        with patch("dedup.check.DOUBT", options.doubt):
            for line in lines(name, draws(options.data, name), settings, asked):
                print(line, flush=True)


def fitted_draws(data: Path, name: str) -> list[Rows]:
    """An input of the articles of the fit."""
    if name == HANDMADE:
        with HANDMADE_FILE.open(encoding="utf-8") as articles:
            rows = map(json.loads, articles)
            return [[Labelled(HANDMADE, row["id"], row["text"], row["lang"], row["gold"]) for row in rows]]
    if name == "sparse":
        pooled = [row for corpus in SPARSE_CORPORA for row in selected(data, corpus)]
        return [sparse(pooled, f"fitted {draw}") for draw in range(SPARSE_DRAWS)]
    return fitted(data, name)


def lines(name: str, draws: Sequence[Rows], settings: Settings, encoder: Encoder | None) -> Iterable[str]:
    """The rows of the table for an input: of the check and of the run."""
    new_count = known_count = disagree = 0
    truth: set[tuple[int, str]] = set()
    said: dict[str, list[tuple[int, Said]]] = defaultdict(list)
    wrong: dict[str, int] = defaultdict(int)
    for number, rows in enumerate(draws):
        new, known = parted(rows)
        gold = {row.id: row.gold for row in rows}
        by_gold: dict[str, int] = defaultdict(int)
        for row in rows:
            by_gold[row.gold] += 1
        truth |= {(number, row.id) for row in new if by_gold[row.gold] > 1}
        new_count, known_count = new_count + len(new), known_count + len(known)
        both = {"check": by_check(new, known, settings, encoder), "run": by_run(new, rows, settings, encoder)}
        for who, one in both.items():
            said[who].append((number, one))
            wrong[who] += sum(gold[left] != gold[right] for left, right in one.pairs)
        disagree += len(both["check"].found ^ both["run"].found)
    for who, ones in said.items():
        found = {(number, id_) for number, one in ones for id_ in one.found}
        precision = len(found & truth) / max(len(found), 1)
        recall = len(found & truth) / max(len(truth), 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        pairs = sum(len(one.pairs) for _, one in ones)
        seconds = sum(one.seconds for _, one in ones)
        yield (
            f"| {name} | {new_count:,} | {known_count:,} | {who} | {precision:.4f} | {recall:.4f} | {f1:.4f} "
            f"| {pairs:,} | {wrong[who]:,} | {disagree} | {seconds:.0f} |"
        )


def parted(rows: Sequence[Labelled]) -> tuple[Rows, Rows]:
    """The new records and the known ones."""
    ranked = sorted(rows, key=lambda row: rank(row.id))
    count = max(1, round(SHARE * len(ranked)))
    return ranked[:count], ranked[count:]


def by_check(new: Rows, known: Rows, settings: Settings, encoder: Encoder | None) -> Said:
    """What ``dedup check`` says; the time is without the making of the index."""
    with known_from(map(record, known), settings, encoder=encoder) as index:
        started = time.perf_counter()
        checked = check(map(record, new), index, settings, encoder=encoder)
        seconds = time.perf_counter() - started
    pairs = set()
    for finding in checked.findings:
        for match in finding.matches:
            pairs.add((finding.record.id, match.partner.id))
            if not match.known:
                pairs.add((match.partner.id, finding.record.id))
    return Said(frozenset(pairs), seconds)


def by_run(new: Rows, rows: Sequence[Labelled], settings: Settings, encoder: Encoder | None) -> Said:
    """What ``dedup run`` says of all records."""
    outcome = run(rows, settings, encoder)
    members: dict[int, list[str]] = defaultdict(list)
    for row, cluster in zip(outcome.rows, outcome.clusters, strict=True):
        members[cluster].append(row.id)
    cluster_of = {row.id: cluster for row, cluster in zip(outcome.rows, outcome.clusters, strict=True)}
    pairs = {(row.id, other) for row in new for other in members[cluster_of[row.id]] if other != row.id}
    return Said(frozenset(pairs), outcome.seconds)


def record(row: Labelled) -> Record:
    """The record that the program sees."""
    return Record(row.id, row.text, None, row.language)


if __name__ == "__main__":
    main()
