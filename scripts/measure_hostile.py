"""What texts and records cost that are made to cost much: whether the time grows with their size, or faster.

    python scripts/measure_hostile.py
    python scripts/measure_hostile.py --texts quotations heaps --size 1000000 --times 1 2
    python scripts/measure_hostile.py --runs equal one-url --records 1000 2000 4000
    python scripts/measure_hostile.py --languages
    python scripts/measure_hostile.py --rules CORPORA
    python scripts/measure_hostile.py --ratios CORPORA
    python scripts/measure_hostile.py --bombs

Prints of each kind of text what one record of it takes on its whole way to a sketch, at sizes that double: processor
time, the best of three; the exponent is the slope of a line through the logarithms, 1 where time is linear. An exponent
over 1.1, or more than ten times the time of a megabyte of the ordinary text in the first row, is a finding. ``--runs``
does the same for whole runs (``--confirm never``, one process) over records that have too much in common.
``--languages`` tells which rules of sentencex take long, ``--rules`` how alike the rules cut that stand in for each
other (:mod:`dedup.text`), ``--ratios`` how small texts are packed (:mod:`dedup.read.lines`), ``--bombs`` what is read
of Parquet files that stand for more than they hold (the memory is the most that this process has held so far). CORPORA
is a folder of ``NAME/corpus.jsonl.gz`` (see ``scripts/corpora.py``).
"""

import argparse
import gzip
import math
import multiprocessing
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from pathlib import Path
from random import Random
from string import ascii_lowercase
from tempfile import TemporaryDirectory

import numpy as np
import zstandard

from dedup import Record, Settings, find_clusters
from dedup.embed import Lens
from dedup.model import Skipped
from dedup.pipeline import models_of
from dedup.read import Fields, read_records
from dedup.settings import NEVER
from dedup.sketch import sketch
from dedup.text import STAND_INS

SEEDS = Path(__file__).parent.parent / "seeds"
SETTINGS = Settings(confirm=NEVER)
REPEATS = 3


# --- texts


