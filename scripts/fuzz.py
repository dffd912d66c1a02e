"""Coverage-guided fuzzing of what takes input from strangers, and of what writes it out again.

    python3 -m venv fuzzing && fuzzing/bin/pip install -e '.[test,fuzz]'
    PYTHONPATH=. fuzzing/bin/python scripts/fuzz.py --seconds 240 --findings findings/ --corpus corpus/
    PYTHONPATH=. fuzzing/bin/python scripts/fuzz.py jsonl warc --seconds 3600 --findings findings/
    PYTHONPATH=. fuzzing/bin/python scripts/fuzz.py --replay findings/warc/AssertionError-0a1b2c3d4e5f6071

Each target is a property of ``tests/properties``, which the suite tries with hypothesis, too. Here atheris (libFuzzer
for Python, PyPI) makes the inputs: it starts from small good ones (the hand-made texts, and a small file of each
format), changes them, and keeps those that reach something new in dedup; libraries written in C or Rust are only seen
from outside. A *finding* is an input for which the property does not hold or anything else is raised, which takes more
than ``SLOW`` seconds of processor time, and more than that for each ``SLOW_BYTES`` it has, or which ends or stops the
process. Of those that fail at one place the first is kept, in ``--findings`` in a folder named after the target. A
process that was ended is started again for the time that is left. ``--corpus`` keeps the inputs that reached something
new, from where a later call goes on.

It prints a table, and exits with 1 where there is a finding. ``--replay`` shows what is wrong with an input: with any
Python that has dedup and its tests, without atheris.
"""

import argparse
import hashlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SLOW: Final = 1.0
SLOW_BYTES: Final = 4_096
LONGEST: Final = 4_096
"""Bytes of an input."""
STUCK: Final = 120
"""Seconds after which an input has stopped the process."""
MOST_MEMORY: Final = 3_000
"""Megabytes."""
MOST_STARTS: Final = 50
"""Of a target: one that always ends at once must not be started for ever."""

