"""The pools for Docker and Kubernetes: a real Prefect server takes the files and the project's
deployments, and Prefect's own workers say what they would ask an engine for."""

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
from docker.models.containers import _create_container_args
from docker.utils.build import exclude_paths
from flows.command import PATIENCE
from kubernetes_asyncio.client import ApiClient
from packaging.specifiers import SpecifierSet
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from prefect.testing.utilities import prefect_test_harness
from prefect_docker.worker import DockerWorker
from prefect_kubernetes.worker import KubernetesWorker

from tests.support.clone import ROOT, environment

WORKERS = {"docker": DockerWorker, "kubernetes": KubernetesWorker}
NIGHTLY, ON_DEMAND = "train/nightly", "evaluate/on-demand"
FOLDER = "/srv/stylefuse"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMAGE = f"stylefuse:{PROJECT['version']}"
ELSEWHERE = {"PREFECT_API_URL": "http://prefect.example.org:4200/api"}
# Prefect asks for these in the pod, where Kubernetes knows no such fields and ignores them.
PREFECTS_OWN = {"parallelism": 1, "completions": 1}
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
    """A Prefect server, for this process and for commands that get what it yields."""
    home = tmp_path_factory.mktemp("prefect")
    with temporary_settings({PREFECT_HOME: home}), prefect_test_harness(120):
        address = {"PREFECT_API_URL": PREFECT_API_URL.value(), "PREFECT_HOME": str(home)}
        settings = environment(ROOT) | address
        prefect(page_says("prefect global-concurrency-limit create"), settings)
        yield settings


@pytest.fixture(scope="module", params=WORKERS)
def pool(request, server, tmp_path_factory):
    """A pool made from its file, with the project's deployments on it and its GPU line in use."""
    name = request.param
    prefect(page_says("prefect work-pool create docker").replace("docker", name), server)
    plain = (ROOT / "prefect.yaml").read_text()
    with_gpu = re.sub(rf"# (job_variables: .*)  # {name}\n", r"\1\n", plain)
    assert with_gpu != plain
    file = tmp_path_factory.mktemp(name) / "prefect.yaml"
    file.write_text(with_gpu)
    chosen, *deploy = page_says("PREFECT_DEFAULT_WORK_POOL_NAME").split()
    pool = dict([chosen.replace("docker", name).split("=")])
    prefect(f"{' '.join(deploy)} --prefect-file {shlex.quote(str(file))}", server | pool)
    return name


def page_says(start: str) -> str:
    """The command of the page about pools that begins so."""
    lines = (ROOT / "docs/work-pools.md").read_text().splitlines()
    return next(line.partition("#")[0] for line in lines if line.startswith(start))


def prefect(command: str, settings: dict[str, str]) -> None:
    program = str(Path(sys.executable).parent / "prefect")
    words = [program, "--no-prompt", *shlex.split(command)[1:]]
    subprocess.run(words, cwd=ROOT, env=settings, check=True)


def ask(question):
    """What Prefect's client answers."""

    async def answer():
        async with get_client() as client:
            return await question(client)

    return asyncio.run(answer())


def job_of(pool: str, deployment: str, parameters: dict | None = None, **variables):
    """A new run's job, as the pool's worker prepares it."""

    async def prepared(client):
        found = await client.read_deployment_by_name(deployment)
        run = await client.create_flow_run_from_deployment(
            found.id, parameters=parameters, job_variables=variables
        )
        return await WORKERS[pool].job_configuration.resolve_for_flow_run(
            run, client=client, work_pool=await client.read_work_pool(pool), worker_name="one"
        )

    return ask(prepared)


def container(deployment: str, **variables) -> dict:
    """What the Docker worker would ask of an engine, as docker's client checks and words it."""
    job = job_of("docker", deployment, env=ELSEWHERE, **variables)
    settings = DockerWorker("docker")._build_container_settings(None, job)
    assert "{{" not in json.dumps(settings)
    return _create_container_args(settings | {"version": "1.44"})


