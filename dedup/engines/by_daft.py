"""Parts of stages done by Daft: on the cores of this machine, or on a Ray cluster.

A stage is one Daft plan: a row for each open part, and a class UDF that does it. Daft makes as many instances of the
class as there are cores, each in a process of its own that keeps the model from part to part, on whichever machines
there are, and passes rows to them as they become free.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from dedup.engines.run import WorkerEndedError
from dedup.engines.stage import Workshop
from dedup.errors import DedupError, InputError
from dedup.extras import require

EXTRA: Final = "distributed"

LOCAL: Final = "local"
"""The name of a Ray cluster that is started for the run, in place of an address."""


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
        from dedup.engines.stages import STAGES

        if self._workshop is None:
            _settle()
            self._workshop = Workshop(self._root)
        try:
            self._workshop.do(STAGES[stage], part)
        except DedupError as error:
            return msgspec.json.encode(_Told(part, str(error)))
        except Exception as error:  # whatever it is, it costs the run and not the worker
            told = f"{stage}, part {part}: {type(error).__name__}: {error}"
            return msgspec.json.encode(_Told(part, " ".join(told.split())))
        return msgspec.json.encode(_Told(part))


def _settle() -> None:
    """What holds for a whole process that does nothing else."""
    import gc

    from dedup.workers import one_thread_each

    one_thread_each().__enter__()
    gc.disable()  # see dedup.workers.no_garbage_collection


class DaftExecutor:
    """Parts done by processes that Daft starts."""

    def __init__(self, workers: int, ray: str | None = None) -> None:
        """``workers`` processes in all; ``ray`` is the address of a cluster, or ``local`` for one that ends with this
        process. Raises :class:`InputError` where it cannot be reached, or Daft is not installed.
        """
        os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
        os.environ.setdefault("DO_NOT_TRACK", "1")
        self._daft = require("daft", EXTRA, "the engine daft")
        self._workers = workers
        self._by_ray = ray is not None
        if ray is not None:
            _connect(self._daft, ray)
        else:
            self._daft.set_runner_native()

    def run(self, root: str, stage: str, parts: Sequence[int]) -> Iterator[int]:
        """See :class:`dedup.engines.run.Executor`."""
        daft = self._daft
        rows = daft.from_pydict({"part": list(parts)})
        if self._by_ray:
            rows = rows.into_partitions(len(parts))  # what Ray passes from machine to machine
        done = rows.select(_udf(daft, root, stage, min(self._most(), len(parts)))(daft.col("part")).alias("told"))
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

    def _most(self) -> int:
        """As many workers as were asked for, or as there are processors by now: for more, Ray would wait for ever."""
        if not self._by_ray:
            return self._workers
        import ray

        return max(1, min(self._workers, int(ray.cluster_resources().get("CPU", 1))))


def _udf(daft: Any, root: str, stage: str, workers: int) -> Any:  # noqa: ANN401 - daft has no types
    """What does a column of parts."""

    @daft.cls(max_concurrency=workers, use_process=True)
    class Workers:
        def __init__(self) -> None:
            self.worker = Worker(root)

        @daft.method.batch(return_dtype=daft.DataType.binary(), batch_size=1)
        def do(self, parts: Any) -> list[bytes]:  # noqa: ANN401
            return [self.worker.do(stage, part) for part in parts.to_pylist()]

    return Workers().do


def _connect(daft: Any, ray: str) -> None:  # noqa: ANN401
    import logging

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    module = require("ray", EXTRA, "--ray")
    try:
        module.init(
            address=None if ray == LOCAL else ray,
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=True,
            include_dashboard=False if ray == LOCAL else None,
        )
        daft.set_runner_ray(noop_if_initialized=True)
    except Exception as error:
        raise InputError(f"--ray {ray}: cannot be reached: {' '.join(str(error).split())}") from error
