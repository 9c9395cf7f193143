"""Runs a Prefect server, a worker and the deployments of prefect.yaml until Ctrl-C.

Everything listens on loopback and keeps its state in `.prefect`, with the password that the server
asks for: whoever may create runs may have the worker execute any command.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil

from flows.notifications import notify
from flows.train import GPU
from stylefuse.config import load_params
from stylefuse.errors import UserError, run_main
from stylefuse.password import read_or_create_password
from stylefuse.ports import LOOPBACK, require_free_port

HOME = Path(".prefect")
PASSWORD_FILE = HOME / "password"
POOL = "stylefuse"
QUEUES = ("default", "gpu")
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 120
PREFECT = str(Path(sys.executable).parent / "prefect")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=4200, help="(default: 4200)")
    port = parser.parse_args().port
    require_free_port(LOOPBACK, port)
    address = f"http://{LOOPBACK}:{port}"
    os.environ["PREFECT_API_URL"] = f"{address}/api"  # for the server's own pages, too
    password = read_or_create_password(PASSWORD_FILE)
    os.environ["PREFECT_SERVER_API_AUTH_STRING"] = password
    os.environ["PREFECT_API_AUTH_STRING"] = password  # of the worker and its flows
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes: dict[str, subprocess.Popen] = {}
    try:
        server = [sys.executable, "-m", "flows.server", "--port", str(port)]
        processes["server"] = _start("server", server)
        _wait_for_server(processes["server"], f"{address}/api/health")
        _deploy()
        worker = [PREFECT, "worker", "start", "--pool", POOL, "--name", "here"]
        processes["worker"] = _start("worker", worker)
        sys.stdout.write(
            f"deployments and their runs: {address}\n"
            f"sign in with the password in {PASSWORD_FILE}\n"
            "Ctrl-C stops the server\n"
        )
        sys.stdout.flush()
        _watch(processes)
    finally:
        for process in reversed(processes.values()):  # the worker still reports to the server
            _stop(process)


def _log_file(name: str) -> Path:
    return HOME / f"{name}.log"


def _start(name: str, command: list[str]) -> subprocess.Popen:
    HOME.mkdir(exist_ok=True)
    with _log_file(name).open("ab") as output:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def _wait_for_server(server: subprocess.Popen, address: str) -> None:
    sys.stdout.write("starting a Prefect server\n")
    sys.stdout.flush()
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                if response.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    message = f"the Prefect server did not start; see {_log_file('server')}"
    raise UserError(message, 75, code="server-not-started")


def _deploy() -> None:
    """Create the work pool, its queues, the concurrency limit and the deployments."""
    _prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
    for queue in QUEUES:
        _prefect("work-queue", "create", queue, "--pool", POOL, may_exist=True)
    _prefect("global-concurrency-limit", "create", GPU, "--limit", "1", may_exist=True)
    _prefect("deploy", "--all")


def _prefect(*command: str, may_exist: bool = False) -> None:
    """Run a `prefect` command.

    Args:
        command: its arguments.
        may_exist: ignore a failure, since the command fails if the object exists already.
    """
    result = subprocess.run([PREFECT, "--no-prompt", *command], capture_output=True, text=True)
    if result.returncode and not may_exist:
        last_line = " ".join((result.stdout + result.stderr).strip().splitlines()[-1:])
        message = f"`prefect {' '.join(command)}` failed: {last_line}"
        raise UserError(message, code="prefect-failed")


def _watch(processes: dict[str, subprocess.Popen]) -> None:
    """Wait until a process ends, which is an error."""
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                message = f"the {name} has ended; see {_log_file(name)}"
                notify(load_params().notify, "worker-ended", message)
                raise UserError(message, 1, code="server-ended")
        time.sleep(1)


def _stop(process: subprocess.Popen) -> None:
    """Stop the server or the worker; a worker waits for its runs, so they are stopped first."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for run in psutil.Process(process.pid).children():
            run.terminate()
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    run_main(main)