def manifest(deployment: str, **variables) -> dict:
    """What the Kubernetes worker would ask of a cluster: a job in which its client knows all."""
    made = job_of("kubernetes", deployment, **variables).job_manifest
    assert "{{" not in json.dumps(made)
    limits = made["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    limits |= {name: str(amount) for name, amount in limits.items()}  # as Kubernetes reads them

    async def read():
        async with ApiClient() as client:
            job = client.deserialize(SimpleNamespace(data=json.dumps(made)), "V1Job")
            return client.sanitize_for_serialization(job)

    known = asyncio.run(read())
    known["spec"]["template"]["spec"] |= PREFECTS_OWN
    assert known == made
    return made


def test_training_goes_to_the_queue_for_gpus_and_all_else_does_not(pool):
    deployments = ask(lambda client: client.read_deployments())
    assert len(deployments) == 6
    for one in deployments:
        assert one.work_pool_name == pool
        trains = one.entrypoint in ("flows/train.py:train", "flows/sweep.py:sweep")
        assert one.work_queue_name == ("gpu" if trains else "default")
        assert set(one.job_variables) == ({"gpus"} if trains else set())


def test_the_server_refuses_variables_that_the_pool_does_not_know_or_cannot_use(pool):
    nightly = ask(lambda client: client.read_deployment_by_name(NIGHTLY))
    place = {"flow_id": nightly.flow_id, "name": nightly.name, "work_pool_name": pool}
    for wrong in WRONG[pool]:
        with pytest.raises(PrefectHTTPStatusError, match="Validation failed"):
            ask(lambda client, v=wrong: client.create_deployment(**place, job_variables=v))
        with pytest.raises(PrefectHTTPStatusError, match="Validation failed"):
            job_of(pool, NIGHTLY, **wrong)


@pytest.mark.parametrize("pool", ["docker"], indirect=True)
def test_a_container_is_the_folder_s_user_in_the_folder_and_nothing_more(pool):
    asked = container(ON_DEMAND)
    host = asked["host_config"]
    assert asked["image"] == IMAGE
    assert asked["command"] == "prefect flow-run execute"
    assert asked["user"] == "1000:1000"
    assert asked["working_dir"] == FOLDER
    assert host["Binds"] == [f"{FOLDER}:{FOLDER}"]
    assert asked["environment"]["PYTHONPATH"] == f"{FOLDER}/src"
    assert "MLFLOW_TRACKING_URI" not in asked["environment"]
    assert {"HOME", "USER"} <= set(asked["environment"])  # the image may not know the number
    assert host["Memory"] == 8 * 2**30
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert not {"Privileged", "DeviceRequests", "CpusetCpus"} & set(host)

    asked = container(NIGHTLY, folder="/data/ours", cores="0-3", mlflow_tracking_uri="http://m")
    host = asked["host_config"]
    assert host["Binds"] == ["/data/ours:/data/ours"]
    assert host["CpusetCpus"] == "0-3"
    assert asked["environment"]["MLFLOW_TRACKING_URI"] == "http://m"
    (gpu,) = host["DeviceRequests"]
    assert gpu["Count"] == 1
    assert gpu["Capabilities"] == [["gpu"]]


@pytest.mark.parametrize("pool", ["kubernetes"], indirect=True)
def test_a_pod_is_restricted_ends_in_peace_and_sees_the_claim(pool):
    job = manifest(ON_DEMAND)["spec"]
    pod = job["template"]["spec"]
    (one,) = pod["containers"]
    assert one["image"] == IMAGE
    assert one["args"] == ["prefect", "flow-run", "execute"]
    assert one["workingDir"] == one["volumeMounts"][0]["mountPath"] == FOLDER
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "stylefuse"}
    environment = {entry["name"]: entry["value"] for entry in one["env"]}
    assert environment["PYTHONPATH"] == f"{FOLDER}/src"
    assert one["resources"] == {
        "requests": {"cpu": "2", "memory": "8Gi"},
        "limits": {"memory": "8Gi"},
    }
    assert pod["securityContext"]["runAsNonRoot"]
    assert one["securityContext"] == {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["terminationGracePeriodSeconds"] > PATIENCE
    assert pod["restartPolicy"] == "Never"
    assert job["backoffLimit"] == 0  # a run that was evicted is scheduled again, by Prefect
    assert environment["PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR"] == "reschedule"
    assert job["ttlSecondsAfterFinished"] > 0

    job = manifest(NIGHTLY, namespace="art", claim="ours", secret="keys", image="r.example/i:2")
    pod = job["spec"]["template"]["spec"]
    (one,) = pod["containers"]
    assert job["metadata"]["namespace"] == "art"
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "ours"}
    assert one["envFrom"][0]["secretRef"]["name"] == "keys"
    assert one["image"] == "r.example/i:2"
    assert one["resources"]["limits"]["nvidia.com/gpu"] == "1"


@pytest.mark.parametrize("pool", ["docker"], indirect=True)
def test_the_command_runs_the_flow_in_the_folder(pool, server, tmp_path):
    """The command and the environment that a container would get, without the container."""
    job = job_of(pool, ON_DEMAND, {"models": ["nobody"]}, folder=str(ROOT))
    environment = {**job.env, "PATH": server["PATH"]}
    subprocess.run(shlex.split(job.command), cwd=tmp_path, env=environment, check=True)
    run = ask(lambda client: client.read_flow_run(job.env["PREFECT__FLOW_RUN_ID"]))
    assert run.state.is_failed()
    assert "nobody" in run.state.message


def test_the_image_has_what_it_copies_and_nothing_that_a_run_makes():
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
    made = (".git", ".venv", ".cache", ".ckpt", ".prefect", "mlflow", "reports", "data/pictures")
    assert not context.intersection(made)
    assert not [path for path in context if path.endswith((".pyc", ".db"))]


def test_the_image_has_the_project_s_python():
    found = re.search(r"^FROM python:(\S+?)-", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found
    assert f"{found[1]}.0" in SpecifierSet(PROJECT["requires-python"])
