"""The pairs of articles that calibration learns from, each with its answer.

The corpora hold translations and other articles. They hold no copies, cuts or templates, so those are made here, out of
the same articles:

* cut: a text against the first 40 to 80 % of its translation, or of itself: the same article;
* edited: a text against itself with 5 to 20 % of its segments dropped or replaced: the same article;
* twin: a text against its translation, or itself, most figures replaced: another article;
* name twin: likewise, most names replaced, within one script: another article;
* variant: two translations into one language (NTREX and TICO-19 have some): the same article;
* cut neighbour: a text against the beginning of another article, so that being cut says nothing by itself.

Other articles are each text's nearest neighbours by vector, the pairs that a run would propose.
"""

import hashlib
import itertools
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dedup.calibration import Calibration
from dedup.embed import document_vector
from dedup.evidence import Subject, align, figures_of, measure, sort_of
from dedup.fingerprints import hashes_of, minhash_signatures, shingles
from dedup.model import Embedding
from dedup.names import LATIN, STEM, WORD, compare_names, names_of, stem
from dedup.settings import Settings
from dedup.text import normalise, numbers

NEIGHBOURS = 3
"""Nearest other articles of a text that become negatives, in each of: its language, others of its script, the rest."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A pair with its answer."""

    corpus: str
    kind: str
    case: str
    same: bool
    measured: dict[str, float]


@dataclass(frozen=True, slots=True)
class Pool:
    """The calibration articles of one corpus, ready to be paired."""

    corpus: str
    subjects: list[Subject]
    golds: list[str]


def remade(subject: Subject, rows: list[int], donor: Subject | None = None, donor_rows: Sequence[int] = ()) -> Subject:
    """A subject of some of its segments, and some of another's."""
    f = subject.fingerprint
    pieces = [f.segments[i] for i in rows]
    widths, steps, norms = f.widths[rows], subject.embedding.steps[rows], subject.embedding.norms[rows]
    if donor is not None and donor_rows:
        pieces += [donor.fingerprint.segments[i] for i in donor_rows]
        widths = np.concatenate([widths, donor.fingerprint.widths[list(donor_rows)]])
        steps = np.concatenate([steps, donor.embedding.steps[list(donor_rows)]])
        norms = np.concatenate([norms, donor.embedding.norms[list(donor_rows)]])
    text = " ".join(pieces)
    made = replace(
        f,
        segments=tuple(pieces),
        passages=hashes_of(pieces),
        widths=widths,
        width=float(widths.sum()),
        numbers=numbers(text),
        figures=tuple(map(numbers, pieces)),
        signature=signature_of(text),
        names=names_of(pieces, f.script),
    )
    return Subject(subject.language, made, Embedding(steps, norms, document_vector(steps, norms, widths)))


def signature_of(text: str) -> NDArray[np.uint32]:
    """The MinHash signature of a text that was made here."""
    settings = Settings()
    signatures = minhash_signatures([shingles(normalise(text), settings.shingle_size)], settings)
    return signatures.reshape(-1)


def cut(subject: Subject, rng: random.Random) -> Subject:
    """The first 40 to 80 per cent."""
    count = len(subject.fingerprint.segments)
    return remade(subject, list(range(max(1, round(count * rng.uniform(0.4, 0.8))))))


