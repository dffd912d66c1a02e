"""Pages made by rule: of a report of 10,000 records, 3,000 clusters of three and 1,000 records alone; and of the same
with a large cluster more.
"""

from dataclasses import fields
from itertools import combinations

import msgspec

from dedup.report.document import Encoder, Input, Stage, Tool
from dedup.report.html.data import Cluster, Cut, Detail, Index, Outlook, PageData, Pair, Record, Text
from dedup.settings import Settings

CLUSTERS, EACH, ALONE = 3_000, 3, 1_000
LANGUAGES = ("en", "fa", "fr", "ar")


def big_page() -> PageData:
    """Cluster i is in English and in Persian (even i, site even.example) or Arabic (odd i, odd.example), and in French;
    its weakest pair has a probability from 0.5 to 0.995, in no order. Each text says "needle i".
    """
    records = [record(i, version) for i in range(CLUSTERS) for version in range(EACH)]
    pairs = [pair(i, left, right) for i in range(CLUSTERS) for left, right in ((0, 1), (0, 2), (1, 2))]
    index = Index(
        tool=Tool(name="dedup", version="0"),
        encoder=Encoder(name="none", digest="", calibration=""),
        first_encoder=None,
        settings={one.name: getattr(Settings(), one.name) for one in fields(Settings)},
        threshold=0.5,
        input=Input(
            records=CLUSTERS * EACH + ALONE,
            skipped=0,
            languages={"ar": CLUSTERS // 2, "en": CLUSTERS + ALONE, "fa": CLUSTERS // 2, "fr": CLUSTERS},
            dropped_segments=0,
            shortened=(),
        ),
        funnel=(Stage(stage="candidates", pairs=20_000), Stage(stage="confirmed", pairs=len(pairs))),
        relations=("translation",),
        finders=("vectors",),
        confirmed=("model",),
        evidence=("prior", "alignment"),
        records=tuple(records),
        pairs=tuple(pairs),
        clusters=tuple(map(cluster, range(CLUSTERS))),
        outside=(),
        conflicts=(),
        skipped=(),
        outlooks=(
            Outlook(
                threshold=0.5,
                clusters=CLUSTERS,
                records=CLUSTERS * EACH,
                gone=0,
                new=0,
                concerned=0,
                changes=(),
                all_changes=0,
            ),
        ),
        cut=Cut(
            characters=6_000,
            beginning=300,
            texts=len(records),
            texts_cut=0,
            texts_begun=0,
            links=len(pairs),
            links_shown=len(pairs),
            outside=0,
            outside_shown=0,
            floor=0.1,
            pairs=len(pairs),
            pairs_detailed=len(pairs),
        ),
    )
    texts = tuple(text(place // EACH) for place in range(len(records)))
    return PageData(index=index, texts=texts, details=tuple(detail(place // EACH) for place in range(len(pairs))))


def record(i: int, version: int) -> Record:
    language = ("en", "fa" if i % 2 == 0 else "ar", "fr")[version]
    site = "even" if i % 4 == 0 else "odd"
    url = f"https://www.{site}.example/{i}"
    return Record(f"record {i} {'abc'[version]}", None, None, language, url, 900, i * EACH + version, i)


def text(i: int) -> Text:
    """Some 900 characters."""
    sentences = (
        f"needle {i} is said in sentence {n}, which has {i * n} words and goes on for a while." for n in range(12)
    )
    return Text(tuple(sentences), 0, 0, tuple((n, 7, 7 + len(str(i)), str(i)) for n in range(12)))


def pair(i: int, left: int, right: int) -> Pair:
    number = i * EACH + left + right - 1
    return Pair(i * EACH + left, i * EACH + right, 0, least(i) if (left, right) == (1, 2) else 1.0, (0,), 0, number)


def detail(i: int) -> Detail:
    evidence = ((0, 1.0, -2.0, ""), (1, 0.8, 4.0, ""))
    passages = tuple((n, n, 90) for n in range(12))
    return Detail(evidence, "passages align 0.80", "", passages, (str(i),), (), (), (), ())


def least(i: int) -> float:
    return 0.5 + (i * 7_919 % 5_000) / 10_100


def cluster(i: int) -> Cluster:
    members = tuple(i * EACH + version for version in range(EACH))
    links = (i * EACH + 2, i * EACH, i * EACH + 1)
    return Cluster(
        f"{i:016x}", f"https://{i}.example/", 1.0, members, members[0], links, EACH, links[0], (), f"needle {i}"
    )


def page_with_cluster_of(size: int) -> PageData:
    """One cluster more, of two halves: within each all pairs are sure, between them one reaches the threshold and one
    is the weakest.
    """
    data = big_page()
    index, first, links = data.index, len(data.index.records), len(data.index.pairs)
    half = size // 2
    members = tuple(range(first, first + size))
    sure = [(i, j) for i, j in combinations(members, 2) if (i < first + half) == (j < first + half)]
    found = [(*between, p) for between, p in (((first, first + half), 0.6), ((first + 1, first + half + 1), 0.2))]
    found += [(*pair, 0.999) for pair in sure]
    pairs = tuple(Pair(i, j, 0, p, (0,), 0, 0) for i, j, p in found)
    named = (Record(f"member {i}", None, None, LANGUAGES[i % 4], None, 900, i, CLUSTERS) for i in range(size))
    large = Cluster(
        id="f" * 16,
        source_url=None,
        confidence=0.6,
        members=members,
        keep=first,
        links=(links, *range(links + 2, links + len(pairs))),
        all_links=len(pairs) - 1,
        weakest=links + 1,
        flags=("Two halves.",),
        beginning="",
    )
    changed = msgspec.structs.replace(
        index, records=(*index.records, *named), pairs=(*index.pairs, *pairs), clusters=(*index.clusters, large)
    )
    return msgspec.structs.replace(data, index=changed)
