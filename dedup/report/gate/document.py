"""A check as a document: what was found, in a fixed order, with numbers rounded, as in :mod:`dedup.report.document`.

The classes below are the contract with every program that reads a check; ``check.schema.json`` is generated from them.
All forms are made from this document, so that all say the same.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from dedup import __version__, findings, model
from dedup.report.document import (
    Count,
    Encoder,
    Evidence,
    Member,
    Probability,
    Shortened,
    Skipped,
    Stage,
    Tool,
    encoder_of,
    evidence_of,
    funnel_of,
    languages_of,
    member_of,
    rounded,
    settings_of,
    shortened_of,
    skipped_of,
    writable,
)

SCHEMA_VERSION: Final = 1
"""Raised when a program that reads checks would have to change; a further field is no such change."""


class CheckInput(Struct, frozen=True, kw_only=True):
    """What was compared."""

    records: Annotated[Count, Meta(description="New records compared; skipped ones are not among them.")]
    known: Annotated[Count, Meta(description="Known records that they were compared with.")]
    replaced: Annotated[
        Count, Meta(description="Known records that gave way to a new one: the same file, or the same row of a table.")
    ]
    gone: Annotated[Count, Meta(description="Known records left out, as their files are no longer there.")]
    unchanged: Annotated[
        Count, Meta(description="Files given as new that were not changed, and are not among the known: not compared.")
    ] = 0
    skipped: Annotated[Count, Meta(description="Pieces of the new input that could not be used.")]
    known_skipped: Annotated[
        Count, Meta(description="Pieces of the known input that could not be used, where it was read for this check.")
    ]
    languages: Annotated[dict[str, Count], Meta(description="ISO 639 code, or 'und', to number of new records.")]
    dropped_segments: Annotated[Count, Meta(description="Segments left out of the shortened records, in all.")]
    shortened: Annotated[tuple[Shortened, ...], Meta(description="New records, by id.")]
    known_shortened: Annotated[
        Count, Meta(description="Known records that are longer than the settings allow, those left out included.")
    ] = 0
    known_dropped_segments: Annotated[Count, Meta(description="Segments of these that were not compared.")] = 0


class Match(Struct, frozen=True, kw_only=True):
    """Another record that carries the article of a new one."""

    partner: Member
    known: Annotated[bool, Meta(description="Whether the partner is a known record, or else another new one.")]
    relation: model.Relation
    probability: Annotated[Probability, Meta(description="That both carry the same article.")]
    found_by: Annotated[tuple[model.Finder, ...], Meta(description="Why the pair was looked at.")]
    evidence: Annotated[
        tuple[Evidence, ...],
        Meta(description="The prior first. The weights add up to the log-odds of the probability, as in a report."),
    ]
    confirmed_by: Annotated[
        model.Confirmed,
        Meta(description="What the probability rests on: equal texts, vectors of the token table, or of the model."),
    ]
    shared_source: Annotated[
        str | None, Meta(description="The URL that the new record cites, where the partner cites the same page.")
    ]
    copies: Annotated[
        Count, Meta(description="Further records with the very text of the partner, which are not listed.")
    ]
    accepted: Annotated[bool, Meta(description="Whether the baseline says that the pair may be there.")]


class Finding(Struct, frozen=True, kw_only=True):
    """A new record that carries the article of others."""

    record: Member
    accepted: Annotated[bool, Meta(description="Whether the baseline accepts every match.")]
    matches: Annotated[tuple[Match, ...], Meta(description="The most probable first.", min_length=1)]


class SameId(Struct, frozen=True, kw_only=True):
    """A new row that carries the article of the known row of its id in another table, or of standard input, in the same
    language: taken for its new version, and so no finding.
    """

    record: Member
    known: Member
    relation: model.Relation
    probability: Annotated[Probability, Meta(description="That both carry the same article.")]


class SharedPage(Struct, frozen=True, kw_only=True):
    """A new record that cites the page that others cite, though their contents disagree: no finding."""

    record: Member
    others: Annotated[tuple[Member, ...], Meta(description="Known ones, then new ones that come before.")]
    further: Annotated[Count, Meta(description="Others that are not named.")] = 0
    source_url: str
    reason: str


class Stale(Struct, frozen=True, kw_only=True):
    """An entry of the baseline that no longer applies: one of the two was checked, and the pair was not found."""

    left: Annotated[str, Meta(description="As the baseline names it.")]
    right: str


class CheckDocument(Struct, frozen=True, kw_only=True):
    """Check of dedup: which new records carry the article of a known one, or of another new one, and why."""

    schema_version: Literal[1]
    kind: Literal["check"]
    tool: Tool
    encoder: Encoder
    first_encoder: Annotated[
        Encoder | None,
        Meta(
            description="What every new record met, where 'encoder' was only asked about what that left open. Null "
            "where 'encoder' met every new record."
        ),
    ]
    settings: Annotated[dict[str, str | int | float | bool], Meta(description="All settings that can change a result.")]
    input: CheckInput
    unaccepted: Annotated[
        Count, Meta(description="Findings with a match that no baseline accepts: what the gate fails for.")
    ]
    records: Annotated[tuple[Member, ...], Meta(description="The new records compared, by path, line and id.")]
    findings: Annotated[tuple[Finding, ...], Meta(description="By path, line and id of the record.")]
    same_id: Annotated[tuple[SameId, ...], Meta(description="By path, line and id of the record.")] = ()
    shared_pages: Annotated[tuple[SharedPage, ...], Meta(description="By path, line and id of the record.")]
    stale: Annotated[tuple[Stale, ...], Meta(description="Entries of the baseline that no longer apply, by name.")]
    skipped: Annotated[tuple[Skipped, ...], Meta(description="Of the new input, by path and line.")]
    known_skipped: Annotated[tuple[Skipped, ...], Meta(description="Of the known input, by path and line.")]
    funnel: Annotated[tuple[Stage, ...], Meta(description="In the order of the flow.")]


def check_document(checked: findings.Checked) -> CheckDocument:
    """The document that says what ``checked`` says."""
    return CheckDocument(
        schema_version=SCHEMA_VERSION,
        kind="check",
        tool=Tool(name="dedup", version=__version__),
        encoder=encoder_of(checked.encoder),
        first_encoder=None if checked.first_encoder is None else encoder_of(checked.first_encoder),
        settings=settings_of(checked.settings),
        input=_input(checked),
        unaccepted=len(checked.unaccepted),
        records=_members(checked.records),
        findings=tuple(sorted(map(_finding, checked.findings), key=lambda finding: _place(finding.record))),
        same_id=tuple(sorted(map(_same_id, checked.same_id), key=lambda one: _place(one.record))),
        shared_pages=tuple(
            sorted(map(_shared_page, checked.shared_pages), key=lambda page: (_place(page.record), page.source_url))
        ),
        stale=tuple(
            Stale(left=writable(entry.left), right=writable(entry.right))
            for entry in sorted(checked.stale, key=lambda entry: (entry.left, entry.right))
        ),
        skipped=skipped_of(checked.skipped),
        known_skipped=skipped_of(checked.known_skipped),
        funnel=funnel_of(checked.funnel),
    )


def _input(checked: findings.Checked) -> CheckInput:
    return CheckInput(
        records=len(checked.records),
        known=checked.known,
        replaced=checked.replaced,
        gone=checked.gone,
        unchanged=checked.unchanged,
        skipped=len(checked.skipped),
        known_skipped=len(checked.known_skipped),
        languages=languages_of(checked.records),
        dropped_segments=sum(checked.dropped_segments.values()),
        shortened=shortened_of(checked.dropped_segments),
        known_shortened=checked.known_shortened,
        known_dropped_segments=checked.known_dropped_segments,
    )


def _member(record: model.Entry) -> Member:
    return member_of(record, writable(record.id))


def _members(records: Iterable[model.Entry]) -> tuple[Member, ...]:
    return tuple(sorted(map(_member, records), key=_place))


def _place(member: Member) -> tuple[str, int, str]:
    return member.path or "", member.line or 0, member.id


def _finding(finding: findings.Finding) -> Finding:
    return Finding(
        record=_member(finding.record), accepted=finding.accepted, matches=tuple(map(_match, finding.matches))
    )


def _match(match: findings.Match) -> Match:
    return Match(
        partner=_member(match.partner),
        known=match.known,
        relation=match.relation,
        probability=rounded(match.probability),
        found_by=match.found_by,
        evidence=evidence_of(match.evidence),
        confirmed_by=match.confirmed_by,
        shared_source=None if match.shared_source is None else writable(match.shared_source),
        copies=match.copies,
        accepted=match.accepted,
    )


def _same_id(one: findings.SameId) -> SameId:
    return SameId(
        record=_member(one.record),
        known=_member(one.known),
        relation=one.relation,
        probability=rounded(one.probability),
    )


def _shared_page(page: findings.SharedPage) -> SharedPage:
    return SharedPage(
        record=_member(page.record),
        others=_members(page.others),
        further=page.further,
        source_url=writable(page.source_url),
        reason=writable(page.reason),
    )
