"""`stylefuse serve` as a process: one server answers all requests of this file."""

import base64
import http.client
import io
import json
import math
import shutil
import socket
import threading
import urllib.error
import urllib.request
from itertools import islice

import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.images.base64 import decode
from stylefuse.images.statistics import statistics
from stylefuse.monitoring.request_log import ANSWERED, CANCELLED, RequestLog
from stylefuse.registry.fetch import download
from stylefuse.registry.promotion import promote, rollback
from stylefuse.registry.store import CHAMPION, open_store, registered_name
from stylefuse.serving.pyfunc import MAX_PICTURES_AT_ONCE
from tests.support.foreign_code import add_foreign_loader
from tests.support.fuzzing import VALID_INTERVAL, send, send_all
from tests.support.hostile_requests import Request, requests, valid_request
from tests.support.models import encoded, noise
from tests.support.program import run_command
from tests.support.servers import wait_for

JSON = {"Content-Type": "application/json"}
ROW = (encoded(noise(40, 30)), encoded(noise(20, 20)))


def ask(port, document, timeout_s=150):
    """Status and text of the answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", json.dumps(document).encode(), JSON
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def rows(*rows, **params):
    split = {"columns": ["content", "style"], "data": [list(row) for row in rows]}
    return {"dataframe_split": split, "params": params}


def metrics(port):
    """Name and label of a metric → its value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_server_paints(port):
    status, text = ask(port, rows(ROW, ROW, strength=0.5, size=20))
    assert status == 200
    pictures = [decode(row["picture"]) for row in json.loads(text)["predictions"]]
    assert [picture.size for picture in pictures] == [(20, 15), (20, 15)]
    values = metrics(port)
    assert values["stylefuse_requests_total", "200"] >= 1
    assert values["stylefuse_model_version", "1"] == 1


