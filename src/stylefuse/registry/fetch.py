"""Find a model by name, registry URI or folder, and fetch its files to this machine."""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from stylefuse.config import Registry
from stylefuse.errors import EXIT_TRY_AGAIN, UserError
from stylefuse.fileio import is_inside, read_document
from stylefuse.painting.model_location import ModelLocation, remember_champion
from stylefuse.registry.integrity.signing import trusted_keys, verify_signature
from stylefuse.registry.package import LOADER
from stylefuse.registry.store import (
    CHALLENGER,
    CHAMPION,
    embedded_store,
    error_reason,
    exit_code,
    is_missing,
    open_store,
    registered_name,
    report_outages,
    require_store,
    store_exists,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger("uvicorn.error")

MLMODEL = "MLmodel"  # MLflow's description of a model, in its folder
MAX_MLMODEL_BYTES = 100_000  # of about 4,000; PyYAML takes seconds for so many
PYFUNC = "python_function"  # MLflow's name for models that a loader loads
MAX_VERSION_BYTES = 1 << 32  # of all files; more would be copied before the signature is looked at
INVALID_PARAMETER = "INVALID_PARAMETER_VALUE"  # MLflow's code, here of a path out of the version
MODELS_URI = "models:/"  # prefix of MLflow's URIs of registered models


def fetch(uri: str, registry: Registry) -> ModelLocation:
    """Fetch a registered version to this machine, and verify its signature.

    Args:
        uri: `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
        registry: the section of `params.yaml`.

    Raises:
        UserError: there is no such version, it does not match its signature, or the store is
            unreachable.
    """
    version = resolve_alias(uri, registry)
    return ModelLocation(
        model_files(version, registry), {"version": version.removeprefix(MODELS_URI)}
    )


def champion_location(name: str, registry: Registry) -> ModelLocation | None:
    """Fetch a model's champion; None if it has none. Later calls of
    `stylefuse.painting.model_location` remember it.

    Raises:
        UserError: see `fetch`.
    """
    if not has_champion(registry, name):
        return None
    began_ns = time.time_ns()
    location, store = fetch(champion_uri(name), registry), embedded_store(registry)
    if store and location.folder.is_relative_to(store.parent):
        remember_champion(name, location, store, began_ns)
    return location


def resolve_alias(model: str, registry: Registry) -> str:
    """Replace the alias in a registry URI by the version it points to now: aliases move."""
    name, at, alias = model.removeprefix(MODELS_URI).partition("@")
    if not (model.startswith(MODELS_URI) and at):
        return model
    with _store_for(model, registry) as client:
        return f"{MODELS_URI}{name}/{client.get_model_version_by_alias(name, alias).version}"


def challenger_version(model: str, registry: Registry) -> str:
    """The version that is challenger; "" if there is none, or if it is champion, too.

    Args:
        model: the URI of the champion.
        registry: the section of `params.yaml`.
    """
    name = model.removeprefix(MODELS_URI).partition("@")[0]
    with _store_for(model, registry) as client:
        aliases = client.get_registered_model(name).aliases
    version = aliases.get(CHALLENGER)
    return "" if version in (None, aliases.get(CHAMPION)) else str(version)


def champion_uri(name: str) -> str:
    """The registry URI of a model's champion."""
    return f"{MODELS_URI}{registered_name(name)}@{CHAMPION}"


@report_outages()
def has_champion(registry: Registry, name: str) -> bool:
    """Whether a model has a champion; a store that does not exist yet has none."""
    if not store_exists(registry):
        return False
    models = open_store(registry).search_registered_models(f"name = '{registered_name(name)}'")
    return bool(models) and CHAMPION in models[0].aliases


def model_files(model: str, registry: Registry) -> Path:
    """The folder that holds a model's weights and configuration.

    Args:
        model: `models:/NAME@ALIAS`, `models:/NAME/VERSION`, or a folder.
        registry: the section of `params.yaml`.

    Raises:
        UserError: there is no such model.
    """
    folder = mlflow_model(model, registry) if model.startswith(MODELS_URI) else Path(model)
    if not folder.is_dir():
        raise UserError(
            f"there is no folder {folder}; name one that holds a model, or a version like "
            f"{champion_uri('transfer')} (`stylefuse models` lists them)",
            code="model-missing",
        )
    return data_folder(folder)


def data_folder(folder: Path) -> Path:
    """The trained model inside an MLflow model's folder; another folder is returned as it is.

    Raises:
        UserError: see `read_mlmodel`; or the trained model is not in the folder.
    """
    if not (folder / MLMODEL).exists():
        return folder
    data = folder / str(_flavors(folder, str(folder))[PYFUNC].get("data", ""))
    if not is_inside(data, folder):
        raise UserError(
            f"the {MLMODEL} of {folder} names files outside of it; `stylefuse register` makes "
            "models that hold their files",
            code="model-foreign",
        )
    return data


def read_mlmodel(folder: Path) -> dict[str, Any]:
    """The description of an MLflow model. All values in it are texts: numbers and merged mappings
    of YAML may take minutes to construct.

    Raises:
        UserError: it cannot be read.
    """

    def parse(text: str) -> Any:
        return yaml.BaseLoader(text).get_single_data()

    try:
        return read_document(folder, MLMODEL, parse, MAX_MLMODEL_BYTES)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder} cannot be read ({error}); `stylefuse register` makes models again",
            code="model-unreadable",
        ) from None


