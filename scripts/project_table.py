"""Learn the map of the token table: what makes translations meet without a transformer.

    python scripts/project_table.py --data ../shared/data --out dedup/encoders/table_map.npz

reads the NTREX articles that :func:`corpora.for_calibration` admits, in all their languages, and nothing else: their
lines are translations of each other. The map (:class:`dedup.encoders.table.TableMap`) is a linear one and a hidden
layer, applied to each token's row before the rows are added up. The linear part begins as linear discriminant analysis
with a shrunken within-class covariance (Fisher 1936; within-class covariance normalisation: Hatch et al. 2006): the
classes are the lines, their members the translations. All of it is then trained so that a line is nearer to its
translations than to the other lines of its article and of others (InfoNCE: van den Oord et al. 2018, arXiv:1807.03748;
translation ranking: Feng et al. 2022, arXiv:2007.01852), on the processor, in about ten minutes. Two runs on one
machine give the same file; another machine may round otherwise.
"""

import argparse
import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from corpora import MAIN_LANGUAGES, for_calibration, one_per_language, read_corpus
from numpy.typing import NDArray
from scipy import linalg, sparse
from torch.nn import functional

from dedup.encoders.bundled import WEIGHTS_SHA256, PackedModel, tokenizer_of, wheel_file
from dedup.encoders.table import SMOOTHING, centred_table, sif_weights

COMMAND = "python scripts/project_table.py --data ../shared/data --out dedup/encoders/table_map.npz"
SOURCE = "NTREX-128, CC BY-SA 4.0, MicrosoftTranslator/NTREX: calibration articles only (scripts/corpora.py)"

SHRINKAGE = 0.3
"""Share of the within-class covariance that is replaced by a round one: a choice, and only where learning begins."""
HIDDEN = 512
STEPS = 600
RATE = 2e-3
"""Learning rate of the hidden layer (AdamW: Loshchilov and Hutter 2019); half of it for the linear part."""
TEMPERATURE = 0.07
DROPPED = 0.15
"""Share of a line's tokens that are left out at each step."""
ARTICLES, LINES, VERSIONS = 16, 8, 3
"""Of a batch: articles, lines of each, translations of each line. Lines of one article are the hardest to tell."""
MAIN_SHARE = 0.6
"""Lines whose translations are drawn from the main languages only."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of the articles: their tokens, which line of which article they are, and their language."""

    tokens: list[NDArray[np.intp]]
    keys: list[tuple[str, int]]
    languages: list[str]


def main() -> None:
    """Read, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    packed = PackedModel(wheel_file())
    table, weights = centred_table(packed), sif_weights(packed, SMOOTHING)
    lines = read_lines(options.data, packed)
    print(f"{len(lines.tokens):,} lines in {len(set(lines.languages))} languages", flush=True)
    learned = train(lines, table, weights, options.steps)
    provenance = f"{COMMAND}; {SOURCE}; {options.steps} steps; weights {WEIGHTS_SHA256}"
    arrays: dict[str, Any] = {name: array.astype(np.float16) for name, array in learned.items()}
    np.savez_compressed(options.out, provenance=np.array(provenance), **arrays)


def read_lines(data: Path, packed: PackedModel) -> Lines:
    """The lines of NTREX's calibration articles, one version of an article in each language."""
    rows = one_per_language((r for r in read_corpus(data, "ntrex") if for_calibration(r.gold)), lambda _: True)
    texts, keys, languages = [], [], []
    for row in rows:
        for number, line in enumerate(row.text.split("\n")):
            texts.append(line)
            keys.append((row.gold, number))
            languages.append(row.language)
    encoded = tokenizer_of(packed).encode_batch_fast(texts, add_special_tokens=False)
    return Lines([np.array(e.ids, np.intp) for e in encoded], keys, languages)


def discriminant(lines: Lines, weighted: NDArray[np.float32], count: int = 30_000) -> NDArray[np.float32]:
    """The linear part to begin with, shape (dimensions, dimensions): linear discriminant analysis of ``count`` lines.

    Solves S_b a = lambda ((1 - s) S_w + s tr(S_w) / d I) a and scales each direction by sqrt(lambda / (1 + lambda)).
    """
    chosen = np.random.default_rng(1).permutation(len(lines.tokens))[:count]
    vectors = np.stack([weighted[lines.tokens[i]].sum(axis=0) for i in chosen])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    vectors -= means_of(vectors, [lines.languages[i] for i in chosen])
    means = means_of(vectors, [lines.keys[i] for i in chosen])
    within = np.cov((vectors - means).T, bias=True)
    between = np.cov(means.T, bias=True)
    size = len(within)
    round_ = np.trace(within) / size * np.eye(size)
    ratios, directions = linalg.eigh(between, (1 - SHRINKAGE) * within + SHRINKAGE * round_)
    scales = np.sqrt(np.maximum(ratios, 0) / (1 + np.maximum(ratios, 0)))
    scaled: NDArray[np.float32] = (directions * scales).astype(np.float32)
    return scaled


