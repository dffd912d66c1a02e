"""Near-copies that need not be joined one by one: a form filled in five thousand times, one report in every paper.

Where thousands of texts are one text but for a word, average linkage (:mod:`dedup.clusters`) spends judgements on all
pairs to learn what a few show. So in a component of many texts each, in order, becomes an *edition* of the text that it
is most probably one with among those before it, or of what that is an edition of, if

* their link reaches ``SURE``,
* so do the judgements of it and ``WITNESSES`` others of these editions, spread evenly: were two in five of them another
  article, the chance that none of eight is among them is 0.6 ** 8 = 1.7 %;
* no judged pair of it and one of them is below the threshold; and all are in one language and script.

So editions are no chain: each is near to all of them, as far as eight tell. One wrong link can draw over a text, as it
can in average linkage, and no more. Editions begin as one group, which joins others as any group does. A text costs
eight judgements for each group that it is held against, whatever the number of its editions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from dedup.model import Link

SURE = 0.9
"""Probability of a pair that is taken for two editions: what :mod:`dedup.clusters` would join early, too. A choice."""

WITNESSES = 8
"""Editions with which a text is compared before it is one of them. A choice."""


def editions(
    members: Iterable[int],
    links: Iterable[Link],
    languages: Mapping[int, str] | Sequence[str],
    probability: Callable[[tuple[int, int]], float | None],
    threshold: float,
) -> list[list[int]]:
    """The groups of two editions or more among ``members``, which are positions: each ascending, by their first.

    ``links`` are the judged pairs of members, and ``languages`` tells what each is written in. ``probability`` judges a
    pair; where it gives None nobody can tell, and the pair counts neither way.
    """
    known: dict[int, dict[int, float]] = defaultdict(dict)
    for link in links:
        known[link.right][link.left] = link.probability
    groups: dict[int, list[int]] = {}
    first_of: dict[int, int] = {}
    for text in sorted(members):
        lowest: dict[int, float] = {}
        highest: dict[int, float] = {}
        for earlier, p in known[text].items():
            first = first_of[earlier]
            lowest[first] = min(p, lowest.get(first, 1.0))
            highest[first] = max(p, highest.get(first, 0.0))
        first_of[text] = text
        for first in sorted(highest, key=lambda one: (-highest[one], one)):
            if highest[first] < SURE:
                break
            if lowest[first] >= threshold and languages[first] == languages[text]:
                told = (probability((witness, text)) for witness in _witnesses(groups[first]))
                if all(p is None or p >= SURE for p in told):
                    first_of[text] = first
                    break
        groups.setdefault(first_of[text], []).append(text)
    return [group for group in groups.values() if len(group) > 1]


def _witnesses(group: Sequence[int]) -> list[int]:
    """Up to ``WITNESSES`` of a group, spread evenly; its first is one."""
    count = min(WITNESSES, len(group))
    return [group[place * len(group) // count] for place in range(count)]
