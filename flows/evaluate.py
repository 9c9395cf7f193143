"""Champion and challenger of each model, judged again on today's data; nobody is promoted."""

from prefect import flow
from prefect.states import Completed, Failed, State

from flows.command import report_user_errors
from flows.train import gate
from stylefuse.config import load_params


@flow(name="evaluate", log_prints=True)
@report_user_errors
def evaluate(models: list[str] | None = None) -> State:
    """Judge each challenger beside its champion, and show what was found.

    Args:
        models: names in params.yaml; all of them where none is given.
    """
    params = load_params()
    names = params.names(models)
    judged = {name: gate(name, params, return_state=True) for name in names}
    failed = [name for name, state in judged.items() if not state.is_completed()]
    if failed:
        return Failed(message=f"failed: {', '.join(failed)}")
    found = [f"{name}: {state.result().reasons}" for name, state in judged.items()]
    return Completed(message="; ".join(found))
