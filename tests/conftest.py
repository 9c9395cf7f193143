"""Property tests draw the same examples every time, and take as long as a busy machine needs. No
file of tests leaves anything in the environment for the next one in its process."""

import os

import pytest
from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(autouse=True, scope="module")
def own_environment():
    """What runs in a test changes it too: MLflow puts its address into MLFLOW_TRACKING_URI."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
