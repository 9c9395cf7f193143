"""A flow that tests the pictures sent to the servers for drift from the training data."""

from prefect import flow, task
from prefect.states import Completed, Failed, State

from flows.artifacts import show_input_report
from flows.command import report_user_errors
from flows.notifications import TELL_FAILURES, tell
from flows.train import TASK_OPTIONS, train
from stylefuse.config import Params, load_params
from stylefuse.monitoring import input_check
from stylefuse.monitoring.request_log import RequestLog
from stylefuse.paths import PROJECT
from stylefuse.registry.fetch import has_champion
from stylefuse.registry.store import registered_name
from stylefuse.registry.versions import list_versions


@task(task_run_name="check_inputs@{model}", **TASK_OPTIONS)
@report_user_errors
def check_inputs(model: str, params: Params) -> State[list[str]]:
    """Test one model's inputs for drift, and show the report."""
    if not has_champion(params.registry, model):
        return Completed(message="no champion yet", data=[])
    report = input_check.check_inputs(params, model)
    show_input_report(model, report)
    name = "Drifted" if report.drifted else None
    return Completed(name=name, message=str(report), data=report.drifted)


@flow(name="monitor", log_prints=True, **TELL_FAILURES)
@report_user_errors
def monitor(models: list[str] | None = None, trains: bool = True) -> State:
    """Test the inputs of the served models for drift, and train models whose inputs have drifted.

    What the servers received is forgotten when a new version has come of it; until then, each run
    reports the drift again.

    Args:
        models: names in params.yaml; default: all of them.
        trains: on drift, ingest new pictures, train on them and put the model to the gate.
    """
    params = load_params()
    names = params.names(models)
    states = {name: check_inputs(name, params, return_state=True) for name in names}
    failed = [name for name, state in states.items() if not state.is_completed()]
    drifted = [name for name in names if name not in failed and states[name].result()]
    reports = {name: str(state.message) for name, state in states.items()}
    if drifted:
        tell("drifted", "\n".join(f"{name}: {reports[name]}" for name in drifted))
    if drifted and trains:
        before = _newest_versions(params)
        training = train(drifted, fresh=True, return_state=True)
        if not training.is_completed():
            return Failed(message=f"{', '.join(drifted)} drifted; training: {training.message}")
        after = _newest_versions(params)
        for name in drifted:
            if after.get(name) == before.get(name):
                reports[name] += f"; {_reason_for_no_version(training)}"
            else:
                RequestLog(PROJECT / params.monitor.request_log).delete_pictures(name)
    if failed:
        return Failed(message=f"failed: {', '.join(failed)}")
    message = "; ".join(f"{name}: {report}" for name, report in reports.items())
    return Completed(name="Drifted" if drifted else None, message=message)


def _newest_versions(params: Params) -> dict[str, int]:
    """The number of the newest version of each model."""
    numbers = {v.model: v.number for v in reversed(list_versions(params.registry))}
    return {name: numbers.get(registered_name(name), 0) for name in params.models}


def _reason_for_no_version(training: State) -> str:
    if training.name == "Skipped":
        return f"not trained: {training.message}"
    return "nothing new to train on; the pictures stay in the request log"
