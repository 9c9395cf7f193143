"""The processes of `make flows`: a stopped worker takes no new run, and none outlives it."""

import signal
import subprocess
import sys

import psutil
from flows.processes import start, stop, stop_worker, wait_until_ended

from tests.support.servers import TIMEOUT_S, has_ended, wait_for

# Like a worker, it starts a run as soon as the one before has ended.
WORKER = """
import subprocess, sys
run = [sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, {answer}); "
       "print('run', flush=True); signal.pause()"]
while True:
    subprocess.run(run)
"""
SIGINT = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"


def stopped_runs(tmp_path, answer):
    """The number of runs that a worker has started when it was stopped; none is alive."""
    log = tmp_path / "log"
    worker = start([sys.executable, "-c", WORKER.format(answer=answer)], log)
    wait_for(lambda: "run" in log.read_text())
    runs = psutil.Process(worker.pid).children(recursive=True)
    stop_worker(worker)
    assert worker.poll() is not None
    assert not wait_until_ended(runs, TIMEOUT_S)
    return log.read_text().count("run")


def test_a_worker_takes_no_run_while_its_runs_are_stopped(tmp_path):
    assert stopped_runs(tmp_path, "signal.SIG_DFL") == 1


def test_a_run_that_does_not_stop_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.processes.RUN_TIMEOUT_S", 0.2)
    assert stopped_runs(tmp_path, "signal.SIG_IGN") == 1


def test_a_process_hears_sigint_although_a_script_starts_programs_deaf_to_it(tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start([sys.executable, "-c", SIGINT], tmp_path / "log")
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.wait() == 0
    assert (tmp_path / "log").read_text() == "True\n"


def test_a_process_that_does_not_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.processes.STOP_TIMEOUT_S", 0.2)
    log = tmp_path / "log"
    process = start(["sh", "-c", "trap '' TERM; echo started; while true; do sleep 1; done"], log)
    wait_for(lambda: "started" in log.read_text())
    stop(process)
    assert process.returncode == -signal.SIGKILL


def test_processes_end_with_the_one_that_started_them(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from flows.processes import start\n"
        f"print(start(['sleep', '60'], Path({str(tmp_path / 'log')!r})).pid, flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_for(lambda: has_ended(pid))


def test_a_process_that_nobody_reaps_has_ended():
    """As in a container whose first process is no init."""
    script = "import os, time; os.fork() or os._exit(0); time.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-c", script])
    try:
        wait_for(lambda: psutil.Process(parent.pid).children())
        (child,) = psutil.Process(parent.pid).children()
        assert not wait_until_ended([child], TIMEOUT_S)
        assert child.status() == psutil.STATUS_ZOMBIE
        assert wait_until_ended([psutil.Process(parent.pid)], 0)
    finally:
        parent.kill()
        parent.wait()
