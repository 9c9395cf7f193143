"""What is let through to the scoring application, and what becomes of its answers."""

import asyncio
import json
import logging

import pytest

from stylefuse.config import load_params
from stylefuse.serving.host_check import HostCheck
from stylefuse.serving.limits import LONGEST, OURS, SLOW, RequestLimits
from tests.unit.test_config import SHIPPED

SHIPPED_LIMITS = load_params(SHIPPED).serve
LIMITS = SHIPPED_LIMITS.model_copy(
    update={"max_body": 5000, "max_held": 8000, "receive_seconds": 0.2, "max_values": 50}
)
JSON = {"content-type": "application/json"}
GOOD = b'{"inputs": {"content": ["a[[[{"], "style": ["b"]}}'


async def answers_well(scope, receive, send):
    """Says how many bytes it was given."""
    given = await receive()
    await reply(send, 200, str(len(given["body"])).encode())


async def reply(send, status, body):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body[:5], "more_body": True})
    await send({"type": "http.response.body", "body": body[5:]})


def fails_with(status, body):
    async def app(scope, receive, send):
        await reply(send, status, body)

    return app


async def ask_one(app, chunks, headers=JSON, method="POST", pause=0.0, ends=True):
    """Status, headers and body of the answer to a request that arrives in pieces."""
    scope = {
        "type": "http", "method": method, "path": "/invocations", "server": ("10.0.0.9", 5001),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    coming, sent = list(chunks), []

    async def receive():
        await asyncio.sleep(pause)
        if not coming:
            return {"type": "http.disconnect"}
        body = coming.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(coming) or not ends}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return None
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m["body"] for m in sent[1:])


def ask(app, *chunks, **how):
    return asyncio.run(ask_one(app, chunks, **how))


def told(app, *chunks, **how):
    """Status and sentence of a refusal."""
    status, _, body = ask(app, *chunks, **how)
    (key, text), *more = json.loads(body).items()
    assert (key, more) == ("error", [])
    assert "\n" not in text
    assert len(text) <= LONGEST
    return status, text


def guarded(app=answers_well, **limits):
    return RequestLimits(app, LIMITS.model_copy(update=limits))


def test_a_good_request_arrives_whole_and_its_answer_passes():
    assert ask(guarded(), GOOD[:7], b"", GOOD[7:])[::2] == (200, str(len(GOOD)).encode())
    assert ask(guarded(), b"", method="GET", headers={})[::2] == (200, b"0")


def test_a_body_is_counted_while_it_comes():
    full = GOOD.ljust(LIMITS.max_body)
    guard = guarded()
    assert ask(guard, full[:4000], full[4000:])[0] == 200
    lying = JSON | {"content-length": "5"}
    status, why = told(guard, *[full[:1000]] * 500, headers=lying)
    assert (status, why) == (413, "the request is larger than the 5,000 bytes allowed")
    assert ask(guard, GOOD)[0] == 200


def test_what_is_held_at_a_time_is_limited_and_given_back():
    guard, full = guarded(receive_seconds=9.0), GOOD.ljust(LIMITS.max_body)

    async def two():
        return await asyncio.gather(*[ask_one(guard, (full,), pause=p) for p in (0.01, 0.02)])

    async def slowly(scope, receive, send):
        await asyncio.sleep(0.05)
        await answers_well(scope, receive, send)

    guard._app = slowly
    first, second = asyncio.run(two())
    assert first[0] == 200
    assert second[0] == 503
    assert b"send this one again" in second[2]
    assert ask(guard, full)[0] == 200


def test_who_is_too_slow_is_told_and_let_go():
    status, headers, body = ask(guarded(), *[b"["] * 50, pause=0.05)
    assert status == 408
    assert json.loads(body)["error"] == "the request took longer than 0.2 seconds"
    assert headers[b"connection"] == b"close"


def test_who_goes_away_is_answered_nothing():
    assert ask(guarded(), b"{", ends=False) is None


@pytest.mark.parametrize(
    "named",
    [None, "", "text/plain", "application/vnd.apache.parquet", "application/json; charset=latin-1",
     "application/json; x=y", "application/jsonp", "multipart/form-data"],
)  # fmt: skip
def test_other_content_is_refused(named):
    headers = {} if named is None else {"content-type": named}
    status, why = told(guarded(), GOOD, headers=headers)
    assert status == 415
    assert "send application/json or text/csv in UTF-8" in why


