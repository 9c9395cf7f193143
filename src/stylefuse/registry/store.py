"""The MLflow store: its address, how it is opened, and messages for its failures.

Importing this module is cheap; MLflow itself is imported when the store is opened.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.config import Registry
from stylefuse.errors import EXIT_INVALID_INPUT, EXIT_TRY_AGAIN, UserError, to_user_error
from stylefuse.fileio import file_lock
from stylefuse.paths import PROJECT
from stylefuse.registry.relocation import relocate

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = "champion", "challenger"
FORMAT_TAG, FORMAT = "stylefuse.format", "onnx"  # of a version's files; older ones have none
WEIGHTS_TAG = "stylefuse.weights"  # SHA-256 of the weights of a run or a version
RUN_TAG = "stylefuse.run_key"  # the training that an MLflow run tracks
MODEL_TAG = "stylefuse.model"  # the model that a run trains
TRIED_TAG = "stylefuse.variants"  # of how many variants a version is the best
VERDICT_TAG = "stylefuse.gate.verdict"  # the gate's decision on a version, and the reasons
ALARM_TAG = "stylefuse.alarm"  # what went wrong in a run
SOURCE_TAG, SHIPPED = "source", "shipped"  # of a version whose weights come with the project

MLFLOW_SETTINGS = {  # MLflow reads some of them while it is imported
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOG_UV_FILES": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # the default retries a dead server for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
SQLITE = "sqlite:///"
DATABASE_LOCK_TIMEOUT_S = 5
MAX_REASON_LENGTH = 200  # characters of an error inside a message
OUTAGE = re.compile(  # messages of MLflow, requests, boto3 and psycopg2 for a missing server
    "failed with (timeout )?exception|TEMPORARILY_UNAVAILABLE|Could not connect to the endpoint"
    "|[Cc]onnection (refused|reset|aborted|broken)|server closed the connection|timed out"
)
CONNECTION_ERROR = re.compile(r"HTTPS?ConnectionPool.*\[Errno -?\d+\] ([\w ]+)", re.DOTALL)
PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):[^/@\s]*@")  # and the user name before it


def registered_name(model: str) -> str:
    """The registered model of a model in `params.yaml`."""
    return f"stylefuse-{model}"


def tracking_uri(registry: Registry) -> str:
    """The store's address: MLFLOW_TRACKING_URI if it is set, else the configured one.

    A relative SQLite path is made absolute from the project's folder, so that other processes open
    the same file.

    Raises:
        UserError: the path of the file cannot be written as an address.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or registry.tracking_uri
    if not uri.startswith(SQLITE):
        return uri
    path = str((PROJECT / uri.removeprefix(SQLITE)).absolute())
    if "?" in path:
        raise UserError(
            f"{path} has a question mark, at which SQLite's addresses end; rename the folder",
            code="store-path-invalid",
        )
    return SQLITE + path


def is_server(uri: str) -> bool:
    """Whether an address is a tracking server's, which decides itself where artifacts are kept."""
    return uri.startswith(("http://", "https://"))


def embedded_store(registry: Registry) -> Path | None:
    """The file of an embedded store; None for a store on a server."""
    uri = tracking_uri(registry)
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def store_exists(registry: Registry) -> bool:
    """Whether there is a store; an embedded one is created when it is first written to."""
    path = embedded_store(registry)
    return path is None or path.exists()


def require_store(registry: Registry) -> None:
    """Check that there is a store, before opening it would create one.

    Raises:
        UserError: there is none yet.
    """
    if not store_exists(registry):
        raise UserError(
            "nothing is registered yet; `make repro` trains models and registers them",
            code="store-missing",
        )


def artifact_root(registry: Registry) -> str | None:
    """The URI of a serverless store's artifact folder; None for MLflow's default."""
    root = registry.artifact_root
    return root if not root or "://" in root else (PROJECT / root).absolute().as_uri()


def open_store(registry: Registry, experiment: bool = True) -> "MlflowClient":
    """Open the store and set its experiment; create both if they are missing.

    Args:
        registry: the section of `params.yaml` with the store's address.
        experiment: False leaves the experiment to the first client of a server, which then
            decides where its artifacts are kept.

    Returns:
        A client of the store; the functions of `mlflow` use the same store and experiment.

    Raises:
        UserError: the store cannot be opened, is locked, or has another MLflow version's schema.
    """
    uri = tracking_uri(registry)
    if not uri.startswith(SQLITE):
        return _connect(registry, uri, experiment)
    path = Path(uri.removeprefix(SQLITE))
    _check_sqlite_file(path)
    with file_lock(path.with_suffix(".lock"), timeout_s=-1):  # two would both create the tables
        relocate(path, registry)
        return _connect(registry, uri, experiment)


