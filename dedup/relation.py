"""What two texts are to each other, if they carry one article: the whole in another language, an edited copy, a part.

Of a part, the longer text says much that the shorter does not, the shorter little that the longer does not; and it is
shorter than a translation into its language would be. Both together tell a part from the whole. How much of a text
finds a partner does not by itself: that tells more of the model and the languages than of the texts, and made a third
of all whole versions parts. The weights are those of a logistic regression (``scripts/measure_relations.py``), between
what it gives for the model (10.3, 7.8, -3.2) and for the token table (8.3, 8.9, -3.2).
"""

from typing import Final

from dedup.calibration import Calibration
from dedup.evidence import Alignment, Subject, coverage, log_size
from dedup.model import Relation

ASYMMETRY: Final = 9.3
"""Log-odds of a part, for the share of the shorter text that finds a partner less that of the longer one."""

GAP: Final = 8.4
"""The same for the log of how many times longer the longer text is, by the norms of both languages."""

PRIOR: Final = -3.2


def relation_of(left: Subject, right: Subject, aligned: Alignment, calibration: Calibration) -> Relation:
    """What the two are to each other if they are one article; their texts differ."""
    asymmetry, gap = asymmetry_and_gap(left, right, aligned, calibration)
    if PRIOR + ASYMMETRY * asymmetry + GAP * gap > 0:
        return Relation.PARTIAL
    return Relation.NEAR_DUPLICATE if left.language == right.language else Relation.TRANSLATION


def asymmetry_and_gap(
    left: Subject, right: Subject, aligned: Alignment, calibration: Calibration
) -> tuple[float, float]:
    """How much more of the shorter text finds a partner than of the longer (-1 to 1), and the log of how many times
    longer that is (0 or more), both by the norms of their languages.
    """
    covered = coverage(left, right, aligned, calibration)
    sizes = log_size(left, calibration), log_size(right, calibration)
    shorter = min((0, 1), key=lambda side: (sizes[side], -covered[side]))
    return covered[shorter] - covered[1 - shorter], abs(sizes[0] - sizes[1])
