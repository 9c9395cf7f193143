"""Requests to ASGI applications in this process, as a server hands them over."""

import asyncio
import json

JSON = {"content-type": "application/json"}


async def request_async(
    app, *chunks, headers=JSON, method="POST", path="/invocations", query=b"", pause_s=0.0,
    complete=True, disconnected=None,
):  # fmt: skip
    """Send a request that arrives in chunks.

    Args:
        app: the application.
        chunks: of the body.
        headers: name → value.
        method: of HTTP.
        path: of the URL, decoded.
        query: of the URL.
        pause_s: before each chunk.
        complete: False: the body has no end. The client disconnects after the last chunk.
        disconnected: an `asyncio.Event`; the client disconnects when it is set.

    Returns:
        Status, headers and body of the answer; None if there was none.
    """
    scope = {
        "type": "http", "method": method, "path": path, "query_string": query,
        "server": ("10.0.0.9", 5001),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    if disconnected is None:
        disconnected = asyncio.Event()
        if not complete:
            disconnected.set()
    pending, sent = list(chunks) or [b""], []

    async def receive():
        await asyncio.sleep(pause_s)
        if pending:
            body = pending.pop(0)
            more = bool(pending) or not complete
            return {"type": "http.request", "body": body, "more_body": more}
        await disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return None
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m["body"] for m in sent[1:])


def request(app, *chunks, **options):
    """See `request_async`."""
    return asyncio.run(request_async(app, *chunks, **options))


def error_of(app, *chunks, **options):
    """Status and message of an error."""
    status, _, body = request(app, *chunks, **options)
    document = json.loads(body)
    assert list(document) == ["error"]
    assert "\n" not in document["error"]
    return status, document["error"]
