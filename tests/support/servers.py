"""Real servers for tests: MLflow's, a PostgreSQL of one's own, and S3 as moto answers it."""

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
import pytest
from moto.server import ThreadedMotoServer

from stylefuse.training.termination import end_with_parent

UNTIL = 60  # seconds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(happens, process=None) -> None:
    """Until something happens, or the process that should make it happen has ended."""
    end = time.monotonic() + UNTIL
    while not happens():
        assert time.monotonic() < end, "it did not happen"
        assert process is None or process.poll() is None, "its process has ended"
        time.sleep(0.1)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait(60)


@contextmanager
def ui(port: int, log: Path, **settings: str):
    """`stylefuse ui` in the working directory, once it answers; yields its process."""
    program = str(Path(sys.executable).parent / "stylefuse")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | settings
    with log.open("a") as file:
        process = subprocess.Popen(
            [program, "ui", "--port", str(port)],
            env=environment,
            stdout=file,
            stderr=file,
            preexec_fn=end_with_parent,
        )
        try:
            wait_for(lambda: answers(f"http://127.0.0.1:{port}"), process)
            yield process
        finally:
            stop(process)


@contextmanager
def postgresql(password: str):
    """A database server of Debian's package; yields an address with no password in it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (found and found[-1])
    if not initdb:
        pytest.skip("Debian's package postgresql is not installed")
    programs, port = Path(initdb).resolve().parent, free_port()
    # it refuses to be root's, and nobody else may look into pytest's own folders
    other = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    (folder / "password").write_text(password)
    if other:
        for path in (folder, folder / "password"):
            shutil.chown(path, other["user"], other["group"])
    made = [programs / "initdb", "-D", "data", "-U", "mlflow", "-A", "scram-sha-256"]
    made += ["--pwfile", "password", "--no-sync", "-E", "UTF8", "--locale", "C.UTF-8"]
    subprocess.run(made, cwd=folder, check=True, stdout=subprocess.DEVNULL, **other)
    command = [programs / "postgres", "-D", "data", "-p", str(port), "-F", "-k", folder]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "-c", "listen_addresses=127.0.0.1"],
            cwd=folder,
            stderr=log,
            preexec_fn=end_with_parent,
            **other,
        )
    try:
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        wait_for(lambda: subprocess.run(ready).returncode == 0, process)
        yield f"postgresql://mlflow@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(2)  # no waiting for those who are connected
        process.wait(60)
        shutil.rmtree(folder)


@contextmanager
def s3(bucket: str, key: str):
    """An S3-compatible server with a bucket; yields its address and the bucket."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    resource = boto3.resource(
        "s3", "us-east-1", endpoint_url=address, aws_access_key_id="u", aws_secret_access_key=key
    )
    try:
        yield address, resource.create_bucket(Bucket=bucket)
    finally:
        server.stop()
