"""A server that follows its alias: it changes version under load, and drops nothing."""

import base64
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from stylefuse.config import load_params
from stylefuse.monitoring.request_log import FILE, RequestLog
from stylefuse.registry.fetch import champion_uri
from stylefuse.registry.promotion import promote, rollback
from stylefuse.registry.register import register
from stylefuse.serving.app import AliasFollower
from tests.support.models import SHAPES, encoded, make_model, make_project, noise

UNTIL = 90  # seconds


def test_a_version_that_cannot_be_loaded_leaves_the_present_one():
    wanted = ["1"]

    def load(version):
        if version == "2":
            raise OSError("half of it is missing")
        return lambda scope, receive, send: version

    app = AliasFollower(lambda: wanted[0], load)
    wanted[0] = "2"
    app.look()
    assert app.served == "1"
    wanted[0] = "3"
    app.look()
    assert app.served == "3"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A registry with two versions of a model: the first is champion."""
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_project(folder)
        params = load_params()
        for blocks in (1, 2):
            shape = {**SHAPES["restore"], "blocks": blocks}
            make_model(folder / "models/restore", "restore", **shape)
            register(params, "restore")
        yield params


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ask(port, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        picture = json.load(answer)["predictions"][0]["picture"]
    return Image.open(io.BytesIO(base64.b64decode(picture))).tobytes()


def until(happens):
    end = time.monotonic() + UNTIL
    while time.monotonic() < end:
        try:
            if happens():
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError("it did not happen")


def test_a_promotion_is_followed_and_no_request_is_dropped(project, port):
    body = json.dumps({"dataframe_records": [{"picture": encoded(noise(40, 30))}]}).encode()
    program = str(Path(sys.executable).parent / "stylefuse")
    command = [program, "serve", "restore", "--port", str(port)]
    settings = {name: value for name, value in os.environ.items() if name != FILE}
    server = subprocess.Popen(
        command, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    answers, failures, ended = [], [], threading.Event()

    def keep_asking():
        while not ended.is_set():
            try:
                answers.append(ask(port, body))
            except OSError as error:
                failures.append(error)

    clients = [threading.Thread(target=keep_asking) for _ in range(3)]
    try:
        until(lambda: ask(port, body))
        first = ask(port, body)
        for client in clients:
            client.start()
        promote(project.registry, "restore", 2, "as a test")
        until(lambda: ask(port, body) != first)
        second = ask(port, body)
        rollback(project.registry, "restore", "as a test")
        until(lambda: ask(port, body) == first)
    finally:
        ended.set()
        for client in filter(threading.Thread.is_alive, clients):
            client.join(60)
        server.terminate()
        server.wait(30)
    assert failures == []
    assert len(answers) > 10
    noted = RequestLog(project.monitor.request_log)
    assert noted.traffic("restore", 0).outcomes["answered"] >= len(answers)
    assert len(noted.pictures("restore", "picture", 9)["detail"]) == 1
    assert set(answers) == {first, second}
    assert champion_uri("restore").endswith("@champion")
