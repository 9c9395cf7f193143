"""How long a valid request takes while a server is attacked.

    python -m benchmarks.robustness.attacks

Takes a minute on two cores, and needs only the shipped weights. The server may open 1,024 files, as
usual. Expected: less than ten seconds beside pictures that take long to decode and bodies that stop
arriving, and less than two after dropped requests and beside half-sent headers.
"""

import json
import resource
import socket
import tempfile
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.fuzzing import send
from tests.support.hostile_pictures import scan_bomb, small_chunks
from tests.support.hostile_requests import Request, valid_request
from tests.support.models import encoded, noise
from tests.support.servers import free_port, server

from benchmarks import report
from benchmarks.robustness.project import registered_project
from stylefuse.images.file_checks import MAX_SCANS

OPEN_FILES = 1024  # that the server may open
BOMBS, STALLED, DROPPED, HALF_HEADERS = 6, 5, 500, 1100
HEAD_START_S = 1.0  # of the pictures before the valid request
STALLED_BYTES, ARRIVED_BYTES = 60_000_000, 59_000_000  # of a body
STALLED_HEAD_START_S = 6.0  # by when a body counts as slow

Attack = Callable[[int], "Iterator[str]"]  # port → a context in which the attack goes on


def main() -> None:
    args = report.parser(__doc__).parse_args()
    attacks: dict[str, Attack] = {
        f"{BOMBS} JPEGs of 40 megapixels in 50,000 scans": lambda port: _bombs(port, 50_000),
        f"{BOMBS} JPEGs of 40 megapixels in {MAX_SCANS} scans": lambda port: _bombs(
            port, MAX_SCANS - 1
        ),
        f"{BOMBS} PNGs of 12 MB in a million chunks": _small_chunks,
        f"{STALLED} bodies of 60 MB that stop arriving": _stalled_bodies,
        f"{DROPPED} requests whose clients disconnect": _dropped_requests,
        f"{HALF_HEADERS:,} half-sent headers": _half_headers,
    }
    own_limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        folder, port = registered_project(Path(name)), free_port()
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, most))  # the server inherits it
        with server("serve", port, folder / "log", folder=folder):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(own_limit, 2 * HALF_HEADERS), most))
            send(port, valid_request())
            rows["none"] = {"a valid request": _timed_request(port)}
            for title, attack in attacks.items():
                with contextmanager(attack)(port) as outcome:
                    rows[title] = {"a valid request": _timed_request(port)}
                rows[title]["answers to the attack"] = outcome()
    report.write(
        args.docs, "attacks", "Requests beside attacks",
        report.paragraph(__doc__, -1), report.table(rows, "attack"),
    )  # fmt: skip


def _timed_request(port: int) -> str:
    status, _, seconds = send(port, valid_request())
    return f"{seconds:.2f} s (status {status})"


def _bombs(port: int, scans: int) -> Iterator[Callable[[], str]]:
    return _pictures(port, lambda number: scan_bomb(scans, 6320, 6320 - number))


def _small_chunks(port: int) -> Iterator[Callable[[], str]]:
    return _pictures(port, lambda number: small_chunks(1_000_000 + number))


def _pictures(port: int, picture: Callable[[int], bytes]) -> Iterator[Callable[[], str]]:
    style, statuses = encoded(noise(64, 64)), Counter()
    bodies = []
    for number in range(BOMBS):
        content = b64encode(picture(number)).decode()
        document = {"dataframe_records": [{"content": content, "style": style}]}
        bodies.append(json.dumps(document).encode())

    def attack(body: bytes) -> None:
        statuses[send(port, Request(body))[0]] += 1

    clients = [threading.Thread(target=attack, args=(body,)) for body in bodies]
    for client in clients:
        client.start()
    time.sleep(HEAD_START_S)
    yield lambda: ", ".join(f"{count} × {status}" for status, count in statuses.items())
    for client in clients:
        client.join()


def _stalled_bodies(port: int) -> Iterator[Callable[[], str]]:
    head = (
        "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {STALLED_BYTES}\r\n\r\n"
    ).encode()
    with ExitStack() as opened:
        for _ in range(STALLED):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(head + bytes(ARRIVED_BYTES))
        time.sleep(STALLED_HEAD_START_S)
        yield lambda: "–"


def _dropped_requests(port: int) -> Iterator[Callable[[], str]]:
    body = json.dumps(
        {"dataframe_records": [{name: encoded(noise(512, 512)) for name in ("content", "style")}]}
    ).encode()
    head = (
        "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    for _ in range(DROPPED):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(head + body)
    yield lambda: "–"


def _half_headers(port: int) -> Iterator[Callable[[], str]]:
    with ExitStack() as opened:
        for _ in range(HALF_HEADERS):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX: ")
        yield lambda: "–"


if __name__ == "__main__":
    main()
