"""What speaks for and against two articles being one: named numbers of a pair, without any judgement.

The numbers of a pair are fitted by ``scripts/calibrate.py`` and judged by :mod:`dedup.confirm`; both call
:func:`measure`, so what is fitted is what is used. A *passage* is a segment; two passages are *paired* when each is
the most similar one to the other.

==================  ==========================================================================================
alignment           how much of the text that pairs less is paired: each paired passage counts with its size and
                    its similarity. 0 to 1. On one topic every passage resembles some passage; that each is the
                    other's first choice is what translation does (mutual nearest neighbours: cf. Artetxe and
                    Schwenk 2019, arXiv:1811.01136; the document alignment coefficient of Suryanarayanan et al.
                    2024, arXiv:2411.19096)
containment         the same of the text that pairs more: high where one text holds the other
order               rank correlation (Kendall's tau) of the paired passages' places, times the log of their number,
                    times the containment: pages of one site say the same things in one order, too, but not throughout;
                    0 for fewer than three
shared-figures      rarity of the figures that both state (sum of inverse document frequencies), as log(1 + x)
missing-figures     of the rarity of the figures that the text with fewer of them states, the share of those that the
                    other does not state; damped where there are few. 0 to 1. A template with other figures is
                    another article, however well its sentences align
clashing-figures    rarity of the figures that paired passages state in each other's place, as a share of these and the
                    shared ones; damped where there are few. 0 to 1 (:mod:`dedup.figures`)
shared-names        how many of the names that the text with fewer of them states are in the other, as log(1 + x); 0
                    where they cannot be compared (:mod:`dedup.names`)
missing-names       the share of them that the other lacks, damped where there are few
length              how far the two lengths are apart: absolute difference of log lengths, each taken relative to
                    the norm of its language; at most 2
shingles            estimated Jaccard similarity of the character shingles, 0 to 1; only within one language
==================  ==========================================================================================
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dedup.calibration import CJK, OTHER_SCRIPT, SAME_LANGUAGE, SAME_SCRIPT, Calibration
from dedup.figures import Figures, compare_figures
from dedup.fingerprints import jaccard
from dedup.model import Embedding, Fingerprint
from dedup.names import SharedNames, compare_names

LONGEST_LENGTH_DIFFERENCE = 2.0
FEW_FIGURES = 6.0
"""Rarity (nats) at which missing figures count half: that of one rare figure."""
FEW_CLASHES = 3.0
"""Rarity (nats) at which clashing figures count half: that of a figure of two digits."""
FEW_NAMES = 2
"""Names at which missing ones count half."""
FEWEST_ORDERED = 3
"""Pairs of passages from which their order says anything."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One side of a comparison: all that is known of an article."""

    language: str
    fingerprint: Fingerprint
    embedding: Embedding

    @property
    def writing(self) -> str:
        """Language and script: only texts that share both can be copies of each other."""
        return f"{self.language}-{self.fingerprint.script}"


CJK_SCRIPTS = frozenset({"CJK", "HANGUL"})


