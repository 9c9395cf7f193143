"""The progress bar of painting commands."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm


BAR_DELAY_S = 2.0  # shorter work on a single item is not worth a line in a log


class ProgressBar:
    """A progress bar with the time that remains; safe to use from several threads.

    Args:
        total: number of items.
    """

    def __init__(self, total: int):
        self._total, self._lock = total, threading.Lock()
        self._bar: tqdm[object] | None = None

    def show(self, description: str) -> None:
        """Show the bar, with what is being done before it."""
        from tqdm import tqdm  # its import takes a twentieth of a command's time

        several = self._total > 1
        with self._lock:
            if self._bar is None:
                self._bar = tqdm(
                    desc=description, total=self._total, leave=several, dynamic_ncols=True,
                    delay=0 if several or sys.stderr.isatty() else BAR_DELAY_S,
                    bar_format="{desc}{percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
                )  # fmt: skip
            self._bar.set_description(description, refresh=several)

    def describe(self, description: str) -> None:
        """Show what is being done, if the bar is shown."""
        if self._bar is not None:
            self.show(description)

    def advance(self, share: float = 1) -> None:
        """Count one more item as done, or a share of it, which shows the bar."""
        if share < 1 and self._bar is None:
            self.show("painting")
        with self._lock:
            if self._bar is not None and share:
                self._bar.update(share)

    @contextmanager
    def item(self) -> Iterator["Item"]:
        """Count one item in the shares that are reached; at the end of the block it is done."""
        item = Item(self)
        try:
            yield item
        finally:
            item.reach(1)

    def close(self) -> None:
        """Remove the bar of a single item, and leave that of several."""
        if self._bar is not None:
            self._bar.close()


class Item:
    """An item that is worked on in steps.

    Args:
        bar: counts it.
    """

    def __init__(self, bar: ProgressBar):
        self._bar, self._reached = bar, 0.0

    def reach(self, share: float) -> None:
        """Show that a share of the work is done, 0…1."""
        self._bar.advance(share - self._reached)
        self._reached = share


@contextmanager
def progress_bar(total: int) -> Iterator[ProgressBar]:
    """Show a progress bar on stderr until the block ends.

    Args:
        total: number of items. Where stderr is not a terminal, the bar of a single one is shown
            only if it is worked on in steps that take a while.
    """
    bar = ProgressBar(total)
    if total > 1 or sys.stderr.isatty():
        bar.show("loading the model")
    try:
        yield bar
    finally:
        bar.close()
