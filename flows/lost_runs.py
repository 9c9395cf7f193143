"""Runs that a worker left behind when it was killed; without it they would wait for ever."""

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Crashed, Scheduled

from flows.deployments import POOL

PAGE = 200  # runs of a request


def recover_lost_runs() -> None:
    """Schedule runs again that no process has begun, and end runs whose process has ended.

    It is for a server on this machine that has no worker yet.
    """
    types = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED]
    unfinished = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=types)))
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=unfinished, limit=PAGE):
            if run.work_pool_name == POOL and not _needs_no_process(run) and not _is_alive(run):
                _end(client, run)


def _end(client: SyncPrefectClient, run: FlowRun) -> None:
    if run.state_type == StateType.PENDING:
        state = Scheduled(message="the worker ended before it began")
    else:
        state = Crashed(message="the worker and the run's process have ended")
    client.set_flow_run_state(run.id, state, force=True)


def _needs_no_process(run: FlowRun) -> bool:
    """Whether somebody has suspended a run: another process continues it."""
    return run.state_name == "Suspended"


def _is_alive(run: FlowRun) -> bool:
    """Whether the process of a run is alive, and not another with its number."""
    try:
        process = psutil.Process(int(str(run.infrastructure_pid).rpartition(":")[2]))
        return process.environ().get("PREFECT__FLOW_RUN_ID") == str(run.id)
    except (psutil.Error, ValueError):  # it has none
        return False
