"""A clone of the project whose pipeline has run, and commands in it."""

import functools

import pytest

from tests.support import clone


@pytest.fixture(scope="module")
def project(shared_folder, tmp_path_factory):
    """A copy for the tests of one file, which run in order and may change it."""
    return clone.copy_finished_project(
        shared_folder, tmp_path_factory.mktemp("pipeline") / "project"
    )


@pytest.fixture(scope="module")
def run(project):
    """A function that runs a command in the clone."""
    return functools.partial(clone.run, project)
