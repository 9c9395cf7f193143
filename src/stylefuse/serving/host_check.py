"""Who may ask a server: those who call it by a name of its own, and no page of another site.

A browser lets every page send requests to this machine. Two headers that no page can forge give it
away: `Host` is the name that was called, which is the page's own where that name was led here
(DNS rebinding), and `Origin` is where the page came from.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

App = Callable[[Any, Any, Any], Awaitable[None]]  # of ASGI: scope, receive, send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PLACE = re.compile(r"(?:(\w+)://)?(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?", re.ASCII)


class HostCheck:
    """An ASGI application that refuses callers of other names and pages of other sites.

    Args:
        app: what answers the others.
        hosts: names of the server, beside those of the loopback and the address that is called.
    """

    def __init__(self, app: App, hosts: Iterable[str] = ()):
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        fault = None if scope["type"] == "lifespan" else self._fault(scope)
        if fault is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": fault})
        else:
            await refuse(send, 403, fault)

    def _fault(self, scope: Any) -> str | None:
        own = self._hosts | {str((scope.get("server") or [""])[0]).lower()}
        names = header(scope, "host")
        called = _place(names[0]) if len(names) == 1 else None
        if called is None or called[0] not in own:
            return "this server has another name; one more can be added to serve.hosts"
        for origin in header(scope, "origin"):
            page = _place(origin)
            if page is None or page[0] not in own or page[1] != called[1]:
                return "pages of other sites may not ask this server"
        return None


def header(scope: Any, name: str) -> list[str]:
    """All values of a request's header."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name.encode()]


async def refuse(send: Any, status: int, why: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer with one sentence, as JSON."""
    body = json.dumps({"error": why}).encode() + b"\n"
    size = str(len(body)).encode()
    own = [(b"content-type", b"application/json"), (b"content-length", size), *headers]
    await send({"type": "http.response.start", "status": status, "headers": own})
    await send({"type": "http.response.body", "body": body})


def replayed(message: Any, receive: Any) -> Any:
    """A `receive` that gives a message once more before what comes next."""
    given = [message]

    async def replay() -> Any:
        return given.pop() if given else await receive()

    return replay


def _place(text: str) -> tuple[str, str | None] | None:
    """Name and port of `NAME`, `NAME:PORT` or `SCHEME://NAME:PORT`, or None where it is none."""
    found = PLACE.fullmatch(text.strip().lower())
    return (found[2] or found[3], found[4]) if found else None
