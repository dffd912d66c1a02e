"""The index of :mod:`dedup.neighbours` in words: slow, of all articles at once, without parts, blocks or merging."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dedup.neighbours import meetings, space, tables

Whole = NDArray[np.int64]


def turns(vectors: Whole, row: int, allowed: Sequence[int], languages: Sequence[str], count: int) -> set[int]:
    """The nearest of the ``allowed`` to an article, in its own language and in others, which take turns."""
    by_similarity = sorted((i for i in allowed if i != row), key=lambda i: (-int(vectors[i] @ vectors[row]), i))
    own = [i for i in by_similarity if languages[i] == languages[row]]
    others = [i for i in by_similarity if languages[i] != languages[row]]
    rank = {i: [languages[j] for j in others[:place]].count(languages[i]) for place, i in enumerate(others)}
    return {*own[:count], *sorted(others, key=rank.__getitem__)[:count]}


def hash_of(position: int, total: int, seed: int) -> int:
    """Splitmix64."""
    mixed = (position + seed * total + 1) * 0x9E3779B97F4A7C15 % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return mixed ^ mixed >> 31


def drawn(total: int, size: int, seed: int) -> list[int]:
    return sorted(range(total), key=lambda position: hash_of(position, total, seed))[:size]


def at_length(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    square = float(vector @ vector)
    scaled: NDArray[np.float64] = np.rint(vector * (4000 / np.sqrt(max(square, 1.0))))
    return scaled


def in_space(steps: Whole, languages: Sequence[str]) -> Whole:
    """Without the languages' means, half whitened."""
    exact = steps.astype(np.float64)
    mean = {
        language: np.rint(exact[rows].sum(axis=0) / (len(rows) + space.SHRINKAGE))
        for language in set(languages)
        for rows in [[i for i, other in enumerate(languages) if other == language]]
    }
    centred = np.array([row - mean[language] for row, language in zip(exact, languages, strict=True)])
    sample = drawn(len(steps), min(len(steps), space.SAMPLE), 0)
    values, axes = np.linalg.eigh(centred[sample].T @ centred[sample] / len(sample))
    powers = np.maximum(values + space.RIDGE * values.mean(), 1e-9) ** -space.WHITENING
    matrix = np.rint((axes * (powers / powers.max())) @ axes.T * 2**20)
    return np.array([at_length(np.rint(row @ matrix / 2**14)) for row in centred]).astype(np.int64)


def nearest_means(vector: Whole, means: Whole, count: int) -> list[int]:
    return sorted(range(len(means)), key=lambda cell: (-int(means[cell] @ vector), cell))[:count]


def means_of(vectors: Whole, table: int) -> Whole:
    number = tables.cell_count(len(vectors))
    training = vectors[drawn(len(vectors), min(len(vectors), number * tables.TRAINING), table + 1)]
    means = training[:number].copy()
    for _ in range(tables.ROUNDS):
        cells = [nearest_means(vector, means, 1)[0] for vector in training]
        for cell in set(cells):
            inside = training[[i for i, other in enumerate(cells) if other == cell]]
            means[cell] = at_length(inside.sum(axis=0).astype(np.float64))
    return means


def indexed(steps: Whole, languages: Sequence[str], count: int) -> tuple[set[tuple[int, int]], int]:
    """The pairs that the index finds among vectors in whole steps, and how many comparisons it makes."""
    total = len(steps)
    vectors = in_space(steps, languages)
    largest = meetings.LARGE_CELL * -(-total // tables.cell_count(total))
    met: list[set[int]] = [set() for _ in range(total)]
    compared = 0
    for table in range(tables.TABLES):
        means = means_of(vectors, table)
        cells = [nearest_means(vector, means, min(tables.PROBES, len(means))) for vector in vectors]
        for probe in range(len(cells[0])):
            made = 0
            for cell in range(len(means)):
                askers = [i for i in range(total) if cells[i][probe] == cell]
                liers = [i for i in range(total) if cells[i][0] == cell]
                if not askers or not liers:
                    continue
                parts = -(-max(len(liers), len(askers) // tables.PROBES) // largest)
                parts = min(parts, len(askers), len(liers))
                for rows, columns in zip(np.array_split(askers, parts), np.array_split(liers, parts), strict=True):
                    made += len(rows) * len(columns)
                    for row in rows.tolist():
                        met[row].update(columns.tolist())
            compared += made if probe else made // 2
    pairs = {
        (min(row, i), max(row, i)) for row in range(total) for i in turns(vectors, row, [*met[row]], languages, count)
    }
    return pairs, compared