_AT: Final = re.compile(rb"^#(\d+)\s.*?cov: (\d+)", re.MULTILINE)
_DONE: Final = re.compile(rb"number_of_executed_units:\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What became of a target."""

    name: str
    executions: int
    seconds: float
    busy: float
    """Seconds of processor time, which on a machine that has other things to do are much fewer."""
    edges: int
    """Of dedup's instrumented code, reached."""
    findings: tuple[Path, ...]


def main() -> None:
    """Fuzz the targets one after the other, and print the table."""
    options = _options()
    if options.replay:
        _replay(options.replay)
    elif options.child:
        _fuzz_here(options.child, options.seconds, options.findings, options.corpus)
    else:
        with tempfile.TemporaryDirectory() as kept:
            corpus = options.corpus or Path(kept)
            fuzzed = [_fuzz(name, options.seconds, options.findings, corpus) for name in options.target or _targets()]
        print("\n".join(_table(fuzzed)))
        sys.exit(any(one.findings for one in fuzzed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("target", nargs="*", help="names of tests/properties/targets.py; all without any")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--findings", type=Path, default=Path("findings"), help="the folder for inputs that break it")
    parser.add_argument("--corpus", type=Path, help="the folder for inputs that reach something new")
    parser.add_argument("--replay", type=Path, help="an input, in the folder of its target")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def _targets() -> list[str]:
    from tests.properties.targets import NAMES

    return list(NAMES)


# --- one target, from outside


def _fuzz(name: str, seconds: int, findings: Path, corpus: Path) -> Fuzzed:
    """Processes for the target, until its time is over."""
    place = findings / name
    place.mkdir(parents=True, exist_ok=True)
    (corpus / name).mkdir(parents=True, exist_ok=True)
    before = set(place.iterdir())
    began, used = time.monotonic(), _busy()
    executions = edges = starts = 0
    while (left := seconds - (time.monotonic() - began)) >= 1 and starts < MOST_STARTS:
        starts += 1
        child = [sys.executable, __file__, "--child", name, "--seconds", str(round(left))]
        places = ["--findings", str(findings), "--corpus", str(corpus)]
        done = subprocess.run(  # noqa: S603 - this very script
            [*child, *places], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, check=False
        )
        steps = [(int(number), int(covered)) for number, covered in _AT.findall(done.stderr)]
        total = _DONE.search(done.stderr)
        executions += int(total[1]) if total else max((number for number, _ in steps), default=0)
        edges = max([edges, *(covered for _, covered in steps)])
        if not steps:
            raise SystemExit(f"{name} cannot be fuzzed:\n{done.stderr.decode(errors='replace')[-2_000:]}")
    found = tuple(sorted(set(place.iterdir()) - before))
    print(f"{name}: {executions:,} executions, {len(found)} findings", file=sys.stderr)
    return Fuzzed(name, executions, time.monotonic() - began, _busy() - used, edges, found)


def _busy() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _table(fuzzed: Sequence[Fuzzed]) -> Iterator[str]:
    yield "| target | executions | seconds | of them busy | edges | findings |\n|---|---|---|---|---|---|"
    for one in fuzzed:
        told = f"{one.executions:,} | {one.seconds:,.0f} | {one.busy:,.0f} | {one.edges:,} | {len(one.findings)}"
        yield f"| {one.name} | {told} |"
    executions, findings = sum(one.executions for one in fuzzed), sum(len(one.findings) for one in fuzzed)
    seconds, busy = sum(one.seconds for one in fuzzed), sum(one.busy for one in fuzzed)
    yield f"| all | {executions:,} | {seconds:,.0f} | {busy:,.0f} | | {findings} |"
    for one in fuzzed:
        yield from (f"{one.name}: {path}" for path in one.findings)


# --- one target, in this process


def _fuzz_here(name: str, seconds: int, findings: Path, corpus: Path) -> None:
    import atheris

    with atheris.instrument_imports(include=["dedup", "tldextract"]):
        from tests.properties.targets import target_of

        target = target_of(name)
    for seed in target.seeds():
        (corpus / name / f"seed-{_digest(seed)}").write_bytes(seed)
    seen: set[str] = set()

    def look_at(data: bytes) -> None:
        fault = fault_of(target.check, data)
        if fault is not None and fault[0] not in seen:
            seen.add(fault[0])
            where = findings / name / f"{fault[0].split()[0]}-{hashlib.sha256(fault[0].encode()).hexdigest()[:16]}"
            if not where.exists():
                where.write_bytes(data)

    arguments = [
        sys.argv[0],
        str(corpus / name),
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={STUCK}",
        f"-report_slow_units={STUCK}",  # told by the clock, which says little on a busy machine
        f"-rss_limit_mb={MOST_MEMORY}",
        f"-artifact_prefix={findings / name}/",
        "-print_final_stats=1",
    ]
    atheris.Setup(arguments, look_at)
    atheris.Fuzz()


def fault_of(check: Callable[[bytes], None], data: bytes) -> tuple[str, str] | None:
    """What is wrong with an input: in one line, equal for faults at one place, and at length; None where nothing is."""
    began = time.process_time()
    try:
        check(data)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        places = [f"{Path(one.filename).name}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
        return f"{type(error).__name__} {' '.join(places[1:])}", traceback.format_exc()
    if not _is_slow(time.process_time() - began, data):
        return None
    began = time.process_time()  # the first one may have imported something, or filled a cache
    check(data)
    took = time.process_time() - began
    return (f"slow {len(data).bit_length()}", f"{took:.1f} s for {len(data):,} bytes") if _is_slow(took, data) else None


def _is_slow(seconds: float, data: bytes) -> bool:
    return seconds > SLOW * max(1.0, len(data) / SLOW_BYTES)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _replay(path: Path) -> None:
    from tests.properties.targets import target_of

    target = target_of(path.absolute().parent.name)
    fault = fault_of(target.check, path.read_bytes())
    print("nothing is wrong" if fault is None else fault[1])
    sys.exit(fault is not None)


if __name__ == "__main__":
    main()
