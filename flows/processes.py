"""The processes of `make flows`: they log to files, and stop within seconds."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from stylefuse.training.termination import end_with_parent

RUN_TIMEOUT_S = 4.0  # for runs to stop their commands, and trainings to write a checkpoint
STOP_TIMEOUT_S = 1.5  # for the worker, and then the server
POLL_S = 0.1


def start(command: list[str], log: Path) -> subprocess.Popen:
    """Start a process with its output in a file; it ends with this one."""
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PATH": path},
            preexec_fn=_prepare,
        )


def _prepare() -> None:
    """A script starts programs in the background deaf to SIGINT, which Prefect's worker needs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent()


def stop_worker(worker: subprocess.Popen) -> None:
    """Stop a worker and its runs; it is suspended first, so that it takes no new run meanwhile."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(worker.pid)
        process.suspend()
        runs = process.children()
        for run in runs:
            run.terminate()
        everything = process.children(recursive=True)
        wait_until_ended(runs, RUN_TIMEOUT_S)
        for run in everything:
            with suppress(psutil.NoSuchProcess):
                run.kill()
        process.resume()
    stop(worker)


def stop(process: subprocess.Popen) -> None:
    """Terminate a process; kill it if it does not end."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_ended(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait for processes; a zombie has ended.

    A suspended parent does not reap its children, nor does the first process of a container that
    was started without an init.

    Returns:
        Those that are still running after the timeout.
    """
    deadline = time.monotonic() + timeout_s
    while (alive := list(filter(_runs, processes))) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return alive


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
