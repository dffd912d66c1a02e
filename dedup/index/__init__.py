"""The known records, kept on disk: build an index once, add to it and remove from it, check new records against it.

store.py      the files, the database in them, locking, versions
sketches.py   a sketch as bytes
finders.py    under which keys a text is found
write.py      build_index, add_records, remove_records: what a change makes of an index
identity.py   which known record a new one is
known.py      Index: which known texts may carry the article of a new one
info.py       describe: what an index holds
"""

from dedup.index.folder import is_index, refuse_unfinished
from dedup.index.info import Info, describe
from dedup.index.known import Index
from dedup.index.write import Change, add_records, build_index, remove_records

__all__ = [
    "Change",
    "Index",
    "Info",
    "add_records",
    "build_index",
    "describe",
    "is_index",
    "refuse_unfinished",
    "remove_records",
]
