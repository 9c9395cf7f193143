"""A few requests are worked on at a time; the others wait in the order they came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stylefuse.cancellation import check_cancelled
from stylefuse.serving.request_checks import BUSY, RequestRejected

POLL_S = 0.1  # how often a request that waits checks whether it was cancelled


class WaitingLine:
    """Places for requests; one that waits for a place takes no thread.

    Args:
        count: of the places.
        wait_s: how long a request waits.
    """

    def __init__(self, count: int, wait_s: float):
        self._free, self._wait_s = asyncio.Semaphore(count), wait_s

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Hold a place until the block ends.

        Raises:
            RequestRejected: none became free in time.
            Cancelled: the active cancellation was cancelled.
        """
        turn = asyncio.ensure_future(self._free.acquire())
        try:
            await self._wait(turn)
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._free.release()
            else:
                turn.cancel()

    async def _wait(self, turn: asyncio.Future) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait_s
        while not turn.done():
            check_cancelled()
            await asyncio.wait({turn}, timeout=POLL_S)
            if loop.time() > deadline and not turn.done():
                raise RequestRejected(503, BUSY, "server-busy")
