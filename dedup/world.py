"""What a check compares: the new texts and the known ones that finders proposed for them, in one small world."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dedup.candidates import Candidates, Proposal
from dedup.evidence import Subject
from dedup.index.identity import is_version
from dedup.index.known import KnownWork
from dedup.model import CandidatePair, Embedding, Entry, Finder, Fingerprint
from dedup.pipeline import article_keys


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the small world: ``position`` among the new ones, or ``row`` in the index, or both; and its records,
    by id, with whether each is known.
    """

    language: str
    fingerprint: Fingerprint
    embedding: Embedding
    members: tuple[tuple[Entry, bool], ...]
    position: int | None
    row: int | None

    def keys(self) -> frozenset[str]:
        """The source keys that its records cite."""
        return article_keys(entry for entry, _ in self.members)

    def tells(self, entry: Entry) -> bool:
        """Whether it has a known record that a new one is told of: one that is not taken for its older version."""
        return any(known and not is_version(entry, one) for one, known in self.members)

    def order(self) -> tuple[str, bool]:
        """By the first record, as in a run."""
        first, known = self.members[0]
        return first.id, known


@dataclass(frozen=True, slots=True)
class World:
    """All that is compared; position ``i`` is one text, pairs name texts."""

    texts: tuple[Text, ...]
    subjects: tuple[Subject, ...]
    proposal: Proposal


def merged(new: Sequence[Text], known: Sequence[KnownWork]) -> Iterator[Text]:
    """The texts of both, a text that is new and known once: as the first of its records by id has it."""
    by_digest = {work.fingerprint.digest: work for work in known}
    for text in new:
        work = by_digest.pop(text.fingerprint.digest, None)
        yield text if work is None else _joined(text, work)
    for work in by_digest.values():
        members = tuple((entry, True) for entry in work.members)
        yield Text(work.language, work.fingerprint, work.embedding, members, position=None, row=work.row)


def _joined(text: Text, work: KnownWork) -> Text:
    members = sorted((*text.members, *((e, True) for e in work.members)), key=lambda m: (m[0].id, m[1]))
    if members[0][1]:
        return Text(work.language, work.fingerprint, work.embedding, tuple(members), text.position, work.row)
    return replace(text, members=tuple(members), row=work.row)


def pairs_of(
    texts: Sequence[Text],
    among: Iterable[CandidatePair],
    found: Mapping[tuple[int, int], frozenset[Finder]],
) -> Candidates:
    """The pairs that finders brought, by the places of their texts. A text that is new and known cites what the records
    of both cite.
    """
    of_new = {text.position: place for place, text in enumerate(texts) if text.position is not None}
    of_known = {text.row: place for place, text in enumerate(texts) if text.row is not None}
    finders: dict[tuple[int, int], set[Finder]] = {}
    for pair in among:
        finders.setdefault(ordered(of_new[pair.left], of_new[pair.right]), set()).update(pair.found_by)
    for (position, row), by in found.items():
        left, right = ordered(of_new[position], of_known[row])
        if left != right:
            finders.setdefault((left, right), set()).update(by)
    keys = [text.keys() for text in texts]
    for left, right in finders:
        if keys[left] & keys[right]:
            finders[left, right].add(Finder.SOURCE_URL)
    in_order = tuple(Finder)
    return Candidates.of(
        CandidatePair(*pair, tuple(sorted(finders[pair], key=in_order.index))) for pair in sorted(finders)
    )


def ordered(one: int, other: int) -> tuple[int, int]:
    """A pair, the smaller position first."""
    return (one, other) if one < other else (other, one)
