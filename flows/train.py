"""The whole pipeline: every stage of the graph, then register → gate → promote for each model.

python -m flows.train                  run it, here and now
python -m flows.train --plan           say what would run, and why
python -m flows.train restore          only what the model restore needs
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.concurrency.sync import concurrency
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed, State

from flows import artifacts
from flows.command import report_user_errors, retryable, run_command
from flows.graph import Stage, chosen, plan, read_graph, read_lock
from flows.pipeline_lock import pipeline_lock
from flows.timings import Clock
from stylefuse.config import Params, load_params
from stylefuse.registry import promotion
from stylefuse.registry import register as registry

GPU = "gpu"  # name of the concurrency limit
LEASE = 60  # seconds until a limit is free again that a killed run had taken
STEP: dict[str, Any] = {  # what all tasks have in common: DVC and the registry are the cache
    "cache_policy": NO_CACHE,
    "persist_result": False,
    "retries": 2,
    "retry_delay_seconds": [10, 60],
    "retry_condition_fn": retryable,
}


@dataclass(frozen=True)
class Ran:
    """A stage that is up to date now.

    Attributes:
        new: whether its outputs may be others than before.
        own: seconds that its own program took.
    """

    new: bool = False
    own: float = 0.0


@task(task_run_name="{stage.name}", **STEP)
@report_user_errors
def run_stage(stage: Stage, earlier: list[bool], force: bool = False) -> State[Ran]:
    """Have DVC bring one stage up to date.

    Args:
        stage: of the graph.
        earlier: for each stage that it needs, whether its outputs may be new.
        force: run it though nothing has changed.

    Returns:
        A state named "Cached" where it did not run.
    """
    if not (stage.reasons or any(earlier) or force):
        return Completed(name="Cached", message="up to date", data=Ran())
    command = ("dvc", "repro", "--single-item", *["--force"] * force, stage.name)
    before = read_lock()
    if stage.gpu:
        with concurrency(GPU, occupy=1, lease_duration=LEASE):
            ended = run_command(*command)
    else:
        ended = run_command(*command)
    if "didn't change, skipping" in ended.output:
        return Completed(name="Cached", message="up to date", data=Ran())
    if (
        "checking out outputs" in ended.output
    ):  # of an earlier run: others, perhaps, than there were
        return Completed(name="Cached", message="DVC had its outputs", data=Ran(new=True))
    if read_lock() == before:  # what it reads has changed nothing
        ran = Ran(own=ended.below)
        return Completed(message="ran, with the same outputs as before", data=ran)
    return Completed(message="ran", data=Ran(True, ended.below))


@task(task_run_name="register@{model}", **STEP)
@report_user_errors
def register(model: str, params: Params) -> State[None]:
    """Make a version of the trained model, unless there is one with the same weights."""
    version = registry.register(params, model)
    get_run_logger().info(str(version))
    return Completed(name=None if version.created else "Cached", message=str(version))


@task(task_run_name="gate@{model}", **STEP)
@report_user_errors
def gate(model: str, params: Params) -> artifacts.GateResult:
    """Judge the challenger beside the champion, and show what was found."""
    return artifacts.show_decision(params, model)


@task(task_run_name="promote@{model}", **STEP)
@report_user_errors
def promote(model: str, params: Params, judged: artifacts.GateResult) -> State[None]:
    """Make the challenger champion, if it passed the gate and the champion is still the same."""
    if not judged.promoted:
        return Completed(name="Refused", message=judged.reasons)
    move = promotion.promote(
        params.registry, model, judged.challenger, judged.reasons, judged.champion
    )
    return Completed(name="Promoted", message=str(move))


@flow(name="train", log_prints=True)
@report_user_errors
def train(
    models: list[str] | None = None,
    fresh: bool = False,
    force: bool = False,
    promotes: bool = True,
) -> State:
    """Bring every stage of the graph up to date, register what came out, judge and promote it.

    Args:
        models: names in params.yaml; all of them where none is given.
        fresh: look for new pictures first: run the stages that need no other, since what they
            read lies outside of the project.
        force: run every stage, also those that are up to date.
        promotes: let a challenger that passes the gate become champion.
    """
    params = load_params()
    names = params.names(models)
    with pipeline_lock() as free:
        if not free:
            return Completed(name="Skipped", message="another pipeline runs in this folder")
        clock = Clock()
        stages = chosen(read_graph(), models or [])
        get_run_logger().info("the plan:\n%s", plan(stages))
        clock.lap("the plan")
        ran: dict[str, State] = {}
        held: set[str] = set()  # what failed, and all that waits for it
        for stage in stages:
            if held.intersection(stage.needs):
                held.add(stage.name)  # the error is told where it happened
                continue
            needed = [ran[name] for name in stage.needs if name in ran]
            earlier = [state.result().new for state in needed]
            again = force or (fresh and not stage.needs)
            state = run_stage(stage, earlier, again, wait_for=needed, return_state=True)
            ran[stage.name] = state
            if not state.is_completed():
                held.add(stage.name)
            clock.lap(stage.name, state.result().own if state.is_completed() else None)
        artifacts.show_validation()
        outcomes = []
        for name in names:
            outcomes.append(_release(name, params, promotes, ran))
            clock.lap(f"register, gate and promote {name}", None)
    artifacts.show_timings(clock.laps)
    failed = [name for name, state in ran.items() if state.is_failed()]
    failed += [name for name, fine in zip(names, outcomes, strict=True) if not fine]
    if failed:
        return Failed(message=f"failed: {', '.join(dict.fromkeys(failed))}")
    return Completed(message="done")


def _release(model: str, params: Params, promotes: bool, ran: dict[str, State]) -> bool:
    """Register, judge and promote one model; another's failure does not hold it up."""
    mine = [state for name, state in ran.items() if name.endswith(f"@{model}")]
    if not mine or not all(state.is_completed() for state in mine):
        return False
    registered = register(model, params, wait_for=mine, return_state=True)
    if not registered.is_completed():
        return False
    judged = gate(model, params, wait_for=[registered], return_state=True)
    if not judged.is_completed():
        return False
    if not promotes:
        return True
    return promote(
        model, params, judged.result(), wait_for=[judged], return_state=True
    ).is_completed()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names in params.yaml")
    parser.add_argument("--plan", action="store_true", help="say what would run, and run nothing")
    parser.add_argument("--fresh", action="store_true", help="look for new pictures first")
    parser.add_argument("--force", action="store_true", help="run what is up to date too")
    args = parser.parse_args()
    if args.plan:
        sys.stdout.write(f"{plan(chosen(read_graph(), args.models))}\n")
        return
    state = train(args.models or None, args.fresh, args.force, return_state=True)
    sys.exit(0 if state.is_completed() else 1)


if __name__ == "__main__":
    main()
