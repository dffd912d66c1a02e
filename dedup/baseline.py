"""The baseline: the pairs that a gate accepts, in a file that is reviewed like any other change.

    {
      "version": 1,
      "pairs": [
        {"left": "seeds/000.txt", "right": "seeds/004.txt", "relation": "translation", "languages": ["ar", "hi"]},
        {"left": "id:17", "right": "seeds/004.txt", …, "note": "both are wanted: a parallel text"}
      ]
    }

One pair a line, sorted, so that a change of one pair is a change of one line. A person may add a ``note``; it stays
when the file is written anew. Only the two names decide whether a pair is accepted: the texts, the relation and the
languages may change, and the pair stays accepted until someone takes its line out.

**Names.** A record that is a whole file goes by the file's path from the folder of the baseline, ``..`` included, with
``/`` between its parts: so it has one name however a call spells its path and from wherever it is made, and two files
never have one. Paths are taken as they are written: no link is followed. Any other record, such as a row of a table,
goes by ``id:`` and its id, for a row moves when others are added above it, and its id does not. A row without an id
goes by its table and a hash of its text, ``id:t.jsonl#…``: at its line another row may stand by then, which nobody
has accepted. So two rows may have one name, and be a pair. A file whose path begins with ``id:`` goes by ``./id:…``, so
that no file has the name of a row.
"""

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from dedup.errors import InputError
from dedup.files import write_atomically
from dedup.findings import Checked, Finding, Match, StaleEntry
from dedup.index.identity import has_own_id
from dedup.index.known import Index
from dedup.model import Entry, Relation
from dedup.read.remote import is_remote
from dedup.report.console import JOINERS
from dedup.report.document import writable

VERSION: Final = 1
"""Raised when an older dedup could not read the file, or would take its names for other records."""

ID: Final = "id:"
"""What the name of a record that is no file begins with."""

_Key = tuple[str, str]


class Pair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Two records that may both be there: ``left`` before ``right``, the languages in the order of the two."""

    left: str
    right: str
    relation: Relation
    languages: tuple[str, str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The accepted pairs by their two names; ``folder`` (absolute) is where the names of files begin."""

    folder: str
    pairs: Mapping[_Key, Pair]

    @classmethod
    def empty(cls, path: Path) -> "Baseline":
        """What accepts nothing yet, for a file at ``path``, which need not be there."""
        return cls(os.path.abspath(path.parent), MappingProxyType({}))  # noqa: PTH100 - no link is to be resolved

    def name(self, record: Entry) -> str:
        """What the baseline calls a record."""
        if record.line is not None and not has_own_id(record):
            return f"{ID}{writable(record.id.rpartition(':')[0])}#{record.content.hex()}"
        if record.path is None or record.line is not None:
            return ID + writable(record.id)
        return self._name_of_file(writable(record.path))

    def _name_of_file(self, path: str) -> str:
        if is_remote(path):
            return path
        path = os.path.abspath(path)  # noqa: PTH100
        try:
            name = os.path.relpath(path, self.folder)
        except ValueError:  # on another drive of Windows
            name = path
        name = name.replace(os.sep, "/")
        return f"./{name}" if name.startswith(ID) else name

    def file_of(self, name: str) -> str | None:
        """The path of the file that goes by this name, absolute, or its URL; None for the name of a record that is no
        file.
        """
        if is_remote(name):
            return name
        is_file = not name.startswith(ID) and "\0" not in name  # which no file has in its name
        return os.path.normpath(Path(self.folder, name)) if is_file else None

    def key(self, one: Entry, other: Entry) -> _Key:
        """What the baseline calls a pair, in either order."""
        left, right = sorted((self.name(one), self.name(other)))
        return left, right


class _Version(msgspec.Struct):
    version: int


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    pairs: tuple[Pair, ...]


