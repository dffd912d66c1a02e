"""What a run tells of itself while it goes on."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Stage(StrEnum):
    """The stages of a run that take time, in their order."""

    SKETCH = "reading and sketching"
    BOILERPLATE = "looking for boilerplate"
    DISCOUNT = "weighing boilerplate"
    EMBED = "embedding"
    PROPOSE = "proposing"
    CONFIRM = "confirming"
    CONSULT = "asking the model"
    CLUSTER = "clustering"


class Progress(Protocol):
    """Told each stage as it begins, and then how far it has come."""

    def __call__(self, stage: str, done: int = 0, total: int | None = None, /) -> None:
        """``done`` of ``total`` pieces of work; of a total that is not known yet, None."""


def silent(stage: str, done: int = 0, total: int | None = None, /) -> None:
    """Tells nobody."""


@runtime_checkable
class Tallying(Protocol):
    """A progress that also wants to know what came of a stage."""

    def tally(self, counts: Mapping[str, int]) -> None:
        """Told of the stage that goes on: counts by what they count."""


def tally(progress: Progress, counts: Mapping[str, int]) -> None:
    """Tell what came of the stage that goes on, where that is wanted (:class:`dedup.watch.Watch`)."""
    if isinstance(progress, Tallying):
        progress.tally(counts)