def means_of(vectors: NDArray[np.float32], groups: Sequence[object]) -> NDArray[np.float32]:
    """The mean of each row's group, shape of ``vectors``."""
    number: dict[object, int] = {}
    rows = np.array([number.setdefault(group, len(number)) for group in groups])
    members = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, np.arange(len(rows)))))
    means: NDArray[np.float32] = (members @ vectors / np.bincount(rows)[:, None])[rows]
    return means


class Map(torch.nn.Module):
    """:class:`dedup.encoders.table.TableMap` as it learns."""

    def __init__(self, linear: NDArray[np.float32]) -> None:
        super().__init__()
        size = len(linear)
        self.linear = torch.nn.Parameter(torch.from_numpy(0.3 * linear / np.abs(linear).max()))
        self.inner = torch.nn.Parameter(torch.randn(size, HIDDEN) / math.sqrt(size))
        self.offset = torch.nn.Parameter(torch.zeros(HIDDEN))
        self.outer = torch.nn.Parameter(torch.zeros(HIDDEN, size))
        self.weight = torch.nn.Parameter(torch.zeros(HIDDEN))
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, rows: torch.Tensor, sif: torch.Tensor) -> torch.Tensor:
        """The mapped and weighted rows."""
        hidden = functional.gelu(rows @ self.inner + self.offset, approximate="tanh")
        amount = sif * torch.exp(2 * torch.tanh(hidden @ self.weight + self.bias))
        return (rows @ self.linear + hidden @ self.outer) * amount[:, None]


def train(
    lines: Lines, table: NDArray[np.float32], weights: NDArray[np.float32], steps: int
) -> dict[str, NDArray[np.float32]]:
    """The arrays of the map, by name."""
    torch.manual_seed(1)
    torch.set_num_threads(1)  # the sums come in one order; more threads hardly help
    rng = np.random.default_rng(3)
    module = Map(discriminant(lines, table * weights[:, None]))
    scale = np.float32(1 / np.sqrt((table**2).mean()))
    rows, sif = torch.from_numpy(table * scale), torch.from_numpy(weights)
    others = [p for name, p in module.named_parameters() if name != "linear"]
    optimiser = torch.optim.AdamW([{"params": others}, {"params": [module.linear]}], lr=RATE, weight_decay=0.01)
    sampler = Sampler(lines, rng)
    for step in range(steps):
        rate = RATE * min(1, (step + 1) / 30) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group, share in zip(optimiser.param_groups, (1.0, 0.5), strict=True):
            group["lr"] = rate * share
        used, places, starts, groups = sampler.batch()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mapped = module(rows[used], sif[used])
        loss = contrast(functional.embedding_bag(places, mapped.float(), starts, mode="sum"), groups)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step % 50 == 49:
            print(f"step {step + 1}: loss {loss.item():.3f}", flush=True)
    return {"scale": np.array(scale), **{name: p.detach().numpy() for name, p in module.named_parameters()}}


def contrast(sums: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """The mean loss of choosing a translation among it and all lines of the batch that are none."""
    unit = functional.normalize(sums)
    unit = functional.normalize(unit - unit.mean(0).detach())
    similar = unit @ unit.T / TEMPERATURE
    same = groups[:, None] == groups[None, :]
    others = torch.logsumexp(similar.masked_fill(same, -torch.inf), 1)
    losses = torch.logaddexp(similar, others[:, None]) - similar
    return losses[same & ~torch.eye(len(same), dtype=torch.bool)].mean()


class Sampler:
    """Batches of lines."""

    def __init__(self, lines: Lines, rng: np.random.Generator) -> None:
        self._lines, self._rng = lines, rng
        self._versions: dict[tuple[str, int], list[int]] = defaultdict(list)
        self._articles: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for position, key in enumerate(lines.keys):
            self._versions[key].append(position)
        for key in sorted(self._versions):
            self._articles[key[0]].append(key)
        self._main = {
            key: [p for p in positions if lines.languages[p] in MAIN_LANGUAGES]
            for key, positions in self._versions.items()
        }

    def batch(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """The tokens used, each token's place among them, where each line starts, and which lines are translations."""
        chosen = self._rng.choice(len(self._articles), ARTICLES, replace=False)
        articles = list(self._articles.values())
        keys = [key for a in chosen for key in self._some(articles[a], LINES)]
        lines = [[self._kept(self._lines.tokens[p]) for p in self._translations(key)] for key in keys]
        tokens = list(itertools.chain.from_iterable(lines))
        used, places = np.unique(np.concatenate(tokens), return_inverse=True)
        starts = np.cumsum([0, *map(len, tokens[:-1])])
        groups = np.repeat(np.arange(len(lines)), [len(versions) for versions in lines])
        return torch.from_numpy(used), torch.from_numpy(places), torch.from_numpy(starts), torch.from_numpy(groups)

    def _some(self, values: Sequence[T], count: int) -> list[T]:
        return [values[i] for i in self._rng.choice(len(values), min(count, len(values)), replace=False)]

    def _translations(self, key: tuple[str, int]) -> list[int]:
        return self._some((self._main if self._rng.random() < MAIN_SHARE else self._versions)[key], VERSIONS)

    def _kept(self, tokens: NDArray[np.intp]) -> NDArray[np.intp]:
        kept = tokens[self._rng.random(len(tokens)) > DROPPED]
        return kept if len(kept) else tokens


if __name__ == "__main__":
    main()
