"""Asking an index: which known texts may carry the article of a new one.

The finders are those of :mod:`dedup.candidates`, each asked for the new texts alone: one look at a table for source
keys, bands and figures, and one product of matrices for all vectors. A group of more than ``GROUP_LIMIT`` texts gives
a new text what it would give it in a run: the first of the group and its neighbours in the order of ids. Vectors are
seen from the new text's side only (:data:`SIDES`).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from dedup.calibration import Calibration
from dedup.candidates import COMMON_FIGURES, FACT_GROUP_LIMIT, FACT_WEIGHT, GROUP_LIMIT, LARGE_GROUPS
from dedup.evidence import Subject
from dedup.index.finders import band_hashes, document_steps
from dedup.index.folder import broken
from dedup.index.identity import has_own_id, spellings
from dedup.index.store import Stamp, Store
from dedup.index.vectors import Vectors
from dedup.index.write import boilerplate_of, load_sketch
from dedup.model import Embedding, Entry, Finder, Fingerprint, Skipped, SourceKey
from dedup.read.records import STDIN
from dedup.report.document import writable
from dedup.settings import Settings

SIDES = 2
"""How often the neighbours of a new text are as many as in a run. There a pair is also proposed because the other text
has this one among its nearest; a check does not ask the known texts, and takes as many again of the new one's.
``scripts/compare_check.py`` shows what it finds beside a run."""

_ENTRY = "id, path, line, language, source_url, source_key, names_article, characters, content"


@dataclass(frozen=True, slots=True)
class KnownWork:
    """A known text: its row, the records that hold it by id, and the sketch of the first of them."""

    row: int
    members: tuple[Entry, ...]
    language: str
    fingerprint: Fingerprint
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Hidden:
    """Known records that are not compared: those that a new one replaces, and those that are gone.

    ``works`` are the rows of the texts that no other record holds.
    """

    replaced: frozenset[int]
    gone: frozenset[int]
    works: frozenset[int]

    @property
    def rows(self) -> frozenset[int]:
        """All of the records."""
        return self.replaced | self.gone


@dataclass(frozen=True, slots=True)
class Held:
    """What of some files and ids is among the known records."""

    files: frozenset[str]
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs of a new text (position) and a known one (row), who found each, and what limits left out."""

    pairs: Mapping[tuple[int, int], frozenset[Finder]]
    left_out: Mapping[str, int]