def edited(subject: Subject, others: Sequence[Subject], rng: random.Random) -> Subject:
    """5 to 20 per cent of the segments dropped, and half as many of another text put in."""
    count = len(subject.fingerprint.segments)
    dropped = set(rng.sample(range(count), max(1, round(count * rng.uniform(0.05, 0.2))))) if count > 1 else set()
    donor = rng.choice(others)
    taken = rng.sample(range(len(donor.fingerprint.segments)), min(len(dropped) // 2, len(donor.fingerprint.segments)))
    return remade(subject, [i for i in range(count) if i not in dropped], donor, taken)


def twin(subject: Subject) -> Subject:
    """Most figures replaced by others of as many digits. Vectors stay: that makes it harder, if anything."""
    f = subject.fingerprint
    pieces = tuple(FIGURE.sub(lambda found: other_figure(found[0]), piece) for piece in f.segments)
    made = replace(
        f,
        segments=pieces,
        numbers=tuple(dict.fromkeys(map(other_figure, f.numbers))),
        figures=tuple(tuple(dict.fromkeys(map(other_figure, some))) for some in f.figures),
        signature=signature_of(" ".join(pieces)),
    )
    return replace(subject, fingerprint=made)


def name_twin(subject: Subject) -> Subject:
    """Most names replaced by others that no language has. Vectors stay, as in :func:`twin`."""
    f = subject.fingerprint
    stated = frozenset(map(stem, f.names.stated))

    def other(found: re.Match[str]) -> str:
        word = found[0]
        return other_name(stem(word)).title() + word[STEM:] if word[0].isupper() and stem(word) in stated else word

    pieces = tuple(WORD.sub(other, piece) for piece in f.segments)
    names = names_of(pieces, f.script)
    made = replace(f, segments=pieces, names=names, signature=signature_of(" ".join(pieces)))
    return replace(subject, fingerprint=made)


@cache
def other_name(name: str) -> str:
    """What stands in a name twin for a stem: always the same one, of letters of the Latin script."""
    digest = hashlib.sha256(b"twin " + name.encode()).digest()
    if digest[0] % 100 < KEPT_NAMES:
        return name
    return "".join(chr(ord("a") + byte % 26) for byte in digest[1 : 1 + STEM])


KEPT_NAMES = 20
"""Per cent of the names that stay in a name twin: templates share those of a country or an institution."""

TWIN_NAMES = 4
"""Names that two texts must share for one of them to have a twin that can be told by its names."""


def has_name_twin(left: Subject, right: Subject) -> bool:
    """Whether a name twin of one text can be told from the other."""
    if left.fingerprint.script != right.fingerprint.script:
        return False
    shared = compare_names(left.fingerprint.names, right.fingerprint.names, LATIN, LATIN).shared
    return sum(other_name(name) != name for name in map(stem, shared)) >= TWIN_NAMES


@cache
def other_figure(figure: str) -> str:
    """What stands in a twin for a figure: always the same one."""
    digest = int(hashlib.sha256(b"twin " + figure.encode()).hexdigest(), 16)
    low = 10 ** (len(figure) - 1)
    return figure if digest % 100 < KEPT_FIGURES else str(low + digest // 100 % (9 * low))


KEPT_FIGURES = 20
"""Per cent of the figures that stay in a twin: templates share years, laws, addresses."""

FIGURE = re.compile(r"\d+")

MOST_NEIGHBOURS = 8_000
"""Pairs of neighbours that are drawn from a corpus."""

TWIN_FIGURES = 3
"""A template that changes fewer figures of two digits or more cannot be told from a translation by them."""

SEGMENTS_A_FIGURE = 8
"""Likewise one that changes fewer than one in so many segments: a long page with two other figures is edited."""


def samples_of(pool: Pool, calibration: Calibration, rng: random.Random) -> Iterator[Sample]:
    """Pairs of one corpus with their answers."""
    cases = itertools.chain(translated(pool, rng), copied(pool, rng), neighbouring(pool, rng), variants(pool))
    for case, same, left, right in cases:
        yield Sample(pool.corpus, sort_of(left, right), case, same, measured(left, right, calibration))


def measured(left: Subject, right: Subject, calibration: Calibration) -> dict[str, float]:
    """The named numbers of a pair (:func:`dedup.evidence.measure`)."""
    aligned = align(left, right)
    return measure(left, right, aligned, figures_of(left, right, aligned, calibration), calibration)


Case = tuple[str, bool, Subject, Subject]
"""What the pair is, whether it is one article, and the pair."""


def translated(pool: Pool, rng: random.Random) -> Iterator[Case]:
    """Translations, some of them cut, some made twins."""
    for left, right in translations(pool, 3_000, rng):
        yield "translation", True, left, right
        if rng.random() < 0.3:
            yield "cut", True, left, cut(right, rng)
        if has_twin(left) and rng.random() < 0.3:
            yield "twin", False, left, twin(right)
        if has_name_twin(left, right) and rng.random() < 0.3:
            yield "name twin", False, left, name_twin(right)


def copied(pool: Pool, rng: random.Random) -> Iterator[Case]:
    """Texts against themselves: edited, cut, made twins."""
    by_writing: dict[str, list[Subject]] = defaultdict(list)
    for subject in pool.subjects:
        by_writing[subject.writing].append(subject)
    for subject in rng.sample(pool.subjects, min(1_000, len(pool.subjects))):
        yield "edited", True, subject, edited(subject, by_writing[subject.writing], rng)
        yield "cut", True, subject, cut(subject, rng)
        if has_twin(subject):
            yield "twin", False, subject, twin(subject)
        if has_name_twin(subject, subject):
            yield "name twin", False, subject, name_twin(subject)


def neighbouring(pool: Pool, rng: random.Random) -> Iterator[Case]:
    """Other articles, some of them cut."""
    others = list(other_articles(pool))
    for left, right in rng.sample(others, min(MOST_NEIGHBOURS, len(others))):
        yield "neighbour", False, left, right
        if rng.random() < 0.2:
            yield "cut neighbour", False, left, cut(right, rng)


def has_twin(subject: Subject) -> bool:
    """Whether a twin of it can be told by its figures."""
    changed = sum(len(one) > 1 and other_figure(one) != one for one in subject.fingerprint.numbers)
    return changed >= max(TWIN_FIGURES, len(subject.fingerprint.segments) / SEGMENTS_A_FIGURE)


def variants(pool: Pool) -> Iterator[Case]:
    """Every pair of one article in one language."""
    for a, b in same_article(pool):
        if pool.subjects[a].writing == pool.subjects[b].writing:
            yield "variant", True, pool.subjects[a], pool.subjects[b]


def translations(pool: Pool, count: int, rng: random.Random) -> list[tuple[Subject, Subject]]:
    """Pairs of one article in two languages."""
    pairs = [(a, b) for a, b in same_article(pool) if pool.subjects[a].writing != pool.subjects[b].writing]
    return [(pool.subjects[a], pool.subjects[b]) for a, b in rng.sample(pairs, min(count, len(pairs)))]


def same_article(pool: Pool) -> list[tuple[int, int]]:
    """All pairs of one article, by position."""
    members: dict[str, list[int]] = defaultdict(list)
    for position, gold in enumerate(pool.golds):
        members[gold].append(position)
    return [pair for gold in sorted(members) for pair in itertools.combinations(members[gold], 2)]


def other_articles(pool: Pool) -> Iterator[tuple[Subject, Subject]]:
    """Each text with its nearest neighbours that are other articles: in its language, its script, and others."""
    vectors = np.stack([s.embedding.document for s in pool.subjects])
    codes = np.unique([s.writing for s in pool.subjects], return_inverse=True)[1]
    scripts = np.unique([s.fingerprint.script for s in pool.subjects], return_inverse=True)[1]
    golds = np.unique(pool.golds, return_inverse=True)[1]
    seen: set[tuple[int, int]] = set()
    for row, vector in enumerate(vectors):
        similar = np.where(golds == golds[row], -np.inf, vectors @ vector)
        language, script = codes == codes[row], scripts == scripts[row]
        for mask in (language, script & ~language, ~script):
            ranked = np.argsort(-np.where(mask, similar, -np.inf), kind="stable")[:NEIGHBOURS]
            seen.update((min(row, c), max(row, c)) for c in ranked.tolist() if mask[c] and np.isfinite(similar[c]))
    for a, b in sorted(seen):
        yield pool.subjects[a], pool.subjects[b]
