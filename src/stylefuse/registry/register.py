"""A trained model → a version in MLflow's registry. The same weights are registered once."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.models.files import weights_hash
from stylefuse.models.recipe import find_recipe
from stylefuse.registry.card import version_card
from stylefuse.registry.flat import numbers
from stylefuse.registry.provenance import provenance
from stylefuse.registry.runs import training_run
from stylefuse.registry.store import (
    CHALLENGER,
    CHAMPION,
    WEIGHTS_TAG,
    exit_code,
    open_store,
    reason,
    registered_name,
)
from stylefuse.serving import package

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODELS, PREPARED, REPORTS = Path("models"), Path("data/prepared"), Path("reports")


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


def register(params: Params, model: str) -> RegisteredVersion:
    """Register a trained model together with its reports and where it comes from.

    A new version gets the alias `challenger`, and `champion` where no version has it yet.

    Args:
        params: tell the settings and the registry.
        model: its name in `params.yaml`.

    Raises:
        UserError: there is no whole model, or the store cannot be used.
    """
    params.train(model)  # a name that is none is told as that, not as a model that is missing
    weights = weights_hash(MODELS / model)
    client = open_store(params.registry)
    from mlflow.exceptions import MlflowException

    name = registered_name(model)
    try:
        known = client.search_model_versions(
            f"name = '{name}' and tags.`{WEIGHTS_TAG}` = '{weights}'"
        )
        version = known[0] if known else _new_version(client, params, model, weights)
        _set_aliases(client, version, new=not known)
        aliases = client.get_model_version(name, version.version).aliases
    except (MlflowException, OSError) as error:
        told = f"the model {model} could not be registered: {reason(error)}"
        raise UserError(told, exit_code(error)) from None
    return RegisteredVersion(name, int(version.version), not known, tuple(sorted(aliases)))


def _new_version(
    client: "MlflowClient", params: Params, model: str, weights: str
) -> "ModelVersion":
    import mlflow

    result = _result(model)
    reports = [*sorted((REPORTS / "sheets" / model).glob("*.png")), REPORTS / f"{model}.html"]
    kept = [path for path in reports if path.exists()]
    with training_run(client, params, model, weights) as run:
        tags = {
            WEIGHTS_TAG: weights,
            "backend": run.data.params.get("backend")
            or os.environ.get("KERAS_BACKEND", "tensorflow"),
            **provenance(params, model),
        }
        logged = _log_model(params, model, tags)
        if metrics := numbers(result):
            mlflow.log_metrics(metrics, model_id=logged.model_id)
        for path in kept:
            mlflow.log_artifact(str(path), "reports")

    _make_registered_model(client, model)
    paths = [f"reports/{path.name}" for path in kept]
    return client.create_model_version(
        registered_name(model),
        source=logged.model_uri,
        run_id=run.info.run_id,
        tags=tags,
        description=version_card(params, model, result.get("methods", {}), tags, paths),
        model_id=logged.model_id,
    )


def _log_model(params: Params, model: str, tags: dict[str, str]) -> Any:
    """Log the model to the active run; its artifact holds data only, no code and no pickle."""
    import mlflow
    import pandas as pd

    recipe = find_recipe(model)
    example = package.example(recipe, params.train(model).domains, PREPARED)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / model
        package.write_package(MODELS / model, params.serve, folder)
        return mlflow.pyfunc.log_model(
            name=model,
            loader_module=package.LOADER,
            data_path=str(folder),
            signature=package.signature(recipe),
            input_example=pd.DataFrame(example),
            pip_requirements=package.requirements(),
            tags=tags,
        )


def _result(model: str) -> dict[str, Any]:
    """What evaluation found; nothing where it has not run."""
    path = REPORTS / "metrics" / f"{model}.json"
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}); run `dvc repro evaluate`") from None


def _make_registered_model(client: "MlflowClient", model: str) -> None:
    name = registered_name(model)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description=find_recipe(model).card)


def _set_aliases(client: "MlflowClient", version: "ModelVersion", new: bool) -> None:
    """Point the aliases; a call that was cut short is made good by the next one."""
    taken = client.get_registered_model(version.name).aliases
    if new or CHALLENGER not in taken:
        client.set_registered_model_alias(version.name, CHALLENGER, version.version)
    if CHAMPION not in taken:
        client.set_registered_model_alias(version.name, CHAMPION, version.version)
