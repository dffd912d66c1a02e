"""Pin what the detector reaches on the hand-made set: measure, and write tests/handmade/floors.json.

    python scripts/pin_floors.py            raise the floors; refuses where one would have to be lowered
    python scripts/pin_floors.py --lower    write them all the same, and say which were lowered
    python scripts/pin_floors.py --pairs    print every pair that went wrong, and write nothing

Exit status 1 where it refuses.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from handmade import FLOORS, Case, Floors, Measured, in_words, measure_now, read_floors, shortfalls, write_floors
from msgspec.structs import replace


def main() -> None:
    """Measure once, then pin or show."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lower", action="store_true", help="lower floors where the run falls short of them")
    parser.add_argument("--pairs", action="store_true", help="print every pair that went wrong; write nothing")
    options = parser.parse_args()
    measured = measure_now()
    print("\n".join(table(measured)))
    if options.pairs:
        print("\n".join(wrong_pairs(measured.cases)))
    elif not pin(measured, FLOORS, lower=options.lower):
        sys.exit(1)


def pin(measured: Measured, path: Path, *, lower: bool) -> bool:
    """Write what was measured to ``path``, unless a floor there would have to be lowered and ``lower`` is not set.

    Prints which floors those are; gives whether it wrote.
    """
    floors = read_floors(path)
    lowered = lowered_floors(measured, floors) if floors else {}
    for name, words in lowered.items():
        print(f"{'lowered' if lower else 'would have to be lowered'}: {name}: {words}")
    if lowered and not lower:
        print(f"{path} is as it was; --lower writes it all the same")
        return False
    write_floors(measured.reached, path)
    print(f"wrote {path}")
    return True


def lowered_floors(measured: Measured, floors: Floors) -> dict[str, str]:
    """What pinning would lower, by name, with the records; a case without a floor lowers none."""
    return shortfalls(measured, replace(floors, cases={**measured.reached.cases, **floors.cases}))


def table(measured: Measured) -> Iterator[str]:
    """The figures as they would be pinned."""
    reached = measured.reached
    yield f"B-cubed precision {reached.b_cubed_precision:.4f}, recall {reached.b_cubed_recall:.4f}, " + (
        f"F1 {reached.b_cubed_f1:.4f}; exact-cluster F1 {reached.exact_cluster_f1:.4f}; "
        f"false merges {reached.false_merges}"
    )
    yield f"{'case':20}{'pairs':>6}{'found':>8}{'wrong':>7}"
    for name, case in measured.cases.items():
        yield f"{name:20}{case.together:6}{reached.cases[name].found:8.4f}{len(case.wrong):7}"


def wrong_pairs(cases: Mapping[str, Case]) -> Iterator[str]:
    """Every case that has them, with its missed and its wrongly joined pairs."""
    for name, case in cases.items():
        for kind, pairs in (("missed", case.missed), ("wrong", case.wrong)):
            if pairs:
                yield f"{name} {kind} {len(pairs)}: {in_words(pairs)}"


if __name__ == "__main__":
    main()
