"""Rejects requests that pages of other sites send, as protection against DNS rebinding and CSRF.

A browser lets every page send requests to this machine. Three headers that a page cannot forge show
that: `Host` is the name in the request's address, which in DNS rebinding is the attacker's own,
`Origin` is the site that the page came from, and `Sec-Fetch-Site` tells of another site where a
browser sends no `Origin`, as for pictures.

Control characters in an address are rejected too: applications print addresses to the terminal.
"""

import contextlib
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
OTHER_NAME = "this server has another name; add the name in the address to serve.hosts"
OTHER_SITE = "pages of other sites may not send requests to this server"
FORWARDED = "x-forwarded-host", "x-gradio-server"  # by which Gradio finds the page's address
DEFAULT_PORTS = "80", "443"  # a browser leaves them out of `Origin`, and proxies add them to `Host`
MAX_PORT = 65_535
LINK = {b"sec-fetch-mode": b"navigate", b"sec-fetch-dest": b"document"}  # that was followed


class HostCheck:
    """An ASGI application that answers 403 if the host name or the origin is not the server's own,
    and 400 if the address contains control characters.

    Args:
        app: answers all other requests.
        hosts: names of the server, beside loopback and the address that was called.
        forwarded: further headers that hold a name of the server, because `app` believes them.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = (), forwarded: Iterable[str] = ()):
        self._app, self._forwarded = app, tuple(forwarded)
        self._hosts = LOOPBACK_NAMES | set(map(_name, hosts))

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
            return OTHER_NAME
        for header in self._forwarded:
            for address in ",".join(header_values(scope, header)).split(","):
                named = _split_address(address)
                if address and (named is None or named[0] not in own_names):
                    return OTHER_NAME
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
    """Host and port of `HOST`, `HOST:PORT` or `SCHEME://HOST:PORT`; None if it is neither.

    A default port is None, and the dot at the end of a full name is left out.
    """
    match = ADDRESS.fullmatch(text.strip().lower())
    if match is None or int(match[4] or 0) > MAX_PORT:
        return None
    return match[2] or match[3].removesuffix("."), None if match[4] in DEFAULT_PORTS else match[4]


def _name(host: str) -> str:
    """A name of the server as browsers send it: in ASCII (RFC 5890)."""
    with contextlib.suppress(UnicodeError):
        host = host.encode("idna").decode()
    return host.lower()
