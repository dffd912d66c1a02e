"""What the model's say is worth, and which pairs it should be asked about: the choices of :mod:`dedup.consult`.

    python scripts/compare_confirm.py --data CORPORA --cache FOLDER --corpora k8sdocs tico courses

Each input goes through a run with ``--confirm never``, ``always`` and ``auto``, and for ``auto`` with other values of
:data:`dedup.consult.OPEN` and ``WORTH``. Printed are B-cubed, how many records the model encoded, and
what the funnel says of the open pairs. The first line also tells how many pairs were ruled out early
(:mod:`dedup.screen`), and how many of those carry one article.

The articles are those of the fit (``--held-out``: the inputs of ``bench_accuracy.py`` instead).
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from calibrate import CORPORA, selected
from inputs import INPUTS, Rows, draws_of
from outcome import Outcome, evaluation, run
from vector_cache import CachedEncoder

from dedup import Settings
from dedup.encoders import load_encoder
from dedup.settings import ALWAYS, AUTO, NEVER

Choices = Mapping[str, object]

OTHERS: tuple[Choices, ...] = (
    {"OPEN": (0.02, 0.98)},
    {"OPEN": (0.1, 0.9)},
    {"OPEN": (0.2, 0.8)},
    {"WORTH": 100},
    {"WORTH": 1_000_000},
)
"""Values other than those that are used."""


def main() -> None:
    """Run each input once for each choice."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps segment vectors between runs")
    parser.add_argument("--corpora", nargs="+", default=["k8sdocs", "tico", "courses"], choices=INPUTS)
    parser.add_argument("--held-out", action="store_true", help="the inputs of bench_accuracy.py")
    parser.add_argument("--used", action="store_true", help="no other values than those that are used")
    options = parser.parse_args()
    encoder = CachedEncoder(load_encoder("bundled", Settings().batch_size), options.cache)
    for name in options.corpora:
        draws = draws_of(options.data, name) if options.held_out else fitted(options.data, name)
        runs: list[tuple[str, Choices]] = [(NEVER, {}), (ALWAYS, {}), (AUTO, {})]
        runs += [] if options.used else [(AUTO, choices) for choices in OTHERS]
        for confirm, choices in runs:
            with chosen(choices):
                settings = Settings(confirm=confirm)
                found = [run(rows, settings, None if confirm == NEVER else encoder) for rows in draws]
            print(line(name, confirm, choices, found), flush=True)


def fitted(data: Path, name: str) -> list[Rows]:
    """The articles of the fit, as one draw."""
    if name not in CORPORA:
        raise SystemExit(f"{name} has no articles of the fit: --held-out")
    return [list(selected(data, name))]


@contextmanager
def chosen(choices: Choices) -> Iterator[None]:
    """Other values, as long as this lasts."""
    with ExitStack() as stack:
        for name, value in choices.items():
            stack.enter_context(patch(f"dedup.consult.{name}", value))
        yield


def line(name: str, confirm: str, choices: Choices, draws: Sequence[Outcome]) -> str:
    """The figures of a run, all draws together."""
    b = evaluation(draws).b_cubed
    funnel: dict[str, int] = {}
    for draw in draws:
        for stage in draw.stages.confirming:
            funnel[stage.stage] = funnel.get(stage.stage, 0) + stage.pairs
    funnel["of them one article"] = sum(map(wrongly_ruled_out, draws))
    encoded = sum(len(d.works) if confirm == ALWAYS else len(d.stages.judge.closer) for d in draws)
    records = sum(len(d.rows) for d in draws)
    what = ", ".join(f"{key} {value}" for key, value in choices.items())
    counts = ", ".join(f"{stage} {count:,}" for stage, count in funnel.items())
    return (
        f"{name:9} {confirm:6} {what:20} P {b.precision:.4f} R {b.recall:.4f} F1 {b.f1:.4f}  "
        f"encoded {encoded:,} of {records:,}  {counts}"
    )


def wrongly_ruled_out(draw: Outcome) -> int:
    """Candidate pairs that carry one article, and were not judged."""
    judged = {(link.left, link.right) for link in draw.stages.links}
    golds = {work: draw.rows[record].gold for record, work in enumerate(draw.works)}
    return sum(golds[left] == golds[right] for left, right in draw.proposed if (left, right) not in judged)


if __name__ == "__main__":
    main()
