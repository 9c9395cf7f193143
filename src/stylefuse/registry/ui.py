"""TODO docstring."""

import os
import secrets
import sys
from pathlib import Path
from typing import NoReturn

from stylefuse.config import Registry
from stylefuse.errors import UserError
from stylefuse.ports import LOOPBACK, refuse_busy
from stylefuse.registry.store import (
    SETTINGS,
    SQLITE,
    artifact_root,
    is_server,
    open_store,
    shown,
    tracking_uri,
)
from stylefuse.serving.launch import _say

AUTH = Path("mlflow/auth.ini")  # MLflow's own file of settings for it


SHORTEST_PASSWORD = 12  # characters, that MLflow accepts


def ui(registry: Registry, port: int) -> None:
    """Become `mlflow server` on loopback, or say where the store's own server is.

    A server that is a team's keeps the files, too; where it is this machine's alone, programs
    read and write them without it.

    Raises:
        UserError: the store cannot be opened, the port is in use, or the administrator has no
            password; nothing was started.
    """
    uri = tracking_uri(registry)
    if is_server(uri):
        _say(f"the store has a server of its own: {shown(uri).rstrip('/')}/#/models")
        return
    refuse_busy(LOOPBACK, port)
    access = _access(uri) if registry.auth else {}
    open_store(registry, experiment=uri.startswith(SQLITE) and not registry.auth)
    _say(f"the registry: http://{LOOPBACK}:{port}/#/models")
    options = {"host": LOOPBACK, "port": port, "workers": 1}
    if root := artifact_root(registry):
        options["artifacts-destination"] = root
    if access:
        options["app-name"] = "basic-auth"
    # every user of the machine can read a command line, so the address is none of the options
    access |= {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    access["MLFLOW_SERVER_ALLOWED_HOSTS"] = _names(port)
    _become(["server"], options, **access)


def _names(port: int) -> str:
    """What the server may be called by: MLflow itself would take `192.168.example.org` for one of
    its own network."""
    own = [f"{name}:{port}" for name in (LOOPBACK, "localhost")]
    return ",".join([*own, *filter(None, [os.environ.get("MLFLOW_SERVER_ALLOWED_HOSTS")])])


def _access(uri: str) -> dict[str, str]:
    """Write down where users are kept and what they may; return what else MLflow must be told."""
    if len(os.environ.get("MLFLOW_AUTH_ADMIN_PASSWORD", "")) < SHORTEST_PASSWORD:
        raise UserError(
            "registry.auth is on: set MLFLOW_AUTH_ADMIN_PASSWORD, the administrator's password, "
            f"of at least {SHORTEST_PASSWORD} characters"
        )
    users = uri
    if uri.startswith(SQLITE):
        path = Path(uri.removeprefix(SQLITE)).with_name("auth.db")
        _private(path)
        users = f"{SQLITE}{path}"
    settings = f"database_uri = {users}\ndefault_permission = EDIT\nadmin_username = admin\n"
    _private(AUTH).write_text("[mlflow]\n" + settings.replace("%", "%%"))
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(AUTH.absolute()),
        # signs the pages' forms; a new one with every start does
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(32),
    }


def _private(path: Path) -> Path:
    """A file that only its owner may read, made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    path.chmod(0o600)
    return path


def _become(command: list[str], options: dict[str, object], **settings: str) -> NoReturn:
    """Replace this process by the `mlflow` of the same environment."""
    programs = Path(sys.executable).parent
    environment = {**SETTINGS, "TF_CPP_MIN_LOG_LEVEL": "2", **os.environ, **settings}
    # MLflow looks up uvicorn by its name
    environment["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    program = str(programs / "mlflow")
    os.execve(program, [program, *command, *flags], environment)
