"""The progress bar of painting commands."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm


class ProgressBar:
    """A progress bar with the time that remains.

    Args:
        bar: None shows nothing.
    """

    def __init__(self, bar: "tqdm[object] | None"):
        self._bar = bar

    def describe(self, description: str) -> None:
        """Show what is being done, before the bar."""
        if self._bar is not None:
            self._bar.set_description(description)

    def advance(self) -> None:
        """Count one more item as done."""
        if self._bar is not None:
            self._bar.update()


@contextmanager
def progress_bar(total: int) -> Iterator[ProgressBar]:
    """Show a progress bar on stderr until the block ends.

    Args:
        total: number of items. The bar of a single one disappears at the end, and is not shown at
            all where stderr is not a terminal.
    """
    single = total == 1
    if single and not sys.stderr.isatty():
        yield ProgressBar(None)
        return
    from tqdm import tqdm  # its import takes a twentieth of a command's time

    with tqdm(total=total, desc="loading the model", leave=not single, dynamic_ncols=True) as bar:
        yield ProgressBar(bar)
