"""A model's name → its files on this machine."""

from pathlib import Path

import yaml

from stylefuse.config import Registry
from stylefuse.errors import UserError
from stylefuse.registry.store import CHAMPION, MODEL_NAME, open_store, reason, store_exists

TRAINED = Path("models/transfer")
CHAMPION_URI = f"models:/{MODEL_NAME}@{CHAMPION}"


def default_model(registry: Registry) -> str:
    """The registry's champion where there is one, else the folder of the last training."""
    if store_exists(registry):
        found = open_store(registry).search_registered_models(f"name = '{MODEL_NAME}'")
        if found and CHAMPION in found[0].aliases:
            return CHAMPION_URI
    return str(TRAINED)


def model_files(model: str, registry: Registry) -> Path:
    """The folder that holds a model's weights and configuration.

    Args:
        model: `models:/NAME@ALIAS`, `models:/NAME/VERSION`, or a folder.

    Raises:
        UserError: there is no such model.
    """
    folder = mlflow_model(model, registry) if model.startswith("models:/") else Path(model)
    if not folder.is_dir():
        raise UserError(f"no model: {folder} is no folder; run `make repro`")
    description = folder / "MLmodel"
    if not description.exists():
        return folder
    flavor = yaml.safe_load(description.read_text())["flavors"]["python_function"]
    return folder / flavor.get("data", "")


def mlflow_model(model: str, registry: Registry) -> Path:
    """The folder of a model with its `MLmodel` file, fetched from the store where need be.

    Raises:
        UserError: there is no such model, or it is no MLflow model.
    """
    if model.startswith("models:/"):
        return _fetched(model, registry)
    if not (Path(model) / "MLmodel").exists():
        raise UserError(f"{model} is no MLflow model; `stylefuse register` makes one")
    return Path(model)


def _fetched(uri: str, registry: Registry) -> Path:
    remedy = "run `make repro` to make one, or see `stylefuse ui` for those there are"
    if not store_exists(registry):
        raise UserError(f"{uri} is not in the registry, which is empty; {remedy}")
    open_store(registry)
    import mlflow

    try:
        return Path(mlflow.artifacts.download_artifacts(uri))
    except Exception as error:  # each kind of store and address fails with errors of its own
        raise UserError(f"{uri} cannot be had ({reason(error)}); {remedy}") from None
