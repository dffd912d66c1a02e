"""What could not be used, in words."""

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from dedup.events import tell

if TYPE_CHECKING:
    from dedup.model import Skipped


_LOG: Final = logging.getLogger(__name__)


def tell_skipped(skipped: "Iterable[Skipped]") -> None:
    """Each of them to the log."""
    for one in skipped:
        told = f"skipped {_place(one)}: {one.reason}"
        tell(_LOG, "skipped", told, path=one.path, line=one.line, reason=one.reason)


def _place(skipped: "Skipped") -> str:
    return skipped.path if skipped.line is None else f"{skipped.path}:{skipped.line}"


def first_skipped(skipped: "Sequence[Skipped]") -> str:
    """How many there are, and one of them."""
    if not skipped:
        return "0 skipped"
    first = skipped[0]
    return f"{len(skipped):,} skipped, the first: {_place(first)}: {first.reason}"


def nothing_to_compare(skipped: "Sequence[Skipped]") -> str:
    """Why a run that has no record cannot go on."""
    return f"nothing to compare: 0 records read, {first_skipped(skipped)}"
