"""What it changes that each component is clustered by itself: beside clustering all texts as one.

    python scripts/compare_components.py --data CORPORA --cache FOLDER --corpora k8sdocs tico courses --fitted
    python scripts/compare_components.py --file corpus.jsonl --confirm never

Each input goes through the stages of a run once, and its links are clustered twice: *whole*, so that a link below the
threshold between two groups counts as far as it goes, and *parts*, each component of the links that reach the
threshold by itself (:mod:`dedup.clusters`). Printed are, for both, B-cubed and false merges, pairs that clustering
asked for, and its seconds; the same of *parts* done by two processes, whether it is worth while or not, and with
samples in each component of more than ``--large`` texts. Then the
records of the largest component of all links and of those that reach the threshold, the pairs that ``whole`` asked for
between two components, how many of its clusters hold texts of two, how many of those hold one article, and how many
records the two ways do not cluster alike.

Inputs are those of ``bench_accuracy.py`` (articles held out from calibration) or, with ``--fitted``, the articles of
the fit; ``--file`` is a table with the fields id, text, lang and gold.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from compare_confirm import fitted
from corpora import Labelled
from inputs import INPUTS, Rows, draws_of
from numpy.typing import NDArray
from oracle import differing
from outcome import Outcome, evaluation, numbers, run
from vector_cache import CachedEncoder

from dedup import Settings
from dedup.clusters import FEW, LARGE, Clustering, Pair, cluster, cluster_component, components
from dedup.encoders import load_encoder
from dedup.model import CandidatePair, Link
from dedup.pipeline import report_of
from dedup.settings import CONFIRM, NEVER
from dedup.workers import no_garbage_collection, one_thread_each


@dataclass(frozen=True, slots=True)
class Way:
    """An input clustered in one way, draw by draw."""

    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def asked(self) -> int:
        """Pairs that clustering asked for."""
        return sum(outcome.stages.clustering.judged for outcome in self.outcomes)


def main() -> None:
    """Run each input once, and cluster it in both ways."""
    options = parse()
    settings = Settings(confirm=options.confirm, threshold=options.threshold, workers=2)
    encoder = None
    if options.confirm != NEVER:
        encoder = load_encoder(settings.model, settings.batch_size)
        encoder = CachedEncoder(encoder, options.cache) if options.cache else encoder
    for name, draws in inputs(options):
        outcomes = [run(rows, settings, encoder) for rows in draws]
        whole, parts = way(outcomes, settings, as_one), way(outcomes, settings, cluster)
        with patch("dedup.clusters.WORTH", 1):
            shared = way(outcomes, settings, partial(cluster, workers=settings.workers))
        with patch("dedup.clusters.LARGE", options.large):
            samples = way(outcomes, settings, cluster)
        for kind, one in (("whole", whole), ("parts", parts), ("by 2", shared), ("samples", samples)):
            print(f"{name:12} {kind} {line(one)}", flush=True)
        otherwise = sum(differing(a.clusters, b.clusters) for a, b in zip(whole.outcomes, parts.outcomes, strict=True))
        print(f"{name:12} {between(whole, settings.threshold)}; {otherwise:,} records in another cluster", flush=True)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, help="folder that keeps the model's segment vectors between runs")
    parser.add_argument("--corpora", nargs="+", default=[], choices=INPUTS)
    parser.add_argument("--fitted", action="store_true", help="the articles of the fit")
    parser.add_argument("--file", type=Path, action="append", default=[], help="JSONL with gold; repeatable")
    parser.add_argument("--confirm", default=Settings().confirm, choices=CONFIRM, help="as of dedup run")
    parser.add_argument("--large", type=int, default=FEW, help=f"in place of {LARGE}, the texts of a large component")
    parser.add_argument("--threshold", type=float, default=Settings().threshold, help="as of dedup run")
    return parser.parse_args()


def inputs(options: argparse.Namespace) -> Iterator[tuple[str, Sequence[Rows]]]:
    """The inputs by name, each as its draws."""
    for name in options.corpora:
        yield name, (fitted if options.fitted else draws_of)(options.data, name)
    for path in options.file:
        with path.open(encoding="utf-8") as rows:
            yield path.stem, [[labelled(json.loads(row)) for row in rows]]


def labelled(row: dict[str, str]) -> Labelled:
    """A line of a file."""
    return Labelled("file", row["id"], row["text"], row["lang"], row["gold"])


def as_one(
    links: Sequence[Link],
    languages: Sequence[str],
    judge: Callable[[CandidatePair], Link],
    threshold: float,
    possible: Callable[[Pair], bool],
) -> Clustering:
    """All texts as if they were one component, which is not large."""
    with patch("dedup.clusters.LARGE", len(languages)):
        return cluster_component(range(len(languages)), links, languages, judge, threshold, possible)


def way(outcomes: Sequence[Outcome], settings: Settings, clustered: Callable[..., Clustering]) -> Way:
    """The same judgements clustered in a way."""
    seconds, found = 0.0, []
    for outcome in outcomes:
        stages = outcome.stages
        writings = [subject.writing for subject in stages.subjects]
        started = time.perf_counter()
        with one_thread_each(), no_garbage_collection():
            judge = stages.judge
            clustering = clustered(stages.links, writings, judge, settings.threshold, judge.possible())
        seconds += time.perf_counter() - started
        report = report_of(replace(stages, clustering=clustering), settings)
        found.append(
            replace(
                outcome,
                stages=replace(stages, clustering=clustering),
                report=report,
                clusters=numbers((c.members for c in report.clusters), len(outcome.rows)),
            )
        )
    return Way(tuple(found), seconds)


def line(found: Way) -> str:
    """Its figures, for people."""
    scores = evaluation(found.outcomes)
    b = scores.b_cubed
    return (
        f"B-cubed P {b.precision:.5f} R {b.recall:.5f} F1 {b.f1:.5f}  exact F1 {scores.exact_clusters.f1:.4f}  "
        f"false merges {scores.false_merges:,}  asked for {found.asked:,}  {found.seconds:.2f} s"
    )


def between(whole: Way, threshold: float) -> str:
    """What the whole did between components, for people."""
    of_all = probable = asked = spanning = right = 0
    for outcome in whole.outcomes:
        stages = outcome.stages
        component = of_links(stages.links, len(stages.works), threshold)
        of_all = max(of_all, largest(of_links(stages.links, len(stages.works), 0.0)))
        probable = max(probable, largest(component))
        asked += sum(bool(component[a.left] != component[a.right]) for a in stages.clustering.further)
        golds = golds_of(outcome)
        for one in stages.clustering.clusters:
            if len(set(component[list(one.members)].tolist())) > 1:
                spanning += 1
                right += len(set().union(*(golds[member] for member in one.members))) == 1
    return (
        f"largest component of all links {of_all:,}, of the probable {probable:,}; whole asked for {asked:,} pairs "
        f"between components; {spanning:,} of its clusters in two of them, {right:,} one article"
    )


def of_links(links: Sequence[Link], count: int, threshold: float) -> NDArray[np.intp]:
    """The components of the links that reach a threshold."""
    ends = np.array([(link.left, link.right) for link in links if link.probability >= threshold], np.intp)
    left, right = ends.reshape(-1, 2).T
    return components(left, right, count)


def largest(component: NDArray[np.intp]) -> int:
    """Texts of the largest component."""
    return int(np.bincount(component).max(initial=0))


def golds_of(outcome: Outcome) -> dict[int, set[str]]:
    """The articles that each work carries, by gold: one, if the gold is right."""
    golds = defaultdict(set)
    for record, work in enumerate(outcome.works):
        golds[work].add(outcome.rows[record].gold)
    return golds


if __name__ == "__main__":
    main()
