"""The training pipeline: the stages of the graph, then register → gate → promote for each model.

python -m flows.train                  run the pipeline here and now
python -m flows.train --plan           print the commit, what would run, and why
python -m flows.train restore          run only what the model restore needs
"""

import argparse
import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.concurrency.sync import concurrency
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed, State

from flows import artifacts
from flows.approval import ask
from flows.command import report_user_errors, retryable, run_command
from flows.gpu_limit import GPU, LEASE_S
from flows.graph import (
    Stage,
    format_plan,
    outputs_changed,
    read_changes,
    read_graph,
    read_outputs,
    select,
)
from flows.notifications import TELL_FAILURES, tell
from flows.origin import read_origin
from flows.pipeline_lock import pipeline_lock
from flows.progress import StageProgress
from flows.publish import commit_results, push_outputs, restore_outputs
from flows.temporary_server import password_required
from flows.timings import Stopwatch
from flows.worktree import in_worktree
from stylefuse.config import Flows, Params, load_params
from stylefuse.registry import promotion
from stylefuse.registry import register as registry

TASK_OPTIONS: dict[str, Any] = {  # of all tasks: DVC and the registry are the cache
    "cache_policy": NO_CACHE,
    "persist_result": False,
    "retries": 2,
    "retry_delay_seconds": [10, 60],
    "retry_condition_fn": retryable,
}


@dataclass(frozen=True)
class StageResult:
    """A stage that is up to date.

    Attributes:
        changed: whether its outputs differ from those before.
        work_seconds: duration of the stage's own command.
    """

    changed: bool = False
    work_seconds: float = 0.0


@task(task_run_name="{stage.name}", **TASK_OPTIONS)
@report_user_errors
def run_stage(stage: Stage, upstream_changed: bool, force: bool = False) -> State[StageResult]:
    """Bring one stage up to date with DVC.

    Args:
        stage: of the graph.
        upstream_changed: whether the outputs of any upstream stage have changed in this run.
        force: run the stage even if it is up to date.

    Returns:
        A state named "Cached" where the stage was up to date.
    """
    may_run = force or upstream_changed or stage.reasons
    changes = read_changes(stage.name) if may_run else []
    if not (changes or force):
        return Completed(name="Cached", message="up to date", data=StageResult())
    before = read_outputs(stage.name)
    command = ("dvc", "repro", "--single-item", *["--force"] * force, stage.name)
    with concurrency(GPU, occupy=1, lease_duration=LEASE_S) if stage.gpu else nullcontext():
        result = run_command(*command, on_line=StageProgress(stage.name).read)
    changed = outputs_changed(changes) or read_outputs(stage.name) != before
    message = "outputs have changed" if changed else "outputs are the same as before"
    return Completed(message=message, data=StageResult(changed, result.child_seconds))


@task(task_run_name="register@{model}", **TASK_OPTIONS)
@report_user_errors
def register(model: str, params: Params) -> State[None]:
    """Register the trained model as a new version, unless its weights are registered already."""
    version = registry.register(params, model)
    get_run_logger().info(str(version))
    return Completed(name=None if version.created else "Cached", message=str(version))


@task(**TASK_OPTIONS)
@report_user_errors
def publish(settings: Flows, message: str) -> State[None]:
    """Push data and weights to the DVC remote and commit `dvc.lock`, as `params.yaml` says.

    In this order, so that no commit names files that the remote does not have.
    """
    pushed = push_outputs() if settings.push else ""
    committed = commit_results(settings.commit_to, message) if settings.commit_to else ""
    return Completed(message="; ".join(filter(None, (pushed, committed))))


@task(task_run_name="gate@{model}", **TASK_OPTIONS)
@report_user_errors
def gate(model: str, params: Params) -> artifacts.GateResult:
    """Compare the challenger with the champion, and show the decision."""
    return artifacts.show_decision(params, model)


@task(task_run_name="promote@{model}", **TASK_OPTIONS)
@report_user_errors
def promote(model: str, params: Params, result: artifacts.GateResult) -> State[None]:
    """Make the challenger champion if it passed the gate and the champion is still the same."""
    if not result.promoted:
        if result.challenger != result.champion:
            tell("refused", f"{model} version {result.challenger}: {result.reasons}")
        return Completed(name="Refused", message=result.reasons)
    move = promotion.promote(
        params.registry, model, result.challenger, result.reasons, result.champion
    )
    tell("promoted", str(move))
    return Completed(name="Promoted", message=str(move))


