"""How to choose an article's neighbours by vector: the right ones found, at equal numbers of candidates.

    python scripts/compare_candidates.py --data CORPORA --cache FOLDER

The calibration articles of NTREX, TICO-19, Kubernetes documentation and course pages are one input, as for
``calibrate.py``. Each article in another language is ranked, and the first ten are candidates. Ways to rank:

* nearest: by cosine;
* turns of m: languages take turns, nearest first, each with its m nearest, then each with its next m, and so on;
* mutual first: those among whose 20 nearest the article itself is, then the others, each by cosine;
* CSLS: by cosine less the mean cosine to the 10 nearest in other languages, of both (Conneau et al. 2018,
  arXiv:1710.04087); also with turns.

Two views:

* all partners: the input as it is, where one article has up to 70 translations. ``found`` is the share of records of
  which a translation is among the candidates, its own or those of the translation; ``pairs`` the share of all pairs of
  translations that are candidates; ``a record`` is how many different candidates that makes a record;
* one partner: every pair of translations as if it were the only two of its article, all other articles staying.
  ``missed`` is the share of pairs that neither side finds, per corpus, then their mean. This is what a corpus of texts
  translated into one or two languages meets.

``--dominant en es zh`` keeps, of the other articles' records, only those in these languages and a tenth of the rest:
an input in which few languages hold most of the text (one partner only).
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from calibrate import CORPORA, selected
from numpy.typing import NDArray
from vector_cache import CachedEncoder

from dedup.encoders import load_encoder
from dedup.evidence import Subject
from dedup.fingerprints import fingerprint
from dedup.model import Record
from dedup.neighbours import nearest, whole_steps
from dedup.pipeline import models_of, understand
from dedup.prepare import prepare
from dedup.settings import ALWAYS, Settings

COUNT = 10
"""Candidates of a record in other languages."""

HUB = 10
"""Neighbours whose mean similarity CSLS takes off."""

MUTUAL = 20
"""Nearest among which the article itself must be for a neighbour to be mutual."""

Whole = NDArray[np.int64]
Tier = Callable[[Whole, NDArray[np.bool_]], Whole]
"""(rank of each candidate in its language, whether it is mutual) -> its tier: lower tiers go first."""


@dataclass(frozen=True, slots=True)
class Input:
    """What the ways of ranking see, and the answers; ``similar`` is shape (records, records), whole numbers."""

    similar: NDArray[np.float32]
    writings: Whole
    golds: Whole
    corpora: list[str]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to rank: by cosine or CSLS within tiers."""

    name: str
    csls: bool
    tier: Tier


def turns(size: int) -> Tier:
    """Languages take turns with ``size`` candidates each."""
    return lambda ranks, _mutual: ranks // size


def by_similarity(ranks: Whole, _mutual: NDArray[np.bool_]) -> Whole:
    """One tier."""
    return np.zeros_like(ranks)


def mutual_first(_ranks: Whole, mutual: NDArray[np.bool_]) -> Whole:
    """Two tiers."""
    return (~mutual).astype(np.int64)


WAYS = (
    Way("nearest", False, by_similarity),
    *(Way(f"turns of {size}", False, turns(size)) for size in (1, 2, 3, 5)),
    Way("mutual first", False, mutual_first),
    Way("CSLS", True, by_similarity),
    Way("CSLS, turns of 1", True, turns(1)),
)


def main() -> None:
    """Read, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    parser.add_argument("--dominant", nargs="+", default=[], help="languages that hold most of the input")
    options = parser.parse_args()
    subjects, golds, corpora = read(options.data, options.cache)
    steps = whole_steps(np.stack([s.embedding.document for s in subjects]))
    writings = np.unique([s.writing for s in subjects], return_inverse=True)[1]
    given = Input(steps @ steps.T, writings, np.unique(golds, return_inverse=True)[1], corpora)
    print(f"{len(subjects)} records, {writings.max() + 1} languages, {given.golds.max() + 1} articles")
    if not options.dominant:
        all_partners(given, subjects)
    one_partner(given, staying([s.language for s in subjects], options.dominant))


def read(data: Path, cache: Path) -> tuple[list[Subject], list[str], list[str]]:
    """The subjects, their articles and their corpora."""
    rows = [row for name in CORPORA for row in selected(data, name)]
    articles, _ = prepare([Record(f"{r.corpus}/{r.id}", r.text, None, r.language) for r in rows])
    encoder = CachedEncoder(load_encoder("bundled", Settings().batch_size), cache)
    languages, models = [a.language for a in articles], models_of(Settings(confirm=ALWAYS), encoder, None)
    subjects, _ = understand(languages, fingerprint(articles, Settings()), [], models)
    return subjects, [f"{r.corpus}/{r.gold}" for r in rows], [r.corpus for r in rows]


def staying(languages: Sequence[str], dominant: Sequence[str]) -> NDArray[np.bool_]:
    """The records that stay beside a pair of translations."""
    if not dominant:
        return np.ones(len(languages), np.bool_)
    stays: NDArray[np.bool_] = np.isin(languages, dominant) | (np.random.default_rng(1).random(len(languages)) < 0.1)
    return stays


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates of one record by similarity, nearest first."""

    columns: Whole
    values: Whole
    ranks: Whole
    """Of each in its own language."""
    mutual: NDArray[np.bool_]


