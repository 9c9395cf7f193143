"""The smoke test of the gate: serves a version and sends it one request."""

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

from stylefuse.errors import EXIT_TRY_AGAIN, UserError
from stylefuse.monitoring.request_log import ENVIRONMENT_VARIABLE
from stylefuse.ports import LOOPBACK
from stylefuse.registry.package import INPUT_EXAMPLE
from stylefuse.training.termination import end_with_parent

STARTUP_TIMEOUT_S = 180
RESPONSE_TIMEOUT_S = 120
SHUTDOWN_TIMEOUT_S = 10
MAX_OUTPUT_PIXELS = 10**8


def smoke_test(uri: str) -> str | None:
    """Serve a version on a free port of this machine and send it its own input example.

    Args:
        uri: MLflow's address of the version.

    Returns:
        What is wrong with the version, in one sentence; None if it answered with a picture.

    Raises:
        UserError: the store does not answer.
    """
    import mlflow

    path = mlflow.artifacts.download_artifacts(f"{uri}/{INPUT_EXAMPLE}")
    request = Path(path).read_bytes()
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    program = str(Path(sys.executable).parent / "stylefuse")
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            [program, "serve", "--model", uri, "--port", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
            env=os.environ | {ENVIRONMENT_VARIABLE: ""},  # this request is no traffic
        )
        try:
            fault = _find_fault(server, f"http://{LOOPBACK}:{port}", request)
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(SHUTDOWN_TIMEOUT_S)
            server.kill()
        log.seek(0)
        last_line = log.read().strip().splitlines()[-1:]
    return ": ".join([fault, *last_line]) if fault else None


def _find_fault(server: subprocess.Popen, address: str, request: bytes) -> str | None:
    return _startup_fault(server, address) or _response_fault(address, request)


def _startup_fault(server: subprocess.Popen, address: str) -> str | None:
    deadline = time.monotonic() + STARTUP_TIMEOUT_S
    while not _is_up(address):
        if server.poll() == EXIT_TRY_AGAIN:
            message = "the MLflow store does not answer; try again later"
            raise UserError(message, EXIT_TRY_AGAIN, code="store-unreachable")
        if server.poll() is not None:
            return f"its server exited at startup with code {server.returncode}"
        if time.monotonic() > deadline:
            return f"its server did not start within {STARTUP_TIMEOUT_S} seconds"
        time.sleep(0.5)
    return None


def _is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/ping", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _response_fault(address: str, body: bytes) -> str | None:
    request = urllib.request.Request(
        f"{address}/invocations", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=RESPONSE_TIMEOUT_S) as response:
            return _picture_fault(json.load(response))
    except urllib.error.HTTPError as error:
        return f"it answered its input example with status {error.code}"
    except (OSError, ValueError) as error:
        return f"it did not answer its input example ({error})"


def _picture_fault(response: dict) -> str | None:
    from stylefuse.images.base64 import decode
    from stylefuse.registry.package import OUTPUT

    try:
        decode(response["predictions"][0][OUTPUT], "the response", MAX_OUTPUT_PIXELS)
    except (KeyError, IndexError, TypeError, UserError) as error:
        return f"its response contains no picture ({error})"
    return None
