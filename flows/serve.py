"""Runs a Prefect server, a worker and the deployments of prefect.yaml until Ctrl-C or SIGTERM.

Everything listens on loopback and keeps its state in `.prefect`, with the password that the server
asks for: whoever may create runs may have the worker execute any command.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    get_current_settings,
    temporary_settings,
)

from flows.deployments import POOL, PREFECT, deploy
from flows.lost_runs import recover_lost_runs
from flows.notifications import notify
from flows.processes import start, stop, stop_worker
from flows.worktree import find_head
from stylefuse.config import Params, load_params
from stylefuse.errors import UserError, run_main
from stylefuse.fileio import file_lock
from stylefuse.password import read_or_create_password
from stylefuse.ports import LOOPBACK, require_free_port

HOME = Path(".prefect")
PASSWORD_FILE = HOME / "password"
START_TIMEOUT_S = 120


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=4200, help="(default: 4200)")
    port = parser.parse_args().port
    address = f"http://{LOOPBACK}:{port}"
    params = load_params()
    _refuse_second_server(f"{address}/api")
    find_head()  # scheduled runs need a commit
    require_free_port(LOOPBACK, port)
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(HOME / "serve.lock"))
        except TimeoutError:
            raise UserError(
                "`make flows` is running in this folder already; stop it first",
                code="flows-running",
            ) from None
        password = read_or_create_password(PASSWORD_FILE)
        _set_environment(params, f"{address}/api", password)
        client = {PREFECT_API_URL: f"{address}/api", PREFECT_API_AUTH_STRING: password}
        stack.enter_context(temporary_settings(client))
        _serve(params, port, address)


def _refuse_second_server(address: str) -> None:
    """Raise an error if Prefect is configured to use another server."""
    configured = get_current_settings().api.url
    if configured and configured.rstrip("/") != address:
        raise UserError(
            f"PREFECT_API_URL names the server {configured}, and this command would start a second "
            f"one: unset it, or use that server (`prefect deploy --all`, "
            f"`prefect worker start --pool {POOL}`)",
            code="server-elsewhere",
        )


def _set_environment(params: Params, api: str, password: str) -> None:
    """Set what the server, the worker and the `prefect` commands read."""
    retention = str(int(timedelta(days=params.flows.keep_days).total_seconds()))
    os.environ |= {
        "PREFECT_API_URL": api,  # for the server's own pages, too
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_API_AUTH_STRING": password,  # of the worker and its flows
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs,orphans",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": retention,
    }


def _serve(params: Params, port: int, address: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes: dict[str, subprocess.Popen] = {}
    try:
        server = [sys.executable, "-m", "flows.server", "--port", str(port)]
        processes["server"] = start(server, _log_file("server"))
        _wait_for_server(processes["server"], f"{address}/api/health")
        deploy(HOME)
        recover_lost_runs()
        worker = [PREFECT, "worker", "start", "--pool", POOL, "--name", "here"]
        processes["worker"] = start(worker, _log_file("worker"))
        sys.stdout.write(
            f"deployments and their runs: {address}\n"
            f"sign in with the password in {PASSWORD_FILE}\n"
            "Ctrl-C stops the server\n"
        )
        sys.stdout.flush()
        _watch(params, processes)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):  # stopping is not interrupted
            signal.signal(number, signal.SIG_IGN)
        if "worker" in processes:
            stop_worker(processes["worker"])
        if "server" in processes:
            stop(processes["server"])  # last, since the worker and its runs report to it


def _log_file(name: str) -> Path:
    return HOME / f"{name}.log"


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


def _watch(params: Params, processes: dict[str, subprocess.Popen]) -> None:
    """Wait until a process ends, which is an error."""
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                message = f"the {name} has ended; see {_log_file(name)}"
                notify(params.notify, "worker-ended", message)
                raise UserError(message, 1, code="server-ended")
        time.sleep(1)


if __name__ == "__main__":
    run_main(main)
