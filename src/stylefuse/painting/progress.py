"""How far a command is, on the terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID


class Bar:
    """A bar with the time left."""

    def __init__(self, progress: Progress, task: TaskID):
        self._progress, self._task = progress, task

    def say(self, doing: str) -> None:
        """Write before the bar what is being done."""
        self._progress.update(self._task, description=doing)

    def advance(self) -> None:
        """One more is done."""
        self._progress.advance(self._task)


@contextmanager
def bar(total: int) -> Iterator[Bar]:
    """Show a bar, until the block ends.

    Args:
        total: how many things there are to do; the bar of a single one is wiped away at its end.
    """
    with os.fdopen(os.dup(2), "w") as terminal:  # its own, as `import_keras` takes stderr away
        console, single = Console(file=terminal), total == 1
        quiet = single and not console.is_terminal
        with Progress(console=console, transient=single, disable=quiet) as progress:
            yield Bar(progress, progress.add_task("loading the model", total=total))
