"""The store is created on first use; one that cannot be used is reported soon, in one line."""

import sqlite3
from pathlib import Path

import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.gate import decide
from stylefuse.registry import fetch, promotion, register
from stylefuse.registry.store import (
    artifact_root,
    error_reason,
    open_store,
    require_store,
    store_exists,
    tracking_uri,
)
from tests.support.models import make_model
from tests.unit.test_config import SHIPPED


@pytest.fixture(scope="module")
def registry():
    return load_params(SHIPPED).registry


def test_the_store_and_its_experiment_are_created(empty_folder, registry):
    assert not store_exists(registry)
    with pytest.raises(UserError) as error:
        require_store(registry)
    assert error.value.code == "store-missing"
    client = open_store(registry)
    experiment = client.get_experiment_by_name(registry.experiment)
    assert experiment.artifact_location == (empty_folder / "mlflow/artifacts").as_uri()
    assert (empty_folder / "mlflow/mlflow.db").exists()
    assert store_exists(registry)
    reopened = open_store(registry).get_experiment_by_name(registry.experiment)
    assert reopened.experiment_id == experiment.experiment_id


def test_a_path_that_an_address_cannot_hold_is_refused(empty_folder, registry, monkeypatch):
    (empty_folder / "really?").mkdir()
    monkeypatch.chdir(empty_folder / "really?")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it
    with pytest.raises(UserError, match="has a question mark") as error:
        open_store(registry)
    assert error.value.code == "store-path-invalid"
    assert not (empty_folder / "really").exists()


def test_the_environment_variable_wins(empty_folder, registry, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri(registry) == f"sqlite:///{empty_folder}/mlflow/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri(registry) == "http://127.0.0.1:1"


def write_words(path: Path):
    path.write_text("no database " * 99)


def write_newer_schema(path: Path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
        connection.execute("CREATE TABLE experiments (experiment_id INTEGER)")


@pytest.mark.parametrize(
    ("make_path", "code"),
    [
        (write_words, "store-damaged"),
        (Path.mkdir, "store-not-writable"),
        (write_newer_schema, "store-unusable"),
    ],
)
def test_a_path_that_is_not_a_store(tmp_path, registry, monkeypatch, make_path, code):
    path = tmp_path / "odd.db"
    make_path(path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    with pytest.raises(UserError) as error:
        open_store(registry)
    assert error.value.code == code
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_locked_store_can_be_tried_again(tmp_path, registry, monkeypatch):
    monkeypatch.setattr("stylefuse.registry.store.DATABASE_LOCK_TIMEOUT_S", 0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/busy.db")
    with sqlite3.connect(tmp_path / "busy.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError) as error:
            open_store(registry)
    assert (error.value.code, error.value.exit_code) == ("store-locked", 75)


def test_a_server_that_does_not_answer(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError) as error:
        open_store(registry)
    assert (error.value.code, error.value.exit_code) == ("store-unreachable", 75)
    assert str(error.value) == (
        "the MLflow store http://127.0.0.1:1 cannot be used (Connection refused); check "
        "MLFLOW_TRACKING_URI, or registry.tracking_uri in params.yaml"
    )


def test_a_database_server_that_does_not_answer(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://someone:secret@127.0.0.1:1/store")
    with pytest.raises(UserError, match=r"someone@127\.0\.0\.1:1/store") as error:
        open_store(registry)
    assert (error.value.code, error.value.exit_code) == ("store-unreachable", 75)
    assert "secret" not in str(error.value)


def register_model(params):
    make_model(Path("models/restore"), "restore")
    register.register(params, "restore")


USES = {
    "register": register_model,
    "decide": lambda params: decide.decide(params, "restore"),
    "promote": lambda params: promotion.promote(params.registry, "restore", 1, "why"),
    "rollback": lambda params: promotion.rollback(params.registry, "restore", "why"),
    "find": lambda params: fetch.champion_location("restore", params.registry),
    "fetch": lambda params: fetch.model_files("models:/stylefuse-restore/1", params.registry),
}


@pytest.mark.parametrize("use", USES)
def test_a_server_that_stops_answering_can_be_tried_again(empty_folder, params, monkeypatch, use):
    """The store opens, but the requests after that are sent to a port where nothing listens."""
    import mlflow

    address = "http://127.0.0.1:1"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri(address)
    for module in (register, decide, promotion, fetch):
        name = f"{module.__name__}.open_store"
        monkeypatch.setattr(name, lambda registry: mlflow.MlflowClient(address, address))
    with pytest.raises(UserError) as error:
        USES[use](params)
    assert (error.value.code, error.value.exit_code) == ("store-unreachable", 75)
    assert "\n" not in str(error.value)


def test_where_artifacts_are_stored(empty_folder, registry):
    def root(configured):
        return artifact_root(registry.model_copy(update={"artifact_root": configured}))

    assert root("some/folder") == (empty_folder / "some/folder").as_uri()
    assert root("/a folder") == "file:///a%20folder"
    assert root("s3://bucket/folder") == "s3://bucket/folder"
    assert root(None) is None


def test_no_message_has_a_password():
    reason = error_reason(OSError("no way to http://me:secret@host/x and http://host/a:b@c"))
    assert reason == "no way to http://me@host/x and http://host/a:b@c"
