"""`stylefuse serve`: a real server, asked in every way."""

import http.client
import json
import math
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from itertools import islice

import pytest

from stylefuse.images.base64 import decode
from tests.support.fuzzing import GOOD_EVERY, send, send_all
from tests.support.hostile import Request, good_request, requests
from tests.support.models import encoded, noise
from tests.support.program import ENVIRONMENT, PROGRAM, stylefuse


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(project):
    """The address of `stylefuse serve`, answering; stopped at the end."""
    port = free_port()
    log = (project / "serve.log").open("w")
    process = subprocess.Popen(
        [PROGRAM, "serve", "--port", str(port)], cwd=project, env=ENVIRONMENT, stdout=log,
        stderr=log, start_new_session=True,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert process.poll() is None, (project / "serve.log").read_text()
            try:
                urllib.request.urlopen(f"{address}/ping", timeout=5)
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        log.close()


def ask(server, body):
    request = urllib.request.Request(
        f"{server}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def rows(*texts, **params):
    return {
        "dataframe_split": {"columns": ["content", "style"], "data": [list(row) for row in texts]},
        "params": params,
    }


GOOD = (encoded(noise(40, 30)), encoded(noise(20, 20)))


def test_the_server_paints(server):
    status, text = ask(server, rows(GOOD, GOOD, strength=0.5, size=20))
    assert status == 200
    pictures = [decode(row["picture"]) for row in json.loads(text)["predictions"]]
    assert [picture.size for picture in pictures] == [(20, 15), (20, 15)]
    with urllib.request.urlopen(f"{server}/metrics") as answer:
        told = answer.read().decode()
    assert 'stylefuse_requests_total{status="200"}' in told
    assert 'stylefuse_model_version{version="1"} 1.0' in told


WRONG = {
    "base64": (rows(("%%%", GOOD[1])), "row 1 of 1: content is not valid base64"),
    "null": (rows(GOOD, (GOOD[0], None)), "row 2 of 2: style is missing"),
    "columns": ({"dataframe_records": [{"content": GOOD[0]}]}, "style"),
    "no rows": (rows(), "no rows"),
    "too many": (rows(*[("", "")] * 99), "99 rows, more than the"),
    "strength": (rows(GOOD, strength=math.nan), "strength must be a number from 0 to 1"),
    "a parameter's type": (rows(GOOD, strength="much"), "strength"),
    "size": (rows(GOOD, size=10**6), "more than the"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_server_answers_a_mistake_with_a_sentence_and_stays_up(server, name):
    body, complaint = WRONG[name]
    status, text = ask(server, body)
    assert status == 400
    assert complaint in text
    assert "Traceback" not in text
    assert ask(server, rows(GOOD, size=16))[0] == 200


JSON = {"Content-Type": "application/json"}
FOREIGN = {
    "no type": ({}, 415, "send application/json or text/csv"),
    "another name": ({"Host": "evil.example"}, 403, "this server has another name"),
    "another site": ({"Origin": "https://evil.example"}, 403, "pages of other sites"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_the_server_looks_at_who_asks_and_for_what(server, name):
    headers, refusal, complaint = FOREIGN[name]
    given = JSON | headers if headers else {}
    status, body, _ = send(port_of(server), Request(good_request().body, given))
    assert status == refusal
    assert complaint in json.loads(body)["error"]
    assert ask(server, rows(GOOD, size=16))[0] == 200


def test_a_request_that_never_ends_is_refused_as_it_comes(server):
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server))
    pieces = (b"a" * 10**6 for _ in range(70))
    connection.request("POST", "/invocations", pieces, JSON, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"larger than the 64,000,000 bytes allowed" in answer.read()
    assert ask(server, rows(GOOD, size=16))[0] == 200


def test_hostile_requests_break_nothing(server):
    found = send_all(port_of(server), islice(requests(11), 300))
    assert found.faults == []
    assert found.answers[200] >= 300 // GOOD_EVERY
    assert found.answers[400] > 100


def port_of(server):
    return int(server.rpartition(":")[2])


def test_a_port_in_use_is_told_before_anything_starts(project, server):
    port = server.rpartition(":")[2]
    for command in ("serve", "ui"):
        done = stylefuse(project, command, "--port", port)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert f"127.0.0.1:{port} cannot be used" in line
        assert "--port" in line
