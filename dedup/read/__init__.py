"""Reading: from the paths of a call to records, and to notes on what could not be used.

    paths.py       which files, and the ids that their names give      -> Source
    remote_folders.py  the same for URLs; remote.py opens them, by way of fsspec
    formats.py     which reader takes which file-name ending           (a new format is added there)
    texts.py       one record a file: .txt, .md
    jsonl.py       one record a line: .jsonl, standard input; lines.py cuts and unpacks
    delimited.py   one row a record: .csv, .tsv
    parquet.py     one row a record: .parquet
    warc.py        one text of a web archive a record: .warc, .wet
    rows.py        one row of any table made a record
    characters.py  what is done to every text and id
    ahead.py       small remote files before they are needed
    records.py     read_records: all of the above in order   (paths -> Input -> records)
    unique.py      one record an id

Only a wrong call raises (:class:`dedup.errors.InputError`); a fault in the input is a
:class:`dedup.model.Skipped`, and the rest is read.
"""

from dedup.read.fields import Fields
from dedup.read.records import read_records

__all__ = ["Fields", "read_records"]
