"""What the index of :mod:`dedup.neighbours` finds of what an exact search finds, and of what is right.

    python scripts/compare_neighbours.py --data CORPORA --cache FOLDER sparse ntrex tico ...
    python scripts/compare_neighbours.py s10000.jsonl s100000.jsonl

An input is a name of :mod:`inputs` (its held-out articles; several draws count together) or ``calibration`` (the
articles that choices are made on), or a file of JSON lines with ``id``, ``text``, ``lang`` and ``gold``. Vectors are
those of the token table (``--model table``). Three searches:

* exact: each with each, in the plain space, as runs of up to ``EXACT_LIMIT`` articles do it;
* exact, whitened: each with each in the space of the index;
* index: the index, whatever the number of articles.

``vectors`` is the share of right pairs (of different texts) that the search finds, ``all`` the share that it finds with
the other finders together, ``reached`` the share of texts with a partner of which a right one is proposed;
``of exact``, ``of whitened`` are the shares of the pairs of the exact searches that are found; ``kept apart`` the
share of all pairs that were not compared, at least; ``CPU`` is in seconds. Exact searches are left out above
``--exact-up-to`` texts. ``--set space.WHITENING=0.35 tables.TABLES=8`` tries other values of the constants of the
index.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from pathlib import Path

import numpy as np
from calibrate import CORPORA, selected
from inputs import draws_of
from numpy.typing import NDArray
from vector_cache import CachedEncoder

from dedup import calibration as calibrations
from dedup.boilerplate import discount, find_boilerplate
from dedup.calibration import Calibration
from dedup.candidates import groups_of_bands, groups_of_keys, pairs_in_groups, sharing_facts
from dedup.embed import embed, encode_segments
from dedup.encoders import Encoder, load_encoder
from dedup.fingerprints import fingerprint
from dedup.model import Record
from dedup.neighbours import EXACT_LIMIT, half_whitened, nearest
from dedup.pipeline import article_keys, works_of
from dedup.prepare import entry_of, prepare
from dedup.settings import Settings

AT_ONCE = 2_000
"""Texts that are embedded at once, to bound memory."""

SETTINGS = Settings(model="table")

Pairs = NDArray[np.int64]
"""Ascending, ``left * texts + right``."""


@dataclass(frozen=True, slots=True)
class Input:
    """Different texts: what the search sees, what the other finders find, and the answers."""

    documents: NDArray[np.float32]
    writings: tuple[str, ...]
    others: Pairs
    right: Pairs


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found in an input."""

    pairs: Pairs
    not_compared: int
    seconds: float


