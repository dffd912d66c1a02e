"""A whole run in stages and parts, from paths to what is told of it."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dedup import calibration as calibrations
from dedup.engines import outputs
from dedup.engines.plan import PARTITION, Found, find
from dedup.engines.results import Results, results
from dedup.engines.run import Executor, Run
from dedup.engines.stage import Workshop
from dedup.errors import InputError
from dedup.model import Report, Skipped
from dedup.pipeline import Models, models_of
from dedup.progress import Progress, silent
from dedup.read.fields import Fields
from dedup.read.records import Input
from dedup.read.remote import is_remote
from dedup.report.summary import Summary
from dedup.settings import Settings

LOCK: Final = "lock"


@dataclass(frozen=True, slots=True)
class Distributed:
    """A run that is done: its report, its tables and its summary can be had of it, and how it went."""

    run: Run
    found: Found
    results: Results
    listed: tuple[Skipped, ...]
    """What was skipped when the paths were looked at."""

    @property
    def records(self) -> int:
        """How many were compared."""
        return self.results.counts.articles.total()

    def skipped(self) -> list[Skipped]:
        """What could not be used, by place."""
        return outputs.skipped_in(self.run, self.listed)

    def report(self) -> Report:
        """The report: that of a local run, byte for byte. It is made by this process, which holds all records that are
        in clusters.
        """
        return outputs.report_of(self.run, self.found, self.results, self.listed)

    def summary(self) -> Summary:
        """The same in counts, and what each stage took."""
        return outputs.summary_of(self.run, self.found, self.results, self.listed)

    def write_tables(self, root: str) -> None:
        """Assignment and links, written by the workers below ``root``: :func:`dedup.engines.outputs.write_tables`."""
        outputs.write_tables(self.run, root)


def distributed(
    paths: Sequence[str],
    given: Input,
    fields: Fields,
    settings: Settings,
    executor: Executor,
    root: str,
    *,
    partition: int = PARTITION,
    models: Models | None = None,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda _told: None,
) -> Distributed:
    """A run by ``executor`` whose stages lie at ``root``, a folder or a URL that all workers reach. What is there of an
    earlier run is used as far as it fits; ``say`` is told, a line each, what was done again, and why.

    ``given`` is what the ``paths`` hold; ``partition`` are the records that are worked on together; ``models`` stand in
    for those that the settings name. Raises :class:`InputError` where there is nothing to compare, where the model has
    no calibration, and where ``root`` is no place for a run; :class:`dedup.errors.WorkerError` where workers ended
    again and again. What is done by then stays at ``root``.
    """
    workshop = Workshop(root, models or models_of(settings, None, None))
    run = Run(workshop, settings, executor, progress, say)
    run.begin([path for path in paths if is_remote(path)], _digests(workshop.models, settings))
    found = find(run, given, fields, partition)
    told = results(run, found)
    if run.taken:
        say(f"{root}: {len(run.taken):,} of {len(run.done):,} stages were done by an earlier run")
    return Distributed(run, found, told, given.skipped)


@contextmanager
def store_held(root: str) -> Iterator[None]:
    """A folder of this machine made ready for a run, and held for it alone. Of a URL nobody can tell who writes there.

    Raises :class:`InputError` where another run holds it, and where it is a folder of something else.
    """
    if is_remote(root):
        yield
        return
    folder = Path(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / LOCK).exists():
            raise InputError(f"{root}: holds other things than stages of a run: name a new or an empty folder")
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(f"{root}: no place for the stages of a run: {error.strerror or error}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise InputError(f"{root}: another run is at work there") from None
    finally:
        os.close(handle)


def _digests(models: Models, settings: Settings) -> dict[str, str]:
    """What the names in the settings stand for. Raises :class:`InputError` for a model without a calibration."""
    if models.calibration is None:
        raise InputError(
            f"there is no calibration for {models.first.name}: without one a run estimates what all texts have in "
            "common, which only --engine local does; dedup calibrate makes one"
        )
    last = models.closer.encoder if models.closer else models.first
    digests = {"model": f"{models.first.digest} {last.digest}"}
    if settings.calibration != calibrations.SHIPPED:
        digests["calibration"] = calibrations.digest_in(Path(settings.calibration), last.digest)
    return digests
