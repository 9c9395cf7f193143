"""The MLflow run that a model's weights came out of."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params
from stylefuse.images.open import open_picture
from stylefuse.registry.store import MODEL_TAG, WEIGHTS_TAG
from stylefuse.registry.tracking.datasets import dataset_inputs
from stylefuse.registry.tracking.tracker import run_params

if TYPE_CHECKING:
    from mlflow import MlflowClient

REPORTS = Path("reports/train")


@contextmanager
def training_run(client: "MlflowClient", params: Params, model: str, weights: str) -> Iterator[Any]:
    """Open the run that made the weights, or one made from the files where none was followed.

    Args:
        client: of the store that is open.
        params: logged where the run is new.
        model: what was trained.
        weights: the SHA-256 of the weights.
    """
    import mlflow

    experiment = client.get_experiment_by_name(params.registry.experiment)
    runs = client.search_runs([experiment.experiment_id], f"tags.`{WEIGHTS_TAG}` = '{weights}'")
    if runs:
        known = runs[0].info
        with mlflow.start_run(known.run_id):
            yield runs[0]
        # it lasted as long as the training did, whatever was added to it since
        client.set_terminated(known.run_id, known.status, known.end_time)
        return
    with mlflow.start_run(run_name=f"{model}-{params.profile}-from-files") as run:
        mlflow.log_params(run_params(params, model))
        client.log_inputs(run.info.run_id, datasets=dataset_inputs(params, model))
        _replay(REPORTS / model)
        mlflow.set_tags({WEIGHTS_TAG: weights, MODEL_TAG: model})
        yield run


def _replay(folder: Path) -> None:
    """Log what training left on disk as if it had been followed."""
    import mlflow

    curves = folder / "curves.csv"
    if curves.exists():
        with curves.open(newline="") as file:
            for row in csv.DictReader(file):
                step = round(1000 * float(row.pop("kimg")))
                mlflow.log_metrics({name: float(value) for name, value in row.items()}, step=step)
    for path in sorted((folder / "samples").glob("*.png")):
        mlflow.log_image(open_picture(path), key="samples", step=int(path.stem))
