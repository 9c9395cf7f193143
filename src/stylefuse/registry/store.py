"""The MLflow store: found, made on first use, opened quietly, and its failures told in a sentence.

Importing this module is cheap; MLflow itself is imported when the store is opened.
"""

import logging
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.config import Registry
from stylefuse.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = "champion", "challenger"
WEIGHTS_TAG = "stylefuse.weights"  # the content that a run made or a version holds
RUN_TAG = "stylefuse.run_key"  # the training that an MLflow run follows
MODEL_TAG = "stylefuse.model"  # the model that a run trains
TRIED_TAG = "stylefuse.variants"  # of how many variants a version is the best
ALARM_TAG = "stylefuse.alarm"  # what went wrong in a run

SETTINGS = {  # MLflow reads some of them while it is imported
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOG_UV_FILES": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # the default waits minutes for a dead server
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
SQLITE = "sqlite:///"
PATIENCE = 5  # seconds to wait for another program that holds the database


def registered_name(model: str) -> str:
    """What the registry calls a model of `params.yaml`."""
    return f"stylefuse-{model}"


def tracking_uri(registry: Registry) -> str:
    """The store's address: MLFLOW_TRACKING_URI where it is set, else the configured one.

    A relative SQLite path is made absolute from the project's folder, where commands run, so that
    other processes find the same file.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or registry.tracking_uri
    if not uri.startswith(SQLITE):
        return uri
    return SQLITE + str(Path(uri.removeprefix(SQLITE)).absolute())


def is_server(uri: str) -> bool:
    """Whether an address is a tracking server's, which keeps artifacts where it likes."""
    return uri.startswith(("http://", "https://"))


def store_exists(registry: Registry) -> bool:
    """Whether there is a store to ask; a local one appears with the first thing it keeps."""
    uri = tracking_uri(registry)
    return not uri.startswith(SQLITE) or Path(uri.removeprefix(SQLITE)).exists()


def open_store(registry: Registry) -> "MlflowClient":
    """Open the store and choose its experiment; make both where they are missing.

    Returns:
        A client of the store; `mlflow`'s own functions use the same store and experiment.

    Raises:
        UserError: the store cannot be opened, is locked, or is another MLflow version's.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    uri = tracking_uri(registry)
    if uri.startswith(SQLITE):
        _refuse_unusable(Path(uri.removeprefix(SQLITE)))

    import mlflow

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    try:
        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient()
        _choose_experiment(client, registry, uri)
    except Exception as error:  # drivers, networks and migrations fail with errors of their own
        raise UserError(_explain(uri, error), 75 if is_server(uri) else 2) from None
    return client


def reason(error: BaseException) -> str:
    """The first line of an error, for use inside a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")


def _refuse_unusable(path: Path) -> None:
    """Try to write to a SQLite file, because MLflow retries for 100 s before it gives up."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=PATIENCE)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise UserError(
                f"{path} is locked by another program; try again when that has ended", exit_code=75
            ) from None
        raise UserError(
            f"{path} cannot be opened ({reason(error)}); check that it is a file you may write"
        ) from None
    except sqlite3.DatabaseError:
        raise UserError(
            f"{path} is no MLflow database; move it away, and a new one is made"
        ) from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be made ({error.strerror}); change registry.tracking_uri in params.yaml"
        ) from None


def _choose_experiment(client: "MlflowClient", registry: Registry, uri: str) -> None:
    import mlflow

    if client.get_experiment_by_name(registry.experiment) is None:
        root = None
        if registry.artifact_root and not is_server(uri):
            root = registry.artifact_root.absolute().as_uri()
        client.create_experiment(registry.experiment, artifact_location=root)
    mlflow.set_experiment(registry.experiment)


def _explain(uri: str, error: Exception) -> str:
    if "database schema" in str(error):
        return (
            f"{uri} was made by another version of MLflow; if by an older one, back it up and run "
            f"`mlflow db upgrade {uri}`, if by a newer one, move it away and register again"
        )
    return (
        f"the MLflow store {uri} cannot be used ({reason(error)}); check MLFLOW_TRACKING_URI, or "
        "registry.tracking_uri in params.yaml"
    )
