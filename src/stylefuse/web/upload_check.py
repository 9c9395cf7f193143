"""Rejects requests to the page that name files which were not uploaded to it.

The page's requests name the files that they are about by their paths on this machine. Gradio would
read any other file in their place, or fetch an address, and anyone who reaches the page can send
such a request.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stylefuse.serving.host_check import ASGIApp, send_error

MAX_BODY = 64_000_000  # bytes; strokes of a mask are sent in requests of their own
FETCH = "/file"  # in paths at which Gradio sends files, and fetches addresses
UPLOAD = "/gradio_api/upload"  # path of requests that contain files, and are not kept in memory


class UploadCheck:
    """An ASGI application that answers 403 if a request names a file outside of the uploads.

    Args:
        app: answers all other requests.
        folder: of the uploads.
    """

    def __init__(self, app: ASGIApp, folder: Path):
        self._app, self._folder = app, Path(os.path.realpath(folder))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and FETCH in scope["path"] and "://" in scope["path"]:
            await send_error(send, 403, "this page fetches nothing from other addresses")
            return
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] == UPLOAD:
            await self._app(scope, receive, send)
            return
        received, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            received += message.get("body", b"")
            more = message.get("more_body", False)
            if len(received) > MAX_BODY:
                await send_error(send, 413, f"a request may have {MAX_BODY} bytes")
                return
        body = bytes(received)
        if not all(self._was_uploaded(path) for path in _paths(body)):
            await send_error(send, 403, "only files that were uploaded to this page can be used")
            return
        pending = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Any:
            return pending.pop() if pending else await receive()

        await self._app(scope, receive_again, send)

    def _was_uploaded(self, path: Any) -> bool:
        if not isinstance(path, str) or "\0" in path or "://" in path:
            return False
        if (
            not Path(path).is_absolute() or ".." in Path(path).parts
        ):  # Gradio would read them otherwise
            return False
        return Path(os.path.realpath(path)).is_relative_to(self._folder)


def _paths(body: bytes) -> Iterator[Any]:
    """The values of all keys "path" in a JSON document. If it is not one, no values: it is not a
    request that the page understands. If it is nested too deeply, None."""
    try:
        pending = [json.loads(body)]
    except ValueError:
        return
    except RecursionError:
        yield None
        return
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if value.get("path") is not None:
                yield value["path"]
            pending += value.values()
        elif isinstance(value, list):
            pending += value
