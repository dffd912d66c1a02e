"""How reports for people put things in words: why two records belong together, where one stands, how long it took."""

import math
from collections.abc import Sequence
from typing import Final

from dedup.evidence import LONGEST_LENGTH_DIFFERENCE
from dedup.report.document import Evidence

REASONS_SHOWN: Final = 4
"""Pieces of evidence named on each side of a link; ``dedup explain`` shows all."""

PHRASES: Final = {
    "source-url": ("same source URL",) * 2,
    "same-text": ("same text",) * 2,
    "alignment": ("passages align {value}", "passages align only {value}"),
    "containment": ("one text found in the other {value}", "one text found in the other only {value}"),
    "order": ("passages in one order", "passages in another order"),
    "shared-figures": ("figures shared: {detail}",) * 2,
    "missing-figures": ("figures missing: {detail}",) * 2,
    "clashing-figures": ("figures clash: {detail}",) * 2,
    "shared-names": ("names shared: {detail}",) * 2,
    "missing-names": ("names missing: {detail}",) * 2,
    "shingles": ("wording shared {value}", "wording shared only {value}"),
    "length": ("lengths differ by a factor of {factor}",) * 2,
}
"""Name of a piece of evidence -> how it reads when it speaks for the link, and when against."""

NO_REASONS: Final = frozenset({"prior"})
"""Evidence that sets the scale for the rest, and so says nothing about whether these texts agree."""

TINY_WEIGHT: Final = 0.05
"""Evidence that moves the log-odds by less is not worth a reader's time."""


def place_of(path: str, line: int | None) -> str:
    """Where something stands in the input."""
    return path if line is None else f"{path}:{line}"


def reasons_of(evidence: Sequence[Evidence], most: int | None = REASONS_SHOWN) -> tuple[str, str]:
    """What speaks for a link and what against it, the strongest first, ``most`` of either; empty where nothing does."""
    telling = (one for one in evidence if one.name not in NO_REASONS and abs(one.weight) >= TINY_WEIGHT)
    seen = sorted(telling, key=lambda one: -abs(one.weight))
    in_favour = [_phrase(one) for one in seen if one.weight > 0]
    against = [_phrase(one) for one in seen if one.weight < 0]
    return ", ".join(in_favour[:most]), ", ".join(against[:most])


def reason_of(evidence: Sequence[Evidence]) -> str:
    """What speaks for a link and what against it, on one line."""
    in_favour, against = reasons_of(evidence)
    return "; ".join(filter(None, (in_favour, against and f"against it: {against}")))


def _phrase(evidence: Evidence) -> str:
    """A piece of evidence in words; one that has none yet by its name, value and detail."""
    value = f"{evidence.value:,.0f}" if evidence.value.is_integer() else f"{evidence.value:,.2f}"
    if evidence.name not in PHRASES:
        return f"{evidence.name}={value}" + (f" ({evidence.detail})" if evidence.detail else "")
    in_favour, against = PHRASES[evidence.name]
    phrase = in_favour if evidence.weight > 0 else against
    return phrase.format(value=value, detail=evidence.detail, factor=_factor(evidence.value))


def _factor(log_ratio: float) -> str:
    """The ratio of two lengths, from the difference of their logarithms, which is cut off at some point."""
    if log_ratio >= LONGEST_LENGTH_DIFFERENCE:
        return f"{math.exp(LONGEST_LENGTH_DIFFERENCE):.1f} or more"
    return f"{math.exp(log_ratio):.1f}"


def duration(seconds: float) -> str:
    """Seconds to one decimal, from a minute on in minutes."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest:02d} s"
