"""`stylefuse ui` by default: other users of the machine are asked for a password."""

import itertools

import pytest
import requests

from stylefuse.config import load_params
from stylefuse.registry.store import open_store
from stylefuse.serving.mlflow_ui import PASSWORD_FILE
from tests.support.models import make_project
from tests.support.servers import free_port, ui


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = make_project(tmp_path_factory.mktemp("ui"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        port = free_port()
        with ui(port, folder / "ui.log"):
            assert f"the password in {PASSWORD_FILE}" in (folder / "ui.log").read_text()
            yield f"http://127.0.0.1:{port}"


@pytest.fixture
def owner(address):
    return "me", PASSWORD_FILE.read_text().strip()


PATHS = [
    "/", "/graphql", "/version", "/metrics", "/get-artifact", "/v1/traces", "/docs", "/signup",
    "/api/2.0/mlflow/registered-models/search", "/api/2.0/mlflow-artifacts/artifacts",
    "/ajax-api/2.0/mlflow/experiments/search", "/ajax-api/2.0/mlflow/upload-artifact",
    "/ajax-api/3.0/mlflow/assistant/status", "/ajax-api/3.0/jobs/", "/gateway/x/mlflow/invocations",
]  # fmt: skip


@pytest.mark.parametrize(("path", "method"), itertools.product(PATHS, ["GET", "POST", "DELETE"]))
def test_nothing_is_answered_without_the_password(address, path, method):
    for credentials in (None, ("admin", "password1234"), ("", "")):
        answer = requests.request(method, address + path, auth=credentials)
        assert answer.status_code == 401, answer.text


def test_the_owner_sees_the_registry(address, owner):
    assert "MLflow" in requests.get(address, auth=owner).text
    answer = requests.get(f"{address}/api/2.0/mlflow/registered-models/search", auth=owner)
    assert answer.status_code == 200
    assert PASSWORD_FILE.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("key", ["artifact_location", "artifactLocation"])
def test_no_experiment_writes_elsewhere(address, owner, key, tmp_path):
    for prefix in ("api", "ajax-api"):
        answer = requests.post(
            f"{address}/{prefix}/2.0/mlflow/experiments/create",
            json={"name": "theirs", key: tmp_path.as_uri()},
            auth=owner,
        )
        assert answer.status_code == 400
        assert "leave artifact_location empty" in answer.json()["message"]
    assert open_store(load_params().registry).get_experiment_by_name("theirs") is None
    named = {"name": f"ours, not {key}"}
    answer = requests.post(f"{address}/api/2.0/mlflow/experiments/create", json=named, auth=owner)
    assert answer.status_code == 200
