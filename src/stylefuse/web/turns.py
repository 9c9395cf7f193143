"""Which preview of each visitor is the latest, so that older ones stop."""

import threading
from typing import Any

from cachetools import LRUCache

MAX_VISITORS = 1000  # whose last preview is remembered


class Turns:
    """Counts the previews of each visitor; safe to use from several threads."""

    def __init__(self) -> None:
        self._turns: LRUCache[Any, int] = LRUCache(MAX_VISITORS)
        self._lock = threading.Lock()

    def begin(self, visitor: Any) -> int:
        """Make the visitor's earlier previews out of date; returns the number of the new one."""
        with self._lock:
            self._turns[visitor] = self._turns.get(visitor, 0) + 1
            return int(self._turns[visitor])

    def current(self, visitor: Any) -> int:
        """The number of the visitor's latest preview."""
        with self._lock:
            return self._turns.get(visitor, 0)
