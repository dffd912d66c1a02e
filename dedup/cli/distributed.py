"""``dedup run --engine daft``: the same run by many processes or machines."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from dedup.cli.options import encoder_of, spare_inputs
from dedup.cli.record import RunRecord
from dedup.cli.telling import complain
from dedup.cli.terminal import progress_shown, standard_output
from dedup.cli.wanted import Wanted
from dedup.errors import InputError
from dedup.settings import Settings
from dedup.skipped import tell_skipped

if TYPE_CHECKING:
    from dedup.engines.by_daft import DaftExecutor
    from dedup.engines.distribute import Distributed
    from dedup.engines.store import Store
    from dedup.read.fields import Fields
    from dedup.report.summary import Summary

LOCAL, DAFT = ENGINES = ("local", "daft")

EXTRA: Final = "distributed"

_OPTIONS: Final = (
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        default=LOCAL,
        show_default=True,
        help="Who does the work: this process and some helpers, or Daft, in stages that can be gone on with.",
    ),
    click.option("--ray", metavar="ADDRESS|local", help="A Ray cluster for Daft, or one that lasts for this run."),
    click.option(
        "--store",
        metavar="FOLDER|URL",
        help="Keep the stages here: the same call goes on where it stopped.  [default: gone with the run]",
    ),
    click.option(
        "--tables",
        metavar="FOLDER|URL",
        help="Write assignment/ and links/ as Parquet and summary.json here, by the workers; no report unless by -o.",
    ),
    click.option(
        "--partition", type=click.IntRange(min=1), metavar="N", help="Records worked on together.  [default: 4096]"
    ),
)


def engine_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say who does the work."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Distribution:
    """What the call says of who does the work, and where."""

    engine: str
    ray: str | None
    store: str | None
    tables: str | None
    partition: int | None

    def check(self, local_only: Mapping[str, bool]) -> None:
        """Raises :class:`InputError` for options that do not go together. ``local_only``: option -> whether it is
        given, of those that only a run in one process knows.
        """
        if self.engine == LOCAL:
            for name in ("ray", "store", "tables", "partition"):
                if getattr(self, name) is not None:
                    raise InputError(f"--{name} needs --engine {DAFT}")
            return
        for option, is_given in local_only.items():
            if is_given:
                raise InputError(f"{option} needs --engine {LOCAL}, which holds all records in one process")
        if self.ray not in (None, LOCAL) and self.store is None:
            raise InputError("--ray ADDRESS needs --store: a folder or a URL that all nodes of the cluster reach")
        self._check_places()

    def _check_places(self) -> None:
        places = {"--store": self.store, "--tables": self.tables}
        rooted = [_checked(option, place) for option, place in places.items() if place is not None]
        if len({*rooted}) < len(rooted):
            raise InputError("--store and --tables are one place: name another one for the tables")

    def run(
        self, paths: Sequence[str], fields: "Fields", settings: Settings, workers: int | None, wanted: Wanted
    ) -> None:
        """Do it, and tell what is wanted."""
        from dedup.extras import check_installed

        for package in ("pyarrow", "daft"):
            check_installed(package, EXTRA, f"--engine {DAFT}")
        from dedup.engines.store import Store

        tables = None if self.tables is None else Store(_rooted(self.tables))
        started = time.monotonic()
        with self._place() as root, self._executor(workers) as executor:
            done = self._done(root, paths, fields, settings, executor, wanted)
            summary = None if tables is None else _tabled(done, tables, wanted.record)
            report = done.report() if summary is None or wanted.report is not None or wanted.as_json else None
            skipped = done.skipped()
            tell_skipped(skipped)
            wanted.record.found(report or done.summary(), skipped)
        seconds = time.monotonic() - started
        if report is not None:
            wanted.publish(report, seconds)
        elif summary is not None and tables is not None:
            from dedup.report.terminal import render_counts

            render_counts(summary, tables.root, seconds, standard_output())
        wanted.refuse_skipped(skipped)

    @contextmanager
    def _place(self) -> Iterator[str]:
        from dedup.engines.distribute import store_held

        if self.store is not None:
            store = _rooted(self.store)
            with store_held(store):
                yield store
        else:
            with TemporaryDirectory(prefix="dedup-", ignore_cleanup_errors=True) as folder:
                yield folder

    @contextmanager
    def _executor(self, workers: int | None) -> "Iterator[DaftExecutor]":
        """What Ray prints of workers that died, page after page on standard output, is in its own logs, too."""
        from dedup.engines.by_daft import DaftExecutor

        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            executor = DaftExecutor(workers, self.ray)
            try:
                yield executor
            finally:
                executor.end()

    def _done(
        self,
        root: str,
        paths: Sequence[str],
        fields: "Fields",
        settings: Settings,
        executor: "DaftExecutor",
        wanted: Wanted,
    ) -> "Distributed":
        from dedup.engines.distribute import distributed
        from dedup.engines.plan import PARTITION
        from dedup.pipeline import models_of
        from dedup.read.records import open_input

        given = open_input(paths)
        spare_inputs(wanted.files, given)
        wanted.record.opened(given)
        models = models_of(settings, encoder_of(settings), None)
        with progress_shown() as progress:
            wanted.record.watch = progress
            return distributed(
                paths,
                given,
                fields,
                settings,
                executor,
                root,
                partition=self.partition or PARTITION,
                models=models,
                progress=progress,
                say=complain,
            )


def _tabled(done: "Distributed", tables: "Store", record: RunRecord) -> "Summary":
    """The tables written, and the summary beside them."""
    from dedup.read.remote import without_secrets
    from dedup.report.assignment import SUMMARY
    from dedup.report.summary import summary_json

    if tables.has(SUMMARY):  # while it is not there, the tables beside it are not whole
        tables.remove_file(SUMMARY)
    done.write_tables(tables.root)
    summary = done.summary()
    written = summary_json(summary)
    tables.put(SUMMARY, written)
    record.wrote("tables", without_secrets(tables.root))
    record.wrote("summary", without_secrets(f"{tables.root.rstrip('/')}/{SUMMARY}"), written)
    return summary


def _checked(option: str, place: str) -> str:
    """A folder, rooted. Raises :class:`InputError` where one of this machine cannot be made, or written to."""
    from dedup.files import fault_of_new_folder
    from dedup.read.remote import is_remote

    if not place:  # as a path it would be the current folder
        raise InputError(f"{option}: an empty name")
    rooted = _rooted(place)
    if not is_remote(place) and (fault := fault_of_new_folder(Path(rooted))):
        raise InputError(f"{place}: cannot be written: {fault}")
    return rooted


def _rooted(place: str) -> str:
    """A folder as workers find it, wherever they were started; a URL as it is."""
    from dedup.read.remote import is_remote, local_path

    return place if is_remote(place) else str(Path(local_path(place)).resolve())
