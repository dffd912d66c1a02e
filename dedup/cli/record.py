"""The record of a run that goes on, for its manifest (:mod:`dedup.report.manifest`).

Beside a report that is written to a file lies its manifest: ``report.json`` and ``report.manifest.json``. It describes
that report, so a run that does not write its report leaves the older report's manifest alone. One that ``--manifest``
names is written however the run ends. Nothing but a manifest of dedup, or an empty file, is ever written over.
"""

import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from dedup.cli.endings import DONE, Ending, ending_of
from dedup.cli.options import FILE_OR_URL
from dedup.cli.telling import complain
from dedup.errors import DedupError, InputError
from dedup.events import moment
from dedup.memory import told_instead
from dedup.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from dedup.encoders import Encoder
    from dedup.model import EncoderInfo, Record, Report, Skipped
    from dedup.read.records import Input
    from dedup.read.remote import File, RemoteFile
    from dedup.report.document import Encoder as WrittenEncoder
    from dedup.report.manifest import InputRead, Manifest, ModelUsed, Result, Vectors
    from dedup.report.summary import Summary
    from dedup.watch import Watch

ENDING: Final = ".manifest.json"

REPORT: Final = "report"
"""The kind of result that the manifest lies beside."""

_SIGNALLED: Final = 128
"""Exit codes above it are those of a signal."""


def manifest_options(command: "Callable[..., None]") -> "Callable[..., None]":
    """The options that say where the manifest goes."""
    command = click.option("--no-manifest", is_flag=True, help="Write no manifest beside the report.")(command)
    return click.option(
        "--manifest",
        type=FILE_OR_URL,
        metavar="FILE",
        help="Write what ran, on what, and how it went here, even if it fails.  [default: beside the report of -o, "
        "as REPORT.manifest.json, when that is written]",
    )(command)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the manifest goes, if anywhere; ``always``: however the run ends."""

    file: "File | None"
    always: bool = False

    @classmethod
    def of(cls, named: "File | None", refused: bool, report: "File | None") -> "Place":
        """What the options and the report's file say. Raises :class:`InputError` where they do not go together."""
        if named is not None and refused:
            raise InputError("--manifest and --no-manifest: say one of them")
        if named is not None:
            return cls(named, always=True)
        return cls(None if refused or report is None else beside(report))

    @property
    def files(self) -> "list[File]":
        """The file, if there is one."""
        return [] if self.file is None else [self.file]

    def check(self) -> None:
        """Raises :class:`InputError` where nothing can be written, or something else would be written over."""
        if self.file is None:
            return
        from dedup.files import check_writable
        from dedup.report.manifest import is_manifest

        check_writable(self.file)
        there = _content_of(self.file)
        if there and not is_manifest(there):
            raise InputError(
                f"{self.file}: no manifest of dedup, so it stays as it is: name another file with --manifest, or "
                "say --no-manifest"
            )


def beside(report: "File") -> "File | None":
    """The file of the manifest that belongs to a report; none where that is a pipe or a device, or goes where some
    stream of the process leads.
    """
    if isinstance(report, Path):
        is_place = report.absolute().parts[1:2] not in (("dev",), ("proc",)) and (
            report.is_file() or not report.exists()
        )
        return report.with_suffix(ENDING) if is_place else None
    return replace(report, shown=_beside(report.shown), path=_beside(report.path))


