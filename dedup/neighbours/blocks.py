"""How much is held at once. None of it changes an outcome."""

from collections.abc import Iterator

SIMILARITIES = 2**23
"""Similarities that are held at once."""

ROWS = 2**13
"""Articles that are projected, or whose finds are merged, at once."""


def blocks_of(rows: int, columns: int) -> Iterator[slice]:
    """Consecutive rows, as many at a time as have ``SIMILARITIES`` with so many columns; at least one."""
    return _cut(rows, max(1, SIMILARITIES // max(1, columns)))


def pieces_of(rows: int) -> Iterator[slice]:
    """Consecutive rows, ``ROWS`` at a time."""
    return _cut(rows, ROWS)


def _cut(rows: int, height: int) -> Iterator[slice]:
    return (slice(start, min(start + height, rows)) for start in range(0, rows, height))
