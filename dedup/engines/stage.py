"""What a stage of a distributed run is, and the desk at which a worker does one part of it.

A *stage* has *parts*, numbered from 0, each done by itself, anywhere, in any order, perhaps twice. A part reads what
earlier stages made, and writes

* a table (:meth:`Desk.write`): its share of what the stage makes;
* rows that are sorted into *buckets* (:meth:`Desk.scatter`), so that a part of a later stage takes one bucket of all
  parts (:meth:`Desk.gather`): rows that belong together, from everywhere, meet there;
* last of all a *receipt*: what it read and wrote, how long it took, and a few notes for whoever plans the next stage.

A part with a receipt is done. So a run that was stopped goes on with the parts that have none, a part that was done
twice counts once, and what a lost machine had finished is not lost: nothing but files passes from stage to stage
(MapReduce: Dean and Ghemawat 2004, section 3.3).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.engines.store import Store
from dedup.errors import DedupError, is_fault, one_line
from dedup.settings import Settings

if TYPE_CHECKING:
    from dedup.calibration import Calibration
    from dedup.pipeline import Models

Notes = Mapping[str, object]
"""What a part tells whoever plans the next stages: plain values, few of them."""

Given = Mapping[str, NDArray[Any]]
"""What all parts of a stage are told, by name."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: its name, what it reads, and what does one part.

    ``after`` are the stages whose files or notes it uses; ``settings`` those that change what it makes. A stage is done
    again where one of these has changed. One that does little with a row is ``light``: while there are few of
    them, it is not worth starting a worker. One that ``encodes`` asks a model, for which a processor is slow.
    """

    name: str
    run: "Callable[[Desk], Notes]"
    after: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    light: bool = False
    encodes: bool = False


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """That a part is done. Sizes are in bytes as they lie in the store; ``seconds`` are of the processor."""

    part: int
    rows: int
    read: int
    written: int
    shuffled: int
    seconds: float
    notes: dict[str, object]


def noted(receipts: Iterable[Receipt], name: str) -> int:
    """The sum of what the parts noted under a name."""
    return sum(cast("int", receipt.notes[name]) for receipt in receipts)


class Plan(msgspec.Struct, frozen=True):
    """What all workers are told, once."""

    settings: dict[str, str | int | float | bool]
    urls: list[str]
    """Paths of the input that are elsewhere."""


PLAN: Final = "plan.json"

RECEIPT: Final = "receipt"

MOST_BUCKETS: Final = 1_024
"""Parts into which what is sent is sorted, at most: the files of ten thousand partitions have so many pieces each."""


def part_name(kind: str, part: int, ending: str) -> str:
    """What a file of a part is called."""
    return f"{kind}-{part:05d}.{ending}"


class Desk:
    """What a worker has at hand for one part of one stage. It counts what is read and written."""

    def __init__(self, workshop: "Workshop", stage: str, part: int) -> None:
        self.workshop = workshop
        self.stage = stage
        self.part = part
        self._rows = self._read = self._written = self._shuffled = 0
        self._started = time.process_time()

    @property
    def settings(self) -> Settings:
        """Of the run."""
        return self.workshop.settings

    @property
    def models(self) -> "Models":
        """Those of the run, loaded once a worker."""
        return self.workshop.models

    @property
    def calibration(self) -> "Calibration":
        """That of the first model: a run without one is not distributed."""
        calibration = self.models.calibration
        if calibration is None:
            raise AssertionError("a run without a calibration is not distributed")
        return calibration

    def given(self, stage: str | None = None) -> Given:
        """What all parts of this stage, or of an earlier one, are told."""
        return self.workshop.given(stage or self.stage)

    def parts_of(self, stage: str) -> int:
        """How many parts a stage before this one has."""
        return self.workshop.parts_of(stage)

    def table(self, stage: str, part: int, columns: Sequence[str] | None = None) -> "pa.Table":
        """The table that a part of an earlier stage wrote."""
        table = self.workshop.store.table(f"{stage}/{part_name('part', part, 'parquet')}", columns)
        self._read += table.nbytes
        return table

    def gather(self, stage: str, name: str, bucket: int | None = None) -> "pa.Table":
        """The rows of a bucket, this part's number if no other is named, that all parts of a stage scattered under a
        name: those of its first part first.
        """
        names = [f"{stage}/{part_name(name, part, 'arrow')}" for part in range(self.parts_of(stage))]
        table = self.workshop.store.bucket(names, self.part if bucket is None else bucket)
        self._read += table.nbytes
        return table

    def gather_some(self, stage: str, name: str, bucket: int, rows: int) -> "Iterator[pa.Table]":
        """The same in portions, so that not all of them are held at once: of the parts one after the other, until they
        have so many rows.
        """
        names = [f"{stage}/{part_name(name, part, 'arrow')}" for part in range(self.parts_of(stage))]
        for table in self.workshop.store.bucket_in_portions(names, bucket, rows):
            self._read += table.nbytes
            yield table

    def write(self, table: "pa.Table") -> None:
        """What this part makes."""
        self._rows += len(table)
        self._written += self.workshop.store.put_table(f"{self.stage}/{part_name('part', self.part, 'parquet')}", table)

    def write_more(self, number: int, table: "pa.Table") -> None:
        """One of several tables that this part makes, numbered from 0 (:meth:`more`)."""
        self._rows += len(table)
        name = part_name(f"part-{self.part:05d}", number, "parquet")
        self._written += self.workshop.store.put_table(f"{self.stage}/{name}", table)

    def more(self, stage: str, part: int, number: int) -> "pa.Table":
        """One of the several tables that a part of an earlier stage wrote."""
        table = self.workshop.store.table(f"{stage}/{part_name(f'part-{part:05d}', number, 'parquet')}")
        self._read += table.nbytes
        return table

    def publish(self, root: str, name: str, table: "pa.Table") -> None:
        """What this part makes for the user, as Parquet, to another place than the run's: see :class:`Store`."""
        self._rows += len(table)
        self._written += Store(root).put_table(name, table, for_user=True)

    def scatter(self, name: str, table: "pa.Table", buckets: NDArray[np.integer], count: int) -> None:
        """Send rows to the parts of a later stage: each row to its bucket, below ``count``."""
        place = f"{self.stage}/{part_name(name, self.part, 'arrow')}"
        self._shuffled += self.workshop.store.put_buckets(place, table, buckets, count)

    def receipt(self, notes: Notes) -> Receipt:
        """Of this part, now that it is done."""
        return Receipt(
            part=self.part,
            rows=self._rows,
            read=self._read,
            written=self._written,
            shuffled=self._shuffled,
            seconds=round(time.process_time() - self._started, 6),
            notes=dict(notes),
        )


