"""How much memory answers take while they are made: a small request may ask for large pictures.

What was sent and not read is counted by its connection, see `stylefuse.serving.connections`.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stylefuse.serving.request_checks import BUSY, RequestRejected


class AnswerBudget:
    """Counts the texts of answers in progress; safe to use from several threads.

    Args:
        max_answer: characters of one answer.
        max_held: of all of them.
    """

    def __init__(self, max_answer: int, max_held: int):
        self._max_answer, self._max_held = max_answer, max_held
        self._held, self._lock = 0, threading.Lock()

    @contextmanager
    def answer(self) -> Iterator[Callable[[str], None]]:
        """Count an answer until the block ends.

        Yields:
            A function that counts one more text of it.

        Raises:
            RequestRejected: by that function; the answer, or all of them together, are too large.
        """
        held = 0

        def count(text: str) -> None:
            nonlocal held
            with self._lock:
                held, self._held = held + len(text), self._held + len(text)
                all_held = self._held
            if held > self._max_answer:
                raise RequestRejected(
                    413, f"the answer is larger than the {self._max_answer:,} bytes allowed; send "
                    "fewer rows, or ask for the format jpeg", "answer-too-large",
                )  # fmt: skip
            if all_held > self._max_held:
                raise RequestRejected(503, BUSY, "server-busy")

        try:
            yield count
        finally:
            with self._lock:
                self._held -= held
