"""Clusters that a person should look at before anything is removed.

A wrong cluster costs as many texts as it holds, and one that has grown without bound costs a corpus: 859,091 unrelated
documents were one cluster in marin-community/marin issue 6854. Average linkage (:mod:`dedup.clusters`) prevents that
as long as the probabilities are right. Pages that are mostly boilerplate are where they may be wrong, for every pair
alike. So clusters that look like it are flagged, in words, with the numbers; none is dropped or capped.

giant
    It holds more different texts than clusters of one article have, measured against the input. What counts is texts
    that repeat a language: copies of one text count once, and one article in 60 languages repeats none. Sizes of honest
    clusters do not depend on how much else is in the input. When n texts are joined by links that are wrong at random,
    the largest heap stays near log(n) until the links percolate; at that point it is n ** (2/3), and right after it a
    share of n (Erdős and Rényi 1960). So n ** (2/3) divides the two. It is a limit for each language by itself, so
    that a small language is not hidden by a large one, and for all together. As clusters are disjoint, at
    most n ** (1/3) can pass it (46 of 100,000 texts): the flag stays worth reading.
loose
    The member that agrees least with the others agrees with them, on average, less than is asked of a text that joins
    them all (:func:`dedup.clusters.asked`). It came in through a part of the others: chaining, as far as average
    linkage lets it happen. Of the 434 clusters of the calibration articles as one input one is loose, and it is wrong;
    6 others are wrong without a flag (``scripts/measure_flags.py``).

How many different pages are cited says nothing by itself, for in a crawl every copy has a page of its own. The count is
told where a cluster is giant.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from dedup.clusters import asked
from dedup.model import Cluster, Entries

FEW_TEXTS = 64
"""Texts that repeat a language up to which no cluster is giant: an article's history of edits or an agency's report in
many newspapers may have as many, and a person can still read them. It decides for inputs of up to 512 texts, its power
of 3/2; beyond, ``n ** (2/3)`` does."""


def flagged(
    clusters: Iterable[Cluster],
    works: Mapping[int, tuple[int, ...]],
    articles: Entries,
    in_input: Counter[str],
    threshold: float,
) -> tuple[Cluster, ...]:
    """The clusters with their flags, in the same order.

    ``clusters`` are of positions of ``articles``; ``works`` are the positions of the articles with one text, for at
    least each different text in a cluster. ``in_input`` counts the different texts of the whole input by language,
    ``threshold`` is the probability from which a pair is a link.
    """
    language_of = {i: (work, articles[members[0]].language) for work, members in works.items() for i in members}
    marked = []
    for cluster in clusters:
        texts = Counter(language for _, language in {language_of[member] for member in cluster.members})
        flags = (*_giant(texts, in_input, _pages(cluster, articles)), *_loose(cluster, texts.total(), threshold))
        marked.append(replace(cluster, flags=flags))
    return tuple(marked)


def _giant(texts: Counter[str], in_input: Counter[str], pages: int) -> tuple[str, ...]:
    """``texts`` are a cluster's different texts by language, ``in_input`` those of the whole input."""
    cited = f", citing {pages:,} different pages" if pages > 1 else ""
    held, given = texts.total(), in_input.total()
    if _too_many(held - len(texts), given):
        among = f" in {len(texts):,} languages" if len(texts) > 1 else ""
        return (f"giant: {held:,} different texts{among} of {given:,} in the input{cited}",)
    for language, count in sorted(texts.items(), key=lambda one: (-one[1], one[0])):
        if _too_many(count - 1, in_input[language]):
            return (f"giant: {count:,} different texts of {in_input[language]:,} in language {language}{cited}",)
    return ()


def _too_many(repeats: int, given: int) -> bool:
    return repeats > FEW_TEXTS and repeats**3 > given**2  # in whole numbers, for 1,000 ** (2/3) is 99.99 in floats


def _pages(cluster: Cluster, articles: Entries) -> int:
    keys = (articles[member].source_key for member in cluster.members)
    return len({key.key for key in keys if key is not None and key.names_article})


def _loose(cluster: Cluster, texts: int, threshold: float) -> tuple[str, ...]:
    wanted = asked(threshold, texts - 1)
    if cluster.confidence >= wanted:
        return ()
    mean = math.floor(cluster.confidence * 1_000) / 1_000  # rounded down, as it is below what is asked
    return (f"loose: one text agrees with the others at {mean:.3f} on average, below the {wanted:.3g} asked of it",)
