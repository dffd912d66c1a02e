"""What a run tells of itself while it goes on."""

from enum import StrEnum
from typing import Protocol


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
