"""What the servers were sent, beside what the champions were trained on; on drift, train."""

from prefect import flow, task
from prefect.states import Completed, Failed, State

from flows.artifacts import show_input_report
from flows.command import report_user_errors
from flows.train import STEP, train
from stylefuse.config import Params, load_params
from stylefuse.monitoring.input_check import watch as look
from stylefuse.monitoring.request_log import RequestLog
from stylefuse.registry.fetch import has_champion


@task(task_run_name="watch@{model}", **STEP)
@report_user_errors
def watch(model: str, params: Params) -> State[list[str]]:
    """Look for drift in what one model was sent, and show what was found."""
    if not has_champion(params.registry, model):
        return Completed(message="no champion yet", data=[])
    watched = look(params, model)
    show_input_report(model, watched)
    name = "Drifted" if watched.drifted else None
    return Completed(name=name, message=str(watched), data=watched.drifted)


@flow(name="monitor", log_prints=True)
@report_user_errors
def monitor(models: list[str] | None = None, trains: bool = True) -> State:
    """Watch the served models; train again those whose pictures have drifted.

    Args:
        models: names in params.yaml; all of them where none is given.
        trains: on drift, look for new pictures, train on them, and put the result to the gate.
    """
    params = load_params()
    names = params.names(models)
    found = {name: watch(name, params, return_state=True) for name in names}
    failed = [name for name, state in found.items() if not state.is_completed()]
    drifted = [name for name in names if name not in failed and found[name].result()]
    if drifted and trains:
        answer = train(drifted, fresh=True, return_state=True)
        if not answer.is_completed():
            return Failed(message=f"{', '.join(drifted)} drifted; training: {answer.message}")
        if answer.name != "Skipped":
            for name in drifted:
                RequestLog(params.monitor.request_log).forget(name)
    if failed:
        return Failed(message=f"failed: {', '.join(failed)}")
    said = [f"{name}: {state.message}" for name, state in found.items()]
    return Completed(name="Drifted" if drifted else None, message="; ".join(said))