@flow(name="train", log_prints=True, **TELL_FAILURES)
@report_user_errors
def train(
    models: list[str] | None = None,
    fresh: bool = False,
    force: bool = False,
    promotes: bool = True,
) -> State:
    """Bring every stage up to date, register the models, and put them to the gate.

    Args:
        models: names in params.yaml; default: all of them.
        fresh: look for new pictures first. Stages without upstream stages are run even if they are
            up to date, since DVC cannot see whether their sources have changed.
        force: run every stage, even if it is up to date.
        promotes: make a challenger that passes the gate the champion.
    """
    params = load_params()
    names = params.names(models)
    with pipeline_lock() as running:
        if running:
            return Completed(name="Skipped", message=running)
        stopwatch = Stopwatch()
        origin = read_origin()
        if in_worktree():
            restore_outputs()
        stages = select(read_graph(), models or [])
        get_run_logger().info("plan of %s:\n%s", origin, format_plan(stages))
        stopwatch.record("plan")
        states = run_stages(stages, fresh, force, stopwatch)
        artifacts.show_validation()
        candidates = {}
        for name in names:
            candidates[name] = _register_and_gate(name, params, states)
            stopwatch.record(f"register and gate {name}", None)
        failed = [name for name, state in states.items() if state.is_failed()]
        failed += [name for name, candidate in candidates.items() if not candidate.decided]
        versions = [candidate.version for candidate in candidates.values() if candidate.version]
        published = ""
        if in_worktree() and not failed and (params.flows.push or params.flows.commit_to):
            state = publish(params.flows, "; ".join(versions), return_state=True)
            published = str(state.message)
            failed += [] if state.is_completed() else ["publish"]
            stopwatch.record("publish", None)
    # others may run their pipelines while somebody is asked
    for name, candidate in candidates.items():
        if promotes and candidate.decided:
            promoted = _promote(name, params, candidate.decided)
            failed += [] if promoted.is_completed() else [name]
            stopwatch.record(f"promote {name}", None)
    artifacts.show_timings(stopwatch.timings)
    artifacts.show_origin(origin, versions, published)
    if failed:
        return Failed(message=f"{origin}: failed: {', '.join(dict.fromkeys(failed))}")
    return Completed(message=f"{origin}: {'; '.join(versions)}")


def run_stages(
    stages: list[Stage], fresh: bool, force: bool, stopwatch: Stopwatch
) -> dict[str, State]:
    """Run stages in order, except those downstream of a failed one; the state of each by name."""
    states: dict[str, State] = {}
    blocked: set[str] = set()  # failed stages, and stages downstream of them
    for stage in stages:
        if blocked.intersection(stage.upstream):
            blocked.add(stage.name)
            continue
        upstream = [states[name] for name in stage.upstream if name in states]
        changed = any(state.result().changed for state in upstream)
        forced = force or (fresh and not stage.upstream)
        state = run_stage(stage, changed, forced, wait_for=upstream, return_state=True)
        states[stage.name] = state
        succeeded = state.is_completed()
        if not succeeded:
            blocked.add(stage.name)
        stopwatch.record(stage.name, state.result().work_seconds if succeeded else None)
    return states


@dataclass(frozen=True)
class Candidate:
    """A trained model after registration and gate.

    Attributes:
        version: as which it was registered, for people; "" if it was not.
        decided: with the gate's result; None if it did not come to that.
    """

    version: str = ""
    decided: State[artifacts.GateResult] | None = None


def _register_and_gate(model: str, params: Params, states: dict[str, State]) -> Candidate:
    """Register one model, and put it to the gate."""
    own = [state for name, state in states.items() if name.endswith(f"@{model}")]
    if not own or not all(state.is_completed() for state in own):
        return Candidate()
    registered = register(model, params, wait_for=own, return_state=True)
    if not registered.is_completed():
        return Candidate()
    decided = gate(model, params, wait_for=[registered], return_state=True)
    return Candidate(str(registered.message), decided if decided.is_completed() else None)


def _promote(
    model: str, params: Params, decided: State[artifacts.GateResult]
) -> State[None] | State[str]:
    """Promote a challenger that passed the gate, if somebody approves it where that is asked."""
    result, hours = decided.result(), params.flows.approval_hours
    if result.promoted and hours and in_worktree():
        approval = ask(model, result.challenger, result.reasons, hours)
        if not approval.promote:
            return Completed(name="Not approved", message=approval.comment)
        comment = approval.comment or "without a comment"
        result = replace(result, reasons=f"{result.reasons}; approved by a person: {comment}")
    return promote(model, params, result, wait_for=[decided], return_state=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names in params.yaml")
    parser.add_argument("--plan", action="store_true", help="print what would run; run nothing")
    parser.add_argument("--fresh", action="store_true", help="look for new pictures first")
    parser.add_argument("--force", action="store_true", help="run stages that are up to date, too")
    args = parser.parse_args()
    if args.plan:
        sys.stdout.write(f"{read_origin()}\n{format_plan(select(read_graph(), args.models))}\n")
        return
    with password_required():
        state = train(args.models or None, args.fresh, args.force, return_state=True)
    sys.exit(0 if state.is_completed() else 1)


if __name__ == "__main__":
    main()
