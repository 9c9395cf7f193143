"""Training, followed in MLflow while it goes on."""

import functools
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from stylefuse.config import Params, Registry
from stylefuse.data.pictures import open_picture
from stylefuse.registry.flat import flatten
from stylefuse.registry.store import (
    ALARM_TAG,
    MODEL_TAG,
    RUN_TAG,
    WEIGHTS_TAG,
    open_store,
    reason,
)


def _never_raises(method: Callable[..., None]) -> Callable[..., None]:
    """The first failure is told in one line; from then on the tracker does nothing."""

    @functools.wraps(method)
    def careful(self: "MlflowTracker", *args: Any) -> None:
        if self.lost:
            return
        try:
            method(self, *args)
        except Exception as error:  # whatever a store or network does, training is worth more
            self.lost = True
            sys.stderr.write(
                f"MLflow cannot be reached ({reason(error)}); training goes on, its metrics are "
                "in reports/train\n"
            )

    return careful


class MlflowTracker:
    """Streams a training run to MLflow; a `stylefuse.training.loop.Tracker` that never raises.

    A training that was stopped goes on in the run that it began. As a context manager it also
    marks the run where training does not come to its end: as failed after an error, as killed
    where it was stopped.
    """

    def __init__(self, registry: Registry):
        self.registry = registry
        self.lost = False  # the store failed once
        self.begun = False  # a run is open
        self.alarms: list[str] = []

    def __enter__(self) -> "MlflowTracker":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self.begun:
            return
        import mlflow

        with suppress(Exception):  # a store that was lost does not learn of it, but MLflow does
            mlflow.end_run("FAILED" if kind and issubclass(kind, Exception) else "KILLED")

    @_never_raises
    def start(self, model: str, key: str, params: Params) -> None:
        """Begin the run of a training, or go on with it.

        Args:
            model: what is trained.
            key: names everything that decides what the training computes.
            params: logged where the run is new.
        """
        client = open_store(self.registry)
        import mlflow

        logging.getLogger("mlflow.system_metrics").setLevel(logging.ERROR)
        experiment = client.get_experiment_by_name(self.registry.experiment)
        runs = client.search_runs([experiment.experiment_id], f"tags.`{RUN_TAG}` = '{key}'")
        if runs and WEIGHTS_TAG not in runs[0].data.tags:
            mlflow.start_run(runs[0].info.run_id, log_system_metrics=True)
            self.begun = True
            return
        mlflow.start_run(
            run_name=f"{model}-{params.profile}-{key[:6]}",
            tags={RUN_TAG: key, MODEL_TAG: model},
            log_system_metrics=True,
        )
        self.begun = True
        mlflow.log_params(run_params(params, model) | {"backend": _backend()})

    @_never_raises
    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        """Log a row of metrics; `step` counts the pictures shown so far."""
        import mlflow

        mlflow.log_metrics(metrics, step=step)

    @_never_raises
    def log_image(self, path: Path, step: int) -> None:
        """Log a sample grid; the UI shows all of them behind one slider."""
        import mlflow

        mlflow.log_image(open_picture(path), key="samples", step=step)

    @_never_raises
    def alarm(self, message: str) -> None:
        """Mark the run; of several alarms, each of which training tells once, all are kept."""
        import mlflow

        self.alarms.append(message)
        mlflow.set_tag(ALARM_TAG, "\n".join(self.alarms))

    @_never_raises
    def finish(self, weights_hash: str) -> None:
        """End the run and note which weights it made, so that `register` finds it."""
        import mlflow

        mlflow.set_tag(WEIGHTS_TAG, weights_hash)
        mlflow.end_run("FINISHED")
        self.begun = False


def run_params(params: Params, model: str) -> dict[str, Any]:
    """What a training run is shown with: the model's settings by dotted name, seed and profile."""
    chosen = {"prepare": params.prepare[params.profile], "train": params.train(model)}
    settings = {name: section.model_dump() for name, section in chosen.items()}
    return {"profile": params.profile, "seed": params.seed, **flatten(settings)}


def _backend() -> str:
    import keras

    return keras.backend.backend()
