"""Try a challenger on real requests before it is promoted.

*Shadow*: the champion answers; the challenger then paints the same request, and nobody sees it.
*Canary*: the challenger answers a share of the callers, until it fails too often or is too slow.
The registry's aliases stay as they are: a promotion is decided elsewhere.
"""

import asyncio
import contextvars
import hashlib
import logging
import time
from typing import Any

from stylefuse.cancellation import Cancelled, check_cancelled
from stylefuse.config import Challenger
from stylefuse.registry.store import CHALLENGER, CHAMPION
from stylefuse.serving.alias_follower import AliasFollower
from stylefuse.serving.host_check import header_values
from stylefuse.serving.prometheus import SCORING_PATH
from stylefuse.serving.release_figures import BUSY_STATUS, TIMEOUT_STATUS, ReleaseFigures
from stylefuse.serving.request_checks import RequestRejected

VERSION_HEADER = b"x-stylefuse-version"
MAX_TRIED = 12  # requests that wait for the challenger; if it is slow, others go to the champion

logger = logging.getLogger("uvicorn.error")


class GradualRelease:
    """An ASGI application that answers with a champion, and tries a challenger.

    Args:
        champion: answers by default.
        challenger: its version is "" while there is none.
        settings: how it is tried.

    Attributes:
        figures: of the current challenger.
    """

    def __init__(self, champion: AliasFollower, challenger: AliasFollower, settings: Challenger):
        self.champion, self.challenger, self._settings = champion, challenger, settings
        self.figures = ReleaseFigures()
        self._shadow: asyncio.Task | None = None
        self._tried = 0  # requests that wait for the challenger

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.figures.follow(self.challenger.version)
        is_scoring = scope["type"] == "http" and scope["path"] == SCORING_PATH
        if not is_scoring or not self.challenger.version or self.figures.fault:
            await self.champion(scope, receive, send)
            return
        request = _Request(scope, await receive(), receive)
        caller = self._caller(scope)
        is_canary = self._settings.mode == "canary" and self._tried < MAX_TRIED
        if is_canary and self._is_chosen(caller):
            answer = await self._ask_canary(request, caller)
        else:
            answer = await self._ask(CHAMPION, request)
            self._count(CHAMPION, answer, caller)
        await answer.pass_on(send)
        if self._settings.mode == "shadow" and answer.status == 200:
            self._start_shadow(request, answer)

    def _caller(self, scope: Any) -> str:
        header = self._settings.caller_header.lower()
        return str(header_values(scope, header) if header else (scope.get("client") or [""])[0])

    def _is_chosen(self, caller: str) -> bool:
        """Whether the challenger answers this caller; of each version, it answers others."""
        digest = hashlib.sha256(f"{self.challenger.version} {caller}".encode()).digest()
        return int.from_bytes(digest[:8]) < self._settings.share * 2**64

    async def _ask_canary(self, request: "_Request", caller: str) -> "_Answer":
        """The challenger's answer, or the champion's to what the challenger cannot answer.

        That counts against the challenger only if the champion can: a caller may send what no
        version can answer. The champion would need too long as well for what needs too long.
        """
        self._tried += 1
        try:
            answer = await self._ask(CHALLENGER, request)
        finally:
            self._tried -= 1
        if answer.status < 400 or answer.status == TIMEOUT_STATUS:
            self._count(CHALLENGER, answer, caller)
        else:
            refusal, answer = answer, await self._ask(CHAMPION, request)
            self._count(CHAMPION, answer, caller)
            if answer.status < 400 and refusal.status != BUSY_STATUS:
                refusal.fail()  # also what it took for a mistake of the caller
                self._count(CHALLENGER, refusal, caller)
        self.figures.judge(self._settings)
        return answer

    def _count(self, role: str, answer: "_Answer", caller: str = "") -> None:
        """Count an answer, unless another version has become challenger meanwhile."""
        if answer.tried == self.challenger.version:
            self.figures.add(role, answer.status, answer.seconds, caller)

    async def _ask(self, role: str, request: "_Request") -> "_Answer":
        app = self.champion if role == CHAMPION else self.challenger
        answer, start = _Answer(app.version, self.challenger.version), time.perf_counter()
        try:
            await app(request.scope, request.receiver(), answer.receive)
        except (Cancelled, RequestRejected):
            raise
        except Exception:
            if role == CHAMPION:
                raise
            logger.exception("version %s could not answer", app.version)
            answer.fail()
        check_cancelled()  # that the client has gone is no error of the version
        answer.seconds = time.perf_counter() - start
        return answer

    def _start_shadow(self, request: "_Request", answer: "_Answer") -> None:
        """Ask the challenger too, unless it still paints an earlier request.

        In a context of its own: in the client's, all work is cancelled after the answer.
        """
        if self._shadow is None or self._shadow.done():
            self._shadow = asyncio.create_task(
                self._ask_shadow(request.detached(), answer), context=contextvars.Context()
            )

    async def _ask_shadow(self, request: "_Request", answer: "_Answer") -> None:
        shadow = await self._ask(CHALLENGER, request)
        self._count(CHALLENGER, shadow)
        if shadow.status == 200:
            await asyncio.to_thread(self.figures.compare, answer.body, shadow.body)


class _Request:
    """A request whose body was received, and that can be handed to several applications."""

    def __init__(self, scope: Any, body: Any, receive: Any):
        self.scope, self._body, self._receive = scope, body, receive

    def receiver(self) -> Any:
        """What an application receives: the body, then what comes from the client."""
        messages = [self._body]

        async def receive() -> Any:
            return messages.pop() if messages else await self._receive()

        return receive

    def detached(self) -> "_Request":
        """The same request of a client that has gone."""

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        return _Request(self.scope, self._body, receive)


class _Answer:
    """A complete answer of a version.

    Args:
        version: that answers.
        tried: the challenger when it was asked.

    Attributes:
        seconds: how long it took.
    """

    def __init__(self, version: str, tried: str):
        self.tried, self.seconds = tried, 0.0
        self._version, self._messages = version, list[Any]()

    async def receive(self, message: Any) -> None:
        self._messages.append(message)

    def fail(self) -> None:
        self._messages = [{"type": "http.response.start", "status": 500, "headers": []}]

    @property
    def status(self) -> int:
        return self._messages[0]["status"] if self._messages else 500

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self._messages[1:])

    async def pass_on(self, send: Any) -> None:
        for message in self._messages:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (VERSION_HEADER, self._version.encode())]
                message = {**message, "headers": headers}
            await send(message)