class Index:
    """An index as it was when it was opened."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.stamp: Stamp = store.stamped()
        self._vectors: Vectors = store.vectors
        self.skipped: tuple[Skipped, ...] = ()
        """What of the records could not be used, where the index was made for this process alone."""

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator["Index"]:
        """The index in a folder, for reading. Raises :class:`dedup.errors.UnusableIndexError` where there is none that
        this version can read.
        """
        with Store.reading(folder) as store:
            yield cls(store)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._store.folder

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it was made with."""
        return self.stamp.settings

    @cached_property
    def records(self) -> int:
        """How many records it holds."""
        (count,) = self._store.database.execute("SELECT count(*) FROM records").fetchone()
        return int(count)

    @cached_property
    def shortened(self) -> tuple[int, int]:
        """How many records are longer than the settings allow, and how many segments of theirs lie beyond, which are
        not compared by meaning.
        """
        query = "SELECT count(*), coalesce(sum(beyond), 0) FROM records WHERE beyond > 0"
        records, segments = self._store.database.execute(query).fetchone()
        return int(records), int(segments)

    @cached_property
    def boilerplate(self) -> frozenset[int]:
        """The hashes of the passages that are boilerplate among the known texts."""
        return frozenset(boilerplate_of(self._store))

    # --- which records a new one is

    def hidden(
        self, new: Iterable[Entry], gone: Collection[str] = (), known_as: Mapping[str, str] = MappingProxyType({})
    ) -> Hidden:
        """The known records that are not to be compared: those that one of ``new`` is itself, and those of the files
        ``gone``.

        A file is itself by its path, from wherever it is seen. A row is itself by its id in the same table; where the
        id only tells its line, which changes with every row above it, in the same place and with the same text. Ids of
        another table, or of standard input, may be those of other records (1, 2, 3 …): such a known record stays, and
        is only not told to the row that has its id (:func:`dedup.index.identity.is_version`). A record that was read
        from nowhere is itself by its id. ``known_as`` tells of the path of a new file under which other one it is
        known.
        """

        def spelled(path: str) -> set[str]:
            return spellings(path) | ({writable(known_as[path])} if path in known_as else set())

        files: set[str] = set()
        others: set[str] = set()
        rows: dict[str, list[Entry]] = defaultdict(list)
        for entry in new:
            if entry.path is None:
                others.add(writable(entry.id))
            elif entry.line is None:
                files |= spelled(entry.path)
            elif entry.path != STDIN:
                rows[entry.path].append(entry)
        replaced = {
            *self._rows("SELECT row FROM records WHERE path IN (?) AND line IS NULL", files),
            *self._rows("SELECT row FROM records WHERE id IN (?) AND path IS NULL", others),
            *(row for path, entries in rows.items() for row in self._rows_again(spelled(path), entries)),
        }
        away = set(self._rows("SELECT row FROM records WHERE path IN (?)", set().union(*map(spellings, gone))))
        away -= replaced
        return Hidden(frozenset(replaced), frozenset(away), self._works_held_by_none_but(replaced | away))

    def holding(self, files: Iterable[str], ids: Iterable[str]) -> Held:
        """Which of these files, by their paths, and which of these ids of other records are known."""
        of_spelling = {spelled: file for file in files for spelled in spellings(file)}
        found = "SELECT path FROM records WHERE path IN (?) AND line IS NULL"
        other = "SELECT id FROM records WHERE id IN (?) AND (path IS NULL OR line IS NOT NULL)"
        return Held(
            frozenset(of_spelling[path] for (path,) in self._store.select(found, sorted(of_spelling))),
            frozenset(id_ for (id_,) in self._store.select(other, sorted(ids))),
        )

    def _rows(self, query: str, values: Collection[str]) -> list[int]:
        return [row for (row,) in self._store.select(query, sorted(values))]

    def _rows_again(self, spelled: Collection[str], entries: Sequence[Entry]) -> Iterator[int]:
        """The rows of a table, by its paths, that are these."""
        ids = sorted({writable(entry.id) for entry in entries if has_own_id(entry)})
        of_ids = "SELECT row, path FROM records WHERE id IN (?) AND line IS NOT NULL"
        yield from (row for row, its_path in self._store.select(of_ids, ids) if its_path in spelled)
        places = {(entry.line, entry.content) for entry in entries if not has_own_id(entry)}
        if places:
            of_path = "SELECT row, line, content FROM records WHERE path IN (?) AND line IS NOT NULL"
            for row, line, content in self._store.select(of_path, sorted(spelled)):
                if (line, content) in places:
                    yield row

    def _works_held_by_none_but(self, rows: Collection[int]) -> frozenset[int]:
        digests = {digest for (digest,) in self._store.select("SELECT digest FROM records WHERE row IN (?)", rows)}
        holders: dict[str, set[int]] = defaultdict(set)
        for row, digest in self._store.select("SELECT row, digest FROM records WHERE digest IN (?)", digests):
            holders[digest].add(row)
        alone = [digest for digest, some in holders.items() if some <= set(rows)]
        return frozenset(row for (row,) in self._store.select("SELECT row FROM works WHERE digest IN (?)", alone))

    # --- which texts may carry one article

    def with_texts(self, digests: Collection[str], hidden: Hidden) -> dict[str, int]:
        """Digest -> row, of the known texts that are these very texts."""
        found = self._store.select("SELECT digest, row FROM works WHERE digest IN (?)", sorted(digests))
        return {digest: row for digest, row in found if row not in hidden.works}

    def candidates(
        self,
        ids: Sequence[str],
        keys: Sequence[Collection[str]],
        subjects: Sequence[Subject],
        calibration: Calibration,
        settings: Settings,
        hidden: Hidden,
    ) -> Found:
        """The known texts that are worth comparing with each of the new ones; position ``i`` of everything is one new
        text: the id of its first record, the source keys it cites, what is known of it without its boilerplate.
        """
        if not subjects:
            return Found({}, {})
        pairs: dict[tuple[int, int], set[Finder]] = defaultdict(set)
        left_out: dict[str, int] = defaultdict(int)
        bands = band_hashes(np.array([s.fingerprint.signature for s in subjects], np.uint32), settings.bands)
        groups = (
            (Finder.SOURCE_URL, _holders(keys), self._citing(set().union(*keys), hidden)),
            (Finder.BANDS, _holders(bands.tolist()), self._in_bands(set(bands.ravel().tolist()), hidden)),
        )
        for finder, new, known in groups:
            for key, members in known.items():
                for pair in self._paired(ids, new[key], members, left_out):
                    pairs[pair].add(finder)
        for pair in self._sharing_facts([s.fingerprint.numbers for s in subjects], calibration, hidden, left_out):
            pairs[pair].add(Finder.FACTS)
        for pair in self._near(subjects, settings, hidden):
            pairs[pair].add(Finder.VECTORS)
        return Found({pair: frozenset(finders) for pair, finders in pairs.items()}, dict(left_out))

    def _citing(self, keys: Collection[str], hidden: Hidden) -> dict[Any, set[int]]:
        """Key -> rows of the texts whose records cite it."""
        query = (
            "SELECT source_key, works.row, records.row FROM records JOIN works USING (digest) "
            "WHERE names_article AND source_key IN (?)"
        )
        found: dict[Any, set[int]] = defaultdict(set)
        for key, work, record in self._store.select(query, sorted(map(writable, keys))):
            if record not in hidden.rows and work not in hidden.works:
                found[key].add(work)
        return found

    def _in_bands(self, bands: Collection[int], hidden: Hidden) -> dict[Any, set[int]]:
        found: dict[Any, set[int]] = defaultdict(set)
        for band, row in self._store.select("SELECT band, row FROM bands WHERE band IN (?)", sorted(bands)):
            if row not in hidden.works:
                found[band].add(row)
        return found

    def _paired(
        self, ids: Sequence[str], new: Sequence[int], known: Collection[int], left_out: dict[str, int]
    ) -> Iterator[tuple[int, int]]:
        """Each new text of a group with the known ones in it: all, or if there are many the first and the two nearest
        by id.
        """
        if len(new) + len(known) <= GROUP_LIMIT:
            yield from ((position, row) for position in new for row in known)
            return
        by_id = sorted(
            (id_, row) for row, id_ in self._store.select("SELECT row, id FROM records WHERE row IN (?)", known)
        )
        for position in new:
            place = bisect_left(by_id, (writable(ids[position]), -1))
            chosen = {row for _, row in (by_id[0], *by_id[max(place - 1, 0) : place + 1])}
            left_out[LARGE_GROUPS] += len(known) - len(chosen)
            yield from ((position, row) for row in chosen)

    def _sharing_facts(
        self, numbers: Sequence[Sequence[str]], calibration: Calibration, hidden: Hidden, left_out: dict[str, int]
    ) -> Iterator[tuple[int, int]]:
        """The pairs whose shared rare figures together weigh ``FACT_WEIGHT`` or more."""
        weights: dict[tuple[int, int], float] = defaultdict(float)
        for figure, new in sorted(_holders(numbers).items()):
            # No more rows than can matter are looked at: the year is in a fifth of all texts.
            most = FACT_GROUP_LIMIT - len(new)
            query = "SELECT row FROM figures WHERE figure = ? LIMIT ?"
            found = self._store.database.execute(query, (figure, max(most, 0) + len(hidden.works) + 1))
            known = [row for (row,) in found if row not in hidden.works]
            if len(known) > most:
                left_out[COMMON_FIGURES] += len(new) * self._stating(figure)
                continue
            for position in new:
                for row in known:
                    weights[position, row] += calibration.rarity(figure)
        return (pair for pair, weight in weights.items() if weight >= FACT_WEIGHT)

    def _stating(self, figure: str) -> int:
        """How many known texts state a figure."""
        (count,) = self._store.database.execute("SELECT count(*) FROM figures WHERE figure = ?", (figure,)).fetchone()
        return int(count)

    def _near(self, subjects: Sequence[Subject], settings: Settings, hidden: Hidden) -> Iterator[tuple[int, int]]:
        """Each new text with the known ones whose vectors are nearest to its own."""
        from dedup.neighbours import nearest_among

        owners = self._vectors.owners
        shown = np.flatnonzero(~np.isin(owners["row"], sorted(hidden.works)))
        codes = {name: code for code, name in self._store.database.execute("SELECT code, name FROM writings")}
        for subject in subjects:
            codes.setdefault(subject.writing, max(codes.values(), default=0) + 1)
        new, known = nearest_among(
            document_steps([s.fingerprint for s in subjects], [s.embedding for s in subjects]),
            np.array([codes[s.writing] for s in subjects], np.int64),
            owners["writing"][shown].astype(np.int64),
            lambda positions: self._vectors.take(shown[positions]),
            SIDES * settings.neighbours,
        )
        return zip(new.tolist(), owners["row"][shown[known]].tolist(), strict=True)

    # --- the texts themselves

    def works(self, rows: Collection[int], hidden: Hidden) -> list[KnownWork]:
        """The known texts of these rows, with the records that are not hidden; the first of these stands for the text,
        as it would if the hidden ones were not there.
        """
        digest_of = dict(self._store.select("SELECT row, digest FROM works WHERE row IN (?)", sorted(rows)))
        members: dict[str, list[Entry]] = defaultdict(list)
        first: dict[str, int] = {}
        query = f"SELECT digest, row, {_ENTRY} FROM records WHERE digest IN (?) ORDER BY id"  # noqa: S608
        for digest, row, *entry in self._store.select(query, sorted(digest_of.values())):
            if row not in hidden.rows:
                first.setdefault(digest, row)
                members[digest].append(_entry(entry))
        if lost := digest_of.values() - members.keys():
            raise broken(self.folder, f"no record of text {min(lost)}")
        return [
            KnownWork(row, tuple(same), same[0].language, *load_sketch(self._store, first[digest]))
            for row, digest, same in ((row, digest_of[row], members[digest_of[row]]) for row in sorted(rows))
        ]


def _holders(things: Iterable[Iterable[Any]]) -> dict[Any, list[int]]:
    """Which positions have each thing."""
    holders: dict[Any, list[int]] = defaultdict(list)
    for position, some in enumerate(things):
        for one in dict.fromkeys(some):
            holders[one].append(position)
    return holders


def _entry(columns: Sequence[Any]) -> Entry:
    """An entry again, of the columns ``_ENTRY``."""
    id_, path, line, language, url, key, names_article, characters, content = columns
    source_key = None if key is None else SourceKey(key, bool(names_article))
    return Entry(id_, path, line, language, url, source_key, characters, content)
