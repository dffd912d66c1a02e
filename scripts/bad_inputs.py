"""Whether bad input costs itself and nothing else: a run on good records, and one on the same among bad ones.

    python scripts/bad_inputs.py [--good 2000] [--bad 500] [--folder FOLDER] [--quick]
    python scripts/bad_inputs.py --write tests/bad_inputs

The corpus is made by ``bad_corpus.py`` and ``bad_files.py``: hand-made articles and versions of them in every format
that is read, and among them what crawls and disks bring, 500 pieces of it. ``dedup run`` is called on both, with
``--confirm never``, and is held to this:

* the good records, odd ones too, are in the same clusters, with the same links, relations, probabilities and evidence;
* each bad piece is skipped with its path, its line and a reason that tells what is wrong; nothing else is skipped;
* exit code 0, and 2 with ``--strict``; nothing on standard error but what belongs there.

A table tells for each kind and format how many were tried and how many were reported so. Ends with 1 where anything is
otherwise. ``--write`` writes the small corpus that the tests run on.
"""

import argparse
import ctypes
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from bad_corpus import STDIN_FILE, Bad, good_records
from bad_files import Corpus, Maker, bad_files

EXPECTED: Final = "expected.json"
SHOWN: Final = 10
"""Of what is otherwise."""

PADDING: Final = 2**18
"""Blanks before standard input, more than a pipe holds: who has written them knows that the program reads, and so has
looked for its files.
"""

_DROP_FROM_BOUNDING_SET: Final = 24  # PR_CAPBSET_DROP
_MAY_READ_ALL: Final = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call ended with: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report."""
        report: dict[str, Any] = json.loads(self.out)
        return report


# --- corpora


def small(folder: Path, *, with_bad: bool) -> Corpus:
    """Every kind that a repository can hold, once in each format, among few good records."""
    maker = Maker(folder, good_records(254), with_bad=with_bad)
    _tables_and_files(maker, 3, 0)
    maker.texts(20)
    return maker.corpus()


def whole(folder: Path, good: int, bad: int, *, with_bad: bool, forbidden: bool) -> Corpus:
    """A corpus of so many good and bad records: of every kind, in every format, and more of the bad rows to fill up.

    Raises ValueError where there are more kinds.
    """
    with tempfile.TemporaryDirectory() as place:
        once = _all(Path(place), good, 0, with_bad=True, forbidden=forbidden)
    odd = sum(one.odd is not None for one in once.good)
    if bad < len(once.bad) or good < odd:
        raise ValueError(f"there are {len(once.bad)} bad and {odd} odd records at the least")
    more_good, more_bad = good - len(once.good), bad - len(once.bad)
    return _all(folder, good + more_good, more_bad, with_bad=with_bad, forbidden=forbidden)


def _all(folder: Path, good: int, more_bad: int, *, with_bad: bool, forbidden: bool) -> Corpus:
    goods = good_records(good)
    maker = Maker(folder, goods, with_bad=with_bad)
    _tables_and_files(maker, good // 25, more_bad)
    maker.large()
    maker.texts(maker.left - 1)
    maker.odd_names()
    maker.no_files()
    maker.vanishing()
    if forbidden:
        maker.forbidden()
    return maker.corpus()


def _tables_and_files(maker: Maker, count: int, more_bad: int) -> None:
    """Tables of so many good records, and further bad rows in turns; then the bad files."""
    forms = list(maker.formats.values())
    faults = {form.ending: list(form.faults) for form in forms}
    further = itertools.zip_longest(*(form.faults for form in forms))
    turns = ((form, fault) for round_ in further for form, fault in zip(forms, round_, strict=True) if fault)
    for form, fault in itertools.islice(itertools.cycle(turns), more_bad):
        faults[form.ending].append(fault)
    for form in forms:
        maker.table(form, count, faults[form.ending])
    for file in bad_files():
        maker.file(file)


def write_small(folder: Path) -> None:
    """The small corpus, with a list of what is bad in it."""
    corpus = small(folder, with_bad=True)
    listed = {
        "paths": corpus.paths,
        "good": [one.id for one in corpus.good],
        "bad": [asdict(one) for one in corpus.bad],
    }
    (folder / EXPECTED).write_text(json.dumps(listed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


# --- calls


def call(command: str, corpus: Corpus, *options: str) -> Outcome:
    """``dedup COMMAND`` on the corpus, in its folder, as somebody who may not read everything. What is to vanish is
    there when the program looks for its files, and is taken away before it reads them.
    """
    for path in corpus.vanishing:
        path.write_bytes(b"x")
    given = (corpus.folder / STDIN_FILE).read_bytes()
    line = [sys.executable, "-m", "dedup", command, *corpus.paths, "--confirm", "never", *options]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with subprocess.Popen(  # noqa: S603 - our own program
            line, cwd=corpus.folder, stdin=subprocess.PIPE, stdout=out, stderr=err, preexec_fn=_give_up_privileges
        ) as process:
            assert process.stdin is not None  # noqa: S101 - PIPE says so
            process.stdin.write(b" " * PADDING)
            process.stdin.flush()
            for path in corpus.vanishing:
                path.unlink()
            process.stdin.write(given)
            process.stdin.close()
            code = process.wait()
        return Outcome(code, _all_of(out), _all_of(err))


def _all_of(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "backslashreplace")


def _give_up_privileges() -> None:
    """Root, too, is to be kept from files that nobody may read. Where the system has no such call, or does not allow
    it, nothing happens.
    """
    libc = ctypes.CDLL(None)
    for capability in _MAY_READ_ALL:
        libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


def can_forbid() -> bool:
    """Whether a file can be closed to a process that :func:`call` starts."""
    with tempfile.NamedTemporaryFile() as file:
        os.fchmod(file.fileno(), 0)
        line = [sys.executable, "-c", "import sys; open(sys.argv[1])", file.name]
        ended = subprocess.run(line, preexec_fn=_give_up_privileges, stderr=subprocess.DEVNULL, check=False)  # noqa: S603 - ours
        return ended.returncode != 0


# --- what is held to what


def unlike(bad: Sequence[Bad], skipped: Sequence[Mapping[str, Any]]) -> tuple[list[Bad], list[str]]:
    """The bad pieces that are not reported with path, line and reason, and what is reported besides."""
    left: defaultdict[tuple[str, int | None], list[Bad]] = defaultdict(list)
    for one in bad:
        left[one.path, one.line].append(one)
    others = []
    for said in skipped:
        here = left[said["path"], said["line"]]
        found = next((one for one in here if re.fullmatch(one.reason, said["reason"])), None)
        if found is None:
            others.append(f"{said['path']}:{said['line']}: {said['reason']}")
        else:
            here.remove(found)
    return [one for some in left.values() for one in some], others


def without_places(clusters: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Clusters with all that is said of them, but for the lines of their members: bad rows between them move these."""
    return [
        {**cluster, "members": [{k: v for k, v in member.items() if k != "line"} for member in cluster["members"]]}
        for cluster in clusters
    ]


