"""The MLflow run of a model's weights: the one that tracked their training, or a new one."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params
from stylefuse.images.open import open_picture
from stylefuse.paths import TRAINING_REPORTS
from stylefuse.registry.store import MODEL_TAG, SHIPPED, SOURCE_TAG, WEIGHTS_TAG
from stylefuse.registry.tracking.datasets import dataset_inputs
from stylefuse.registry.tracking.flatten import flatten

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run, RunInfo


def find_run(client: "MlflowClient", params: Params, weights: str) -> "Run | None":
    """The newest run that made some weights.

    Args:
        client: of the open store.
        params: the experiment.
        weights: SHA-256 of the weights.
    """
    experiment = client.get_experiment_by_name(params.registry.experiment)
    query = f"tags.`{WEIGHTS_TAG}` = '{weights}'"
    runs = client.search_runs([experiment.experiment_id], query)
    return runs[0] if runs else None


def create_run_from_files(params: Params, model: str, weights: str) -> "RunInfo":
    """Create the run of a training that was not tracked, from the files that it left."""
    import mlflow

    with mlflow.start_run(run_name=f"{model}-{params.profile}-from-files") as run:
        mlflow.log_params(run_params(params, model))
        client = mlflow.MlflowClient()
        client.log_inputs(run.info.run_id, datasets=dataset_inputs(params, model))
        _log_reports(TRAINING_REPORTS / model)
        mlflow.set_tags({WEIGHTS_TAG: weights, MODEL_TAG: model})
    return mlflow.get_run(run.info.run_id).info  # as it ended


def create_shipped_run(model: str, weights: str, settings: dict[str, Any]) -> "RunInfo":
    """Create the run of weights that come with the project; it has settings, but no metrics.

    Args:
        model: its name in `params.yaml`.
        weights: SHA-256 of the weights.
        settings: of the training, by dotted name.
    """
    import mlflow

    with mlflow.start_run(run_name=f"{model}-{SHIPPED}") as run:
        mlflow.log_params(settings)
        mlflow.set_tags({WEIGHTS_TAG: weights, MODEL_TAG: model, SOURCE_TAG: SHIPPED})
    return mlflow.get_run(run.info.run_id).info


@contextmanager
def resumed(client: "MlflowClient", run: "RunInfo") -> Iterator[None]:
    """Make a finished run the active one; its status and end time stay those of the training."""
    import mlflow

    with mlflow.start_run(run.run_id):
        yield
    client.set_terminated(run.run_id, run.status, run.end_time)


def run_params(params: Params, model: str) -> dict[str, Any]:
    """The parameters of a training run: the model's settings by dotted name, seed and profile."""
    sections = {"prepare": params.prepare[params.profile], "train": params.model_settings(model)}
    settings = {name: section.model_dump() for name, section in sections.items()}
    return {"profile": params.profile, "seed": params.seed, **flatten(settings)}


def _log_reports(folder: Path) -> None:
    """Log the curves and sample grids of a training to the active run."""
    import mlflow

    curves = folder / "curves.csv"
    if curves.exists():
        with curves.open(newline="") as file:
            for row in csv.DictReader(file):
                step = round(1000 * float(row.pop("kimg")))
                mlflow.log_metrics({name: float(value) for name, value in row.items()}, step=step)
    for path in sorted((folder / "samples").glob("*.png")):
        mlflow.log_image(open_picture(path), key="samples", step=int(path.stem))
