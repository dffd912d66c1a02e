"""Parts of stages done by Daft: on the cores of this machine, or on a Ray cluster.

A stage is one Daft plan: a row for each open part, and a class UDF that does it. Daft makes as many instances of the
class as there are cores, each in a process of its own that keeps the model from part to part, on whichever machines
there are, and passes rows to them as they become free.
"""

import gc
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from dedup.engines.run import WorkerEndedError
from dedup.engines.stage import Workshop
from dedup.engines.stages import STAGES
from dedup.errors import DedupError, InputError, one_line
from dedup.extras import require
from dedup.workers import end_with, one_thread_each, processors

EXTRA: Final = "distributed"

LOCAL: Final = "local"
"""The name of a Ray cluster that is started for the run, in place of an address."""


STARTED_WITHIN: Final = 60
"""Seconds that a stage waits for all of its workers on Ray: on a node that was lost a moment ago none will start. (Daft
waits for 120, and then goes on with those that there are.)"""


class _Told(msgspec.Struct, frozen=True):
    """What a worker says of a part."""

    part: int
    error: str | None = None
    """Why it cannot be done: a line for the user."""


class Worker:
    """Does parts of stages in a process of its own."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._workshop: Workshop | None = None

    def do(self, stage: str, part: int) -> bytes:
        """Do one part; what is to be said of it, as JSON."""
        if self._workshop is None:
            _settle()
            self._workshop = Workshop(self._root)
        error = self._workshop.attempt(STAGES[stage], part)
        gc.collect()  # once a part: what is left of it may hold its tables
        return msgspec.json.encode(_Told(part, error))


def _settle() -> None:
    """What holds for a whole process that does nothing else."""
    end_with(os.getppid())
    one_thread_each().__enter__()
    gc.disable()  # see dedup.workers.no_garbage_collection


class DaftExecutor:
    """Parts done by processes that Daft starts."""

    def __init__(self, workers: int | None = None, ray: str | None = None) -> None:
        """``workers`` processes in all, by default one for each processor; ``ray`` is the address of a cluster, or
        ``local`` for one that ends with this process. Raises :class:`InputError` where it cannot be reached, or Daft is
        not installed.
        """
        os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
        os.environ.setdefault("DO_NOT_TRACK", "1")
        logging.getLogger("daft_local_execution").setLevel(logging.CRITICAL)  # what went wrong is told here
        self._daft = require("daft", EXTRA, "the engine daft")
        self._workers = workers
        self._by_ray = ray is not None
        if ray is not None:
            _connect(self._daft, ray)
        elif self._daft.get_or_infer_runner_type() != "native":
            self._daft.set_runner_native()

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        """See :class:`dedup.engines.run.Executor`."""
        daft = self._daft
        rows = daft.from_pydict({"part": list(parts)})
        if self._by_ray:
            rows = rows.into_partitions(len(parts))  # what Ray passes from machine to machine
        do = _udf(daft, root, stage, len(parts), *self._means(STAGES[stage].encodes))
        done = rows.select(do(daft.col("part")).alias("told"))
        try:
            for row in done.iter_rows():
                told = msgspec.json.decode(row["told"], type=_Told)
                if told.error is not None:
                    raise DedupError(told.error)
                yield told.part
        except (DedupError, GeneratorExit):
            raise
        except Exception as error:
            raise WorkerEndedError(str(error)) from error

    def end(self) -> None:
        """Leave the cluster, or end the one that was started."""
        if self._by_ray:
            import ray

            ray.shutdown()

    def _means(self, encodes: bool) -> tuple[int, int]:
        """How many workers there can be, and how many graphics processors each of them needs.

        On Ray no more than there are processors by now: for more it would wait for ever.
        """
        if not self._by_ray:
            return self._workers or processors(), 0
        import ray

        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        workers = min(self._workers or sys.maxsize, max(1, int(there.get("CPU", 1))))
        graphics = int(there.get("GPU", 0)) if encodes else 0
        return (min(workers, graphics), 1) if graphics else (workers, 0)


def _udf(daft: Any, root: str, stage: str, parts: int, workers: int, graphics: int) -> Any:  # noqa: ANN401 - no types
    """What does a column of parts."""

    @daft.cls(max_concurrency=min(workers, parts), use_process=True, gpus=graphics)
    class Workers:
        def __init__(self) -> None:
            self.worker = Worker(root)

        @daft.method.batch(return_dtype=daft.DataType.binary(), batch_size=1)  # type: ignore[untyped-decorator]
        def do(self, parts: Any) -> list[bytes]:  # noqa: ANN401
            return [self.worker.do(stage, part) for part in parts.to_pylist()]

    return Workers().do


def _connect(daft: Any, ray: str) -> None:  # noqa: ANN401
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    module = require("ray", EXTRA, "--ray")
    try:
        module.init(
            address=ray,  # "local" is Ray's own word for a cluster that is started anew
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False if ray == LOCAL else None,
        )
        daft.set_runner_ray(noop_if_initialized=True)
        daft.set_execution_config(actor_udf_ready_timeout=STARTED_WITHIN)
    except Exception as error:
        hint = " (ray clusters from 2.59 on want a token: RAY_AUTH_MODE=token)" if "auth" in str(error).lower() else ""
        raise InputError(f"--ray {ray}: cannot be reached: {one_line(error)}{hint}") from error
