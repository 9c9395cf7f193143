"""Limits for visitors of the page who do not listen, or do nothing but listen.

Gradio paints what a visitor has asked for whether or not somebody waits for it, and keeps each
stream of messages open for as long as the visitor likes.
"""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from cachetools import LRUCache

from stylefuse.serving.host_check import ASGIApp, send_error
from stylefuse.web.calls import Calls

API = "/gradio_api"
JOIN, MESSAGES, HEARTBEAT = f"{API}/queue/join", f"{API}/queue/data", f"{API}/heartbeat/"
PROGRESS = f"{API}/upload_progress"
SESSION = "stylefuse.session"  # key of the ASGI scope: who sent a request
SESSION_NAME = re.compile(r"[\w-]{1,64}", re.ASCII)  # the page chooses a few letters and digits
MAX_STREAMS = 128  # half of the connections that one address may have
MAX_SESSIONS = 2000  # that are remembered, as many as Gradio keeps
ACTIVE_S = 600.0  # after which a session that asks for nothing counts as idle
LISTEN_WITHIN_S = 10.0  # the page listens at once
MAX_PENDING = 16  # requests of a session that wait or are answered, a quarter of the queue


class Visitors:
    """An ASGI application around the page.

    What a session has asked for is removed from the queue, or stopped, if the session does not
    listen, or listens no more. What it asks for beyond the limit is refused, so that none fills the
    queue alone. Beyond the limit of streams, the oldest one of a session that has asked for nothing
    is closed; if there is none, the new one is refused.

    Args:
        app: the page. Its requests have `SESSION` in their scope if they name a session.
        calls: what it is doing for them.
        pending: the number of requests of a session that wait or are answered.
    """

    def __init__(self, app: ASGIApp, calls: Calls, pending: Callable[[str], int]):
        self._app, self._calls, self._pending = app, calls, pending
        self._streams: dict[asyncio.Task[None], str] = {}  # in the order of their beginning
        self._active: LRUCache[str, float] = LRUCache(MAX_SESSIONS)  # when each asked last
        self._checks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path in (MESSAGES, PROGRESS) or path.startswith(HEARTBEAT):
            await self._stream(scope, receive, send)
            return
        session = scope.get(SESSION)
        if path == JOIN and session:
            if self._pending(session) >= MAX_PENDING:
                await send_error(send, 503, "wait until the page has done what you asked for")
                return
            self._active[session] = time.monotonic()
            self._check_later(session, scope)
        await self._app(scope, receive, send)

    async def _stream(self, scope: Any, receive: Any, send: Any) -> None:
        session = stream_session(scope)
        if session and not is_session_name(session):
            await send_error(send, 403, "this is not the name of a session")
            return
        if len(self._streams) >= MAX_STREAMS and not self._close_idle_stream():
            await send_error(send, 503, "the page has too many visitors; try again later")
            return
        task = asyncio.ensure_future(self._app(scope, receive, send))
        self._streams[task] = session
        try:
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
                return
            with suppress(RuntimeError):  # it had not begun to answer
                await send({"type": "http.response.body", "body": b""})
        finally:
            task.cancel()
            del self._streams[task]
            if session:
                self._check_later(session, scope)

    def _close_idle_stream(self) -> bool:
        for task, session in self._streams.items():
            is_active = time.monotonic() - self._active.get(session, -ACTIVE_S) < ACTIVE_S
            if not is_active and not task.done() and not task.cancelling():
                task.cancel()
                return True
        return False

    def _check_later(self, session: str, request: Any) -> None:
        check = asyncio.create_task(self._stop_if_silent(session, request))
        self._checks.add(check)
        check.add_done_callback(self._checks.discard)

    async def _stop_if_silent(self, session: str, request: Any) -> None:
        """Stop what a session has asked for, and have Gradio forget it, unless it listens."""
        await asyncio.sleep(LISTEN_WITHIN_S)
        if session in self._streams.values():
            return
        self._calls.cancel(session)
        scope = {
            **request, "method": "GET", "path": MESSAGES, "raw_path": MESSAGES.encode(),
            "query_string": f"session_hash={session}".encode(),
        }  # fmt: skip

        async def receive() -> dict[str, str]:
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            pass

        await self._app(scope, receive, send)


def is_session_name(value: Any) -> bool:
    """Whether a value is a name as the page chooses for its sessions and uploads."""
    return isinstance(value, str) and SESSION_NAME.fullmatch(value) is not None


def stream_session(scope: Any) -> str:
    """The session that a request for a stream names; empty if it names none."""
    if scope["path"] in (MESSAGES, PROGRESS):
        return parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
    return str(scope["path"].removeprefix(HEARTBEAT))
