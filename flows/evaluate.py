"""A flow that compares champion and challenger of each model on the data of a commit."""

from prefect import flow
from prefect.states import Completed, Failed, State

from flows.command import report_user_errors
from flows.graph import read_graph
from flows.notifications import TELL_FAILURES
from flows.publish import restore_outputs
from flows.timings import Stopwatch
from flows.train import gate, run_stages
from flows.worktree import in_worktree
from stylefuse.config import load_params


@flow(name="evaluate", log_prints=True, **TELL_FAILURES)
@report_user_errors
def evaluate(models: list[str] | None = None) -> State:
    """Put each challenger to the gate and show the decision; no version is promoted.

    In a worktree, the pictures are brought up to date first; in the project's folder, they are as
    they are.

    Args:
        models: names in params.yaml; default: all of them.
    """
    params = load_params()
    if in_worktree():
        restore_outputs()
        shared = [stage for stage in read_graph() if stage.item is None]
        stages = run_stages(shared, fresh=False, force=False, stopwatch=Stopwatch())
        if failed := [name for name, state in stages.items() if not state.is_completed()]:
            return Failed(message=f"failed: {', '.join(failed)}")
    states = {name: gate(name, params, return_state=True) for name in params.names(models)}
    failed = [name for name, state in states.items() if not state.is_completed()]
    if failed:
        return Failed(message=f"failed: {', '.join(failed)}")
    decisions = [f"{name}: {state.result().reasons}" for name, state in states.items()]
    return Completed(message="; ".join(decisions))
