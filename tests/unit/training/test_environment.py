"""The environment of a training: recorded for its weights, with what the backend really uses."""

import keras
import numpy as np
import pytest

from stylefuse.training.environment import environment, read_environment, write_environment


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_environment_names_machine_devices_and_versions():
    facts = environment()
    assert facts["backend"] == keras.backend.backend() == "tensorflow"
    assert facts["versions"]["keras"] == keras.__version__
    assert facts["versions"]["numpy"] == np.__version__
    assert facts["versions"]["tensorflow-cpu"]
    assert "jax" not in facts["versions"]  # it is installed here, but does not train
    assert facts["hardware"]["processor"]
    assert facts["hardware"]["cores"] >= 1
    assert facts["hardware"]["memory_gib"] > 0
    assert any(device.startswith("cpu:") for device in facts["hardware"]["devices"])


def test_the_environment_is_read_for_the_weights_that_were_trained_in_it():
    write_environment("restore", "1234")
    assert read_environment("restore", "1234") == environment()
    assert read_environment("restore", "5678") is None  # of another training
    assert read_environment("transfer", "1234") is None


def test_a_damaged_file_counts_as_missing(tmp_path):
    write_environment("restore", "1234")
    (tmp_path / "reports/environments/restore.json").write_text("{")
    assert read_environment("restore", "1234") is None
    (tmp_path / "reports/environments/restore.json").write_text("[]")
    assert read_environment("restore", "1234") is None
