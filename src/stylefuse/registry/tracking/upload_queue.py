"""Calls to a store that may be away: sent in order by a thread of their own, so that none waits."""

import sys
import threading
from collections import deque
from collections.abc import Callable

from stylefuse.registry.store import AGAIN, exit_code, reason

LONGEST_PAUSE = 8  # seconds from one try to the next
AT_ONCE = 2  # seconds that the last calls may take before anyone is told


class UploadQueue:
    """Calls wait here for their turn, and while the store is away.

    One that fails stays the first in line and is tried again; one that would fail again ends the
    outbox, and what waits is dropped. Both are told in a line, as is the store's return.
    """

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._closing = False  # nothing more is put
        self._broken = False  # nothing more is sent
        self._failures = 0  # of the first in line
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)

    def put(self, call: Callable[[], None]) -> None:
        """Have a call made after those before it; it must do no harm if it is made twice."""
        with self._changed:
            if self._broken:
                return
            self._calls.append(call)
            self._changed.notify()
        if self._thread.ident is None:
            self._thread.start()

    def close(self, patience: float) -> int:
        """Wait until all is sent, but no longer than some seconds; then drop what is left.

        Returns:
            How many calls were dropped.
        """
        if self._thread.ident is None:
            return 0
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(AT_ONCE)
        if self._thread.is_alive():
            _tell(f"waiting for MLflow, {patience} s at most: {len(self._calls)} calls to send")
            self._thread.join(patience)
        with self._changed:
            left = len(self._calls)
            self._broken = True
            self._changed.notify()
        return left

    def _work(self) -> None:
        while call := self._next():
            try:
                call()
            except Exception as error:  # whatever a store or network does, training is worth more
                self._failed(error)
            else:
                self._sent()

    def _next(self) -> Callable[[], None] | None:
        """The first in line, when it is its turn; None at the end."""
        with self._changed:
            if self._failures:
                pause = min(2 ** (self._failures - 1), LONGEST_PAUSE)
                self._changed.wait_for(lambda: self._broken, pause)
            self._changed.wait_for(lambda: self._calls or self._closing or self._broken)
            return self._calls[0] if self._calls and not self._broken else None

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if exit_code(error) != AGAIN:
            with self._changed:
                self._broken = True
                self._calls.clear()
            _tell(
                f"MLflow cannot be used ({reason(error)}); training goes on, its metrics are in "
                "reports/train"
            )
        elif self._failures == 1:
            _tell(
                f"MLflow cannot be reached ({reason(error)}); training goes on, and what it logs "
                "is sent when MLflow is back"
            )

    def _sent(self) -> None:
        if self._failures:
            _tell("MLflow is back; it gets what has waited")
        self._failures = 0
        with self._changed:
            self._calls.popleft()


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