def _filled(piece: str) -> Callable[[int], str]:
    """A text of that many characters, or a few less, out of one piece."""
    return lambda size: piece * (size // len(piece))


def _ordinary(size: int) -> str:
    whole = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SEEDS.glob("*.txt")))
    return (whole * (size // len(whole) + 1))[:size]


def _counted(line: str, end: str) -> Callable[[int], str]:
    """The line with running numbers in it."""
    return lambda size: end.join(line.format(number) for number in range(size // (len(line) + 4)))


TEXTS: Mapping[str, Callable[[int], str]] = {
    "ordinary": _ordinary,
    # one thing without end
    "one-letter": _filled("a"),
    "one-digit": _filled("7"),
    "full-stops": _filled("."),
    "punctuation": _filled(".,;:!?"),
    "spaces": lambda size: "a" + " " * size + "b",
    "line-ends": lambda size: "a" + "\n" * size + "b",
    "letter-a-line": _filled("a\n"),
    "controls": lambda size: "\0" * size + "a",
    "surrogates": _filled("\ud800"),
    "one-sentence": _filled("The council of Thuan An has many staff. "),
    "short-sentences": _filled("a. "),
    "capitals": _filled("Aab "),
    "no-sentence-end-thai": _filled("สวัสดีชาวโลก"),
    "no-sentence-end-khmer": _filled("ជំរាបសួរ"),
    "no-sentence-end-chinese": _filled("中文字"),
    "all-characters": lambda size: "".join(chr(0x10000 + n * 7_919 % 0x1F000) for n in range(size)),
    # figures
    "numbers": _counted("{}", " "),
    "digits-and-commas": _filled("1,"),
    "digits-and-spaces": _filled("1 "),
    "thousands": _filled("111 "),
    "units": _filled("1億"),
    # what looks for its other half
    "brackets": lambda size: "(" * (size // 2) + ")" * (size // 2),
    "open-brackets": _filled("[a. "),
    "quotations": _filled("“a "),
    "quotations-french": _filled("a« "),
    "quotations-chinese": _filled("「a "),
    # marks and what is not seen
    "heaps": lambda size: "a" + "\u0300\u0316" * (size // 2),
    "heaps-of-many": lambda size: "a" + "\u0f73" * size,
    "zalgo": _filled("a" + "\u0300\u0316" * 50),
    "joiners": lambda size: "ab" + "\u200d" * size,
    "emoji": _filled("👩\u200d👩\u200d👧\u200d👦"),
    "overrides": _filled("\u202eabc "),
    "expanding": _filled("\ufdfa"),
    "folding": _filled("ΐﬃ"),
    # addresses and what is around an article
    "urls": _counted("https://example.org/{}/a-b-c.html", " "),
    "url-lines": _counted("https://example.org/{}/a-b-c.html", "\n"),
    "one-url": lambda size: "https://example.org/" + "a/" * (size // 2),
    "source-lines": _counted("Source: https://example.org/{}/a.html", "\n"),
    "labels": _filled("Source:\nhttps://example.org/a\n"),
    "counters": _filled("aaa (1" + " " * 3_900 + "x\n"),
    "closing-brackets": _filled("https://a.org/(" + ")" * 3_900 + "\n"),
    "link-ends": _filled("https://a.org](" + ")" * 3_900 + "x\n"),
    "buttons": _filled("Facebook Twitter\n"),
}


def measured_texts(kinds: Sequence[str], size: int, times: Sequence[int]) -> None:
    """Print what texts cost."""
    models = models_of(SETTINGS, None, None)
    assert models.calibration is not None  # noqa: S101 - the table's is shipped
    lens = Lens(models.first, models.calibration)
    _seconds_of(_ordinary(10_000), lens)
    print(f"{'text':24}{'exponent':>9}{'s/million characters':>22}{'s/MB':>8}{'MiB':>8}")
    for kind in kinds:
        sizes = [size * factor for factor in times]
        texts = [TEXTS[kind](one) for one in sizes]
        seconds = [_seconds_of(text, lens) for text in texts]
        largest = texts[-1]
        of_bytes = len(largest.encode("utf-8", "surrogatepass"))
        print(
            f"{kind:24}{exponent(list(map(len, texts)), seconds):9.2f}{seconds[-1] / len(largest) * 1e6:22.2f}"
            f"{seconds[-1] / of_bytes * 1e6:8.2f}{_peak():8,.0f}",
            flush=True,
        )


def _seconds_of(text: str, lens: Lens) -> float:
    """Processor seconds of one record, the best of some."""

    def once() -> float:
        began = time.process_time()
        [_] = sketch([Record("x", text)], SETTINGS, lens)
        return time.process_time() - began

    return min(once() for _ in range(REPEATS))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """How time grows with size: the slope of a line through the logarithms; not a number of one size."""
    if len(sizes) < 2:
        return math.nan
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _peak() -> float:
    """The most memory that this process has had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- runs

_RANDOM = Random(1)
_SYLLABLES = [a + b for a, b in product("bdfgklmnprstvz", "aeiou")]
_WORDS = ["".join(_RANDOM.choices(_SYLLABLES, k=_RANDOM.randint(1, 4))) for _ in range(20_000)]
_PAGE = "https://example.org/2024/05/story-of-the-year.html"
_STORY = "The council of Thuan An has 96 of 113 staff. It received 402 files and solved 317 of them."


def _article(random: Random, sentences: int = 8) -> str:
    return " ".join(" ".join(random.choices(_WORDS, k=10)).capitalize() + "." for _ in range(sentences))


def _chain(count: int) -> Iterator[Record]:
    """Each is the one before it with another word."""
    random = Random(1)
    words = _article(random).split()
    for number in range(count):
        words[random.randrange(len(words))] = random.choice(_WORDS)
        yield Record(str(number), " ".join(words))


def _each(text: Callable[[Random, int], str], url: str | None = None) -> Callable[[int], Iterator[Record]]:
    """Records of the texts that ``text`` makes of a generator and a number."""

    def records(count: int) -> Iterator[Record]:
        random = Random(1)
        return (Record(str(number), text(random, number), url) for number in range(count))

    return records


def _languages(count: int) -> Iterator[Record]:
    random = Random(1)
    tags = ("".join(letters) for letters in product(ascii_lowercase, repeat=3))
    return (Record(tag, _article(random), language=tag) for tag, _ in zip(tags, range(count), strict=False))


_FEW = [_article(_RANDOM, 1) for _ in range(40)]

RUNS: Mapping[str, Callable[[int], Iterator[Record]]] = {
    "other": _each(lambda random, _: _article(random)),
    "equal": _each(lambda _random, _number: _STORY),
    "one-url": _each(lambda random, _: _article(random), _PAGE),
    "one-band": _each(lambda random, _: f"{_STORY} {_STORY} {_article(random)}"),
    "one-figure": _each(lambda random, _: f"{_article(random)} 1234567 7654321 2345678"),
    "languages": _languages,
    "large-ids": lambda count: (Record("i" * 100_000 + record.id, record.text) for record in RUNS["other"](count)),
    "few-sentences": _each(lambda random, _: " ".join(random.choices(_FEW, k=6))),
    "near-duplicates": _each(lambda random, _: f"{_STORY} {_STORY} {' '.join(random.choices(_WORDS, k=3))}."),
    "chain": _chain,
}


def measured_runs(kinds: Sequence[str], counts: Sequence[int]) -> None:
    """Print what whole runs cost."""
    print(f"{'records':18}{'number':>9}{'s':>9}{'ms/record':>11}{'clusters':>10}{'judged':>11}{'MiB':>8}")
    for kind in kinds:
        seconds = []
        for count in counts:
            began = time.process_time()
            report = find_clusters(RUNS[kind](count), SETTINGS)
            seconds.append(time.process_time() - began)
            judged = sum(stage.pairs for stage in report.funnel if stage.stage == "judged")
            print(
                f"{kind:18}{count:9,}{seconds[-1]:9.2f}{seconds[-1] / count * 1000:11.2f}{len(report.clusters):10,}"
                f"{judged:11,}{_peak():8,.0f}",
                flush=True,
            )
        print(f"{kind:18}exponent {exponent(counts, seconds):.2f}", flush=True)


# --- the rules of sentencex, and packing


def slow_languages() -> None:
    """Print the codes of two and three letters whose rules take more than ten times as long as the English ones."""
    text = _STORY * 30
    usual = min(_cutting("en", text) for _ in range(9))
    print(f"en: {usual / len(text) * 1e6:.3f} s a million characters")
    codes = ("".join(letters) for size in (2, 3) for letters in product(ascii_lowercase, repeat=size))
    slow = sorted(((_cutting(code, text), code) for code in codes), reverse=True)
    print(", ".join(f"{code} {seconds / usual:.0f} times" for seconds, code in slow if seconds > 10 * usual))


def _cutting(code: str, text: str) -> float:
    import sentencex

    began = time.process_time()
    sentencex.segment(code, text)
    return time.process_time() - began


def compared_rules(folder: Path) -> None:
    """Print of how many places of paragraphs of five lines the rules of two languages differ."""
    import sentencex
    from corpora import read_corpus

    for code, other in STAND_INS.items():
        texts = [one.text for one in read_corpus(folder, "ntrex") if one.language == code]
        lines = [line for text in texts for line in text.splitlines() if line.strip()][:1_500]
        paragraphs = [" ".join(" ".join(lines[at : at + 5]).split()) for at in range(0, len(lines), 5)]
        ends = [[set(accumulate(map(len, sentencex.segment(c, p)))) for p in paragraphs] for c in (code, other)]
        differ = sum(len(one ^ another) for one, another in zip(*ends, strict=True))
        print(f"{code} by {other}: {differ} of {sum(map(len, ends[0]))} ends differ in {len(paragraphs)} paragraphs")


BOMBS: Mapping[str, int] = {"rows of nothing": 0, "one huge page": 10**9, "one long value": 33 * 10**6 * 10_000}
"""Kinds of Parquet files, and how many bytes of text they stand for."""


def _write_bomb(kind: str, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    column = {
        "rows of nothing": lambda: pa.nulls(20_000_000, pa.string()),
        "one huge page": lambda: pa.array(["a bee " * (BOMBS[kind] // 6)]),
        "one long value": lambda: pa.DictionaryArray.from_arrays(
            pa.array([0] * 10_000, pa.int32()), pa.array(["Bees. " * 5_500_000])
        ),
    }[kind]()
    options = {"row_group_size": len(column), "dictionary_pagesize_limit": 2**30, "compression": "zstd"}
    parquet.write_table(pa.table({"text": column}), path, use_dictionary=kind == "one long value", **options)


def read_bombs() -> None:
    """Print what is read of Parquet files that stand for far more than they hold; other processes make them."""
    print(f"{'file':18}{'bytes':>10}{'stands for':>18}{'read':>8}{'skipped':>12}{'s':>7}{'MiB':>8}")
    for kind, size in BOMBS.items():
        with TemporaryDirectory() as folder:
            path = Path(folder, "bomb.parquet")
            making = multiprocessing.get_context("fork").Process(target=_write_bomb, args=(kind, path))
            making.start()
            making.join()
            began = time.process_time()
            kinds = Counter(type(one) for one in read_records([path], Fields()))
            seconds = time.process_time() - began
            counts = f"{path.stat().st_size:10,}{size:18,}{kinds[Record]:8,}{kinds[Skipped]:12,}"
            print(f"{kind:18}{counts}{seconds:7.1f}{_peak():8,.0f}", flush=True)


def packed_ratios(folder: Path) -> None:
    """Print how many times smaller texts are packed."""
    text = f'"text": "{_STORY}"'
    contents = {
        "equal records": f"{{{text}}}\n" * 1_000_000,
        "equal texts, numbered": "".join(f'{{"id": {number}, {text}}}\n' for number in range(1_000_000)),
        "line ends": "\n" * 100_000_000,
    }
    for name, content in contents.items():
        _print_ratio(name, content.encode())
    for path in sorted(folder.glob("*/corpus.jsonl.gz")):
        _print_ratio(path.parent.name, gzip.decompress(path.read_bytes()))


def _print_ratio(name: str, content: bytes) -> None:
    packers = (lambda data: gzip.compress(data, 6), zstandard.ZstdCompressor(level=3).compress)
    ratios = [f"{len(content) / len(pack(content)):,.1f}" for pack in packers]
    print(f"{name}: {len(content):,} bytes, gzip {ratios[0]} : 1, Zstandard {ratios[1]} : 1", flush=True)


def main() -> None:
    """Measure what was asked for; without anything all texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", nargs="*", metavar="KIND", help=f"of {', '.join(TEXTS)}")
    parser.add_argument("--size", type=int, default=50_000, help="characters of the smallest text (50,000)")
    parser.add_argument("--times", type=int, nargs="+", default=(1, 2, 4, 8), help="and of the others (1 2 4 8)")
    parser.add_argument("--runs", nargs="*", metavar="KIND", help=f"of {', '.join(RUNS)}")
    parser.add_argument("--records", type=int, nargs="+", default=(250, 500, 1_000))
    parser.add_argument("--languages", action="store_true")
    parser.add_argument("--rules", type=Path, metavar="CORPORA")
    parser.add_argument("--ratios", type=Path, metavar="CORPORA")
    parser.add_argument("--bombs", action="store_true")
    asked = parser.parse_args()
    if asked.runs is not None:
        measured_runs(asked.runs or list(RUNS), asked.records)
    elif asked.languages:
        slow_languages()
    elif asked.rules:
        compared_rules(asked.rules)
    elif asked.ratios:
        packed_ratios(asked.ratios)
    elif asked.bombs:
        read_bombs()
    else:
        measured_texts(asked.texts or list(TEXTS), asked.size, asked.times)


if __name__ == "__main__":
    main()
