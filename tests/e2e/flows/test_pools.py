"""The work pools for Docker and Kubernetes: a real Prefect server accepts their files and the
project's deployments, and Prefect's own workers prepare the containers and jobs."""

import asyncio
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from docker.models.containers import _create_container_args
from docker.utils.build import exclude_paths
from flows.command import STOP_TIMEOUT_S
from kubernetes_asyncio.client import ApiClient
from packaging.specifiers import SpecifierSet
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from prefect.testing.utilities import prefect_test_harness
from prefect_docker.worker import DockerWorker
from prefect_kubernetes.worker import KubernetesWorker

from stylefuse import __version__
from tests.support.clone import ROOT, environment, make_clone

WORKERS = {"docker": DockerWorker, "kubernetes": KubernetesWorker}
NIGHTLY, ON_DEMAND = "train/nightly", "evaluate/on-demand"
FOLDER = "/srv/stylefuse"
START = "python -m flows.start"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMAGE = f"stylefuse:{__version__}"
ELSEWHERE = {"PREFECT_API_URL": "http://prefect.example.org:4200/api"}
# Fields that Prefect requires in the pod; Kubernetes has no such fields and ignores them.
REQUIRED_BY_PREFECT = {"parallelism": 1, "completions": 1}
WRONG = {
    "docker": (
        {"gpu": 1}, {"gpus": 1}, {"user": "0:0"}, {"folder": "here"}, {"memory": 8},
        {"privileged": True}, {"env": {"A": 1}},
    ),
    "kubernetes": (
        {"gpu": 1}, {"gpus": "1"}, {"gpus": 0}, {"cpu": 2}, {"folder": "here"},
        {"privileged": True}, {"env": ["A"]},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Prefect server; yields the environment of commands that use it."""
    home = tmp_path_factory.mktemp("prefect")
    with temporary_settings({PREFECT_HOME: home}), prefect_test_harness(120):
        address = {"PREFECT_API_URL": PREFECT_API_URL.value(), "PREFECT_HOME": str(home)}
        settings = environment(ROOT) | address
        prefect(documented_command("prefect global-concurrency-limit create"), settings)
        yield settings


@pytest.fixture(scope="module", params=WORKERS)
def pool(request, server, tmp_path_factory):
    """A pool from its file, with the project's deployments and its GPU line uncommented."""
    name = request.param
    prefect(documented_command("prefect work-pool create docker").replace("docker", name), server)
    plain = (ROOT / "prefect.yaml").read_text()
    with_gpu = re.sub(rf"# (job_variables: .*)  # {name}\n", r"\1\n", plain)
    assert with_gpu != plain
    file = tmp_path_factory.mktemp(name) / "prefect.yaml"
    file.write_text(with_gpu)
    chosen, *deploy = documented_command("PREFECT_DEFAULT_WORK_POOL_NAME").split()
    pool = dict([chosen.replace("docker", name).split("=")])
    prefect(f"{' '.join(deploy)} --prefect-file {shlex.quote(str(file))}", server | pool)
    return name


def documented_command(start: str) -> str:
    """The first command of the page about work pools that starts with some text."""
    lines = (ROOT / "docs/guides/work-pools.md").read_text().splitlines()
    return next(line.partition("#")[0] for line in lines if line.startswith(start))


def prefect(command: str, settings: dict[str, str]) -> None:
    program = str(Path(sys.executable).parent / "prefect")
    words = [program, "--no-prompt", *shlex.split(command)[1:]]
    subprocess.run(words, cwd=ROOT, env=settings, check=True)


def ask(query):
    """The result of a query: a function of Prefect's client."""

    async def result():
        async with get_client() as client:
            return await query(client)

    return asyncio.run(result())


def job_of(pool: str, deployment: str, parameters: dict | None = None, **variables):
    """The job of a new run, as the pool's worker prepares it."""

    async def prepared(client):
        details = await client.read_deployment_by_name(deployment)
        run = await client.create_flow_run_from_deployment(
            details.id, parameters=parameters, job_variables=variables
        )
        return await WORKERS[pool].job_configuration.resolve_for_flow_run(
            run, client=client, work_pool=await client.read_work_pool(pool), worker_name="test"
        )

    return ask(prepared)


def container(deployment: str, **variables) -> dict:
    """The arguments that the Docker worker would pass to an engine, checked by docker's client."""
    job = job_of("docker", deployment, env=ELSEWHERE, **variables)
    settings = DockerWorker("docker")._build_container_settings(None, job)
    assert "{{" not in json.dumps(settings)
    return _create_container_args(settings | {"version": "1.44"})


def manifest(deployment: str, **variables) -> dict:
    """The job that the Kubernetes worker would create; its client knows all fields."""
    created = job_of("kubernetes", deployment, **variables).job_manifest
    assert "{{" not in json.dumps(created)
    limits = created["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    limits |= {name: str(amount) for name, amount in limits.items()}  # as Kubernetes reads them

    async def read():
        async with ApiClient() as client:
            job = client.deserialize(SimpleNamespace(data=json.dumps(created)), "V1Job")
            return client.sanitize_for_serialization(job)

    known = asyncio.run(read())
    known["spec"]["template"]["spec"] |= REQUIRED_BY_PREFECT
    assert known == created
    return created


def test_only_training_uses_the_queue_for_gpus(pool):
    deployments = ask(lambda client: client.read_deployments())
    assert len(deployments) == len(
        yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    )
    for deployment in deployments:
        assert deployment.work_pool_name == pool
        trains = deployment.entrypoint in ("flows/train.py:train", "flows/sweep.py:sweep")
        assert deployment.work_queue_name == ("gpu" if trains else "default")
        assert set(deployment.job_variables) == ({"gpus"} if trains else set())


def test_the_server_refuses_unknown_and_invalid_variables(pool):
    nightly = ask(lambda client: client.read_deployment_by_name(NIGHTLY))
    target = {"flow_id": nightly.flow_id, "name": nightly.name, "work_pool_name": pool}
    for wrong in WRONG[pool]:
        with pytest.raises(PrefectHTTPStatusError, match="Validation failed"):
            ask(lambda client, v=wrong: client.create_deployment(**target, job_variables=v))
        with pytest.raises(PrefectHTTPStatusError, match="Validation failed"):
            job_of(pool, NIGHTLY, **wrong)


@pytest.mark.parametrize("pool", ["docker"], indirect=True)
def test_a_container_runs_as_the_owner_of_the_folder_without_privileges(pool):
    settings = container(ON_DEMAND)
    host = settings["host_config"]
    assert settings["image"] == IMAGE
    assert settings["command"] == f"{START} prefect flow-run execute"
    assert settings["user"] == "1000:1000"
    assert settings["working_dir"] == FOLDER
    assert host["Binds"] == [f"{FOLDER}:{FOLDER}"]
    assert settings["environment"]["PYTHONPATH"] == f"{FOLDER}/src"
    assert "MLFLOW_TRACKING_URI" not in settings["environment"]
    assert {"HOME", "USER"} <= set(settings["environment"])  # the image lacks that user
    assert host["Memory"] == 8 * 2**30
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert not {"Privileged", "DeviceRequests", "CpusetCpus"} & set(host)

    settings = container(NIGHTLY, folder="/data/ours", cores="0-3", mlflow_tracking_uri="http://m")
    host = settings["host_config"]
    assert host["Binds"] == ["/data/ours:/data/ours"]
    assert host["CpusetCpus"] == "0-3"
    assert settings["environment"]["MLFLOW_TRACKING_URI"] == "http://m"
    (gpu,) = host["DeviceRequests"]
    assert gpu["Count"] == 1
    assert gpu["Capabilities"] == [["gpu"]]


@pytest.mark.parametrize("pool", ["kubernetes"], indirect=True)
def test_a_pod_is_restricted_has_time_to_stop_and_mounts_the_claim(pool):
    job = manifest(ON_DEMAND)["spec"]
    pod = job["template"]["spec"]
    (only,) = pod["containers"]
    assert only["image"] == IMAGE
    assert only["args"] == [*START.split(), "prefect", "flow-run", "execute"]
    assert only["workingDir"] == only["volumeMounts"][0]["mountPath"] == FOLDER
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "stylefuse"}
    environment = {entry["name"]: entry["value"] for entry in only["env"]}
    assert environment["PYTHONPATH"] == f"{FOLDER}/src"
    assert only["resources"] == {
        "requests": {"cpu": "2", "memory": "8Gi"},
        "limits": {"memory": "8Gi"},
    }
    assert pod["securityContext"]["runAsNonRoot"]
    assert only["securityContext"] == {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["terminationGracePeriodSeconds"] > STOP_TIMEOUT_S
    assert pod["restartPolicy"] == "Never"
    assert job["backoffLimit"] == 0  # Prefect reschedules a run that was evicted
    assert environment["PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR"] == "reschedule"
    assert job["ttlSecondsAfterFinished"] > 0

    job = manifest(NIGHTLY, namespace="art", claim="ours", secret="keys", image="r.example/i:2")
    pod = job["spec"]["template"]["spec"]
    (only,) = pod["containers"]
    assert job["metadata"]["namespace"] == "art"
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "ours"}
    assert only["envFrom"][0]["secretRef"]["name"] == "keys"
    assert only["image"] == "r.example/i:2"
    assert only["resources"]["limits"]["nvidia.com/gpu"] == "1"


@pytest.mark.parametrize("pool", ["docker"], indirect=True)
def test_the_command_runs_the_flow_in_the_folder(pool, server, tmp_path):
    """The command and the environment that a container would get, without the container."""
    folder = make_clone(tmp_path)
    job = job_of(pool, ON_DEMAND, {"models": ["nobody"]}, folder=str(folder))
    environment = {**job.env, "PATH": server["PATH"]}
    subprocess.run(shlex.split(job.command), cwd=folder, env=environment, check=True)
    run = ask(lambda client: client.read_flow_run(job.env["PREFECT__FLOW_RUN_ID"]))
    assert run.state.is_failed()
    assert "nobody" in run.state.message
    assert (folder / ".prefect/worktrees/1/params.yaml").exists()


def test_the_image_has_no_outputs_of_runs():
    docker = (ROOT / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in ignored if line and not line.startswith("#")]
    context = exclude_paths(str(ROOT), patterns)
    for pattern in patterns:
        if pattern.startswith("!"):
            assert pattern[1:] in context
    copied = re.findall(r"^COPY (\S+) \./?$", docker, re.MULTILINE)
    assert copied == ["requirements.lock", "."]
    assert copied[0] in context
    assert {"flows", "src", "params.yaml", "pyproject.toml", "README.md", "models/base"} <= context
    outputs = (".git", ".venv", ".cache", ".ckpt", ".prefect", "mlflow", "reports", "data/pictures")
    assert not context.intersection(outputs)
    assert not [path for path in context if path.endswith((".pyc", ".db"))]


def test_the_image_has_the_python_version_of_the_project():
    match = re.search(r"^FROM python:(\S+?)-", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert match
    assert f"{match[1]}.0" in SpecifierSet(PROJECT["requires-python"])