def _connect(registry: Registry, uri: str, experiment: bool) -> "MlflowClient":
    load_mlflow()
    import mlflow

    try:
        if not (uri.startswith(SQLITE) or is_server(uri)):
            _check_database_server(uri)
        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient()
        if experiment:
            _set_experiment(client, registry, uri)
        else:
            client.search_experiments(max_results=1)
    except Exception as error:  # drivers, networks and migrations raise errors of their own
        raise _store_error(uri, error) from None
    return client


def load_mlflow() -> None:
    """Import MLflow with this project's settings and without its log lines."""
    for name, value in MLFLOW_SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow

    logging.getLogger(mlflow.__name__).setLevel(logging.WARNING)
    for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def error_reason(error: BaseException) -> str:
    """The first line of an error without passwords, for use inside a message."""
    if connection_error := CONNECTION_ERROR.search(str(error)):
        return connection_error[1]
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return without_passwords(lines[0])[:MAX_REASON_LENGTH].rstrip(".")


def without_passwords(text: str) -> str:
    """A text with the passwords removed from its URLs."""
    return PASSWORD.sub(r"\1@", text)


def is_missing(error: BaseException) -> bool:
    """Whether an MLflow error says that a model, version or alias does not exist."""
    return getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST" or bool(
        re.search(r"alias \S+ not found", str(error))
    )


def exit_code(error: BaseException) -> int:
    """The exit code for an error: 75 if the store was away or busy or its disk full, else 2."""
    if isinstance(error, UserError):
        return error.exit_code
    if isinstance(error, Exception) and (user_error := to_user_error(error)):
        return user_error.exit_code
    text = f"{getattr(error, 'error_code', '')} {error}"
    return EXIT_TRY_AGAIN if OUTAGE.search(text) else EXIT_INVALID_INPUT


@contextmanager
def report_outages() -> Iterator[None]:
    """Raise a `UserError` if the store is unreachable; usable as a decorator, too."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if exit_code(error) != EXIT_TRY_AGAIN:
            raise
        raise UserError(
            f"the MLflow store does not answer ({error_reason(error)}); try again when it does",
            EXIT_TRY_AGAIN,
            code="store-unreachable",
        ) from None


def _check_sqlite_file(path: Path) -> None:
    """Try to write to a SQLite file, because MLflow retries for 100 s before it gives up."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=DATABASE_LOCK_TIMEOUT_S)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise UserError(
                f"{path} is locked by another program; try again when that has ended",
                EXIT_TRY_AGAIN,
                code="store-locked",
            ) from None
        raise UserError(
            f"{path} cannot be opened ({error_reason(error)}); check that it is a writable file",
            code="store-not-writable",
        ) from None
    except sqlite3.DatabaseError:
        raise UserError(
            f"{path} is not an MLflow database; move it away, and a new one is created",
            code="store-damaged",
        ) from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be created ({error.strerror}); change registry.tracking_uri in "
            "params.yaml",
            code="store-not-writable",
        ) from None


def _check_database_server(uri: str) -> None:
    """Connect to a database server once, because MLflow would retry for 100 s."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    engine.connect().close()
    engine.dispose()


def _set_experiment(client: "MlflowClient", registry: Registry, uri: str) -> None:
    import mlflow

    if client.get_experiment_by_name(registry.experiment) is None:
        root = None if is_server(uri) else artifact_root(registry)
        client.create_experiment(registry.experiment, artifact_location=root)
    mlflow.set_experiment(registry.experiment)


def _store_error(uri: str, error: Exception) -> UserError:
    address, status = without_passwords(uri), exit_code(error)
    if "error code 401" in str(error):
        return UserError(
            f"{address} refuses the user name or the password; set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD",
            status,
            code="store-unauthorized",
        )
    if file_error := to_user_error(error):
        message = f"the MLflow store {address} cannot be written: {file_error}"
        return UserError(message, status, code=file_error.code)
    if "database schema" in str(error):
        return UserError(
            f"{address} has the schema of another MLflow version; if that is older, back the "
            f"store up and run `mlflow db upgrade {address}`, if newer, move it away and register "
            "again",
            status,
            code="store-schema",
        )
    return UserError(
        f"the MLflow store {address} cannot be used ({error_reason(error)}); check "
        "MLFLOW_TRACKING_URI, or registry.tracking_uri in params.yaml",
        status,
        code="store-unreachable" if status == EXIT_TRY_AGAIN else "store-unusable",
    )