class Ranker:
    """Ranks the allowed candidates of every record, by cosine or CSLS."""

    def __init__(self, given: Input, allowed: Callable[[int], NDArray[np.bool_]], csls: bool) -> None:
        self._given, self._allowed, self._csls = given, allowed, csls
        count = len(given.similar)
        self._hub = np.zeros(count, np.int64)
        self._hub_edge, self._mutual_edge = np.zeros(count, np.int64), np.zeros(count, np.int64)
        for row in range(count):
            best = -np.sort(np.partition(-self._row(row), MUTUAL)[:MUTUAL])
            self._hub[row], self._hub_edge[row] = best[:HUB].sum(), best[HUB - 1]
            self._mutual_edge[row] = best[-1]

    def _row(self, row: int) -> Whole:
        cosines: Whole = self._given.similar[row][self._allowed(row)].astype(np.int64)
        return cosines

    def of(self, row: int) -> Ranking:
        """The candidates of a record."""
        columns = np.flatnonzero(self._allowed(row))
        cosines = self._given.similar[row][columns].astype(np.int64)
        values = 2 * HUB * cosines - self._hub[columns] if self._csls else cosines
        order = np.argsort(-values, kind="stable")
        columns, values, cosines = columns[order], values[order], cosines[order]
        mutual = (cosines >= self._mutual_edge[columns]) & (cosines >= self._mutual_edge[row])
        return Ranking(columns, values, _ranks(self._given.writings[columns]), mutual)

    def value_of(self, row: int, partner: int) -> tuple[int, bool]:
        """The value of a partner that is not among the allowed, and whether it is mutual, as if it were."""
        cosine = int(self._given.similar[row, partner])
        mutual = cosine >= max(self._mutual_edge[row], self._mutual_edge[partner])
        if not self._csls:
            return cosine, mutual
        return 2 * HUB * cosine - int(self._hub[partner] + max(0, cosine - self._hub_edge[partner])), mutual


def _ranks(writings: Whole) -> Whole:
    """How many of the same writing come before each."""
    order = np.argsort(writings, kind="stable")
    sorted_ = writings[order]
    starts = np.searchsorted(sorted_, sorted_)
    ranks = np.empty(len(writings), np.int64)
    ranks[order] = np.arange(len(writings)) - starts
    return ranks


def all_partners(given: Input, subjects: Sequence[Subject]) -> None:
    """Print the first view; and see that "turns of 1" is what the package does."""
    print(f"\n{'all partners':18} found   pairs  candidates a record")
    members = [np.flatnonzero(given.golds == gold) for gold in range(given.golds.max() + 1)]
    true = {(a, b) for group in members for n, a in enumerate(group.tolist()) for b in group[n + 1 :].tolist()}
    partnered = {position for pair in true for position in pair}
    package = nearest(np.stack([s.embedding.document for s in subjects]), [s.writing for s in subjects], COUNT)
    near = zip(package.left.tolist(), package.right.tolist(), strict=True)
    shipped = {(a, b) for a, b in near if given.writings[a] != given.writings[b]}
    for way in WAYS:
        ranker = Ranker(given, lambda row: given.writings != given.writings[row], way.csls)
        pairs = set()
        for row in range(len(given.similar)):
            ranking = ranker.of(row)
            tiers = way.tier(ranking.ranks, ranking.mutual)
            chosen = ranking.columns[np.argsort(tiers, kind="stable")[:COUNT]]
            pairs |= {(min(row, c), max(row, c)) for c in chosen.tolist()}
        found = {position for pair in pairs & true for position in pair}
        shown = f"{len(found) / len(partnered):.4f}  {len(pairs & true) / len(true):.4f}"
        same = "  (what the package does)" if pairs == shipped else ""
        print(f"{way.name:18} {shown}  {2 * len(pairs) / len(given.similar):.1f}{same}", flush=True)


def one_partner(given: Input, stays: NDArray[np.bool_]) -> None:
    """Print the second view."""
    corpora = sorted(set(given.corpora))
    print(f"\n{'one partner':18} missed  " + "".join(f"{name:>9}" for name in (*corpora, "mean")))
    for way in WAYS:
        found = found_alone(given, stays, way)
        missed: dict[str, list[bool]] = defaultdict(list)
        for (left, right), hit in found.items():
            if left < right:
                missed[given.corpora[left]].append(not (hit or found[right, left]))
        shares = [float(np.mean(missed[name])) for name in corpora]
        total = float(np.mean([one for name in corpora for one in missed[name]]))
        print(f"{way.name:18} {total:.4f}  " + "".join(f"{s:9.4f}" for s in (*shares, np.mean(shares))), flush=True)


def found_alone(given: Input, stays: NDArray[np.bool_], way: Way) -> dict[tuple[int, int], bool]:
    """(record, translation) -> whether it is a candidate, among all records of other articles that stay."""

    def allowed(row: int) -> NDArray[np.bool_]:
        others: NDArray[np.bool_] = (given.writings != given.writings[row]) & (given.golds != given.golds[row])
        return stays & others

    ranker = Ranker(given, allowed, way.csls)
    found = {}
    for row in range(len(given.similar)):
        partners = np.flatnonzero((given.golds == given.golds[row]) & (given.writings != given.writings[row]))
        if not len(partners):
            continue
        ranking = ranker.of(row)
        tiers = way.tier(ranking.ranks, ranking.mutual)
        writings = given.writings[ranking.columns]
        for partner in partners.tolist():
            value, mutual = ranker.value_of(row, partner)
            before = int(np.searchsorted(-ranking.values, -value))
            rank = np.array([np.count_nonzero(writings[:before] == given.writings[partner])])
            tier = int(way.tier(rank, np.array([mutual]))[0])
            ahead = np.count_nonzero(tiers < tier) + np.count_nonzero(tiers[:before] == tier)
            found[row, partner] = bool(ahead < COUNT)
    return found


if __name__ == "__main__":
    main()
