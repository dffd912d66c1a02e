"""What the forms of a check say in words: the same sentence wherever a person reads it.

A sentence comes in pieces where it holds what a record says: each form makes every piece safe for where it goes.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from dedup.model import Relation
from dedup.report.console import counted, isolated, shown_probability, visible
from dedup.report.document import Member
from dedup.report.gate.document import CheckDocument, Finding, Match, SameId, SharedPage, Stale
from dedup.report.wording import place_of, reason_of

OTHERS_TOLD: Final = 5
"""Matches told after the first one, and names in a list."""
IN_JSON: Final = "all with --format json"

NOTHING_KNOWN: Final = (
    "There is nothing known: the new records were compared with one another alone. Does --against say what is meant? "
    "Of a folder the .txt and .md files are read"
)

NO_FILES: Final = frozenset({"-", "<memory>"})
"""Standard input, and what a program made, go by these paths, which no viewer could open."""

TITLES: Final[Mapping[Relation, str]] = {
    Relation.EXACT: "the same text",
    Relation.NEAR_DUPLICATE: "a near-duplicate",
    Relation.TRANSLATION: "a translation",
    Relation.PARTIAL: "a substantial part in common",
}
_OPENINGS: Final[Mapping[Relation, str]] = {
    Relation.EXACT: "The same text as ",
    Relation.NEAR_DUPLICATE: "A near-duplicate of ",
    Relation.TRANSLATION: "A translation of ",
    Relation.PARTIAL: "A substantial part in common with ",
}

Pieces = Sequence[str]


class Statement(NamedTuple):
    """What a new record is to its partner, around the partner's name."""

    opening: str
    partner: str
    standing: str


def named(member: Member) -> str:
    """A record by its place, and by its id where the place does not say it."""
    if member.path is None:
        return member.id
    place = place_of(member.path, member.line)
    is_said = member.line is None or place == member.id or place.endswith(f"/{member.id}")
    return place if is_said else f"{place} ({member.id})"


def file_of(path: str | None) -> str | None:
    """The path, where it is that of a file."""
    return None if path in NO_FILES else path


def statement(match: Match) -> Statement:
    """The relation, the partner, and how sure that is."""
    standing = "known" if match.known else "new"
    probability = shown_probability(match.probability)
    return Statement(
        _OPENINGS[match.relation],
        named(match.partner),
        f" ({match.partner.language}, {standing}): probability {probability}",
    )


def reasons(match: Match) -> list[str]:
    """Why the two carry one article, and what else carries it: a line each."""
    lines = []
    if match.shared_source is not None:
        lines.append(f"same source: {match.shared_source}")
    if why := reason_of(match.evidence):
        lines.append(why)
    if match.copies:
        verb = "has" if match.copies == 1 else "have"
        lines.append(f"{counted(match.copies, 'further record')} {verb} that very text")
    return lines


def matches_told(finding: Finding) -> tuple[Match, ...]:
    """Those that make it a finding: what is not accepted, or all where all is."""
    return finding.matches if finding.accepted else tuple(match for match in finding.matches if not match.accepted)


def further(finding: Finding) -> list[Pieces]:
    """What is told after the first match: why it is one, then the others, a line each. The cut is stated."""
    first, *others = matches_told(finding)
    lines: list[Pieces] = [[reason] for reason in reasons(first)]
    lines += [["also: ", *statement(match)] for match in others[:OTHERS_TOLD]]
    if len(others) > OTHERS_TOLD:
        lines.append([f"… and {len(others) - OTHERS_TOLD:,} more"])
    if accepted := len(finding.matches) - 1 - len(others):
        lines.append([f"and {counted(accepted, 'pair')} that the baseline accepts"])
    return lines


def shared_page(page: SharedPage) -> list[Pieces]:
    """The page, who else cites it, and what that looks like: a line each."""
    others = chain.from_iterable((", ", named(other)) for other in page.others[:OTHERS_TOLD])
    cut = max(len(page.others) - OTHERS_TOLD, 0) + page.further
    more = f", … {cut:,} more" if cut > 0 else ""
    return [
        ["Cites the page of ", *list(others)[1:], more, ", though the contents disagree: look at the citation"],
        [page.source_url],
        [page.reason],
    ]


def stale(entry: Stale) -> Pieces:
    """The entry, and what to do."""
    return [
        "The baseline accepts ",
        entry.left,
        " with ",
        entry.right,
        ", which is no longer found: take its line out, or let --update-baseline do it",
    ]


def remarks(document: CheckDocument) -> list[Pieces]:
    """What was not compared, or not told, though it might be expected: a sentence each, without a full stop."""
    told: list[Pieces] = []
    if document.input.records and not document.input.known and not document.input.replaced:
        told.append([NOTHING_KNOWN])
    if document.input.records and (unchanged := document.input.unchanged):
        verb = "is" if unchanged == 1 else "are"
        files = f"{counted(unchanged, 'file')} of NEW {verb} unchanged, and not known either"
        told.append([f"{files}: no new record was compared with what they hold; name them with --against, too"])
    if document.same_id:
        told.append(_same_id(document.same_id))
    return told


def _same_id(pairs: Sequence[SameId]) -> Pieces:
    rows = f"{counted(len(pairs), 'new row')} {'has' if len(pairs) == 1 else 'have'}"
    names = chain.from_iterable((", ", named(one.record), " of ", named(one.known)) for one in pairs[:OTHERS_TOLD])
    more = f", … {len(pairs) - OTHERS_TOLD:,} more ({IN_JSON})" if len(pairs) > OTHERS_TOLD else ""
    opening = f"{rows} the id and the article of a known row that stands elsewhere: taken for a new version of it, "
    return [opening, "and not told: ", *list(names)[1:], more]


def verdict(document: CheckDocument) -> str:
    """The outcome in one sentence that holds nothing of a record, without a full stop."""
    accepted = len(document.findings) - document.unaccepted
    apart = f", apart from {accepted:,} that the baseline accepts" if accepted else ""
    both = ("new", document.skipped), ("known", document.known_skipped)
    skipped = [f"{counted(len(some), 'piece')} of the {whose} input" for whose, some in both if some]
    unknown = f"; skipped: {' and '.join(skipped)}" if skipped else ""
    if not document.unaccepted:
        return f"No new record carries the article of a known or another new one{apart}{unknown}"
    verb = "carries" if document.unaccepted == 1 else "carry"
    return f"{counted(document.unaccepted, 'new record')} {verb} the article of {_of_whom(document)}{apart}{unknown}"


def _of_whom(document: CheckDocument) -> str:
    told = [match.known for finding in document.findings if not finding.accepted for match in matches_told(finding)]
    if all(told):
        return "a known one"
    return "a known or another new one" if any(told) else "another new one"


def plain(pieces: Pieces) -> str:
    """A sentence where nothing commands a terminal or turns the line, for what is read in a viewer or a log."""
    return "".join(isolated(visible(piece)) for piece in pieces)
