"""Hostile input, sent; and what came of it, counted."""

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
from tests.support.hostile import Request, good_request

GOOD_EVERY = 50
SECONDS = 120  # that an answer may take
UNFINISHED = 0.5  # seconds to wait for an answer to a request that may have no end
TRACES = (b"Traceback", b"stack_trace", b'File "', b"site-packages")
CLOSED = 0  # stands for the status of what has none: a connection closed without an answer


@dataclass
class Outcome:
    """What came of some input.

    Attributes:
        answers: how many there were of each status.
        faults: what should not have been: a sentence for each.
    """

    answers: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def add(self, other: "Outcome") -> None:
        self.answers += other.answers
        self.faults += other.faults
        self.slowest = max(self.slowest, other.slowest)


def open_all(broken: Iterator[str], most_pixels: int) -> Outcome:
    """Decode texts: each is a picture, or a mistake told in one sentence."""
    found = Outcome()
    for number, text in enumerate(broken):
        start = time.perf_counter()
        try:
            picture = decode(text, "it", most_pixels)
            kind = f"a picture, {picture.mode}"
        except UserError as error:
            kind = "refused"
            if "\n" in str(error) or not str(error).startswith("it "):
                found.faults.append(f"picture {number}: {error}")
        except Exception as error:
            kind = "fault"
            found.faults.append(f"picture {number}: {error!r}")
        found.answers[kind] += 1
        found.slowest = max(found.slowest, time.perf_counter() - start)
    return found


def send_all(port: int, broken: Iterator[Request], clients: int = 4) -> Outcome:
    """Send requests to a scoring server of the transfer model, and every 50th a good one."""
    found, given = Outcome(), list(broken)
    for number in range(GOOD_EVERY - 1, len(given), GOOD_EVERY):
        given[number] = good_request()
    right = send(port, good_request())
    with ThreadPoolExecutor(clients) as pool:
        for number, (request, (status, body, seconds)) in enumerate(
            zip(given, pool.map(lambda one: send(port, one), given), strict=True)
        ):
            found.answers[status] += 1
            found.slowest = max(found.slowest, seconds)
            if why := _fault(number, request, status, body, right[1]):
                found.faults.append(f"request {number}: {why}")
    return found


def _fault(number: int, request: Request, status: int, body: bytes, right: bytes) -> str | None:
    if number % GOOD_EVERY == GOOD_EVERY - 1:
        return None if (status, body) == (200, right) else f"a good one was answered {status}"
    if status >= 500:
        return f"{status} {body[:200]!r} to {request.body[:200]!r} {request.raw[:200]!r}"
    if any(trace in body for trace in TRACES):
        return f"a stack trace in {body[:400]!r}"
    if status == CLOSED and not request.raw:
        return f"no answer to {request.method} {request.path} {request.body[:200]!r}"
    if status >= 400 and len(body) > 1000:
        return f"{len(body)} bytes of answer"
    if status >= 400 and body.startswith(b"{") and set(json.loads(body)) != {"error"}:
        return f"no sentence: {body!r}"
    return None


def send(port: int, request: Request) -> tuple[int, bytes, float]:
    """Status, body and seconds of an answer."""
    start = time.perf_counter()
    try:
        status, body = _send_raw(port, request.raw) if request.raw else _send(port, request)
    except (ConnectionError, TimeoutError, http.client.BadStatusLine):
        status, body = CLOSED, b""
    return status, body, time.perf_counter() - start


def _send(port: int, request: Request) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
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
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(raw)
        connection.settimeout(UNFINISHED)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()
