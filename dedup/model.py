"""The values that travel between the stages, in the order in which they come to be.

    Record | Skipped -> Article -> Entry, Fingerprint, Embedding -> CandidatePair -> Link -> Cluster, Conflict -> Report

All are frozen. Stages work on batches: position ``i`` of every sequence belongs to article ``i``, and
pairs name their two articles by position (``left < right``); only the report speaks of ids. No value after the
fingerprint holds a text: texts of a large run lie on disk (:mod:`dedup.spool`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dedup.names import Names

Vectors = NDArray[np.float32]
"""Rows are unit-length vectors: shape (rows, dimensions)."""

Steps = NDArray[np.int8]
"""Vectors in whole steps, each row by a scale of its own: shape (rows, dimensions)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One text as the user gave it.

    ``id`` names it in the report and is unique in a run. ``url`` and ``language`` are what the input
    declares, if anything. ``path`` and ``line`` (counted from 1) say where it was read. ``gold`` names the article
    that it carries, where the answer is known and a reader was told to read it: calibration learns from it, and
    nothing else looks at it.
    """

    id: str
    text: str
    url: str | None = None
    language: str | None = None
    path: str | None = None
    line: int | None = None
    gold: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A piece of input that could not be used, where it stands, and why."""

    path: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class SourceKey:
    """What two citations of one page have in common.

    ``key`` is equal for all spellings of one URL. ``names_article`` is false for a page that lists or
    introduces articles (a home page, a section, a tag): sharing it says little.
    """

    key: str
    names_article: bool


@dataclass(frozen=True, slots=True)
class Article:
    """A record made ready: what the article says, apart from the page around it.

    ``text`` is the article without source line and page furniture; never empty. ``source_url`` is the
    cited URL as written; ``language`` an ISO 639 code, ``und`` where nothing can be said.
    """

    record: Record
    text: str
    source_url: str | None
    source_key: SourceKey | None
    language: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a report says of an article: everything but the text.

    ``id``, ``path`` and ``line`` are the record's, ``characters`` is the length of the article's text and ``content``
    a hash of it (16 bytes); the others as in :class:`Article`.
    """

    id: str
    path: str | None
    line: int | None
    language: str
    source_url: str | None
    source_key: SourceKey | None
    characters: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What can be said of an article without a model.

    ``digest`` is equal for texts that are the same after normalisation. ``signature`` is a MinHash of
    its character shingles, shape (permutations,). ``numbers`` are its figures as digit strings in order
    of first appearance, each once. ``segments`` are its sentences or parts of them, in order, short ones joined
    and parted by line ends (:func:`dedup.text.in_one_line`), ``passages`` a hash of each, shape (segments,),
    ``widths`` their sizes in Latin-letter equivalents, ``figures`` what figures each states; ``beyond`` are the
    segments that come after the limit of the settings.
    ``width`` is the size of the whole text, ``script`` that of most of its letters, ``names`` its names.
    """

    digest: str
    signature: NDArray[np.uint32]
    numbers: tuple[str, ...]
    segments: Sequence[str]
    passages: NDArray[np.uint64]
    widths: NDArray[np.float32]
    figures: tuple[tuple[str, ...], ...]
    beyond: Sequence[str]
    width: float
    script: str
    names: Names


@dataclass(frozen=True, slots=True)
class Embedding:
    """An article in the space of the model, its language's mean taken out.

    ``steps``: one vector a segment in whole steps, shape (segments, dimensions); ``norms``: one over the length of
    each, 0 for a row of zeros, shape (segments,). ``document``: the normalised mean of the segments' unit vectors,
    shape (dimensions,).
    """

    steps: Steps
    norms: NDArray[np.float32]
    document: NDArray[np.float32]

    @property
    def segments(self) -> Vectors:
        """The segments as unit vectors, shape (segments, dimensions)."""
        unit: Vectors = self.steps * self.norms[:, None]
        return unit


class Finder(StrEnum):
    """The ways by which a pair of articles comes to be looked at."""

    EXACT = "exact"
    SOURCE_URL = "source-url"
    BANDS = "bands"
    FACTS = "facts"
    VECTORS = "vectors"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True, order=True)
class CandidatePair:
    """Two articles worth comparing (positions, ``left < right``) and who thought so."""

    left: int
    right: int
    found_by: tuple[Finder, ...]


class Confirmed(StrEnum):
    """What a judgement rests on: equal texts, or vectors of the token table or of the model."""

    TEXT = "text"
    TABLE = "table"
    MODEL = "model"


