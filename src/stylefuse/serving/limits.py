"""What stands between the scoring server and the network.

MLflow's application takes bodies of any size, echoes what it cannot read, and answers with stack
traces. Here a request is received whole, within limits of size and time, and looked at before
MLflow sees it; and what is not well answered becomes one sentence.
"""

import asyncio
import json
import logging
from typing import Any

from stylefuse.config import Serve
from stylefuse.serving.host_check import App, header, refuse, replayed
from stylefuse.serving.request_checks import Refused, check, kind_of

LONGEST = 300  # characters of a sentence
OURS = "the request could not be answered; the server's log says why"
SLOW = "the request took too long to answer; send smaller pictures, or fewer"
ERROR = "Error: "  # MLflow puts it, with all the data, before what is wrong with them

logger = logging.getLogger("uvicorn.error")


class RequestLimits:
    """An ASGI application that lets another one answer, within limits.

    Args:
        app: what answers.
        limits: of size, shape and time.
    """

    def __init__(self, app: App, limits: Serve):
        self._app, self._limits = app, limits
        self._held = 0  # bytes of all requests that are being received or answered

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        try:
            if await self._receive(scope, receive, body):
                await self._answer(scope, bytes(body), receive, send)
        except Refused as refused:
            gone = [(b"connection", b"close")] if refused.status == 408 else []
            await refuse(send, refused.status, str(refused), *gone)
        finally:
            self._drop(body)

    async def _receive(self, scope: Any, receive: Any, body: bytearray) -> bool:
        """Add a request to a buffer, and say whether it came to its end.

        What is refused is received, too, and dropped: who is still sending would not read why.

        Raises:
            Refused: with the reason.
        """
        seconds = self._limits.receive_seconds
        refused: Refused | None = None
        try:
            async with asyncio.timeout(seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return False
                    chunk, more = message.get("body", b""), message.get("more_body", False)
                    refused = refused or self._size_fault(len(body) + len(chunk), len(chunk))
                    if refused:
                        self._drop(body)
                    else:
                        body += chunk
                        self._held += len(chunk)
        except TimeoutError:
            raise Refused(408, f"the request took longer than {seconds:g} seconds") from None
        if refused:
            raise refused
        return True

    def _drop(self, body: bytearray) -> None:
        self._held -= len(body)
        body.clear()

    def _size_fault(self, size: int, more: int) -> Refused | None:
        if size > self._limits.max_body:
            most = self._limits.max_body
            return Refused(413, f"the request is larger than the {most:,} bytes allowed")
        if self._held + more > self._limits.max_held:
            return Refused(503, "the server is busy with other requests; send this one again")
        return None

    async def _answer(self, scope: Any, body: bytes, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            kind = kind_of(header(scope, "content-type"))
            await asyncio.to_thread(check, kind, body, self._limits)
        whole = {"type": "http.request", "body": body, "more_body": False}
        answer = _Answer(send)
        try:
            await self._app(scope, replayed(whole, receive), answer.send)
        except Exception:
            logger.exception("a request could not be answered")
            if answer.begun:
                raise
            await refuse(send, 500, OURS)


class _Answer:
    """Passes a good answer on as it comes, and puts a sentence in the place of another one."""

    def __init__(self, send: Any):
        self._send = send
        self._status, self._body = 0, b""
        self.begun = False

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        if self._status < 400:
            self.begun = True
            await self._send(message)
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                self.begun = True
                await refuse(self._send, self._status, sentence(self._status, self._body))


def sentence(status: int, body: bytes) -> str:
    """One sentence of an error's answer: without stack trace, request or server's insides."""
    if status >= 500:
        return SLOW if status == 504 else OURS
    try:
        told = json.loads(body)
        text = str(told.get("error") or told.get("message") or told.get("detail") or "")
    except (ValueError, AttributeError):
        text = body.decode("utf-8", "replace")
    lines = text.rpartition(ERROR)[2].strip().splitlines()
    return lines[0][:LONGEST] if lines else "the request cannot be answered"
