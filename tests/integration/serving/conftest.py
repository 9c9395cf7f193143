"""The project whose model one scoring server answers with, for all tests of a worker."""

import pytest

from stylefuse.monitoring.request_log import DEPRECATED_VARIABLE, ENVIRONMENT_VARIABLE
from tests.support.registered_project import copy_project_with_two_versions
from tests.support.servers import free_port, server


@pytest.fixture(scope="session")
def project(shared_folder, tmp_path_factory):
    """A project with two versions of the transfer model; version 1 is champion."""
    folder = tmp_path_factory.mktemp("serving") / "project"
    return copy_project_with_two_versions(shared_folder, folder)


@pytest.fixture(scope="session")
def port(project):
    """The port of `stylefuse serve`, which serves the transfer model unless another is named."""
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(ENVIRONMENT_VARIABLE, raising=False)
        patch.delenv(DEPRECATED_VARIABLE, raising=False)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with server("serve", port, project / "serve.log", folder=project):
            yield port


@pytest.fixture
def in_project(project, monkeypatch):
    """The project as the working directory."""
    monkeypatch.chdir(project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return project