class Relation(StrEnum):
    """How two records that carry the same article relate."""

    EXACT = "exact"
    NEAR_DUPLICATE = "near-duplicate"
    TRANSLATION = "translation"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for or against: what was seen (``value``) and what it adds to the log-odds (``weight``).

    ``detail`` says it in words, where a number alone would not: the figures that both state, say.
    """

    name: str
    value: float
    weight: float
    detail: str = ""

    def __reduce__(self) -> tuple[type["Evidence"], tuple[str, float, float, str]]:
        """Pickled as a call: processes hand over millions, and the fields of a frozen dataclass are slow to."""
        return Evidence, (self.name, self.value, self.weight, self.detail)


@dataclass(frozen=True, slots=True)
class Link:
    """The judgement of one pair (positions, ``left < right``).

    ``probability`` (0 to 1) that both carry the same article; its log-odds are the sum of the weights
    of ``evidence``, the first of which is the prior. ``relation`` is what they are to each other if so.
    ``confirmed_by`` tells what that rests on.
    """

    left: int
    right: int
    relation: Relation
    probability: float
    found_by: tuple[Finder, ...]
    evidence: tuple[Evidence, ...]
    confirmed_by: Confirmed = Confirmed.MODEL

    def __reduce__(self) -> tuple[type["Link"], tuple[object, ...]]:
        """As of :class:`Evidence`."""
        written = (self.left, self.right, self.relation, self.probability, self.found_by, self.evidence)
        return Link, (*written, self.confirmed_by)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Articles that carry the same article: positions in ascending order, two or more.

    ``links`` are the judged pairs among them that reach the threshold. ``confidence`` is the mean
    probability, over all other members, of the member that agrees least with the rest;
    copies of one text count as one. ``weakest`` is the least probable of all pairs of different texts
    among them, whether it reaches the threshold or not (of equal ones the first); None where all hold one text.
    ``flags`` say, a sentence each, why a person should look at it before anything is removed (:mod:`dedup.flags`).
    ``agreement`` is for each member the mean probability that it and another text of the cluster are one article, and 1
    where there is no other text.
    """

    members: tuple[int, ...]
    links: tuple[Link, ...]
    confidence: float
    weakest: Link | None = None
    flags: tuple[str, ...] = ()
    agreement: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Articles that cite the same page though their contents disagree, and what that looks like."""

    source_url: str
    members: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """How many pairs a stage brought or kept."""

    stage: str
    pairs: int


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """Which model made the vectors: its name, the digest of its weights, whose calibration was used."""

    name: str
    digest: str
    calibration: str


class Role(StrEnum):
    """What a record is in the corpus: one that stays of its cluster, a copy that goes, or in no cluster."""

    KEEP = "keep"
    COPY = "copy"
    SINGLE = "single"


@dataclass(frozen=True, slots=True)
class Change:
    """Clusters that another threshold would replace by others: the articles of each, ascending, in order.

    The clusters on the two sides are connected: each shares an article with one of the other side, unless there is
    none. An article of one side alone would be in no cluster on the other.
    """

    before: tuple[tuple[int, ...], ...]
    after: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a threshold would give: ``clusters`` of two or more articles, which hold ``articles``; see
    :mod:`dedup.sweep`. ``changes`` are against the run, by their first article; none at the run's own threshold.
    """

    threshold: float
    clusters: int
    articles: int
    changes: tuple[Change, ...] = ()

    @property
    def gone(self) -> int:
        """Clusters of the run that would not be there as they are."""
        return sum(len(change.before) for change in self.changes)

    @property
    def new(self) -> int:
        """Clusters that are none of the run's."""
        return sum(len(change.after) for change in self.changes)

    @property
    def concerned(self) -> int:
        """Articles in either."""
        return sum(len({i for group in (*one.before, *one.after) for i in group}) for one in self.changes)


class Entries(Protocol):
    """Articles by their positions, which are in the order of the records' ids."""

    def __getitem__(self, position: int, /) -> Entry:
        """The article at this position."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a run; :mod:`dedup.report` writes it in the forms that people and programs read.

    Clusters, conflicts and outlooks refer to ``articles`` by their positions; other articles need not be there.
    ``languages`` counts all articles, by language. ``settings`` is what was set, as plain values. ``first_encoder`` is
    the one that every record met, where another than ``encoder`` came first.
    """

    articles: Entries
    languages: Mapping[str, int]
    clusters: tuple[Cluster, ...]
    conflicts: tuple[Conflict, ...]
    funnel: tuple[FunnelStage, ...]
    skipped: tuple[Skipped, ...]
    encoder: EncoderInfo
    settings: Mapping[str, str | int | float | bool]
    dropped_segments: Mapping[str, int]
    """Record id -> segments beyond the limit, which were not compared by meaning."""
    first_encoder: EncoderInfo | None = None
    boilerplate: int = 0
    """Different passages that counted little, because they stand in several texts that are otherwise unlike."""
    outlooks: tuple[Outlook, ...] | None = None
    """What other thresholds would give, and the run's own, ascending; none where nobody asked (:mod:`dedup.sweep`)."""

    @property
    def records(self) -> int:
        """How many records were compared."""
        return sum(self.languages.values())


@dataclass(frozen=True, slots=True)
class WholeReport(Report):
    """A report with all its articles, in the order of their records' ids: also those that nothing speaks of."""

    articles: tuple[Entry, ...]
