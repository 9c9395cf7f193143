"""Commands of a flow: their log, what kind of failure it was, and that nothing outlives them."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from flows import command
from flows.command import CommandBusy, CommandFailed, run_command
from flows.pipeline_lock import pipeline_lock
from prefect.logging import disable_run_logger


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function of a shell script → it is what `dvc` runs."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def make(script):
        path = tmp_path / "dvc"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    with disable_run_logger():
        yield make


def test_what_a_command_prints_comes_back(program):
    program('echo "one $1"; sleep 0.5; echo two >&2')
    ended = run_command("dvc", "repro")
    assert ended.output == "one repro\ntwo\n"
    assert 0.2 < ended.below <= ended.seconds  # it slept in a program of its own


def test_what_a_command_starts_is_of_the_same_environment(program, tmp_path):
    program("command -v dvc")
    assert run_command("dvc", "repro").output == f"{tmp_path}/dvc\n"


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("echo 'ERROR: params.yaml is wrong'; exit 255", CommandFailed),
        ("echo 'ERROR: failed to run: x, exited with 2'; exit 255", CommandFailed),
        ("echo 'ERROR: failed to run: x, exited with 75'; exit 255", CommandBusy),
        ("echo 'ERROR: Unable to acquire lock'; exit 255", CommandBusy),
        ("exit 75", CommandBusy),
    ],
)
def test_only_what_may_pass_later_is_worth_another_try(program, script, kind):
    program(script)
    with pytest.raises(CommandFailed) as caught:
        run_command("dvc", "repro", "x")
    assert type(caught.value) is kind
    assert str(caught.value).startswith("dvc repro x ended with exit code")


def test_a_flow_that_is_cancelled_ends_what_its_command_runs(program, tmp_path, monkeypatch):
    """The child, as a stage under DVC, is ended; the command sees that and ends by itself."""
    program(f"sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60'; echo child ended > {tmp_path}/seen")
    monkeypatch.setattr(command, "_relay", _raise_when(tmp_path / "pid", command._relay))
    with pytest.raises(KeyboardInterrupt):
        run_command("dvc", "repro")
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
    assert (tmp_path / "seen").read_text() == "child ended\n"


def _raise_when(path, relay):
    def careful(reader, logger, last=False):
        if not last and path.exists() and path.read_text():
            raise KeyboardInterrupt
        return relay(reader, logger, last)

    return careful


def test_a_command_dies_with_a_flow_that_is_killed(program, tmp_path):
    program(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    code = (
        "import sys; from prefect.logging import disable_run_logger\n"
        f"sys.executable = {str(tmp_path / 'python')!r}\n"
        "from flows.command import run_command\n"
        "with disable_run_logger(): run_command('dvc', 'repro')"
    )
    real = Path(os.environ.get("VIRTUAL_ENV", sys.prefix)) / "bin/python"
    flow = subprocess.Popen([str(real), "-c", code])
    pid = tmp_path / "pid"
    _until(lambda: pid.exists() and pid.read_text())
    flow.send_signal(signal.SIGKILL)
    flow.wait()
    _until(lambda: not psutil.pid_exists(int(pid.read_text())))


def _until(happens, seconds=60):
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_folder_has_one_pipeline_at_a_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []

    def another():
        with pipeline_lock() as free:
            seen.append(free)

    with pipeline_lock() as free:
        assert free
        thread = threading.Thread(target=another)
        thread.start()
        thread.join()
    another()
    assert seen == [False, True]
