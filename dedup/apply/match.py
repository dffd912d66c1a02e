"""The members of a report found again in the corpus, and held to what the report saw of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from dedup.apply.corpus import Corpus, CorpusFile
from dedup.errors import InputError
from dedup.model import Record
from dedup.page import split_page
from dedup.prepare import content_of
from dedup.progress import Progress
from dedup.read.lines import chunks_of
from dedup.report.document import Cluster, Document, content_id, writable
from dedup.text import is_empty

READING = "reading"
_FEW = 256
"""Records between two signs of progress."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands: the position of its file in the corpus, how people call that, and its line there, if the
    file holds many records. ``order`` sorts places in the order in which the user gave them.
    """

    file: int
    path: str
    line: int | None
    order: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """A corpus that is what a report is on.

    ``places`` are those of the members, by id. ``uncompared`` are, for each file, the lines that the run did not
    compare: they hold no usable record, or one whose id another one has. ``unusable`` are the positions of the files
    that the run could not use at all. ``records`` is how many were compared, ``blank`` how many lines of tables hold
    nothing, ``stamps`` tell whether a file changes after this.
    """

    places: Mapping[str, Place]
    uncompared: tuple[frozenset[int], ...]
    unusable: frozenset[int]
    records: int
    blank: int
    stamps: tuple[tuple[int, ...], ...]


def match(document: Document, corpus: Corpus, progress: Progress) -> Standing:
    """Read the corpus and find the members of the report in it.

    Raises :class:`InputError` where one is missing, has another text, or the number of records is another one than in
    the report: so either is the corpus not the one of the report, or it has changed. Also where a file cannot be read
    to its end.
    """
    reading = _Reading(document, corpus)
    reading.run(progress)
    for cluster in document.clusters:
        reading.check(cluster)
    given, compared = document.input.records, len(reading.seen)
    if given != compared:
        raise InputError(
            f"the report is on {given:,} records, and the input holds {compared:,}: it has changed since, or is not "
            "what the run was given"
        )
    return reading.standing()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A record that may be the one of its id."""

    rank: tuple[bytes, str, int]
    """As :func:`dedup.read.unique.rank_of` orders them; two records differ in text or place."""
    file: int
    line: int | None


class _Reading:
    def __init__(self, document: Document, corpus: Corpus) -> None:
        self._corpus = corpus
        self._total = document.input.records
        self._members = {member.id for cluster in document.clusters for member in cluster.members}
        self._content: dict[str, tuple[int, bytes]] = {}
        self._uncompared: list[set[int | None]] = [set() for _ in corpus.files]
        self._stamps: list[tuple[int, ...]] = []
        self._blank = 0
        self.seen: dict[str, _Seen] = {}

    def run(self, progress: Progress) -> None:
        read = 0
        progress(READING, 0, self._total)
        for at, file in enumerate(self._corpus.files):
            self._stamps.append(_stamp(file))
            for item in file.read(self._corpus.fields):
                if isinstance(item, Record):
                    self._take(item, at)
                else:
                    self._uncompared[at].add(item.line)
                read += 1
                if read % _FEW == 0:
                    progress(READING, min(read, self._total), self._total)
            if file.table or self._uncompared[at]:
                self._blank += _check_whole(file)

    def _take(self, record: Record, at: int) -> None:
        text = split_page(record.text).text
        if is_empty(text):
            self._uncompared[at].add(record.line)
            return
        id_ = writable(record.id)
        digest = sha256(record.text.encode("utf-8", "surrogatepass")).digest()
        one = _Seen((digest, record.path or "", record.line or 0), at, record.line)
        rival = self.seen.get(id_)
        if rival is not None:
            loser = max(one, rival, key=lambda seen: seen.rank)
            self._uncompared[loser.file].add(loser.line)
            if loser is one:
                return
        self.seen[id_] = one
        if id_ in self._members:
            self._content[id_] = len(text), content_of(text)

    def check(self, cluster: Cluster) -> None:
        """Raises :class:`InputError` where a member is not what it was."""
        for member in cluster.members:
            if member.id not in self._content:
                raise InputError(
                    f"the input holds no record {member.id!r} of the report: it has changed since, or its paths or "
                    "field names are not those of the run"
                )
            characters, _ = self._content[member.id]
            if characters != member.characters:
                raise InputError(
                    f"record {member.id!r} has changed since the report: {characters:,} characters, not "
                    f"{member.characters:,}"
                )
        if content_id((member.id, self._content[member.id][1]) for member in cluster.members) != cluster.id:
            first, second, *more = (repr(member.id) for member in cluster.members)
            others = f", or one of {len(more):,} more" if more else ""
            raise InputError(
                f"record {first} or {second}{others} has changed since the report: its text is another one"
            )

    def standing(self) -> Standing:
        """What was found, after all is checked."""
        return Standing(
            places={id_: self._place(self.seen[id_]) for id_ in sorted(self._members)},
            uncompared=tuple(frozenset(line for line in lines if line is not None) for lines in self._uncompared),
            unusable=frozenset(at for at, lines in enumerate(self._uncompared) if None in lines),
            records=len(self.seen),
            blank=self._blank,
            stamps=tuple(self._stamps),
        )

    def _place(self, seen: _Seen) -> Place:
        file = self._corpus.files[seen.file]
        return Place(seen.file, file.source.origin.path, seen.line, (file.turn, seen.file, seen.line or 0))


def _check_whole(file: CorpusFile) -> int:
    """How many lines of the file are blank. Raises :class:`InputError` where it could not be written: a reader gives
    what there is before a fault.
    """
    try:
        with file.opened() as stream:
            return file.table.check(stream) if file.table else sum(0 for _ in chunks_of(stream))
    except OSError as error:
        raise InputError(f"{file.source.origin.path}: cannot be copied whole: {error.strerror or error}") from error


def _stamp(file: CorpusFile) -> tuple[int, ...]:
    try:
        return file.stamp()
    except OSError as error:
        raise InputError(f"{file.source.origin.path}: cannot be read: {error.strerror or error}") from error
