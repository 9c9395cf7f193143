"""A flow that compares champion and challenger of each model on today's data."""

from prefect import flow
from prefect.states import Completed, Failed, State

from flows.command import report_user_errors
from flows.notifications import TELL_FAILURES
from flows.train import gate
from stylefuse.config import load_params


@flow(name="evaluate", log_prints=True, **TELL_FAILURES)
@report_user_errors
def evaluate(models: list[str] | None = None) -> State:
    """Put each challenger to the gate and show the decision; no version is promoted.

    Args:
        models: names in params.yaml; default: all of them.
    """
    params = load_params()
    states = {name: gate(name, params, return_state=True) for name in params.names(models)}
    failed = [name for name, state in states.items() if not state.is_completed()]
    if failed:
        return Failed(message=f"failed: {', '.join(failed)}")
    decisions = [f"{name}: {state.result().reasons}" for name, state in states.items()]
    return Completed(message="; ".join(decisions))
