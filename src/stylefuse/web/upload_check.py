"""Rejects requests to the page that name files which were not uploaded to it, and keeps requests
within limits.

The page's requests name the files that they are about by their paths on this machine. Gradio would
read any other file in their place, or fetch an address, and anyone who reaches the page can send
such a request. It also keeps what a request calls its session.
"""

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from stylefuse.serving.host_check import ASGIApp, header_values, send_error
from stylefuse.web.upload_quota import UPLOAD
from stylefuse.web.visitors import SESSION, is_session_name

MAX_BODY = 300_000  # bytes: a thousand names of files
MAX_STROKES = 16_000_000  # bytes of a mask, which is sent as a picture
MAX_HELD = 128_000_000  # bytes of all requests that are being received or answered
FETCH = "/file"  # in paths at which Gradio sends files, and fetches addresses
STROKES = "/gradio_api/component_server"
FORM_SESSION = re.compile(  # a form's part that names a session
    rb'Content-Disposition: form-data; name="session_hash"\r\n\r\n([^\r\n]{0,99})\r\n'
)


class UploadCheck:
    """An ASGI application that answers 403 if a request names a file outside of the uploads, or
    what cannot be the name of a session or an upload; and 408, 413 or 503 beyond the limits.

    Args:
        app: answers all other requests, and uploads, which it receives itself.
        folder: of the uploads.
        receive_seconds: timeout for receiving a request.
    """

    def __init__(self, app: ASGIApp, folder: Path, receive_seconds: float):
        self._app, self._folder = app, Path(os.path.realpath(folder))
        self._receive_seconds = receive_seconds
        self._held = 0  # bytes of all requests

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif FETCH in scope["path"] and "://" in scope["path"]:
            await send_error(send, 403, "this page fetches nothing from other addresses")
        elif not all(map(is_session_name, _upload_names(scope))):
            await send_error(send, 403, "this is not the name of an upload")
        elif scope["method"] != "POST" or scope["path"] == UPLOAD:
            await self._app(scope, receive, send)
        else:
            await self._check_request(scope, receive, send)

    async def _check_request(self, scope: Any, receive: Any, send: Any) -> None:
        body, is_form = bytearray(), _is_form(scope)
        try:
            if await self._receive_body(receive, body, is_form):
                session = self._checked_session(bytes(body), is_form)
                pending = [{"type": "http.request", "body": bytes(body), "more_body": False}]

                async def receive_again() -> Any:
                    return pending.pop() if pending else await receive()

                await self._app({**scope, SESSION: session}, receive_again, send)
        except _Refused as error:
            headers = [(b"connection", b"close")] if error.status == 408 else []
            await send_error(send, error.status, str(error), *headers)
        finally:
            self._held -= len(body)

    async def _receive_body(self, receive: Any, body: bytearray, is_form: bool) -> bool:
        """Append a request's body to a buffer; False if the client has gone.

        Raises:
            _Refused: the body is too large or too slow, or the page is busy.
        """
        limit, more = MAX_STROKES if is_form else MAX_BODY, True
        try:
            async with asyncio.timeout(self._receive_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return False
                    chunk, more = message.get("body", b""), message.get("more_body", False)
                    if len(body) + len(chunk) > limit:
                        raise _Refused(413, f"a request may have {limit:,} bytes")
                    if self._held + len(chunk) > MAX_HELD:
                        raise _Refused(503, "the page is busy with other requests; try again")
                    body += chunk
                    self._held += len(chunk)
        except TimeoutError:
            raise _Refused(408, "the request took too long to arrive") from None
        return True

    def _checked_session(self, body: bytes, is_form: bool) -> Any:
        """The session that a request names, if it does.

        Raises:
            _Refused: the request names files that were not uploaded, or no possible session.
        """
        if is_form:
            sessions = [name.decode("latin-1") for name in FORM_SESSION.findall(body)]
            if len(sessions) != body.count(b"session_hash"):
                raise _Refused(403, "this is not the name of a session")
        else:
            document = _parse(body)
            if not all(self._was_uploaded(path) for path in _paths(document)):
                raise _Refused(403, "only files that were uploaded to this page can be used")
            sessions = [document.get("session_hash")] if isinstance(document, dict) else []
        if not all(name is None or is_session_name(name) for name in sessions):
            raise _Refused(403, "this is not the name of a session")
        return sessions[0] if sessions else None

    def _was_uploaded(self, path: Any) -> bool:
        if not isinstance(path, str) or "\0" in path or "://" in path:
            return False
        if not Path(path).is_absolute() or ".." in Path(path).parts:
            return False  # Gradio reads these otherwise
        return Path(os.path.realpath(path)).is_relative_to(self._folder)


class _Refused(Exception):
    """A request is answered with a status and a sentence."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def _upload_names(scope: Any) -> list[str]:
    """What a request calls an upload, whose progress Gradio remembers."""
    return parse_qs(scope["query_string"].decode("latin-1")).get("upload_id", [])


def _is_form(scope: Any) -> bool:
    """Whether Gradio reads a request as a form with files."""
    kinds = header_values(scope, "content-type")
    is_form = len(kinds) == 1 and kinds[0].startswith("multipart/form-data")
    return is_form and scope["path"].rstrip("/") == STROKES


def _parse(body: bytes) -> Any:
    """A JSON document; None if it is not one: the page does not understand it."""
    try:
        return json.loads(body)
    except ValueError:
        return None
    except RecursionError:
        raise _Refused(403, "the request is nested too deeply") from None


def _paths(document: Any) -> Iterator[Any]:
    """The values of all keys "path" in a JSON document."""
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if value.get("path") is not None:
                yield value["path"]
            pending += value.values()
        elif isinstance(value, list):
            pending += value
