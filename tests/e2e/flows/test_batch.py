"""A batch on Dask workers that was killed is continued, on the workers of a cluster."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from flows.processes import wait_until_ended
from mlflow import MlflowClient
from PIL import Image

from stylefuse.painting.manifest import read_manifest
from stylefuse.training.termination import end_with_parent
from tests.support.clone import ROOT, environment
from tests.support.models import noise
from tests.support.registered_project import copy_registered_project
from tests.support.servers import free_port, stop, wait_for

PICTURES, CHUNK = 240, 6
TIMEOUT_S = 300  # until a run, with a Prefect server of its own, has painted a chunk
MESSAGE = re.compile(r"(\d+) painted, (\d+) skipped, (\d+) failed")


@pytest.fixture(scope="module")
def project(shared_folder, tmp_path_factory):
    """A project with a champion, and a folder of pictures, one of which cannot be opened."""
    folder = copy_registered_project(shared_folder, tmp_path_factory.mktemp("batch") / "project")
    shutil.copy(ROOT / "pyproject.toml", folder)  # where Prefect's state is
    for name in ("photos", "home"):
        (folder / name).mkdir()
    for number in range(PICTURES):
        noise(48, 36, seed=number).save(folder / "photos" / f"{number:03}.jpg")
    (folder / "photos/000.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def start(project):
    """A function that starts a program in the project, with an empty home folder."""
    variables = environment(ROOT) | {"HOME": str(project / "home")}
    variables.pop("XDG_CACHE_HOME", None)

    def start(*command, log="log"):
        with (project / log).open("w") as file:
            return subprocess.Popen(
                command, cwd=project, env=variables, stdout=file, stderr=file,
                preexec_fn=end_with_parent,
            )  # fmt: skip

    return start


def batch(*arguments):
    command = [sys.executable, "-m", "flows.batch", "photos", "-o", "out", "--chunk", str(CHUNK)]
    return [*command, "--style", "style.png", "--option", "strength=0.8", *arguments]


@pytest.fixture(scope="module")
def scheduler(start):
    """The address of a Dask cluster."""
    address = f"tcp://127.0.0.1:{free_port()}"
    dask = str(Path(sys.executable).with_name("dask"))
    serve = [dask, "scheduler", "--host", address, "--no-dashboard"]
    work = [dask, "worker", address, "--nthreads", "1", "--nworkers", "2", "--no-dashboard"]
    processes = [start(*serve, log="scheduler.log"), start(*work, log="worker.log")]
    yield address
    for process in reversed(processes):
        stop(process)


def is_server(process):
    try:
        return "uvicorn" in process.cmdline()
    except psutil.Error:  # it has just ended
        return False


@pytest.fixture(scope="module")
def killed(project, start):
    """The manifest that a killed run leaves."""
    process = start(*batch())
    wait_for(lambda: list((project / "out/manifest").glob("*.jsonl")), process, TIMEOUT_S)
    children = psutil.Process(process.pid).children(recursive=True)
    server = next(child for child in children if is_server(child))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    server.kill()  # Prefect leaves it; the workers end by themselves
    assert not wait_until_ended(children, TIMEOUT_S)
    return read_manifest(project / "out")


@pytest.fixture(scope="module")
def continued(project, start, killed, scheduler):
    """The output of the same command, run again."""
    painted = [path for path in map(Path, killed) if path.exists()]
    times = [path.stat().st_mtime_ns for path in painted]
    process = start(*batch("--scheduler", scheduler))
    code, output = process.wait(), (project / "log").read_text()
    assert code == 0, output
    assert [path.stat().st_mtime_ns for path in painted] == times
    return output


def test_a_killed_run_is_continued(project, killed, continued):
    done = sum("error" not in record for record in killed.values())
    assert 0 < done < PICTURES - 1
    painted, skipped, failed = map(int, MESSAGE.search(continued).groups())
    assert (painted, skipped, failed) == (PICTURES - 1 - done, done, 1)
    assert f"{PICTURES} of {PICTURES} pictures" in continued
    assert "000.jpg is not a picture file" in continued
    manifest = read_manifest(project / "out")
    outputs = {str(path) for path in (project / "out").glob("*.png")}
    assert outputs == {name for name, record in manifest.items() if "error" not in record}
    record = manifest[max(outputs)]
    assert record["model"]["version"] == "stylefuse-transfer/1"
    assert record["options"]["strength"] == 0.8
    with Image.open(max(outputs)) as picture:
        assert picture.size == (48, 36)


def test_the_batch_is_a_run_in_mlflow_with_its_manifest(project, continued):
    client = MlflowClient(f"sqlite:///{project}/mlflow/mlflow.db")
    (run,) = client.search_runs(["1"], "tags.`stylefuse.kind` = 'batch'")  # the killed one has none
    assert run.data.tags["stylefuse.version"] == "stylefuse-transfer/1"
    assert run.data.params["strength"] == "0.8"
    painted, skipped, failed = map(int, MESSAGE.search(continued).groups())
    assert run.data.metrics == {"painted": painted, "skipped": skipped, "failed": failed}
    parts = {file.path for file in client.list_artifacts(run.info.run_id, "manifest")}
    assert parts == {f"manifest/{path.name}" for path in (project / "out").glob("manifest/*.jsonl")}


def test_nothing_is_left_in_the_home_folder(project, continued):
    """ONNX Runtime would queue usage events there."""
    assert list((project / "home").rglob("*")) == []
