"""Closes the paths of an application that nobody needs here."""

from collections.abc import Callable
from typing import Any

from stylefuse.serving.host_check import ASGIApp, send_error


class PathCheck:
    """An ASGI application that answers an error at closed paths.

    Args:
        app: answers requests to the other paths.
        is_open: whether a path, decoded, is open.
        status: of the error.
        message: of the error, one sentence.
    """

    def __init__(self, app: ASGIApp, is_open: Callable[[str], bool], status: int, message: str):
        self._app, self._is_open = app, is_open
        self._status, self._message = status, message

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" or self._is_open(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": self._message})
        else:
            await send_error(send, self._status, self._message)
