"""Which model paints by default: the champion, the last training, or the shipped weights."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.loading import load_model, locate_model
from stylefuse.painting.model_location import remember_champion, remembered_champion
from stylefuse.paths import CHAMPIONS
from stylefuse.registry.promotion import promote
from tests.support.models import make_model
from tests.support.registered_project import copy_project_with_two_versions


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty folder as the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def project(empty, shared_folder, monkeypatch):
    """A project whose transfer model has two versions; the first is champion."""
    folder = copy_project_with_two_versions(shared_folder, empty / "project")
    monkeypatch.chdir(folder)
    return folder


def test_without_a_registry_the_last_training_paints(empty, monkeypatch):
    shipped = empty / "shipped"
    monkeypatch.setattr("stylefuse.painting.model_location.SHIPPED_MODELS", shipped)
    with pytest.raises(UserError, match="there is no restore model yet") as error:
        locate_model("restore")
    assert error.value.code == "model-missing"
    for folder in (shipped / "restore", Path("models/base/restore"), Path("models/restore")):
        make_model(folder, "restore")
        assert locate_model("restore").folder == folder
    loaded = load_model("restore")
    assert loaded.origin == {
        "name": "restore", "folder": "models/restore", "sha256": loaded.predictor.model.weights,
    }  # fmt: skip


def test_a_folder_of_another_model_is_refused(empty):
    make_model(empty / "a", "restore")
    with pytest.raises(UserError, match="a is a restore model; name a transfer model") as error:
        load_model("transfer", "a")
    assert error.value.code == "model-of-another-task"
    with pytest.raises(UserError, match="there is no folder b") as error:
        load_model("transfer", "b")
    assert error.value.code == "model-missing"


def test_the_champion_is_remembered_until_it_changes(project):
    first = locate_model("transfer")
    assert first.origin == {"version": "stylefuse-transfer/1"}
    assert CHAMPIONS.exists()
    # MLflow has set the variable in this process
    users = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    program = """
import sys
from stylefuse.loading import locate_model
assert locate_model("transfer").origin == {"version": "stylefuse-transfer/1"}
assert not {"mlflow", "stylefuse.registry", "pydantic"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, env=users)
    program = """
from stylefuse.painting.model_location import remembered_champion
assert remembered_champion("transfer") is None
"""
    other = users | {"MLFLOW_TRACKING_URI": "sqlite:///other.db"}
    subprocess.run([sys.executable, "-c", program], check=True, env=other)
    promote(load_params().registry, "transfer", 2, "a test")
    assert locate_model("transfer").origin == {"version": "stylefuse-transfer/2"}


def test_a_remembered_champion_whose_files_were_altered_is_verified_again(project):
    folder = locate_model("transfer").folder
    assert remembered_champion("transfer") is not None
    graph = folder / "decoder.onnx"
    before = graph.stat()
    graph.chmod(0o644)
    graph.write_bytes(graph.read_bytes()[:-1] + b"!")
    os.utime(graph, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert remembered_champion("transfer") is None
    with pytest.raises(UserError, match=r"decoder\.onnx"):
        locate_model("transfer")


def test_a_champion_that_changed_while_it_was_verified_is_not_remembered(project):
    location = locate_model("transfer")
    CHAMPIONS.unlink()
    remember_champion("transfer", location, Path("mlflow/mlflow.db"), verified_ns=0)
    assert remembered_champion("transfer") is None


def test_a_damaged_memory_is_ignored(project):
    CHAMPIONS.parent.mkdir(exist_ok=True)
    for text in ("", "[]", '{"store": 3, "state": []}'):
        CHAMPIONS.write_text(text)
        assert locate_model("transfer").origin == {"version": "stylefuse-transfer/1"}
