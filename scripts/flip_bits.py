"""Whether a flipped bit can change an answer unseen, and what it costs that it cannot.

    python scripts/flip_bits.py --times 100
    python scripts/flip_bits.py --times 0 --cost corpus.jsonl --known 9000

For each file of an index, for the cache of vectors and for the files of the model's and the table's folders, one bit is
flipped at random, ``--times`` times, in a copy; then the answer is asked for: what a check says of ten articles and all
that the index holds, the vectors, whether the folder is whole. It must be the same, or a refusal in one line that says
what to do; of caches the same, after what is spoilt was made again.

``--cost`` builds an index of the first ``--known`` records of a corpus (JSON Lines), and has ten further ones checked
by processes that are forked, in turns with digests and without; then the token table's folder is checked and used. Told
is processor time.
"""

import argparse
import json
import logging
import os
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import kill_runs
from kill_index import ARTICLES, contents, in_child

from dedup import Record, Settings
from dedup.check import check
from dedup.encoders import HashingEncoder, RememberingEncoder
from dedup.encoders.kept import MANIFEST, is_whole
from dedup.encoders.table import TableEncoder
from dedup.errors import UnusableIndexError
from dedup.index import Index, build_index, store
from dedup.index.folder import LOCK
from dedup.index.vectors import Part
from dedup.read import read_records
from dedup.settings import NEVER

SETTINGS = Settings(confirm=NEVER)
ROUNDS = 9
"""Checks of each kind, in turns."""


