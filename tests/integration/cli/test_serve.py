"""`stylefuse serve` as a process: what it answers to valid, wrong and hostile requests."""

import http.client
import json
import math
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from itertools import islice

import pytest

from stylefuse.errors import UserError
from stylefuse.images.base64 import decode
from tests.support.fuzzing import VALID_INTERVAL, send, send_all
from tests.support.hostile import Request, requests, valid_request
from tests.support.models import encoded, noise
from tests.support.program import ENVIRONMENT, PROGRAM, run_command
from tests.support.servers import free_port

JSON = {"Content-Type": "application/json"}
ROW = (encoded(noise(40, 30)), encoded(noise(20, 20)))  # content and style


@pytest.fixture(scope="module")
def port(project):
    """The port of a server that answers; it is stopped at the end."""
    port, log = free_port(), project / "serve.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--port", str(port)], cwd=project, env=ENVIRONMENT, stdout=file,
            stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        while True:
            assert process.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5)
                break
            except OSError:
                time.sleep(0.2)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def invoke(port, body):
    """Status and text of the answer to a JSON document."""
    address = f"http://127.0.0.1:{port}/invocations"
    request = urllib.request.Request(address, json.dumps(body).encode(), JSON)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def rows(*rows, **params):
    return {
        "dataframe_split": {"columns": ["content", "style"], "data": [list(row) for row in rows]},
        "params": params,
    }


def assert_answers(port):
    assert invoke(port, rows(ROW, size=16))[0] == 200


def test_pictures_are_painted_and_counted(port):
    status, text = invoke(port, rows(ROW, ROW, strength=0.5, size=20))
    assert status == 200
    pictures = [decode(row["picture"]) for row in json.loads(text)["predictions"]]
    assert [picture.size for picture in pictures] == [(20, 15), (20, 15)]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        metrics = response.read().decode()
    assert 'stylefuse_requests_total{status="200"}' in metrics
    assert 'stylefuse_model_version{version="1"} 1.0' in metrics


WRONG_REQUESTS = {  # request → what its answer has to name
    "base64": (rows(("%%%", ROW[1])), ("row 1 of 1", "content", "base64")),
    "null": (rows(ROW, (ROW[0], None)), ("row 2 of 2", "style")),
    "columns": ({"dataframe_records": [{"content": ROW[0]}]}, ("style",)),
    "no rows": (rows(), ("no rows",)),
    "too many rows": (rows(*[("", "")] * 99), ("99 rows",)),
    "strength": (rows(ROW, strength=math.nan), ("strength", "from 0 to 1")),
    "type of a parameter": (rows(ROW, strength="much"), ("strength",)),
    "size": (rows(ROW, size=10**6), ("size", "1000000")),
}


@pytest.mark.parametrize("name", WRONG_REQUESTS)
def test_a_wrong_request_is_answered_with_a_message(port, name):
    body, details = WRONG_REQUESTS[name]
    status, text = invoke(port, body)
    assert status == 400
    assert [detail for detail in details if detail not in text] == []
    assert "Traceback" not in text
    assert_answers(port)


FOREIGN_REQUESTS = {  # headers, status, what the answer has to name
    "no content type": ({}, 415, "application/json"),
    "another host": (JSON | {"Host": "evil.example"}, 403, "name"),
    "another origin": (JSON | {"Origin": "https://evil.example"}, 403, "sites"),
}


@pytest.mark.parametrize("name", FOREIGN_REQUESTS)
def test_host_origin_and_content_type_are_checked(port, name):
    headers, expected_status, detail = FOREIGN_REQUESTS[name]
    status, body, _ = send(port, Request(valid_request().body, headers))
    assert status == expected_status
    assert detail in json.loads(body)["error"]
    assert_answers(port)


def test_an_endless_request_is_refused_while_it_arrives(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    chunks = (b"a" * 10**6 for _ in range(70))
    connection.request("POST", "/invocations", chunks, JSON, encode_chunked=True)
    response = connection.getresponse()
    assert response.status == 413
    assert b"64,000,000 bytes" in response.read()
    assert_answers(port)


def test_hostile_requests_break_nothing(port):
    outcome = send_all(port, islice(requests(11), 300))
    assert outcome.faults == []
    assert outcome.answers[200] >= 300 // VALID_INTERVAL
    assert outcome.answers[400] > 100


@pytest.mark.parametrize("command", ["serve", "ui", "app"])
def test_a_port_in_use_is_refused_before_anything_starts(in_project, port, command):
    with pytest.raises(UserError, match=f"127.0.0.1:{port}.*--port") as error:
        run_command(command, "--port", port)
    assert error.value.code == "port-unavailable"
