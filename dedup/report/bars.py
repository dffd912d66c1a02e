"""Progress for a person at a terminal: a bar a stage, on standard error, gone when the run ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from dedup.progress import Progress


@contextmanager
def bars() -> Iterator[Progress]:
    """What is told appears as bars while the context lasts."""
    with Bars(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
        transient=True,
    ) as shown:
        yield _Stages(shown).tell


class _Stages:
    def __init__(self, shown: Bars) -> None:
        self._shown = shown
        self._stage: str | None = None
        self._task: TaskID | None = None

    def tell(self, stage: str, done: int = 0, total: int | None = None, /) -> None:
        """A new stage ends the one before it."""
        if stage != self._stage:
            self._end()
            self._stage, self._task = stage, self._shown.add_task(stage, total=total)
        if self._task is not None:
            self._shown.update(self._task, completed=done, total=total)

    def _end(self) -> None:
        if self._task is not None:
            task = self._shown.tasks[self._task]
            done = max(task.completed, 1)  # of a stage that told no more than that it began
            self._shown.update(self._task, completed=done, total=done)


class _Rate(TextColumn):
    """Pieces of work a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        """Nothing before there is a rate."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="progress.data.speed")
