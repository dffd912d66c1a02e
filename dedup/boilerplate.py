"""Passages that belong to a site rather than to an article: they stand on many pages that are otherwise unlike.

Cookie notices, "about this site", disclaimers, course headers, newsletter blocks: where they are most of a page, two
pages of one site resemble each other more than an article and its translation do. The remedy in search engines and
web corpora is to find repeated blocks over a site's pages (Bar-Yossef and Rajagopalan 2002, "template detection via
data mining"; Yi, Liu and Li 2003) or over a corpus. A corpus of texts has no sites, so all is told from the texts:

* *common*: the passage (a segment, as it stands) is in ``LEAST_HOLDERS`` different texts of one language or more.
  Within one language, because translations of one page hold the same code, addresses and names.
* *own part*: the longest run of passages of a text that are not common. A page has one, its article, inside, above or
  below the furniture. A copy of an article that was sent to fifty newspapers has none: the article itself is common,
  and what is not, edited sentences here and there, a headline, a newspaper's few lines around it, makes no long run.
  What newspapers put around every article is common, too, where the input holds several of their pages.
* *unlike*: two texts that both have an own part (``LEAST_OWN_PART`` of their size or more) which the other does not
  hold in another wording (``ALIKE``; edited copies do).

A common passage is boilerplate if the own parts of its holders are ``OWN_PART`` of their sizes on average, and more
than ``UNLIKE_PAIRS`` of all pairs of holders are unlike. This is seen on a sample, the ``SAMPLE`` holders with the
least digests: the same ones for all passages that the same texts hold (a coordinated sample, Cohen and Kaplan 2007), so
that few pairs are compared, and the same whatever the order of the input.

What cannot be told apart: copies of an article below which each newspaper has much of its own, and no other page of
which is in the input, look like pages of a site with much furniture. Up to ``OWN_PART`` of a text, above and below
each, it is the article that is common.

Boilerplate is not removed: its weight falls to ``WEIGHT``, so a text that holds nothing else is compared as it is. Its
figures, names and wording (signature) do count no more: a telephone number on every page would be a figure that all
pages share. Every constant is a choice made on calibration articles with ``scripts/measure_boilerplate.py``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import chain, combinations, compress
from typing import Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from dedup.code_points import codes_of, rolling_hashes, sorted_unique
from dedup.fingerprints import hashes_of, minhash_signature, shingles
from dedup.model import Fingerprint
from dedup.names import Names, names_of, shared_strings
from dedup.settings import Settings
from dedup.text import normalise, numbers
from dedup.workers import in_parts

LEAST_HOLDERS = 4
"""Different texts of one language in which a common passage stands. Two hold what one quotes from the other."""

OWN_PART = 0.2
"""Mean share of a text (by width) that the own parts of the holders of boilerplate have."""

LEAST_OWN_PART = 0.05
"""The same of a single text: short articles are on pages with long furniture, too. A text with less is taken as a copy
or a part of the others."""

ALIKE = 0.15
"""Share of the character shingles of the passages that are not common that the other text holds, of both texts
together, from which the two are alike: edited, not other. Other articles in one language share 0.05 at most in 99 of
100 cases, copies with typing errors in every line 0.81 at least; but copies have lines of their own, too."""

SHINGLE = 9
"""Characters of those shingles. Of five, a long text holds most of those of any other in its language."""

UNLIKE_PAIRS = 2 / 3
"""Share of the pairs of holders above which they are otherwise unlike. Two of eight texts without an own part suffice
to keep a passage (13 of 28 pairs)."""

SAMPLE = 8
"""Holders that are compared, in all pairs (28)."""

SAMPLED_BITS = 2
"""Of the shingles of long texts one in 4 is compared: those whose first bits are zero, the same ones in all texts.
The two kinds of text that are told apart share 0.05 and 0.81 of them, so that some dozens suffice."""

WORDINGS = 4_096
"""Texts whose shingles are held at once, to bound memory: about 0.1 GB."""

AT_ONCE = 4_096
"""Samples that a process compares at a time, and texts that it weighs anew."""

WEIGHT = 0.05
"""What a passage that is boilerplate counts, as a share of what it would: the largest of the values tried from which
less changes nothing."""


class Page(Protocol):
    """What of a text tells its boilerplate; see :class:`dedup.model.Fingerprint`."""

    @property
    def digest(self) -> str:
        """Equal for equal texts."""

    @property
    def passages(self) -> NDArray[np.uint64]:
        """A hash of each segment, shape (segments,)."""

    @property
    def widths(self) -> NDArray[np.float32]:
        """The size of each, shape (segments,)."""

    @property
    def segments(self) -> Sequence[str]:
        """The segments themselves, which are looked at last."""


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """The passages that are boilerplate, by their hashes; and for every sample of texts that was looked at whether they
    are otherwise unlike. A sample is named by a hash of all that this depends on: texts, and what in them is common.
    """

    passages: frozenset[int]
    verdicts: Mapping[bytes, bool]


def find_boilerplate(
    languages: Sequence[str],
    pages: Sequence[Page],
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> frozenset[int]:
    """The passages that are boilerplate, by their hashes. The languages and pages are of articles with different
    texts; ``workers`` are the processes that look at them, and ``progress`` is told how many samples of texts have been
    compared, and of how many.
    """
    return _judged(languages, pages, None, workers, progress).passages


def find_boilerplate_again(
    languages: Sequence[str], pages: Sequence[Page], verdicts: Mapping[bytes, bool], workers: int = 1
) -> Boilerplate:
    """The same, and the verdicts behind it. Those of earlier texts are used where nothing that they depend on has
    changed; what comes out does not depend on which there are.
    """
    return _judged(languages, pages, verdicts, workers, lambda _done, _total: None)


def _judged(
    languages: Sequence[str],
    pages: Sequence[Page],
    known: Mapping[bytes, bool] | None,
    workers: int,
    progress: Callable[[int, int], None],
) -> Boilerplate:
    if not pages:
        return Boilerplate(frozenset(), {})
    common = _common(languages, pages)
    compared = Pages(pages, common.held)
    samples = sorted({sample for _, sample in common.samples})
    names = [] if known is None else _named(samples, pages, common.held)
    verdict = {s: known[name] for s, name in zip(samples, names, strict=True) if name in known} if known else {}
    open_samples = [sample for sample in samples if sample not in verdict]

    def verdicts(start: int, end: int) -> list[bool]:
        return list(map(compared.otherwise_unlike, open_samples[start:end]))

    found = in_parts(verdicts, len(open_samples), AT_ONCE, workers, lambda done: progress(done, len(open_samples)))
    verdict |= zip(open_samples, chain.from_iterable(found), strict=True)
    passages = frozenset(passage for passage, sample in common.samples if verdict[sample])
    return Boilerplate(passages, {name: verdict[s] for s, name in zip(samples, names, strict=bool(names))})


def _named(samples: Sequence[tuple[int, ...]], pages: Sequence[Page], held: Sequence[NDArray[np.bool_]]) -> list[bytes]:
    """A hash of what the verdict on each sample depends on."""
    states: dict[int, bytes] = {}
    for position in {position for sample in samples for position in sample}:
        page = pages[position]
        parts = page.digest.encode(), page.passages.tobytes(), np.packbits(held[position]).tobytes()
        states[position] = blake2b(b"".join(parts), digest_size=_NAME_BYTES).digest()
    return [
        blake2b(b"".join(states[position] for position in sample), digest_size=_NAME_BYTES).digest()
        for sample in samples
    ]


_NAME_BYTES = 16


def discount(
    fingerprints: Sequence[Fingerprint],
    boilerplate: frozenset[int],
    settings: Settings,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[Fingerprint]:
    """The fingerprints with these passages counting little, in the same order; those without any, and those with
    nothing else, as they are: the very objects that were given. ``progress`` is told how many are done.
    """
    if not boilerplate:
        return list(fingerprints)

    def changes(start: int, end: int) -> list[_Changes | None]:
        return [_changes_of(f, boilerplate, settings) for f in fingerprints[start:end]]

    changed = chain.from_iterable(in_parts(changes, len(fingerprints), AT_ONCE, settings.workers, progress))
    return [f if c is None else _changed(f, c) for f, c in zip(fingerprints, changed, strict=True)]


def _changed(f: Fingerprint, changes: "_Changes") -> Fingerprint:
    changes["names"] = shared_strings(changes["names"])
    return replace(f, **changes)


class _Changes(TypedDict):
    """The fields of a fingerprint that are others without boilerplate."""

    signature: NDArray[np.uint32]
    numbers: tuple[str, ...]
    widths: NDArray[np.float32]
    figures: tuple[tuple[str, ...], ...]
    width: float
    names: Names


def _changes_of(f: Fingerprint, boilerplate: frozenset[int], settings: Settings) -> _Changes | None:
    """What is other where boilerplate counts little; None for a text that holds none, or nothing else."""
    hashes = f.passages.tolist()
    beyond = hashes_of(f.beyond).tolist() if len(f.beyond) else []
    if boilerplate.isdisjoint(hashes) and boilerplate.isdisjoint(beyond):
        return None
    counts = [hashed not in boilerplate for hashed in hashes]
    rest = list(compress(chain(f.segments, f.beyond), (*counts, *(hashed not in boilerplate for hashed in beyond))))
    if not rest:
        return None
    text = "\n".join(rest)
    widths = np.where(counts, f.widths, np.float32(WEIGHT) * f.widths)
    return _Changes(
        signature=minhash_signature(shingles(normalise(text), settings.shingle_size), settings),
        numbers=numbers(text),
        widths=widths,
        figures=tuple(some if count else () for some, count in zip(f.figures, counts, strict=True)),
        width=f.width - float((f.widths - widths).sum()),
        names=names_of(rest, f.script),
    )


@dataclass(frozen=True, slots=True)
class _Common:
    """The common passages of a batch.

    ``held`` says of each text which of its segments are common in its language, shape (segments,). ``samples`` are the
    passages, each once a language, and which of its holders (positions) are compared.
    """

    held: list[NDArray[np.bool_]]
    samples: list[tuple[int, tuple[int, ...]]]


def _common(codes: Sequence[str], fingerprints: Sequence[Page]) -> _Common:
    """Passages are laid out by their hashes and sorted: by passage, language, and digest of the holder."""
    sizes = [len(f.passages) for f in fingerprints]
    hashed = np.concatenate([f.passages for f in fingerprints])
    holders = np.repeat(np.arange(len(fingerprints)), sizes)
    languages = np.unique(codes, return_inverse=True)[1][holders]
    ranks = np.argsort(np.argsort([f.digest for f in fingerprints]))[holders]
    order = np.lexsort((ranks, languages, hashed))
    starts = changes_in(hashed[order], languages[order])  # of each passage in each language
    once = np.flatnonzero(changes_in(hashed[order], languages[order], ranks[order]))  # a passage twice in a text is one
    first = np.searchsorted(once, np.flatnonzero(starts))
    holding = np.diff(np.append(first, len(once)))
    is_common = np.empty(len(hashed), np.bool_)
    is_common[order] = (holding >= LEAST_HOLDERS)[np.cumsum(starts) - 1]
    samples = []
    for start, count in zip(first.tolist(), holding.tolist(), strict=True):
        if count >= LEAST_HOLDERS:
            sampled = order[once[start : start + min(count, SAMPLE)]]
            samples.append((int(hashed[sampled[0]]), tuple(holders[sampled].tolist())))
    return _Common(np.split(is_common, np.cumsum(sizes)[:-1]), samples)


def changes_in(*columns: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Where any of the columns differs from the row before; the first row does."""
    changed = np.zeros(len(columns[0]), np.bool_)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return changed


