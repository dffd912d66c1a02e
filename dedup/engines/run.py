"""Doing the stages of a distributed run one after the other, and going on where an earlier run has stopped.

A stage is done anew where it is not what it was: each has a *key*, a hash of what it is made of (its settings, what all
its parts are told, the keys of the stages before it, the version of dedup). So another threshold costs the stages
from clustering on, and another input all of them; and whoever asks is told which, and why.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec
import pyarrow as pa

from dedup import __version__
from dedup.engines.stage import (
    PLAN,
    RECEIPT,
    Desk,
    Done,
    Given,
    Plan,
    Receipt,
    Stage,
    Workshop,
    done_name,
    dropped_name,
    given_name,
    made_name,
    packed_arrays,
    part_name,
    receipt_name,
)
from dedup.errors import DedupError, WorkerError
from dedup.progress import Progress, silent, tally
from dedup.settings import Settings

FORMAT: Final = 2
"""Raised when the stages write other files, so that those of an older version are not taken for theirs."""

ATTEMPTS: Final = 3
"""How often a stage is taken up again when workers have ended and no part was finished since."""

_REMOVED: Final = "what it had made was removed, and is needed"

LONGEST_REASON: Final = 200
"""Characters of what an engine says of a worker's end that are passed on."""

LITTLE: Final = 2**27
"""Bytes up to which a light stage is done by the process that plans: a second's work, as long as starting workers."""


class Executor(Protocol):
    """Who does the parts of a stage, on the cores of a machine or on many machines."""

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        """Do these parts of a stage, whose files are in the store at ``root``, in any order, and tell the number of
        each as it is done. Raises :class:`WorkerEndedError` where a worker ended, whatever is done by then, and
        :class:`dedup.errors.DedupError` where a part cannot be done.
        """


@dataclass(frozen=True, slots=True)
class _Here:
    """Parts done by this process, one after the other."""

    workshop: Workshop
    stage: Stage

    def run(self, _root: str, _stage: str, parts: Sequence[int]) -> Iterator[int]:
        for part in parts:
            error = self.workshop.attempt(self.stage, part)
            if error is not None:
                raise DedupError(error)
            yield part


class WorkerEndedError(Exception):
    """A worker was ended from outside, or its machine was lost; parts may be open."""


class _Made(msgspec.Struct, frozen=True):
    """What a stage is made of, so that another time it can be told what has changed."""

    key: str
    settings: dict[str, str | int | float | bool]
    given: dict[str, str]
    after: dict[str, str]
    version: str


