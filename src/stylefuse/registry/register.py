"""The trained model → a version in MLflow's registry. The same weights are registered once."""

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params
from stylefuse.data.pictures import open_picture
from stylefuse.errors import UserError
from stylefuse.models.stylizer import CONFIG, MANIFEST, WEIGHTS
from stylefuse.registry.card import MODEL_CARD, version_card
from stylefuse.registry.flat import numbers
from stylefuse.registry.provenance import provenance
from stylefuse.registry.store import (
    CHALLENGER,
    CHAMPION,
    MODEL_NAME,
    WEIGHTS_TAG,
    open_store,
    reason,
)
from stylefuse.registry.tracker import run_params
from stylefuse.serving import package

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODEL = Path("models/transfer")
PREPARED = Path("data/prepared")
CURVES = Path("reports/train/transfer.csv")
SAMPLES = Path("reports/train/samples")
METRICS = Path("reports/metrics/transfer.json")
REPORTS = (Path("reports/sheets/transfer.png"), Path("reports/transfer.html"))


@dataclass(frozen=True)
class RegisteredVersion:
    """A version in the registry.

    `created` is false where the same weights had been registered before.
    """

    name: str
    version: int
    created: bool
    aliases: tuple[str, ...]

    def __str__(self) -> str:
        named = f" ({', '.join(self.aliases)})" if self.aliases else ""
        what = "registered as" if self.created else "the same weights are already"
        return f"{what} {self.name} version {self.version}{named}"


def register(params: Params) -> RegisteredVersion:
    """Register `models/transfer` together with its reports and where it comes from.

    A new version gets the alias `challenger`, and `champion` where no version has it yet.

    Raises:
        UserError: there is no whole model, or the store cannot be used.
    """
    weights = _weights_hash(MODEL)
    client = open_store(params.registry)
    from mlflow.exceptions import MlflowException

    try:
        known = client.search_model_versions(
            f"name = '{MODEL_NAME}' and tags.`{WEIGHTS_TAG}` = '{weights}'"
        )
        version = known[0] if known else _new_version(client, params, weights)
        _set_aliases(client, version, new=not known)
        aliases = client.get_model_version(MODEL_NAME, version.version).aliases
    except (MlflowException, OSError) as error:
        raise UserError(f"the model could not be registered: {reason(error)}") from None
    return RegisteredVersion(MODEL_NAME, int(version.version), not known, tuple(sorted(aliases)))


def _weights_hash(model: Path) -> str:
    """The SHA-256 of a model's weights, once its files are seen to be those that were saved."""
    try:
        sums = json.loads((model / MANIFEST).read_text())
        found = {name: _sha256(model / name) for name in (CONFIG, WEIGHTS)}
    except FileNotFoundError as error:
        raise UserError(f"no model: {error.filename} is missing; run `make repro`") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{model} cannot be read ({error}); run `make repro`") from None
    if found != sums:
        raise UserError(f"{model} was changed after training; run `dvc repro -f train`")
    return found[WEIGHTS]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _new_version(client: "MlflowClient", params: Params, weights: str) -> "ModelVersion":
    import mlflow

    metrics = _metrics()
    kept = [path for path in REPORTS if path.exists()]
    with _training_run(client, params, weights) as run:
        tags = {
            WEIGHTS_TAG: weights,
            "backend": run.data.params.get("backend")
            or os.environ.get("KERAS_BACKEND", "tensorflow"),
            **provenance(params),
        }
        model = _log_model(params, tags)
        if metrics:
            mlflow.log_metrics(metrics, model_id=model.model_id)
        for path in kept:
            mlflow.log_artifact(str(path), "reports")

    _make_registered_model(client)
    return client.create_model_version(
        MODEL_NAME,
        source=model.model_uri,
        run_id=run.info.run_id,
        tags=tags,
        description=version_card(params, metrics, tags, [f"reports/{p.name}" for p in kept]),
        model_id=model.model_id,
    )


def _log_model(params: Params, tags: dict[str, str]) -> Any:
    """Log the model to the active run; its artifact holds data only, no code and no pickle."""
    import mlflow
    import pandas as pd

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "transfer"
        package.write_package(MODEL, params.serve, folder)
        return mlflow.pyfunc.log_model(
            name="transfer",
            loader_module=package.LOADER,
            data_path=str(folder),
            signature=package.signature(),
            input_example=pd.DataFrame(package.example(PREPARED)),
            pip_requirements=package.requirements(),
            tags=tags,
        )


@contextmanager
def _training_run(client: "MlflowClient", params: Params, weights: str) -> Iterator[Any]:
    """Open the run that made the weights, or one made from the files where none was followed."""
    import mlflow

    experiment = client.get_experiment_by_name(params.registry.experiment)
    runs = client.search_runs([experiment.experiment_id], f"tags.`{WEIGHTS_TAG}` = '{weights}'")
    if runs:
        with mlflow.start_run(runs[0].info.run_id):
            yield runs[0]
        return
    with mlflow.start_run(run_name=f"transfer-{params.profile}-from-files") as run:
        mlflow.log_params(run_params(params))
        _replay_reports()
        mlflow.set_tag(WEIGHTS_TAG, weights)
        yield run


def _replay_reports() -> None:
    """Log what training left on disk as if it had been followed."""
    import mlflow

    if CURVES.exists():
        with CURVES.open(newline="") as file:
            for row in csv.DictReader(file):
                step = round(1000 * float(row.pop("kimg")))
                mlflow.log_metrics({name: float(value) for name, value in row.items()}, step=step)
    for path in sorted(SAMPLES.glob("*.png")):
        mlflow.log_image(open_picture(path), key="samples", step=int(path.stem))


def _metrics() -> dict[str, float]:
    try:
        return numbers(json.loads(METRICS.read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{METRICS} cannot be read ({error}); run `dvc repro evaluate`") from None


def _make_registered_model(client: "MlflowClient") -> None:
    if not client.search_registered_models(f"name = '{MODEL_NAME}'"):
        client.create_registered_model(MODEL_NAME, description=MODEL_CARD)


def _set_aliases(client: "MlflowClient", version: "ModelVersion", new: bool) -> None:
    """Point the aliases; a call that was cut short is made good by the next one."""
    taken = client.get_registered_model(MODEL_NAME).aliases
    if new or CHALLENGER not in taken:
        client.set_registered_model_alias(MODEL_NAME, CHALLENGER, version.version)
    if CHAMPION not in taken:
        client.set_registered_model_alias(MODEL_NAME, CHAMPION, version.version)
