"""A lock that lets one pipeline run at a time in the project's folder, whoever started it."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from flows.repair_dvc_lock import repair_dvc_lock
from stylefuse.fileio import file_lock
from stylefuse.paths import PIPELINE_LOCK

DVC_LOCKS = Path(".dvc/tmp/rwlock")  # JSON: which processes read and write which paths
WAIT_S = 600.0
POLL_S = 2.0


@contextmanager
def pipeline_lock(wait_s: float = WAIT_S) -> Iterator[str]:
    """Hold the lock until the end of the block, or of the process.

    Args:
        wait_s: for how long to wait for a DVC command that was started by hand.

    Yields:
        What is running instead, in which case the block must run nothing; "" if the folder is free.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(PIPELINE_LOCK))
        except TimeoutError:
            yield "another pipeline is running in this folder"
            return
        if command := _wait_for_dvc(wait_s):
            yield f"`{command}` is running in this folder"
            return
        repair_dvc_lock()
        yield ""


def _wait_for_dvc(wait_s: float) -> str:
    """Wait until no DVC command works in this folder; the command that still does, or ""."""
    deadline = time.monotonic() + wait_s
    while (command := dvc_command()) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return command


def dvc_command() -> str:
    """A DVC command that is working in this folder, such as `dvc repro (process 17)`, or ""."""
    try:
        locks = json.loads(DVC_LOCKS.read_text())
    except (OSError, ValueError):  # there is none, or it is being written
        return ""
    writers = locks.get("write", {}).values()
    readers = (reader for several in locks.get("read", {}).values() for reader in several)
    for process in [*writers, *readers]:
        pid, command = process["pid"], str(process["cmd"])
        if pid != os.getpid() and _runs_dvc(pid):
            program, *arguments = command.split()
            return f"{' '.join([Path(program).name, *arguments])} (process {pid})"
    return ""


def _runs_dvc(pid: int) -> bool:
    """Whether a process lives and is DVC; a later one may have got the number of a dead one."""
    try:
        return any(Path(word).name == "dvc" for word in psutil.Process(pid).cmdline())
    except psutil.Error:
        return False
