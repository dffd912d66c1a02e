"""What happens in a run, as log records of the loggers ``dedup.*``: a message for people, and facts for programs.

A program that uses the library takes them with a handler of its own::

    logging.getLogger("dedup").setLevel(logging.INFO)

Such a record has an ``event``, the name of what happened (``stage-ended``), and ``facts``, what is told of it, by name:
seconds, counts, bytes. :data:`NOTICE` is the level of what a person should know without having asked, ``INFO`` that of
stages, skipped input and files, ``DEBUG`` that of what happens many times in a stage.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

NOTICE: Final = 25
"""Between ``INFO`` and ``WARNING``."""

Fact = str | int | float | None | Mapping[str, int]

logging.addLevelName(NOTICE, "NOTICE")


def tell(log: logging.Logger, event: str, message: str, *, level: int = logging.INFO, **facts: Fact) -> None:
    """An event in the log, for whoever listens."""
    log.log(level, "%s", message, extra={"event": event, "facts": facts})


def event_of(record: logging.LogRecord) -> str:
    """The name of what happened; ``note`` of a record that is no event."""
    return str(getattr(record, "event", "note"))


def facts_of(record: logging.LogRecord) -> dict[str, Fact]:
    """What is told of it; nothing of a record that is no event."""
    return dict(getattr(record, "facts", {}))


def moment(seconds: float) -> str:
    """A time (seconds since 1970) in UTC as ISO 8601 has it, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
