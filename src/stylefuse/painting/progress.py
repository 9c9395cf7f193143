"""The progress bar of painting commands."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID


class ProgressBar:
    """A progress bar with the time that remains."""

    def __init__(self, progress: Progress, task: TaskID):
        self._progress, self._task = progress, task

    def describe(self, description: str) -> None:
        """Show what is being done, before the bar."""
        self._progress.update(self._task, description=description)

    def advance(self) -> None:
        """Count one more item as done."""
        self._progress.advance(self._task)


@contextmanager
def progress_bar(total: int) -> Iterator[ProgressBar]:
    """Show a progress bar on stderr until the block ends.

    Args:
        total: number of items. The bar of a single one disappears at the end, and is not shown at
            all where stderr is not a terminal.
    """
    console, single = Console(stderr=True), total == 1
    disable = single and not console.is_terminal
    with Progress(console=console, transient=single, disable=disable) as progress:
        yield ProgressBar(progress, progress.add_task("loading the model", total=total))