@pytest.mark.parametrize(
    "named",
    ["application/json", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"'],
)
def test_json_has_several_spellings(named):
    assert ask(guarded(), GOOD, headers={"content-type": named})[0] == 200


DEEP = b'{"inputs": ' + b"[" * 30 + b"]" * 30 + b"}"
WRONG = {
    "empty": (b" \n", "is empty"),
    "no text": (b"\xff\xfe", "not text in UTF-8"),
    "another encoding": (GOOD.decode().encode("utf-16-le"), "not text in UTF-8"),
    "no JSON": (b"content=1", "not valid JSON: Expecting value at line 1, column 1"),
    "cut short": (GOOD[:-1], "not valid JSON"),
    "deep": (DEEP, "nested more than 16 levels deep"),
    "deep behind a string": (b'{"a\\"": "\\\\", ' + DEEP[1:], "nested more than"),
    "many values": (b'{"inputs": [' + b"1," * 60 + b"1]}", "more than the 50 values"),
    "many strings": (b'{"inputs": [' + b'"",' * 200 + b"1]}", "more than the 50 values"),
    "many brackets": (b"[" * 60, "more than the 50 values"),
    "a string without an end": (b'{"inputs": "[[[[' + b'\\"' * 50, "not valid JSON"),
    "a long number": (b'{"inputs": ' + b"9" * 4500 + b"}", "a number that is too long"),
    "a list": (b"[]", "must be an object with one of dataframe_split"),
    "no table": (b'{"prompt": "a"}', "must be an object with one of"),
    "two tables": (b'{"inputs": 1, "instances": 1}', "must be an object with one of"),
    "odd parameters": (b'{"inputs": 1, "params": [1]}', "params must be an object"),
    "odd columns": (
        b'{"dataframe_split": {"columns": [{}], "data": []}}', "columns must be a list of names"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_body_is_told(name):
    body, complaint = WRONG[name]
    status, why = told(guarded(), body)
    assert status == 400
    assert complaint in why


def test_a_table_in_csv_is_counted_too():
    csv = {"content-type": "text/csv"}
    assert ask(guarded(), b'content,style\n"a,b,,,,,\n\n",c', headers=csv)[0] == 200
    for many in (b"," * 60, b"a\n" * 60, b'""' * 200):
        assert "more than the 50 values" in told(guarded(), many, headers=csv)[1]


TRACE = 'Traceback (most recent call last):\n  File "/srv/secret.py", line 1'


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (500, b"Internal Server Error", OURS),
        (500, json.dumps({"message": "secret", "stack_trace": TRACE}).encode(), OURS),
        (504, b"Request processing time exceeded limit", SLOW),
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
        (400, b"\xff" * 9000, "\N{REPLACEMENT CHARACTER}" * LONGEST),
    ],
)
def test_what_is_not_well_answered_becomes_a_sentence(status, body, sentence):
    assert told(guarded(fails_with(status, body)), GOOD) == (status, sentence)


def test_a_fault_stays_in_the_log(caplog):
    async def fails(scope, receive, send):
        raise ZeroDivisionError("secret")

    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        assert told(guarded(fails), GOOD) == (500, OURS)
    assert "secret" in caplog.text


CALLED = {"host": "localhost:5001"}
FINE = (
    CALLED,
    {"host": "127.0.0.1:5001"},
    {"host": "[::1]:5001"},
    {"host": "LocalHost"},
    {"host": "10.0.0.9:5001"},  # the address that was reached
    {"host": "paint.example.org"},
    CALLED | {"origin": "http://localhost:5001"},
    CALLED | {"origin": "http://127.0.0.1:5001"},  # another name of the same server
    {"host": "paint.example.org", "origin": "https://paint.example.org"},
)
FOREIGN = (
    {},
    {"host": ""},
    {"host": "evil.example:5001"},
    {"host": "localhost.evil.example"},
    {"host": "evil@localhost"},
    {"host": "localhost:5001:1"},
    {"host": "[::1"},
    {"host": "10.0.0.8"},
    CALLED | {"origin": "null"},
    CALLED | {"origin": "http://evil.example"},
    CALLED | {"origin": "http://evil.example:5001"},
    CALLED | {"origin": "http://localhost:8080"},  # another program's page
    CALLED | {"origin": "http://localhost:5001@evil.example"},
)


@pytest.mark.parametrize("headers", FINE)
def test_callers_by_the_servers_own_names_are_let_in(headers):
    app = HostCheck(answers_well, ["Paint.example.org"])
    assert ask(app, GOOD, headers=headers)[0] == 200


@pytest.mark.parametrize("headers", FOREIGN)
def test_callers_by_another_name_and_pages_of_other_sites_are_refused(headers):
    app = HostCheck(answers_well, ["paint.example.org"])
    status, why = told(app, GOOD, headers=headers)
    assert status == 403
    assert "evil" not in why


def test_two_names_are_none():
    scope = {"type": "http", "headers": [(b"host", b"localhost"), (b"host", b"localhost")]}
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(HostCheck(answers_well)(scope, None, send))
    assert sent[0]["status"] == 403


def test_a_websocket_of_another_site_is_closed():
    scope = {"type": "websocket", "headers": [(b"host", b"evil.example")]}
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(HostCheck(answers_well)(scope, None, send))
    assert [message["type"] for message in sent] == ["websocket.close"]
