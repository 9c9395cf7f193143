"""MLflow's server as `stylefuse ui` starts it: with a password, or with accounts;
for runs and models only.

MLflow finds it by the entry point "mlflow.app" of this package.
"""

import os
from typing import Any

from stylefuse.serving.mlflow_paths import registry_paths
from stylefuse.serving.mlflow_permissions import apply_grants
from stylefuse.serving.password_check import PasswordCheck

APP_NAME = "stylefuse"  # of the entry point
PASSWORD_VARIABLE = "STYLEFUSE_UI_PASSWORD"  # without it, MLflow's own accounts are asked for
HEALTH_PATH = "/health"


def create_app() -> Any:
    """The ASGI application; uvicorn calls this."""
    _refuse_artifact_locations()
    if password := os.environ.get(PASSWORD_VARIABLE):
        from mlflow.server.fastapi_app import app

        return PasswordCheck(registry_paths(app), password, (HEALTH_PATH,))
    from mlflow.server import auth

    apply_grants()
    return registry_paths(auth.create_app())


def _refuse_artifact_locations() -> None:
    """Let the server alone choose where artifacts are.

    MLflow lets whoever creates an experiment name any folder of the server's machine, and writes
    the artifacts of its runs there.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    create_experiment = SqlAlchemyStore.create_experiment

    def create_in_own_folder(
        store: SqlAlchemyStore, name: str, artifact_location: str | None = None, tags: Any = None
    ) -> str:
        if artifact_location:
            raise MlflowException.invalid_parameter_value(
                "this server chooses where artifacts are; leave artifact_location empty"
            )
        return str(create_experiment(store, name, None, tags))

    SqlAlchemyStore.create_experiment = create_in_own_folder
