"""What `RequestLimits` passes on to the scoring application, and how it answers errors."""

import asyncio
import json
import logging
import threading

import pytest

from stylefuse.cancellation import Cancelled, active_cancellation, check_cancelled
from stylefuse.config import load_params
from stylefuse.serving import limits as limits_module
from stylefuse.serving.limits import (
    CHECK_THREADS,
    INTERNAL_ERROR,
    MAX_MESSAGE_CHARS,
    PARSED_JSON,
    TIMEOUT_ERROR,
    RequestLimits,
)
from tests.support.asgi import JSON, error_of, request, request_async
from tests.unit.test_config import SHIPPED

LIMITS = load_params(SHIPPED).serve.model_copy(
    update={"max_body": 5000, "max_held": 8000, "receive_seconds": 0.2, "max_values": 50}
)
VALID = b'{"inputs": {"content": ["a[[[{"], "style": ["b"]}}'


async def body_size(scope, receive, send):
    """Answers with the number of bytes that it was given."""
    message = await receive()
    await respond(send, 200, str(len(message["body"])).encode())


async def respond(send, status, body):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body[:5], "more_body": True})
    await send({"type": "http.response.body", "body": body[5:]})


def limited(app=body_size, **limits):
    return RequestLimits(app, LIMITS.model_copy(update=limits))


def test_a_valid_request_arrives_complete_and_its_answer_passes():
    table = b"content,style\na,b\n"
    csv = {"content-type": "text/csv"}
    status, _, body = request(limited(), table[:7], b"", table[7:], headers=csv)
    assert (status, body) == (200, str(len(table)).encode())
    assert request(limited(), method="GET", headers={})[::2] == (200, b"0")


def test_the_application_finds_the_body_parsed():
    async def answer_parsed(scope, receive, send):
        assert (await receive())["body"] == b""  # it would take memory
        await respond(send, 200, json.dumps(scope[PARSED_JSON]).encode())

    app = limited(answer_parsed)
    assert json.loads(request(app, VALID)[2]) == json.loads(VALID)
    assert app._bytes_held == 0


def test_a_parsed_body_counts_until_it_is_answered():
    held = []

    async def note(scope, receive, send):
        held.append(app._bytes_held)
        await respond(send, 200, b"")

    app = limited(note)
    assert request(app, VALID)[0] == 200
    assert held == [len(VALID)]


def test_a_body_is_counted_while_it_arrives():
    largest = VALID.ljust(LIMITS.max_body)
    app = limited()
    assert request(app, largest[:4000], largest[4000:])[0] == 200
    wrong_length = JSON | {"content-length": "5"}
    status, message = error_of(app, *[largest[:1000]] * 500, headers=wrong_length)
    assert (status, message) == (413, "the request is larger than the 5,000 bytes allowed")
    assert request(app, VALID)[0] == 200


def test_the_bytes_of_all_requests_are_limited_and_released():
    largest = VALID.ljust(LIMITS.max_body)

    async def slow(scope, receive, send):
        await asyncio.sleep(0.05)
        await body_size(scope, receive, send)

    app = limited(slow, receive_seconds=9.0)

    async def two_requests():
        requests = [request_async(app, largest, pause_s=pause_s) for pause_s in (0.01, 0.02)]
        return await asyncio.gather(*requests)

    first, second = asyncio.run(two_requests())
    assert first[0] == 200
    assert second[0] == 503
    assert b"send this one again" in second[2]
    assert request(app, largest)[0] == 200


def test_beyond_a_number_of_requests_others_are_refused_but_for_health_checks(monkeypatch):
    monkeypatch.setattr(limits_module, "MAX_ANSWERING", 2)

    async def slow(scope, receive, send):
        await asyncio.sleep(0.2 if scope["method"] == "POST" else 0)
        await body_size(scope, receive, send)

    app = limited(slow, receive_seconds=9.0)

    async def requests():
        posts = [asyncio.create_task(request_async(app, VALID)) for _ in range(3)]
        await asyncio.sleep(0.1)
        ping = await request_async(app, method="GET", headers={}, path="/ping")
        return sorted([post[0] for post in await asyncio.gather(*posts)]), ping[0]

    assert asyncio.run(requests()) == ([200, 200, 503], 200)
    assert request(app, VALID)[0] == 200


def test_a_slow_client_gets_an_error_and_is_disconnected():
    status, headers, body = request(limited(), *[b"["] * 50, pause_s=0.05)
    assert status == 408
    assert json.loads(body)["error"] == "the request took longer than 0.2 seconds to arrive"
    assert headers[b"connection"] == b"close"


def test_bodies_that_stop_arriving_make_way_for_others(monkeypatch):
    monkeypatch.setattr(limits_module, "SLOW_AFTER_S", 0.2)
    app = limited(receive_seconds=9.0)
    largest = VALID.ljust(LIMITS.max_body)

    async def stall_and_request():
        stalled = [
            asyncio.create_task(
                request_async(app, largest[:size], complete=False, disconnected=asyncio.Event())
            )
            for size in (3000, 4900)
        ]
        await asyncio.sleep(0.1)
        early = await request_async(app, largest)
        await asyncio.sleep(0.3)
        late = await request_async(app, largest)
        dropped = await stalled[1]
        remaining = stalled[0]
        assert not remaining.done()
        remaining.cancel()
        return early[0], late[0], dropped[0]

    assert asyncio.run(stall_and_request()) == (503, 200, 408)
    assert request(app, largest)[0] == 200


