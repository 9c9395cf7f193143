"""Cooperative cancellation: long computations stop when nobody waits for their result any more.

A server activates one `Cancellation` per request. Code that decodes or paints calls
`check_cancelled` between its steps. Threads of `asyncio.to_thread` and new tasks inherit the active
one, because it is kept in a context variable; without one, `check_cancelled` does nothing.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Cancelled(BaseException):
    """The computation was cancelled.

    Like `asyncio.CancelledError` this is no `Exception`, so that code which treats every
    `Exception` as a damaged picture lets it pass.
    """


class Cancellation:
    """Tells the threads that work on a request to stop.

    Args:
        timeout_s: seconds until it cancels itself; None never does.
    """

    def __init__(self, timeout_s: float | None = None):
        self._event = threading.Event()
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called or the time is up."""
        expired = self._deadline is not None and time.monotonic() >= self._deadline
        return expired or self._event.is_set()

    def cancel(self) -> None:
        """Make `check_cancelled` raise wherever this is active, in any thread."""
        self._event.set()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make this the one that `check_cancelled` looks at, until the block ends."""
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)


_active: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


def active_cancellation() -> Cancellation | None:
    """The cancellation that is active in this context, if any."""
    return _active.get()


def check_cancelled() -> None:
    """Raise `Cancelled` if the active cancellation was cancelled."""
    cancellation = _active.get()
    if cancellation and cancellation.cancelled:
        raise Cancelled
