"""Real servers for tests: the project's own, a private PostgreSQL, and S3 as moto implements it."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import boto3
import psutil
import pytest
from moto.server import ThreadedMotoServer

from stylefuse.training.termination import end_with_parent

TIMEOUT_S = 600  # until a server must have started, also on a busy machine
HEALTH = "/health"  # of MLflow's servers


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, process=None, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until a condition holds; fails if the process that should bring it about has ended."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        assert process is None or process.poll() is None, "the process has ended"
        time.sleep(0.1)


def has_ended(pid: int) -> bool:
    """Whether a process has ended, even if nobody has reaped it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def answers(address: str, path: str = HEALTH) -> bool:
    """Whether a server answers with status 200."""
    try:
        with urllib.request.urlopen(f"{address}{path}", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(60)


@contextmanager
def server(command: str, port: int, log: Path, *options, path: str = HEALTH, folder=None, **extra):
    """`stylefuse COMMAND --port PORT` as a process, until the block ends.

    Args:
        command: "ui", "serve" or "app".
        port: of 127.0.0.1.
        log: a file for the output, which is appended.
        options: more arguments.
        path: of a page that answers when the server has started.
        folder: to run in; the working directory by default.
        extra: environment variables.

    Yields:
        The process, when it answers.
    """
    program = str(Path(sys.executable).parent / "stylefuse")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | extra
    with log.open("a") as file:
        process = subprocess.Popen(
            [program, command, "--port", str(port), *options],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=file,
            preexec_fn=end_with_parent,
        )
        try:
            wait_for(lambda: answers(f"http://127.0.0.1:{port}", path), process)
            yield process
        finally:
            stop(process)


def ui(port: int, log: Path, **environment: str):
    """`stylefuse ui` in the working directory; see `server`."""
    return server("ui", port, log, **environment)


@contextmanager
def postgresql(password: str):
    """A database server of Debian's package; yields an address without the password."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (installed and installed[-1])
    if not initdb:
        pytest.skip("Debian's package postgresql is not installed")
    programs, port = Path(initdb).resolve().parent, free_port()
    # PostgreSQL does not run as root, and other users cannot read pytest's temporary folders
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    (folder / "password").write_text(password)
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user["user"], user["group"])
    create = [programs / "initdb", "-D", "data", "-U", "mlflow", "-A", "scram-sha-256"]
    create += ["--pwfile", "password", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8"]
    subprocess.run(create, cwd=folder, check=True, stdout=subprocess.DEVNULL, **user)
    command = [programs / "postgres", "-D", "data", "-p", str(port), "-F", "-k", folder]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "-c", "listen_addresses=127.0.0.1"],
            cwd=folder,
            stderr=log,
            preexec_fn=end_with_parent,
            **user,
        )
    try:
        is_ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        wait_for(lambda: subprocess.run(is_ready).returncode == 0, process)
        yield f"postgresql://mlflow@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(2)  # a fast shutdown, which does not wait for clients
        process.wait(60)
        shutil.rmtree(folder)


@contextmanager
def s3(bucket: str, key: str):
    """An S3-compatible server with one bucket; yields its address and the bucket."""
    moto = ThreadedMotoServer(port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    address = f"http://{host}:{port}"
    resource = boto3.resource(
        "s3", "us-east-1", endpoint_url=address, aws_access_key_id="u", aws_secret_access_key=key
    )
    try:
        yield address, resource.create_bucket(Bucket=bucket)
    finally:
        moto.stop()