def main() -> None:
    """Flip bits, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=100, help="bits that are flipped in each file")
    parser.add_argument("--cost", type=Path, help="records as JSON Lines")
    parser.add_argument("--known", type=int, default=9_000)
    options = parser.parse_args()
    logging.getLogger("dedup").setLevel(logging.ERROR)  # that something is made again is told each time
    with tempfile.TemporaryDirectory() as place:
        if options.times:
            print("| file | bits flipped | same answer | refused | made again |\n|---|---|---|---|---|")
            for line in chain(flipped_index(Path(place), options.times), flipped_caches(Path(place), options.times)):
                print(line, flush=True)
        if options.cost:
            for line in costs(Path(place), options.cost, options.known):
                print(line, flush=True)


def flipped(content: bytes, chance: random.Random) -> bytes:
    """The same with one bit another."""
    spoilt = bytearray(content)
    spoilt[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def flipped_index(place: Path, times: int) -> Iterator[str]:
    """One line a file of an index."""
    rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
    records = [Record(row["id"], row["text"], language=row["lang"]) for row in rows]
    folder = place / "index"
    build_index(folder, records[:150], SETTINGS)
    new = [Record(f"new-{one.id}", one.text, language=one.language) for one in records[140:150]]

    def answer() -> object:
        with Index.open(folder) as known:
            return check(new, known, SETTINGS), contents(folder)

    expected = answer()
    chance = random.Random(times)
    for file in sorted(file for file in folder.iterdir() if file.name != LOCK):
        content = file.read_bytes()
        counts: Counter[str] = Counter()
        for _ in range(times):
            file.write_bytes(flipped(content, chance))
            counts[outcome(answer, expected)] += 1
        file.write_bytes(content)
        yield f"| {file.name} | {times} | {counts['same']} | {counts['refused']} | 0 |"


def outcome(answer: Callable[[], object], expected: object) -> str:
    """What became of an answer. Raises AssertionError for another one."""
    try:
        given = answer()
    except UnusableIndexError as error:
        if "\n" in str(error) or "dedup index build" not in str(error):
            raise AssertionError(f"not told in one line that says what to do: {error}") from error
        return "refused"
    if given != expected:
        raise AssertionError("a flipped bit has changed the answer")
    return "same"


def flipped_caches(place: Path, times: int) -> Iterator[str]:
    """One line a file of the cache."""
    texts = [f"text {number}" for number in range(60)]
    cache = place / "flipped"
    made = {name: kill_runs.expansion(name, make, rotten=False) for name, make in kill_runs.folders()}
    os.environ["DEDUP_CACHE"] = str(cache)
    expected = RememberingEncoder(HashingEncoder()).encode(texts).tobytes()
    for kind in made.values():
        kind.work(place / "flipped-folders")
    chance = random.Random(times)
    os.environ["DEDUP_CACHE"] = str(cache)
    file = RememberingEncoder(HashingEncoder()).file
    content = file.read_bytes()
    for _ in range(times):
        file.write_bytes(flipped(content, chance))
        if RememberingEncoder(HashingEncoder()).encode(texts).tobytes() != expected:
            raise AssertionError("a flipped bit has changed a vector")
    yield f"| vectors in the cache | {times} | {times} | 0 | (what is spoilt) |"
    for file in sorted((place / "flipped-folders").rglob("*")):
        if file.is_file():
            yield flipped_file(file, times, chance)


def flipped_file(file: Path, times: int, chance: random.Random) -> str:
    """A line on a file of one of the folders: whatever bit of it is another, the folder is not taken for whole."""
    content = file.read_bytes()
    (folder,) = (above for above in file.parents if (above / MANIFEST).exists())
    seen = 0
    for _ in range(times):
        file.write_bytes(flipped(content, chance))
        seen += not is_whole(folder)
    if seen < times and file.name != MANIFEST:  # which may be spelled otherwise and say the same
        raise AssertionError(f"a flipped bit of {file.name} is not seen")
    file.write_bytes(content)
    return f"| {folder.name.rpartition('-')[0]}: {file.relative_to(folder)} | {times} | {times - seen} | 0 | {seen} |"


# --- what it costs


def costs(place: Path, corpus: Path, known: int) -> Iterator[str]:
    """How long checks take with digests and without, and loading the token table."""
    records = [one for one in read_records([str(corpus)]) if isinstance(one, Record)]
    folder = place / "large"
    build_index(folder, records[:known], SETTINGS)
    new = records[known : known + 10]
    size = sum(file.stat().st_size for file in folder.iterdir())

    def work(index: Path) -> None:
        with Index.open(index) as opened:
            check(new, opened, SETTINGS)

    def as_it_is() -> None:
        pass

    def without() -> None:
        store.Store._verify = lambda *_: True  # type: ignore[method-assign]
        Part.vectors = property(lambda part: part._mapped)  # type: ignore[assignment,method-assign]

    told = compared(as_it_is, without, lambda: work(folder))
    yield f"a check of ten against {known:,} ({size / 1e6:,.0f} MB): {told}"
    encoder = TableEncoder()
    made = kill_runs.its_folder()

    def load() -> None:
        TableEncoder(encoder._map_file).encode(["text"])

    seconds = statistics.median(timed(lambda: is_whole(made)) for _ in range(ROUNDS))
    loading = statistics.median(timed(load) for _ in range(ROUNDS))
    yield f"the token table: {1e3 * seconds:.0f} ms for its digests, of {1e3 * loading:.0f} until a text is encoded"


def compared(one: Callable[[], None], other: Callable[[], None], work: Callable[[], None]) -> str:
    """Medians of the work after the one and after the other, each in a process of its own, in turns."""
    taken: dict[Callable[[], None], list[float]] = {one: [], other: []}
    for _ in range(ROUNDS):
        for start, seconds in taken.items():
            with tempfile.NamedTemporaryFile("r+") as told:

                def measured(_folder: Path, start: Callable[[], None] = start, name: str = told.name) -> None:
                    start()
                    Path(name).write_text(str(timed(work)))

                in_child(measured, Path(), counted=False)
                seconds.append(float(told.read()))
    with_it, without_it = (1e3 * statistics.median(seconds) for seconds in taken.values())
    return f"{with_it:.0f} ms with digests, {without_it:.0f} without ({with_it / without_it:.2f} times)"


def timed(work: Callable[[], object]) -> float:
    """Its seconds of processor time, which others who use the machine hardly change."""
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
