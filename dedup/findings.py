"""What a check of new records against known ones found: the values that :mod:`dedup.check` gives and reports write.

    new records, known records -check-> Checked -baseline-> Checked, its matches marked as accepted -report-> exit code

A *match* is a pair that carries one article: a new record, and a known one or another new one. A *finding* is a new
record with all of its matches. Of two new records the match is told once, at the one that comes later (by path, line
and id): without it the pair is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dedup.model import Confirmed, EncoderInfo, Entry, Evidence, Finder, FunnelStage, Relation, Skipped


@dataclass(frozen=True, slots=True)
class Match:
    """Another record that carries the article of a new one.

    ``known`` tells a known record from another new one. ``copies`` counts further records with the very text of the
    partner, which are not listed. ``shared_source`` is the URL that the new record cites where the partner cites the
    same page, however it spells it. ``evidence`` adds up to the log-odds of ``probability``, as in
    :class:`dedup.model.Link`. ``accepted``: a baseline says that the pair may be there.
    """

    partner: Entry
    known: bool
    relation: Relation
    probability: float
    found_by: tuple[Finder, ...]
    evidence: tuple[Evidence, ...]
    confirmed_by: Confirmed
    shared_source: str | None
    copies: int = 0
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A new record and its matches: the most probable first, of equal ones the known first, then by id."""

    record: Entry
    matches: tuple[Match, ...]

    @property
    def accepted(self) -> bool:
        """Whether the baseline accepts every match."""
        return all(match.accepted for match in self.matches)


@dataclass(frozen=True, slots=True)
class SameId:
    """A new row that carries the article of a known row of another table, or of standard input, in the same language,
    and has its id: taken for its new version, and so no finding.
    """

    record: Entry
    known: Entry
    relation: Relation
    probability: float


@dataclass(frozen=True, slots=True)
class SharedPage:
    """A new record that cites the page that ``others`` cite, though their contents disagree: no finding, but worth a
    look (a wrong citation, a home page). ``further`` counts those that are not named among ``others``: known ones come
    first, then the new ones before this one.
    """

    record: Entry
    others: tuple[Entry, ...]
    source_url: str
    reason: str
    further: int = 0


@dataclass(frozen=True, slots=True)
class StaleEntry:
    """An entry of the baseline that no longer applies: one of the two was checked, and the pair was not found."""

    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check.

    ``records`` are the new records that were compared, ``replaced`` how many known records gave way to a new one that
    is the same record (the same file, or the same id in the same table), ``gone`` how many to a file that is no longer
    there. ``known`` counts the known records that were left to compare with. All tuples are in a fixed order: records
    and findings by path, line and id.
    """

    records: tuple[Entry, ...]
    known: int
    replaced: int
    gone: int
    findings: tuple[Finding, ...]
    same_id: tuple[SameId, ...]
    shared_pages: tuple[SharedPage, ...]
    skipped: tuple[Skipped, ...]
    """Of the new input."""
    known_skipped: tuple[Skipped, ...]
    """Of the known input, where it was read for this check; an index tells of its own when it is made."""
    funnel: tuple[FunnelStage, ...]
    encoder: EncoderInfo
    first_encoder: EncoderInfo | None
    settings: Mapping[str, str | int | float | bool]
    dropped_segments: Mapping[str, int]
    """Id of a new record -> segments beyond the limit, which were not compared by meaning."""
    known_shortened: int
    """Known records with such segments."""
    known_dropped_segments: int
    """These segments."""
    stale: tuple[StaleEntry, ...] = ()
    """Of the baseline."""
    unchanged: int = 0
    """Files that were given as new, but were not changed, and are not known either."""

    @property
    def unaccepted(self) -> tuple[Finding, ...]:
        """What makes the gate fail: findings with a match that no baseline accepts."""
        return tuple(finding for finding in self.findings if not finding.accepted)
