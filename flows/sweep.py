"""A flow that trains a grid of settings, several variants at once, and registers the best one.

python -m flows.sweep restore learning_rate=0.004,0.008 r1=0.1,1
"""

import argparse
import sys

import yaml
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.concurrency.sync import concurrency
from prefect.states import Completed, Failed, State

from flows.cluster import Workers, dask_runner
from flows.command import report_user_errors, run_command
from flows.gpu_limit import GPU, LEASE_S
from flows.graph import Stage, read_graph
from flows.notifications import TELL_FAILURES
from flows.pipeline_lock import pipeline_lock
from flows.temporary_server import password_required
from flows.timings import Stopwatch
from flows.train import TASK_OPTIONS, gate, promote, run_stages
from flows.variants import Value, Variant, checked_out, find_commit, make_variants
from stylefuse.config import Params, load_params
from stylefuse.errors import run_main
from stylefuse.evaluation.comparison import PictureResults, compare
from stylefuse.gate.decide import evaluate_saved_model
from stylefuse.paths import MODELS
from stylefuse.registry.integrity.signing import KEY_VARIABLE, key_file
from stylefuse.registry.store import open_store, tracking_uri


@task(task_run_name="train {variant}", **TASK_OPTIONS)
@report_user_errors
def train_variant(variant: Variant, stage: str, store: str) -> None:
    """Train one variant in a copy of the project."""
    variant.run(stage, variant.name, store)


@task(task_run_name="evaluate {variant}", **TASK_OPTIONS)
@report_user_errors
def evaluate_variant(variant: Variant, params: Params) -> PictureResults:
    """Evaluate one variant on the pictures of the gate's split."""
    with variant.output(str(MODELS / variant.model)) as folder:
        return evaluate_saved_model(params, folder)


@task(task_run_name="register {variant}", **TASK_OPTIONS)
@report_user_errors
def register_variant(variant: Variant, stage: str, store: str, variants: int) -> State[None]:
    """Register a variant from a commit with its settings, weights and reports.

    Args:
        variant: to register.
        stage: whose outputs the reports are.
        store: address of the MLflow store.
        variants: number of variants that it is the best of.
    """
    experiment = f"{variant.name}-evaluated"
    variant.run(stage, experiment, store)
    command = ("stylefuse", "register", variant.model, "--tried", str(variants))
    with checked_out(find_commit(experiment)) as folder:
        environment = {"MLFLOW_TRACKING_URI": store, KEY_VARIABLE: str(key_file())}
        result = run_command(*command, folder=folder, environment=environment)
    return Completed(message=result.output.strip().splitlines()[-1])


@flow(name="sweep", log_prints=True, **TELL_FAILURES)
@report_user_errors
def sweep(
    model: str,
    grid: dict[str, list[Value]],
    workers: Workers = 2,
    scheduler: str | None = None,
    promotes: bool = False,
) -> State:
    """Train every combination of some settings, several at once, and register the best one.

    Args:
        model: its name in params.yaml.
        grid: setting of the model → values to try.
        workers: number of variants to train at the same time on this machine.
        scheduler: address of a Dask cluster whose workers have this folder, instead of workers
            on this machine.
        promotes: make the best variant the champion if it passes the gate.
    """
    params = load_params()
    variants = make_variants(params, model, grid)
    open_store(params.registry)  # created here, not in a copy of the project
    store = tracking_uri(params.registry)
    with pipeline_lock() as running, concurrency(GPU, occupy=1, lease_duration=LEASE_S):
        if running:
            return Completed(name="Skipped", message=running)
        stages = read_graph()
        own_stages = [stage for stage in stages if stage.item == model]
        training = next((stage for stage in own_stages if stage.gpu), own_stages[0])
        if not _prepare(stages):
            return Failed(message="a stage that all variants need has failed")
        train_on_workers = train_all.with_options(task_runner=dask_runner(workers, scheduler))
        trained = train_on_workers(variants, training.name, store)
        states = {v: evaluate_variant(v, params, return_state=True) for v in trained}
        metrics = {
            variant: _primary_metric(state.result(), params.seed)
            for variant, state in states.items()
            if state.is_completed()
        }
        if not metrics:
            return Failed(message="no variant could be trained and evaluated")
        best = max(metrics, key=metrics.__getitem__)
        _show(model, variants, metrics, best)
        registered = register_variant(
            best, own_stages[-1].name, store, len(variants), return_state=True
        )
        if not registered.is_completed():
            return Failed(message=f"the best variant, {best}, was not registered")
        decided = gate(model, params, return_state=True)
        if promotes and decided.is_completed():
            promote(model, params, decided.result())
    message = f"best of {len(variants)}: {best}; {registered.message}"
    if failed := len(variants) - len(metrics):
        return Failed(message=f"{message}; {failed} failed")
    return Completed(message=message)


@flow(name="train variants")
def train_all(variants: list[Variant], stage: str, store: str) -> list[Variant]:
    """Train variants at the same time.

    Returns:
        The variants whose training succeeded.
    """
    futures = {variant: train_variant.submit(variant, stage, store) for variant in variants}
    for future in futures.values():
        future.wait()
    return [variant for variant, future in futures.items() if future.state.is_completed()]


def _prepare(stages: list[Stage]) -> bool:
    """Bring the stages that all variants share up to date; whether that succeeded."""
    shared = [stage for stage in stages if stage.item is None]
    states = run_stages(shared, fresh=False, force=False, stopwatch=Stopwatch())
    return len(states) == len(shared) and all(state.is_completed() for state in states.values())


def _primary_metric(results: PictureResults, seed: int) -> float:
    """The metric that the gate requires to improve; higher is better."""
    return next(iter(compare(results, results, 0.5, 1, seed).values())).champion


def _show(
    model: str, variants: list[Variant], metrics: dict[Variant, float], best: Variant
) -> None:
    """Show the variants with their settings and metrics in Prefect's UI."""
    rows = [
        {
            "experiment": variant.name,
            **{key: str(value) for key, value in variant.changes.items()},
            "metric (higher is better)": (
                f"{metrics[variant]:.4f}" if variant in metrics else "failed"
            ),
            "registered": "yes" if variant == best else "",
        }
        for variant in variants
    ]
    create_table_artifact(rows, f"sweep-{model}", f"{model}: the best of {len(variants)} is {best}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", metavar="MODEL", help="its name in params.yaml")
    parser.add_argument("grid", nargs="+", metavar="SETTING=VALUE,VALUE…", type=_parse_setting)
    parser.add_argument("--workers", type=int, default=2, help="variants at once (default: 2)")
    parser.add_argument(
        "--promote", action="store_true", help="make the best one champion if it passes the gate"
    )
    args = parser.parse_args()
    grid = dict(args.grid)
    with password_required():
        state = sweep(args.model, grid, args.workers, None, args.promote, return_state=True)
    sys.exit(0 if state.is_completed() else 1)


def _parse_setting(text: str) -> tuple[str, list[Value]]:
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise argparse.ArgumentTypeError(f"{text} has no values; write learning_rate=0.001,0.002")
    return name, [yaml.safe_load(value) for value in values.split(",")]


if __name__ == "__main__":
    run_main(main)
