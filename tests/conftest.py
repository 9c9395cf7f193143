"""Settings of all tests: their order, reproducible property tests, an environment that no module
changes.

Hypothesis draws the same examples every time and sets no deadline, for the sake of busy machines.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("reproducible", deadline=None, derandomize=True)
settings.load_profile("reproducible")

# What takes longest starts first, so that no worker is left alone with it at the end. The second
# and the third do not need the finished project, which the first one makes.
LONGEST = (
    "e2e/test_reproduce.py", "e2e/training/test_multi_step.py", "e2e/test_light_install.py",
    "e2e/flows/test_deployments.py", "e2e/web/test_page.py", "e2e/training/test_filters.py",
    "integration/training", "integration/registry/test_concurrent_registration.py",
    "e2e/flows", "e2e",
    "integration/registry", "integration/serving", "integration",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Put the tests of the longest files first."""
    folder = Path(__file__).parent

    def rank(item):
        path = item.path.relative_to(folder).as_posix()
        return next((i for i, start in enumerate(LONGEST) if path.startswith(start)), len(LONGEST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(autouse=True, scope="module")
def restored_environment():
    """Restore the environment after each module, and let MLflow forget the store it was given."""
    before = dict(os.environ)
    yield
    if mlflow := sys.modules.get("mlflow"):
        mlflow.set_tracking_uri(None)
    os.environ.clear()
    os.environ.update(before)
