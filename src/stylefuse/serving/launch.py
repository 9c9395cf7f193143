"""The servers of models and registry, with the right store, on a port that is free."""

import os
import sys

from stylefuse.config import Registry, Serve
from stylefuse.ports import refuse_busy
from stylefuse.registry.fetch import mlflow_model
from stylefuse.registry.integrity.signing import TRUSTED_VARIABLE, trusted_keys
from stylefuse.registry.store import (
    open_store,
)

REQUEST_SECONDS = 120  # a picture of the largest size may take a minute on a few cores


def serve(registry: Registry, limits: Serve, model: str, host: str, port: int) -> None:
    """Answer as `mlflow models serve` does, within limits, until SIGTERM; a name with an alias is
    followed.

    Raises:
        UserError: the model is missing or the port is in use; nothing was started.
    """
    refuse_busy(host, port)
    folder = mlflow_model(model, registry)
    os.environ["MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"] = str(REQUEST_SECONDS)
    os.environ[TRUSTED_VARIABLE] = " ".join(trusted_keys(registry.trusted_keys))
    _say(f"serving {model} at http://{host}:{port}/invocations")
    from stylefuse.serving.app import run, scoring_app

    name, found, alias = model.removeprefix("models:/").partition("@")
    if not model.startswith("models:/") or not found:
        run(lambda: str(folder), scoring_app, host, port, limits)
        return
    client = open_store(registry)
    run(
        lambda: str(client.get_model_version_by_alias(name, alias).version),
        lambda version: scoring_app(f"models:/{name}/{version}"),
        host,
        port,
        limits,
    )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
