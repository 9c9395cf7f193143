"""A person decides whether a challenger that passed the gate becomes champion."""

from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.states import Running
from pydantic import Field

from flows.notifications import tell

POLL_S = 5  # how often the paused run asks the server whether somebody has answered


class Approval(RunInput):
    """What the form on the run's page asks for."""

    promote: bool = Field(True, description="make it the champion")
    comment: str = Field("", max_length=1000, description="recorded as the reason")


def ask(model: str, version: int, reasons: str, hours: float) -> Approval:
    """Pause the flow run until somebody resumes it on the server's page, or for so many hours.

    Args:
        model: its name in params.yaml.
        version: of the challenger.
        reasons: why it passed the gate.
        hours: after them the answer is no.
    """
    tell(
        "approval",
        f"{model} version {version} passed the gate: {reasons}. Resume the run "
        f"{flow_run.name!r} on the Prefect server's page within {hours:g} hours to promote it.",
    )
    try:
        return pause_flow_run(Approval, round(hours * 3600), POLL_S, key=f"{model}-{version}")
    except FlowPauseTimeout:
        # the server would let a run fail that was not resumed in time, and refuse the next pause
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(flow_run.id, Running(), force=True)
        return Approval(promote=False, comment=f"nobody approved it within {hours:g} hours")