@dataclass(slots=True)
class Run:
    """A run in a store."""

    workshop: Workshop
    """Of this process, which does what is small, and asks the model."""
    settings: Settings
    executor: Executor
    progress: Progress = silent
    say: Callable[[str], None] = lambda _told: None
    """Told what a person should know: what was done again, and why."""
    done: dict[str, Done] = field(default_factory=dict)
    """The stages so far, in order."""
    taken: list[str] = field(default_factory=list)
    """Those that an earlier run had done."""
    digests: dict[str, str] = field(default_factory=dict)
    """Of what settings name: setting -> digest."""
    _reasons: set[str] = field(default_factory=set)
    _stages: dict[str, Stage] = field(default_factory=dict)

    def begin(self, urls: Sequence[str] = (), digests: Mapping[str, str] | None = None) -> None:
        """Tell the workers what all stages need: ``urls`` are paths of the input that are elsewhere, ``digests`` those
        of what settings name, by setting.
        """
        self.digests = dict(digests or {})
        settings = self.settings.stamped()
        for name in ("model", "calibration"):
            folder = Path(str(settings[name]))
            if folder.is_dir():  # which is the worker's, too, wherever it was started
                settings[name] = str(folder.absolute())
        plan = Plan(settings, list(urls))
        self.workshop.store.put(PLAN, msgspec.json.encode(plan))

    def stage(self, stage: Stage, parts: int, given: Given | None = None) -> list[Receipt]:
        """Do what is still to be done of a stage; the receipts of its parts, in order."""
        made = self._made_of(stage, parts, given or {})
        done = self._kept(stage, made)
        if done is None:
            self._bring_back(stage.after)
            if given:
                self.workshop.store.put(given_name(stage.name), packed_arrays(given))
            done = self._finished(stage, parts, made.key)
        else:
            self.taken.append(stage.name)
        self.done[stage.name] = done
        self._stages[stage.name] = stage
        return done.receipts

    def stage_in_waves(
        self,
        stage: Stage,
        parts: int,
        given: Given,
        waves: Sequence[range],
        before: Callable[[int], str],
    ) -> list[Receipt]:
        """The same, some parts after the others: ``before`` does the stage that only the parts of a wave read, and
        names it; what that has made is deleted when they are done.
        """
        made = self._made_of(stage, parts, given)
        done = self._kept(stage, made)
        if done is None:
            self._bring_back(stage.after)
            self.workshop.store.put(given_name(stage.name), packed_arrays(given))
            for wave, some in enumerate(waves):
                if not set(some).isdisjoint(self._open(stage, parts)):
                    name = before(wave)
                    self._bring_back([name])
                    self._do(stage, parts, some)
                    self.drop(name)
            done = self._finished(stage, parts, made.key)
        else:
            self.taken.append(stage.name)
        self.done[stage.name] = done
        self._stages[stage.name] = stage
        return done.receipts

    def drop(self, *names: str) -> None:
        """Delete the tables and rows of some stages of this run, when the stages that read them are done. Receipts
        stay, and so does that they are done; where one that reads them is to be done again, so are they.
        """
        store = self.workshop.store
        for name in names:
            if not store.has(dropped_name(name)):
                store.put(dropped_name(name), b"")
            stay = (made_name(name), given_name(name), done_name(name), dropped_name(name))
            for file in store.names(name):
                if f"{name}/{file}" not in stay and not file.startswith(f"{RECEIPT}-"):
                    store.remove_file(f"{name}/{file}")

    def _bring_back(self, names: Sequence[str]) -> None:
        """Do again those of these stages, and of those that they read, whose tables and rows were deleted."""
        store = self.workshop.store
        for name in names:
            if not store.has(dropped_name(name)):
                continue
            stage, done = self._stages[name], self.done[name]
            self._say_removed(name)
            self._bring_back(stage.after)
            # In this order: whenever it is cut off, the stage is taken for dropped or for not done, never for whole.
            for part in range(done.parts):
                if store.has(receipt_name(name, part)):
                    store.remove_file(receipt_name(name, part))
            if store.has(done_name(name)):
                store.remove_file(done_name(name))
            self.done[name] = self._finished(stage, done.parts, done.key)

    def _finished(self, stage: Stage, parts: int, key: str) -> Done:
        """A stage whose open parts are done now."""
        if self.workshop.store.has(dropped_name(stage.name)):
            self.workshop.store.remove_file(dropped_name(stage.name))
        self._do(stage, parts)
        done = Done(key, parts, [self._receipt(stage, part) for part in range(parts)])
        self.progress(stage.name, parts, parts)
        tally(self.progress, _counted(done.receipts))
        self.workshop.store.put(done_name(stage.name), msgspec.json.encode(done))
        return done

    def _do(self, stage: Stage, parts: int, some: Container[int] | None = None) -> None:
        """Do all parts that are open, or those of some."""
        ended = 0
        while open_ := [part for part in self._open(stage, parts) if some is None or part in some]:
            count = parts - len(open_)
            self.progress(stage.name, count, parts)
            try:
                for _ in self._executor(stage, open_).run(self.workshop.store.root, stage.name, open_):
                    count += 1
                    self.progress(stage.name, count, parts)
            except WorkerEndedError as error:
                still = [part for part in self._open(stage, parts) if some is None or part in some]
                ended = 1 if len(still) < len(open_) else ended + 1
                if ended >= ATTEMPTS:
                    raise WorkerError(self._gave_up(stage, still, error)) from error
                self.say(f"{stage.name}: a worker ended, {len(still):,} of {parts:,} parts are done again")

    def _executor(self, stage: Stage, open_: Sequence[int]) -> Executor:
        """Who does these parts: for what is little, this process."""
        behind = (receipt for name in stage.after for receipt in self.done[name].receipts)
        little = stage.light and sum(one.written + one.shuffled for one in behind) < LITTLE
        return _Here(self.workshop, stage) if little or len(open_) == 1 else self.executor

    def _gave_up(self, stage: Stage, open_: Sequence[int], error: WorkerEndedError) -> str:
        some = ", ".join(map(str, open_[:5])) + (" …" if len(open_) > 5 else "")
        why = " ".join(str(error).split())[:LONGEST_REASON]
        return (
            f"{stage.name}: workers ended {ATTEMPTS} times without finishing anything, perhaps for want of memory "
            f"({why}); open are the parts {some}; what is done is in {self.workshop.store.root}, and the same call "
            "goes on there"
        )

    def _open(self, stage: Stage, parts: int) -> list[int]:
        there = set(self.workshop.store.names(stage.name))
        return [part for part in range(parts) if part_name(RECEIPT, part, "json") not in there]

    def _receipt(self, stage: Stage, part: int) -> Receipt:
        return msgspec.json.decode(self.workshop.store.get(receipt_name(stage.name, part)), type=Receipt)

    def table(self, stage: str, part: int, columns: Sequence[str] | None = None) -> "pa.Table":
        """The table that a part of a stage wrote."""
        return Desk(self.workshop, "", 0).table(stage, part, columns)

    def more(self, stage: str, part: int, number: int) -> "pa.Table":
        """One of the several tables that a part of a stage wrote."""
        return Desk(self.workshop, "", 0).more(stage, part, number)

    # --- what is there already

    def _made_of(self, stage: Stage, parts: int, told: Given) -> _Made:
        stamped = self.settings.stamped()
        settings = {name: stamped[name] for name in stage.settings}
        settings |= {f"digest of {name}": self.digests[name] for name in stage.settings if name in self.digests}
        given = {name: blake2b(packed_arrays({name: told[name]}), digest_size=16).hexdigest() for name in sorted(told)}
        after = {name: self.done[name].key for name in stage.after}
        made = (FORMAT, __version__, stage.name, parts, settings, given, after)
        key = blake2b(msgspec.json.encode(made), digest_size=16).hexdigest()
        return _Made(key, settings, given, after, __version__)

    def _kept(self, stage: Stage, made: _Made) -> Done | None:
        """The stage if it is done; else what is there of it is kept if it is of this very stage, and removed if not."""
        name = made_name(stage.name)
        if self.workshop.store.has(name):
            before = msgspec.json.decode(self.workshop.store.get(name), type=_Made)
            if before.key == made.key:
                if self.workshop.store.has(done_name(stage.name)):
                    return msgspec.json.decode(self.workshop.store.get(done_name(stage.name)), type=Done)
                self.say(f"{stage.name}: goes on where an earlier run stopped")
                return None
            self._say_why(stage.name, _why(before, made))
            self.workshop.store.remove(stage.name)
        self.workshop.store.put(name, msgspec.json.encode(made))
        return None

    def _say_removed(self, stage: str) -> None:
        """Once."""
        if _REMOVED not in self._reasons:
            self.say(f"{stage}, and perhaps others: done again: {_REMOVED}")
        self._reasons.add(_REMOVED)

    def _say_why(self, stage: str, why: "_Why") -> None:
        """Once a reason; what follows from a stage that is done again needs none."""
        if why.told not in self._reasons and (why.is_first_hand or not self._reasons):
            self.say(f"{stage}: done again, and what follows from it: {why.told}")
        self._reasons.add(why.told)


