"""A project with models in a real registry."""

import pytest

from tests.support.models import make_project, noise
from tests.support.program import stylefuse


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A project with two models that `stylefuse register` put into a registry."""
    folder = make_project(tmp_path_factory.mktemp("project"), "transfer", "portrait")
    for name in ("photo.jpg", "style.png"):
        noise(48, 36, seed=len(name)).save(folder / name)
    registered = stylefuse(folder, "register", "transfer", "portrait")
    assert registered.returncode == 0, registered.stderr
    assert [line.split(" version ")[1] for line in registered.stdout.splitlines()] == [
        "1 (challenger, champion)"
    ] * 2
    return folder
