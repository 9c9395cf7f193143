"""A Prefect server, a worker and the deployments of prefect.yaml, until Ctrl-C.

All of it listens on loopback and keeps its state in `.prefect`.
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

from flows.train import GPU
from stylefuse.errors import UserError, run_main
from stylefuse.ports import LOOPBACK, refuse_busy

POOL = "stylefuse"
QUEUES = ("default", "gpu")
PATIENCE = 120  # seconds until the server must answer
PREFECT = str(Path(sys.executable).parent / "prefect")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=4200, help="(default: 4200)")
    port = parser.parse_args().port
    refuse_busy(LOOPBACK, port)
    address = f"http://{LOOPBACK}:{port}"
    os.environ["PREFECT_API_URL"] = f"{address}/api"  # its own pages ask it there too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    running: list[subprocess.Popen] = []
    try:
        server = [sys.executable, "-m", "flows.server", "--port", str(port)]
        running.append(_start("server", server))
        _wait(running[0], f"{address}/api/health")
        _prepare()
        worker = [PREFECT, "worker", "start", "--pool", POOL, "--name", "here"]
        running.append(_start("worker", worker))
        sys.stdout.write(f"deployments and their runs: {address}\nCtrl-C ends it\n")
        sys.stdout.flush()
        _watch(running)
    finally:
        for process in reversed(running):  # the worker first: it still has to tell the server
            _end(process)


def _start(name: str, command: list[str]) -> subprocess.Popen:
    log = Path(".prefect") / f"{name}.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def _wait(server: subprocess.Popen, address: str) -> None:
    sys.stdout.write("starting a Prefect server\n")
    sys.stdout.flush()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    raise UserError("the Prefect server did not start; .prefect/server.log says why", 75)


def _prepare() -> None:
    """The work pool, its queues, the limit and the deployments; what is there already stays."""
    _ask("work-pool", "create", POOL, "--type", "process", "--overwrite")
    for queue in QUEUES:
        _ask("work-queue", "create", queue, "--pool", POOL, fails=True)
    _ask("global-concurrency-limit", "create", GPU, "--limit", "1", fails=True)
    _ask("deploy", "--all")


def _ask(*command: str, fails: bool = False) -> None:
    """Have the server do something; `fails` where it refuses what it has done before."""
    done = subprocess.run([PREFECT, "--no-prompt", *command], capture_output=True, text=True)
    if done.returncode and not fails:
        said = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise UserError(f"`prefect {' '.join(command)}` failed: {' '.join(said)}")


def _watch(running: list[subprocess.Popen]) -> None:
    while True:
        for process, log in zip(running, ("server", "worker"), strict=True):
            if process.poll() is not None:
                raise UserError(f"the {log} has ended; .prefect/{log}.log says why", 1)
        time.sleep(1)


def _end(process: subprocess.Popen) -> None:
    """End a server or worker; a worker would wait for its runs, which are asked to stop first."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for run in psutil.Process(process.pid).children():
            run.terminate()
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    run_main(main)
