"""Puts the deployments of prefect.yaml on a Prefect server, and keeps changed schedules."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse

from flows.gpu_limit import GPU
from stylefuse.errors import UserError
from stylefuse.fileio import write_text_atomically

PREFECT = str(Path(sys.executable).parent / "prefect")
FILE = Path("prefect.yaml")
POOL, QUEUES = "stylefuse", ("default", "gpu")
POOL_FILE = Path("flows/pools/process.json")

Key = str  # ENTRYPOINT/NAME of a deployment
Schedules = dict[Key, list[dict[str, Any]]]


def deploy(home: Path) -> None:
    """Create the work pool, its queues, the concurrency limit and the deployments.

    Args:
        home: a folder for what was deployed, to see later what people have changed.

    Raises:
        UserError: Prefect refuses something.
    """
    _create_pool(home / "pool.json")
    for queue in QUEUES:
        _prefect("work-queue", "create", queue, "--pool", POOL, may_exist=True)
    _prefect("global-concurrency-limit", "create", GPU, "--limit", "1", may_exist=True)
    with _schedules_kept(home / "schedules.json"):
        _prefect("deploy", "--all")


def _create_pool(file: Path) -> None:
    """Create the pool, or change it, with this folder as the folder of its runs."""
    template = json.loads(POOL_FILE.read_text())
    template["variables"]["properties"]["folder"]["default"] = str(Path.cwd())
    write_text_atomically(file, json.dumps(template))
    options = ("--type", "process", "--base-job-template", str(file), "--overwrite")
    _prefect("work-pool", "create", POOL, *options)


@contextmanager
def _schedules_kept(record: Path) -> Iterator[None]:
    """Keep what people have changed of the schedules on the server, unless the file changed, too.

    Args:
        record: a file with the schedules of prefect.yaml at the last time.
    """
    schedules = _schedules_of_file()
    last: Schedules = json.loads(record.read_text()) if record.exists() else {}
    with get_client(sync_client=True) as client:
        before = {f"{d.entrypoint}/{d.name}": d for d in client.read_deployments()}
        yield
        for key, deployment in before.items():
            if key in schedules and schedules[key] == last.get(key):
                _restore(client, deployment)
    write_text_atomically(record, json.dumps(schedules, indent=1))


def _schedules_of_file() -> Schedules:
    deployments = yaml.safe_load(FILE.read_text())["deployments"]
    return {f"{d['entrypoint']}/{d['name']}": d.get("schedules", []) for d in deployments}


def _restore(client: SyncPrefectClient, before: DeploymentResponse) -> None:
    """Give a deployment the schedules that it had, if they differ."""
    now, wanted = client.read_deployment_schedules(before.id), _settings(before.schedules)
    if _settings(now) != wanted:
        for schedule in now:
            client.delete_deployment_schedule(before.id, schedule.id)
        client.create_deployment_schedules(before.id, wanted)
        sys.stdout.write(f"{before.name} keeps its changed schedule\n")
    if before.paused:
        client.pause_deployment(before.id)


def _settings(schedules: Iterable[DeploymentSchedule]) -> list[DeploymentScheduleCreate]:
    fields = set(DeploymentScheduleCreate.model_fields)
    return [
        DeploymentScheduleCreate.model_validate(schedule.model_dump(include=fields))
        for schedule in schedules
    ]


def _prefect(*command: str, may_exist: bool = False) -> None:
    """Run a `prefect` command.

    Args:
        command: its arguments.
        may_exist: ignore a failure, since the command fails if the object exists already.
    """
    result = subprocess.run([PREFECT, "--no-prompt", *command], capture_output=True, text=True)
    if result.returncode and not may_exist:
        last_line = " ".join((result.stdout + result.stderr).strip().splitlines()[-1:])
        message = f"`prefect {' '.join(command)}` failed: {last_line}"
        raise UserError(message, code="prefect-failed")
