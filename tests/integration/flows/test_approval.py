"""A run waits for a person before it promotes, on a real Prefect server."""

import threading
import time

import pytest
import yaml
from flows import approval
from flows.deployments import POOL
from flows.lost_runs import recover_lost_runs
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.flow_runs import resume_flow_run
from prefect.states import Paused, Pending, Suspended
from prefect.testing.utilities import prefect_test_harness

from tests.support.clone import ROOT
from tests.support.servers import wait_for

COMMENT = "the hands are better"


@pytest.fixture(scope="module", autouse=True)
def prefect_server():
    with prefect_test_harness(120):
        yield


@pytest.fixture
def told(monkeypatch):
    """The notifications."""
    events = []
    monkeypatch.setattr(approval, "tell", lambda event, message: events.append((event, message)))
    monkeypatch.setattr(approval, "POLL_S", 0.2)
    return events


@flow
def asking(hours: float) -> dict:
    return approval.ask("restore", 2, "better by 1 dB", hours).model_dump()


def paused_run():
    """The ID of the run that is paused."""
    with get_client(sync_client=True) as client:
        runs = [run for run in client.read_flow_runs() if run.state.is_paused()]
    return runs[0].id if runs else None


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_answers_on_the_server(told, answer):
    answers = []
    run = threading.Thread(target=lambda: answers.append(asking(hours=1)))
    run.start()
    wait_for(paused_run)
    resume_flow_run(paused_run(), run_input={"promote": answer, "comment": COMMENT})
    run.join()
    assert answers == [{"promote": answer, "comment": COMMENT}]
    ((event, message),) = told
    assert event == "approval"
    assert "restore version 2" in message
    assert "better by 1 dB" in message


@flow
def asking_twice(hours: float) -> list[dict]:
    return [approval.ask(model, 2, "", hours).model_dump() for model in ("restore", "transfer")]


def test_nobody_answers(told):
    start = time.monotonic()
    state = asking_twice(hours=2 / 3600, return_state=True)
    assert state.is_completed()
    for answer in state.result():
        assert not answer["promote"]
        assert "nobody approved" in answer["comment"]
    assert time.monotonic() - start >= 4


def test_the_training_that_may_pause_has_no_limit_which_a_pause_would_give_back():
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    (training,) = [d for d in deployments if d["entrypoint"] == "flows/train.py:train"]
    assert training["concurrency_limit"] is None
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(asking)
        for limit in (1, training["concurrency_limit"]):  # as on a server that had one
            deployment = client.create_deployment(flow_id, "nightly", concurrency_limit=limit)
        run = client.create_flow_run_from_deployment(deployment)
        details = client.set_flow_run_state(run.id, Pending()).state.state_details
        assert details.deployment_concurrency_lease_id is None


@pytest.mark.parametrize(("state", "is_ended"), [(Paused, True), (Suspended, False)])
def test_a_run_whose_process_has_ended_while_it_waited_is_ended(state, is_ended):
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
        deployment = client.create_deployment(
            client.create_flow(asking), "here", work_pool_name=POOL
        )
        run = client.create_flow_run_from_deployment(deployment)
        client.set_flow_run_state(run.id, state(timeout_seconds=3600), force=True)
        recover_lost_runs()
        assert client.read_flow_run(run.id).state.is_crashed() == is_ended
