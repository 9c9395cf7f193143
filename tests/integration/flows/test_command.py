"""Commands of a flow: output, kinds of failure, and that no process outlives the flow."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flows import command
from flows.command import CommandBusy, CommandFailed, run_command
from flows.pipeline_lock import pipeline_lock
from prefect.logging import disable_run_logger

from tests.support.servers import has_ended, wait_for


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that makes a shell script the `dvc` program."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def make(script):
        path = tmp_path / "dvc"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    with disable_run_logger():
        yield make


def test_the_output_of_a_command_is_returned(program):
    program('echo "one $1"; sleep 0.5; echo two >&2')
    lines = []
    result = run_command("dvc", "repro", on_line=lines.append)
    assert result.output == "one repro\ntwo\n"
    assert lines == ["one repro", "two"]
    assert 0.2 < result.child_seconds <= result.seconds  # `sleep` is a child process


def test_child_processes_use_the_same_environment(program, tmp_path):
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
def test_only_failures_that_may_pass_are_retried(program, script, kind):
    program(script)
    with pytest.raises(CommandFailed) as caught:
        run_command("dvc", "repro", "x")
    assert type(caught.value) is kind
    assert str(caught.value).startswith("dvc repro x ended with exit code")


def test_a_cancelled_flow_stops_its_command(program, tmp_path, monkeypatch):
    """The child process, like a stage of DVC, is terminated; then the command ends by itself."""
    program(f"sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60'; echo child ended > {tmp_path}/log")
    monkeypatch.setattr(
        command, "_log_new_lines", _raise_when(tmp_path / "pid", command._log_new_lines)
    )
    with pytest.raises(KeyboardInterrupt):
        run_command("dvc", "repro")
    assert has_ended(int((tmp_path / "pid").read_text()))
    assert (tmp_path / "log").read_text() == "child ended\n"


def _raise_when(path, function):
    """A wrapper of a function that raises KeyboardInterrupt as soon as a file has content."""

    def wrapper(reader, logger, on_line, last=False):
        if not last and path.exists() and path.read_text():
            raise KeyboardInterrupt
        return function(reader, logger, on_line, last)

    return wrapper


def test_a_command_dies_with_a_flow_that_is_killed(program, tmp_path):
    program(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    code = (
        "import sys; from prefect.logging import disable_run_logger\n"
        f"sys.executable = {str(tmp_path / 'python')!r}\n"
        "from flows.command import run_command\n"
        "with disable_run_logger(): run_command('dvc', 'repro')"
    )
    python = Path(os.environ.get("VIRTUAL_ENV", sys.prefix)) / "bin/python"
    flow = subprocess.Popen([str(python), "-c", code])
    pid = tmp_path / "pid"
    wait_for(lambda: pid.exists() and pid.read_text())
    flow.send_signal(signal.SIGKILL)
    flow.wait()
    wait_for(lambda: has_ended(int(pid.read_text())))


def test_a_folder_has_one_pipeline_at_a_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = []

    def try_lock():
        with pipeline_lock() as running:
            results.append(running)

    with pipeline_lock() as running:
        assert not running
        thread = threading.Thread(target=try_lock)
        thread.start()
        thread.join()
    try_lock()
    assert results == ["another pipeline is running in this folder", ""]


@pytest.mark.parametrize("ends", [False, True])
def test_a_dvc_command_by_hand_is_waited_for(tmp_path, monkeypatch, ends):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flows.pipeline_lock.POLL_S", 0.05)
    command = "touch started; while ! test -e go; do sleep 0.05; done; touch end"
    stages = {"slow": {"cmd": command, "outs": ["end"]}}
    (tmp_path / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    subprocess.run(["dvc", "init", "--no-scm", "-q"], check=True)
    by_hand = subprocess.Popen(["dvc", "repro", "-q"])
    wait_for(lambda: (tmp_path / "started").exists())
    if ends:
        threading.Timer(0.5, (tmp_path / "go").touch).start()
    expected = f"`dvc repro -q (process {by_hand.pid})` is running in this folder"
    with pipeline_lock(wait_s=20 if ends else 0.2) as running:
        assert running == ("" if ends else expected)
    (tmp_path / "go").touch()
    assert by_hand.wait() == 0


def test_a_dead_dvc_command_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    later = subprocess.Popen(["sleep", "60"])  # has the number of a DVC command that has ended
    dead, reused = ({"pid": pid, "cmd": "dvc repro"} for pid in (2**22 + 1, later.pid))
    locks = {"write": {"a": dead}, "read": {"b": [reused]}}
    (tmp_path / ".dvc/tmp/rwlock").write_text(json.dumps(locks))
    with pipeline_lock() as running:
        assert not running
    later.kill()


def test_an_error_under_the_pipeline_lock_is_raised(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TimeoutError, match="of the pipeline"), pipeline_lock():
        raise TimeoutError("of the pipeline")
