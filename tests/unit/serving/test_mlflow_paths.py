"""MLflow's server answers about runs and models, and about nothing else."""

import pytest

from stylefuse.serving.mlflow_paths import registry_paths
from tests.support.asgi import error_of, request
from tests.unit.serving.test_host_check import app

API = "/api/2.0/mlflow", "/ajax-api/2.0/mlflow", "/api/3.0/mlflow", "/ajax-api/3.0/mlflow"


@pytest.mark.parametrize(
    "path",
    [
        "/", "/health", "/version", "/graphql", "/static-files/main.js", "/signup", "/get-artifact",
        "/model-versions/get-artifact", "/api/2.0/mlflow/runs/create",
        "/ajax-api/2.0/mlflow/registered-models/search", "/api/2.0/mlflow/logged-models/m-1/tags",
        "/ajax-api/2.0/mlflow/upload-artifact", "/api/3.0/mlflow/users/permissions/grant",
        "/api/2.0/mlflow-artifacts/artifacts", "/ajax-api/3.0/mlflow/server-info",
        "/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/traces/a.txt",
        "/api/2.0/mlflow-artifacts/mpu/create/1/run/artifacts/a.txt",
    ],
)  # fmt: skip
def test_runs_and_models_are_open(path):
    assert request(registry_paths(app), path=path)[0] == 200


@pytest.mark.parametrize("api", API)
@pytest.mark.parametrize(
    "path",
    [
        "traces", "traces/tr-1", "traces/tr-1/tags", "traces/search", "get-trace-artifact",
        "get-online-trace-details", "unified-traces", "gateway-proxy", "gateway/secrets/create",
        "webhooks", "assistant/config", "assistant/skills/install", "scorers/register",
        "scorer/invoke", "genai/evaluate/invoke", "jobs/1", "prompt-optimization/jobs", "issues",
        "demo/generate", "mcp-servers", "datasets/create", "runsearch",
    ],
)  # fmt: skip
def test_the_rest_of_mlflow_is_closed(api, path):
    assert error_of(registry_paths(app), path=f"{api}/{path}")[0] == 403


@pytest.mark.parametrize(
    "path",
    [
        "/v1/traces", "/gateway/x/mlflow/invocations", "/ajax-api/3.0/jobs/", "/api/2.0mlflow/x",
        "/api/2.0/mlflow-artifacts/artifacts/top.txt",
        "/api/2.0/mlflow-artifacts/artifacts/../1/a.txt",
        "/api/2.0/mlflow-artifacts/artifacts/%31/a.txt",
        "/ajax-api/2.0/mlflow-artifacts/mpu/create/top.txt",
    ],
)  # fmt: skip
def test_other_doors_are_closed(path):
    assert error_of(registry_paths(app), path=path)[0] == 403
