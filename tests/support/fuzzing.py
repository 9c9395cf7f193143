"""Sends malformed input to the decoder and to a scoring server, and collects what went wrong."""

import http.client
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from stylefuse.errors import UserError
from stylefuse.images.base64 import decode
from tests.support.hostile_requests import Request, valid_request

VALID_INTERVAL = 50  # every 50th request is a valid one
TIMEOUT_S = 120
RAW_TIMEOUT_S = 0.5  # for the answer to a request that may not be complete
TRACEBACK_MARKS = (b"Traceback", b"stack_trace", b'File "', b"site-packages")
MAX_ERROR_BYTES = 1000
CLOSED = 0  # in place of a status: the connection was closed without an answer


@dataclass
class Outcome:
    """The outcome of a series of inputs.

    Attributes:
        answers: number of answers by their status.
        faults: a description of each answer that is not allowed.
        slowest_s: duration of the slowest answer.
    """

    answers: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def add(self, other: "Outcome") -> None:
        self.answers += other.answers
        self.faults += other.faults
        self.slowest_s = max(self.slowest_s, other.slowest_s)


def open_all(texts: Iterator[str], max_pixels: int) -> Outcome:
    """Decode texts; each must be a picture or raise a `UserError` of one line."""
    outcome = Outcome()
    for number, text in enumerate(texts):
        start = time.perf_counter()
        try:
            status = f"a picture, {decode(text, 'it', max_pixels).mode}"
        except UserError as error:
            status = "refused"
            if "\n" in str(error) or not str(error).startswith("it "):
                outcome.faults.append(f"picture {number}: {error}")
        except Exception as error:
            status = "fault"
            outcome.faults.append(f"picture {number}: {error!r}")
        outcome.answers[status] += 1
        outcome.slowest_s = max(outcome.slowest_s, time.perf_counter() - start)
    return outcome


def send_all(port: int, requests: Iterator[Request], clients: int = 4) -> Outcome:
    """Send requests to a scoring server of the transfer model, with valid ones among them.

    Args:
        port: of the server.
        requests: to send.
        clients: number of connections at a time.
    """
    outcome, series = Outcome(), list(requests)
    for number in range(VALID_INTERVAL - 1, len(series), VALID_INTERVAL):
        series[number] = valid_request()
    _, expected, _ = send(port, valid_request())
    with ThreadPoolExecutor(clients) as pool:
        answers = pool.map(lambda request: send(port, request), series)
        for number, (request, answer) in enumerate(zip(series, answers, strict=True)):
            status, body, seconds = answer
            outcome.answers[status] += 1
            outcome.slowest_s = max(outcome.slowest_s, seconds)
            if fault := _fault(number, request, status, body, expected):
                outcome.faults.append(f"request {number}: {fault}")
    return outcome


def _fault(number: int, request: Request, status: int, body: bytes, expected: bytes) -> str | None:
    if number % VALID_INTERVAL == VALID_INTERVAL - 1:
        is_expected = (status, body) == (200, expected)
        return None if is_expected else f"a valid request was answered {status}"
    if status >= 500:
        return f"{status} {body[:200]!r} to {request.body[:200]!r} {request.raw[:200]!r}"
    if any(mark in body for mark in TRACEBACK_MARKS):
        return f"a stack trace in {body[:400]!r}"
    if status == CLOSED and not request.raw:
        return f"no answer to {request.method} {request.path} {request.body[:200]!r}"
    if status >= 400 and len(body) > MAX_ERROR_BYTES:
        return f"an error of {len(body)} bytes"
    if status >= 400 and body.startswith(b"{") and set(json.loads(body)) != {"error"}:
        return f"no error message: {body!r}"
    return None


def send(port: int, request: Request) -> tuple[int, bytes, float]:
    """Send a request; returns the answer's status, its body and the seconds it took."""
    start = time.perf_counter()
    try:
        status, body = _send_raw(port, request.raw) if request.raw else _send(port, request)
    except (ConnectionError, TimeoutError, http.client.BadStatusLine):
        status, body = CLOSED, b""
    return status, body, time.perf_counter() - start


def _send(port: int, request: Request) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.putrequest(request.method, request.path, skip_host="Host" in request.headers)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _send_raw(port: int, raw: bytes) -> tuple[int, bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
        connection.sendall(raw)
        connection.settimeout(RAW_TIMEOUT_S)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()
