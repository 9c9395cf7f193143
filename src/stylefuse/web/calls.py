"""What the page does for its visitors, so that it can be stopped when they have gone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stylefuse.cancellation import Cancellation


class Calls:
    """The calls in progress, by the session that asked for them; safe to use from several threads.

    Only calls that take long are listed here.
    """

    def __init__(self) -> None:
        self._cancellations: dict[str | None, set[Cancellation]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def running(self, session: str | None) -> Iterator[None]:
        """Let `cancel` stop the block.

        Args:
            session: who asked for it.
        """
        cancellation = Cancellation()
        with self._lock:
            self._cancellations.setdefault(session, set()).add(cancellation)
        try:
            with cancellation.active():
                yield
        finally:
            with self._lock:
                self._cancellations[session].discard(cancellation)
                if not self._cancellations[session]:
                    del self._cancellations[session]

    def cancel(self, session: str) -> None:
        """Stop all that runs for a session."""
        with self._lock:
            for cancellation in self._cancellations.get(session, ()):
                cancellation.cancel()
