"""What several commands share: their options, and the settings that these amount to."""

import functools
import os
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem

from dedup.errors import InputError
from dedup.memory import parse_size, run_below
from dedup.settings import CONFIRM, Settings

if TYPE_CHECKING:
    from dedup.encoders import Encoder
    from dedup.read import Fields
    from dedup.read.records import Input
    from dedup.read.remote import File

    _FileType = click.ParamType[File]
else:
    _FileType = click.ParamType  # generic only from click 8.4 on


class InOrder(click.Group):
    """Commands in the order in which they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the name that click gives it
        """Not by the alphabet, as click would have it."""
        return list(self.commands)


def record_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say how a table is read. They arrive as ``id_field`` and so on: see :func:`fields_of`."""
    options = {
        "id": ("id", "Field with the id."),
        "text": ("text", "Field with the text; a dot leads into objects: doc.body."),
        "url": ("url", "Field with the url; also looked for in metadata.url and the like."),
        "language": ("lang", "Field with the language; also looked for in language, metadata.language and the like."),
    }
    for what, (default, told) in reversed(options.items()):
        option = click.option(f"--{what}-field", default=default, show_default=True, metavar="NAME", help=told)
        command = option(command)
    return command


def fields_of(id_field: str, text_field: str, url_field: str, language_field: str) -> "Fields":
    """What the record options say."""
    from dedup.read import Fields

    return Fields(id=id_field, text=text_field, url=url_field, language=language_field)


class _FileOrUrl(_FileType):
    """A file or folder, which may be given as a URL."""

    name = "file"

    def convert(self, value: "str | File", param: click.Parameter | None, ctx: click.Context | None) -> "File":
        """What is named. Raises :class:`InputError` for a URL that cannot be one, and for an empty name."""
        from dedup.read.remote import connected, is_remote, local_path

        if not isinstance(value, str):
            return value
        if not value:  # as a path it would be the current folder
            raise InputError(f"{'FILE' if param is None else param.get_error_hint(ctx)}: an empty name")
        return connected(value) if is_remote(value) else Path(local_path(value))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Those of files."""
        return click.Path().shell_complete(ctx, param, incomplete)


class _LocalFile(_FileOrUrl):
    """A file or folder of this machine."""

    def convert(self, value: "str | File", param: click.Parameter | None, ctx: click.Context | None) -> "File":
        """Its path. Raises :class:`InputError` for a URL of anything else."""
        from dedup.read.remote import is_remote, without_secrets

        if isinstance(value, str) and is_remote(value):
            raise InputError(f"{without_secrets(value)}: only a path of this machine can be given here")
        return super().convert(value, param, ctx)


FILE: Final = _LocalFile()
FILE_OR_URL: Final = _FileOrUrl()
format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="What is printed."
)
threshold_option = click.option(
    "--threshold",
    type=float,
    metavar="P",
    help=f"Probability from which two records count as one article.  [default: {Settings().threshold}]",
)
model_option = click.option(
    "--model",
    metavar="NAME|FOLDER",
    help="A sentence-transformers model, or table: no transformer.  [default: the bundled one]",
)
confirm_option = click.option(
    "--confirm",
    type=click.Choice(CONFIRM),
    help="Which records the model sees: those that the token table leaves open, all, none.  [default: auto]",
)
calibration_option = click.option(
    "--calibration", metavar="FOLDER", help="What dedup calibrate wrote for this model.  [default: what is shipped]"
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes.  [default: one for each processor]"
)
strict_option = click.option("--strict", is_flag=True, help="Exit with 2 if anything had to be skipped.")


def memory_option(also: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option that sets a ceiling, which is kept while the command goes on; without it, what the system gives is
    all there is. ``also`` helps where that does not suffice, besides what always does.
    """

    def with_option(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--max-memory",
            metavar="SIZE",
            help="What all processes together may hold, such as 4G or 50%: fewer work at once, or the run stops.",
        )
        @functools.wraps(command)
        def within(*, max_memory: str | None, workers: int | None, **given: Any) -> None:  # noqa: ANN401 - the command's
            more = "more memory" if max_memory is None else "a larger --max-memory"
            ceiling = None if max_memory is None else parse_size(max_memory)
            if ceiling is not None:
                _warn_of_files_in_memory()
            work = functools.partial(command, workers=workers, **given)
            run_below(ceiling, work, f"{more}, fewer --workers{also}")

        return within

    return with_option


def _warn_of_files_in_memory() -> None:
    from dedup.cli.telling import complain
    from dedup.memory import temporary_in_memory

    if folder := temporary_in_memory():
        complain(f"warning: {folder} lies in memory, where --max-memory does not count what is put aside: set TMPDIR")


def spare_inputs(outputs: "Iterable[File]", *inputs: "Input | None") -> None:
    """Raises :class:`InputError` where a result would be written over what is read, or over another result."""
    from dedup.read.remote import identity_of

    given = [one for one in inputs if one is not None]
    read = {identity_of(source.file) for one in given for source in one.sources}
    piped = any(one.piped is not None for one in given)
    results: set[Hashable] = set()
    for output in outputs:
        identity = identity_of(output)
        if identity in read or (piped and _is_standard_input(output)):
            raise InputError(f"{output}: one of the files that are read; name another one for the report")
        if identity in results and not _is_stream(output):
            raise InputError(f"{output}: named for two results; name another file for one of them")
        results.add(identity)


def _is_standard_input(output: "File") -> bool:
    """Whether it is the very file that standard input comes from."""
    with suppress(OSError):
        return isinstance(output, Path) and output.is_file() and os.path.samestat(output.stat(), os.fstat(0))
    return False


def _is_stream(file: "File") -> bool:
    """Whether it is a pipe or a device, such as /dev/stdout."""
    return isinstance(file, Path) and file.exists() and not file.is_file()


def settings_of(made_with: Mapping[str, Any], **called: float | str | None) -> Settings:
    """The settings that a report or an index was made with, or else the defaults; what the call says goes first."""
    given = {name: value for name, value in called.items() if value is not None}
    stamped = {name: made_with[name] for name in Settings().stamped() if name in made_with}
    chosen: dict[str, Any] = {**stamped, **given}
    return Settings(**chosen)


def encoder_of(settings: Settings, *, fetch: bool = True) -> "Encoder":
    """The model that the settings name; what it makes of a text is kept, and the same in all commands.

    ``fetch``: it may be asked of a hub, since the call names it.
    """
    from dedup.encoders import TABLE, RememberingEncoder, load_encoder

    encoder = load_encoder(settings.model, settings.batch_size, fetch=fetch)
    return encoder if settings.model == TABLE else RememberingEncoder(encoder)
