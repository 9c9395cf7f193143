"""The MLflow store: found, made on first use, opened quietly, and its failures told in a sentence.

Importing this module is cheap; MLflow itself is imported when the store is opened.
"""

import fcntl
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.config import Registry
from stylefuse.errors import UserError, file_fault

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = "champion", "challenger"
WEIGHTS_TAG = "stylefuse.weights"  # the content that a run made or a version holds
RUN_TAG = "stylefuse.run_key"  # the training that an MLflow run follows
MODEL_TAG = "stylefuse.model"  # the model that a run trains
TRIED_TAG = "stylefuse.variants"  # of how many variants a version is the best
VERDICT_TAG = "stylefuse.gate.verdict"  # what the gate said of a version, and why
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
AGAIN = 75  # exit code of what may pass when it is tried again
AWAY = re.compile(  # what MLflow, requests, boto3 and psycopg2 say of a server that is not there
    "failed with (timeout )?exception|TEMPORARILY_UNAVAILABLE|Could not connect to the endpoint"
    "|[Cc]onnection (refused|reset|aborted|broken)|server closed the connection|timed out"
)
REFUSED = re.compile(r"HTTPS?ConnectionPool.*\[Errno -?\d+\] ([\w ]+)", re.DOTALL)
PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):[^/@\s]*@")  # and the name before it


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


def require_store(registry: Registry) -> None:
    """See that there is a store to ask, before opening it would make one.

    Raises:
        UserError: there is none yet.
    """
    if not store_exists(registry):
        raise UserError("nothing is registered yet; `make repro` trains models and registers them")


def artifact_root(registry: Registry) -> str | None:
    """Where a store that has no server keeps files, as an address; None where MLflow decides."""
    root = registry.artifact_root
    return root if not root or "://" in root else Path(root).absolute().as_uri()


def open_store(registry: Registry, experiment: bool = True) -> "MlflowClient":
    """Open the store and choose its experiment; make both where they are missing.

    Args:
        registry: tells where the store is.
        experiment: False leaves the experiment to whoever asks a server for it, which then keeps
            the files.

    Returns:
        A client of the store; `mlflow`'s own functions use the same store and experiment.

    Raises:
        UserError: the store cannot be opened, is locked, or is another MLflow version's.
    """
    uri = tracking_uri(registry)
    if not uri.startswith(SQLITE):
        return _opened(registry, uri, experiment)
    path = Path(uri.removeprefix(SQLITE))
    _refuse_unusable(path)
    with registry_lock(path.with_suffix(".lock")):  # two would both make its tables
        return _opened(registry, uri, experiment)


@contextmanager
def registry_lock(lock: Path) -> Iterator[None]:
    """Wait until no other process is in a block with this file; it is made where it is missing."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def _opened(registry: Registry, uri: str, experiment: bool) -> "MlflowClient":
    load_mlflow()
    import mlflow

    try:
        if not (uri.startswith(SQLITE) or is_server(uri)):
            _connect(uri)
        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient()
        if experiment:
            _choose_experiment(client, registry, uri)
        else:
            client.search_experiments(max_results=1)
    except Exception as error:  # drivers, networks and migrations fail with errors of their own
        raise UserError(_explain(uri, error), exit_code(error)) from None
    return client


def load_mlflow() -> None:
    """Import MLflow with the settings that it reads then, and let our sentences tell its errors."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow

    logging.getLogger(mlflow.__name__).setLevel(logging.WARNING)
    for name in ("mlflow.store.db.utils", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def reason(error: BaseException) -> str:
    """The first line of an error, with no password in it, for use inside a sentence."""
    if refused := REFUSED.search(str(error)):
        return refused[1]
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shown(lines[0])[:200].rstrip(".")


def shown(text: str) -> str:
    """A text without the passwords in its addresses."""
    return PASSWORD.sub(r"\1@", text)


def is_missing(error: BaseException) -> bool:
    """Whether MLflow means that there is no such model, version or alias."""
    return getattr(error, "error_code", "") == "RESOURCE_DOES_NOT_EXIST" or bool(
        re.search(r"alias \S+ not found", str(error))
    )


def exit_code(error: BaseException) -> int:
    """What a command that failed ends with: 75 where the store was away or busy or its disk full,
    else 2."""
    if isinstance(error, UserError):
        return error.exit_code
    if isinstance(error, Exception) and (refused := file_fault(error)):
        return refused.exit_code
    told = f"{getattr(error, 'error_code', '')} {error}"
    return AGAIN if AWAY.search(told) else 2


@contextmanager
def report_outages() -> Iterator[None]:
    """Let a store that is away end in a sentence that says so; it decorates functions, too."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if exit_code(error) != AGAIN:
            raise
        raise UserError(f"the MLflow store does not answer ({reason(error)})", AGAIN) from None


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
            f"{path} is not an MLflow database; move it away, and a new one is made"
        ) from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be made ({error.strerror}); change registry.tracking_uri in params.yaml"
        ) from None


def _connect(uri: str) -> None:
    """Ask a database server for a connection once, because MLflow would ask for 100 s."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    engine.connect().close()
    engine.dispose()


def _choose_experiment(client: "MlflowClient", registry: Registry, uri: str) -> None:
    import mlflow

    if client.get_experiment_by_name(registry.experiment) is None:
        root = None if is_server(uri) else artifact_root(registry)
        client.create_experiment(registry.experiment, artifact_location=root)
    mlflow.set_experiment(registry.experiment)


def _explain(uri: str, error: Exception) -> str:
    uri = shown(uri)
    if "error code 401" in str(error):
        return (
            f"{uri} refuses the name or the password; set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD"
        )
    if full := file_fault(error):
        return f"the MLflow store {uri} cannot be written: {full}"
    if "database schema" in str(error):
        return (
            f"{uri} was made by another version of MLflow; if by an older one, back it up and run "
            f"`mlflow db upgrade {uri}`, if by a newer one, move it away and register again"
        )
    return (
        f"the MLflow store {uri} cannot be used ({reason(error)}); check MLFLOW_TRACKING_URI, or "
        "registry.tracking_uri in params.yaml"
    )
