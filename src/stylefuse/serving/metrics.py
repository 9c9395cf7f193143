"""Figures of a server at `/metrics`, in the format that Prometheus reads."""

import time
from collections.abc import Callable
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from stylefuse.serving.host_check import App

SECONDS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4)
SCORING = "/invocations"


class Metrics:
    """An ASGI application that counts what another one answers, and tells it.

    `stylefuse_requests_total` counts requests by status, `stylefuse_request_seconds` is a histogram
    of how long they took, `stylefuse_requests_in_progress` tells how many are being answered,
    `stylefuse_model_version` which version answers, and `process_…` memory, time and files.

    Args:
        app: what answers.
        version: which version of the model answers now.
    """

    def __init__(self, app: App, version: Callable[[], str]):
        self._app, self._version = app, version
        self._registry = kept = CollectorRegistry()
        ProcessCollector(registry=kept)
        told = "Requests that were answered", ["status"]
        self._requests = Counter("stylefuse_requests", *told, registry=kept)
        self._seconds = Histogram(
            "stylefuse_request_seconds", "How long they took", buckets=SECONDS, registry=kept
        )
        self._under_way = Gauge(
            "stylefuse_requests_in_progress", "Requests that are being answered", registry=kept
        )
        self._model = Gauge(
            "stylefuse_model_version", "1 for the one that answers", ["version"], registry=kept
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/metrics":
            await self._tell(send)
        elif scope["path"] == SCORING:
            await self._count(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _count(self, scope: Any, receive: Any, send: Any) -> None:
        status = "none"  # where the caller went away, or the answer was not begun

        async def noting(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        begun = time.perf_counter()
        self._under_way.inc()
        try:
            await self._app(scope, receive, noting)
        finally:
            self._under_way.dec()
            self._requests.labels(status).inc()
            self._seconds.observe(time.perf_counter() - begun)

    async def _tell(self, send: Any) -> None:
        self._model.clear()
        self._model.labels(self._version()).set(1)
        kind = (b"content-type", CONTENT_TYPE_LATEST.encode())
        await send({"type": "http.response.start", "status": 200, "headers": [kind]})
        await send({"type": "http.response.body", "body": generate_latest(self._registry)})
