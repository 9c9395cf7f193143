"""Loads models for painting: from a folder, or from the registry.

The registry, and with it MLflow, is imported only if a model is in it.
"""

from importlib.util import find_spec
from pathlib import Path

from stylefuse.errors import UserError
from stylefuse.inference.predictor import Predictor, load_predictor
from stylefuse.painting.batch import LoadedModel, ModelLoader
from stylefuse.painting.model_location import (
    ModelLocation,
    folder_location,
    remembered_champion,
    unregistered_location,
)
from stylefuse.paths import PARAMS

MODELS_URI = "models:/"  # prefix of MLflow's URIs of registered models


def model_loader(name: str, model: str | None) -> ModelLoader:
    """A function that loads a model when it is called; see `load_model`."""
    return lambda: load_model(name, model)


def load_model(name: str, model: str | None = None, max_side: int | None = None) -> LoadedModel:
    """Load a trained model.

    Args:
        name: of the model.
        model: a folder, or `models:/NAME@ALIAS` or `models:/NAME/VERSION` in the registry; None is
            the default model.
        max_side: see `Predictor`.

    Raises:
        UserError: there is no such model, or it is a model of another name.
    """
    location = locate_model(name, model)
    try:
        predictor = load_predictor(location.folder, max_side)
    except UserError as error:
        if error.code != "model-not-exported" or "version" not in location.origin:
            raise
        raise UserError(
            f"{location.origin['version']} was registered by version 0.1 and cannot paint; run "
            f"`stylefuse register {name}`, then `stylefuse promote`",
            code="model-not-exported",
        ) from None
    if predictor.name != name:
        raise UserError(
            f"{model or location.folder} is a {predictor.name} model; name a {name} model",
            code="model-of-another-task",
        )
    return LoadedModel(predictor, _origin(predictor, location))


def locate_model(name: str, model: str | None = None) -> ModelLocation:
    """Where a model is: see `load_model`. The default is the champion if there is a registry with
    one, else the model of the last training, else the one that comes with the project.

    Raises:
        UserError: there is no such model.
    """
    if model is not None and not model.startswith(MODELS_URI):
        return folder_location(_data_folder(Path(model)))
    if model is None:
        if not PARAMS.exists() or not find_spec("mlflow"):  # no project, or no registry installed
            return unregistered_location(name)
        if champion := remembered_champion(name):
            return champion
    from stylefuse.config import load_params
    from stylefuse.registry.fetch import champion_location, fetch

    registry = load_params().registry
    if model is not None:
        return fetch(model, registry)
    return champion_location(name, registry) or unregistered_location(name)


def _data_folder(folder: Path) -> Path:
    """The trained model inside an MLflow model's folder."""
    if not (folder / "MLmodel").exists():
        return folder
    from stylefuse.registry.fetch import data_folder

    return data_folder(folder)


def _origin(predictor: Predictor, location: ModelLocation) -> dict[str, str]:
    """For sidecars and metadata: what painted."""
    return {"name": predictor.name, **location.origin, "sha256": predictor.model.weights}
