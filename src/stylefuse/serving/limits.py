"""Limits of size and time around the scoring application, and safe error messages.

MLflow's application accepts bodies of any size, repeats in its errors what it cannot read, and
sends stack traces. Here a request is received completely, within limits, and checked before MLflow
sees it. An error becomes one short message. A request whose client disconnects, or which was
answered with a timeout, is cancelled: its thread stops at the next check.
"""

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from stylefuse.cancellation import Cancellation, Cancelled, check_cancelled
from stylefuse.config import Serve
from stylefuse.serving.host_check import ASGIApp, header_values, send_error
from stylefuse.serving.request_checks import (
    BUSY,
    RequestRejected,
    body_format,
    check_body,
    refuse_ignored_parts,
)

PARSED_JSON = "stylefuse.json"  # key of the ASGI scope that holds a body in JSON, parsed
MAX_MESSAGE_CHARS = 300
INTERNAL_ERROR = "the request could not be answered; the reason is in the server's log"
TIMEOUT_ERROR = "the request took too long to answer; send smaller pictures, or fewer"
MLFLOW_PREFIX = "Error: "  # MLflow puts it, and all of the data before it, ahead of a message
CHECK_THREADS = 2
MAX_ANSWERING = 100  # requests with a body at a time; other connections stay free for health checks
SLOW_AFTER_S = 5.0  # when memory is short, a body that takes longer to arrive may be dropped
# rounds of the event loop from the end of a body until it is known that the client has gone: it
# begins to read again, reads the end, and tells the connection, which tells the request
ROUNDS_TO_DISCONNECT = 5

logger = logging.getLogger("uvicorn.error")


class RequestLimits:
    """An ASGI application that passes requests within limits on to another one.

    Args:
        app: answers the requests.
        limits: of size, shape and time.
    """

    def __init__(self, app: ASGIApp, limits: Serve):
        self._app, self._limits = app, limits
        self._bytes_held = 0  # of all requests that are being received or answered
        self._incoming: set[_IncomingBody] = set()
        self._answering = 0  # requests with a body
        # threads of their own, so that a check never waits behind pictures that are painted
        self._check_pool = ThreadPoolExecutor(CHECK_THREADS, "request-checks")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _IncomingBody()
        try:
            if await self._receive(receive, body):
                with self._counted(scope):
                    await self._answer(scope, body, receive, send)
        except Cancelled:
            pass  # nobody waits for an answer
        except RequestRejected as error:
            headers = [(b"connection", b"close")] if error.status == 408 else []
            await send_error(send, error.status, str(error), *headers)
        finally:
            self._discard(body)

    async def _receive(self, receive: Any, body: "_IncomingBody") -> bool:
        """Receive a request's body.

        A body that is too large is still received, and discarded: a client that is sending does
        not read the answer.

        Returns:
            Whether the body is complete; False if the client disconnected.

        Raises:
            RequestRejected: the body is too large or too slow, or the server is busy.
        """
        timeout_s = self._limits.receive_seconds
        rejection: RequestRejected | None = None
        self._incoming.add(body)
        try:
            async with asyncio.timeout(timeout_s) as body.timeout:
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return False
                    chunk, more = message.get("body", b""), message.get("more_body", False)
                    rejection = rejection or self._check_size(body, len(chunk))
                    if rejection:
                        self._discard(body)
                    else:
                        body.data += chunk
                        body.held += len(chunk)
                        self._bytes_held += len(chunk)
        except TimeoutError:
            raise RequestRejected(
                408, f"the request took longer than {round(body.age_s, 1):g} seconds to arrive",
                "request-too-slow",
            ) from None  # fmt: skip
        finally:
            self._incoming.discard(body)
        if rejection:
            raise rejection
        return True

    def _discard(self, body: "_IncomingBody") -> None:
        self._bytes_held -= body.held
        body.held, body.data = 0, bytearray()

    def _check_size(self, body: "_IncomingBody", added: int) -> RequestRejected | None:
        limits = self._limits
        if len(body.data) + added > limits.max_body:
            message = f"the request is larger than the {limits.max_body:,} bytes allowed"
            return RequestRejected(413, message, "request-too-large")
        while self._bytes_held + added > limits.max_held:
            slow = [b for b in self._incoming - {body} if b.data and b.age_s > SLOW_AFTER_S]
            if not slow:
                return RequestRejected(503, BUSY, "server-busy")
            self._drop(max(slow, key=lambda b: len(b.data) * b.age_s))
        return None

    def _drop(self, body: "_IncomingBody") -> None:
        """Stop to receive a body, as if its time was over."""
        self._discard(body)
        if body.timeout:
            body.timeout.reschedule(asyncio.get_running_loop().time())

    @contextmanager
    def _counted(self, scope: Any) -> Iterator[None]:
        """Count a request until the block ends, unless it has no body.

        Raises:
            RequestRejected: there are too many.
        """
        is_counted = scope["method"] == "POST"
        if is_counted and self._answering >= MAX_ANSWERING:
            raise RequestRejected(503, BUSY, "server-busy")
        self._answering += is_counted
        try:
            yield
        finally:
            self._answering -= is_counted

    async def _answer(self, scope: Any, body: "_IncomingBody", receive: Any, send: Any) -> None:
        cancellation, response = Cancellation(), _Response(send)
        connection = _Connection(body, receive, cancellation, response)
        watcher = asyncio.create_task(connection.cancel_on_disconnect())
        try:
            with cancellation.active():
                for _ in range(ROUNDS_TO_DISCONNECT):
                    await asyncio.sleep(0)
                check_cancelled()
                if scope["method"] == "POST":
                    scope = {**scope, PARSED_JSON: await self._check(scope, body)}
                await self._app(scope, connection.receive, response.send)
        except (RequestRejected, Cancelled):
            raise
        except Exception:
            logger.exception("a request could not be answered")
            if response.started:
                raise
            await response.send_error(500, INTERNAL_ERROR)
        finally:
            cancellation.cancel()  # nobody waits for what still runs for this request
            watcher.cancel()

    async def _check(self, scope: Any, body: "_IncomingBody") -> dict[str, Any] | None:
        """The parsed body if it is JSON, in the place of its bytes; a request whose client has gone
        is not checked.

        Raises:
            RequestRejected: the body is not valid.
            Cancelled: the client has gone.
        """
        refuse_ignored_parts(scope["query_string"], header_values(scope, "content-encoding"))
        name = body_format(header_values(scope, "content-type"))
        context = copy_context()  # with the active cancellation

        def check() -> dict[str, Any] | None:
            check_cancelled()
            return check_body(name, body.data, self._limits)

        loop = asyncio.get_running_loop()
        table = await loop.run_in_executor(self._check_pool, context.run, check)
        if table is not None:
            body.data = bytearray()  # the texts in the table have taken its place
        return table


