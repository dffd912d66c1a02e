"""The peers of scripts/bench_speed.py, each run as its own documentation runs it, in the peers' environment.

    FOLDER/bin/python scripts/speed_peers.py datatrove|datasketch|rensa CORPUS OUT --cores N

Writes ``OUT/outcome.json``: when each stage began and the last one ended (``time.monotonic``), and the clusters of
datasketch as lists of ids; those of datatrove lie in the files of its third stage (:func:`datatrove_clusters`). What is
compared, and why it is set up so:

* **datatrove**: the four stages of its ``examples/minhash_deduplication.py`` (signatures, buckets, clusters, filter)
  with its default ``MinhashConfig`` (5-grams of words of its English spaCy tokenizer, 14 buckets of 8 hashes of 64
  bits), one task a core for signatures and filter, one task a bucket, one task for the clusters, as it demands.
  Its example counts tokens in the last stage, too, and writes gzip: both left out. Cluster ids are asked for
  (``save_cluster_id``); by default it writes only which documents to remove.
* **datasketch**, as its documentation begins: a ``MinHash`` of 128 permutations a text (by ``update_batch``, which is
  its faster way) of the set of its 5-grams of characters, then ``MinHashLSH(threshold=0.7)``: query, insert. One
  process. Clusters are the connected components of what the queries return.
* **rensa**: signatures alone (full-set ``RMinHash``, 128 permutations, of the same 5-grams), so it gives no clusters.
"""

import argparse
import json
import struct
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

SHINGLE = 5
PERMUTATIONS = 128
THRESHOLD = 0.7
REMOVED = "removed"
"""The folder of what datatrove's third stage writes."""

Clusters = list[list[str]]


class Clock:
    """When stages began."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float]] = []

    def __call__(self, stage: str) -> None:
        """A stage begins."""
        self.stages.append((stage, time.monotonic()))


def rows(corpus: Path) -> Iterator[tuple[str, str]]:
    """Id and text of each record."""
    import orjson

    with corpus.open("rb") as lines:
        for line in lines:
            record = orjson.loads(line)
            yield record["id"], record["text"]


def shingles(text: str) -> set[str]:
    """The different 5-grams of characters."""
    return {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}


def with_datatrove(shards: Path, out: Path, cores: int, clock: Clock) -> None:
    """Its pipeline over the files of a folder, one a core."""
    clock("importing")
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.base import PipelineStep
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
    )
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter

    config = MinhashConfig()
    signatures, buckets, removed, kept = (str(out / name) for name in ("signatures", "buckets", REMOVED, "kept"))
    reader = JsonlReader(str(shards))
    cluster = MinhashDedupCluster(input_folder=buckets, output_folder=removed, config=config, save_cluster_id=True)
    stages: dict[str, tuple[list[PipelineStep], int]] = {
        "signatures": ([reader, MinhashDedupSignature(output_folder=signatures, config=config)], cores),
        "buckets": (
            [MinhashDedupBuckets(input_folder=signatures, output_folder=buckets, config=config)],
            config.num_buckets,
        ),
        "clusters": ([cluster], 1),
        "filter": ([reader, MinhashDedupFilter(input_folder=removed), JsonlWriter(kept, compression=None)], cores),
    }
    for name, (pipeline, tasks) in stages.items():
        clock(name)
        LocalPipelineExecutor(
            pipeline,
            tasks=tasks,
            workers=min(tasks, cores),
            logging_dir=str(out / "logs" / name),
        ).run()


def datatrove_clusters(folder: Path, ids: list[list[str]]) -> Clusters:
    """What its third stage wrote: in ``RANK.clusters``, pairs of unsigned 32-bit numbers, little-endian: a document's
    place in the file of that rank, and its cluster. ``ids`` are the documents of each rank in their order.
    """
    clusters: dict[int, list[str]] = defaultdict(list)
    for path in sorted(folder.glob("*.clusters")):
        of_rank = ids[int(path.stem)]
        for place, cluster in struct.iter_unpack("<2I", path.read_bytes()):
            clusters[cluster].append(of_rank[place])
    return list(clusters.values())


def with_datasketch(corpus: Path, clock: Clock) -> Clusters:
    """One text after the other."""
    clock("importing")
    from datasketch import MinHash, MinHashLSH

    clock("signatures and index")
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    pairs: list[tuple[str, str]] = []
    for name, text in rows(corpus):
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([shingle.encode() for shingle in shingles(text)])
        pairs.extend((name, other) for other in index.query(signature))
        index.insert(name, signature)
    clock("clusters")
    return components(pairs)


def components(pairs: Iterable[tuple[str, str]]) -> Clusters:
    """The connected components of a graph, by its edges."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for left, right in pairs:
        parent[root(left)] = root(right)
    found: dict[str, list[str]] = defaultdict(list)
    for name in parent:
        found[root(name)].append(name)
    return list(found.values())


def with_rensa(corpus: Path, clock: Clock) -> None:
    """Shingles by Python, signatures by rensa."""
    clock("importing")
    from rensa import RMinHash

    clock("signatures")
    signatures = []
    for _, text in rows(corpus):
        signature = RMinHash(num_perm=PERMUTATIONS, seed=1)
        signature.update(list(shingles(text)))
        signatures.append(signature.digest())


def main() -> None:
    """Run one peer."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("peer", choices=("datatrove", "datasketch", "rensa"))
    parser.add_argument("corpus", type=Path, help=".jsonl with id and text; for datatrove a folder of such, one a core")
    parser.add_argument("out", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    clock, clusters = Clock(), None
    match options.peer:
        case "datatrove":
            with_datatrove(options.corpus, options.out, options.cores, clock)
        case "datasketch":
            clusters = with_datasketch(options.corpus, clock)
        case "rensa":
            with_rensa(options.corpus, clock)
    outcome = {"stages": clock.stages, "end": time.monotonic(), "clusters": clusters}
    (options.out / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")


if __name__ == "__main__":
    main()
