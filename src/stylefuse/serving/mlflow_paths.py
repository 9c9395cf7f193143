"""The paths of MLflow's server that the registry needs; the others are closed.

MLflow's server can do more than keep runs and models: it stores traces, calls language models and
webhooks, runs jobs, and has an assistant. Some of that lets whoever has an account name a file or
an address that the server then reads.
"""

import re

from stylefuse.serving.host_check import ASGIApp
from stylefuse.serving.path_check import PathCheck

FAMILIES = (
    "experiments", "runs", "metrics", "artifacts", "upload-artifact", "logged-models",
    "registered-models", "model-versions", "users", "roles", "server-info", "ui-telemetry",
)  # fmt: skip
OPEN = (
    re.compile(r"(?!/api/|/ajax-api/|/gateway(?:/|$)|/v1/).*", re.DOTALL),  # the user interface
    re.compile(rf"/(?:ajax-)?api/\d\.0/mlflow/(?:{'|'.join(FAMILIES)})(?:/.*)?", re.DOTALL),
    # artifacts are in the folders of experiments; no permissions are about others
    re.compile(r"/(?:ajax-)?api/2\.0/mlflow-artifacts/(?:artifacts|mpu/\w+|presigned)/\d+/.+"),
    re.compile(r"/(?:ajax-)?api/2\.0/mlflow-artifacts/artifacts"),  # lists a folder
)
CLOSED_MESSAGE = "this server keeps runs and models; the rest of MLflow is closed"


def registry_paths(app: ASGIApp) -> PathCheck:
    """MLflow's server with the paths of the registry; the others are answered 403.

    Args:
        app: MLflow's application.
    """
    return PathCheck(app, _is_open, 403, CLOSED_MESSAGE)


def _is_open(path: str) -> bool:
    return any(pattern.fullmatch(path) for pattern in OPEN)