class Pages:
    """Which texts are otherwise unlike; what was compared is kept."""

    def __init__(self, fingerprints: Sequence[Page], common: Sequence[NDArray[np.bool_]]) -> None:
        self._fingerprints = fingerprints
        self._common = common
        self._unlike: dict[tuple[int, int], bool] = {}
        self.own_part = cache(self._own_part)
        self._wording = lru_cache(WORDINGS)(self._wording_of)

    def otherwise_unlike(self, holders: Sequence[int]) -> bool:
        """Whether their own parts are large, and most pairs unlike."""
        if math.fsum(map(self.own_part, holders)) < OWN_PART * len(holders):
            return False
        pairs = list(combinations(holders, 2))
        unlike, alike = 0, 0
        for pair in pairs:
            unlike, alike = (unlike + 1, alike) if self.unlike(pair) else (unlike, alike + 1)
            if unlike > UNLIKE_PAIRS * len(pairs):
                return True
            if alike >= (1 - UNLIKE_PAIRS) * len(pairs):
                return False
        return False

    def unlike(self, pair: tuple[int, int]) -> bool:
        """Whether both have a part of their own, and neither holds the other's in another wording."""
        if pair not in self._unlike:
            self._unlike[pair] = min(map(self.own_part, pair)) >= LEAST_OWN_PART and not self._alike(*pair)
        return self._unlike[pair]

    def _own_part(self, text: int) -> float:
        """Its share of the text, 0 to 1."""
        widths = self._fingerprints[text].widths.astype(np.float64)
        return longest_run(widths, ~self._common[text]) / math.fsum(widths)

    def _alike(self, left: int, right: int) -> bool:
        (own_left, all_left), (own_right, all_right) = self._wording(left), self._wording(right)
        held = _held(own_left, all_right) + _held(own_right, all_left)
        return held >= ALIKE * (len(own_left) + len(own_right))

    def _wording_of(self, text: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The shingles of a text's passages that are not common, and of all of them."""
        passages = self._fingerprints[text].segments
        own = compress(passages, (~self._common[text]).tolist())
        return hashed_shingles("\n".join(own)), hashed_shingles("\n".join(passages))


def hashed_shingles(text: str) -> NDArray[np.uint64]:
    """The different shingles of a text in lower case as numbers, ascending: a polynomial of their characters modulo
    2 ** 64 (Karp and Rabin 1987), of which a sample is kept. None of a text that is shorter than one.
    """
    hashed = rolling_hashes(codes_of(text.casefold()), SHINGLE)
    return sorted_unique(hashed[hashed >> _UNSAMPLED == 0])


_UNSAMPLED = np.uint64(64 - SAMPLED_BITS)


def _held(some: NDArray[np.uint64], others: NDArray[np.uint64]) -> int:
    """How many of the numbers are among the others; both ascending."""
    if not len(others):
        return 0
    places = np.minimum(np.searchsorted(others, some), len(others) - 1)
    return int((others[places] == some).sum())


def longest_run(widths: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """The greatest sum of widths of chosen neighbours; both of shape (segments,)."""
    longest = run = 0.0
    for width, counts in zip(widths.tolist(), chosen.tolist(), strict=True):
        run = run + width if counts else 0.0
        longest = max(longest, run)
    return longest
