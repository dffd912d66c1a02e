"""A check as a SARIF 2.1.0 log (OASIS), with what GitHub's code scanning needs of one.

The classes are the part of the standard that is used, under its names. A finding is one result: its rule is the
relation to the best partner, the partners are related locations, and the message links to them, since only so GitHub
shows them. An accepted finding is a result with a suppression. What is no result (skipped input, entries of the
baseline) is a notification of the invocation.

What GitHub asks for beyond the standard ("SARIF support for code scanning"): a region with both ends (a file as a
whole is told by the first character of its first line), descriptions and help of each rule, and
``primaryLocationLineHash``, the one fingerprint that it looks at: here a hash of the two ids, so that an alert stays
the same alert while the texts and the lines of a table change. GitHub's upload action keeps it, and logs a warning that
it would have hashed the line (``locationUpdateCallback`` in ``src/fingerprints.ts`` of github/codeql-action). A log
with a result that has over a thousand locations is refused, and a hundred are shown: so many partners are named. GitHub
shows no result without a file: records of standard input have a logical location only, which other viewers show. It
takes relative paths from the root of the repository.
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from dedup.model import Relation
from dedup.read.remote import WEB, is_remote
from dedup.report import layout
from dedup.report.document import Member, Skipped
from dedup.report.gate.document import CheckDocument, Finding, Match, SharedPage
from dedup.report.gate.wording import (
    IN_JSON,
    Pieces,
    file_of,
    matches_told,
    plain,
    reasons,
    remarks,
    shared_page,
    stale,
    statement,
)
from dedup.report.wording import place_of

VERSION: Final = "2.1.0"
SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
"""The name by which GitHub's own example calls it; nothing fetches it."""

PARTNERS_TOLD: Final = 100
"""GitHub refuses a result with over a thousand locations, and shows a hundred."""

Properties = dict[str, str | int | float | bool]


class Message(Struct, frozen=True):
    """§3.11."""

    text: str


class ArtifactLocation(Struct, frozen=True):
    """§3.4; ``uri`` as in RFC 3986."""

    uri: str