@dataclass(eq=False)
class _IncomingBody:
    """The body of a request.

    Attributes:
        data: what has arrived; nothing once it is parsed.
        held: bytes that are counted for it until the request is answered.
        started: on the monotonic clock.
        timeout: while it arrives.
    """

    data: bytearray = field(default_factory=bytearray)
    held: int = 0
    started: float = field(default_factory=time.monotonic)
    timeout: asyncio.Timeout | None = None

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.started


class _Connection:
    """The client's side of a request whose body was received already."""

    def __init__(
        self, body: _IncomingBody, receive: Any, cancellation: Cancellation, response: "_Response"
    ):
        self._body, self._is_read = body, False
        self._receive, self._cancellation, self._response = receive, cancellation, response
        self._disconnected = asyncio.Event()

    async def receive(self) -> Any:
        """The complete body, unless it is parsed; then the client's disconnect."""
        if not self._is_read:
            self._is_read = True
            return {
                "type": "http.request", "body": bytes(self._body.data), "more_body": False
            }  # fmt: skip
        await self._disconnected.wait()
        return {"type": "http.disconnect"}

    async def cancel_on_disconnect(self) -> None:
        """Wait for the client's disconnect and cancel the request."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._response.discard()
        self._cancellation.cancel()
        self._disconnected.set()


class _Response:
    """Passes a successful response on as it comes; replaces an error's body by a message."""

    def __init__(self, send: Any):
        self._send = send
        self._status, self._error_body, self._discarded = 0, b"", False
        self.started = False

    def discard(self) -> None:
        """Send nothing from now on: the client is not there any more."""
        self._discarded = True

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        if self._status < 400:
            await self._pass_on(message)
        elif message["type"] == "http.response.body":
            self._error_body += message.get("body", b"")
            if not message.get("more_body", False):
                await self.send_error(self._status, error_message(self._status, self._error_body))

    async def send_error(self, status: int, message: str) -> None:
        await send_error(self._pass_on, status, message)

    async def _pass_on(self, message: Any) -> None:
        if not self._discarded:
            self.started = True
            await self._send(message)


def error_message(status: int, body: bytes) -> str:
    """One line from the body of an error, without stack trace, data or details of the server."""
    if status >= 500:
        return TIMEOUT_ERROR if status == 504 else INTERNAL_ERROR
    try:
        document = json.loads(body)
        text = str(document.get("error") or document.get("message") or document.get("detail") or "")
    except (ValueError, AttributeError):
        text = body.decode("utf-8", "replace")
    lines = text.rpartition(MLFLOW_PREFIX)[2].strip().splitlines()
    return lines[0][:MAX_MESSAGE_CHARS] if lines else "the request cannot be answered"
