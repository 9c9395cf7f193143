"""The MLflow UI of the registry: starts `mlflow server` on this machine."""

import os
import secrets
import sys
from pathlib import Path
from typing import NoReturn

from stylefuse.config import Registry
from stylefuse.errors import UserError
from stylefuse.password import read_or_create_password
from stylefuse.paths import REGISTRY_HOME
from stylefuse.ports import LOOPBACK, require_free_port
from stylefuse.registry.store import (
    MLFLOW_SETTINGS,
    SQLITE,
    artifact_root,
    is_server,
    open_store,
    tracking_uri,
    without_passwords,
)
from stylefuse.serving.mlflow_app import APP_NAME, PASSWORD_VARIABLE

AUTH_CONFIG = REGISTRY_HOME / "auth.ini"  # read by MLflow, about accounts
PASSWORD_FILE = REGISTRY_HOME / "auth.password"
# MLflow would let accounts name any bucket that the server has the credentials of
VERSION_SOURCES = r"\A(?:models|runs|mlflow-artifacts):"
# Without it, the server hashes the password of every request, which takes longer than the rest.
# There is one process, which forgets at once what an administrator changes.
PASSWORD_CACHE_S = 300
MIN_PASSWORD_LENGTH = 12  # characters; MLflow refuses shorter ones


def ui(registry: Registry, port: int) -> None:
    """Replace this process by `mlflow server` on loopback, or print where the store's server is.

    With `registry.auth` the server has accounts and stores the artifacts, too. Without, it asks for
    the password in `PASSWORD_FILE`, and programs on this machine read and write the store directly.

    Raises:
        UserError: the store cannot be opened, the port is in use, or the administrator has no
            password; nothing was started.
    """
    uri = tracking_uri(registry)
    if is_server(uri):
        _print(f"the store has a server of its own: {without_passwords(uri).rstrip('/')}/#/models")
        return
    require_free_port(LOOPBACK, port)
    if registry.auth:
        auth_settings, hint = _configure_auth(uri), ""
    else:
        auth_settings = {PASSWORD_VARIABLE: read_or_create_password(PASSWORD_FILE)}
        hint = f"\nsign in with any name and the password in {PASSWORD_FILE}"
    open_store(registry, experiment=uri.startswith(SQLITE) and not registry.auth)
    _print(f"the registry: http://{LOOPBACK}:{port}/#/models{hint}")
    options = {"host": LOOPBACK, "port": port, "workers": 1, "app-name": APP_NAME}
    if root := artifact_root(registry):
        options["artifacts-destination"] = root
    settings = auth_settings | {
        # not an option: every user of the machine can read a command line, and with it a password
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_SERVER_ALLOWED_HOSTS": _allowed_hosts(port),
    }
    _become_mlflow("server", options, settings)


def _allowed_hosts(port: int) -> str:
    """Host headers that the server accepts; MLflow's default would accept every host name that
    begins like a private address, such as `192.168.example.org`."""
    own = [f"{name}:{port}" for name in (LOOPBACK, "localhost")]
    return ",".join([*own, *filter(None, [os.environ.get("MLFLOW_SERVER_ALLOWED_HOSTS")])])


def _configure_auth(uri: str) -> dict[str, str]:
    """Write MLflow's file about users and permissions; return the environment that names it."""
    if len(os.environ.get("MLFLOW_AUTH_ADMIN_PASSWORD", "")) < MIN_PASSWORD_LENGTH:
        raise UserError(
            "registry.auth is on: set MLFLOW_AUTH_ADMIN_PASSWORD, the administrator's password, "
            f"to at least {MIN_PASSWORD_LENGTH} characters",
            code="admin-password-missing",
        )
    users_uri = uri
    if uri.startswith(SQLITE):
        path = Path(uri.removeprefix(SQLITE)).with_name("auth.db")
        _private_file(path)
        users_uri = f"{SQLITE}{path}"
    settings = {
        "database_uri": users_uri,
        "default_permission": "EDIT",
        "admin_username": "admin",
        "auth_cache_ttl_seconds": PASSWORD_CACHE_S,
    }
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    _private_file(AUTH_CONFIG).write_text("[mlflow]\n" + "".join(lines).replace("%", "%%"))
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(AUTH_CONFIG.absolute()),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(32),  # signs the forms of the pages
        "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX": VERSION_SOURCES,
    }


def _private_file(path: Path) -> Path:
    """A file that only its owner may read; created if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    path.chmod(0o600)
    return path


def _become_mlflow(command: str, options: dict[str, object], settings: dict[str, str]) -> NoReturn:
    """Replace this process by the `mlflow` program of the same environment."""
    programs = Path(sys.executable).parent
    environment = {**MLFLOW_SETTINGS, "TF_CPP_MIN_LOG_LEVEL": "2", **os.environ, **settings}
    # MLflow looks for uvicorn in PATH
    environment["PATH"] = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    program = str(programs / "mlflow")
    os.execve(program, [program, command, *flags], environment)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # before the process is replaced