def main() -> None:
    """Read, search, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("inputs", nargs="+")
    parser.add_argument("--data", type=Path, help="folder with the corpora")
    parser.add_argument("--cache", type=Path, help="folder that keeps segment vectors between runs")
    parser.add_argument("--exact-up-to", type=int, default=EXACT_LIMIT, metavar="TEXTS")
    parser.add_argument("--set", nargs="+", default=[], metavar="MODULE.NAME=VALUE", help="of dedup.neighbours")
    options = parser.parse_args()
    for setting in options.set:
        place, _, value = setting.partition("=")
        module, _, name = place.partition(".")
        room = import_module(f"dedup.neighbours.{module}")
        setattr(room, name, type(getattr(room, name))(value))
    encoder: Encoder = load_encoder("table", SETTINGS.batch_size)
    encoder = CachedEncoder(encoder, options.cache) if options.cache else encoder
    calibration = calibrations.shipped(encoder.digest)
    if calibration is None:
        parser.error("there is no calibration of the token table")
    for name in options.inputs:
        draws = [understood(rows, encoder, calibration) for rows in labelled(name, options.data)]
        report(name, draws, options.exact_up_to)


def labelled(name: str, data: Path | None) -> Iterator[list[Record]]:
    """The draws of an input as records that carry their gold."""
    if Path(name).is_file():
        rows = [json.loads(line) for line in Path(name).read_text("utf-8").splitlines()]
        yield [Record(r["id"], r["text"], r.get("url"), r["lang"], gold=r["gold"]) for r in rows]
        return
    if data is None:
        raise SystemExit(f"{name} is no file, and there is no --data")
    if name == "calibration":
        draws = [list(chain.from_iterable(selected(data, corpus) for corpus in CORPORA))]
    else:
        draws = draws_of(data, name)
    for draw in draws:
        yield [Record(f"{r.corpus}/{r.id}", r.text, None, r.language, gold=f"{r.corpus}/{r.gold}") for r in draw]


def understood(records: Sequence[Record], encoder: Encoder, calibration: Calibration) -> Input:
    """What a run makes of the records before it proposes."""
    articles, _ = prepare(sorted(records, key=lambda record: record.id))
    prints = fingerprint(articles, SETTINGS)
    works = works_of(prints)
    keys = [article_keys(entry_of(articles[i]) for i in members) for members in works]
    articles, prints = [articles[members[0]] for members in works], [prints[members[0]] for members in works]
    codes = [article.language for article in articles]
    prints = discount(prints, find_boilerplate(codes, prints), SETTINGS)
    documents = []
    for start in range(0, len(prints), AT_ONCE):
        some, languages = prints[start : start + AT_ONCE], codes[start : start + AT_ONCE]
        documents += [e.document for e in embed(some, languages, encode_segments(some, encoder), calibration)]
    others = (
        pairs_in_groups([groups_of_keys(keys)], len(works))[0],
        pairs_in_groups(groups_of_bands(np.stack([f.signature for f in prints]), SETTINGS.bands), len(works))[0],
        sharing_facts([f.numbers for f in prints], calibration).pairs,
    )
    return Input(
        np.stack(documents),
        tuple(f"{article.language}-{f.script}" for article, f in zip(articles, prints, strict=True)),
        np.unique(np.concatenate(others)),
        right_pairs([article.record.gold or "" for article in articles]),
    )


def right_pairs(golds: Sequence[str]) -> Pairs:
    """All pairs of one gold."""
    codes = np.unique(np.asarray(golds), return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    pairs = [
        int(left) * len(golds) + int(right)
        for members in np.split(order, np.cumsum(np.bincount(codes))[:-1])
        for place, left in enumerate(members)
        for right in members[place + 1 :]
    ]
    return np.sort(np.array(pairs, np.int64))


def search(texts: Input, documents: NDArray[np.float32] | NDArray[np.int16], exact_limit: int) -> Found:
    """One search, and what it took."""
    started = time.process_time()
    found = nearest(documents, texts.writings, SETTINGS.neighbours, exact_limit=exact_limit)
    keys = found.left.astype(np.int64) * len(texts.writings) + found.right
    return Found(keys, found.not_compared, time.process_time() - started)


def report(name: str, draws: Sequence[Input], exact_up_to: int) -> None:
    """Print a line for each search."""
    texts = sum(len(draw.writings) for draw in draws)
    print(f"\n{name}: {texts} texts, {sum(len(draw.right) for draw in draws)} right pairs")
    print(f"{'':18}vectors    all  reached  of exact  of whitened  kept apart    CPU")
    index = [search(draw, draw.documents, 0) for draw in draws]
    if max(len(draw.writings) for draw in draws) > exact_up_to:
        show("index", draws, index, [])
        return
    everything = 2**62
    exact = [search(draw, draw.documents, everything) for draw in draws]
    white = [search(draw, whitened(draw), everything) for draw in draws]
    show("exact", draws, exact, [exact, white])
    show("exact, whitened", draws, white, [exact, white])
    show("index", draws, index, [exact, white])


def whitened(texts: Input) -> NDArray[np.int16]:
    """The vectors in the space of the index."""
    return half_whitened(texts.documents, np.unique(texts.writings, return_inverse=True)[1].astype(np.int64))


def show(title: str, draws: Sequence[Input], found: Sequence[Found], wholes: Sequence[Sequence[Found]]) -> None:
    """Print one line."""

    def share(of: Callable[[Input, Found], tuple[int, int]]) -> float:
        parts, all_ = zip(*(of(draw, one) for draw, one in zip(draws, found, strict=True)), strict=True)
        return float(sum(parts) / max(1, sum(all_)))

    columns = [
        share(lambda draw, one: (int(np.isin(draw.right, one.pairs).sum()), len(draw.right))),
        share(lambda draw, one: (int(np.isin(draw.right, together(draw, one)).sum()), len(draw.right))),
        share(lambda draw, one: reached(draw, together(draw, one))),
    ]
    shown = "{:7.4f} {:7.4f} {:7.4f}".format(*columns)
    for whole in wholes:
        parts = sum(int(np.isin(w.pairs, f.pairs).sum()) for w, f in zip(whole, found, strict=True))
        shown += f" {parts / sum(len(w.pairs) for w in whole):10.4f}"
    apart = share(lambda draw, one: (one.not_compared, len(draw.writings) * (len(draw.writings) - 1) // 2))
    print(
        f"{title:18}{shown} {'' if wholes else ' ' * 22}{apart:11.4f} {sum(f.seconds for f in found):9.1f}", flush=True
    )


def together(texts: Input, found: Found) -> Pairs:
    """The pairs of all finders."""
    return np.union1d(texts.others, found.pairs)


def reached(texts: Input, pairs: Pairs) -> tuple[int, int]:
    """How many texts have a right partner among the pairs, and how many have one at all."""
    total = len(texts.writings)
    hit = np.intersect1d(pairs, texts.right)
    found, partnered = (len(np.union1d(some // total, some % total)) for some in (hit, texts.right))
    return found, partnered


if __name__ == "__main__":
    main()
