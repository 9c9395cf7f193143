"""Starts the scoring server of a model in the registry, or of one in a folder."""

import os
import sys

from stylefuse.config import Registry, Serve
from stylefuse.ports import require_free_port
from stylefuse.registry.fetch import mlflow_model
from stylefuse.registry.integrity.signing import TRUSTED_VARIABLE, trusted_keys
from stylefuse.registry.store import open_store

REQUEST_TIMEOUT_S = 120  # a picture of the largest size may take a minute on a few cores


def serve(registry: Registry, limits: Serve, model: str, host: str, port: int) -> None:
    """Serve a model as `mlflow models serve` does, within limits, until SIGTERM.

    Args:
        registry: where the model is.
        limits: of requests.
        model: `models:/NAME/VERSION`, a folder, or `models:/NAME@ALIAS`, which is followed to
            other versions.
        host: address to listen on.
        port: port to listen on.

    Raises:
        UserError: there is no such model, or the port is in use.
    """
    require_free_port(host, port)
    folder = mlflow_model(model, registry)
    os.environ["MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"] = str(REQUEST_TIMEOUT_S)
    os.environ[TRUSTED_VARIABLE] = " ".join(trusted_keys(registry.trusted_keys))
    say(f"serving {model} at http://{host}:{port}/invocations")
    from stylefuse.serving.app import run, scoring_app

    name, at, alias = model.removeprefix("models:/").partition("@")
    if not model.startswith("models:/") or not at:
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


def say(line: str) -> None:
    """Print a line before the server takes over."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
