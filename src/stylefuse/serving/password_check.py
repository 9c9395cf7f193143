"""Asks for a password, as protection against other users of the machine."""

import base64
import binascii
import hmac
from typing import Any

from stylefuse.serving.host_check import ASGIApp, header_values, send_error

SCHEME = "basic "
CHALLENGE = (b"www-authenticate", b'Basic realm="stylefuse", charset="UTF-8"')


class PasswordCheck:
    """An ASGI application that answers 401 without the password (RFC 7617); any user name will do.

    Args:
        app: answers the other requests.
        password: that a client must know.
        open_paths: paths that need no password.
    """

    def __init__(self, app: ASGIApp, password: str, open_paths: tuple[str, ...] = ()):
        self._app, self._password, self._open_paths = app, password.encode(), open_paths

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_open = scope["type"] == "lifespan" or scope["path"] in self._open_paths
        if is_open or self._knows_password(header_values(scope, "authorization")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "no password"})
        else:
            await send_error(send, 401, "this server asks for a password", CHALLENGE)

    def _knows_password(self, headers: list[str]) -> bool:
        if len(headers) != 1 or not headers[0].lower().startswith(SCHEME):
            return False
        try:
            decoded = base64.b64decode(headers[0][len(SCHEME) :].strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(decoded.partition(b":")[2], self._password)
