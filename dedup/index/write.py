"""Making an index and changing it.

Whatever the order of additions, updates and removals, an index holds what a new one of the same records would hold.
Of each record the sketch is kept as it was made; what depends on the others is worked out anew where they change it:

* which record stands for a text that several hold: the first by id;
* which passages are boilerplate (:mod:`dedup.boilerplate`): the verdicts on samples of texts that nothing changed are
  kept, so that little is compared again;
* by what a text is found (bands, figures, document vector), where its boilerplate changed.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import __version__
from dedup.boilerplate import Page, discount, find_boilerplate_again
from dedup.calibration import Calibration
from dedup.embed import embed_all
from dedup.encoders import Encoder, load_encoder
from dedup.errors import InputError, UnusableIndexError
from dedup.fingerprints import SIGNATURE_SCHEME, hashes_of
from dedup.index.finders import band_hashes, document_steps, ranks_of
from dedup.index.folder import broken, check_place
from dedup.index.identity import has_own_id, place_of, spellings
from dedup.index.sketches import embedding_of, packed, unpacked
from dedup.index.store import Stamp, Store
from dedup.index.vectors import OWNER
from dedup.model import Embedding, Entry, Fingerprint, Record, Skipped
from dedup.pipeline import Models, models_of, sketched
from dedup.progress import Progress, Stage, silent
from dedup.read.records import STDIN
from dedup.read.unique import in_order, unique
from dedup.report.document import writable
from dedup.settings import Settings
from dedup.sketch import Sketch
from dedup.watch import watched
from dedup.workers import no_garbage_collection, one_thread_each

SKETCHING = ("model", "calibration", "shingle_size", "permutations", "bands", "seed", "max_segments")
"""Settings that a sketch depends on: they must be the same for all that is compared with the index."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an index: records that were added, changed, left as they were, removed; how many it holds now; and
    what of the input could not be used.
    """

    added: int
    updated: int
    unchanged: int
    removed: int
    records: int
    skipped: tuple[Skipped, ...]
    renamed: tuple[tuple[str, str], ...] = ()
    """Ids of added records that the index calls otherwise, for another record has their name: what they were called,
    and what they are."""
    elsewhere: tuple[str, ...] = ()
    """The ids of updated records whose former versions stood in other files, and so may have been other records."""


def build_index(
    folder: Path,
    records: Iterable[Record | Skipped],
    settings: Settings,
    *,
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
    progress: Progress = silent,
) -> Change:
    """Make an index of these records in ``folder``, in the place of one that may be there already.

    ``encoder`` replaces the model that the settings name, ``calibration`` its calibration. Raises :class:`InputError`
    where the folder cannot be written or holds other files, or the model has no calibration of its own, and
    :class:`dedup.errors.ModelError` where it cannot be loaded.
    """
    check_place(folder)
    models = models_of(settings, encoder, calibration)
    stamp = stamp_of(settings, models)
    with one_thread_each(), no_garbage_collection(), watched(progress) as progress:
        sketches, skipped = _one_an_id(*sketches_with_vectors(records, settings, models, progress))
        with Store.creating(folder, stamp) as store:
            return _change(store, sketches, (), tuple(skipped), settings, progress)


def add_records(
    folder: Path,
    records: Iterable[Record | Skipped],
    *,
    workers: int = 1,
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
    progress: Progress = silent,
) -> Change:
    """Add records to an index. One whose id is known already takes the place of the known one, unless the id only tells
    where the record stands (:func:`dedup.index.identity.has_own_id`), and that is another place by now: then it is
    another record, and is called by its whole path.

    Raises :class:`dedup.errors.UnusableIndexError` where there is no index that this version and this model can use.
    """
    with Store.reading(folder) as store:
        stamp = store.stamped()
    settings = settings_of(stamp, workers=workers)
    own = encoder or load_encoder(settings.model, settings.batch_size, fetch=False)  # by the index, not by the caller
    models = models_of(settings, own, calibration)
    check_stamp(folder, stamp, settings, models)
    with one_thread_each(), no_garbage_collection(), watched(progress) as progress:
        sketches, skipped = _one_an_id(*sketches_with_vectors(records, settings, models, progress))
        with Store.writing(folder) as store:
            if store.stamped() != stamp:
                raise UnusableIndexError(f"{folder}: was made anew by another process in the meantime: try again")
            named, doubles, renamed = _named_apart(store, sketches)
            skipped = in_order((*skipped, *doubles))
            return replace(_change(store, named, (), tuple(skipped), settings, progress), renamed=renamed)


def remove_records(folder: Path, names: Sequence[str]) -> Change:
    """Remove the records of these ids or paths from an index; of the path of a table all records that are in it.

    Raises :class:`InputError` where a name is none of a known record; then nothing is removed.
    """
    with Store.writing(folder) as store:
        stamp = store.stamped()
        check_signatures(folder, stamp)
        rows = rows_named(store, folder, names)
        return _change(store, (), rows, (), settings_of(stamp), silent)


def rows_named(store: Store, folder: Path, names: Sequence[str]) -> list[int]:
    """The rows of the records of these ids or paths."""
    wanted = [writable(name) for name in dict.fromkeys(names)]
    rows: dict[int, None] = {}
    found = set()
    for column in ("id", "path"):
        for row, name in store.select(f"SELECT row, {column} FROM records WHERE {column} IN (?)", wanted):  # noqa: S608
            rows[row] = None
            found.add(name)
    if missing := [name for name in wanted if name not in found]:
        more = f" (and {len(missing) - 1:,} more)" if len(missing) > 1 else ""
        raise InputError(f"{folder}: no record {missing[0]!r}{more}; nothing was removed")
    return list(rows)


# --- what an index was made by


def stamp_of(settings: Settings, models: Models) -> Stamp:
    """By what an index with these settings and models is made. Raises :class:`InputError` where the model has no
    calibration: one that is made of the records of a run would change with each of them.
    """
    if models.calibration is None:
        raise InputError(
            f"{models.first.name} has no calibration, and known records need one that stays: dedup calibrate makes it"
        )
    encoder = {"name": models.first.name, "digest": models.first.digest, "calibration": models.calibration.name}
    return Stamp(__version__, {**settings.stamped(), "signature": SIGNATURE_SCHEME}, encoder)


def settings_of(stamp: Stamp, **changes: Any) -> Settings:  # noqa: ANN401 - the settings' own types
    """The settings that an index was made with, and what is said anew."""
    known = Settings().stamped()
    return Settings(**{name: value for name, value in stamp.settings.items() if name in known}, **changes)


_ANEW = "make it anew with dedup index build INDEX PATH..."


def check_stamp(folder: Path, stamp: Stamp, settings: Settings, models: Models) -> None:
    """Raises :class:`UnusableIndexError` where what these settings and models make of a text is not what the index
    holds.
    """
    here = stamp_of(settings, models)
    if stamp.encoder != here.encoder:
        was, now = (f"{e['name']} ({e['digest'][:12]}, {e['calibration']})" for e in (stamp.encoder, here.encoder))
        raise UnusableIndexError(f"{folder}: made with the vectors of {was}, not of {now}: {_ANEW}, or choose that one")
    for name in SKETCHING:
        if stamp.settings.get(name) != here.settings[name]:
            raise UnusableIndexError(
                f"{folder}: made with {name} {stamp.settings.get(name)!r}, not {here.settings[name]!r}: {_ANEW}"
            )
    check_signatures(folder, stamp)


def check_signatures(folder: Path, stamp: Stamp) -> None:
    """Raises :class:`UnusableIndexError` where signatures of this version are others: what of a text is no boilerplate
    is signed anew when that changes, with every change of an index.
    """
    was = stamp.settings.get("signature")
    if was != SIGNATURE_SCHEME:
        raise UnusableIndexError(f"{folder}: made with signature {was!r}, not {SIGNATURE_SCHEME!r}: {_ANEW}")


def sketches_with_vectors(
    records: Iterable[Record | Skipped], settings: Settings, models: Models, progress: Progress
) -> tuple[list[Sketch], list[Skipped]]:
    """Sketches of the records that all have vectors, one an id, by id; and what was skipped."""
    sketches, skipped = sketched(records, settings, models, progress)
    missing = [place for place, sketch in enumerate(sketches) if sketch.embedding is None]
    if missing and models.calibration is not None:
        progress(Stage.EMBED, 0, len(missing))
        made = embed_all(
            [sketches[place].fingerprint for place in missing],
            [sketches[place].entry.language for place in missing],
            models.first,
            models.calibration,
            lambda done: progress(Stage.EMBED, done, len(missing)),
        )
        for place, embedding in zip(missing, made, strict=True):
            sketches[place] = replace(sketches[place], embedding=embedding)
    return sketches, skipped


def _one_an_id(sketches: list[Sketch], skipped: list[Skipped]) -> tuple[list[Sketch], list[Skipped]]:
    """Two ids that are written alike (:func:`dedup.report.document.writable`) are one in an index."""
    if all(sketch.id == writable(sketch.id) for sketch in sketches):
        return sketches, skipped
    written = (replace(one, entry=replace(one.entry, id=writable(one.id))) for one in sketches)
    kept, doubles = unique(written, lambda sketch: sketch.rank)
    return kept, in_order((*skipped, *doubles))


def _named_apart(
    store: Store, sketches: Sequence[Sketch]
) -> tuple[list[Sketch], list[Skipped], tuple[tuple[str, str], ...]]:
    """The sketches under the ids by which the index is to know them, and which of these are new to it, and others than
    they were.

    A file that the index has keeps its id there. Where an id that was made from a place is that of a record with
    another text that stands elsewhere, its whole place is the id; or that and a hash of the text, where even that does
    not tell the two apart, as on standard input.
    """
    made = [sketch.entry for sketch in sketches if not has_own_id(sketch.entry)]
    spelled = {entry.path or "": spellings(entry.path or "") for entry in made}
    of_files = sorted(set().union(*(spelled[entry.path or ""] for entry in made if entry.line is None)))
    files = dict(store.select("SELECT path, id FROM records WHERE path IN (?) AND line IS NULL", of_files))
    choices = {entry.id: _choices(entry, spelled[entry.path or ""], files) for entry in made}
    ids = sorted({id_ for some in choices.values() for id_ in some})
    known = {
        id_: (path, content)
        for id_, path, content in store.select("SELECT id, path, content FROM records WHERE id IN (?)", ids)
    }

    def is_it(entry: Entry, id_: str) -> bool:
        path, content = known.get(id_, (None, entry.content))
        return content == entry.content or (path != STDIN and path in spelled[entry.path or ""])

    chosen = {
        entry.id: next((id_ for id_ in choices[entry.id] if is_it(entry, id_)), choices[entry.id][-1]) for entry in made
    }
    renamed = tuple(sorted((was, now) for was, now in chosen.items() if was != now and now not in known))
    named = (replace(one, entry=replace(one.entry, id=chosen.get(one.id, one.id))) for one in sketches)
    kept, doubles = unique(named, lambda sketch: sketch.rank)
    return kept, doubles, renamed


def _choices(entry: Entry, spelled: Collection[str], files: Mapping[str, str]) -> list[str]:
    """How a record whose id tells its place may be called, best first; ``files`` are known ones, path -> id."""
    again = sorted(files[path] for path in spelled if path in files) if entry.line is None else []
    place = writable(place_of(entry))
    return again[:1] or [entry.id, place, f"{place}#{entry.content.hex()[:8]}"]


# --- records


_FACTS = (
    "path, line, language, source_url, source_key, names_article, characters, content, digest, beyond"  # in _facts_of
)
_PATH, _LANGUAGE, _CONTENT, _DIGEST = 0, 2, 7, 8


def _facts_of(sketch: Sketch) -> tuple[Any, ...]:
    entry, f = sketch.entry, sketch.fingerprint
    key = entry.source_key
    return (
        None if entry.path is None else writable(entry.path),
        entry.line,
        entry.language,
        None if entry.source_url is None else writable(entry.source_url),
        None if key is None else writable(key.key),
        None if key is None else key.names_article,
        entry.characters,
        entry.content,
        f.digest,
        len(f.beyond),
    )


def _change(
    store: Store,
    sketches: Sequence[Sketch],
    dropped: Sequence[int],
    skipped: tuple[Skipped, ...],
    settings: Settings,
    progress: Progress,
) -> Change:
    """Take in the sketches, drop the rows, and put right what depends on them."""
    ids = [writable(sketch.id) for sketch in sketches]
    known = {
        id_: (row, tuple(facts))
        for row, id_, *facts in store.select(f"SELECT row, id, {_FACTS} FROM records WHERE id IN (?)", ids)  # noqa: S608
    }
    touched: set[str] = set()
    rewritten: dict[int, Sketch] = {}
    elsewhere: list[str] = []
    added = updated = 0
    places = ", ".join("?" * (len(_FACTS.split(",")) + 2))
    for id_, sketch in zip(ids, sketches, strict=True):
        facts = _facts_of(sketch)
        row, before = known.get(id_, (None, None))
        if before == facts:
            continue
        added, updated = (added + 1, updated) if before is None else (added, updated + 1)
        if before is not None and before[_CONTENT] != facts[_CONTENT] and _in_other_files(before[_PATH], sketch.path):
            elsewhere.append(id_)
        row = store.database.execute(
            f"INSERT OR REPLACE INTO records (row, id, {_FACTS}) VALUES ({places})",  # noqa: S608
            (row, id_, *facts),
        ).lastrowid
        assert row is not None  # noqa: S101 - sqlite3 gives it for every INSERT
        touched.add(facts[_DIGEST])
        if before is not None:
            touched.add(before[_DIGEST])
        if before is None or any(before[at] != facts[at] for at in (_LANGUAGE, _CONTENT, _DIGEST)):
            rewritten[row] = sketch
            _keep_sketch(store, row, sketch)
    for row in dropped:
        touched.add(store.database.execute("SELECT digest FROM records WHERE row = ?", (row,)).fetchone()[0])
        store.database.execute("DELETE FROM records WHERE row = ?", (row,))
        store.database.execute("DELETE FROM sketches WHERE row = ?", (row,))
    _put_right(store, touched, rewritten, settings, progress)
    (total,) = store.database.execute("SELECT count(*) FROM records").fetchone()
    unchanged = len(sketches) - added - updated
    return Change(added, updated, unchanged, len(dropped), total, skipped, elsewhere=tuple(elsewhere))


def _in_other_files(before: str | None, now: str | None) -> bool:
    return before != now and (before is None or now is None or before not in spellings(now))


def _keep_sketch(store: Store, row: int, sketch: Sketch) -> None:
    e = sketch.embedding
    assert e is not None  # noqa: S101 - sketches_with_vectors saw to it
    store.database.execute(
        "INSERT OR REPLACE INTO sketches VALUES (?, ?, ?, ?)",
        (row, packed(sketch.fingerprint), e.steps.tobytes(), e.norms.astype("<f4").tobytes()),
    )


# --- works


@dataclass(frozen=True, slots=True)
class _KnownPage:
    """A text of the index, as far as boilerplate is told from it; its segments are read when they are asked for."""

    store: Store
    row: int
    digest: str
    passages: NDArray[np.uint64]
    widths: NDArray[np.float32]

    @property
    def segments(self) -> Sequence[str]:
        """The segments, from the database."""
        return load_sketch(self.store, self.row)[0].segments


def load_sketch(store: Store, row: int) -> tuple[Fingerprint, Embedding]:
    """The sketch of a record, as it was made. Raises :class:`UnusableIndexError` where it is spoilt."""
    found = store.database.execute("SELECT fingerprint, steps, norms FROM sketches WHERE row = ?", (row,)).fetchone()
    if found is None:
        raise broken(store.folder, f"no sketch of record {row}")
    fingerprint, steps, norms = found
    try:
        f = unpacked(fingerprint)
        return f, embedding_of(steps, norms, f)
    except ValueError as error:
        raise broken(store.folder, error) from error


def _put_right(
    store: Store, touched: Collection[str], rewritten: Mapping[int, Sketch], settings: Settings, progress: Progress
) -> None:
    """All that depends on which records there are, when those of these digests have changed."""
    before = dict(store.select("SELECT digest, row FROM works WHERE digest IN (?)", touched))
    now = {
        digest: row
        for digest, row, _ in store.select(
            "SELECT digest, row, min(id) FROM records WHERE digest IN (?) GROUP BY digest", touched
        )  # of SQLite's min() the other columns are those of the row that has it
    }
    made = [row for digest, row in now.items() if before.get(digest) != row or row in rewritten]
    gone = [row for digest, row in before.items() if now.get(digest) != row or row in rewritten]
    if not made and not gone:
        return
    _forget(store, gone)
    sketches = {row: _as_kept(rewritten[row]) if row in rewritten else load_sketch(store, row) for row in made}
    progress(Stage.BOILERPLATE)
    boilerplate, changed = _weigh_passages(store, sketches, settings)
    again = [row for row in _holding(store, changed) if row not in sketches]
    _forget(store, again)
    sketches |= {row: load_sketch(store, row) for row in again}
    _make_findable(store, sketches, boilerplate, settings, progress)
    store.merge_parts()


def _as_kept(sketch: Sketch) -> tuple[Fingerprint, Embedding]:
    assert sketch.embedding is not None  # noqa: S101 - sketches_with_vectors saw to it
    return sketch.fingerprint, sketch.embedding


def _forget(store: Store, rows: Collection[int]) -> None:
    """Take works out of all by which they are found."""
    for row, bands, figures, part, place in list(
        store.select("SELECT row, bands, figures, part, place FROM works WHERE row IN (?)", rows)
    ):
        of_bands = ((band, row) for band in np.frombuffer(bands, "<i8").tolist())
        store.database.executemany("DELETE FROM bands WHERE band = ? AND row = ?", of_bands)
        of_figures = ((figure, row) for figure in json.loads(figures))
        store.database.executemany("DELETE FROM figures WHERE figure = ? AND row = ?", of_figures)
        store.database.execute("INSERT INTO dead VALUES (?, ?)", (part, place))
        store.database.execute("DELETE FROM works WHERE row = ?", (row,))


def _weigh_passages(
    store: Store, new: Mapping[int, tuple[Fingerprint, Embedding]], settings: Settings
) -> tuple[frozenset[int], frozenset[int]]:
    """The passages that are boilerplate among the works that are left and the new ones, and those of which that has
    changed.
    """
    languages: list[str] = []
    pages: list[Page] = []
    for row, language, digest, passages, widths in store.database.execute(
        "SELECT works.row, language, works.digest, passages, widths FROM works JOIN records USING (row)"
    ):
        languages.append(language)
        page = _KnownPage(store, row, digest, np.frombuffer(passages, "<u8"), np.frombuffer(widths, "<f4"))
        pages.append(page)
    # A connection must not be used by a forked process: where known texts may be read, this one does it all.
    workers = 1 if pages else settings.workers
    of_new = dict(store.select("SELECT row, language FROM records WHERE row IN (?)", new))
    languages += [of_new[row] for row in new]
    everything = [*pages, *(f for f, _ in new.values())]
    verdicts = {name: bool(verdict) for name, verdict in store.database.execute("SELECT sample, verdict FROM verdicts")}
    found = find_boilerplate_again(languages, everything, verdicts, workers)
    before = frozenset(boilerplate_of(store))
    changed = before ^ found.passages
    store.database.executemany("DELETE FROM boilerplate WHERE passage = ?", _signed(before - found.passages))
    store.database.executemany("INSERT INTO boilerplate VALUES (?)", _signed(found.passages - before))
    outdated = verdicts.keys() - found.verdicts.keys()
    store.database.executemany("DELETE FROM verdicts WHERE sample = ?", ((name,) for name in outdated))
    fresh = ((name, verdict) for name, verdict in found.verdicts.items() if name not in verdicts)
    store.database.executemany("INSERT INTO verdicts VALUES (?, ?)", fresh)
    return found.passages, changed


def boilerplate_of(store: Store) -> Iterable[int]:
    """The passages that are boilerplate among the known texts, by their hashes."""
    return (passage % 2**64 for (passage,) in store.database.execute("SELECT passage FROM boilerplate"))


def _signed(passages: Iterable[int]) -> Iterable[tuple[int]]:
    """Hashes as SQLite keeps them: its whole numbers have a sign."""
    return ((passage - 2**64 if passage >= 2**63 else passage,) for passage in sorted(passages))


def _holding(store: Store, passages: Collection[int]) -> list[int]:
    """The works that hold any of these passages, also beyond the limit of the settings."""
    if not passages:
        return []
    rows, sizes, held = [], [], []
    for row, within, beyond in store.database.execute("SELECT row, passages, beyond FROM works ORDER BY row"):
        rows.append(row)
        sizes.append((len(within) + len(beyond)) // 8)
        held += [within, beyond]
    whose = np.repeat(np.array(rows, np.int64), sizes)
    wanted = np.array(sorted(passages), np.uint64)
    holding: list[int] = np.unique(whose[np.isin(np.frombuffer(b"".join(held), "<u8"), wanted)]).tolist()
    return holding


def _make_findable(
    store: Store,
    sketches: Mapping[int, tuple[Fingerprint, Embedding]],
    boilerplate: frozenset[int],
    settings: Settings,
    progress: Progress,
) -> None:
    """Keep under which keys these works are found."""
    if not sketches:
        return
    rows = sorted(sketches)
    raw = [sketches[row][0] for row in rows]
    progress(Stage.DISCOUNT, 0, len(rows))
    weighed = discount(raw, boilerplate, settings, lambda done: progress(Stage.DISCOUNT, done, len(rows)))
    languages = dict(store.select("SELECT row, language FROM records WHERE row IN (?)", rows))
    codes = _codes_of_writings(store, [f"{languages[row]}-{f.script}" for row, f in zip(rows, raw, strict=True)])
    owners = np.empty(len(rows), OWNER)
    owners["row"], owners["writing"], owners["rank"] = rows, codes, ranks_of([f.digest for f in raw])
    part = store.add_vectors(document_steps(weighed, (sketches[row][1] for row in rows)), owners)
    bands = band_hashes(np.array([f.signature for f in weighed], np.uint32), settings.bands)
    store.database.executemany(
        "INSERT INTO works VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                row,
                f.digest,
                f.passages.astype("<u8").tobytes(),
                f.widths.astype("<f4").tobytes(),
                hashes_of(f.beyond).astype("<u8").tobytes(),
                bands[place].astype("<i8").tobytes(),
                json.dumps(weighed[place].numbers),
                part,
                place,
            )
            for place, (row, f) in enumerate(zip(rows, raw, strict=True))
        ),
    )
    of_bands = np.stack([bands.ravel(), np.repeat(rows, bands.shape[1])])
    of_bands = of_bands[:, np.lexsort(of_bands[::-1])]  # in the order of the table, which is written at its end then
    store.database.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?)", zip(*of_bands.tolist(), strict=True))
    of_figures = sorted((figure, row) for row, f in zip(rows, weighed, strict=True) for figure in f.numbers)
    store.database.executemany("INSERT OR IGNORE INTO figures VALUES (?, ?)", of_figures)


def _codes_of_writings(store: Store, names: Sequence[str]) -> list[int]:
    """The numbers by which the index calls them."""
    store.database.executemany("INSERT OR IGNORE INTO writings (name) VALUES (?)", ((n,) for n in sorted(set(names))))
    codes = {name: code for code, name in store.database.execute("SELECT code, name FROM writings")}
    return [codes[name] for name in names]
