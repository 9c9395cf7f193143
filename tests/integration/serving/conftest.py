"""The project whose model one scoring server answers with, for all tests of a worker."""

import pytest

from stylefuse.config import load_params
from stylefuse.monitoring.request_log import DEPRECATED_VARIABLE, ENVIRONMENT_VARIABLE
from stylefuse.registry.register import register
from tests.support.models import SHAPES, make_model
from tests.support.registered_project import copy_registered_project
from tests.support.servers import free_port, server


@pytest.fixture(scope="session")
def project(shared_folder, tmp_path_factory):
    """A project with two versions of the transfer model; version 1 is champion."""
    folder = copy_registered_project(shared_folder, tmp_path_factory.mktemp("serving") / "project")
    make_model(folder / "models/transfer", "transfer", **SHAPES["transfer"] | {"blocks": 2})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        register(load_params(), "transfer")
    return folder


@pytest.fixture(scope="session")
def port(project):
    """The port of `stylefuse serve transfer`."""
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(ENVIRONMENT_VARIABLE, raising=False)
        patch.delenv(DEPRECATED_VARIABLE, raising=False)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with server("serve", port, project / "serve.log", "transfer", folder=project):
            yield port


@pytest.fixture
def in_project(project, monkeypatch):
    """The project as the working directory."""
    monkeypatch.chdir(project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return project
