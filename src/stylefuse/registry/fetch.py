"""A model's name → its files on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from stylefuse.config import Params, Registry
from stylefuse.errors import UserError
from stylefuse.models.keras_import import import_keras
from stylefuse.models.saving import load_predictor, weights_hash
from stylefuse.models.task import Task
from stylefuse.registry.integrity.signing import check, trusted_keys
from stylefuse.registry.store import (
    AGAIN,
    CHAMPION,
    exit_code,
    is_missing,
    open_store,
    reason,
    registered_name,
    report_outages,
    require_store,
    store_exists,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

REGISTRY = "models:/"  # what an address in the registry begins with
TRAINED = Path("models")
SHIPPED = TRAINED / "base"  # weights that come with the project


class FetchedModel(NamedTuple):
    """A trained model that is ready to paint.

    Attributes:
        artist: what its recipe's `predictor` makes.
        origin: its `name`, its `version` in the registry (as `stylefuse verify` takes it) or else
            its `folder`, and the `sha256` of its weights.
    """

    predictor: Any
    origin: dict[str, str]


def fetch_model(task: Task, model: str | None, params: Params) -> FetchedModel:
    """A recipe's trained model.

    Args:
        recipe: what the model must be of.
        model: see `model_files`; the default one where it is None.
        params: tell the registry, and the largest side to paint.

    Raises:
        UserError: there is no such model, or it is of another kind.
    """
    if model is None:
        model = default_model(params.registry, task.name)
        if not (model.startswith(REGISTRY) or Path(model).is_dir()):
            raise UserError(f"there is no {task.name} model yet; `make repro` trains one")
    address = resolve_alias(model, params.registry)
    folder = model_files(address, params.registry)
    import_keras()
    found, predictor = load_predictor(folder, params.serve.max_side)
    if found.name != task.name:
        raise UserError(f"{model} is a {found.name} model; name a {task.name} model")
    kind = "version" if address.startswith(REGISTRY) else "folder"
    origin = {kind: address.removeprefix(REGISTRY), "sha256": weights_hash(folder)}
    return FetchedModel(predictor, {"name": task.name, **origin})


def resolve_alias(model: str, registry: Registry) -> str:
    """A model's address with the number that its alias stands for now: another version may get
    the alias at any time."""
    name, at, alias = model.removeprefix(REGISTRY).partition("@")
    if not (model.startswith(REGISTRY) and at):
        return model
    with _asking(model, registry) as client:
        return f"{REGISTRY}{name}/{client.get_model_version_by_alias(name, alias).version}"


def champion_uri(name: str) -> str:
    """The address of a model's champion."""
    return f"{REGISTRY}{registered_name(name)}@{CHAMPION}"


@report_outages()
def has_champion(registry: Registry, name: str) -> bool:
    """Whether there is a champion of a model; a store that is not there yet has none."""
    if not store_exists(registry):
        return False
    found = open_store(registry).search_registered_models(f"name = '{registered_name(name)}'")
    return bool(found) and CHAMPION in found[0].aliases


def default_model(registry: Registry, name: str) -> str:
    """A model's champion where the registry has one, else the folder of its last training, else
    that of the weights that come with the project."""
    if has_champion(registry, name):
        return champion_uri(name)
    trained, shipped = TRAINED / name, SHIPPED / name
    return str(shipped if shipped.is_dir() and not trained.is_dir() else trained)


def model_files(model: str, registry: Registry) -> Path:
    """The folder that holds a model's weights and configuration.

    Args:
        model: `models:/NAME@ALIAS`, `models:/NAME/VERSION`, or a folder.

    Raises:
        UserError: there is no such model.
    """
    folder = mlflow_model(model, registry) if model.startswith(REGISTRY) else Path(model)
    if not folder.is_dir():
        raise UserError(
            f"there is no folder {folder}; name one that holds a model, or a version like "
            f"{champion_uri('transfer')} (`stylefuse models` lists them)"
        )
    description = folder / "MLmodel"
    if not description.exists():
        return folder
    flavor = yaml.safe_load(description.read_text())["flavors"]["python_function"]
    return folder / flavor.get("data", "")


def mlflow_model(model: str, registry: Registry) -> Path:
    """The folder of a model with its `MLmodel` file, fetched from the store where need be.

    Raises:
        UserError: there is no such model, or it is no MLflow model, or what came out of the
            registry is not what was signed.
    """
    if model.startswith(REGISTRY):
        folder = download(model, registry)
        check(folder, trusted_keys(registry.trusted_keys), model)
        return folder
    if not (Path(model) / "MLmodel").exists():
        raise UserError(f"{model} is not an MLflow model; `stylefuse register` makes one")
    return Path(model)


def download(uri: str, registry: Registry) -> Path:
    """The folder of a version in the registry, as it is there: nobody has looked at its signature.

    Raises:
        UserError: there is no such version, or the store does not answer.
    """
    with _asking(uri, registry):
        import mlflow

        return Path(mlflow.artifacts.download_artifacts(uri))


@contextmanager
def _asking(uri: str, registry: Registry) -> Iterator["MlflowClient"]:
    """The open store, for a question about an address; a failure is told in one sentence."""
    require_store(registry)
    client = open_store(registry)
    try:
        yield client
    except Exception as error:  # each kind of store and address fails with errors of its own
        if is_missing(error):
            told = f"there is no {uri} in the registry; `stylefuse models` lists what there is"
            raise UserError(told) from None
        code = exit_code(error)
        remedy = "try again when the store answers" if code == AGAIN else "see `stylefuse doctor`"
        raise UserError(f"{uri} cannot be fetched ({reason(error)}); {remedy}", code) from None
