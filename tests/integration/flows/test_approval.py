"""A run waits for a person before it promotes, on a real Prefect server."""

import threading
import time

import pytest
from flows import approval
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run
from prefect.testing.utilities import prefect_test_harness

from tests.support.servers import wait_for

COMMENT = "the hands are better"


@pytest.fixture(scope="module", autouse=True)
def prefect_server():
    with prefect_test_harness():
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


def test_nobody_answers(told):
    start = time.monotonic()
    answer = asking(hours=2 / 3600)
    assert not answer["promote"]
    assert "nobody approved" in answer["comment"]
    assert time.monotonic() - start >= 2
