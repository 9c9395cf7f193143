"""A project with models in a real registry."""

import pytest

from tests.support.registered_project import copy_registered_project


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
