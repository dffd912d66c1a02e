"""Who stays and who goes: a value, made of a report, its corpus and a choice. Nothing is written here.

Of a cluster, members are looked at in the order of the policies. The first stays. Each further one goes if one that
stays may stand for it, and stays otherwise: then it may stand for those after it. What may stand for what, the choice
says:

* without restriction, the first for all others;
* with ``relations`` or ``threshold``, a member for those that the report links to it by such a relation, with such a
  probability. So a Hindi copy of a Hindi text goes, though what is kept of the cluster is Arabic;
* with ``per_language``, a member for those of its language. Of those in no known language, for its copies only.

So whatever goes has a partner that stays, and that tells why.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dedup.apply.corpus import Corpus
from dedup.apply.match import Place, Standing, match
from dedup.apply.policies import Kind, Policy, Value, in_order_of, source_languages, value_of
from dedup.apply.relations import Relations
from dedup.errors import InputError
from dedup.language import UNKNOWN
from dedup.model import Relation, Role
from dedup.progress import Progress, silent
from dedup.report.document import Cluster, Document, Member
from dedup.watch import watched

VALUES: Final = "reading values"
_ONE_LANGUAGE: Final = (Relation.EXACT, Relation.NEAR_DUPLICATE)


@dataclass(frozen=True, slots=True)
class Choice:
    """What to keep. Raises :class:`InputError` where that makes no sense.

    ``keep`` are policies, the next one for ties. ``relations`` and ``threshold`` (a probability): only what has such a
    relation to, or such a probability with, a record that stays is removed; None for all. ``per_language`` keeps one of
    each language. ``flagged`` clusters are left whole unless it is true.
    """

    keep: tuple[Policy, ...] = (Policy(Kind.LONGEST),)
    relations: frozenset[Relation] | None = None
    threshold: float | None = None
    per_language: bool = False
    flagged: bool = False

    def __post_init__(self) -> None:
        """Refuse what would keep nothing for a reason, or nothing at all."""
        if not self.keep:
            raise InputError("no policy says what to keep")
        if self.relations is not None and not self.relations:
            raise InputError("no relation is named: nothing could be removed")
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise InputError(f"threshold is a probability from 0 to 1, not {self.threshold}")


_DEFAULT: Final = Choice()


def parse_relations(text: str) -> frozenset[Relation]:
    """The relations of these names, with commas between them. Raises :class:`InputError` where one is none."""
    names = [name.strip() for name in text.split(",")]
    unknown = next((name for name in names if name not in set(Relation)), None)
    if unknown is not None:
        raise InputError(f"no relation {unknown!r}: give some of {', '.join(Relation)}")
    return frozenset(map(Relation, names))


@dataclass(frozen=True, slots=True)
class Removal:
    """A record that goes: where it stands, which one stays in its place, and what they are to each other.

    ``relation`` and ``probability`` are None where the report has no link between the two: they are in one cluster for
    what both have in common with others.
    """

    id: str
    path: str
    line: int | None
    partner: str
    relation: Relation | None
    probability: float | None
    cluster: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a cluster: the ids that stay, the best first, and what goes, in that order. ``left_whole``: it is
    flagged, and nobody said to take it apart. ``members`` are as the report has them, by id.
    """

    cluster: str
    kept: tuple[str, ...]
    removals: tuple[Removal, ...]
    left_whole: bool
    members: Mapping[str, Member] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """What annotating says of a member."""

    cluster: str
    role: Role
    size: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done to a corpus. Decisions are in the order of the report's clusters.

    ``dropped``: for each file of the corpus, the lines that go; of one that is one record, None is its line. ``marks``:
    what is said of the members, by file and line. ``without_value``: field of a policy -> members without a number or a
    date there. ``without_source_language``: where a policy asks for that, the clusters in which no member is in a
    language of the cited site.
    """

    corpus: Corpus
    standing: Standing
    decisions: tuple[Decision, ...]
    dropped: tuple[frozenset[int | None], ...]
    marks: Mapping[tuple[int, int | None], Mark] = field(repr=False)
    without_value: Mapping[str, int]
    without_source_language: int

    @property
    def removals(self) -> tuple[Removal, ...]:
        """All that goes, in the order of the input."""
        removals = (removal for decision in self.decisions for removal in decision.removals)
        return tuple(sorted(removals, key=lambda removal: self.standing.places[removal.id].order))


def make_plan(document: Document, corpus: Corpus, choice: Choice = _DEFAULT, progress: Progress = silent) -> Plan:
    """What ``choice`` makes of a corpus and the report on it.

    Raises :class:`InputError` where the corpus is not what the report is on (see :func:`dedup.apply.match.match`), or a
    policy asks for a field that no member has.
    """
    with watched(progress) as watch:
        standing = match(document, corpus, watch)
        values = {p.field: _values(p.field, corpus, standing, watch) for p in choice.keep if p.kind is Kind.MAX}
    decisions = tuple(_decide(cluster, choice, standing.places, values) for cluster in document.clusters)
    dropped: list[set[int | None]] = [set() for _ in corpus.files]
    marks = {}
    for cluster, decision in zip(document.clusters, decisions, strict=True):
        going = {removal.id for removal in decision.removals}
        for member in cluster.members:
            place = standing.places[member.id]
            role = Role.COPY if member.id in going else Role.KEEP
            marks[place.file, place.line] = Mark(cluster.id, role, len(cluster.members))
            if role is Role.COPY:
                dropped[place.file].add(place.line)
    return Plan(
        corpus=corpus,
        standing=standing,
        decisions=decisions,
        dropped=tuple(map(frozenset, dropped)),
        marks=marks,
        without_value={name: len(standing.places) - len(found) for name, found in values.items()},
        without_source_language=sum(
            not source_languages(cluster)
            for cluster in document.clusters
            if any(policy.kind is Kind.SOURCE_LANGUAGE for policy in choice.keep)
        ),
    )


def _values(name: str, corpus: Corpus, standing: Standing, progress: Progress) -> dict[str, Value]:
    """Member id -> what its row says in a field, where that is a number or a date."""
    members: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for id_, place in standing.places.items():
        if place.line is not None:
            members[place.file][place.line] = id_
    values = {}
    for done, (at, ids) in enumerate(sorted(members.items())):
        progress(VALUES, done, len(members))
        file = corpus.files[at]
        if file.table is None:
            continue
        with file.opened() as stream:
            for line, found in file.table.values(stream, name, ids.keys()).items():
                if (value := value_of(found)) is not None:
                    values[ids[line]] = value
    if standing.places and not values:
        raise InputError(f"no member of a cluster has a number or an ISO 8601 date in a field {name!r}")
    return values


def _decide(
    cluster: Cluster, choice: Choice, places: Mapping[str, Place], values: Mapping[str, Mapping[str, Value]]
) -> Decision:
    relations = Relations(cluster)
    members = {member.id: member for member in cluster.members}
    in_order = [members[id_] for id_ in in_order_of(choice.keep, cluster, relations, places, values)]
    if cluster.flags and not choice.flagged:
        return Decision(cluster.id, tuple(member.id for member in in_order), (), left_whole=True, members=members)
    staying = _Staying(choice, relations)
    removals = []
    for member in in_order:
        partner = staying.partner_of(member)
        if partner is None:
            staying.add(member)
        else:
            removals.append(_removal(member, partner, cluster, relations, places))
    return Decision(cluster.id, tuple(staying.ids), tuple(removals), left_whole=False, members=members)


class _Staying:
    """The members of a cluster that stay, so far."""

    def __init__(self, choice: Choice, relations: Relations) -> None:
        self._choice = choice
        self._relations = relations
        self._first: dict[str, Member] = {}
        self._of_work: defaultdict[str, list[tuple[int, Member]]] = defaultdict(list)
        self.ids: list[str] = []

    def add(self, member: Member) -> None:
        self._first.setdefault(self._language(member), member)
        self._of_work[self._relations.work[member.id]].append((len(self.ids), member))
        self.ids.append(member.id)

    def partner_of(self, member: Member) -> Member | None:
        """The first that may stand for this one."""
        choice = self._choice
        unknown = choice.per_language and member.language == UNKNOWN
        if choice.relations is None and choice.threshold is None and not unknown:
            return self._first.get(self._language(member))
        linked = (
            (turn, other)
            for work in self._relations.related(self._relations.work[member.id])
            for turn, other in self._of_work.get(work, ())
            if self._may_stand(other, member)
        )
        return min(linked, key=lambda found: found[0], default=(0, None))[1]

    def _language(self, member: Member) -> str:
        return member.language if self._choice.per_language else ""

    def _may_stand(self, other: Member, member: Member) -> bool:
        said = self._relations.between(other.id, member.id)
        if said is None or self._language(other) != self._language(member):
            return False
        relation, probability = said
        choice = self._choice
        if choice.per_language and member.language == UNKNOWN and relation not in _ONE_LANGUAGE:
            return False
        return (choice.relations is None or relation in choice.relations) and probability >= (choice.threshold or 0.0)


def _removal(
    member: Member, partner: Member, cluster: Cluster, relations: Relations, places: Mapping[str, Place]
) -> Removal:
    relation, probability = relations.between(partner.id, member.id) or (None, None)
    place = places[member.id]
    return Removal(member.id, place.path, place.line, partner.id, relation, probability, cluster.id)