def _counted(receipts: Sequence[Receipt]) -> dict[str, int]:
    """What parts took, wherever they were done, in counts for progress."""
    return {
        "rows": sum(one.rows for one in receipts),
        "bytes read": sum(one.read for one in receipts),
        "bytes written": sum(one.written for one in receipts),
        "bytes sent": sum(one.shuffled for one in receipts),
        "processor milliseconds of its parts": round(1_000 * sum(one.seconds for one in receipts)),
    }


class _Why(NamedTuple):
    """Why a stage is done again; ``is_first_hand``: not as what is before it was."""

    told: str
    is_first_hand: bool


def _why(before: _Made, now: _Made) -> _Why:
    if before.version != now.version:
        return _Why(f"made by dedup {before.version}", True)
    changed = [name for name in now.settings if before.settings.get(name) != now.settings[name]]
    if changed:
        told = (f"{name} was {before.settings.get(name)} and is {now.settings[name]}" for name in changed)
        return _Why(", ".join(told), True)
    others = sorted(name for name in now.after if before.after.get(name) != now.after[name])
    if others:
        return _Why(f"{', '.join(others)} changed", False)
    given = sorted(name for name in now.given if before.given.get(name) != now.given[name])
    return _Why(f"its {', '.join(given)} changed" if given else "it has other parts", False)