def test_a_client_that_disconnects_gets_no_answer():
    assert request(limited(), b"{", complete=False) is None


def test_a_body_whose_client_has_gone_is_not_checked(monkeypatch):
    app, checked = limited(), []
    monkeypatch.setattr("stylefuse.serving.limits.check_body", lambda *args: checked.append(args))
    blocked = threading.Event()
    for _ in range(CHECK_THREADS):
        app._check_pool.submit(blocked.wait)

    async def disconnect_while_it_waits():
        gone = asyncio.Event()
        waiting = asyncio.create_task(request_async(app, VALID, disconnected=gone))
        await asyncio.sleep(0.05)
        gone.set()
        await asyncio.sleep(0.05)
        blocked.set()
        return await waiting

    assert asyncio.run(disconnect_while_it_waits()) is None
    assert checked == []


def test_a_client_that_closes_after_its_body_causes_no_work(monkeypatch):
    async def close_at_once():
        gone = asyncio.Event()
        gone.set()
        return await request_async(limited(), VALID, disconnected=gone)

    monkeypatch.setattr("stylefuse.serving.limits.check_body", lambda *_: 1 / 0)
    assert asyncio.run(close_at_once()) is None


def test_an_invalid_body_and_another_content_type_are_rejected():
    assert error_of(limited(), b"[]")[0] == 400
    assert error_of(limited(), VALID, headers={"content-type": "text/plain"})[0] == 415
    assert error_of(limited(), VALID, headers={})[0] == 415


TRACE = 'Traceback (most recent call last):\n  File "/srv/secret.py", line 1'


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b"Internal Server Error", INTERNAL_ERROR),
        (500, json.dumps({"message": "secret", "stack_trace": TRACE}).encode(), INTERNAL_ERROR),
        (504, b"Request processing time exceeded limit", TIMEOUT_ERROR),
        (400, json.dumps({"message": "no rows", "stack_trace": TRACE}).encode(), "no rows"),
        (
            400,
            json.dumps({"message": "Failed to predict data 'x\nsecret'. \nError: row 1"}).encode(),
            "row 1",
        ),
        (400, json.dumps({"message": f"no column\n{TRACE}"}).encode(), "no column"),
        (400, json.dumps({"message": None}).encode(), "the request cannot be answered"),
        (404, b'{"detail": "Not Found"}', "Not Found"),
        (400, b"[1]", "[1]"),
        (415, b"only UTF-8", "only UTF-8"),
        (400, b"\xff" * 9000, "\N{REPLACEMENT CHARACTER}" * MAX_MESSAGE_CHARS),
    ],
)
def test_an_error_becomes_one_message(status, body, message):
    async def fail(scope, receive, send):
        await respond(send, status, body)

    assert error_of(limited(fail), VALID) == (status, message)


def test_details_of_an_exception_stay_in_the_log(caplog):
    async def fail(scope, receive, send):
        raise ZeroDivisionError("secret")

    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        assert error_of(limited(fail), VALID) == (500, INTERNAL_ERROR)
    assert "secret" in caplog.text


class EndlessWork:
    """An application that works in a thread until it is cancelled.

    Args:
        timeout_s: after which it answers 504, as MLflow's does; its thread works on.
    """

    def __init__(self, timeout_s=None):
        self.timeout_s, self.started, self.stopped = timeout_s, asyncio.Event(), asyncio.Event()

    async def __call__(self, scope, receive, send):
        loop = asyncio.get_running_loop()

        def work():
            loop.call_soon_threadsafe(self.started.set)
            try:
                while True:
                    check_cancelled()
            except Cancelled:
                loop.call_soon_threadsafe(self.stopped.set)

        thread = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.wait([thread], timeout=self.timeout_s)
        await respond(send, 504, b"too slow")


def test_a_disconnect_cancels_the_request_and_nothing_is_sent():
    async def disconnect_during_work():
        app, disconnected = EndlessWork(), asyncio.Event()
        waiting = asyncio.create_task(request_async(limited(app), VALID, disconnected=disconnected))
        await app.started.wait()
        disconnected.set()
        await app.stopped.wait()
        return await waiting

    assert asyncio.run(disconnect_during_work()) is None


def test_work_that_goes_on_behind_an_answer_is_cancelled():
    async def time_out():
        app = EndlessWork(timeout_s=0.05)
        status, _, body = await request_async(limited(app), VALID)
        await app.stopped.wait()
        return status, json.loads(body)["error"]

    assert asyncio.run(time_out()) == (504, TIMEOUT_ERROR)


def test_each_request_has_a_cancellation_of_its_own():
    cancellations = []

    async def note(scope, receive, send):
        cancellations.append(active_cancellation())
        assert not cancellations[-1].cancelled
        await respond(send, 200, b"")

    app = limited(note)
    assert [request(app, VALID)[0] for _ in range(2)] == [200, 200]
    assert cancellations[0] is not cancellations[1]
    assert active_cancellation() is None
