"""A project with models in a real registry."""

import os

import pytest

from tests.support.registered_project import copy_registered_project


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def project(shared_folder, tmp_path_factory):
    """A project with two registered models, for all tests of this worker."""
    return copy_registered_project(shared_folder, tmp_path_factory.mktemp("cli") / "project")


@pytest.fixture
def in_project(project, monkeypatch):
    """That project as the working directory."""
    monkeypatch.chdir(project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return project
