"""The store is made on first use; one that cannot be used is told in a sentence, and soon."""

import sqlite3
from pathlib import Path

import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.registry.store import open_store, store_exists, tracking_uri
from tests.test_config import SHIPPED


@pytest.fixture(scope="module")
def registry():
    return load_params(SHIPPED).registry


def test_the_store_and_its_experiment_are_made(project, registry):
    assert not store_exists(registry)
    client = open_store(registry)
    experiment = client.get_experiment_by_name(registry.experiment)
    assert experiment.artifact_location == (project / "mlflow/artifacts").as_uri()
    assert (project / "mlflow/mlflow.db").exists()
    assert store_exists(registry)
    again = open_store(registry).get_experiment_by_name(registry.experiment)
    assert again.experiment_id == experiment.experiment_id


def test_the_environment_wins(project, registry, monkeypatch):
    assert tracking_uri(registry) == f"sqlite:///{project}/mlflow/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri(registry) == "http://127.0.0.1:1"


def words(path: Path):
    path.write_text("no database " * 99)


def newer(path: Path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
        connection.execute("CREATE TABLE experiments (experiment_id INTEGER)")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [(words, "is no MLflow database"), (Path.mkdir, "cannot be opened"), (newer, "MLflow")],
)
def test_a_store_that_is_none(tmp_path, registry, monkeypatch, spoil, complaint):
    path = tmp_path / "odd.db"
    spoil(path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    with pytest.raises(UserError, match=complaint) as error:
        open_store(registry)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_locked_store_may_be_tried_again(tmp_path, registry, monkeypatch):
    monkeypatch.setattr("stylefuse.registry.store.PATIENCE", 0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/busy.db")
    with sqlite3.connect(tmp_path / "busy.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UserError, match="locked by another program") as error:
            open_store(registry)
    assert error.value.exit_code == 75


def test_a_server_that_does_not_answer(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:1 cannot be used"):
        open_store(registry)
