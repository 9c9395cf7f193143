"""Settings of all tests: reproducible property tests, and an environment that no module changes.

Hypothesis draws the same examples every time and sets no deadline, for the sake of busy machines.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("reproducible", deadline=None, derandomize=True)
settings.load_profile("reproducible")


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(autouse=True, scope="module")
def restored_environment():
    """Restore the environment after each module: MLflow, for one, sets MLFLOW_TRACKING_URI."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