class Workshop:
    """What a worker keeps from part to part: the store, the settings, the models."""

    def __init__(self, root: str, models: "Models | None" = None) -> None:
        self.store = Store(root)
        self._models = models
        self._given: dict[str, Given] = {}
        self._parts: dict[str, int] = {}

    @cached_property
    def plan(self) -> Plan:
        """Of the run."""
        return msgspec.json.decode(self.store.get(PLAN), type=Plan)

    @cached_property
    def settings(self) -> Settings:
        """Of the run; a worker does one part at a time."""
        return Settings(**{**self.plan.settings, "workers": 1})  # type: ignore[arg-type]

    @cached_property
    def models(self) -> "Models":
        """Those that the settings name, or that were given. Their weights are read when they are first used."""
        from dedup.pipeline import models_of

        return self._models or models_of(self.settings, None, None)

    def given(self, stage: str) -> Given:
        """See :meth:`Desk.given`."""
        if stage not in self._given:
            if len(self._given) > 1:
                self._given.clear()  # it is of no use any more
            self._given[stage] = unpacked_arrays(self.store.get(given_name(stage)))
        return self._given[stage]

    def parts_of(self, stage: str) -> int:
        """See :meth:`Desk.parts_of`."""
        if stage not in self._parts:
            self._parts[stage] = msgspec.json.decode(self.store.get(done_name(stage)), type=Done).parts
        return self._parts[stage]

    def do(self, stage: Stage, part: int) -> Receipt:
        """Do one part of a stage."""
        desk = Desk(self, stage.name, part)
        receipt = desk.receipt(stage.run(desk))
        self.store.put(receipt_name(stage.name, part), msgspec.json.encode(receipt))
        return receipt

    def attempt(self, stage: Stage, part: int) -> str | None:
        """Do one part of a stage; a line for the user if it cannot be done, whatever the reason."""
        try:
            self.do(stage, part)
        except DedupError as error:
            return one_line(error)
        except BaseException as error:  # whatever it is, it costs the run and not the worker
            if not is_fault(error):
                raise
            return f"{stage.name}, part {part}: {one_line(error)}"
        return None


class Done(msgspec.Struct, frozen=True):
    """That a stage is done: what it was made of (``key``), and the receipts of its parts, in order."""

    key: str
    parts: int
    receipts: list[Receipt]


def receipt_name(stage: str, part: int) -> str:
    """The file that says that a part is done."""
    return f"{stage}/{part_name(RECEIPT, part, 'json')}"


def made_name(stage: str) -> str:
    """The file of what a stage is made of."""
    return f"{stage}/made.json"


def dropped_name(stage: str) -> str:
    """The file that says that what a stage has made is removed."""
    return f"{stage}/dropped.json"


def given_name(stage: str) -> str:
    """The file of what all parts of a stage are told."""
    return f"{stage}/given.npz"


def done_name(stage: str) -> str:
    """The file that says that a stage is done."""
    return f"{stage}/done.json"


def packed_arrays(given: Given) -> bytes:
    """Arrays by name as bytes; equal arrays, equal bytes."""
    stream = BytesIO()
    np.savez(stream, allow_pickle=False, **{name: given[name] for name in sorted(given)})
    return stream.getvalue()


def unpacked_arrays(data: bytes) -> Given:
    """The arrays again."""
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