def load_baseline(path: Path) -> Baseline:
    """The baseline in ``path``. Raises :class:`InputError` where there is none that this version can read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the baseline cannot be read: {error.strerror}") from error
    try:
        found = msgspec.json.decode(data, type=_Version).version  # first: another version may differ in all else
        if found != VERSION:
            raise InputError(f"{path}: a baseline of version {found}, and this dedup reads version {VERSION}")
        pairs = msgspec.json.decode(data, type=_File).pairs
    except (ValueError, RecursionError) as error:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        raise InputError(f"{path}: not a baseline of dedup: {error}") from error
    return replace(Baseline.empty(path), pairs=_by_key(pairs, path))


def _by_key(pairs: Iterable[Pair], path: Path) -> Mapping[_Key, Pair]:
    """The pairs by their names, whichever a person wrote first. Raises InputError for what only a person can decide."""
    by_key: dict[_Key, Pair] = {}
    for pair in map(_in_order, pairs):
        key = pair.left, pair.right
        if pair.left == pair.right and not pair.left.startswith(ID):
            raise InputError(f"{path}: not a pair: {pair.left!r} and itself")
        if key in by_key:
            raise InputError(f"{path}: named twice: {pair.left!r} with {pair.right!r}")
        by_key[key] = pair
    return MappingProxyType(by_key)


def _in_order(pair: Pair) -> Pair:
    if pair.left <= pair.right:
        return pair
    first, second = pair.languages
    return msgspec.structs.replace(pair, left=pair.right, right=pair.left, languages=(second, first))


def names_compared(baseline: Baseline, known: Index) -> frozenset[str]:
    """The names in the baseline of known records, which were there to be compared with, and of files that are no longer
    there at all.
    """
    names = {name for key in baseline.pairs for name in key}
    files = {name: file for name in names if (file := baseline.file_of(name)) is not None}
    held = known.holding(files.values(), (name.removeprefix(ID) for name in names - files.keys()))
    return frozenset(
        {name for name, file in files.items() if file in held.files or not os.path.lexists(file)}
        | {f"{ID}{id_}" for id_ in held.ids}
    )


def accepted_by(baseline: Baseline, checked: Checked, compared: Collection[str] = ()) -> Checked:
    """``checked`` with the matches marked that the baseline accepts, and with its entries that no longer apply.

    Such an entry has a record that was checked, the other one was, too, or is among ``compared``
    (:func:`names_compared`), and the pair was not found. Other entries are left in peace; so are those of a record with
    copies that are not listed, for the pair may be one of them. Copies of a partner
    (:attr:`dedup.findings.Match.copies`) are accepted with the partner that is listed.
    """
    findings = tuple(
        replace(finding, matches=tuple(_marked(baseline, finding, match) for match in finding.matches))
        for finding in checked.findings
    )
    stale = tuple(StaleEntry(left, right) for left, right in sorted(_stale(baseline, checked, compared)))
    return replace(checked, findings=findings, stale=stale)


def _marked(baseline: Baseline, finding: Finding, match: Match) -> Match:
    return replace(match, accepted=baseline.key(finding.record, match.partner) in baseline.pairs)


def updated(baseline: Baseline, checked: Checked, compared: Collection[str] = ()) -> Baseline:
    """The baseline that accepts all matches of ``checked`` too, without the entries that no longer apply (see
    :func:`accepted_by`).

    The other entries stay as they are. An entry of a pair that was found takes its relation and languages from there,
    and keeps its note.
    """
    stale = _stale(baseline, checked, compared)
    pairs = {key: pair for key, pair in baseline.pairs.items() if key not in stale}
    for finding, match in _matches(checked):
        key = baseline.key(finding.record, match.partner)
        pairs[key] = _pair(key, baseline.name(finding.record), finding, match, note=_note(pairs.get(key)))
    return replace(baseline, pairs=MappingProxyType(pairs))


def _note(pair: Pair | None) -> str:
    return pair.note if pair else ""


def _pair(key: _Key, name: str, finding: Finding, match: Match, note: str) -> Pair:
    """``name`` is the finding's record's."""
    languages = writable(finding.record.language), writable(match.partner.language)
    left, right = key
    return Pair(
        left=left,
        right=right,
        relation=match.relation,
        languages=languages if name == left else (languages[1], languages[0]),
        note=note,
    )


def _stale(baseline: Baseline, checked: Checked, compared: Collection[str]) -> set[_Key]:
    names = {baseline.name(record) for record in checked.records}
    looked_at = names.union(compared)
    found = {baseline.key(finding.record, match.partner) for finding, match in _matches(checked)}
    with_copies = {baseline.name(finding.record) for finding, match in _matches(checked) if match.copies}
    return {
        key
        for key in baseline.pairs
        if key not in found and names.intersection(key) and looked_at.issuperset(key) and not with_copies & set(key)
    }


def _matches(checked: Checked) -> Iterator[tuple[Finding, Match]]:
    return ((finding, match) for finding in checked.findings for match in finding.matches)


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write the baseline to the ``path`` that it was loaded from, or made for: whole or not at all.

    Equal baselines give equal bytes: UTF-8, one pair a line, sorted by the names. Raises :class:`InputError` where
    ``path`` cannot be written.
    """
    lines = ",\n".join(f"    {_line(baseline.pairs[key])}" for key in sorted(baseline.pairs))
    pairs = f"[\n{lines}\n  ]" if lines else "[]"
    write_atomically(path, f'{{\n  "version": {VERSION},\n  "pairs": {pairs}\n}}\n'.encode())


def _line(pair: Pair) -> str:
    """The pair as JSON, in which nothing is unseen: a reviewer is shown what the file says."""
    text = json.dumps(msgspec.to_builtins(pair), ensure_ascii=False)
    return "".join(
        character if character.isprintable() or character in JOINERS else json.dumps(character)[1:-1]
        for character in text
    )
