"""A folder to paint in."""

from pathlib import Path

import pytest

from tests.support.models import make_project, noise


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("project"), "transfer", "restore", "portrait")


@pytest.fixture
def folder(tmp_path, models, monkeypatch):
    """The working directory, with all models, two photographs and two styles, and no registry."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    Path("models").symlink_to(models / "models")
    Path("photos").mkdir()
    for seed, name in enumerate(("photos/a.jpg", "photos/b.png", "style.png", "style2.jpg")):
        noise(20, 16, seed=seed).save(name)
    return tmp_path
