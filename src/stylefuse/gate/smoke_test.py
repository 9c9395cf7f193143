"""Does a version answer as it would in production? It is served for real and asked once."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from stylefuse.errors import UserError
from stylefuse.monitoring.request_log import FILE
from stylefuse.ports import LOOPBACK
from stylefuse.registry.store import AGAIN
from stylefuse.training.termination import end_with_parent

PATIENCE = 180  # seconds until a server must be up
ANSWER = 120  # seconds until it must have answered
EXAMPLE = "serving_input_example.json"  # MLflow keeps it with a logged model


def smoke(uri: str) -> str | None:
    """Serve a version on a free port of this machine and send it its own input example.

    Args:
        uri: its address in the registry.

    Returns:
        What is wrong with it, in a sentence; None where it answered with a picture.

    Raises:
        UserError: the store does not answer.
    """
    import mlflow

    example = Path(mlflow.artifacts.download_artifacts(f"{uri}/{EXAMPLE}")).read_bytes()
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    program = str(Path(sys.executable).parent / "stylefuse")
    command = [program, "serve", "--model", uri, "--port", str(port)]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
            env=os.environ | {FILE: ""},  # this is no traffic
        )
        try:
            fault = _ask(server, f"http://{LOOPBACK}:{port}", example)
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
        log.seek(0)
        said = log.read().strip().splitlines()[-1:]
    return f"{fault}: {said[0]}" if fault and said else fault


def _ask(server: subprocess.Popen, address: str, example: bytes) -> str | None:
    until = time.monotonic() + PATIENCE
    while not _up(address):
        if server.poll() == AGAIN:
            raise UserError("the MLflow store does not answer", AGAIN)
        if server.poll() is not None:
            return f"its server ended at once, with exit code {server.returncode}"
        if time.monotonic() > until:
            return f"its server was not up after {PATIENCE} seconds"
        time.sleep(0.5)
    request = urllib.request.Request(
        f"{address}/invocations", example, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER) as answer:
            return _picture_fault(json.load(answer))
    except urllib.error.HTTPError as error:
        return f"it answered its own example with status {error.code}"
    except (OSError, ValueError) as error:
        return f"it did not answer its own example ({error})"


def _up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/ping", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _picture_fault(answer: dict) -> str | None:
    from stylefuse.images.base64 import decode
    from stylefuse.registry.package import OUTPUT

    try:
        decode(answer["predictions"][0][OUTPUT], "the answer", 10**8)
    except (KeyError, IndexError, TypeError, UserError) as error:
        return f"its answer holds no picture ({error})"
    return None
