"""The assignment: a table with a row for each compared record, in a cluster or not, that joins with the corpus.

| column | |
|---|---|
| `id`, `path`, `line`, `language` | as in the report; `line` is empty where the record is a file |
| `cluster` | id of the cluster; empty for a record in none |
| `role` | `keep` (the cluster's record with the longest text), `copy`, or `single` |
| `size` | records in the cluster; 1 for a single one |
| `probability` | mean probability that the record and another text of its cluster are one article: 1 where |
| | all of them hold one text, empty for a single one |

Rows are in the order of their ids. Equal reports give equal bytes.
"""

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import zstandard
from msgspec import Struct

from dedup.errors import InputError
from dedup.extras import require
from dedup.model import Cluster, Entries, Role, WholeReport
from dedup.read.remote import File
from dedup.report.document import cluster_id, kept, rounded, writable

if TYPE_CHECKING:
    import pyarrow as pa

GUARD: Final = "'"
"""Stands in a cell of CSV or TSV before what a spreadsheet would run as a formula (OWASP, "CSV Injection")."""

ASSIGNMENT: Final = "assignment"
"""The folder of the tables of a distributed run."""

SUMMARY: Final = "summary.json"
"""The file beside it that says that they are whole."""

PARQUET: Final = ".parquet"
ROW_GROUP: Final = 100_000
"""Rows of a row group."""

_FORMULA: Final = re.compile(
    r"(?:\A(?=[\t\r\n])|(?:\A|[;,|\t\r\n][ \"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20]))(?![+-]\d+(?:\.\d+)?\Z)"
)
"""The place where one begins: at the beginning of a cell, or of what becomes one where a spreadsheet takes another sign
for the separator, as it does in half of Europe. Full-width signs count. A number with a sign is none."""


def guarded_cell(cell: str) -> str:
    """A cell as it stands in CSV and TSV."""
    return _FORMULA.sub(rf"\g<0>{GUARD}", cell)


class Row(Struct, frozen=True, kw_only=True):
    """What became of a record."""

    id: str
    path: str | None
    line: int | None
    language: str
    cluster: str | None
    role: Role
    size: int
    probability: float | None


class Named(Protocol):
    """What a row says of a record by itself; :class:`dedup.model.Entry` has it."""

    @property
    def id(self) -> str:
        """Of the record."""

    @property
    def path(self) -> str | None:
        """The file that it is from."""

    @property
    def line(self) -> int | None:
        """Its line there."""

    @property
    def language(self) -> str:
        """ISO 639 code."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file's bytes, and how many of its cells hold a :data:`GUARD` because they would be formulas."""

    data: bytes
    guarded: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article stands: the columns of the same names."""

    cluster: str | None = None
    role: Role = Role.SINGLE
    size: int = 1
    probability: float | None = None


ALONE: Final = Place()


def assignment(report: WholeReport) -> tuple[Row, ...]:
    """The rows of a report of a run."""
    places = dict(places_of(report.clusters, report.articles))
    rows = (row_of(article, places.get(position, ALONE)) for position, article in enumerate(report.articles))
    return tuple(sorted(rows, key=lambda row: row.id))


def places_of(clusters: Iterable[Cluster], articles: Entries) -> Iterator[tuple[int, Place]]:
    """The position of each article in a cluster, and its place; ``articles`` are at least those."""
    for cluster in clusters:
        ids = {i: writable(articles[i].id) for i in cluster.members}
        name, best = cluster_id(cluster.members, articles, ids), kept(cluster.members, articles, ids)
        for member, mean in zip(cluster.members, cluster.agreement, strict=True):
            role = Role.KEEP if member == best else Role.COPY
            yield member, Place(name, role, len(cluster.members), rounded(mean))


def row_of(article: Named, place: Place) -> Row:
    """The row of an article that stands there."""
    return Row(
        id=writable(article.id),
        path=None if article.path is None else writable(article.path),
        line=article.line,
        language=article.language,
        cluster=place.cluster,
        role=place.role,
        size=place.size,
        probability=place.probability,
    )


def check_assignment_file(path: File) -> None:
    """Raises :class:`InputError` where no table has a name of that ending, or what writes it is not installed."""
    _form_of(path)
    if path.name.lower().endswith(PARQUET):
        _pyarrow("pyarrow.parquet")


def table_of(rows: Sequence[Row], path: File) -> Table:
    """The rows in the format that the name of the file asks for; raises as :func:`check_assignment_file` does."""
    form, pack = _form_of(path)
    table = form(rows)
    return Table(pack(table.data), table.guarded)


def _jsonl(rows: Sequence[Row]) -> Table:
    return Table(msgspec.json.Encoder().encode_lines(rows))


def _separated(delimiter: str) -> Callable[[Sequence[Row]], Table]:
    """Values with this between them, quoted where they need it; one that is not there is empty."""

    def write(rows: Sequence[Row]) -> Table:
        file = io.StringIO()
        plain = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        # The module does not quote a lone carriage return by itself, though its own reader takes one for a line's end.
        quoting = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        plain.writerow(Row.__struct_fields__)
        guarded = 0
        for row in rows:
            cells = ["" if value is None else str(value) for value in msgspec.structs.astuple(row)]
            harmless = [guarded_cell(cell) for cell in cells]
            guarded += sum(one != other for one, other in zip(cells, harmless, strict=True))
            (quoting if any("\r" in cell for cell in cells) else plain).writerow(harmless)
        return Table(file.getvalue().encode(), guarded)

    return write


def _parquet(rows: Sequence[Row]) -> Table:
    parquet = _pyarrow("pyarrow.parquet")
    file = io.BytesIO()
    with parquet.ParquetWriter(file, arrow_schema(), compression="zstd") as writer:
        for start in range(0, len(rows), ROW_GROUP):
            writer.write_table(arrow_table(rows[start : start + ROW_GROUP]))
    return Table(file.getvalue())


def arrow_schema() -> "pa.Schema":
    """The columns and their types, as Parquet has them."""
    pyarrow = _pyarrow("pyarrow")
    text, number = pyarrow.string(), pyarrow.int64()
    kinds = (text, text, number, text, text, text, number, pyarrow.float64())
    return pyarrow.schema(list(zip(Row.__struct_fields__, kinds, strict=True)))


def arrow_table(rows: Sequence[Row]) -> "pa.Table":
    """The rows as an Arrow table."""
    return _pyarrow("pyarrow").Table.from_pylist([msgspec.structs.asdict(row) for row in rows], arrow_schema())


def _pyarrow(module: str) -> Any:  # noqa: ANN401 - it has no types
    return require(module, "parquet", "a .parquet file")


def _deflated(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _zstandard(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


FORMS: Final[Mapping[str, Callable[[Sequence[Row]], Table]]] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".jsonl": _jsonl,
    PARQUET: _parquet,
}
"""Ending of a table's name -> what writes it. All but Parquet may be packed, too."""

PACKED: Final[Mapping[str, Callable[[bytes], bytes]]] = {".gz": _deflated, ".zst": _zstandard}


def _form_of(path: File) -> tuple[Callable[[Sequence[Row]], Table], Callable[[bytes], bytes]]:
    name = path.name.lower()
    for ending, form in FORMS.items():
        if name.endswith(ending):
            return form, bytes
        for packed, pack in PACKED.items():
            if name.endswith(ending + packed) and ending != PARQUET:
                return form, pack
    known = f"{', '.join(FORMS)}, all but {PARQUET} also with {' or '.join(PACKED)}"
    raise InputError(f"{path}: no table has such an ending: give {known}")
