"""What the page knows: the document of the report, and from the run texts, aligned passages and pairs below the
threshold.

Records, texts, clusters and pairs are rows: arrays in which a field goes by its place, and which name one another by
position. So no name is written ten thousand times. ``script/data.js`` reads the fields in the order in which they stand
here.
"""

from msgspec import Struct

from dedup.report import document


class Row(Struct, frozen=True, array_like=True):
    """Written as an array of its fields."""


class Text(Row, frozen=True):
    """The segments of a text as far as they are shown; how many characters of them are not, and how many segments were
    not compared.

    ``figures`` are those of the segments that are shown: the segment, where in it the figure begins and ends in UTF-16
    code units (which JavaScript counts in), its digits.
    """

    segments: tuple[str, ...]
    cut_characters: int
    beyond: int
    figures: tuple[tuple[int, int, int, str], ...]


class Record(Row, frozen=True):
    """A record that a cluster, a pair, a conflict or another threshold names. ``path`` is null where it is the id;
    ``text`` and ``cluster`` are positions.
    """

    id: str
    path: str | None
    line: int | None
    language: str
    source_url: str | None
    characters: int
    text: int
    cluster: int | None


class Detail(Row, frozen=True):
    """Why a pair was judged as it was.

    ``evidence``: name (its place in the page's list), value, weight, detail; ``in_favour`` and ``against`` say it in
    words. ``passages``: segments that choose each other, the left and the right one, and their cosine in hundredths.
    ``shared``, ``missing`` and ``clashes`` (left, right): figures, as digits. ``shared_names`` and ``missing_names`` as
    they are written in the text with fewer.
    """

    evidence: tuple[tuple[int, float, float, str], ...]
    in_favour: str
    against: str
    passages: tuple[tuple[int, int, int], ...]
    shared: tuple[str, ...]
    missing: tuple[str, ...]
    clashes: tuple[tuple[str, str], ...]
    shared_names: tuple[str, ...]
    missing_names: tuple[str, ...]


class Pair(Row, frozen=True):
    """Two records that were judged, ``left`` and ``right`` by position; relation, finders and ``confirmed_by`` by their
    places in the page's lists. ``detail`` is a position, too, and null where there are more pairs than the page shows
    in detail.
    """

    left: int
    right: int
    relation: int
    probability: float
    found_by: tuple[int, ...]
    confirmed_by: int
    detail: int | None


class Cluster(Row, frozen=True):
    """A cluster; members, pairs, the kept record and the weakest pair by position. ``all_links`` counts the links that
    are not listed, too; ``beginning`` is that of the kept record's text.
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
    beginning: str


class Conflict(Row, frozen=True):
    """Records, by position, that cite one page though they disagree."""

    source_url: str
    members: tuple[int, ...]
    reason: str


class Group(Row, frozen=True):
    """Records, by position; ``all_members`` counts those that are not listed, too."""

    members: tuple[int, ...]
    all_members: int


class Change(Row, frozen=True):
    """Clusters, by position, and what another threshold would make of them (:class:`dedup.model.Change`); the records
    that would be ``lost``, in no cluster any more, and those ``gained``.
    """

    before: tuple[int, ...]
    after: tuple[Group, ...]
    lost: Group
    gained: Group


class Outlook(Struct, frozen=True, kw_only=True):
    """What a threshold would give (:class:`dedup.model.Outlook`); ``all_changes`` counts the changes that are not
    listed, too.
    """

    threshold: float
    clusters: int
    records: int
    gone: int
    new: int
    concerned: int
    changes: tuple[Change, ...]
    all_changes: int


class Cut(Struct, frozen=True, kw_only=True):
    """What the limits left out: how much there is, and how much is shown.

    Of a text at most ``characters`` are shown, of ``texts_begun`` texts only some ``beginning`` ones, because all come
    to too many.
    """

    characters: int
    beginning: int
    texts: int
    texts_cut: int
    texts_begun: int
    links: int
    links_shown: int
    outside: int
    outside_shown: int
    floor: float
    pairs: int
    pairs_detailed: int


class Index(Struct, frozen=True, kw_only=True):
    """All that lists, filters and pictures need. ``outside`` are the pairs that are no links of a cluster, by position,
    those nearest to the threshold first.
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
    pairs: tuple[Pair, ...]
    clusters: tuple[Cluster, ...]
    outside: tuple[int, ...]
    conflicts: tuple[Conflict, ...]
    skipped: tuple[document.Skipped, ...]
    outlooks: tuple[Outlook, ...]
    cut: Cut


class PageData(Struct, frozen=True, kw_only=True):
    """All that the page shows: the index, which it reads when it is opened, and what it reads when it is asked for."""

    index: Index
    texts: tuple[Text, ...]
    details: tuple[Detail, ...]