class Region(Struct, frozen=True, rename="camel"):
    """§3.30; from 1, the end behind its last character."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int


class PhysicalLocation(Struct, frozen=True, rename="camel"):
    """§3.29."""

    artifact_location: ArtifactLocation
    region: Region | None = None


class LogicalLocation(Struct, frozen=True, rename="camel"):
    """§3.33."""

    fully_qualified_name: str


class Location(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """§3.28; ``id`` is what a message links to."""

    id: int | None = None
    physical_location: PhysicalLocation | None = None
    logical_locations: tuple[LogicalLocation, ...] = ()
    message: Message | None = None


class Suppression(Struct, frozen=True):
    """§3.35."""

    kind: str
    justification: str


class Result(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """§3.27."""

    rule_id: str
    rule_index: int
    level: str
    message: Message
    locations: tuple[Location, ...]
    related_locations: tuple[Location, ...] = ()
    partial_fingerprints: dict[str, str]
    suppressions: tuple[Suppression, ...] = ()
    properties: Properties


class Configuration(Struct, frozen=True):
    """§3.50."""

    level: str


class Descriptor(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """§3.49: a rule, or a kind of notification."""

    id: str
    name: str
    short_description: Message
    full_description: Message
    default_configuration: Configuration
    help: Message
    properties: dict[str, str | tuple[str, ...]] = {}


class DescriptorReference(Struct, frozen=True):
    """§3.52."""

    id: str
    index: int


class Notification(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """§3.58."""

    descriptor: DescriptorReference
    level: str
    message: Message
    locations: tuple[Location, ...] = ()


class Invocation(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """§3.20."""

    execution_successful: bool
    tool_execution_notifications: tuple[Notification, ...] = ()
    tool_configuration_notifications: tuple[Notification, ...] = ()


class Driver(Struct, frozen=True, kw_only=True):
    """§3.19."""

    name: str
    version: str
    rules: tuple[Descriptor, ...]
    notifications: tuple[Descriptor, ...]


class SarifTool(Struct, frozen=True):
    """§3.18."""

    driver: Driver


class Run(Struct, frozen=True, kw_only=True, rename="camel"):
    """§3.14."""

    tool: SarifTool
    invocations: tuple[Invocation, ...]
    column_kind: str = "unicodeCodePoints"
    results: tuple[Result, ...]
    properties: Properties


class Log(Struct, frozen=True, kw_only=True):
    """§3.13."""

    schema: str = field(name="$schema", default=SCHEMA)
    version: str = VERSION
    runs: tuple[Run, ...]


_WHAT_TO_DO = (
    "Leave the new record out, or, where both are wanted, accept the pair: "
    "dedup check with --baseline FILE --update-baseline writes it into the baseline, where a note can say why."
)


def _rule(name: str, title: str, description: str, advice: str, level: str) -> Descriptor:
    return Descriptor(
        id=f"dedup/{name}",
        name=name,
        short_description=Message(title),
        full_description=Message(description),
        default_configuration=Configuration(level),
        help=Message(f"{description} {advice}"),
        properties={"tags": ("duplicate-content",), "problem.severity": level, "precision": "high"},
    )


_RULES: Final = {
    Relation.EXACT: _rule(
        "exact",
        "A new record has the text of another",
        "The two texts are the same once spaces, marks and spellings of characters are made alike.",
        _WHAT_TO_DO,
        "error",
    ),
    Relation.NEAR_DUPLICATE: _rule(
        "near-duplicate",
        "A new record is an edited copy of another",
        "The two texts are in one language and carry one article, with small edits.",
        _WHAT_TO_DO,
        "error",
    ),
    Relation.TRANSLATION: _rule(
        "translation",
        "A new record is a translation of another",
        "The two texts are in different languages and carry one article.",
        _WHAT_TO_DO,
        "error",
    ),
    Relation.PARTIAL: _rule(
        "partial",
        "A new record shares a substantial part with another",
        "One text carries a substantial part of the other: it is cut, an excerpt or a digest, in one language or two.",
        _WHAT_TO_DO,
        "error",
    ),
}
_SHARED_PAGE: Final = _rule(
    "shared-page",
    "A new record cites the page of another, and says something else",
    "Two records cite one page as their source, though their contents disagree: a home page, or a wrong citation.",
    "Look at the source that each cites.",
    "warning",
)
_ALL_RULES: Final = (*_RULES.values(), _SHARED_PAGE)

_SKIPPED: Final = _rule(
    "skipped",
    "A piece of the input could not be used",
    "It was not compared with anything, so nothing is known of it.",
    "Mend it and check again; --strict lets the check fail for it.",
    "warning",
)
_STALE: Final = _rule(
    "stale-baseline-entry",
    "The baseline accepts a pair that is no longer found",
    "One of the two records was checked, and the other did not carry its article.",
    "Take its line out of the baseline, or let --update-baseline do it.",
    "warning",
)
_REMARK: Final = _rule(
    "not-compared",
    "Something was not compared, or not told",
    "It might be expected to be, and nothing else in this log tells that it was not.",
    "See what is left out, and why.",
    "warning",
)
_NOTIFICATIONS: Final = (_SKIPPED, _STALE, _REMARK)


def sarif_log(document: CheckDocument) -> bytes:
    """UTF-8 JSON, two spaces of indentation, a newline at the end."""
    results = chain(map(_finding, document.findings), map(_page, document.shared_pages))
    read = document.input
    run = Run(
        tool=SarifTool(
            Driver(
                name=document.tool.name, version=document.tool.version, rules=_ALL_RULES, notifications=_NOTIFICATIONS
            )
        ),
        invocations=(_invocation(document),),
        results=tuple(results),
        properties={"records": read.records, "known": read.known, "replaced": read.replaced, "gone": read.gone},
    )
    return layout.json_of(Log(runs=(run,)))


def _invocation(document: CheckDocument) -> Invocation:
    skipped = [_skipped(one, "") for one in document.skipped]
    known = [_skipped(one, "of the known input: ") for one in document.known_skipped]
    return Invocation(
        execution_successful=True,
        tool_execution_notifications=(
            *skipped,
            *known,
            *(_notification(_REMARK, told) for told in remarks(document)),
        ),
        tool_configuration_notifications=tuple(_notification(_STALE, stale(entry)) for entry in document.stale),
    )


def _skipped(one: Skipped, opening: str) -> Notification:
    return _notification(_SKIPPED, [opening, place_of(one.path, one.line), ": ", one.reason], _locations(one, None))


def _notification(kind: Descriptor, pieces: Pieces, locations: tuple[Location, ...] = ()) -> Notification:
    return Notification(
        descriptor=DescriptorReference(kind.id, _NOTIFICATIONS.index(kind)),
        level=kind.default_configuration.level,
        message=Message(_escaped(pieces)),
        locations=locations,
    )


def _finding(finding: Finding) -> Result:
    told = matches_told(finding)
    best = told[0]
    partners = [*told, *(match for match in finding.matches if match not in told)][:PARTNERS_TOLD]
    rule = _RULES[best.relation]
    return Result(
        rule_id=rule.id,
        rule_index=_ALL_RULES.index(rule),
        level="error",
        message=Message(_message(finding, partners)),
        locations=_locations(finding.record, finding.record.id),
        related_locations=tuple(
            location for number, match in enumerate(partners, 1) for location in _partner(number, match)
        ),
        partial_fingerprints=_fingerprints(finding.record.id, best.partner.id),
        suppressions=(Suppression("external", "The baseline accepts the pair."),) if finding.accepted else (),
        properties={
            "probability": best.probability,
            "relation": str(best.relation),
            "id": finding.record.id,
            "partner": best.partner.id,
            "known": best.known,
            "matches": len(finding.matches),
        },
    )


def _message(finding: Finding, partners: Sequence[Match]) -> str:
    """The best match in a sentence of its own, for where there is room for one, then why, then the others."""
    parts = [_linked(1, partners[0])]
    parts += [_escaped([reason]) for reason in reasons(partners[0])]
    for number, match in enumerate(partners[1:], 2):
        accepted = ", accepted by the baseline" if match.accepted and not finding.accepted else ""
        parts.append(f"also: {_linked(number, match)}{accepted}")
    if cut := len(finding.matches) - len(partners):
        parts.append(f"… and {cut:,} more ({IN_JSON})")
    return ".\n".join(parts) + "."


def _linked(number: int, match: Match) -> str:
    opening, partner, standing = (_escaped([piece]) for piece in statement(match))
    name = partner if file_of(match.partner.path) is None else f"[{partner}]({number})"
    return f"{opening}{name}{standing}"


def _partner(number: int, match: Match) -> tuple[Location, ...]:
    """Where the partner is; nowhere to go to for one that is in no file, which the message names."""
    if file_of(match.partner.path) is None:
        return ()
    (location,) = _locations(match.partner, None)
    said = Message(_escaped([*statement(match)]))
    return (msgspec.structs.replace(location, id=number, message=said),)


def _page(page: SharedPage) -> Result:
    return Result(
        rule_id=_SHARED_PAGE.id,
        rule_index=_ALL_RULES.index(_SHARED_PAGE),
        level="warning",
        message=Message(".\n".join(_escaped(pieces) for pieces in shared_page(page)) + "."),
        locations=_locations(page.record, page.record.id),
        partial_fingerprints=_fingerprints(page.record.id, page.source_url),
        properties={"id": page.record.id, "source_url": page.source_url},
    )


def _locations(where: Member | Skipped, name: str | None) -> tuple[Location, ...]:
    """The place in a file, or else the name, or else nothing."""
    file = file_of(where.path)
    if file is None:
        return () if name is None else (Location(logical_locations=(LogicalLocation(name),)),)
    line = where.line or 1
    region = Region(start_line=line, start_column=1, end_line=line, end_column=2)
    return (Location(physical_location=PhysicalLocation(ArtifactLocation(_uri(file)), region)),)


def _uri(path: str) -> str:
    """A relative path as a relative reference, an absolute one as a file URI (RFC 3986, RFC 8089); a URL as it is, but
    that what an object store takes for the name of a file may hold characters which no URI does.
    """
    if is_remote(path):
        scheme, _, rest = path.partition("://")
        return f"{scheme}://{quote(rest, safe='/:@%' if scheme.lower() in WEB else '/:@')}"
    return Path(path).as_uri() if Path(path).is_absolute() else quote(path)


def _fingerprints(one: str, other: str) -> dict[str, str]:
    """The same for the same two in either order. GitHub writes a hash with the number of its occurrence behind it."""
    digest = blake2b("\0".join(sorted((one, other))).encode(), digest_size=8).hexdigest()
    return {"dedupPair/v1": digest, "primaryLocationLineHash": f"{digest}:1"}


def _escaped(pieces: Pieces) -> str:
    """A sentence in which nothing is a placeholder (§3.11.5) or a link (§3.11.6) but what is meant to be."""
    text = plain(pieces)
    for sign in "\\[]":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("{", "{{").replace("}", "}}")
