"""The store is made on first use; one that cannot be used is told in a sentence, and soon."""

import sqlite3
from pathlib import Path

import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.gate import decide
from stylefuse.registry import fetch, promotion, register
from stylefuse.registry.store import artifact_root, open_store, reason, store_exists, tracking_uri
from tests.support.models import make_model
from tests.unit.test_config import SHIPPED


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
    [(words, "is not an MLflow database"), (Path.mkdir, "cannot be opened"), (newer, "MLflow")],
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
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:1 cannot be used") as error:
        open_store(registry)
    assert error.value.exit_code == 75


def test_a_database_that_does_not_answer(registry, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://someone:secret@127.0.0.1:1/store")
    with pytest.raises(UserError, match=r"someone@127\.0\.0\.1:1/store cannot be used") as error:
        open_store(registry)
    assert error.value.exit_code == 75
    assert "secret" not in str(error.value)


def register_it(params):
    make_model(Path("models/restore"), "restore")
    register.register(params, "restore")


USES = {
    "register": register_it,
    "decide": lambda params: decide.decide(params, "restore"),
    "promote": lambda params: promotion.promote(params.registry, "restore", 1, "why"),
    "rollback": lambda params: promotion.rollback(params.registry, "restore", "why"),
    "find": lambda params: fetch.default_model(params.registry, "restore"),
    "fetch": lambda params: fetch.model_files("models:/stylefuse-restore/1", params.registry),
}


@pytest.mark.parametrize("use", USES)
def test_a_server_that_stops_answering_may_be_tried_again(project, params, monkeypatch, use):
    """It answered once; what is asked of it afterwards is asked for real, and in vain."""
    import mlflow

    gone = "http://127.0.0.1:1"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", gone)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri(gone)
    for module in (register, decide, promotion, fetch):
        opened = f"{module.__name__}.open_store"
        monkeypatch.setattr(opened, lambda registry: mlflow.MlflowClient(gone, gone))
    with pytest.raises(UserError) as error:
        USES[use](params)
    assert error.value.exit_code == 75
    assert "\n" not in str(error.value)


def test_where_files_are_kept(project, registry):
    def root(given):
        return artifact_root(registry.model_copy(update={"artifact_root": given}))

    assert root("some/folder") == (project / "some/folder").as_uri()
    assert root("/a folder") == "file:///a%20folder"
    assert root("s3://bucket/folder") == "s3://bucket/folder"
    assert root(None) is None


def test_no_password_is_told(registry):
    told = reason(OSError("no way to http://me:secret@host/x and http://host/a:b@c"))
    assert told == "no way to http://me@host/x and http://host/a:b@c"
