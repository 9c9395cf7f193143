"""The servers of models and registry, with the right store, on a port that is free."""

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from stylefuse.config import Registry
from stylefuse.errors import UserError
from stylefuse.registry.fetch import mlflow_model
from stylefuse.registry.store import SETTINGS, is_server, open_store, tracking_uri

LOOPBACK, UI_PORT = "127.0.0.1", 5000
REQUEST_SECONDS = 120  # a picture of the largest size may take a minute on a few cores


def serve(registry: Registry, model: str, host: str, port: int) -> None:
    """Answer as `mlflow models serve` does, until SIGTERM; a name with an alias is followed.

    Raises:
        UserError: the model is missing or the port is in use; nothing was started.
    """
    refuse_busy(host, port)
    folder = mlflow_model(model, registry)
    os.environ["MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"] = str(REQUEST_SECONDS)
    _say(f"serving {model} at http://{host}:{port}/invocations")
    from stylefuse.serving.app import run, scoring_app

    name, found, alias = model.removeprefix("models:/").partition("@")
    if not model.startswith("models:/") or not found:
        run(lambda: str(folder), scoring_app, host, port)
        return
    client = open_store(registry)
    run(
        lambda: str(client.get_model_version_by_alias(name, alias).version),
        lambda version: scoring_app(f"models:/{name}/{version}"),
        host,
        port,
    )


def ui(registry: Registry, port: int) -> None:
    """Become `mlflow server` on loopback, or say where the store's own server is.

    Raises:
        UserError: the store cannot be opened or the port is in use; nothing was started.
    """
    uri = tracking_uri(registry)
    if is_server(uri):
        _say(f"the store has a server of its own: {uri.rstrip('/')}/#/models")
        return
    refuse_busy(LOOPBACK, port)
    open_store(registry)
    _say(f"the registry: http://{LOOPBACK}:{port}/#/models")
    options = {"backend-store-uri": uri, "host": LOOPBACK, "port": port, "workers": 1}
    if registry.artifact_root:
        options["artifacts-destination"] = str(registry.artifact_root.absolute())
    _become(["server"], options, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")


def refuse_busy(host: str, port: int) -> None:
    """Raise a UserError where a port cannot be listened on."""
    if not 0 < port < 65536:
        raise UserError(f"{port} is no port; give a number from 1 to 65535")
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            probe.bind((host, port))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(
            f"{host}:{port} cannot be used ({why}); end what uses it, or choose another --port"
        ) from None


def _become(command: list[str], options: dict[str, object], **settings: str) -> NoReturn:
    """Replace this process by the `mlflow` of the same environment."""
    programs = Path(sys.executable).parent
    environment = {**SETTINGS, "TF_CPP_MIN_LOG_LEVEL": "2", **os.environ, **settings}
    # MLflow looks up uvicorn by its name
    environment["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    program = str(programs / "mlflow")
    os.execve(program, [program, *command, *flags], environment)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
