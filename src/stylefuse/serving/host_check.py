"""Rejects requests that pages of other sites send, as protection against DNS rebinding and CSRF.

A browser lets every page send requests to this machine. Three headers that a page cannot forge show
that: `Host` is the name in the request's address, which in DNS rebinding is the attacker's own,
`Origin` is the site that the page came from, and `Sec-Fetch-Site` tells of another site where a
browser sends no `Origin`, as for pictures.

Control characters in an address are rejected too: applications print addresses to the terminal.
"""

import json
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import unquote_plus

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]  # scope, receive, send

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
CLOSED_PATHS = frozenset(  # what FastAPI adds: descriptions of an application
    prefix + path
    for prefix in ("", "/api")
    for path in ("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json")
)
ADDRESS = re.compile(r"(?:(\w+)://)?(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?", re.ASCII)
OTHER_SITE = "pages of other sites may not send requests to this server"
LINK = {b"sec-fetch-mode": b"navigate", b"sec-fetch-dest": b"document"}  # that was followed


class HostCheck:
    """An ASGI application that answers 403 if the host name or the origin is not the server's own,
    and 400 if the address contains control characters.

    Args:
        app: answers all other requests.
        hosts: names of the server, beside loopback and the address that was called.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()):
        self._app = app
        self._hosts = LOOPBACK_NAMES | {host.lower() for host in hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        error = None if scope["type"] == "lifespan" else self._error(scope)
        if error is None and scope["type"] == "http" and scope["path"] in CLOSED_PATHS:
            await send_error(send, 404, "not found")
        elif error is None and scope["type"] == "http" and _has_control_characters(scope):
            await send_error(send, 400, "control characters are not allowed in an address")
        elif error is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": error})
        else:
            await send_error(send, 403, error)

    def _error(self, scope: Any) -> str | None:
        own_names = self._hosts | {str((scope.get("server") or [""])[0]).lower()}
        hosts = header_values(scope, "host")
        called = _split_address(hosts[0]) if len(hosts) == 1 else None
        if called is None or called[0] not in own_names:
            return "this server has another name; add the name in the address to serve.hosts"
        for origin in header_values(scope, "origin"):
            page = _split_address(origin)
            if page is None or page[0] not in own_names or page[1] != called[1]:
                return OTHER_SITE
        return OTHER_SITE if _is_sent_by_another_site(scope) else None


def header_values(scope: Any, name: str) -> list[str]:
    """All values of a request header; `name` is in lower case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name.encode()]


async def send_error(send: Any, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer with `{"error": message}`."""
    await send_json(send, status, json.dumps({"error": message}).encode() + b"\n", *headers)


async def send_json(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """Answer with a JSON document."""
    content = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*content, *headers]})
    await send({"type": "http.response.body", "body": body})


def _is_sent_by_another_site(scope: Any) -> bool:
    """Whether a page of another site sends the request, other than by a link that was followed."""
    if "cross-site" not in header_values(scope, "sec-fetch-site"):
        return False
    is_link = LINK.items() <= dict(scope["headers"]).items()
    return not (is_link and scope.get("method") == "GET")


def _has_control_characters(scope: Any) -> bool:
    address = scope["path"] + unquote_plus(scope["query_string"].decode("latin-1"))
    return any(unicodedata.category(character) == "Cc" for character in address)


def _split_address(text: str) -> tuple[str, str | None] | None:
    """Host and port of `HOST`, `HOST:PORT` or `SCHEME://HOST:PORT`; None if it is neither."""
    match = ADDRESS.fullmatch(text.strip().lower())
    return (match[2] or match[3], match[4]) if match else None
