"""What could not be used, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dedup.model import Skipped


def first_skipped(skipped: "Sequence[Skipped]") -> str:
    """How many there are, and one of them."""
    if not skipped:
        return "0 skipped"
    first = skipped[0]
    place = first.path if first.line is None else f"{first.path}:{first.line}"
    return f"{len(skipped):,} skipped, the first: {place}: {first.reason}"


def nothing_to_compare(skipped: "Sequence[Skipped]") -> str:
    """Why a run that has no record cannot go on."""
    return f"nothing to compare: 0 records read, {first_skipped(skipped)}"