def _flavors(folder: Path, model: str) -> dict[str, dict[str, Any]]:
    """The flavors of an MLflow model that has that of a Python function.

    Raises:
        UserError: see `read_mlmodel`; or it has no such flavor.
    """
    flavors = read_mlmodel(folder).get("flavors")
    if not isinstance(flavors, dict) or not isinstance(flavors.get(PYFUNC), dict):
        raise _foreign(model)
    return flavors


def _foreign(model: str) -> UserError:
    return UserError(
        f"{model} is not a model of stylefuse; `stylefuse register` makes them",
        code="model-foreign",
    )


def mlflow_model(model: str, registry: Registry) -> Path:
    """The folder of an MLflow model, with its `MLmodel` file; downloaded if it is a registry URI.

    Raises:
        UserError: there is no such model, it is not an MLflow model, or a downloaded one does not
            match its signature.
    """
    if model.startswith(MODELS_URI):
        folder = download(model, registry)
        verify_signature(folder, trusted_keys(registry.trusted_keys), model)
        return folder
    if not (Path(model) / MLMODEL).exists():
        raise UserError(
            f"{model} is not an MLflow model; `stylefuse register` makes one", code="model-missing"
        )
    return Path(model)


def verified_copy(model: str, registry: Registry, folder: Path) -> Path:
    """Copy an MLflow model into a folder that others cannot change, and verify the copy.

    Nothing of the model is executed. MLflow's own functions would import the modules that a model
    names, whoever wrote it.

    Args:
        model: a registry URI, or a folder with an `MLmodel` file.
        registry: the section of `params.yaml`.
        folder: of the copy; it does not exist yet.

    Returns:
        The copied model's folder.

    Raises:
        UserError: there is no such model, it does not match its signature, or it is not one that
            `stylefuse register` made.
    """
    if model.startswith(MODELS_URI):
        folder.mkdir()
        copy = download(model, registry, folder)
    else:
        copy = folder
        try:  # links are copied as links, which are not accepted
            shutil.copytree(mlflow_model(model, registry), copy, symlinks=True)
        except OSError as error:
            raise UserError(f"{model} cannot be copied: {error}", code="model-unreadable") from None
    trusted = trusted_keys(registry.trusted_keys)
    signer = verify_signature(copy, trusted, model)
    if not trusted:
        logger.warning("%s is signed by %s; registry.trusted_keys is empty", model, signer)
    flavors = _flavors(copy, model)
    if set(flavors) != {PYFUNC} or flavors[PYFUNC].get("loader_module") != LOADER:
        raise _foreign(model)
    return copy


def download(uri: str, registry: Registry, folder: Path | None = None) -> Path:
    """The folder of a registered version as it is stored: its signature is not verified.

    Args:
        uri: of the version.
        registry: the section of `params.yaml`.
        folder: to copy it to; by default, a version in a store on this machine is not copied.

    Raises:
        UserError: there is no such version, it is too large, or the store is unreachable.
    """
    with _store_for(uri, registry):
        import mlflow

        if _stored_bytes(uri) > MAX_VERSION_BYTES:
            raise UserError(
                f"{uri} has more than the {MAX_VERSION_BYTES:,} bytes allowed; `stylefuse "
                "register` makes smaller ones",
                code="version-too-large",
            )
        target = None if folder is None else str(folder)
        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=target))


def _stored_bytes(uri: str) -> int:
    """The size of a version's files in the store; of a version that is too large, of some."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    files = get_artifact_repository(uri)
    total, folders = 0, [""]
    while folders and total <= MAX_VERSION_BYTES:
        folder = folders.pop()
        try:
            entries = files.list_artifacts(folder)
        except MlflowException as error:
            if not folder or error.error_code != INVALID_PARAMETER:
                raise
            continue  # a linked folder, which is refused by name when the files are checked
        for entry in entries:
            if entry.is_dir:
                folders.append(entry.path)
            else:
                total += entry.file_size or 0
    return total


@contextmanager
def _store_for(uri: str, registry: Registry) -> Iterator["MlflowClient"]:
    """The open store for a request about a URI; a failure becomes one message."""
    require_store(registry)
    client = open_store(registry)
    try:
        yield client
    except UserError:
        raise
    except Exception as error:  # each kind of store and URI raises errors of its own
        if is_missing(error):
            raise UserError(
                f"there is no {uri} in the registry; `stylefuse models` lists its versions",
                code="version-missing",
            ) from None
        status = exit_code(error)
        again = status == EXIT_TRY_AGAIN
        advice = "try again when the store answers" if again else "run `stylefuse doctor`"
        raise UserError(
            f"{uri} cannot be fetched ({error_reason(error)}); {advice}",
            status,
            code="store-unreachable" if again else "version-not-readable",
        ) from None
