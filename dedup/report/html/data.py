"""What the page knows: the document of the report, and from the run texts, aligned passages and pairs below the
threshold.

Records, texts, clusters and pairs are rows: arrays in which a field goes by its place, and which name one another by
position. So no name is written ten thousand times. ``page.js`` reads the fields in the order in which they stand here.
"""

from msgspec import Struct

from dedup.report import document


class Row(Struct, frozen=True, array_like=True):
    """Written as an array of its fields."""


class Text(Row, frozen=True):
    """The segments of a text as far as they are shown; how many characters of them are not, and how many segments were
    not compared.
    """

    segments: tuple[str, ...]
    cut_characters: int
    beyond: int


class Record(Row, frozen=True):
    """A record that a cluster, a pair or a conflict names. ``path`` is null where it is the id; ``text`` and
    ``cluster`` are positions.
    """

    id: str
    path: str | None
    line: int | None
    language: str
    source_url: str | None
    characters: int
    text: int | None
    cluster: int | None


class Detail(Row, frozen=True):
    """Why a pair was judged as it was.

    ``evidence``: name (its place in the page's list), value, weight, detail. ``passages``: segments that choose each
    other, the left and the right one, and their cosine in hundredths. ``shared`` and ``missing``: figures, as digits.
    """

    evidence: tuple[tuple[int, float, float, str], ...]
    passages: tuple[tuple[int, int, int], ...]
    shared: tuple[str, ...]
    missing: tuple[str, ...]


class Pair(Row, frozen=True):
    """Two records that were judged, ``left`` and ``right`` by position; relation, finders and ``confirmed_by`` by their
    places in the page's lists. ``detail`` is null where there are more pairs than the page shows in detail.
    """

    left: int
    right: int
    relation: int
    probability: float
    found_by: tuple[int, ...]
    confirmed_by: int
    detail: Detail | None


class Cluster(Row, frozen=True):
    """A cluster; members, pairs, the kept record and the weakest pair by position. ``all_links`` counts the links that
    are not listed, too.
    """

    id: str
    source_url: str | None
    confidence: float
    members: tuple[int, ...]
    keep: int
    links: tuple[int, ...]
    all_links: int
    weakest: int | None
    flags: tuple[str, ...]


class Conflict(Row, frozen=True):
    """Records, by position, that cite one page though they disagree."""

    source_url: str
    members: tuple[int, ...]
    reason: str


class Outlook(Struct, frozen=True, kw_only=True):
    """See :class:`dedup.report.document.Outlook`."""

    threshold: float
    clusters: int
    records: int
    gone: int
    new: int
    concerned: int


class Cut(Struct, frozen=True, kw_only=True):
    """What the limits left out: how much there is, and how much is shown."""

    characters: int
    texts: int
    texts_cut: int
    links: int
    links_shown: int
    outside: int
    outside_shown: int
    floor: float
    pairs: int
    pairs_detailed: int


class PageData(Struct, frozen=True, kw_only=True):
    """All that the page shows. ``outside`` are the pairs that are no links of a cluster, by position, those nearest to
    the threshold first.
    """

    tool: document.Tool
    encoder: document.Encoder
    first_encoder: document.Encoder | None
    settings: dict[str, str | int | float | bool]
    threshold: float
    input: document.Input
    funnel: tuple[document.Stage, ...]
    relations: tuple[str, ...]
    finders: tuple[str, ...]
    confirmed: tuple[str, ...]
    evidence: tuple[str, ...]
    records: tuple[Record, ...]
    texts: tuple[Text, ...]
    pairs: tuple[Pair, ...]
    clusters: tuple[Cluster, ...]
    outside: tuple[int, ...]
    conflicts: tuple[Conflict, ...]
    skipped: tuple[document.Skipped, ...]
    outlooks: tuple[Outlook, ...]
    cut: Cut
