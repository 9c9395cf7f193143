"""Limits of time and number for connections, which uvicorn does not have.

A connection whose request is not complete costs its client nothing and the server a file
descriptor. Without limits, a thousand of them make a server unreachable. An answer that its client
does not read is kept in memory.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIMEOUT_S = 10.0  # for the first request of a connection, and for the rest of a later one
MAX_CONNECTIONS = 512  # half of the descriptors that a process usually has
MAX_CONNECTIONS_PER_ADDRESS = 256
ANSWER_TIMEOUT_S = 120.0  # for a client to read its answer
MAX_UNREAD_BYTES = 128_000_000  # of answers of all connections, as `serve.max_held` of requests
SLICE = 16_384  # bytes that are parsed before they are looked at
MIN_CONTENT = 0.9  # share of content in the bytes of a body; a chunk has at least 5 bytes around it
BACKLOG = 128  # connections that are accepted at once, before the limits apply


class LimitedProtocol(H11Protocol):
    """uvicorn's protocol for HTTP/1.1, with timeouts and a limit of connections.

    Beyond the limit, the oldest connection without a complete request is closed. If all requests
    are complete, the new connection is. Beyond the limit of unread answers, the connection that
    has had one for longest is closed.
    """

    _header_timer: asyncio.TimerHandle | None = None
    _answer_timer: asyncio.TimerHandle | None = None
    _opened = 0.0  # on the event loop's clock

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._opened = self.loop.time()
        self._start_header_timer()
        same_address = [c for c in self.connections if _address(c) == _address(self)]
        _close_one_beyond(same_address, MAX_CONNECTIONS_PER_ADDRESS, newest=self)
        _close_one_beyond(list(self.connections), MAX_CONNECTIONS, newest=self)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE):
            if self.transport.is_closing():  # an invalid request was answered
                return
            self._parse(data[start : start + SLICE])
        if self.conn.their_state is not h11.IDLE:
            self._stop_header_timer()
        elif self._header_timer is None:
            self._start_header_timer()

    def _parse(self, data: bytes) -> None:
        """Parse a part of a request; abort it if its body comes in tiny chunks, each of which takes
        as long as a large one."""
        cycle = self.cycle if self.conn.their_state is h11.SEND_BODY else None
        before = len(cycle.body) if cycle else 0
        super().data_received(data)
        if not cycle or len(data) < SLICE or self.conn.their_state is not h11.SEND_BODY:
            return
        if len(cycle.body) - before < MIN_CONTENT * SLICE:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Called by the transport when it holds much that the client has not read."""
        super().pause_writing()
        self._answer_timer = self.loop.call_later(ANSWER_TIMEOUT_S, self.transport.abort)
        _drop_unread_beyond(list(self.connections), MAX_UNREAD_BYTES)

    def resume_writing(self) -> None:
        """Called by the transport when the client has read nearly all."""
        self._stop_answer_timer()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_header_timer()
        self._stop_answer_timer()
        super().connection_lost(exc)

    @property
    def awaits_request(self) -> bool:
        """Whether a part of a request is still to come."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def _start_header_timer(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_TIMEOUT_S, self.transport.close)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_answer_timer(self) -> None:
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None


def _address(connection: Any) -> str | None:
    return connection.client[0] if connection.client else None


def _close_one_beyond(connections: list[Any], limit: int, newest: LimitedProtocol) -> None:
    if len(connections) <= limit:
        return
    waiting = [c for c in connections if c.awaits_request and c is not newest]
    victim = min(waiting, key=lambda c: c._opened, default=newest)
    victim.transport.abort()
    victim.connections.discard(victim)


def _drop_unread_beyond(connections: list[Any], limit: int) -> None:
    unread = [c for c in connections if c._answer_timer]
    if sum(c.transport.get_write_buffer_size() for c in unread) > limit:
        min(unread, key=lambda c: c._answer_timer.when()).transport.abort()
