"""Connections without a complete request are limited in time and number; others are answered."""

import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
import uvicorn

from stylefuse.serving import connections
from stylefuse.serving.connections import LimitedProtocol

HALF = b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX-Half: "
WHOLE = HALF + b"0\r\n\r\n"
LARGE = 20_000_000  # bytes
ASK_LARGE = WHOLE.replace(b"/ping", b"/large")


@pytest.fixture
def port(monkeypatch):
    """Of a server that answers "ok" after the body has arrived, and to "/large" as many bytes as no
    socket keeps; at most three connections."""
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(connections, "HEADER_TIMEOUT_S", 0.5)

    async def application(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        body = b"ok" if scope["path"] != "/large" else bytes(LARGE) + b"ok"
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(
        application, port=0, http=LimitedProtocol, log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@contextmanager
def connection(port, sent=b""):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(sent)
        yield client


def received(client):
    """What the server sends, up to the end of an answer or of the connection."""
    data = b""
    with suppress(ConnectionResetError):
        while not data.endswith(b"ok") and (more := client.recv(1 << 20)):
            data += more
    return data


def test_half_a_header_is_disconnected_after_a_while(port):
    with connection(port, HALF) as client:
        start = time.monotonic()
        assert received(client) == b""
        assert time.monotonic() - start > 0.3


def test_half_a_second_header_is_disconnected_too(port):
    with connection(port, WHOLE) as client:
        assert received(client).endswith(b"ok")
        client.sendall(HALF)
        assert received(client) == b""


def test_headers_without_end_are_answered_once_and_write_no_traceback(port, caplog):
    with connection(port, HALF + b"y" * 1_000_000 + b"\r\n\r\n") as client:
        assert received(client).startswith(b"HTTP/1.1 400")
    with connection(port, WHOLE) as client:  # the server is still there
        assert received(client).endswith(b"ok")
    assert "Fatal error" not in caplog.text


def test_a_slow_body_is_not_a_slow_header(port):
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
    with connection(port, head) as client:
        time.sleep(0.8)
        client.sendall(b"{}")
        assert received(client).endswith(b"ok")


def test_many_half_headers_leave_room_for_a_good_request(port):
    with ExitStack() as opened:
        clients = [opened.enter_context(connection(port, HALF)) for _ in range(20)]
        with connection(port, WHOLE) as good:
            assert received(good).endswith(b"ok")
        assert received(clients[0]) == b""


def test_each_address_has_a_limit_of_its_own(port, monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS_PER_ADDRESS", 1)
    with connection(port, HALF) as first, connection(port, WHOLE) as second:
        assert received(second).endswith(b"ok")
        assert received(first) == b""


def test_an_answer_that_is_not_read_is_dropped_after_a_while(port, monkeypatch):
    monkeypatch.setattr(connections, "ANSWER_TIMEOUT_S", 0.5)
    with connection(port, ASK_LARGE) as client:
        time.sleep(1.5)
        assert len(received(client)) < LARGE


def test_beyond_the_limit_of_unread_answers_the_oldest_is_dropped(port, monkeypatch):
    monkeypatch.setattr(connections, "MAX_UNREAD_BYTES", LARGE * 1.5)
    with connection(port, ASK_LARGE) as first:
        time.sleep(0.5)
        with connection(port, ASK_LARGE) as second:
            time.sleep(0.5)
            assert received(second).endswith(b"ok")
            assert len(received(first)) < LARGE


def test_a_large_answer_that_is_read_is_complete(port):
    with connection(port, ASK_LARGE) as client:
        assert len(received(client)) > LARGE


@pytest.mark.parametrize(("chunk", "is_answered"), [(1, False), (40, False), (1000, True)])
def test_a_body_in_tiny_chunks_is_refused(port, chunk, is_answered):
    """Each chunk takes as long as a large one, so that a few megabytes would stop the server."""
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = (b"%x\r\n" % chunk + bytes(chunk) + b"\r\n") * (100_000 // chunk)
    with connection(port) as client:
        with suppress(ConnectionError):
            client.sendall(head + body + b"0\r\n\r\n")
        assert received(client).endswith(b"ok") is is_answered
