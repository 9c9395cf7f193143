"""Starts the scoring server of a model in the registry, or of one in a folder."""

import os
import shutil
import sys
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.allocator import return_large_blocks, trim_regularly
from stylefuse.config import Registry, Serve
from stylefuse.ports import require_free_port
from stylefuse.registry.fetch import (
    MODELS_URI,
    challenger_version,
    resolve_alias,
    verified_copy,
)
from stylefuse.registry.store import CHAMPION
from stylefuse.serving.alias_follower import AliasFollower
from stylefuse.serving.host_check import ASGIApp

if TYPE_CHECKING:
    from stylefuse.serving.gradual_release import GradualRelease

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
    from stylefuse.serving.app import run

    with tempfile.TemporaryDirectory(prefix="stylefuse-serve-") as private:
        app = load_app(registry, limits, model, Path(private))
        say(f"serving {model} at http://{host}:{port}/invocations")
        run(app, host, port, limits)


def load_app(
    registry: Registry, limits: Serve, model: str, private: Path
) -> "AliasFollower | GradualRelease":
    """The application that answers with a model, and with its challenger if `limits` say so.

    Args:
        registry: where the model is.
        limits: of requests.
        model: see `serve`.
        private: an empty folder for copies of versions.
    """
    from stylefuse.serving.gradual_release import GradualRelease

    name, at, alias = model.removeprefix(MODELS_URI).partition("@")
    follows = model.startswith(MODELS_URI) and bool(at)
    mode = limits.challenger.mode
    numbers = count()  # two threads load versions

    def resolve() -> str:
        return resolve_alias(model, registry).rpartition("/")[2] if follows else model

    def load(version: str, is_shadow: bool = False) -> ASGIApp:
        uri = f"{MODELS_URI}{name}/{version}" if follows else model
        return load_copy(uri, registry, limits, private / str(next(numbers)), is_shadow)

    def load_challenger(version: str) -> ASGIApp:
        return load(version, is_shadow=mode == "shadow") if version else champion

    champion = AliasFollower(resolve, load)
    if mode == "none" or not follows or alias != CHAMPION:
        return champion
    challenger = AliasFollower(
        lambda: challenger_version(model, registry), load_challenger, version=""
    )
    return GradualRelease(champion, challenger, limits.challenger)


def load_copy(
    model: str, registry: Registry, limits: Serve, folder: Path, is_shadow: bool = False
) -> ASGIApp:
    """The scoring application of a verified copy; a failure leaves no folder.

    An alias is looked up again and again: copies of a version that is refused would fill the disk.

    Args:
        model: see `verified_copy`.
        registry: where the model is.
        limits: of requests.
        folder: of the copy; it does not exist yet.
        is_shadow: see `scoring_app`.

    Raises:
        UserError: see `verified_copy` and `scoring_app`.
    """
    from stylefuse.serving.app import scoring_app

    try:
        return scoring_app(verified_copy(model, registry, folder), limits, is_shadow)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def say(line: str) -> None:
    """Print a line before the server takes over."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
