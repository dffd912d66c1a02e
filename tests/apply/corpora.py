"""Reports on real corpora whose clusters a test decides."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import zstandard

from dedup.apply import Choice, Corpus, Plan, make_plan, open_corpus
from dedup.model import Cluster, EncoderInfo, Evidence, Finder, Link, Relation, Report
from dedup.pipeline import counts_of
from dedup.prepare import entry_of, prepare
from dedup.read import Fields, read_records
from dedup.read.unique import unique_records
from dedup.report.document import Document, document_of

Said = tuple[Relation, float]
Links = Mapping[tuple[str, str], Said]

EXACT: Said = (Relation.EXACT, 0.99999)
NEAR: Said = (Relation.NEAR_DUPLICATE, 0.98)


def translation(probability: float) -> Said:
    return Relation.TRANSLATION, probability


def report_on(
    paths: Sequence[str | Path],
    groups: Sequence[Sequence[str]],
    links: Links | None = None,
    flags: Sequence[str] = (),
    fields: Fields | None = None,
) -> Document:
    """What a run over these paths would say if it found these clusters; ``flags`` are those of the first."""
    records, skipped = unique_records(read_records(paths, fields or Fields()))
    articles, unusable = prepare(records)
    position = {article.record.id: at for at, article in enumerate(articles)}
    clusters = []
    entries = tuple(map(entry_of, articles))
    for number, group in enumerate(groups):
        inside = [_link(position, pair, said) for pair, said in (links or {}).items() if set(pair) <= set(group)]
        members = tuple(sorted(position[id_] for id_ in group))
        clusters.append(Cluster(members, tuple(inside), 0.9, flags=tuple(flags) if number == 0 else ()))
    return document_of(
        Report(
            articles=entries,
            languages=counts_of(entries, ()).articles,
            clusters=tuple(clusters),
            conflicts=(),
            funnel=(),
            skipped=(*skipped, *unusable),
            encoder=EncoderInfo("e", "d", "c"),
            settings={},
            dropped_segments={},
        )
    )


def _link(position: Mapping[str, int], pair: tuple[str, str], said: Said) -> Link:
    left, right = sorted(position[id_] for id_ in pair)
    relation, probability = said
    return Link(left, right, relation, probability, (Finder.VECTORS,), (Evidence("prior", 1.0, 0.0),))


def planned(report: Document, *paths: str | Path, choice: Choice | None = None) -> Plan:
    return make_plan(report, corpus_of(*paths), choice or Choice())


def corpus_of(*paths: str | Path) -> Corpus:
    return open_corpus(paths)


def removed_ids(plan: Plan) -> list[str]:
    return [removal.id for removal in plan.removals]


def in_folder(folder: str, data: bytes, ending: str) -> Path:
    """A file of that ending, which holds these bytes, packed as its name says."""
    path = Path(folder, f"t{ending}")
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdCompressor().compress(data)
    path.write_bytes(data)
    return path


def content(path: Path) -> bytes:
    """The bytes of a file, unpacked."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().stream_reader(data).read() if path.suffix == ".zst" else data
