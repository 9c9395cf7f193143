"""A queue of calls to a store that may be unreachable, sent in order by a background thread."""

import sys
import threading
from collections import deque
from collections.abc import Callable

from stylefuse.errors import EXIT_TRY_AGAIN
from stylefuse.registry.store import error_reason, exit_code

MAX_RETRY_PAUSE_S = 8
QUIET_WAIT_S = 2  # that the last calls may take before a message is printed


class UploadQueue:
    """Calls in the order in which they were put; nobody waits for them until `close`.

    A call that fails because the store is unreachable is tried again before the next one. Any
    other error ends the queue and drops what waits in it. Both, and the store's return, are
    reported in one line on stderr.
    """

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._closing = False  # no more calls are put
        self._broken = False  # no more calls are sent
        self._failures = 0  # of the first call
        self._thread = threading.Thread(target=self._work, name="upload-queue", daemon=True)

    def put(self, call: Callable[[], None]) -> None:
        """Add a call; it may be made twice, and must then have the same effect."""
        with self._changed:
            if self._broken:
                return
            self._calls.append(call)
            self._changed.notify()
        if self._thread.ident is None:
            self._thread.start()

    def close(self, timeout_s: float) -> int:
        """Wait until all calls are sent, up to a timeout; then drop the rest.

        Returns:
            The number of dropped calls.
        """
        if self._thread.ident is None:
            return 0
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(QUIET_WAIT_S)
        if self._thread.is_alive():
            waiting = len(self._calls)
            _report(f"waiting up to {timeout_s} s for MLflow: {waiting} calls to send")
            self._thread.join(timeout_s)
        with self._changed:
            dropped = len(self._calls)
            self._broken = True
            self._changed.notify()
        return dropped

    def _work(self) -> None:
        while call := self._next():
            try:
                call()
            except Exception as error:  # whatever a store or network raises, training goes on
                self._failed(error)
            else:
                self._sent()

    def _next(self) -> Callable[[], None] | None:
        """Wait for the first call, after a pause if it has failed; None at the end."""
        with self._changed:
            if self._failures:
                pause_s = min(2 ** (self._failures - 1), MAX_RETRY_PAUSE_S)
                self._changed.wait_for(lambda: self._broken, pause_s)
            self._changed.wait_for(lambda: self._calls or self._closing or self._broken)
            return self._calls[0] if self._calls and not self._broken else None

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if exit_code(error) != EXIT_TRY_AGAIN:
            with self._changed:
                self._broken = True
                self._calls.clear()
            _report(
                f"MLflow cannot be used ({error_reason(error)}); training goes on, its metrics "
                "are in reports/train"
            )
        elif self._failures == 1:
            _report(
                f"MLflow is unreachable ({error_reason(error)}); training goes on, and its "
                "metrics are sent when MLflow is back"
            )

    def _sent(self) -> None:
        if self._failures:
            _report("MLflow is back; the waiting calls are sent")
        self._failures = 0
        with self._changed:
            self._calls.popleft()


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")