def _beside(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{PurePosixPath(name).with_suffix(ENDING)}"


def _content_of(file: "File") -> bytes:
    """What is there; nothing of a file that is not there, or is a pipe or a device."""
    try:
        if isinstance(file, Path):
            return file.read_bytes() if file.is_file() else b""
        return file.read_bytes() if file.system.exists(file.path) else b""
    except Exception as error:  # whatever a library of a remote file system raises
        told = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(f"{file}: cannot be looked at before it is written ({told}): --no-manifest writes none") from (
            error
        )


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """What is known of a run so far."""

    arguments: Sequence[str]
    settings: Settings
    engine: str
    place: Place
    watch: "Watch | None" = None
    encoder: "Encoder | None" = None
    """That whose vectors this process keeps, if it asks for any."""
    _began: float = field(default_factory=time.time)
    _clock: float = field(default_factory=time.monotonic)
    _found: "Report | Summary | None" = None
    _skipped: "Sequence[Skipped]" = ()
    _sources: "list[tuple[str, Path | RemoteFile | None]]" = field(default_factory=list)
    _looks: "dict[str, _Look]" = field(default_factory=dict)
    _read: Counter[str] | None = None
    _results: "list[Result]" = field(default_factory=list)

    def opened(self, given: "Input") -> None:
        """Take note of what is to be read, and of how the files look now."""
        from dedup.read.records import STDIN

        self._sources = [(source.origin.path, source.file) for source in given.sources]
        if given.piped is not None:
            self._sources.append((STDIN, None))
        if self.place.file is not None:
            self._looks = {name: look for name, file in self._sources if (look := _Look.at(file))}

    def counted(self, items: "Iterable[Record | Skipped]") -> "Iterable[Record | Skipped]":
        """The items, of which the records of each file are counted if a manifest is wanted."""
        if self.place.file is None:
            return items
        self._read = Counter()
        return _counted(items, self._read)

    def found(self, told: "Report | Summary", skipped: "Sequence[Skipped]") -> None:
        """Take note of what came of it, and of what could not be used."""
        self._found, self._skipped = told, skipped

    def write(self, kind: str, file: "File", data: bytes) -> None:
        """Write a result. Raises :class:`InputError` where that cannot be done."""
        from dedup.files import write_atomically

        write_atomically(file, data)
        self.wrote(kind, str(file), data)

    def wrote(self, kind: str, path: str, data: bytes | None = None) -> None:
        """Take note of a result; of one that others write there is no ``data``."""
        from dedup.report.document import writable
        from dedup.report.manifest import Result

        size, digest = (None, None) if data is None else (len(data), sha256(data).hexdigest())
        self._results.append(Result(kind=kind, path=writable(path), bytes=size, sha256=digest))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """The manifest is written when the block ends, and tells how."""
        try:
            yield
            sys.stdout.flush()  # a fault in writing what was printed is one of the run
        except BaseException as error:
            self._end_stage(whole=False)
            self._keep_failure(told_instead(error))
            raise
        self._end_stage(whole=True)
        self._keep(Ending(DONE))

    def _end_stage(self, *, whole: bool) -> None:
        """Of those that come after what a terminal shows, the last one."""
        if self.watch is not None:
            self.watch.end(whole=whole)

    def _keep_failure(self, error: BaseException) -> None:
        """It is the failure that is told of the run, whatever becomes of its manifest."""
        if self.place.always or any(result.kind == REPORT for result in self._results):
            try:
                self._keep(ending_of(error))
            except DedupError as another:
                complain(str(another))

    def _keep(self, ending: Ending) -> None:
        if self.place.file is None:
            return
        from dedup.files import write_atomically
        from dedup.report.manifest import manifest_json

        self.place.check()  # it may have taken hours
        write_atomically(self.place.file, manifest_json(self._manifest(ending)))

    def _manifest(self, ending: Ending) -> "Manifest":
        from dedup.report import manifest
        from dedup.report.document import settings_of, writable
        from dedup.report.summary import tool
        from dedup.watch import Used

        now, used = time.time(), Used.now()
        stages = [] if self.watch is None else self.watch.stages
        told = self._found
        return manifest.Manifest(
            schema_version=manifest.SCHEMA_VERSION,
            kind=manifest.KIND,
            tool=tool(),
            outcome="done" if ending.code == DONE else "interrupted" if ending.code > _SIGNALLED else "failed",
            exit=ending.code,
            error=None if ending.told is None else writable(" ".join(ending.told.split())),
            started=moment(self._began),
            ended=moment(now),
            seconds=round(time.monotonic() - self._clock, 3),
            processor_seconds=round(used.processor, 3),
            memory=used.memory,
            worker_memory=used.worker_memory,
            call=tuple(writable(harmless(argument)) for argument in self.arguments),
            engine=self.engine,
            settings=settings_of(asdict(self.settings)),
            environment=manifest.environment(),
            encoder=None if told is None else self._model(told.encoder),
            first_encoder=None if told is None or told.first_encoder is None else self._model(told.first_encoder),
            vectors=self._vectors(),
            input=self._input() if self._sources else None,
            counts=None if told is None else manifest.counts_of(told),
            stages=tuple(map(manifest.stage_time, stages)),
            results=tuple(self._results),
        )

    def _model(self, encoder: "EncoderInfo | WrittenEncoder") -> "ModelUsed":
        from dedup.calibration import digest_used
        from dedup.report.document import writable
        from dedup.report.manifest import ModelUsed

        digest = digest_used(self.settings.calibration, encoder.digest)
        name, calibration = writable(encoder.name), writable(encoder.calibration)
        return ModelUsed(name=name, digest=encoder.digest, calibration=calibration, calibration_digest=digest)

    def _vectors(self) -> "Vectors | None":
        from dedup.encoders import RememberingEncoder
        from dedup.report.manifest import Vectors

        if not isinstance(self.encoder, RememberingEncoder):
            return None
        return Vectors(found=self.encoder.found, made=self.encoder.made)

    def _input(self) -> "InputRead":
        from dedup.report.manifest import InputFile, input_read

        skipped = Counter(one.path for one in self._skipped)
        return input_read(
            InputFile(
                path=name,
                bytes=self._looks[name].bytes if name in self._looks else None,
                modified=self._looks[name].modified if name in self._looks else None,
                records=None if self._read is None else self._read[name],
                skipped=skipped[name],
            )
            for name, _ in self._sources
        )


class _Look(NamedTuple):
    """How a file looks before it is read."""

    bytes: int
    modified: str

    @classmethod
    def at(cls, file: "File | None") -> "_Look | None":
        """None of one elsewhere, which would have to be asked for, and of one that cannot be looked at."""
        if not isinstance(file, Path):
            return None
        try:
            found = file.stat()
        except OSError:
            return None
        return cls(found.st_size, moment(found.st_mtime))


def _counted(items: "Iterable[Record | Skipped]", read: Counter[str]) -> "Iterator[Record | Skipped]":
    from dedup.model import Record

    for item in items:
        if isinstance(item, Record):
            read[item.path or ""] += 1
        yield item


_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*://.*", re.DOTALL)
_SHORT_OPTION: Final = re.compile(r"-[A-Za-z]")


def harmless(argument: str) -> str:
    """An argument without the secrets of a URL in it: ``URL``, ``--option=URL`` and ``-oURL``."""
    from dedup.read.remote import without_secrets

    short = _SHORT_OPTION.match(argument)
    found = _URL.search(argument, short.end() if short else 0)
    return argument if found is None else argument[: found.start()] + without_secrets(found[0])
