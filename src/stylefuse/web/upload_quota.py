"""Limits the files that visitors of the page upload: Gradio keeps each for an hour."""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect

from stylefuse.serving.host_check import ASGIApp, header_values, send_error

UPLOAD = "/gradio_api/upload"  # path of requests that contain files
MAX_UPLOAD = 640_000_000  # bytes of one upload, perhaps of several files
MAX_KEPT = 4_000_000_000  # bytes of all files
MIN_FILE = 256_000  # bytes that a file counts for at least: many small ones fill a disk, too
UPLOAD_TIMEOUT_S = 600.0


class UploadQuota:
    """An ASGI application that answers 507 to an upload if too many files are kept, 413 if it is
    too large, and 411 if it does not say how large it is.

    Args:
        app: answers all other requests.
        folder: of the uploads.
    """

    def __init__(self, app: ASGIApp, folder: Path):
        self._app, self._folder = app, folder
        self._arriving = 0  # bytes that are not in the folder yet

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_upload = scope["type"] == "http" and scope["path"] == UPLOAD
        if not is_upload or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        lengths = header_values(scope, "content-length")
        if len(lengths) != 1 or not lengths[0].isdecimal():
            await send_error(send, 411, "an upload has to state its length")
        elif int(lengths[0]) > MAX_UPLOAD:
            await send_error(send, 413, f"an upload may have {MAX_UPLOAD:,} bytes")
        elif await self._kept_bytes() + int(lengths[0]) > MAX_KEPT:
            await send_error(send, 507, "the page keeps too many files; try again in an hour")
        else:
            await self._receive_files(scope, receive, send)

    async def _kept_bytes(self) -> int:
        return await asyncio.to_thread(folder_bytes, self._folder) + self._arriving

    async def _receive_files(self, scope: Any, receive: Any, send: Any) -> None:
        arrived = 0

        async def count() -> Any:
            nonlocal arrived
            message = await receive()
            size = len(message.get("body", b""))
            arrived, self._arriving = arrived + size, self._arriving + size
            return message

        task = asyncio.ensure_future(self._app(scope, count, send))
        try:
            await asyncio.wait([task], timeout=UPLOAD_TIMEOUT_S)
            if task.done():
                with contextlib.suppress(ClientDisconnect):  # the visitor left in the middle of it
                    task.result()
        finally:
            task.cancel()  # the connection is closed
            self._arriving -= arrived


def folder_bytes(folder: Path) -> int:
    """The size of all files in a folder, each at least `MIN_FILE`; some may vanish meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += max(MIN_FILE, (Path(parent) / name).lstat().st_size)
            except OSError:
                continue
    return total