INVALID = {  # request → what its answer has to name
    "base64": (rows(("%%%", ROW[1])), ["row 1 of 1: content is not valid base64"]),
    "null": (rows(ROW, (ROW[0], None)), ["row 2 of 2: style is missing"]),
    "columns": ({"dataframe_records": [{"content": ROW[0]}]}, ["style"]),
    "no rows": (rows(), ["no rows"]),
    "too many": (rows(*[("", "")] * 99), ["99 rows, more than the"]),
    "strength": (rows(ROW, strength=math.nan), ["strength must be a number from 0 to 1"]),
    "a parameter's type": (rows(ROW, strength="much"), ["strength"]),
    "size": (rows(ROW, size=10**6), ["size", "1000000", "more than the"]),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_request_gets_a_message_and_the_server_stays_up(port, name):
    document, details = INVALID[name]
    status, text = ask(port, document)
    assert status == 400
    assert [detail for detail in details if detail not in text] == []
    assert "Traceback" not in text
    assert ask(port, rows(ROW, size=16))[0] == 200


REJECTED = {
    "no type": ({}, 415, "send application/json or text/csv"),
    "another name": ({"Host": "evil.example"}, 403, "this server has another name"),
    "another site": ({"Origin": "https://evil.example"}, 403, "pages of other sites"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_the_server_checks_headers(port, name):
    extra, expected_status, message = REJECTED[name]
    status, body, _ = send(port, Request(valid_request().body, JSON | extra if extra else {}))
    assert status == expected_status
    assert message in json.loads(body)["error"]
    assert ask(port, rows(ROW, size=16))[0] == 200


def test_an_endless_request_is_rejected_while_it_arrives(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    chunks = (b"a" * 10**6 for _ in range(70))
    connection.request("POST", "/invocations", chunks, JSON, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"larger than the 64,000,000 bytes allowed" in answer.read()
    assert ask(port, rows(ROW, size=16))[0] == 200


def test_malformed_requests_break_nothing(port):
    outcome = send_all(port, islice(requests(11), 300))
    assert outcome.faults == []
    assert outcome.answers[200] >= 300 // VALID_INTERVAL
    assert outcome.answers[400] > 100


def test_clients_that_disconnect_free_their_slots(port, in_project):
    """Each slow request would paint for half a minute and keep its slot for as long."""
    log = RequestLog(load_params().monitor.request_log.absolute())
    before = log.traffic("transfer", 0).outcomes[CANCELLED]
    slow = rows((encoded(noise(700, 700)), ROW[1]), quality="painted")
    body = json.dumps(slow).encode()
    head = (
        "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    clients = [
        socket.create_connection(("127.0.0.1", port)) for _ in range(MAX_PICTURES_AT_ONCE + 1)
    ]
    for client in clients:
        client.sendall(head + body)

    def all_slots_are_taken():
        try:
            ask(port, rows(ROW, size=16), timeout_s=3)
        except TimeoutError:
            return True
        return False

    wait_for(all_slots_are_taken)
    for client in clients:
        client.close()
    assert ask(port, rows(ROW, size=16))[0] == 200
    wait_for(lambda: metrics(port)["stylefuse_requests_in_progress",] == 0)
    wait_for(lambda: log.traffic("transfer", 0).outcomes[CANCELLED] == before + len(clients) + 1)


def test_a_promotion_is_followed_and_no_request_is_dropped(port, in_project):
    registry = load_params().registry
    document = {"dataframe_records": [{"content": ROW[0], "style": ROW[1]}]}
    answers, failures, ended = [], [], threading.Event()

    def pixels():
        status, text = ask(port, document)
        if status != 200:
            raise OSError(text)
        (picture,) = json.loads(text)["predictions"]
        return Image.open(io.BytesIO(base64.b64decode(picture["picture"]))).tobytes()

    def keep_asking():
        while not ended.is_set():
            try:
                answers.append(pixels())
            except OSError as error:
                failures.append(error)

    first = pixels()
    clients = [threading.Thread(target=keep_asking) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        promote(registry, "transfer", 2, "as a test")
        wait_for(lambda: metrics(port).get(("stylefuse_model_version", "2")))
        second = pixels()
        rollback(registry, "transfer", "as a test")
        wait_for(lambda: metrics(port).get(("stylefuse_model_version", "1")))
        assert pixels() == first
    finally:
        ended.set()
        for client in clients:
            client.join(60)
    assert failures == []
    assert len(answers) > 10
    assert first != second
    assert set(answers) == {first, second}


def test_code_that_a_version_brings_along_is_not_executed(port, in_project, tmp_path):
    """A version that somebody wrote into the store and made champion without this project."""
    name, registry = registered_name("transfer"), load_params().registry
    client, mark = open_store(registry), tmp_path / "executed"
    shutil.copytree(download(f"models:/{name}/1", registry), tmp_path / "model")
    add_foreign_loader(tmp_path / "model", mark)
    foreign = client.create_model_version(name, f"file://{tmp_path}/model").version
    log = in_project / "serve.log"
    try:
        client.set_registered_model_alias(name, CHAMPION, foreign)
        wait_for(lambda: "version 1 stays loaded: " in log.read_text())
        assert "is not as it was signed" in log.read_text()
        assert ask(port, rows(ROW))[0] == 200
        assert metrics(port)["stylefuse_model_version", "1"]
    finally:
        client.set_registered_model_alias(name, CHAMPION, "1")
        client.delete_model_version(name, foreign)
    assert not mark.exists()


def test_requests_are_logged_as_statistics(port, in_project):
    path = load_params().monitor.request_log.absolute()
    log = RequestLog(path)
    pictures = [noise(40, 30, seed=seed) for seed in (98, 98, 99)]
    for text in map(encoded, pictures):
        assert ask(port, rows((text, text)))[0] == 200
    repeated, last = (statistics(picture)["detail"] for picture in pictures[1:])

    def details():
        return log.statistics("transfer", "content", 100)["detail"]

    wait_for(lambda: last in details())
    assert details().count(repeated) == 1  # a picture that is sent again counts once
    assert log.traffic("transfer", 0).outcomes[ANSWERED] >= len(pictures)
    assert encoded(pictures[0])[:40].encode() not in path.read_bytes()


@pytest.mark.parametrize("command", ["serve", "ui", "app"])
def test_a_port_in_use_is_reported_before_anything_starts(in_project, port, command):
    with pytest.raises(UserError, match=f"127.0.0.1:{port} cannot be used .*--port") as error:
        run_command(command, "--port", port)
    assert error.value.code == "port-unavailable"
