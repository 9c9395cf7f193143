"""Slots for pictures: how many are decoded and painted at the same time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from stylefuse.cancellation import check_cancelled

POLL_S = 0.1  # how often a request that waits for a slot checks whether it was cancelled


class Slots:
    """Safe to use from several threads.

    Args:
        count: of the slots.
    """

    def __init__(self, count: int):
        self._free = count
        self._changed = threading.Condition()
        self._full_since: float | None = None

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a slot, as soon as one is free, until the block ends.

        Raises:
            Cancelled: the active cancellation was cancelled, perhaps during the wait.
        """
        check_cancelled()
        with self._changed:
            while not self._free:
                self._changed.wait(POLL_S)
                check_cancelled()
            self._free -= 1
            if not self._free:
                self._full_since = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._full_since = None
                self._changed.notify()

    @property
    def free(self) -> int:
        """The number of free slots."""
        return self._free

    @property
    def full_seconds(self) -> float:
        """For how long no slot has become free; 0 if one is."""
        since = self._full_since
        return 0.0 if since is None else time.monotonic() - since