def differences(alone: Mapping[str, Any], among: Mapping[str, Any]) -> list[str]:
    """What two reports say differently of the good records."""
    told = [(f"input {name}", alone["input"][name], among["input"][name]) for name in ("records", "languages")]
    told += [(name, alone[name], among[name]) for name in ("funnel", "conflicts")]
    told.append(("clusters", without_places(alone["clusters"]), without_places(among["clusters"])))
    return [f"{name} differ" for name, one, other in told if one != other]


def compared(table: Path) -> Counter[str]:
    """The ids in an assignment, which has every record that was compared."""
    with table.open(encoding="utf-8") as lines:
        return Counter(json.loads(line)["id"] for line in lines)


def complaints(alone: Outcome, among: Outcome, strict: Outcome) -> list[str]:
    """What is wrong with how the calls ended."""
    said = [f"exit code {one.code}: {one.err}" for one in (alone, among) if one.code or one.err]
    if strict.code != 2 or not re.fullmatch(r"dedup: [\d,]+ skipped, the first: [^\n]+ \(--strict\)\n", strict.err):
        said.append(f"with --strict, exit code {strict.code}: {strict.err}")
    return said


def main() -> None:
    """Make the corpora, run, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--good", type=int, default=2000)
    parser.add_argument("--bad", type=int, default=500)
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="only write the small corpus, into a new folder")
    asked = parser.parse_args()
    if asked.write:
        write_small(asked.write)
        return
    with tempfile.TemporaryDirectory() as place:
        sys.exit(_run(Path(place), asked.good, asked.bad))


def _run(place: Path, good: int, bad: int) -> int:
    forbidden = can_forbid()
    folders = {with_bad: place / ("among" if with_bad else "alone") for with_bad in (False, True)}
    corpora = {
        with_bad: whole(folder, good, bad, with_bad=with_bad, forbidden=forbidden)
        for with_bad, folder in folders.items()
    }
    ended = {}
    for with_bad, corpus in corpora.items():
        ended[with_bad] = call("run", corpus, "--format", "json", "--assignment", f"{place}/{with_bad}.jsonl")
    strict = call("run", corpora[True], "--format", "json", "--strict")
    report = ended[True].report
    missed, others = unlike(corpora[True].bad, report["skipped"])
    wrong = complaints(ended[False], ended[True], strict) + differences(ended[False].report, report)
    expected = Counter(one.id for one in corpora[True].good)
    for with_bad in corpora:
        if (there := compared(place / f"{with_bad}.jsonl")) != expected:
            wrong.append(f"compared {sorted(there - expected)[:SHOWN]}, not {sorted(expected - there)[:SHOWN]}")
    _tell(corpora[True], report, missed)
    for line in (*map(str, missed[:SHOWN]), *others[:SHOWN], *wrong):
        print(line)
    if not forbidden:
        print("Not tried: what nobody may read, for this process may read everything.")
    return 1 if missed or others or wrong else 0


def _tell(corpus: Corpus, report: Mapping[str, Any], missed: Sequence[Bad]) -> None:
    forms = sorted({one.form for one in corpus.bad})
    tried = Counter((one.kind, one.form) for one in corpus.bad)
    lost = Counter((one.kind, one.form) for one in missed)
    print(f"| what is wrong | {' | '.join(forms)} |\n|---|{'---|' * len(forms)}")
    for kind in dict.fromkeys(one.kind for one in corpus.bad):
        cells = (_cell(tried[kind, form], lost[kind, form]) for form in forms)
        print(f"| {kind} | {' | '.join(cells)} |")
    clustered = sum(len(cluster["members"]) for cluster in report["clusters"])
    odd = Counter(one.odd for one in corpus.good if one.odd)
    print(
        f"\n{len(corpus.good):,} good records, {sum(odd.values()):,} of them odd in {len(odd)} ways, {clustered:,} of "
        f"them in {len(report['clusters']):,} clusters; {len(corpus.bad):,} bad ones of "
        f"{len({one.kind for one in corpus.bad})} kinds in {len(forms)} formats, {len(corpus.bad) - len(missed):,} "
        "reported with path, line and reason"
    )


def _cell(tried: int, missed: int) -> str:
    """How many were reported as they should be; of how many, where that differs."""
    return "" if not tried else f"{tried - missed}/{tried}" if missed else str(tried)


if __name__ == "__main__":
    main()