def sort_of(left: Subject, right: Subject) -> str:
    """One language in one script; else with Chinese, Japanese or Korean; else two languages in one script, or not."""
    if left.writing == right.writing:
        return SAME_LANGUAGE
    scripts = {left.fingerprint.script, right.fingerprint.script}
    if scripts & CJK_SCRIPTS:
        return CJK
    return SAME_SCRIPT if len(scripts) == 1 else OTHER_SCRIPT


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the passages of two texts find each other.

    ``best_left``, shape (segments left,), is the similarity of each left passage to the right passage nearest to it,
    and ``best_right`` the reverse. ``pairs``, shape (pairs, 2), are the passages that are each other's nearest, by
    left position; ``similarity``, shape (pairs,), is theirs.
    """

    best_left: NDArray[np.float32]
    best_right: NDArray[np.float32]
    pairs: NDArray[np.intp]
    similarity: NDArray[np.float32]


def measure(
    left: Subject, right: Subject, aligned: Alignment, figures: Figures, calibration: Calibration
) -> dict[str, float]:
    """The named numbers of a pair; the same whichever side comes first."""
    paired = [_paired_share(aligned, side, subject) for side, subject in enumerate((left, right))]
    shared, missing = (sum(map(calibration.rarity, some)) for some in (figures.shared, figures.missing))
    clashing = figures.clash_rarity
    names = shared_names(left, right)
    lacking, kept = len(names.missing), len(names.shared)
    measured = {
        "alignment": min(paired),
        "containment": max(paired),
        "order": order(aligned.pairs) * max(paired),
        "shared-figures": math.log1p(shared),
        "missing-figures": missing / (missing + shared + FEW_FIGURES),
        "clashing-figures": clashing / (clashing + shared + FEW_CLASHES),
        "shared-names": math.log1p(kept),
        "missing-names": lacking / (lacking + kept + FEW_NAMES),
        "length": length_difference(left, right, calibration),
    }
    if left.writing == right.writing:
        measured["shingles"] = jaccard(left.fingerprint.signature, right.fingerprint.signature)
    return measured


def align(left: Subject, right: Subject) -> Alignment:
    """Each passage's nearest, and the pairs that choose each other (of equally near ones the first)."""
    one, other = left.embedding, right.embedding
    similar = one.steps.astype(np.float32) @ other.steps.astype(np.float32).T  # whole numbers, exact in any order
    similar *= one.norms[:, None]
    similar *= other.norms
    nearest_right, nearest_left = similar.argmax(axis=1), similar.argmax(axis=0)
    rows = np.flatnonzero(nearest_left[nearest_right] == np.arange(len(similar)))
    pairs = np.stack([rows, nearest_right[rows]], axis=1)
    return Alignment(similar.max(axis=1), similar.max(axis=0), pairs, similar[pairs[:, 0], pairs[:, 1]])


def figures_of(left: Subject, right: Subject, aligned: Alignment, calibration: Calibration) -> Figures:
    """What the figures of a pair say."""
    return compare_figures(left.fingerprint, right.fingerprint, aligned.pairs.tolist(), calibration)


def shared_names(left: Subject, right: Subject) -> SharedNames:
    """What the names of a pair say."""
    one, other = left.fingerprint, right.fingerprint
    return compare_names(one.names, other.names, one.script, other.script)


def _paired_share(aligned: Alignment, side: int, subject: Subject) -> float:
    widths = subject.fingerprint.widths.astype(np.float64)
    return float(widths[aligned.pairs[:, side]] @ aligned.similarity / widths.sum())


def order(pairs: NDArray[np.intp]) -> float:
    """Kendall's tau times log of the number, see ``order`` above; ``pairs`` ascend by their first column, of which no
    more is asked.
    """
    if len(pairs) < FEWEST_ORDERED:
        return 0.0
    places: list[int] = pairs[:, 1].tolist()
    later = sum(after > before for before, after in combinations(places, 2))
    possible = len(pairs) * (len(pairs) - 1) / 2
    return float((2 * later / possible - 1) * math.log(len(pairs)))


def coverage(left: Subject, right: Subject, aligned: Alignment, calibration: Calibration) -> tuple[float, float]:
    """The share of each text whose passages find a partner in the other (similarity at or above the calibrated one)."""
    return (
        _weighted_mean(aligned.best_left >= calibration.partner_similarity, left.fingerprint.widths),
        _weighted_mean(aligned.best_right >= calibration.partner_similarity, right.fingerprint.widths),
    )


def _weighted_mean(values: NDArray[np.float32] | NDArray[np.bool_], weights: NDArray[np.float32]) -> float:
    return float(np.average(values, weights=weights.astype(np.float64)))


def length_difference(left: Subject, right: Subject, calibration: Calibration) -> float:
    """See ``length`` above."""
    return min(LONGEST_LENGTH_DIFFERENCE, abs(log_size(left, calibration) - log_size(right, calibration)))


def log_size(text: Subject, calibration: Calibration) -> float:
    """The log of how much the text says: of its width as it would be in English."""
    return math.log(text.fingerprint.width) - calibration.length_norm(text.language)
