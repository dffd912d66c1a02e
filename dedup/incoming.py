"""The new records of a check: which files they are read from, how they are called, which rows of a table are new.

    paths -open_input-> Input -called_alike-> Input -only_changed-> Input -read_new-> Record | Skipped

A record of a file is called as it is called among the known ones, where the file is one of theirs, however it was
given: by itself, within a folder, or by git. So a report speaks of one record by one name, and what a baseline says of
the rows of a table holds wherever that is checked from.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import compress

from dedup.changes import Changes, Places, places_of
from dedup.errors import InputError
from dedup.model import Record, Skipped
from dedup.read import Fields
from dedup.read.characters import encodable
from dedup.read.fields import Origin
from dedup.read.formats import is_table
from dedup.read.paths import Source
from dedup.read.records import Input, read_file, read_input, read_version


def called_alike(new: Input, known: Input) -> Input:
    """The new input with the names of the known one. A file that is not in that, but would be called like one that is,
    or like another new one by then, is called by its path; and where even that is another's name, by its absolute path.
    """
    names = dict(zip(_places(known), (source.origin.name for source in known.sources), strict=True))
    places = _places(new)
    taken = set(names.values())
    sources = []
    for source, place in zip(new.sources, places, strict=True):
        path = source.origin.path
        own = (source.origin.name, path, encodable(place))
        called = names.get(place) or next((name for name in own if name not in taken), own[-1])
        taken.add(called)
        sources.append(replace(source, origin=Origin(path, called)))
    return replace(new, sources=tuple(sources))


def known_as(new: Input, known: Input) -> dict[str, str]:
    """The paths of new files -> those under which they are known, where these are others: as through a link."""
    paths = dict(zip(_places(known), (source.origin.path for source in known.sources), strict=True))
    both = ((source.origin.path, paths.get(place)) for source, place in zip(new.sources, _places(new), strict=True))
    return {path: other for path, other in both if other is not None and other != path}


def only_changed(given: Input, changes: Changes) -> Input:
    """Of the files those that were changed, and what could not be used of them. Raises :class:`InputError` where
    there is standard input, of which git knows nothing.
    """
    if given.piped is not None:
        raise InputError("standard input (-) has no history: leave out --changed-since, or name files")
    changed = Places(changes.changed)
    spoken_of = Places(map(encodable, changes.changed))  # of what was skipped, only the name for people is left
    at = [place in changed or os.path.realpath(place) in changed for place in _places(given)]
    skipped_at = places_of(skipped.path for skipped in given.skipped)
    return Input(
        piped=None,
        sources=tuple(compress(given.sources, at)),
        skipped=tuple(compress(given.skipped, (place in spoken_of for place in skipped_at))),
    )


def left_out(given: Input, changed: Input, known: Input) -> int:
    """How many files were given as new, but are neither among the ``changed`` ones of them nor known: nothing is
    compared with them.
    """
    return len(set(_places(given)).difference(_places(changed), _places(known)))


def _places(given: Input) -> list[str]:
    """The same for the same file, however it was given; of one elsewhere, its URL."""
    here = iter(places_of(source.path for source in given.sources if source.remote is None))
    return [next(here) if source.remote is None else source.path for source in given.sources]


def read_new(given: Input, fields: Fields, changes: Changes | None = None) -> Iterator[Record | Skipped]:
    """The records of the input; with ``changes``, of a table only the rows that its old version does not have.

    A row is an old one where text, URL, language and id are equal, if it has an id: the name that it gets for its
    line would change with every row above it. Of a row that cannot be used only the reason is known, and one with a
    reason more often than before counts as new.
    """
    if changes is None:
        return read_input(given, fields)

    def read(source: Source, fields: Fields) -> Iterator[Record | Skipped]:
        return _new_rows(source, fields, changes) if is_table(source.path) else read_file(source, fields)

    return read_input(given, fields, read)


def _new_rows(source: Source, fields: Fields, changes: Changes) -> Iterator[Record | Skipped]:
    seen = Counter(_row_key(item, source) for item in _old_rows(source, fields, changes))
    for item in read_file(source, fields):
        key = _row_key(item, source)
        if seen[key]:
            seen[key] -= 1
        else:
            yield item


def _old_rows(source: Source, fields: Fields, changes: Changes) -> Iterator[Record | Skipped]:
    """The rows of a table as it was, named as if they stood in it now."""
    (place,) = places_of([source.path])
    where = place if place in changes.before else os.path.realpath(place)
    with changes.old_version(where) as stream:
        if stream is not None:
            yield from read_version(stream, source, fields)


def _row_key(item: Record | Skipped, source: Source) -> bytes:
    """Equal for rows that say the same."""
    if isinstance(item, Skipped):
        said: tuple[str | None, ...] = ("skipped", item.reason)
    else:
        its_own = None if item.id == f"{source.origin.name}:{item.line}" else item.id
        said = ("record", item.text, item.url, item.language, its_own)
    return sha256(repr(said).encode("utf-8", "surrogatepass")).digest()
