"""A flow that tests the pictures sent to the servers for drift from the training data."""

from prefect import flow, task
from prefect.states import Completed, Failed, State

from flows.artifacts import show_input_report
from flows.command import report_user_errors
from flows.train import TASK_OPTIONS, train
from stylefuse.config import Params, load_params
from stylefuse.monitoring import input_check
from stylefuse.monitoring.request_log import RequestLog
from stylefuse.registry.fetch import has_champion


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


@flow(name="monitor", log_prints=True)
@report_user_errors
def monitor(models: list[str] | None = None, trains: bool = True) -> State:
    """Test the inputs of the served models for drift, and train models whose inputs have drifted.

    Args:
        models: names in params.yaml; default: all of them.
        trains: on drift, ingest new pictures, train on them and put the model to the gate.
    """
    params = load_params()
    names = params.names(models)
    states = {name: check_inputs(name, params, return_state=True) for name in names}
    failed = [name for name, state in states.items() if not state.is_completed()]
    drifted = [name for name in names if name not in failed and states[name].result()]
    if drifted and trains:
        training = train(drifted, fresh=True, return_state=True)
        if not training.is_completed():
            return Failed(message=f"{', '.join(drifted)} drifted; training: {training.message}")
        if training.name != "Skipped":
            for name in drifted:
                RequestLog(params.monitor.request_log).delete_pictures(name)
    if failed:
        return Failed(message=f"failed: {', '.join(failed)}")
    reports = [f"{name}: {state.message}" for name, state in states.items()]
    return Completed(name="Drifted" if drifted else None, message="; ".join(reports))
