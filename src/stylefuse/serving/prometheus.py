"""Metrics of a scoring server at `/metrics`, in Prometheus' text format."""

import time
from collections.abc import Callable, Iterable
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

from stylefuse.serving.host_check import ASGIApp

SCORING_PATH = "/invocations"
BUCKETS_S = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4)
NO_STATUS = "none"  # label of requests whose client disconnected before an answer began


class Metrics:
    """An ASGI application that counts the requests to another one and publishes the counts.

    `stylefuse_requests_total` counts requests by status, `stylefuse_request_seconds` is a histogram
    of their duration, `stylefuse_requests_in_progress` is how many are being answered,
    `stylefuse_model_version` is the version that answers, and `process_…` are memory, CPU time and
    open files of the process.

    Args:
        app: answers the requests.
        model_version: returns the version of the model that answers now.
        collectors: of further metrics.
    """

    def __init__(
        self, app: ASGIApp, model_version: Callable[[], str], collectors: Iterable[Any] = ()
    ):
        self._app, self._model_version = app, model_version
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        for collector in collectors:
            registry.register(collector)
        self._requests = Counter(
            "stylefuse_requests", "Answered requests", ["status"], registry=registry
        )
        self._duration = Histogram(
            "stylefuse_request_seconds", "Duration of requests", buckets=BUCKETS_S,
            registry=registry,
        )  # fmt: skip
        self._in_progress = Gauge(
            "stylefuse_requests_in_progress", "Requests that are being answered", registry=registry
        )
        self._version = Gauge(
            "stylefuse_model_version", "1 for the version that answers", ["version"],
            registry=registry,
        )  # fmt: skip

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/metrics":
            await self._publish(send)
        elif scope["path"] == SCORING_PATH:
            await self._measure(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _measure(self, scope: Any, receive: Any, send: Any) -> None:
        status = NO_STATUS

        async def send_and_note_status(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        start = time.perf_counter()
        self._in_progress.inc()
        try:
            await self._app(scope, receive, send_and_note_status)
        finally:
            self._in_progress.dec()
            self._requests.labels(status).inc()
            self._duration.observe(time.perf_counter() - start)

    async def _publish(self, send: Any) -> None:
        self._version.clear()
        self._version.labels(self._model_version()).set(1)
        content_type = (b"content-type", CONTENT_TYPE_LATEST.encode())
        await send({"type": "http.response.start", "status": 200, "headers": [content_type]})
        await send({"type": "http.response.body", "body": generate_latest(self._registry)})
