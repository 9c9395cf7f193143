"""A reverse proxy as nginx is in front of the page: it removes a prefix, and streams answers."""

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

METHODS = ["GET", "HEAD", "POST"]
PER_CONNECTION = {"connection", "content-length", "keep-alive", "transfer-encoding"}


def reverse_proxy(prefix: str, target: str) -> Starlette:
    """An application that passes `PREFIX/x` on to `TARGET/x`, with the name it was called by."""
    client = httpx.AsyncClient(base_url=target, timeout=None)

    async def pass_on(request: Request) -> StreamingResponse:
        path = request.url.path.removeprefix(prefix) or "/"
        url = httpx.URL(path=path, query=request.url.query.encode())
        headers = [(k, v) for k, v in request.headers.items() if k not in {"connection"}]
        call = client.build_request(
            request.method, url, headers=headers, content=await request.body()
        )
        answer = await client.send(call, stream=True)
        kept = {k: v for k, v in answer.headers.items() if k not in PER_CONNECTION}
        return StreamingResponse(answer.aiter_raw(), answer.status_code, kept)

    return Starlette(routes=[Route(prefix + "/{path:path}", pass_on, methods=METHODS)])
