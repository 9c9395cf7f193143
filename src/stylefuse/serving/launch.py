"""Starts the scoring server of a model in the registry, or of one in a folder."""

import os
import sys
import tempfile
from itertools import count
from pathlib import Path

from stylefuse.allocator import return_large_blocks, trim_regularly
from stylefuse.config import Registry, Serve
from stylefuse.ports import require_free_port
from stylefuse.registry.fetch import MODELS_URI, resolve_alias, verified_copy
from stylefuse.serving.alias_follower import AliasFollower
from stylefuse.serving.host_check import ASGIApp

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
        UserError: there is no such model, it does not match its signature, or the port is in use.
    """
    require_free_port(host, port)
    return_large_blocks()
    trim_regularly()
    os.environ["MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"] = str(REQUEST_TIMEOUT_S)
    from stylefuse.serving.app import run, scoring_app

    name, at, _ = model.removeprefix(MODELS_URI).partition("@")
    follows = model.startswith(MODELS_URI) and bool(at)

    def resolve() -> str:
        return resolve_alias(model, registry).rpartition("/")[2] if follows else model

    with tempfile.TemporaryDirectory(prefix="stylefuse-serve-") as private:
        folders = (Path(private) / str(number) for number in count())

        def load(version: str) -> ASGIApp:
            uri = f"{MODELS_URI}{name}/{version}" if follows else model
            return scoring_app(verified_copy(uri, registry, next(folders)), limits)

        app = AliasFollower(resolve, load)
        say(f"serving {model} at http://{host}:{port}/invocations")
        run(app, host, port, limits)


def say(line: str) -> None:
    """Print a line before the server takes over."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
