"""A grid of settings: each variant is trained, several at once; the best one is registered.

python -m flows.sweep restore learning_rate=0.004,0.008 r1=0.1,1
"""

import argparse
import logging
import sys

import yaml
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.concurrency.sync import concurrency
from prefect.states import Completed, Failed, State
from prefect_dask import DaskTaskRunner

from flows.command import report_user_errors, run_command
from flows.graph import Stage, read_graph
from flows.pipeline_lock import pipeline_lock
from flows.train import GPU, LEASE, STEP, gate, promote, run_stage
from flows.variants import Value, Variant, checked_out, commit, variants_of
from stylefuse.config import Params, load_params
from stylefuse.errors import run_main
from stylefuse.evaluation.comparison import PictureResults, compare
from stylefuse.gate.decide import score
from stylefuse.ports import LOOPBACK
from stylefuse.registry.integrity.signing import KEY_VARIABLE, key_file
from stylefuse.registry.store import open_store, tracking_uri

logging.getLogger("distributed").setLevel(logging.WARNING)  # it tells of every connection
WEIGHTS = "models/{}"  # of a model, among the outputs of its training


@task(task_run_name="train {variant}", **STEP)
@report_user_errors
def train_variant(variant: Variant, stage: str, store: str) -> None:
    """Train one variant in a copy of the project."""
    variant.run(stage, variant.name, store)


@task(task_run_name="judge {variant}", **STEP)
@report_user_errors
def judge_variant(variant: Variant, params: Params) -> PictureResults:
    """Judge one variant on the pictures that decide, which are not those of the reports."""
    with variant.fetched(WEIGHTS.format(variant.model)) as folder:
        return score(params, folder)


@task(task_run_name="register {variant}", **STEP)
@report_user_errors
def register_variant(variant: Variant, stage: str, store: str, tried: int) -> State[None]:
    """Register a variant from a commit that has its settings, its weights and its reports."""
    name = f"{variant.name}-judged"
    variant.run(stage, name, store)
    command = ("stylefuse", "register", variant.model, "--tried", str(tried))
    with checked_out(commit(name)) as folder:
        settings = {"MLFLOW_TRACKING_URI": store, KEY_VARIABLE: str(key_file())}
        ended = run_command(*command, folder=folder, settings=settings)
    return Completed(message=ended.output.strip().splitlines()[-1])


@flow(name="sweep", log_prints=True)
@report_user_errors
def sweep(
    model: str,
    grid: dict[str, list[Value]],
    workers: int = 2,
    scheduler: str | None = None,
    promotes: bool = False,
) -> State:
    """Train every combination of some settings, several at once, and register the best one.

    Args:
        model: its name in params.yaml.
        grid: setting of the model → values to try.
        workers: how many variants are trained at the same time on this machine.
        scheduler: address of a Dask cluster whose workers have this folder, instead of workers
            on this machine.
        promotes: let the best one become champion, if it passes the gate.
    """
    params = load_params()
    variants = variants_of(params, model, grid)
    open_store(params.registry)  # is made here, not in a copy
    store = tracking_uri(params.registry)
    with pipeline_lock() as free, concurrency(GPU, occupy=1, lease_duration=LEASE):
        if not free:
            return Completed(name="Skipped", message="another pipeline runs in this folder")
        stages = read_graph()
        mine = [stage for stage in stages if stage.item == model]
        trains = next((stage for stage in mine if stage.gpu), mine[0])
        if not _prepare(stages):
            return Failed(message="what all variants need could not be made")
        runner = DaskTaskRunner(**_cluster(workers, scheduler))
        trained = train_all.with_options(task_runner=runner)(variants, trains.name, store)
        judged = {v: judge_variant(v, params, return_state=True) for v in trained}
        worths = {v: _worth(s.result(), params.seed) for v, s in judged.items() if s.is_completed()}
        if not worths:
            return Failed(message="no variant could be trained and judged")
        best = max(worths, key=worths.__getitem__)
        _show(model, variants, worths, best)
        registered = register_variant(best, mine[-1].name, store, len(variants), return_state=True)
        if not registered.is_completed():
            return Failed(message=f"the best one, {best}, was not registered")
        decided = gate(model, params, return_state=True)
        if promotes and decided.is_completed():
            promote(model, params, decided.result())
    lost = len(variants) - len(worths)
    told = f"best of {len(variants)}: {best}; {registered.message}"
    return Failed(message=f"{told}; {lost} failed") if lost else Completed(message=told)


@flow(name="train variants")
def train_all(variants: list[Variant], stage: str, store: str) -> list[Variant]:
    """Train variants at the same time.

    Returns:
        Those that came to their end.
    """
    begun = {variant: train_variant.submit(variant, stage, store) for variant in variants}
    for future in begun.values():
        future.wait()
    return [variant for variant, future in begun.items() if future.state.is_completed()]


def _prepare(stages: list[Stage]) -> bool:
    """Bring up to date what every variant needs, once, so that the copies find it."""
    ran: dict[str, State] = {}
    for stage in stages:
        if stage.item is None:
            needed = [ran[name] for name in stage.needs]
            state = run_stage(stage, [one.result().new for one in needed], return_state=True)
            if not state.is_completed():
                return False
            ran[stage.name] = state
    return True


def _cluster(workers: int, scheduler: str | None) -> dict:
    if scheduler:
        return {"address": scheduler}
    local = {"n_workers": workers, "threads_per_worker": 1, "host": LOOPBACK}
    return {"cluster_kwargs": local | {"dashboard_address": None}}


def _worth(results: PictureResults, seed: int) -> float:
    """The figure that a better model is better in; more is better."""
    return next(iter(compare(results, results, 0.5, 1, seed).values())).champion


def _show(model: str, variants: list[Variant], worths: dict[Variant, float], best: Variant) -> None:
    rows = [
        {
            "experiment": variant.name,
            **{key: str(value) for key, value in variant.changes.items()},
            "better is more": f"{worths[variant]:.4f}" if variant in worths else "failed",
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
    parser.add_argument("grid", nargs="+", metavar="SETTING=VALUE,VALUE…", type=_values)
    parser.add_argument("--workers", type=int, default=2, help="variants at once (default: 2)")
    parser.add_argument("--promote", action="store_true", help="if the best passes the gate")
    args = parser.parse_args()
    grid, settings = dict(args.grid), (args.workers, None, args.promote)
    state = sweep(args.model, grid, *settings, return_state=True)
    sys.exit(0 if state.is_completed() else 1)


def _values(text: str) -> tuple[str, list[Value]]:
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise argparse.ArgumentTypeError(f"{text} names no values; write learning_rate=0.001,0.002")
    return name, [yaml.safe_load(value) for value in values.split(",")]


if __name__ == "__main__":
    run_main(main)
